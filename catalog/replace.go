package catalog

import (
	"maps"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Replaces returns the paths of the inputs whose change forces a new resource, sorted; none when the resource can be
// updated in place. olds and news are the inputs before and after.
//
// As for the provider, an absent value equals its default or the zero value of its kind, a name that was left to the
// provider stays, and a value that isn't known yet counts as changed.
func (t *Type) Replaces(olds, news resource.PropertyMap) []string {
	d := &difference{}
	before, after := t.withDefaults(olds), t.withDefaults(news)
	for _, name := range []string{t.model.nameProperty, t.model.namePrefix} {
		if name != "" && !after.has(name) {
			delete(before, resource.PropertyKey(name))
		}
	}
	d.object("", t.Inputs, before, after)
	if t.Token == Invocation && after.str("lifecycleScope") != CRUD && !sameValue(before.at("input"), after.at("input")) {
		d.paths = append(d.paths, "input") // nothing else would call the function again
	}
	slices.Sort(d.paths)
	return d.paths
}

func (t *Type) withDefaults(inputs resource.PropertyMap) view {
	v := view(maps.Clone(inputs))
	if v == nil {
		v = view{}
	}
	for key, value := range t.model.defaults {
		if !v.has(key) {
			v[resource.PropertyKey(key)] = resource.NewPropertyValue(value)
		}
	}
	return v
}

// difference collects the changed paths that force a replacement.
type difference struct{ paths []string }

func (d *difference) object(path string, fields map[string]Property, before, after view) {
	for name, p := range fields {
		d.value(under(path, name), p, before.at(name), after.at(name))
	}
}

func (d *difference) value(path string, p Property, before, after resource.PropertyValue) {
	if p.ForceNew {
		if !sameValue(before, after) {
			d.paths = append(d.paths, path)
		}
		return
	}
	switch {
	case p.Kind == Object:
		d.object(path, p.Fields, object(before), object(after))
	case p.Kind == List && p.Elem.Kind == Object:
		b, a := elements(before), elements(after)
		for i := range max(len(b), len(a)) {
			d.object(position(path, i), p.Elem.Fields, object(at(b, i)), object(at(a, i)))
		}
	}
}

func elements(v resource.PropertyValue) []resource.PropertyValue {
	if v.IsArray() {
		return v.ArrayValue()
	}
	return nil
}

func at(vs []resource.PropertyValue, i int) resource.PropertyValue {
	if i < len(vs) {
		return bare(vs[i])
	}
	return resource.NewNullProperty()
}

// sameValue compares two values whatever is secret in them. Unknown values differ from everything.
func sameValue(a, b resource.PropertyValue) bool {
	a, b = bare(a), bare(b)
	switch {
	case a.IsComputed() || b.IsComputed():
		return false
	case zero(a) && zero(b):
		return true
	case a.IsArray() && b.IsArray():
		return slices.EqualFunc(a.ArrayValue(), b.ArrayValue(), sameValue)
	case a.IsObject() && b.IsObject():
		return sameObject(a.ObjectValue(), b.ObjectValue())
	}
	return a.DeepEquals(b)
}

func sameObject(a, b resource.PropertyMap) bool {
	for key := range a {
		if !sameValue(a[key], b[key]) {
			return false
		}
	}
	for key := range b {
		if _, ok := a[key]; !ok && !zero(bare(b[key])) {
			return false
		}
	}
	return true
}

// zero says whether a value is what an absent one means.
func zero(v resource.PropertyValue) bool {
	switch {
	case v.IsNull():
		return true
	case v.IsString():
		return v.StringValue() == ""
	case v.IsBool():
		return !v.BoolValue()
	case v.IsNumber():
		return v.NumberValue() == 0
	case v.IsArray():
		return len(v.ArrayValue()) == 0
	case v.IsObject():
		return len(v.ObjectValue()) == 0
	}
	return false
}
