package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// jsonPattern is a filter pattern for events that are JSON objects, such as
//
//	{ $.status >= 400 && ($.user.name = "a*" || $.tags[0] IS NULL) }
//
// with =, != (numbers, and strings in which * stands for any characters), <, <=, >, >= (numbers), IS NULL, IS TRUE, IS
// FALSE, NOT EXISTS, &&, || and parentheses. An event that isn't a JSON object, and a comparison with what isn't there,
// don't match. Regular expressions and wildcards in selectors are errors. See
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
type jsonPattern struct {
	// Either left and right, of which both or (with or set) one must match,
	left, right *jsonPattern
	or          bool
	// or a comparison.
	selector []any // names and, for arrays, indexes
	operator string
	value    string
	number   float64 // of the value, if isNumber
	isNumber bool
}

// The operators that are words.
const (
	isNull    = "IS NULL"
	isTrue    = "IS TRUE"
	isFalse   = "IS FALSE"
	notExists = "NOT EXISTS"
)

// maxIndex keeps examples small.
const maxIndex = 999

// jsonParser reads a pattern from the front of rest.
type jsonParser struct{ rest string }

func parseJSONPattern(pattern string) (*jsonPattern, error) {
	inside, opened := strings.CutPrefix(strings.TrimSpace(pattern), "{")
	inside, closed := strings.CutSuffix(inside, "}")
	if !opened || !closed {
		return nil, errors.New("want { at the beginning and } at the end")
	}
	p := &jsonParser{rest: inside}
	node, err := p.alternatives()
	if err == nil && p.peek() != "" {
		err = fmt.Errorf("%q is left over", p.rest)
	}
	return node, err
}

// peek returns what is left, without white space before it.
func (p *jsonParser) peek() string {
	p.rest = strings.TrimLeft(p.rest, " \t\n")
	return p.rest
}

func (p *jsonParser) take(token string) bool {
	rest, ok := strings.CutPrefix(p.peek(), token)
	if ok {
		p.rest = rest
	}
	return ok
}

func (p *jsonParser) alternatives() (*jsonPattern, error) { return p.chain("||", p.conjunction) }

func (p *jsonParser) conjunction() (*jsonPattern, error) { return p.chain("&&", p.term) }

func (p *jsonParser) chain(operator string, next func() (*jsonPattern, error)) (*jsonPattern, error) {
	node, err := next()
	for err == nil && p.take(operator) {
		var right *jsonPattern
		if right, err = next(); err == nil {
			node = &jsonPattern{left: node, right: right, or: operator == "||"}
		}
	}
	return node, err
}

func (p *jsonParser) term() (*jsonPattern, error) {
	if p.take("(") {
		node, err := p.alternatives()
		if err == nil && !p.take(")") {
			err = errors.New("a parenthesis isn't closed")
		}
		return node, err
	}
	node := &jsonPattern{}
	var err error
	if node.selector, err = p.selector(); err != nil {
		return nil, err
	}
	for _, words := range []string{isNull, isTrue, isFalse, notExists} {
		first, second, _ := strings.Cut(words, " ")
		if before := p.rest; p.take(first) {
			if p.take(second) {
				node.operator = words
				return node, nil
			}
			p.rest = before
		}
	}
	for _, operator := range []string{"!=", "<=", ">=", "=", "<", ">"} {
		if p.take(operator) {
			node.operator = operator
			return node, p.value(node)
		}
	}
	return nil, fmt.Errorf("want a comparison before %q", p.peek())
}

// selector reads $.name.name[0].name.
func (p *jsonParser) selector() ([]any, error) {
	if !p.take("$") {
		return nil, fmt.Errorf("want a selector such as $.status before %q", p.peek())
	}
	var path []any
	for p.rest != "" && (p.rest[0] == '.' || p.rest[0] == '[') {
		isIndex := p.rest[0] == '['
		p.rest = p.rest[1:]
		end := strings.IndexFunc(p.rest, func(r rune) bool { return strings.ContainsRune(" \t\n.[]=!<>&|()\"'*", r) })
		if end < 0 {
			end = len(p.rest)
		}
		name := p.rest[:end]
		p.rest = p.rest[end:]
		if !isIndex {
			if name == "" {
				return nil, fmt.Errorf("want a name before %q", p.rest)
			}
			path = append(path, name)
			continue
		}
		index, err := strconv.Atoi(name)
		if err != nil || index < 0 || index > maxIndex || !strings.HasPrefix(p.rest, "]") {
			return nil, fmt.Errorf("want an index such as [0] at %q", "["+name+p.rest)
		}
		p.rest = p.rest[1:]
		path = append(path, index)
	}
	if len(path) == 0 {
		return nil, errors.New("want a name after $")
	}
	return path, nil
}

