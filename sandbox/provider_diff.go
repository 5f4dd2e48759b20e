package sandbox

import (
	"context"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/policy"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// Diff says what an update would change, and whether it can be made in place.
func (p *provider) Diff(_ context.Context, r *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	t, err := lookup(string(resource.URN(r.GetUrn()).Type()))
	if err != nil {
		return nil, err
	}
	olds, err := unmarshal(r.GetOldInputs())
	if err != nil {
		return nil, err
	}
	state, err := unmarshal(r.GetOlds())
	if err != nil {
		return nil, err
	}
	news, err := unmarshal(r.GetNews())
	if err != nil {
		return nil, err
	}
	olds, state, news = plain(olds), plain(state), plain(news)
	d := diffInputs(olds, news, state)
	d.replaces(t.Replaces(olds, news))
	response := d.response()
	// A name that the program gives can't be had twice, so the old one has to go first. (The Terraform bridge:
	// nameRequiresDeleteBeforeReplace.)
	response.DeleteBeforeReplace = len(response.GetReplaces()) > 0 && t.NameProperty != "" && given(news, t.NameProperty)
	return response, nil
}

// change of a property: where, and how.
type propertyChange struct {
	root    resource.PropertyKey // the top-level property
	path    string
	kind    pulumirpc.PropertyDiff_Kind
	replace bool
}

type propertyChanges []*propertyChange

// diffInputs compares inputs. state is what they have become, nil when nobody knows: an input that is newly given, and
// says what is so already, is no change.
func diffInputs(olds, news, state resource.PropertyMap) propertyChanges {
	var d propertyChanges
	all := maps.Clone(olds)
	if all == nil {
		all = resource.PropertyMap{}
	}
	maps.Copy(all, news)
	for _, k := range slices.Sorted(maps.Keys(all)) {
		if strings.HasPrefix(string(k), "__") {
			continue
		}
		before, after := olds[k], news[k]
		if now, ok := state[k]; ok && before.IsNull() {
			before = now
		}
		d.compare(k, resource.PropertyPath{string(k)}, before, after)
	}
	return d
}

func (d *propertyChanges) compare(root resource.PropertyKey, path resource.PropertyPath, before, after resource.PropertyValue) {
	switch {
	case same(before, after):
	case before.IsObject() && after.IsObject():
		all := maps.Clone(before.ObjectValue())
		maps.Copy(all, after.ObjectValue())
		for _, k := range slices.Sorted(maps.Keys(all)) {
			d.compare(root, under(path, string(k)), before.ObjectValue()[k], after.ObjectValue()[k])
		}
	case before.IsArray() && after.IsArray():
		olds, news := before.ArrayValue(), after.ArrayValue()
		for i := range max(len(olds), len(news)) {
			d.compare(root, under(path, i), element(olds, i), element(news, i))
		}
	default:
		c := &propertyChange{root: root, path: path.String(), kind: pulumirpc.PropertyDiff_UPDATE}
		switch {
		case before.IsNull():
			c.kind = pulumirpc.PropertyDiff_ADD
		case after.IsNull():
			c.kind = pulumirpc.PropertyDiff_DELETE
		}
		*d = append(*d, c)
	}
}

// under returns a path one step longer, in memory of its own.
func under(path resource.PropertyPath, step any) resource.PropertyPath {
	return append(slices.Clone(path), step)
}

func element(values []resource.PropertyValue, i int) resource.PropertyValue {
	if i < len(values) {
		return values[i]
	}
	return resource.NewNullProperty()
}

// same says whether two values mean the same to AWS: an absent one is as good as an empty or zero one, and two JSON
// documents are compared by what they say.
func same(before, after resource.PropertyValue) bool {
	switch {
	case before.IsComputed() || after.IsComputed():
		return false
	case before.IsNull() || after.IsNull():
		return zero(before) && zero(after)
	case before.IsString() && after.IsString():
		return before.StringValue() == after.StringValue() || sameJSON(before.StringValue(), after.StringValue())
	}
	return before.DeepEquals(after)
}

func zero(v resource.PropertyValue) bool {
	switch {
	case v.IsNull():
		return true
	case v.IsBool():
		return !v.BoolValue()
	case v.IsNumber():
		return v.NumberValue() == 0
	case v.IsString():
		return v.StringValue() == ""
	case v.IsArray():
		return len(v.ArrayValue()) == 0
	case v.IsObject():
		return len(v.ObjectValue()) == 0
	}
	return false
}

// sameJSON says whether two texts are JSON objects with the same content. Policies that differ only in the order of
// their lists, or in writing one value as a list, are the same.
func sameJSON(a, b string) bool {
	if !strings.HasPrefix(strings.TrimSpace(a), "{") || !strings.HasPrefix(strings.TrimSpace(b), "{") {
		return false
	}
	if p, err := policy.Parse([]byte(a)); err == nil {
		if q, err := policy.Parse([]byte(b)); err == nil {
			return normal(p) == normal(q)
		}
	}
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}

// normal writes a policy with all lists sorted: their order means nothing to AWS, that of the statements neither.
func normal(d policy.Document) string {
	statements := make([]string, len(d.Statements))
	for i, s := range d.Statements {
		for _, list := range []*[]string{&s.Action, &s.NotAction, &s.Resource, &s.NotResource} {
			*list = sorted(*list)
		}
		s.Principal, s.NotPrincipal = normalPrincipals(s.Principal), normalPrincipals(s.NotPrincipal)
		conditions := policy.Conditions{}
		for operator, keys := range s.Condition {
			for key, values := range keys {
				conditions = conditions.With(operator, key, sorted(values)...)
			}
		}
		s.Condition = conditions
		statements[i] = policy.Document{Version: d.Version, ID: d.ID, Statements: []policy.Statement{s}}.JSON()
	}
	return d.Version + strings.Join(sorted(statements), "\n")
}

func normalPrincipals(p *policy.Principals) *policy.Principals {
	if p == nil {
		return nil
	}
	n := *p
	n.AWS, n.Federated, n.CanonicalUser = sorted(p.AWS), sorted(p.Federated), sorted(p.CanonicalUser)
	n.Service = slices.Sorted(slices.Values(p.Service))
	return &n
}

func sorted(list []string) []string {
	if list == nil {
		return nil
	}
	return slices.Sorted(slices.Values(list))
}

// replaces marks the changes that the resource does not survive. A path that did not really change (a policy that
// says the same in other words) does not count.
func (d propertyChanges) replaces(paths []string) {
	for _, path := range paths {
		for _, c := range d {
			if c.path == path || within(c.path, path) || within(path, c.path) {
				c.replace = true
			}
		}
	}
}

// within says whether a path leads through another one.
func within(path, outer string) bool {
	rest, ok := strings.CutPrefix(path, outer)
	return ok && rest != "" && (rest[0] == '.' || rest[0] == '[')
}

func (d propertyChanges) response() *pulumirpc.DiffResponse {
	response := &pulumirpc.DiffResponse{
		Changes:         pulumirpc.DiffResponse_DIFF_NONE,
		HasDetailedDiff: true,
		DetailedDiff:    map[string]*pulumirpc.PropertyDiff{},
	}
	for _, c := range d {
		kind := c.kind
		if c.replace {
			kind = map[pulumirpc.PropertyDiff_Kind]pulumirpc.PropertyDiff_Kind{
				pulumirpc.PropertyDiff_ADD:    pulumirpc.PropertyDiff_ADD_REPLACE,
				pulumirpc.PropertyDiff_DELETE: pulumirpc.PropertyDiff_DELETE_REPLACE,
				pulumirpc.PropertyDiff_UPDATE: pulumirpc.PropertyDiff_UPDATE_REPLACE,
			}[c.kind]
			if !slices.Contains(response.Replaces, string(c.root)) {
				response.Replaces = append(response.Replaces, string(c.root))
			}
		}
		response.Changes = pulumirpc.DiffResponse_DIFF_SOME
		response.DetailedDiff[c.path] = &pulumirpc.PropertyDiff{Kind: kind, InputDiff: true}
		if !slices.Contains(response.Diffs, string(c.root)) {
			response.Diffs = append(response.Diffs, string(c.root))
		}
	}
	return response
}
