package verify

import (
	"strings"

	"github.com/logarchive/logarchive/policy"
)

// hasCondition says whether a condition on the key really keeps requests out: one that demands the key, and a value of it.
func hasCondition(s policy.Statement, key string) bool { return len(boundBy(s, key)) > 0 }

// boundBy returns the values of each condition that keeps requests out by the key. Negated operators, IfExists and
// ForAllValues hold when the key is absent, and a value of wildcards only holds whatever it is.
func boundBy(s policy.Statement, key string) [][]string {
	var out [][]string
	for _, op := range sortedKeys(s.Condition) {
		if negated(op) || strings.HasSuffix(op, "IfExists") || strings.HasPrefix(op, "ForAllValues:") {
			continue
		}
		for _, k := range sortedKeys(s.Condition[op]) {
			if strings.EqualFold(k, key) && !anyOf(s.Condition[op][k], boundless) {
				out = append(out, s.Condition[op][k])
			}
		}
	}
	return out
}

func anyOf(values []string, is func(string) bool) bool {
	for _, v := range values {
		if is(v) {
			return true
		}
	}
	return false
}

// boundless says whether a value covers everything: a wildcard, or an ARN whose every field but the first two is one.
func boundless(value string) bool {
	fields := strings.SplitN(value, ":", 6)
	if len(fields) < 6 || fields[0] != "arn" {
		return wild(value)
	}
	for _, f := range fields[2:] {
		if f != "" && !wild(f) {
			return false
		}
	}
	return true
}

// wild says whether a text is wildcards only.
func wild(s string) bool { return s != "" && strings.Trim(s, "*?") == "" }
