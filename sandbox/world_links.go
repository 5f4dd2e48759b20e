package sandbox

import (
	"maps"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
)

// links are the objects that point to something, by type: a role that a thousand subscription filters use has two
// policies, and whoever asks for these must not have to look at the filters.
type links map[string]map[key]*Object

func (l links) add(k key, o *Object) {
	if l[k.Type] == nil {
		l[k.Type] = map[key]*Object{}
	}
	l[k.Type][k] = o
}

func (l links) remove(k key) {
	delete(l[k.Type], k)
	if len(l[k.Type]) == 0 {
		delete(l, k.Type)
	}
}

// linked returns the objects of a type, of all types for "", that point to a target, in order.
func (x *index) linked(target, token string) []*Object {
	var found []*Object
	for t, objects := range x.links[target] {
		if token == "" || t == token {
			found = slices.AppendSeq(found, maps.Values(objects))
		}
	}
	slices.SortFunc(found, inOrder)
	return found
}

// linksOf returns what an object points to, as the world's index writes it. It depends on the object alone, so that
// removing it finds what adding it wrote.
func linksOf(o *Object) []string {
	t, ok := catalog.Lookup(o.Type)
	if !ok || o.Inputs == nil {
		return nil
	}
	references := t.References(o.Inputs)
	targets := make([]string, len(references))
	for i, r := range references {
		targets[i] = linkTo(r, o.Place)
	}
	return targets
}

// linkTo writes the target of a reference of a resource in a place.
func linkTo(r catalog.Reference, place partition.Place) string {
	if r.By == catalog.ByARN {
		return strings.TrimSuffix(r.Value, ":*")
	}
	return nameLink(r.TargetToken, place, r.Value)
}

func nameLink(token string, place partition.Place, name string) string {
	return token + " " + scopeOf(token, place) + " " + name
}

// dependents returns what points to an object, by its ARN, id or name: of one type, or of all types for "".
func (x *index) dependents(o *Object, token string) []*Object {
	targets := []string{nameLink(o.Type, o.Place, o.ID)}
	if arn := o.ARN(); arn != "" && arn != o.ID {
		targets = append(targets, arn)
	}
	if arn := o.ID; strings.HasPrefix(arn, "arn:") {
		targets = append(targets, arn)
	}
	if name := nameOf(o); name != "" && name != o.ID {
		targets = append(targets, nameLink(o.Type, o.Place, name))
	}
	seen := map[*Object]bool{}
	var found []*Object
	for _, target := range targets {
		for _, d := range x.linked(target, token) {
			if !seen[d] {
				seen[d] = true
				found = append(found, d)
			}
		}
	}
	return found
}

// nameOf returns an object's physical name, "" for a type without one.
func nameOf(o *Object) string {
	if t, ok := catalog.Lookup(o.Type); ok && t.NameProperty != "" {
		return o.Text(t.NameProperty)
	}
	return ""
}

// resolve finds what a reference of a resource in a place points to.
func (x *index) resolve(r catalog.Reference, place partition.Place) *Object {
	if r.By == catalog.ByARN {
		o := x.arn(r.Value)
		if o == nil || o.Type != r.TargetToken {
			return nil
		}
		return o
	}
	if found := x.byIDAt(r.TargetToken, place, r.Value); len(found) > 0 {
		return found[0]
	}
	return x.names[key{r.TargetToken, scopeOf(r.TargetToken, place), r.Value}]
}
