package policy

import (
	"strings"
	"unicode/utf8"
)

// The wildcards of a compiled pattern. They are bytes that no UTF-8 text has, so that the text of a variable's value
// or of ${*} is never taken for a wildcard.
const (
	anyText = 0xFF // "*"
	anyRune = 0xFE // "?"
)

// template is a string of a policy: text, and variables that a request fills in. In text that may have wildcards they
// are compiled already.
type template struct {
	text  string // all of it when there are no parts
	parts []part
}

// part is either text or, when name is set, a variable.
type part struct {
	text       string
	isVariable bool
	name       string
	fallback   string // "" when there is none
}

// compileTemplate reads a string of a policy. In version 2008-10-17 there are no variables: "${" is text.
func compileTemplate(s string, variables, wildcards bool) template {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if !variables || !strings.Contains(s, "${") {
		return template{text: encodeWildcards(s, wildcards)}
	}
	var t template
	addText := func(text string) {
		if n := len(t.parts); n > 0 && !t.parts[n-1].isVariable {
			t.parts[n-1].text += text
		} else {
			t.parts = append(t.parts, part{text: text})
		}
	}
	for s != "" {
		before, rest, found := strings.Cut(s, "${")
		inner, after, closed := strings.Cut(rest, "}")
		if !found || !closed {
			// Without its brace it isn't a variable.
			addText(encodeWildcards(s, wildcards))
			break
		}
		addText(encodeWildcards(before, wildcards))
		s = after
		switch inner {
		case "*", "?", "$":
			addText(inner)
		default:
			name, fallback, _ := strings.Cut(inner, ",")
			p := part{isVariable: true, name: strings.TrimSpace(name)}
			if f := strings.TrimSpace(fallback); len(f) >= 2 && f[0] == '\'' && f[len(f)-1] == '\'' {
				p.fallback = f[1 : len(f)-1]
			}
			t.parts = append(t.parts, p)
		}
	}
	if len(t.parts) == 1 && !t.parts[0].isVariable {
		return template{text: t.parts[0].text}
	}
	return t
}

func encodeWildcards(s string, wildcards bool) string {
	if !wildcards || !strings.ContainsAny(s, "*?") {
		return s
	}
	b := []byte(s)
	for i, c := range b {
		switch c {
		case '*':
			b[i] = anyText
		case '?':
			b[i] = anyRune
		}
	}
	return string(b)
}

// expand fills in the variables; false when one has no value: the whole string then equals nothing
// (reference_policies_variables, "Policy variables with no value"). A multivalued key has no value here.
func (t *template) expand(c Context) (string, bool) {
	if t.parts == nil {
		return t.text, true
	}
	var b strings.Builder
	for _, p := range t.parts {
		if !p.isVariable {
			b.WriteString(p.text)
			continue
		}
		value := p.fallback
		if v, ok := c.lookup(p.name); ok && !v.list && v.values[0] != "" {
			value = v.values[0]
		}
		if value == "" {
			return "", false
		}
		if !utf8.ValidString(value) {
			value = strings.ToValidUTF8(value, "\uFFFD")
		}
		b.WriteString(value)
	}
	return b.String(), true
}

// variables calls f with the name of every variable that has no default.
func (t *template) variables(f func(name string)) {
	for _, p := range t.parts {
		if p.isVariable && p.fallback == "" {
			f(p.name)
		}
	}
}

// matches says whether a compiled pattern covers all of s. It looks back to the last "*" only, which is enough, and
// keeps the time within len(pattern) x len(s).
func matches(pattern, s string) bool {
	p, i := 0, 0
	star, from := -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == anyText:
			star, from = p, i
			p++
			continue
		case p < len(pattern) && pattern[p] == anyRune:
			_, size := utf8.DecodeRuneInString(s[i:])
			p++
			i += size
			continue
		case p < len(pattern) && pattern[p] == s[i]:
			p++
			i++
			continue
		case star >= 0:
			p = star + 1
			// The star takes one more character.
			_, size := utf8.DecodeRuneInString(s[from:])
			from += size
			i = from
			continue
		}
		return false
	}
	for p < len(pattern) && pattern[p] == anyText {
		p++
	}
	return p == len(pattern)
}

// splitARN cuts an ARN into its six fields; the last keeps its colons. False for text that isn't one.
func splitARN(s string) ([6]string, bool) {
	var seg [6]string
	for i := range 5 {
		before, after, ok := strings.Cut(s, ":")
		if !ok {
			return seg, false
		}
		seg[i], s = before, after
	}
	seg[5] = s
	return seg, seg[0] == "arn"
}
