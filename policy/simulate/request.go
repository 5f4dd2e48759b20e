package simulate

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Request is what is to be simulated: every action on every resource.
type Request struct {
	// PolicyInputList has the identity's policies, as JSON text.
	PolicyInputList []string
	// PermissionsBoundaryPolicyInputList has at most one permission boundary.
	PermissionsBoundaryPolicyInputList []string
	// ActionNames are "service:Name", without wildcards.
	ActionNames []string
	// ResourceArns are ARNs or "*". None means "*".
	ResourceArns []string
	// ResourcePolicy is the policy of each of the resources, as JSON text; "" for none.
	ResourcePolicy string
	// ResourceOwner is the account (an id, or an ARN of the account) of resources whose ARN doesn't say. "" means the
	// caller's.
	ResourceOwner  string
	CallerArn      string
	ContextEntries []ContextEntry

	ResourceHandlingOption string
	MaxItems               int
	Marker                 string
}

// ContextEntry is a condition key of the request's context.
type ContextEntry struct {
	ContextKeyName   string
	ContextKeyValues []string
	// ContextKeyType is string, numeric, boolean, ip, binary or date, or one of these with List. "" means string.
	ContextKeyType string
}

// InputError says what is wrong with a request: all of it.
type InputError struct {
	Line     int // of the input, from 1, where the request or the wrong field begins
	Problems []Problem
}

// Problem is one thing that is wrong.
type Problem struct {
	Line   int
	Field  string // such as "ContextEntries[1].ContextKeyType"; "" for the request as a whole
	Reason string
}

func (e *InputError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		field := ""
		if p.Field != "" {
			field = p.Field + ": "
		}
		lines[i] = fmt.Sprintf("line %d: %s%s", p.Line, field, p.Reason)
	}
	return strings.Join(lines, "\n")
}

// decoder reads one request and notes all that is wrong with it.
type decoder struct {
	problems []Problem
}

func (d *decoder) add(line int, field, reason string) {
	d.problems = append(d.problems, Problem{line, field, reason})
}

// member is a field of a JSON object.
type member struct {
	name string
	raw  json.RawMessage
	line int
}

// members splits an object into its fields. Fields given twice are noted.
func (d *decoder) members(raw json.RawMessage, line int, field string) []member {
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		d.add(line, field, "want an object, not "+kindOf(raw))
		return nil
	}
	var out []member
	seen := map[string]bool{}
	for dec.More() {
		// raw is one valid JSON value, so no reading fails.
		t, _ := dec.Token()
		name, _ := t.(string)
		m := next(dec, raw, line)
		m.name = name
		if seen[name] {
			d.add(m.line, join(field, name), "is given twice")
			continue
		}
		seen[name] = true
		out = append(out, m)
	}
	return out
}

// items splits a list; want says of what it should be one.
func (d *decoder) items(m member, field, want string) []member {
	dec := json.NewDecoder(strings.NewReader(string(m.raw)))
	if t, err := dec.Token(); err != nil || t != json.Delim('[') {
		d.add(m.line, field, "want a list of "+want+", not "+kindOf(m.raw))
		return nil
	}
	out := []member{}
	for dec.More() {
		item := next(dec, m.raw, m.line)
		item.name = fmt.Sprintf("%s[%d]", field, len(out))
		out = append(out, item)
	}
	return out
}

// next reads the next value of raw, which begins at line.
func next(dec *json.Decoder, raw json.RawMessage, line int) member {
	var m member
	_ = dec.Decode(&m.raw)
	start := dec.InputOffset() - int64(len(m.raw))
	m.line = line + strings.Count(string(raw[:start]), "\n")
	return m
}

func join(field, name string) string {
	if field == "" {
		return name
	}
	return field + "." + name
}

// kindOf names a JSON value's type for an error message.
func kindOf(raw json.RawMessage) string {
	switch text := strings.TrimSpace(string(raw)); {
	case text == "":
		return "nothing"
	case text[0] == '{':
		return "an object"
	case text[0] == '[':
		return "a list"
	case text[0] == '"':
		return "a string"
	case text == "null":
		return "null"
	case text == "true" || text == "false":
		return "a boolean"
	}
	return "a number"
}

func (d *decoder) text(m member, field string) string {
	var s *string
	if json.Unmarshal(m.raw, &s) != nil || s == nil {
		d.add(m.line, field, "want a string, not "+kindOf(m.raw))
		return ""
	}
	return *s
}

// nonEmpty reads a field whose absence means something else than "".
func (d *decoder) nonEmpty(m member) string {
	before := len(d.problems)
	s := d.text(m, m.name)
	if s == "" && len(d.problems) == before {
		d.add(m.line, m.name, "is empty")
	}
	return s
}

func (d *decoder) texts(m member, field string) []string {
	items := d.items(m, field, "strings")
	if items == nil {
		return nil
	}
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = d.text(item, item.name)
	}
	return out
}

// request reads a request's fields. lines has the line of every field that is there.
func (d *decoder) request(raw json.RawMessage, line int) (q Request, lines map[string]int) {
	lines = map[string]int{}
	for _, m := range d.members(raw, line, "") {
		lines[m.name] = m.line
		switch m.name {
		case "PolicyInputList":
			q.PolicyInputList = d.texts(m, m.name)
		case "PermissionsBoundaryPolicyInputList":
			q.PermissionsBoundaryPolicyInputList = d.texts(m, m.name)
		case "ActionNames":
			q.ActionNames = d.texts(m, m.name)
		case "ResourceArns":
			q.ResourceArns = d.texts(m, m.name)
		case "ResourcePolicy":
			q.ResourcePolicy = d.nonEmpty(m)
		case "ResourceOwner":
			q.ResourceOwner = d.nonEmpty(m)
		case "CallerArn":
			q.CallerArn = d.nonEmpty(m)
		case "ContextEntries":
			q.ContextEntries = d.entries(m)
		case "ResourceHandlingOption":
			q.ResourceHandlingOption = d.text(m, m.name)
		case "Marker":
			q.Marker = d.text(m, m.name)
		case "MaxItems":
			var n *int
			if json.Unmarshal(m.raw, &n) != nil || n == nil || *n < 1 {
				d.add(m.line, m.name, "want a whole number from 1")
			} else {
				q.MaxItems = *n
			}
		default:
			d.add(m.line, m.name, "is not a field of a request: want PolicyInputList, PermissionsBoundaryPolicyInputList, ActionNames, ResourceArns, ResourcePolicy, ResourceOwner, CallerArn, ContextEntries, ResourceHandlingOption, MaxItems, Marker")
		}
	}
	return q, lines
}

func (d *decoder) entries(m member) []ContextEntry {
	var out []ContextEntry
	for _, item := range d.items(m, m.name, "objects") {
		var e ContextEntry
		named := false
		for _, f := range d.members(item.raw, item.line, item.name) {
			field := join(item.name, f.name)
			switch f.name {
			case "ContextKeyName":
				e.ContextKeyName, named = d.text(f, field), true
			case "ContextKeyValues":
				e.ContextKeyValues = d.texts(f, field)
			case "ContextKeyType":
				e.ContextKeyType = d.text(f, field)
			default:
				d.add(f.line, field, "is not a field of a context entry: want ContextKeyName, ContextKeyValues, ContextKeyType")
			}
		}
		if !named && kindOf(item.raw) == "an object" {
			d.add(item.line, join(item.name, "ContextKeyName"), "is missing")
		}
		out = append(out, e)
	}
	return out
}
