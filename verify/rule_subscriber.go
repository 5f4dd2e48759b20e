package verify

import (
	"slices"
	"strings"

	"github.com/logarchive/logarchive/policy"
)

// subscriberLoops finds subscribers that may subscribe a pipeline's own log groups, which own has by [groupKey]. Only a
// Deny under no condition keeps a group out for sure: what the function leaves alone by itself, it leaves alone today.
func (e *evaluation) subscriberLoops(own map[string]*Resource, report reporter) {
	for _, f := range e.byType[typeFunction] {
		o := e.roles[f.text("role")]
		if !strings.Contains(f.URN, subscriberComponent) || o == nil {
			continue
		}
		for _, key := range sortedKeys(own) {
			group := strings.TrimPrefix(key, groupKey(f.Place, ""))
			arn := f.Place.LogGroupARN(group).String()
			if group != key && mentions(o, policy.Allow, arn) && !mentions(o, policy.Deny, arn) {
				report(f.URN, "deny it logs:PutSubscriptionFilter on "+arn+"*, under no condition", "it may subscribe log group %s, which is written by %s", group, own[key].URN)
			}
		}
	}
}

// mentions says whether a statement of a role lets, or without a condition denies, a log group be subscribed.
func mentions(o *role, effect policy.Effect, arn string) bool {
	return slices.ContainsFunc(o.identity, func(at *policyAt) bool {
		return slices.ContainsFunc(at.document.Statements, func(s policy.Statement) bool {
			return s.Effect == effect && (effect == policy.Allow || s.Principal == nil && len(s.Condition) == 0) && slices.Contains(s.Action, "logs:PutSubscriptionFilter") && covers(s.Resource, []string{arn})
		})
	})
}
