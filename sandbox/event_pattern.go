package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// eventMatches says whether an event has what an event pattern demands, as EventBridge decides it. A pattern with a
// comparison that the sandbox doesn't know is an error.
//
// See https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
func eventMatches(pattern string, event []byte) (bool, error) {
	var wanted map[string]any
	if err := decodeExactly([]byte(pattern), &wanted); err != nil {
		return false, fmt.Errorf("sandbox: the event pattern isn't JSON: %w", err)
	}
	var has map[string]any
	if err := decodeExactly(event, &has); err != nil {
		return false, fmt.Errorf("sandbox: the event isn't JSON: %w", err)
	}
	ok, err := objectMatches(wanted, has)
	if err != nil {
		err = fmt.Errorf("sandbox: event pattern: %w", err)
	}
	return ok, err
}

// decodeExactly keeps numbers as they are written: EventBridge compares them so.
func decodeExactly(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	return decoder.Decode(into)
}

// objectMatches compares member by member: all that the pattern names must fit. It looks at all of them, so that a
// comparison that isn't known never hides behind one that fails.
func objectMatches(pattern, event map[string]any) (bool, error) {
	all := true
	for name, wanted := range pattern {
		value, present := event[name]
		var ok bool
		var err error
		switch w := wanted.(type) {
		case map[string]any:
			ok, err = insideMatches(w, value)
		case []any:
			if name == "$or" {
				ok, err = anyObjectMatches(w, event)
			} else {
				ok, err = leafMatches(w, value, present)
			}
		default:
			err = fmt.Errorf("%s must be an object or an array", name)
		}
		if err != nil {
			return false, err
		}
		all = all && ok
	}
	return all, nil
}

// insideMatches compares what is below a member. One that isn't there is like an empty object: "exists": false fits it.
func insideMatches(pattern map[string]any, value any) (bool, error) {
	switch v := value.(type) {
	case map[string]any:
		return objectMatches(pattern, v)
	case []any:
		some := false
		for _, element := range v {
			ok, err := insideMatches(pattern, element)
			if err != nil {
				return false, err
			}
			some = some || ok
		}
		return some, nil
	}
	return objectMatches(pattern, nil)
}

func anyObjectMatches(patterns []any, event map[string]any) (bool, error) {
	some := false
	for _, p := range patterns {
		object, ok := p.(map[string]any)
		if !ok {
			return false, fmt.Errorf("$or must be a list of objects")
		}
		matches, err := objectMatches(object, event)
		if err != nil {
			return false, err
		}
		some = some || matches
	}
	return some, nil
}

// leafMatches says whether one of the pattern's alternatives fits the value, or one of the values of a list.
func leafMatches(alternatives []any, value any, present bool) (bool, error) {
	values := []any{value}
	if list, ok := value.([]any); ok {
		values = list
	}
	_, branch := value.(map[string]any)
	some := false
	for _, alternative := range alternatives {
		comparison, ok := alternative.(map[string]any)
		if !ok {
			some = some || present && slices.ContainsFunc(values, func(v any) bool { return sameValue(alternative, v) })
			continue
		}
		if len(comparison) != 1 {
			return false, fmt.Errorf("a comparison has one operator, this one has %d", len(comparison))
		}
		for operator, operand := range comparison {
			if operator == "exists" {
				want, ok := operand.(bool)
				if !ok {
					return false, fmt.Errorf("exists wants true or false")
				}
				some = some || want == (present && !branch)
				continue
			}
			// Each value is looked at, so that a wrong operand is an error with every event.
			if _, err := compares(operator, operand, nil); err != nil {
				return false, err
			}
			for _, v := range values {
				fits, err := compares(operator, operand, v)
				if err != nil {
					return false, err
				}
				some = some || present && fits
			}
		}
	}
	return some, nil
}

// sameValue compares without conversion: 300 and 300.0 are two values, "300" is a third.
func sameValue(a, b any) bool {
	switch a.(type) {
	case string, json.Number, bool, nil:
		return a == b
	}
	return false
}

