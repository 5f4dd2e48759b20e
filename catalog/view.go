package catalog

import (
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
)

// unknown stands for a string that isn't known yet. What is put together from it is recognised by it, and becomes an
// unknown output.
const unknown = plugin.UnknownStringValue

// bare takes secrets and known outputs off a value. An unknown value comes back as a computed one.
func bare(v resource.PropertyValue) resource.PropertyValue {
	for {
		switch {
		case v.IsSecret():
			v = v.SecretValue().Element
		case v.IsOutput() && v.OutputValue().Known:
			v = v.OutputValue().Element
		case v.IsOutput():
			return resource.MakeComputed(resource.NewStringProperty(""))
		case v.IsString() && v.StringValue() == unknown:
			return resource.MakeComputed(resource.NewStringProperty(""))
		default:
			return v
		}
	}
}

// view reads a property map by the kinds that the reader expects. What is absent, or of another kind, reads as the
// zero value: the schema check reports wrong kinds.
type view resource.PropertyMap

func (v view) at(key string) resource.PropertyValue { return bare(v[resource.PropertyKey(key)]) }

// has says whether the property is there and not null; an unknown one counts as there.
func (v view) has(key string) bool { return !v.at(key).IsNull() }

// str returns a string, the id of a resource that was passed whole, or the unknown marker.
func (v view) str(key string) string { return text(v.at(key)) }

func text(p resource.PropertyValue) string {
	p = bare(p)
	switch {
	case p.IsString():
		return p.StringValue()
	case p.IsComputed():
		return unknown
	case p.IsResourceReference():
		return text(p.ResourceReferenceValue().ID)
	}
	return ""
}

// num returns a number, and whether there is a known one.
func (v view) num(key string) (float64, bool) {
	p := v.at(key)
	if p.IsNumber() {
		return p.NumberValue(), true
	}
	return 0, false
}

func (v view) bool(key string) bool {
	p := v.at(key)
	return p.IsBool() && p.BoolValue()
}

func (v view) obj(key string) view { return object(v.at(key)) }

func object(p resource.PropertyValue) view {
	p = bare(p)
	if p.IsObject() {
		return view(p.ObjectValue())
	}
	return nil
}

func (v view) list(key string) []resource.PropertyValue {
	p := v.at(key)
	if p.IsArray() {
		return p.ArrayValue()
	}
	return nil
}

// unknown says whether the property is not known yet.
func (v view) unknown(key string) bool { return v.at(key).IsComputed() }

// found is a value with the path at which it was found.
type found struct {
	path  string
	value resource.PropertyValue
}

// find returns every value at a path without positions, in order. Absent and null values are left out.
func (v view) find(path string) []found {
	at := []found{{"", resource.NewObjectProperty(resource.PropertyMap(v))}}
	for key := range strings.SplitSeq(path, ".") {
		var next []found
		for _, f := range at {
			p := object(f.value).at(key)
			if p.IsNull() {
				continue
			}
			name := key
			if f.path != "" {
				name = f.path + "." + key
			}
			next = append(next, found{name, p})
		}
		at = spread(next)
	}
	return at
}

// spread replaces each list by its elements.
func spread(fs []found) []found {
	var flat []found
	for _, f := range fs {
		if !f.value.IsArray() {
			flat = append(flat, f)
			continue
		}
		var elements []found
		for i, e := range f.value.ArrayValue() {
			elements = append(elements, found{position(f.path, i), bare(e)})
		}
		flat = append(flat, spread(elements)...)
	}
	return flat
}
