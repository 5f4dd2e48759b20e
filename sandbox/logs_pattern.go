package sandbox

import (
	"fmt"
	"strings"
)

// filterPattern is a filter pattern of terms: which log events a subscription filter selects. See
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
//
//	""               all events
//	ERROR timeout    those with both; "two words" is one term, and what isn't letters, digits or _ must be quoted so
//	?ERROR ?WARN     those with at least one
//	ERROR -debug     not those with debug
//
//	{ … }            JSON events: see jsonPattern
//
// Terms match with case, anywhere in the message. Space-delimited and regular expression patterns, and mixtures of ?
// with other terms (which AWS treats oddly), are errors: the sandbox doesn't guess.
type filterPattern struct {
	all, any, none []string
	json           *jsonPattern
}

func parseFilterPattern(pattern string) (*filterPattern, error) {
	p := &filterPattern{}
	unsupported := func(what string) error {
		return fmt.Errorf("the filter pattern %q is %s: the sandbox knows patterns of terms, such as ERROR, \"two words\", ?A ?B, -C, and for JSON, such as { $.status >= 400 }", pattern, what)
	}
	rest := strings.TrimSpace(pattern)
	switch {
	case strings.HasPrefix(rest, "{"):
		var err error
		if p.json, err = parseJSONPattern(rest); err != nil {
			return nil, fmt.Errorf("InvalidParameterException: the filter pattern %q: %w", pattern, err)
		}
		return p, nil
	case strings.HasPrefix(rest, "["):
		return nil, unsupported("space-delimited")
	case strings.Contains(rest, "%"):
		return nil, unsupported("a regular expression")
	}
	for rest != "" {
		into := &p.all
		switch rest[0] {
		case '?':
			into, rest = &p.any, rest[1:]
		case '-':
			into, rest = &p.none, rest[1:]
		}
		term, after, err := cutTerm(rest)
		if err != nil {
			return nil, fmt.Errorf("InvalidParameterException: the filter pattern %q: %w", pattern, err)
		}
		*into = append(*into, term)
		rest = strings.TrimLeft(after, " \t\n")
	}
	if len(p.any) > 0 && len(p.all)+len(p.none) > 0 {
		return nil, unsupported("a mixture of ? and other terms")
	}
	return p, nil
}

// cutTerm reads a term, quoted or plain, at the beginning of s.
func cutTerm(s string) (term, after string, err error) {
	if strings.HasPrefix(s, `"`) {
		var text strings.Builder
		for i := 1; i < len(s); i++ {
			switch {
			case s[i] == '\\' && i+1 < len(s):
				i++
				text.WriteByte(s[i])
			case s[i] == '"' && text.Len() == 0:
				return "", "", fmt.Errorf("an empty term")
			case s[i] == '"':
				return text.String(), s[i+1:], nil
			default:
				text.WriteByte(s[i])
			}
		}
		return "", "", fmt.Errorf("a quote that isn't closed")
	}
	end := strings.IndexAny(s, " \t\n")
	if end < 0 {
		end = len(s)
	}
	term = s[:end]
	if term == "" {
		return "", "", fmt.Errorf("an empty term")
	}
	for _, r := range term {
		isWord := r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
		if !isWord {
			return "", "", fmt.Errorf("the term %s has %q in it: put it in double quotes", term, r)
		}
	}
	return term, s[end:], nil
}

// matches says whether a message is selected.
func (p *filterPattern) matches(message string) bool {
	if p.json != nil {
		return p.json.matches(message)
	}
	for _, term := range p.none {
		if strings.Contains(message, term) {
			return false
		}
	}
	for _, term := range p.all {
		if !strings.Contains(message, term) {
			return false
		}
	}
	for _, term := range p.any {
		if strings.Contains(message, term) {
			return true
		}
	}
	return len(p.any) == 0
}
