package verify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// Rule is one posture or compatibility rule.
type Rule struct {
	// ID is what waivers and reports name it by.
	ID string
	// Title says in a few words what holds when the rule is kept.
	Title string
	// Why says what happens otherwise, with the AWS document or the incident behind it.
	Why string
	// Remedy is what mends a violation, in general; each violation has its own.
	Remedy string

	check func(e *evaluation, report reporter)
}

// reporter takes what a rule finds: the resource concerned, what is wrong, and how to mend it.
type reporter func(resource, remedy, reason string, args ...any)

// Rules returns every rule, sorted by id.
func Rules() []Rule {
	out := slices.Concat(bucketRules, keyRules, grantRules, lifecycleRuleSet, pipelineRules, replicationRules, replicaRules, destinationRules, compatibilityRules, databaseRules, machineRules, queueRules, trailRules, alarmRules, queryRules, boundaryRules, endpointRules)
	slices.SortFunc(out, func(a, b Rule) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// The rules that aren't in [Rules]: what a proof itself finds.
const (
	rulePath     = "path"
	ruleDocument = "policy-document"
	ruleWaiver   = "waiver"
	// This one is in both: it is about a proof, and about more.
	ruleAdministrable = "key-administrable"
)

// AllRules returns every rule that a violation may name, sorted by id: those of [Rules], and those of the proof itself.
func AllRules() []Rule {
	out := append(Rules(),
		Rule{
			ID: rulePath, Title: "every way from a source to its end is open",
			Why:    "one missing statement, and AWS drops logs without a word: flow logs are ACTIVE and their delivery FAILED (LZA #1205)",
			Remedy: "add the statement that the violation names to the resource that it names",
		},
		Rule{
			ID: ruleDocument, Title: "every policy can be read",
			Why:    "what can't be read isn't proven",
			Remedy: "write the document in the IAM policy grammar; export a deployed stack with --show-secrets",
		},
		Rule{
			ID: ruleWaiver, Title: "every waiver holds, and waives something",
			Why:    "a waiver that has ended, that names no rule, or that waives nothing, would hide the next violation. This rule can't be waived",
			Remedy: "mend the violation, or give the waiver a new date with a reason; take away what waives nothing",
		},
	)
	slices.SortFunc(out, func(a, b Rule) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// judge runs every rule.
func (e *evaluation) judge() []Violation {
	out := closed(ruleAdministrable, []*Path{e.administering})
	for _, r := range Rules() {
		r.check(e, func(resource, remedy, reason string, args ...any) {
			out = append(out, Violation{Rule: r.ID, Resource: resource, Reason: fmt.Sprintf(reason, args...), Remedy: remedy})
		})
	}
	return out
}

func bucketOf(arn string) string {
	b, _, _ := strings.Cut(arn, "/")
	return b
}

// writes are the allowed PutObject hops to a bucket.
func (e *evaluation) writes(b *bucket) []*Verdict {
	var out []*Verdict
	for _, v := range e.verdicts {
		if v.Action == "s3:PutObject" && v.Allowed && bucketOf(v.Resource) == b.arn {
			out = append(out, v)
		}
	}
	return out
}

// arrivals are the allowed hops by which an object gets into a bucket, written or replicated.
func (e *evaluation) arrivals(b *bucket) []*Verdict {
	out := e.writes(b)
	for _, v := range e.verdicts {
		if v.Action == "s3:ReplicateObject" && v.Allowed && bucketOf(v.Resource) == b.arn {
			out = append(out, v)
		}
	}
	return out
}

// deliveries are the writes to a bucket, one for each caller: what is denied to one key is denied to the others.
func (e *evaluation) deliveries(b *bucket) []Hop {
	seen := map[string]bool{}
	var out []Hop
	for _, v := range e.writes(b) {
		if who := v.Caller.String(); !seen[who] {
			seen[who] = true
			out = append(out, v.Hop)
		}
	}
	return out
}

// probe asks what would become of a request that no path makes, or of a hop with another context.
func (e *evaluation) probe(h Hop) policy.Outcome {
	v, _ := e.ask(h) // not kept: a probe needs no privilege
	if v.Allowed {
		return policy.Allowed
	}
	if len(v.deciding) > 0 {
		return policy.ExplicitDeny
	}
	return policy.ImplicitDeny
}

// altered is the hop with other values of some context keys; an empty list takes a key away.
func altered(h Hop, pairs ...string) Hop {
	q := request{context: h.Context}
	for i := 0; i < len(pairs); i += 2 {
		q = q.with(pairs[i], pairs[i+1])
	}
	h.Context, h.built = q.context, nil
	return h
}

// accountAdministrator is somebody in the resource's account whose own policies allow everything.
func accountAdministrator(r *Resource) Caller {
	return Caller{Role: r.Place.RoleARN("any-administrator").String(), Unbounded: true}
}

// stranger is an administrator of an account that has nothing to do with the resource's.
func stranger(r *Resource) Caller {
	elsewhere := partition.Place{Account: "000000000000", Region: r.Place.Region}
	return Caller{Role: elsewhere.RoleARN("any-administrator").String(), Unbounded: true}
}
