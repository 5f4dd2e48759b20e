package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// Position is a place in a document's text; lines and columns count from 1, columns in characters.
type Position struct{ Line, Column int }

// Span is where a statement stands in the text, as the IAM simulator says it. End is just after the statement. Start is
// just after the token before it: the list's opening bracket, or the end of the statement before; a statement outside
// a list starts just after its own opening brace. (So it is in the examples of SimulateCustomPolicy and
// SimulatePrincipalPolicy in the AWS CLI reference.)
type Span struct{ Start, End Position }

// Parse reads a policy document. A Statement may be one object or a list, Action, Resource and values one string or a
// list; condition values may be numbers and booleans. An element that the language doesn't have, one that is given
// twice, and a value of the wrong type are errors that name element and line. A document without Version is one of
// 2008-10-17, and gets it. What the elements say isn't checked: see [Document.Validate].
func Parse(data []byte) (Document, error) {
	d, _, err := ParseSpans(data)
	return d, err
}

// ParseSpans reads a policy document, as [Parse] does, and says where each statement stands.
func ParseSpans(data []byte) (Document, []Span, error) {
	p := &parser{data: data, dec: json.NewDecoder(bytes.NewReader(data))}
	p.dec.UseNumber()
	d := p.document()
	if p.err == nil {
		if _, err := p.dec.Token(); !errors.Is(err, io.EOF) {
			p.fail("", "text after the document")
		}
	}
	if p.err != nil {
		return Document{}, nil, p.err
	}
	return d, p.spans, nil
}

// parser reads tokens; its error is sticky, so that callers need not look after each step.
type parser struct {
	data  []byte
	dec   *json.Decoder
	err   error
	spans []Span
}

func (p *parser) fail(path, reason string) {
	if p.err == nil {
		line := 1 + bytes.Count(p.data[:p.dec.InputOffset()], []byte("\n"))
		if path != "" {
			path += ": "
		}
		p.err = fmt.Errorf("policy document, line %d: %s%s", line, path, reason)
	}
}

// token returns nil once there is an error. A JSON null is an error: no element may be null.
func (p *parser) token(path string) json.Token {
	if p.err != nil {
		return nil
	}
	t, err := p.dec.Token()
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("unexpected end")
		}
		p.fail(path, "not JSON: "+err.Error())
		return nil
	}
	if t == nil {
		p.fail(path, "is null")
	}
	return t
}

// object calls field for every member. The opening brace has been read.
func (p *parser) object(path string, field func(name string)) {
	seen := map[string]bool{}
	for p.err == nil && p.dec.More() {
		t := p.token(path)
		name, ok := t.(string)
		if !ok {
			return
		}
		if seen[name] {
			p.fail(path, fmt.Sprintf("%q is given twice", name))
			return
		}
		seen[name] = true
		field(name)
	}
	p.token(path)
}

func (p *parser) expectObject(path string, field func(name string)) {
	if t := p.token(path); p.err == nil {
		if t != json.Delim('{') {
			p.fail(path, "is not an object")
			return
		}
		p.object(path, field)
	}
}

func (p *parser) str(path string) string {
	t := p.token(path)
	s, ok := t.(string)
	if !ok && p.err == nil {
		p.fail(path, "is not a string")
	}
	return s
}

// strs reads a string or a list of strings. With scalars, numbers and booleans are taken as their text.
func (p *parser) strs(path string, scalars bool) []string {
	t := p.token(path)
	if p.err != nil {
		return nil
	}
	if t != json.Delim('[') {
		return []string{p.scalar(path, t, scalars)}
	}
	out := []string{}
	for p.err == nil && p.dec.More() {
		out = append(out, p.scalar(path, p.token(path), scalars))
	}
	p.token(path)
	return out
}

func (p *parser) scalar(path string, t json.Token, scalars bool) string {
	switch v := t.(type) {
	case string:
		return v
	case json.Number:
		if scalars {
			return v.String()
		}
	case bool:
		if scalars {
			return fmt.Sprint(v)
		}
	}
	p.fail(path, "is neither a string nor a list of strings")
	return ""
}

