package stacks

import (
	"cmp"
	"maps"
	"slices"
	"unicode"

	"github.com/logarchive/logarchive/stacks/schema"
)

// once finds values that are there twice.
type once struct {
	p    *parser
	seen map[string]string // what is compared -> key path of the first
}

func newOnce(p *parser) *once { return &once{p, map[string]string{}} }

// text reports a valid string that an earlier value has already: `"a" is the name of flowLogs[0].name, too; want another`.
func (o *once) text(v schema.Value, verb, want string) {
	if v.OK() {
		o.value(v, v.Text(), verb, want)
	}
}

// value is the same for something that is made from the value.
func (o *once) value(v schema.Value, compared, verb, want string) {
	if first, ok := o.seen[compared]; ok {
		o.p.add(v, "%s %s %s, too; %s", schema.Quote(compared), verb, first, want)
		return
	}
	o.seen[compared] = v.Path
}

// sortedKeys returns a map's keys in alphabetical order.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// tagText says whether a tag may have the text: letters and digits of any script, spaces and + - = . _ : / @.
func tagText(s string) bool {
	for _, c := range s {
		switch {
		case unicode.IsLetter(c), unicode.IsDigit(c), c == ' ':
		case c == '+', c == '-', c == '=', c == '.', c == '_', c == ':', c == '/', c == '@':
		default:
			return false
		}
	}
	return true
}