// value reads a number, a string in quotes, or a plain word.
func (p *jsonParser) value(node *jsonPattern) error {
	switch rest := p.peek(); {
	case strings.HasPrefix(rest, "%"):
		return errors.New("a regular expression")
	case strings.HasPrefix(rest, `"`):
		term, after, err := cutTerm(rest)
		if err != nil {
			return err
		}
		node.value, p.rest = term, after
	default:
		end := strings.IndexAny(rest, " \t\n&|()")
		if end < 0 {
			end = len(rest)
		}
		node.value, p.rest = rest[:end], rest[end:]
		number, err := strconv.ParseFloat(node.value, 64)
		node.number, node.isNumber = number, err == nil
	}
	switch {
	case node.value == "":
		return errors.New("want a value after " + node.operator)
	case !node.isNumber && node.operator != "=" && node.operator != "!=":
		return fmt.Errorf("%s compares numbers, %q is none", node.operator, node.value)
	}
	return nil
}

// matches says whether an event is selected.
func (n *jsonPattern) matches(message string) bool {
	decoder := json.NewDecoder(strings.NewReader(message))
	decoder.UseNumber()
	var event map[string]any
	return decoder.Decode(&event) == nil && n.holds(event)
}

func (n *jsonPattern) holds(event map[string]any) bool {
	if n.left != nil {
		if n.or {
			return n.left.holds(event) || n.right.holds(event)
		}
		return n.left.holds(event) && n.right.holds(event)
	}
	found, ok := selected(event, n.selector)
	if n.operator == notExists || !ok {
		return n.operator == notExists && !ok
	}
	switch n.operator {
	case isNull:
		return found == nil
	case isTrue:
		return found == true
	case isFalse:
		return found == false
	}
	if n.isNumber {
		number, isNumber := found.(json.Number)
		value, err := number.Float64()
		return isNumber && err == nil && compare(value, n.operator, n.number)
	}
	text, isText := found.(string)
	return isText && likes(n.value, text) == (n.operator == "=")
}

func compare(a float64, operator string, b float64) bool {
	switch operator {
	case "=":
		return a == b
	case "!=":
		return a != b
	case "<":
		return a < b
	case "<=":
		return a <= b
	case ">":
		return a > b
	}
	return a >= b
}

// likes matches a string with a pattern in which * stands for any characters.
func likes(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	rest, ok := strings.CutPrefix(s, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(rest, part)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}

func selected(from any, selector []any) (any, bool) {
	for _, step := range selector {
		switch step := step.(type) {
		case string:
			object, ok := from.(map[string]any)
			if !ok {
				return nil, false
			}
			if from, ok = object[step]; !ok {
				return nil, false
			}
		case int:
			array, ok := from.([]any)
			if !ok || step >= len(array) {
				return nil, false
			}
			from = array[step]
		}
	}
	return from, true
}

// example puts what the pattern asks for into an event; of alternatives, the first. It doesn't see to contradictions.
func (n *jsonPattern) example(event map[string]any) {
	if n.left != nil {
		n.left.example(event)
		if !n.or {
			n.right.example(event)
		}
		return
	}
	var value any
	switch n.operator {
	case notExists:
		return
	case isNull:
	case isTrue, isFalse:
		value = n.operator == isTrue
	case "=", ">=", "<=":
		value = strings.ReplaceAll(n.value, "*", "")
		if n.isNumber {
			value = n.number
		}
	case ">":
		value = n.number + 1
	case "<":
		value = n.number - 1
	case "!=":
		value = "other than " + n.value
		if n.isNumber {
			value = n.number + 1
		}
	}
	place(event, n.selector, value)
}

// place puts a value where a selector points to, below objects and arrays that it makes on the way.
func place(into any, selector []any, value any) any {
	if len(selector) == 0 {
		return value
	}
	switch step := selector[0].(type) {
	case string:
		object, ok := into.(map[string]any)
		if !ok {
			object = map[string]any{}
		}
		object[step] = place(object[step], selector[1:], value)
		return object
	case int:
		array, _ := into.([]any)
		for len(array) <= step {
			array = append(array, nil)
		}
		array[step] = place(array[step], selector[1:], value)
		return array
	}
	return into
}
