package verify

import (
	"fmt"
	"strings"
)

var lifecycleRuleSet = []Rule{
	{
		ID: "lifecycle-covers", Title: "every delivered key is matched by exactly one expiring rule",
		Why:    "a rule that matches nothing keeps for ever (trussworks: prefix \"/*\"), two that match expire at the earlier",
		Remedy: "give every delivery prefix one rule with an expiration",
		check:  lifecycleCovers,
	},
	{
		ID: "lifecycle-retention", Title: "nothing expires before the retention, or before its lock ends",
		Why:    "auditors ask for 180 days or more; a lock that outlasts the expiry keeps objects that nobody counts",
		Remedy: "expire later than the configured minimum and the lock; give a lock a default retention",
		check:  lifecycleRetention,
	},
	{
		ID: "lifecycle-limit", Title: "nothing outlives what data protection asks for",
		Why:    "an expired object leaves a noncurrent version and a delete marker, which are removed later (S3 User Guide, intro-lifecycle-rules)",
		Remedy: "expire objects and noncurrent versions earlier, and remove delete markers by a rule with expiredObjectDeleteMarker",
		check:  lifecycleLimit,
	},
	{
		ID: "lifecycle-transitions", Title: "transitions are in S3's order, and small objects have been thought of",
		Why:    "objects below 128 KB move to no class by default (S3 User Guide, lifecycle-transition-general-considerations)",
		Remedy: "order transitions by days, before the expiry, and set transitionDefaultMinimumObjectSize or objectSizeGreaterThan",
		check:  lifecycleTransitions,
	},
	{
		ID: "group-retention", Title: "log groups expire",
		Why:    "a log group without retention costs for ever; the archive is what keeps",
		Remedy: "set retentionInDays",
		check:  groupRetention,
	},
}

// expiring are the rules that expire a key.
func expiring(b *bucket, key string) []lifecycleRule {
	var out []lifecycleRule
	for _, r := range b.lifecycles {
		if r.covers(key) && r.expireDays > 0 {
			out = append(out, r)
		}
	}
	return out
}

func lifecycleCovers(e *evaluation, report reporter) {
	for _, b := range e.archives() {
		reported := map[string]bool{}
		for _, v := range e.arrivals(b) {
			key := strings.TrimPrefix(v.Resource, b.arn+"/")
			rules := expiring(b, key)
			if len(rules) == 1 && rules[0].some && !reported[key] {
				reported[key] = true
				report(b.URN, "take the sizes and tags out of the rule's filter", "of keys such as %s rule %q expires some only: its filter asks for a size or a tag", key, rules[0].id)
			}
			if len(rules) != 1 && !reported[key] {
				reported[key] = true
				var ids []string
				for _, r := range rules {
					ids = append(ids, fmt.Sprintf("%q", r.id))
				}
				report(b.URN, "give every delivery prefix one rule with an expiration", "keys such as %s are matched by %d expiring rules %s", key, len(rules), strings.Join(ids, ", "))
			}
		}
		for _, r := range b.lifecycles {
			if strings.ContainsAny(r.prefix, "*?") || strings.HasPrefix(r.prefix, "/") {
				report(b.URN, "write the prefix as keys begin; S3 knows no wildcards here", "the prefix %q of rule %q is literal and matches no key", r.prefix, r.id)
			}
		}
	}
}

func lifecycleRetention(e *evaluation, report reporter) {
	for _, b := range e.archives() {
		if e.passes(b) {
			continue // what is kept for the time is the replica: see the rules of replications
		}
		lockDays := b.lockDays()
		for _, r := range b.lifecycles {
			if !r.enabled || r.expireDays == 0 {
				continue
			}
			if r.expireDays < e.options.minimumRetention() {
				report(b.URN, "keep longer", "rule %q expires after %d days; the minimum is %d", r.id, r.expireDays, e.options.minimumRetention())
			}
			if float64(r.expireDays) < lockDays {
				report(b.URN, "expire no earlier than the lock ends", "rule %q expires after %d days, the lock holds for %.0f", r.id, r.expireDays, lockDays)
			}
		}
		if b.flag("objectLockEnabled") && lockDays == 0 {
			report(b.URN, "set a default retention", "Object Lock is enabled, but new objects get no retention")
		}
	}
}

// smallest is how large an object must be to be moved by default, in bytes.
const smallest = 128 << 10

func lifecycleTransitions(e *evaluation, report reporter) {
	for _, b := range e.archives() {
		moves := false
		for _, r := range b.lifecycles {
			previous := 0
			for _, t := range r.transitions {
				moves = true
				if t.days < previous {
					report(b.URN, "order transitions by days", "rule %q moves to %s after %d days, before the step in front of it", r.id, t.class, t.days)
				}
				previous = t.days
				if r.expireDays > 0 && t.days >= r.expireDays {
					report(b.URN, "move before the expiry, or not at all", "rule %q moves to %s after %d days and expires after %d", r.id, t.class, t.days, r.expireDays)
				}
			}
		}
		config := b.settings[typeBucketLifecycle]
		if moves && config != nil && config.text("transitionDefaultMinimumObjectSize") == "" && !sizesNamed(b) {
			report(b.URN, "set transitionDefaultMinimumObjectSize, or objectSizeGreaterThan in the filters", "objects below %d bytes stay in STANDARD, and nothing says that this is meant", smallest)
		}
	}
}

func sizesNamed(b *bucket) bool {
	for _, r := range b.lifecycles {
		if len(r.transitions) > 0 && r.minimumSize == 0 {
			return false
		}
	}
	return true
}

func groupRetention(e *evaluation, report reporter) {
	for _, r := range e.byType[typeLogGroup] {
		if r.number("retentionInDays") == 0 {
			report(r.URN, "set retentionInDays", "events in %s are kept for ever", r.text("name"))
		}
	}
}
