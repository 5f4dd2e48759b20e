package policy

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// writer builds minified JSON. first says whether the innermost object or list is still empty.
type writer struct {
	buf   []byte
	first bool
}

func (w *writer) open(c byte)  { w.buf, w.first = append(w.buf, c), true }
func (w *writer) close(c byte) { w.buf, w.first = append(w.buf, c), false }

func (w *writer) item() {
	if !w.first {
		w.buf = append(w.buf, ',')
	}
	w.first = false
}

func (w *writer) field(name string) {
	w.item()
	w.text(name)
	w.buf = append(w.buf, ':')
}

// text writes a JSON string without the HTML escapes of json.Marshal, which would count against size limits.
func (w *writer) text(s string) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	// Encoding a string can't fail: bytes that aren't UTF-8 become U+FFFD.
	_ = enc.Encode(s)
	w.buf = append(w.buf, strings.TrimSuffix(b.String(), "\n")...)
}

// list writes one value as a string, and none or several as a list.
func (w *writer) list(values []string) {
	if len(values) == 1 {
		w.text(values[0])
		return
	}
	w.open('[')
	for _, v := range values {
		w.item()
		w.text(v)
	}
	w.close(']')
}

func (w *writer) optional(name string, values []string) {
	if values != nil {
		w.field(name)
		w.list(values)
	}
}

func (w *writer) statement(s Statement) {
	w.open('{')
	if s.Sid != "" {
		w.field("Sid")
		w.text(s.Sid)
	}
	w.field("Effect")
	w.text(string(s.Effect))
	w.principals("Principal", s.Principal)
	w.principals("NotPrincipal", s.NotPrincipal)
	w.optional("Action", s.Action)
	w.optional("NotAction", s.NotAction)
	w.optional("Resource", s.Resource)
	w.optional("NotResource", s.NotResource)
	if len(s.Condition) > 0 {
		w.field("Condition")
		w.conditions(s.Condition)
	}
	w.close('}')
}

func (w *writer) principals(name string, p *Principals) {
	if p == nil {
		return
	}
	w.field(name)
	if p.Any {
		w.text("*")
		return
	}
	services := make([]string, len(p.Service))
	for i, s := range p.Service {
		services[i] = string(s)
	}
	w.open('{')
	for _, f := range []struct {
		name   string
		values []string
	}{{"AWS", p.AWS}, {"Service", services}, {"Federated", p.Federated}, {"CanonicalUser", p.CanonicalUser}} {
		if len(f.values) > 0 {
			w.field(f.name)
			w.list(f.values)
		}
	}
	w.close('}')
}

func (w *writer) conditions(c Conditions) {
	w.open('{')
	for _, op := range slices.Sorted(maps.Keys(c)) {
		w.field(op)
		w.open('{')
		for _, key := range slices.Sorted(maps.Keys(c[op])) {
			w.field(key)
			w.list(c[op][key])
		}
		w.close('}')
	}
	w.close('}')
}
