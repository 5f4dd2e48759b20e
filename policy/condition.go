package policy

import (
	"encoding/base64"
	"net/netip"
	"strings"
)

// condition is one operator on one key.
type condition struct {
	op     operator
	name   string // the operator as it is written
	key    string
	values []operand
}

// operand is one value of a condition in the policy, read as its operator's type when the policy is compiled.
type operand struct {
	text  template
	arn   [6]template // for the ARN operators: each field is compared by itself
	num   number
	when  instant
	net   netip.Prefix
	bytes []byte
	valid bool // the value is of the operator's type; others equal nothing
}

func compileCondition(name, key string, values []string, variables bool) (condition, bool) {
	op, ok := parseOperator(name)
	if !ok {
		return condition{}, false
	}
	c := condition{op: op, name: name, key: key, values: make([]operand, len(values))}
	for i, v := range values {
		c.values[i] = op.comparison.compile(v, variables)
	}
	return c, true
}

// compile reads a value of a policy. Variables are allowed in strings, ARNs and booleans; the IAM User Guide
// excludes all other operators.
func (k comparison) compile(v string, variables bool) operand {
	switch k {
	case stringEquals, stringEqualsIgnoreCase, boolEquals:
		return operand{text: compileTemplate(v, variables, false), valid: true}
	case stringLike:
		return operand{text: compileTemplate(v, variables, true), valid: true}
	case arnLike:
		parts := splitOutsideVariables(v, variables)
		if len(parts) < 6 {
			return operand{}
		}
		o := operand{valid: true}
		for i, p := range parts {
			o.arn[i] = compileTemplate(p, variables, true)
		}
		return o
	case numericEquals, numericLess, numericLessEquals, numericGreater, numericGreaterEquals:
		n, ok := parseNumber(v)
		return operand{num: n, valid: ok}
	case dateEquals, dateLess, dateLessEquals, dateGreater, dateGreaterEquals:
		t, ok := parseDate(v)
		return operand{when: t, valid: ok}
	case ipAddress:
		p, ok := parseNetwork(v)
		return operand{net: p, valid: ok}
	case binaryEquals:
		b, err := base64.StdEncoding.DecodeString(v)
		return operand{bytes: b, valid: err == nil}
	case compareNull:
		return operand{text: template{text: v}, valid: true}
	}
	return operand{}
}

// holds says whether the condition is true of the request's context.
//
// A missing key makes it false, or true when the operator is negated, or ends in IfExists, or is preceded by
// ForAllValues. With ForAnyValue it is false, IfExists or not: "if the key does not exist, the condition returns false"
// (IfExists asks about a value of the set, of which there is none). A key with several values needs one of the two set operators: without,
// the condition is false. See reference_policies_elements_condition_operators and
// reference_policies_condition-single-vs-multi-valued-context-keys in the IAM User Guide.
func (c *condition) holds(ctx Context) bool {
	v, present := ctx.lookup(c.key)
	if c.op.comparison == compareNull {
		want := "false"
		if !present || v.null() {
			want = "true"
		}
		for i := range c.values {
			if strings.EqualFold(c.values[i].text.text, want) {
				return true
			}
		}
		return false
	}
	if !present {
		switch c.op.set {
		case forAllValues:
			return true
		case forAnyValue:
			return false
		case noSet:
		}
		return c.op.negated || c.op.ifExists
	}
	switch c.op.set {
	case noSet:
		return !v.list && c.test(v.values[0], ctx)
	case forAllValues:
		if v.null() {
			return true
		}
		for _, s := range v.values {
			if !c.test(s, ctx) {
				return false
			}
		}
		return true
	case forAnyValue:
		if v.null() {
			return false
		}
		for _, s := range v.values {
			if c.test(s, ctx) {
				return true
			}
		}
	}
	return false
}

// test compares one value of the request with those of the policy: one of them must match, or none when the operator
// is negated. A value that isn't of the operator's type (a word where a number must be) satisfies neither.
func (c *condition) test(s string, ctx Context) bool {
	var a actual
	if !a.read(c.op.comparison, s) {
		return false
	}
	for i := range c.values {
		if c.values[i].valid && c.op.comparison.equal(&c.values[i], &a, ctx) {
			return !c.op.negated
		}
	}
	return c.op.negated
}

// actual is a value of the request, read as the operator's type.
type actual struct {
	text string
	num  number
	when instant
	ip   netip.Addr
}

func (a *actual) read(k comparison, s string) (ok bool) {
	a.text = s
	switch k {
	case numericEquals, numericLess, numericLessEquals, numericGreater, numericGreaterEquals:
		a.num, ok = parseNumber(s)
	case dateEquals, dateLess, dateLessEquals, dateGreater, dateGreaterEquals:
		a.when, ok = parseDate(s)
	case ipAddress:
		var err error
		a.ip, err = netip.ParseAddr(s)
		a.ip = a.ip.Unmap().WithZone("")
		ok = err == nil
	case boolEquals:
		ok = strings.EqualFold(s, "true") || strings.EqualFold(s, "false")
	case stringEquals, stringEqualsIgnoreCase, stringLike, arnLike, binaryEquals, compareNull:
		ok = true
	}
	return ok
}

// equal compares a value of the request with one of the policy, leaving negation aside.
func (k comparison) equal(o *operand, a *actual, ctx Context) bool {
	switch k {
	case stringEquals:
		s, ok := o.text.expand(ctx)
		return ok && s == a.text
	case stringEqualsIgnoreCase, boolEquals:
		s, ok := o.text.expand(ctx)
		return ok && strings.EqualFold(s, a.text)
	case stringLike:
		s, ok := o.text.expand(ctx)
		return ok && matches(s, a.text)
	case arnLike:
		seg, ok := splitARN(a.text)
		if !ok {
			return false
		}
		for i := range o.arn {
			p, ok := o.arn[i].expand(ctx)
			if !ok || !matches(p, seg[i]) {
				return false
			}
		}
		return true
	case numericEquals:
		return a.num.compare(o.num) == 0
	case numericLess:
		return a.num.compare(o.num) < 0
	case numericLessEquals:
		return a.num.compare(o.num) <= 0
	case numericGreater:
		return a.num.compare(o.num) > 0
	case numericGreaterEquals:
		return a.num.compare(o.num) >= 0
	case dateEquals:
		return a.when.compare(o.when) == 0
	case dateLess:
		return a.when.compare(o.when) < 0
	case dateLessEquals:
		return a.when.compare(o.when) <= 0
	case dateGreater:
		return a.when.compare(o.when) > 0
	case dateGreaterEquals:
		return a.when.compare(o.when) >= 0
	case ipAddress:
		return o.net.Contains(a.ip)
	case binaryEquals:
		b, err := base64.StdEncoding.DecodeString(a.text)
		return err == nil && string(b) == string(o.bytes)
	case compareNull:
	}
	return false
}
