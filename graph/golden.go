package graph

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Golden returns the graph as text for files under version control, made so that a diff shows what a change does: a
// paragraph for each resource, a line for each property, JSON documents laid out, providers by name and place, other
// resources by type and name, and of the outputs only what the inputs don't say.
func (g *Graph) Golden() []byte {
	w := &goldenWriter{g: g, labels: g.labels()}
	fmt.Fprintf(&w.b, "project %s, stack %s: %d resources\n", g.Project, g.Stack, len(g.Resources))
	for _, r := range g.inReadingOrder() {
		w.resource(r)
	}
	if len(g.Outputs) > 0 {
		w.b.WriteString("\nstack outputs\n")
		for _, p := range flatten(g.Outputs) {
			w.property("out", p)
		}
	}
	return w.b.Bytes()
}

// inReadingOrder puts provider instances first, and each component's resources after it.
func (g *Graph) inReadingOrder() []*Resource {
	rank := make(map[*Resource]string, len(g.Resources))
	for _, r := range g.Resources {
		rank[r] = "1" + g.path(r)
		if r.IsProvider() {
			rank[r] = "0" + r.Name
		}
	}
	ordered := slices.Clone(g.Resources)
	slices.SortStableFunc(ordered, func(a, b *Resource) int { return strings.Compare(rank[a], rank[b]) })
	return ordered
}

// path is the way from the stack to the resource by names and types; a component comes before what it contains.
func (g *Graph) path(r *Resource) string {
	own := r.Name + "\x01" + r.Type
	if parent, ok := g.byURN[r.Parent]; ok {
		return g.path(parent) + "\x00" + own
	}
	return own
}

// labels gives each resource a short name by URN: type and name, and in front of them the components that it is in
// where that isn't unique.
func (g *Graph) labels() map[string]string {
	uses := map[string]int{}
	for _, r := range g.Resources {
		uses[r.Type+" "+r.Name]++
	}
	labels := make(map[string]string, len(g.Resources))
	for _, r := range g.Resources {
		label := r.Type + " " + r.Name
		if parent, ok := g.byURN[r.Parent]; ok && uses[label] > 1 {
			label = parent.Name + "/" + label
		}
		labels[r.URN] = label
	}
	return labels
}

type goldenWriter struct {
	b      bytes.Buffer
	g      *Graph
	labels map[string]string
}

// label returns a resource's short name; the URN for what isn't in the graph.
func (w *goldenWriter) label(urn string) string {
	if label, ok := w.labels[urn]; ok {
		return label
	}
	return urn
}

func (w *goldenWriter) resource(r *Resource) {
	fmt.Fprintf(&w.b, "\n%s\n", w.label(r.URN))
	if parent, ok := w.g.byURN[r.Parent]; ok {
		w.line("in", w.label(parent.URN))
	}
	switch provider, ok := w.g.byURN[r.Provider]; {
	case r.IsProvider():
		w.line("at", r.Place.String())
	case ok:
		w.line("by", fmt.Sprintf("%s %s", provider.Name, r.Place))
	case r.Custom:
		w.line("by", "the default provider")
	}
	if options := r.options(); len(options) > 0 {
		w.line("with", strings.Join(options, ", "))
	}
	for _, dep := range r.Dependencies {
		w.line("after", w.label(dep)+r.why(dep))
	}
	if r.Custom && !r.IsProvider() {
		w.line("id", r.ID)
	}
	for _, p := range flatten(r.Inputs) {
		w.property("set", p)
	}
	for _, p := range computed(r) {
		w.property("gets", p)
	}
}

// line writes one line of a paragraph.
func (w *goldenWriter) line(what, text string) { fmt.Fprintf(&w.b, "  %-5s %s\n", what, text) }

// property writes a property, and below it the document that it holds.
func (w *goldenWriter) property(what string, p pathValue) {
	if doc, ok := embedded(p.value); ok {
		w.line(what, p.path+" =")
		for line := range strings.Lines(doc) {
			fmt.Fprintf(&w.b, "          %s\n", strings.TrimRight(line, "\n"))
		}
		return
	}
	text, err := encode(plain(p.value), "")
	if err != nil {
		text = []byte(strconv.Quote(err.Error()))
	}
	w.line(what, p.path+" = "+strings.TrimRight(string(text), "\n"))
}

// options names the options of a resource that differ from the usual.
func (r *Resource) options() []string {
	var names []string
	for _, o := range []struct {
		name string
		set  bool
	}{{"protect", r.Protect}, {"retain on delete", r.RetainOnDelete}, {"delete before replace", r.DeleteBeforeReplace}} {
		if o.set {
			names = append(names, o.name)
		}
	}
	if len(r.IgnoreChanges) > 0 {
		names = append(names, "ignore changes of "+strings.Join(r.IgnoreChanges, " "))
	}
	return names
}

// why names the inputs that make a dependency; nothing for one of DependsOn.
func (r *Resource) why(dep string) string {
	var by []string
	for property, urns := range r.PropertyDependencies {
		if slices.Contains(urns, dep) {
			by = append(by, property)
		}
	}
	if len(by) == 0 {
		return ""
	}
	slices.Sort(by)
	return " for " + strings.Join(by, ", ")
}

// computed returns the outputs that the inputs don't already say. tagsAll is left out: the resource's tags and those of
// its provider instance say the same, and a change of those would be seen at every resource.
func computed(r *Resource) []pathValue {
	given := map[string]resource.PropertyValue{}
	for _, p := range flatten(r.Inputs) {
		given[p.path] = p.value
	}
	return slices.DeleteFunc(flatten(r.Outputs), func(p pathValue) bool {
		in, ok := given[p.path]
		return ok && in.DeepEquals(p.value) || p.path == "tagsAll" || strings.HasPrefix(p.path, "tagsAll.")
	})
}

// pathValue is a scalar, an empty list or an empty object, with its path.
type pathValue struct {
	path  string
	value resource.PropertyValue
}

// flatten returns the leaves of a property map, sorted by path.
func flatten(m resource.PropertyMap) []pathValue {
	var leaves []pathValue
	for _, k := range m.StableKeys() {
		leaves = append(leaves, leavesOf(string(k), m[k])...)
	}
	return leaves
}

func leavesOf(path string, v resource.PropertyValue) []pathValue {
	var leaves []pathValue
	switch {
	case v.IsArray() && len(v.ArrayValue()) > 0:
		for i, e := range v.ArrayValue() {
			leaves = append(leaves, leavesOf(path+"["+strconv.Itoa(i)+"]", e)...)
		}
	case v.IsObject() && len(v.ObjectValue()) > 0:
		for _, p := range flatten(v.ObjectValue()) {
			p.path = path + "." + p.path
			leaves = append(leaves, p)
		}
	default:
		leaves = append(leaves, pathValue{path, v})
	}
	return leaves
}

// embedded returns the JSON object or array that a string holds, laid out.
func embedded(v resource.PropertyValue) (string, bool) {
	if !v.IsString() || !strings.HasPrefix(v.StringValue(), "{") && !strings.HasPrefix(v.StringValue(), "[") {
		return "", false
	}
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(v.StringValue()), "", "  "); err != nil {
		return "", false
	}
	return b.String(), true
}