// compares says whether a value fits an operator. A value of another kind than the operator's doesn't.
func compares(operator string, operand, value any) (bool, error) {
	text, isText := value.(string)
	with := func(fits func(operand, text string) bool) (bool, error) {
		switch o := operand.(type) {
		case string:
			return isText && fits(o, text), nil
		case map[string]any: // {"prefix": {"equals-ignore-case": "…"}}
			if folded, ok := o["equals-ignore-case"].(string); ok && len(o) == 1 {
				return isText && fits(strings.ToLower(folded), strings.ToLower(text)), nil
			}
		}
		return false, fmt.Errorf("%s wants a text", operator)
	}
	switch operator {
	case "prefix":
		return with(func(o, t string) bool { return strings.HasPrefix(t, o) })
	case "suffix":
		return with(func(o, t string) bool { return strings.HasSuffix(t, o) })
	case "equals-ignore-case":
		return with(func(o, t string) bool { return strings.EqualFold(o, t) })
	case "wildcard":
		return with(wildcardMatches)
	case "anything-but":
		return differs(operand, value)
	case "numeric":
		return numberFits(operand, value)
	case "cidr":
		o, ok := operand.(string)
		network, err := netip.ParsePrefix(o)
		if !ok || err != nil {
			return false, fmt.Errorf("cidr wants a range of addresses, not %v", operand)
		}
		address, err := netip.ParseAddr(text)
		return err == nil && network.Contains(address), nil
	}
	return false, fmt.Errorf("the sandbox doesn't know the operator %q", operator)
}

// differs is "anything-but": a value, a list of values, or one comparison of texts.
func differs(operand, value any) (bool, error) {
	switch o := operand.(type) {
	case string, json.Number:
		return !sameValue(o, value), nil
	case []any:
		return !slices.ContainsFunc(o, func(one any) bool { return sameValue(one, value) }), nil
	case map[string]any:
		if len(o) != 1 {
			break
		}
		for operator, inner := range o {
			if !slices.Contains([]string{"prefix", "suffix", "equals-ignore-case", "wildcard"}, operator) {
				break
			}
			several, ok := inner.([]any)
			if !ok {
				several = []any{inner}
			}
			none := true
			for _, one := range several {
				fits, err := compares(operator, one, value)
				if err != nil {
					return false, err
				}
				none = none && !fits
			}
			return none, nil
		}
	}
	return false, fmt.Errorf("anything-but wants a value, a list of values, or one comparison of texts")
}

// numberFits is "numeric": pairs of a sign and a number, all of which must hold.
func numberFits(operand, value any) (bool, error) {
	pairs, ok := operand.([]any)
	if !ok || len(pairs) == 0 || len(pairs)%2 != 0 {
		return false, fmt.Errorf("numeric wants pairs of a sign and a number")
	}
	number := func(v any) (float64, bool) {
		n, ok := v.(json.Number)
		if !ok {
			return 0, false
		}
		f, err := strconv.ParseFloat(string(n), 64)
		return f, err == nil
	}
	has, fits := number(value)
	for i := 0; i < len(pairs); i += 2 {
		limit, ok := number(pairs[i+1])
		if !ok {
			return false, fmt.Errorf("numeric wants pairs of a sign and a number")
		}
		switch pairs[i] {
		case "=":
			fits = fits && has == limit
		case "<":
			fits = fits && has < limit
		case "<=":
			fits = fits && has <= limit
		case ">":
			fits = fits && has > limit
		case ">=":
			fits = fits && has >= limit
		default:
			return false, fmt.Errorf("numeric: %v is no sign; want one of = < <= > >=", pairs[i])
		}
	}
	return fits, nil
}

// wildcardMatches compares with a pattern in which * is any text, \* a star and \\ a backslash.
func wildcardMatches(pattern, text string) bool {
	var parts []string
	var part strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch {
		case pattern[i] == '\\' && i+1 < len(pattern):
			i++
			part.WriteByte(pattern[i])
		case pattern[i] == '*':
			parts = append(parts, part.String())
			part.Reset()
		default:
			part.WriteByte(pattern[i])
		}
	}
	last := part.String()
	if len(parts) == 0 {
		return text == last
	}
	rest, ok := strings.CutPrefix(text, parts[0])
	for _, p := range parts[1:] {
		_, after, found := strings.Cut(rest, p)
		rest, ok = after, ok && found
	}
	return ok && strings.HasSuffix(rest, last)
}