func (p *parser) document() Document {
	var d Document
	p.expectObject("", func(name string) {
		switch name {
		case "Version":
			d.Version = p.str("Version")
		case "Id":
			d.ID = p.str("Id")
		case "Statement":
			d.Statements = p.statements()
		default:
			p.fail(name, "is not an element of a policy: want Version, Id, Statement")
		}
	})
	if p.err == nil && d.Statements == nil {
		p.fail("Statement", "is missing")
	}
	if d.Version == "" {
		d.Version = Version2008
	}
	return d
}

func (p *parser) statements() []Statement {
	switch t := p.token("Statement"); t {
	case json.Delim('{'):
		return []Statement{p.statement("Statement", p.dec.InputOffset())}
	case json.Delim('['):
		out := []Statement{}
		start := p.dec.InputOffset()
		for p.err == nil && p.dec.More() {
			path := fmt.Sprintf("Statement[%d]", len(out))
			if t := p.token(path); p.err == nil && t != json.Delim('{') {
				p.fail(path, "is not an object")
			}
			out = append(out, p.statement(path, start))
			start = p.dec.InputOffset()
		}
		p.token("Statement")
		return out
	}
	p.fail("Statement", "is neither an object nor a list of objects")
	return nil
}

// statement reads one; its opening brace has been read. start is where its span begins.
func (p *parser) statement(path string, start int64) Statement {
	var s Statement
	p.object(path, func(name string) {
		at := path + "." + name
		switch name {
		case "Sid":
			s.Sid = p.str(at)
		case "Effect":
			s.Effect = Effect(p.str(at))
		case "Principal":
			s.Principal = p.principals(at)
		case "NotPrincipal":
			s.NotPrincipal = p.principals(at)
		case "Action":
			s.Action = p.strs(at, false)
		case "NotAction":
			s.NotAction = p.strs(at, false)
		case "Resource":
			s.Resource = p.strs(at, false)
		case "NotResource":
			s.NotResource = p.strs(at, false)
		case "Condition":
			s.Condition = p.conditions(at)
		default:
			p.fail(at, "is not an element of a statement: want Sid, Effect, Principal, NotPrincipal, Action, NotAction, Resource, NotResource, Condition")
		}
	})
	p.spans = append(p.spans, Span{p.position(start), p.position(p.dec.InputOffset())})
	return s
}

func (p *parser) position(offset int64) Position {
	before := string(p.data[:offset])
	column := before[strings.LastIndexByte(before, '\n')+1:]
	return Position{1 + strings.Count(before, "\n"), 1 + len([]rune(column))}
}

func (p *parser) principals(path string) *Principals {
	switch t := p.token(path).(type) {
	case string:
		if t == "*" {
			return &Principals{Any: true}
		}
	case json.Delim:
		if t != '{' {
			break
		}
		var out Principals
		p.object(path, func(name string) {
			at := path + "." + name
			switch name {
			case "AWS":
				out.AWS = p.strs(at, false)
			case "Service":
				for _, s := range p.strs(at, false) {
					out.Service = append(out.Service, partition.Principal(s))
				}
			case "Federated":
				out.Federated = p.strs(at, false)
			case "CanonicalUser":
				out.CanonicalUser = p.strs(at, false)
			default:
				p.fail(at, "is not a kind of principal: want AWS, Service, Federated, CanonicalUser")
			}
		})
		return &out
	}
	p.fail(path, `is neither "*" nor an object`)
	return nil
}

func (p *parser) conditions(path string) Conditions {
	out := Conditions{}
	p.expectObject(path, func(op string) {
		keys := map[string][]string{}
		p.expectObject(path+"."+op, func(key string) {
			keys[key] = p.strs(path+"."+op+"."+key, true)
		})
		out[op] = keys
	})
	return out
}
