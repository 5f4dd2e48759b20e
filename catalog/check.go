package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// checking collects the failures of one resource.
type checking struct {
	Request
	t        *Type
	in       view
	failures []Failure
}

// Check returns everything for which the provider or AWS would refuse the inputs and that the inputs alone tell:
// unknown properties, missing and ill-shaped ones, names, values and numbers out of range, ARNs of another partition,
// policy documents that don't parse. The failures are sorted by property; none means that only what the resource
// refers to can still be wrong (see [Type.References]). Unknown values pass.
func (t *Type) Check(r Request) []Failure {
	c := &checking{Request: r, t: t, in: view(r.Inputs)}
	if t.Token == ProviderToken {
		c.in = decodeNested(r.Inputs)
	}
	c.object("", t.Inputs, c.in)
	c.enums()
	c.ranges()
	c.texts()
	c.arns()
	c.exactlyOne()
	c.documents()
	if t.model.check != nil {
		t.model.check(c)
	}
	slices.SortStableFunc(c.failures, func(a, b Failure) int { return strings.Compare(a.Property, b.Property) })
	return slices.Compact(c.failures)
}

func (c *checking) fail(property, code, reason string, args ...any) {
	if len(args) > 0 {
		reason = fmt.Sprintf(reason, args...)
	}
	c.failures = append(c.failures, Failure{Property: property, Code: code, Reason: reason})
}

// object compares a property map with its schema.
func (c *checking) object(path string, fields map[string]Property, v view) {
	for _, key := range slices.Sorted(maps.Keys(v)) {
		p, ok := fields[string(key)]
		switch {
		case ok:
			c.value(under(path, string(key)), p, v[key])
		case internalKey(key) || path == "" && c.t.Token == ProviderToken && engineKey(string(key)):
		default:
			c.fail(under(path, string(key)), CheckFailure, "there is no such property: want one of %s", names(fields))
		}
	}
	for _, name := range sortedNames(fields) {
		if fields[name].Required && !v.has(name) {
			c.fail(under(path, name), CheckFailure, "required, and not given")
		}
	}
}

// value compares one value with its property.
func (c *checking) value(path string, p Property, v resource.PropertyValue) {
	v = bare(v)
	if v.IsNull() || v.IsComputed() {
		return
	}
	switch {
	case p.Kind == List && v.IsArray():
		for i, e := range v.ArrayValue() {
			c.value(position(path, i), *p.Elem, e)
		}
	case p.Kind == Map && v.IsObject():
		for _, key := range slices.Sorted(maps.Keys(v.ObjectValue())) {
			c.value(under(path, string(key)), *p.Elem, v.ObjectValue()[key])
		}
	case p.Kind == Object && v.IsObject():
		c.object(path, p.Fields, view(v.ObjectValue()))
	case p.Kind == Int && v.IsNumber() && v.NumberValue() != float64(int64(v.NumberValue())):
		c.fail(path, CheckFailure, "%s is not a whole number", number(v.NumberValue()))
	case !fits(p.Kind, v):
		c.fail(path, CheckFailure, "is a %s: want %s", v.TypeString(), p.Kind)
	}
}

// fits says whether a value has the kind, as far as its surface goes.
func fits(k Kind, v resource.PropertyValue) bool {
	switch k {
	case String:
		return v.IsString() || v.IsResourceReference()
	case Bool:
		return v.IsBool()
	case Int, Float:
		return v.IsNumber()
	case Asset:
		return v.IsAsset() || v.IsArchive()
	case Any:
		return true
	}
	return false // lists, maps and objects of the right surface don't come here
}

func names(fields map[string]Property) string { return strings.Join(sortedNames(fields), ", ") }

func sortedNames(fields map[string]Property) []string { return slices.Sorted(maps.Keys(fields)) }
