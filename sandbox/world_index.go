package sandbox

import (
	"cmp"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// key is what makes an object the same object: its type, where its name must be unique, and its name there.
type key struct {
	Type     string `json:"type"`
	Scope    string `json:"scope"`
	Identity string `json:"identity"`
}

// index is the world in memory. It has no lock of its own. Every lookup that serves a call of the engine is by map, so
// that a world of thousands of objects takes time in proportion.
type index struct {
	objects map[key]*Object
	types   map[string]map[key]*Object
	ids     map[key][]*Object // Identity is the id here, which a few types share
	names   map[key]*Object   // Identity is the physical name here
	arns    map[string]*Object
	urns    map[string][]*Object
	links   map[string]links // what points to a target
}

func newIndex() index {
	return index{
		objects: map[key]*Object{},
		types:   map[string]map[key]*Object{},
		ids:     map[key][]*Object{},
		names:   map[key]*Object{},
		arns:    map[string]*Object{},
		urns:    map[string][]*Object{},
		links:   map[string]links{},
	}
}

// scopeOf says where an object's name is unique: bucket names in the partition, IAM's in the account, all others in
// the account and region.
func scopeOf(token string, place partition.Place) string {
	switch {
	case strings.HasPrefix(token, "aws:s3/"):
		return string(place.Partition())
	case strings.HasPrefix(token, "aws:iam/"):
		return string(place.Account)
	}
	return place.String()
}

// sharedIDs are the types whose provider ids are not unique in their place, and the properties that are: the ids come
// from terraform-provider-aws, which finds the object by these properties instead.
var sharedIDs = map[string][]string{
	"aws:cloudwatch/logStream:LogStream":                         {"logGroupName", "name"}, // id: the stream's name
	"aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": {"logGroup", "name"},     // id: a hash of the group's name
	"aws:lambda/permission:Permission":                           {"function", "statementId"},
}

// keyOf returns the key of an object.
func keyOf(o *Object) key {
	k := key{o.Type, scopeOf(o.Type, o.Place), o.ID}
	if properties := sharedIDs[o.Type]; properties != nil {
		parts := make([]string, len(properties))
		for i, p := range properties {
			parts[i] = o.Text(p)
		}
		k.Identity = strings.Join(parts, "\n")
	}
	return k
}

func idKey(o *Object) key { return key{o.Type, scopeOf(o.Type, o.Place), o.ID} }

// apply makes a change.
func (x *index) apply(c *change) error {
	for _, k := range c.Delete {
		x.remove(k)
	}
	for _, o := range c.Put {
		x.remove(keyOf(o))
		x.add(o)
	}
	return nil
}

func (x *index) add(o *Object) {
	k := keyOf(o)
	x.objects[k] = o
	if x.types[o.Type] == nil {
		x.types[o.Type] = map[key]*Object{}
	}
	x.types[o.Type][k] = o
	id := idKey(o)
	x.ids[id] = append(x.ids[id], o)
	if name := nameOf(o); name != "" {
		x.names[key{o.Type, k.Scope, name}] = o
	}
	if arn := o.ARN(); arn != "" {
		x.arns[arn] = o
	}
	if o.URN != "" {
		x.urns[o.URN] = append(x.urns[o.URN], o)
	}
	for _, target := range linksOf(o) {
		if x.links[target] == nil {
			x.links[target] = links{}
		}
		x.links[target].add(k, o)
	}
}

func (x *index) remove(k key) {
	o := x.objects[k]
	if o == nil {
		return
	}
	delete(x.objects, k)
	delete(x.types[o.Type], k)
	same := func(other *Object) bool { return other == o }
	shrink(x.ids, idKey(o), same)
	if name := (key{o.Type, k.Scope, nameOf(o)}); x.names[name] == o {
		delete(x.names, name)
	}
	if x.arns[o.ARN()] == o {
		delete(x.arns, o.ARN())
	}
	shrink(x.urns, o.URN, same)
	for _, target := range linksOf(o) {
		x.links[target].remove(k)
		if len(x.links[target]) == 0 {
			delete(x.links, target)
		}
	}
}

// shrink removes an object from a list of the map, and the list with its last object.
func shrink[K comparable](m map[K][]*Object, k K, same func(*Object) bool) {
	if left := slices.DeleteFunc(m[k], same); len(left) > 0 {
		m[k] = left
	} else {
		delete(m, k)
	}
}

func (x *index) list(token string) []Object {
	from := x.types[token]
	if token == "" {
		from = x.objects
	}
	found := make([]*Object, 0, len(from))
	for _, o := range from {
		found = append(found, o)
	}
	slices.SortFunc(found, inOrder)
	return values(found)
}

// inOrder orders objects by type, place, id and, for the types that share ids, by name.
func inOrder(a, b *Object) int {
	return cmp.Or(
		cmp.Compare(a.Type, b.Type),
		cmp.Compare(a.Place.Account, b.Place.Account),
		cmp.Compare(a.Place.Region, b.Place.Region),
		cmp.Compare(a.ID, b.ID),
		cmp.Compare(keyOf(a).Identity, keyOf(b).Identity),
	)
}

func values(objects []*Object) []Object {
	all := make([]Object, len(objects))
	for i, o := range objects {
		all[i] = *o
	}
	return all
}

// byIDAt returns the objects with that id, as seen from a place.
func (x *index) byIDAt(token string, place partition.Place, id string) []*Object {
	return x.ids[key{token, scopeOf(token, place), id}]
}

func (x *index) arn(arn string) *Object {
	if o := x.arns[arn]; o != nil {
		return o
	}
	// AWS writes a log group's ARN both ways: with ":*" in what the API answers and in policies, without in the rest.
	return x.arns[strings.TrimSuffix(arn, ":*")]
}

func (x *index) urn(urn string) []*Object {
	found := slices.Clone(x.urns[urn])
	slices.SortFunc(found, func(a, b *Object) int { return a.Created.Compare(b.Created) })
	return found
}
