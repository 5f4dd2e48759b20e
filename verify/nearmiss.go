package verify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/policy"
)

// nearest finds the statement that would allow a refused request but for one of its parts, and says which. A condition is
// named before a resource, a resource before a principal, and that before an action: the more of a statement fits, the likelier
// it is the one that was meant.
func nearest(v *Verdict, have []*policyAt) (*policyAt, string) {
	for _, miss := range []func(*Verdict, string, policy.Statement) string{missedCondition, missedResource, missedPrincipal, missedAction} {
		for _, at := range have {
			for i, s := range at.document.Statements {
				if s.Effect != policy.Allow {
					continue
				}
				if part := miss(v, at.document.Version, s); part != "" {
					return at, fmt.Sprintf("statement %s of its %s would allow it but for %s: change that, or add a statement", statementName(s.Sid, i), at.kind, part)
				}
			}
		}
	}
	return nil, ""
}

func missedCondition(v *Verdict, version string, s policy.Statement) string {
	for _, op := range sortedKeys(s.Condition) {
		for _, key := range sortedKeys(s.Condition[op]) {
			if !matchesAlone(v, version, withoutCondition(s, op, key)) {
				continue
			}
			sent := "which the request doesn't carry"
			if value, ok := contextOf(v.request.Context, key); ok {
				sent = "the request carries " + strings.Join(value.Values(), ", ")
			}
			return fmt.Sprintf("its condition %s %s = %s (%s)", op, key, strings.Join(s.Condition[op][key], ", "), sent)
		}
	}
	return ""
}

func missedResource(v *Verdict, version string, s policy.Statement) string {
	if s.Resource == nil {
		return ""
	}
	wider := s
	wider.Resource = []string{"*"}
	if !matchesAlone(v, version, wider) {
		return ""
	}
	return "its resource " + strings.Join(s.Resource, ", ")
}

func missedPrincipal(v *Verdict, version string, s policy.Statement) string {
	if s.Principal == nil {
		return ""
	}
	wider := s
	wider.Principal = policy.AnyPrincipal()
	if !matchesAlone(v, version, wider) {
		return ""
	}
	return fmt.Sprintf("its principal (the caller is %s)", v.Caller)
}

// missedAction looks only at statements that allow a kindred action, as of s3:PutObject for s3:PutObjectAcl: with other
// actions, nearly every request would fit into some statement that was meant for something else.
func missedAction(v *Verdict, version string, s policy.Statement) string {
	kindred := func(action string) bool {
		action = strings.TrimSuffix(action, "*")
		return strings.HasPrefix(v.Action, action) || strings.HasPrefix(action, v.Action)
	}
	if !slices.ContainsFunc(s.Action, kindred) {
		return ""
	}
	wider := s
	wider.Action = []string{"*"}
	if !matchesAlone(v, version, wider) {
		return ""
	}
	return "its actions"
}

func contextOf(c policy.Context, key string) (policy.Value, bool) {
	for k, v := range c {
		if strings.EqualFold(k, key) {
			return v, len(v.Values()) > 0
		}
	}
	return policy.Value{}, false
}

// matchesAlone says whether the statement, as the only policy, matches the request.
func matchesAlone(v *Verdict, version string, s policy.Statement) bool {
	p, err := compileStatement("alone", version, s)
	return err == nil && matchesOnly(v, p, s.Principal != nil || s.NotPrincipal != nil)
}

// matchesOnly says whether a policy of one statement matches the request that was decided.
func matchesOnly(v *Verdict, p *policy.Policy, ofResource bool) bool {
	with := policy.Policies{Identity: []*policy.Policy{p}}
	if ofResource {
		with = policy.Policies{Resource: []*policy.Policy{p}}
	}
	return len(policy.Evaluate(v.request, with).Reasons) > 0
}

func withoutCondition(s policy.Statement, op, key string) policy.Statement {
	conditions := policy.Conditions{}
	for o, keys := range s.Condition {
		for k, values := range keys {
			if o != op || k != key {
				conditions = conditions.With(o, k, values...)
			}
		}
	}
	s.Condition = conditions
	return s
}
