package components

import (
	"regexp"
	"strings"
)

// FixedPrefix returns the part of a Firehose prefix that is the same for all keys: what comes before the first
// expression, up to and including its last "/". It is what a [Delivery] has as its Prefix.
//
//	FixedPrefix("logs/account=111122223333/year=!{timestamp:yyyy}/") // "logs/account=111122223333/"
func FixedPrefix(prefix string) string {
	fixed, _, expressions := strings.Cut(prefix, "!{")
	if !expressions {
		return prefix
	}
	return fixed[:strings.LastIndexByte(fixed, '/')+1]
}

// partitionKeyFrom begins the expression of a key that the transform function computes.
const partitionKeyFrom = "partitionKeyFromLambda:"

const errorOutputType = "!{firehose:error-output-type}"

var expression = regexp.MustCompile(`!?\{[^}]*\}?`)

// prefixes checks the two prefixes of a Firehose destination by the rules of
// https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html and
// https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning-s3bucketprefix.html. partitionKeys are those of
// dynamic partitioning.
func (p *problems) prefixes(prefix, errorPrefix string, partitionKeys []string) {
	accepted := []string{"timestamp:", "firehose:random-string"}
	for _, key := range partitionKeys {
		accepted = append(accepted, partitionKeyFrom+key)
		if !strings.Contains(prefix, "!{"+partitionKeyFrom+key+"}") {
			p.add("Prefix", prefix, "lines are split by %s: want !{%s%s} in the prefix, or a transform without this key", key, partitionKeyFrom, key)
		}
	}
	p.expressions("Prefix", prefix, accepted...)
	p.expressions("ErrorPrefix", errorPrefix, "timestamp:", "firehose:random-string", "firehose:error-output-type")
	if !strings.Contains(errorPrefix, errorOutputType) {
		p.add("ErrorPrefix", errorPrefix, "want a prefix with %s, which says what kind of failure it was", errorOutputType)
	}
	data, errors := FixedPrefix(prefix), FixedPrefix(errorPrefix)
	p.keyPrefix("Prefix", data)
	p.keyPrefix("ErrorPrefix", errors)
	if data != "" && errors != "" && (strings.HasPrefix(data, errors) || strings.HasPrefix(errors, data)) {
		p.add("ErrorPrefix", errorPrefix, "undeliverable records would lie among the delivered ones, below %q", data)
	}
}

func (p *problems) expressions(field, value string, accepted ...string) {
	for _, e := range expression.FindAllString(value, -1) {
		name, isExpression := strings.CutPrefix(e, "!{")
		name, closed := strings.CutSuffix(name, "}")
		if !isExpression {
			p.add(field, value, "%s is no expression, and would be part of the key as it stands: expressions begin with !{", e)
			continue
		}
		ok := false
		for _, a := range accepted {
			ok = ok || name == a || (strings.HasSuffix(a, ":") && strings.HasPrefix(name, a) && name != a)
		}
		if !ok || !closed {
			p.add(field, value, "%s is not an expression that can stand here: want !{%s}", e, strings.Join(accepted, "}, !{"))
		}
	}
}

// keyPrefix checks the fixed beginning of keys. A prefix that begins with "/" is legal, but makes a nameless folder,
// and rules written for "logs/" would not match it.
func (p *problems) keyPrefix(field, value string) {
	if value == "" || !strings.HasSuffix(value, "/") || strings.HasPrefix(value, "/") || strings.Contains(value, "//") || strings.ContainsAny(value, "*?$\\") {
		p.add(field, value, `want a key prefix such as "logs/": ending with "/", not beginning with it, without * ? $ \ and empty parts`)
	}
}

// flowLogPrefix checks the prefix of a flow log's destination, which may be empty. The service appends AWSLogs/, and
// doesn't accept a folder of that name.
func (p *problems) flowLogPrefix(field, value string) {
	if value == "" {
		return
	}
	p.keyPrefix(field, value)
	if strings.Contains("/"+value, "/AWSLogs/") {
		p.add(field, value, "AWSLogs is a name that flow logs keep for themselves")
	}
}
