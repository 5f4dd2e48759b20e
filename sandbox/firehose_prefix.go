package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/logarchive/logarchive/partition"
)

// keyPrefix is a Firehose prefix, Prefix or ErrorOutputPrefix, taken apart. See
// https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html
type keyPrefix struct {
	text  string // as it is configured
	parts []prefixPart
	// appended is set when the prefix has no timestamp of its own, so that Firehose adds yyyy/MM/dd/HH/.
	appended *timePattern
}

// prefixPart is one of: literal text, a timestamp, a random string, the type of the error, a partition key.
type prefixPart struct {
	literal   string
	time      *timePattern
	random    bool
	errorType bool
	key       string
}

// prefixValues are what a prefix is evaluated with.
type prefixValues struct {
	at        time.Time         // when the oldest record arrived, in the stream's time zone
	random    func() string     // a new string of 11 characters each time
	errorType string            // such as "processing-failed"
	keys      map[string]string // partition keys
}

// The names in expressions.
const (
	namespaceTime     = "timestamp"
	namespaceFirehose = "firehose"
	randomString      = "random-string"
	errorOutputType   = "error-output-type"
)

// defaultTimePattern is what Firehose appends to a prefix without a timestamp.
const defaultTimePattern = "yyyy/MM/dd/HH/"

// parsePrefix reads a Prefix, or with forErrors an ErrorOutputPrefix.
func parsePrefix(text string, forErrors bool) (*keyPrefix, error) {
	p := &keyPrefix{text: text}
	expressions, hasTime, hasErrorType := 0, false, false
	for rest := text; rest != ""; {
		literal, after, found := strings.Cut(rest, "!{")
		if literal != "" {
			p.parts = append(p.parts, prefixPart{literal: literal})
		}
		if !found {
			break
		}
		expression, tail, closed := strings.Cut(after, "}")
		if !closed {
			return nil, fmt.Errorf("%q: the expression !{%s has no closing brace", text, after)
		}
		part, err := parseExpression(expression, forErrors)
		if err != nil {
			return nil, fmt.Errorf("%q: !{%s}: %w", text, expression, err)
		}
		p.parts = append(p.parts, part)
		expressions++
		hasTime = hasTime || part.time != nil
		hasErrorType = hasErrorType || part.errorType
		rest = tail
	}
	switch {
	case forErrors && expressions > 0 && !hasErrorType:
		return nil, fmt.Errorf("%q: an ErrorOutputPrefix with expressions needs !{firehose:error-output-type}", text)
	case forErrors && expressions == 0:
		p.parts = append(p.parts, prefixPart{errorType: true}, prefixPart{literal: "/"})
	}
	if (forErrors && expressions == 0) || (!forErrors && !hasTime) {
		pattern, err := parseTimePattern(defaultTimePattern)
		if err != nil {
			return nil, err
		}
		p.appended = pattern
	}
	return p, nil
}

func parseExpression(expression string, forErrors bool) (prefixPart, error) {
	namespace, value, found := strings.Cut(expression, ":")
	if !found || value == "" {
		return prefixPart{}, fmt.Errorf("want !{namespace:value}")
	}
	switch namespace {
	case namespaceTime:
		pattern, err := parseTimePattern(value)
		return prefixPart{time: pattern}, err
	case namespaceFirehose:
		switch {
		case value == randomString:
			return prefixPart{random: true}, nil
		case value == errorOutputType && forErrors:
			return prefixPart{errorType: true}, nil
		case value == errorOutputType:
			return prefixPart{}, fmt.Errorf("only an ErrorOutputPrefix may have the type of the error")
		}
		return prefixPart{}, fmt.Errorf("%q is not one of %s, %s", value, randomString, errorOutputType)
	case "partitionKeyFromQuery", "partitionKeyFromLambda":
		switch {
		case forErrors:
			return prefixPart{}, fmt.Errorf("an ErrorOutputPrefix can't have partition keys")
		case namespace == "partitionKeyFromQuery":
			return prefixPart{}, fmt.Errorf("the sandbox doesn't parse records for partition keys; a function can give them")
		}
		return prefixPart{key: value}, nil
	}
	return prefixPart{}, fmt.Errorf("%q is not one of timestamp, firehose, partitionKeyFromQuery, partitionKeyFromLambda", namespace)
}

// literalHead is the text before the first expression: every key that the prefix gives begins with it.
func (p *keyPrefix) literalHead() string {
	if len(p.parts) > 0 {
		return p.parts[0].literal
	}
	return ""
}

// keys are the names of the partition keys in the prefix, in order, each once.
func (p *keyPrefix) keys() []string {
	var names []string
	for _, part := range p.parts {
		if part.key != "" && !slices.Contains(names, part.key) {
			names = append(names, part.key)
		}
	}
	return names
}

// hasExpressions says whether anything of the prefix is evaluated.
func (p *keyPrefix) hasExpressions() bool { return strings.Contains(p.text, "!{") }

// evaluate returns the prefix of an object. An evaluated prefix longer than Firehose takes is an error.
func (p *keyPrefix) evaluate(v prefixValues) (string, error) {
	var out strings.Builder
	for _, part := range p.parts {
		switch {
		case part.time != nil:
			out.WriteString(part.time.format(v.at))
		case part.random:
			out.WriteString(v.random())
		case part.errorType:
			out.WriteString(v.errorType)
		case part.key != "":
			out.WriteString(v.keys[part.key])
		default:
			out.WriteString(part.literal)
		}
	}
	if p.appended != nil {
		out.WriteString(p.appended.format(v.at))
	}
	limit, err := partition.Everywhere(partition.FirehosePrefix)
	if err != nil {
		return "", err
	}
	if n := utf8.RuneCountInString(out.String()); int64(n) > limit {
		return "", fmt.Errorf("the prefix %q has %d characters when evaluated, Firehose takes %d", p.text, n, limit)
	}
	return out.String(), nil
}
