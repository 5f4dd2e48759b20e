package verify

import (
	"maps"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// object reads properties whatever their wrapping: secrets and outputs are read through, and what is absent, unknown or of
// another kind is the zero value. A proof treats a value that it can't read as absent, never as right.
type object resource.PropertyMap

func (r *Resource) text(name string) string    { return object(r.State).text(name) }
func (r *Resource) texts(name string) []string { return object(r.State).texts(name) }
func (r *Resource) flag(name string) bool      { return object(r.State).flag(name) }
func (r *Resource) number(name string) float64 { return object(r.State).number(name) }
func (r *Resource) items(name string) []object { return object(r.State).items(name) }
func (r *Resource) item(name string) object    { return object(r.State).item(name) }

func (o object) value(name string) resource.PropertyValue {
	return plain(o[resource.PropertyKey(name)])
}

func plain(v resource.PropertyValue) resource.PropertyValue {
	for {
		switch {
		case v.IsSecret():
			v = v.SecretValue().Element
		case v.IsOutput() && v.OutputValue().Known:
			v = v.OutputValue().Element
		default:
			return v
		}
	}
}

func (o object) text(name string) string {
	if v := o.value(name); v.IsString() {
		return v.StringValue()
	}
	return ""
}

func (o object) flag(name string) bool {
	v := o.value(name)
	return v.IsBool() && v.BoolValue()
}

func (o object) number(name string) float64 {
	if v := o.value(name); v.IsNumber() {
		return v.NumberValue()
	}
	return 0
}

func (o object) has(name string) bool { return !o.value(name).IsNull() }

func (o object) texts(name string) []string {
	var out []string
	if v := o.value(name); v.IsArray() {
		for _, e := range v.ArrayValue() {
			if e := plain(e); e.IsString() {
				out = append(out, e.StringValue())
			}
		}
	}
	return out
}

func (o object) items(name string) []object {
	var out []object
	if v := o.value(name); v.IsArray() {
		for _, e := range v.ArrayValue() {
			if e := plain(e); e.IsObject() {
				out = append(out, object(e.ObjectValue()))
			}
		}
	}
	return out
}

// item is a nested object; where the provider has a list of at most one, its first.
func (o object) item(name string) object {
	v := o.value(name)
	if v.IsObject() {
		return object(v.ObjectValue())
	}
	if items := o.items(name); len(items) > 0 {
		return items[0]
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
