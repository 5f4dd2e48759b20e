package catalog

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/partition"
)

// completion is a resource on its way from inputs to state.
type completion struct {
	Request
	t *Type
	// state begins as the inputs with the provider's defaults. Hand-written rules read it and add to it.
	state resource.PropertyMap
	id    string
}

// Complete returns the id and the state that the resource has after its creation: the inputs, the provider's
// defaults, and what AWS computes (ids, ARNs with the partition, account and region of the place). Complete doesn't
// check the inputs (see [Type.Check]): what is missing reads as empty. It fails when the place isn't known.
//
// With unknown inputs the id may be "", and outputs that depend on them are unknown.
func (t *Type) Complete(r Request) (id string, state resource.PropertyMap, err error) {
	if r.Place.Partition() == "" && t.Token != ProviderToken {
		return "", nil, fmt.Errorf("%s %q: region %q is not one that the partition table knows", t.Token, r.Name, r.Place.Region)
	}
	c := &completion{Request: r, t: t, state: make(resource.PropertyMap, len(r.Inputs)+8)}
	for k, v := range r.Inputs {
		if !internalKey(k) {
			c.state[k] = v
		}
	}
	c.setName()
	for key, v := range t.model.defaults {
		c.def(key, v)
	}
	c.setTags()
	t.model.complete(c)
	if c.id == "" {
		return "", nil, errors.New(t.Token + ": the catalog gives no id")
	}
	if strings.Contains(c.id, unknown) {
		c.id = ""
	}
	for k, v := range c.state {
		c.state[k] = t.seal(string(k), v)
	}
	return c.id, c.state, nil
}

// seal makes values that came out of unknown ones unknown, and those that the schema calls secret secret. A policy
// that was given as an object becomes its text, and a resource that was given whole its id, as in the provider's state.
func (t *Type) seal(key string, v resource.PropertyValue) resource.PropertyValue {
	if t.Outputs[key].Kind == String && !v.ContainsUnknowns() {
		switch {
		case v.IsResourceReference():
			v = resource.NewStringProperty(text(v))
		case v.IsObject():
			if doc, err := documentText(found{value: v}); err == nil {
				v = resource.NewStringProperty(doc)
			}
		}
	}
	if v.IsString() && strings.Contains(v.StringValue(), unknown) {
		v = resource.MakeComputed(resource.NewStringProperty(""))
	}
	if t.Outputs[key].Secret && !v.IsSecret() && !v.IsNull() {
		v = resource.MakeSecret(v)
	}
	return v
}

// internalKey says whether a key belongs to the engine's own bookkeeping.
func internalKey(k resource.PropertyKey) bool { return strings.HasPrefix(string(k), "__") }

func (c *completion) view() view            { return view(c.state) }
func (c *completion) str(key string) string { return c.view().str(key) }

// in says whether the inputs have the property.
func (c *completion) in(key string) bool { return view(c.Inputs).has(key) }

// set gives an output, whatever the inputs say.
func (c *completion) set(key string, v any) {
	c.state[resource.PropertyKey(key)] = resource.NewPropertyValue(v)
}

// def gives an output that the inputs leave open.
func (c *completion) def(key string, v any) {
	if !c.view().has(key) {
		c.set(key, v)
	}
}

// setName gives the resource a physical name where the inputs have none, as the provider does: the prefix and 26
// digits, or the logical name and seven hexadecimal digits.
func (c *completion) setName() {
	m := c.t.model
	if m.nameProperty == "" || c.str(m.nameProperty) != "" {
		return
	}
	if m.namePrefix != "" && c.str(m.namePrefix) != "" {
		c.set(m.nameProperty, c.str(m.namePrefix)+c.digits("name", 26))
		return
	}
	c.set(m.nameProperty, c.Name+"-"+c.hex("name", 7))
}

// setTags gives tagsAll: the provider's default tags, and over them the resource's own.
func (c *completion) setTags() {
	if _, ok := c.t.Outputs["tagsAll"]; !ok {
		return
	}
	if c.view().unknown("tags") {
		c.state["tagsAll"] = resource.MakeComputed(resource.NewStringProperty(""))
		return
	}
	all := make(resource.PropertyMap, len(c.DefaultTags))
	for k, v := range c.DefaultTags {
		all[resource.PropertyKey(k)] = resource.NewStringProperty(v)
	}
	maps.Copy(all, resource.PropertyMap(c.view().obj("tags")))
	c.state["tagsAll"] = resource.NewObjectProperty(all)
}

// arn returns the ARN of a resource at the request's place.
func (c *completion) arn(s partition.Service, res string) string { return c.Place.ARN(s, res).String() }

// host puts host-name labels in front of the partition's DNS suffix.
func (c *completion) host(labels ...string) string {
	return strings.Join(append(labels, c.Place.Partition().DNSSuffix()), ".")
}

// number returns a number as AWS prints it.
func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// nested gives the absent properties of an object their defaults.
func (c *completion) nested(key string, defaults map[string]any) {
	v, wasSecret := c.state[resource.PropertyKey(key)], c.state[resource.PropertyKey(key)].IsSecret()
	v = bare(v)
	if !v.IsObject() {
		return
	}
	full := maps.Clone(v.ObjectValue())
	if full == nil {
		full = resource.PropertyMap{}
	}
	for name, value := range defaults {
		if !view(full).has(name) {
			full[resource.PropertyKey(name)] = resource.NewPropertyValue(value)
		}
	}
	v = resource.NewObjectProperty(full)
	if wasSecret {
		v = resource.MakeSecret(v)
	}
	c.state[resource.PropertyKey(key)] = v
}
