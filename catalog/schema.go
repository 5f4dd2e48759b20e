package catalog

import (
	"maps"
	"strings"
)

//go:generate go run ./internal/gen

// schema is the generated half of a type. outputs leaves out what is the same as the input of that name; inputOnly
// names the inputs that are not outputs.
type schema struct {
	inputs, outputs map[string]Property
	inputOnly       []string
}

// newType puts the two halves of a type together.
func newType(m *model) *Type {
	s := schemas[m.token]
	t := &Type{
		Token:              m.token,
		Inputs:             maps.Clone(s.inputs),
		Outputs:            make(map[string]Property, len(s.inputs)+len(s.outputs)),
		Stateful:           m.stateful,
		NameProperty:       m.nameProperty,
		ImportIDFromInputs: m.idFromInputs,
		model:              m,
	}
	for name, p := range s.inputs {
		p.Required, p.ForceNew = false, false
		t.Outputs[name] = p
	}
	for _, name := range s.inputOnly {
		delete(t.Outputs, name)
	}
	maps.Copy(t.Outputs, s.outputs)
	for _, path := range m.forceNew {
		amend(t.Inputs, path, func(p *Property) { p.ForceNew = true })
	}
	for _, path := range m.required {
		amend(t.Inputs, path, func(p *Property) { p.Required = true })
	}
	return t
}

// amend changes the property at a path. The objects on the way are copied first: the generated ones are shared
// between types. A path that the schema doesn't have is left alone; a test finds it.
func amend(fields map[string]Property, path string, change func(*Property)) {
	name, rest, nested := strings.Cut(path, ".")
	p, ok := fields[name]
	if !ok {
		return
	}
	if !nested {
		change(&p)
	} else if p.Elem != nil {
		elem := *p.Elem
		elem.Fields = maps.Clone(elem.Fields)
		amend(elem.Fields, rest, change)
		p.Elem = &elem
	} else {
		p.Fields = maps.Clone(p.Fields)
		amend(p.Fields, rest, change)
	}
	fields[name] = p
}

// property returns the input property at a path without positions.
func (t *Type) property(path string) (Property, bool) {
	fields := t.Inputs
	for {
		name, rest, nested := strings.Cut(path, ".")
		p, ok := fields[name]
		if !ok || !nested {
			return p, ok
		}
		fields, path = p.Fields, rest
		if p.Elem != nil {
			fields = p.Elem.Fields
		}
	}
}
