package verify

// Limit says when nothing may be left of what was written to an archive below a prefix.
type Limit struct {
	Prefix string
	Days   int // the age of the object
}

// lateDays is by how much S3 may be late: it rounds the ends of the object and of the noncurrent version up to the next
// midnight, and removes the delete marker in a later run.
//
// See https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
const lateDays = 3

// lifecycleLimit holds every archive, those that are only passed among them, against the limits.
func lifecycleLimit(e *evaluation, report reporter) {
	for _, b := range e.archives() {
		for _, limit := range e.options.Limits {
			if gone, ok := b.gone(limit.Prefix); !ok {
				report(b.URN, "give the prefix a rule with days and noncurrentDays", "what lies below %s never goes altogether; it must within %d days", limit.Prefix, limit.Days)
			} else if gone > limit.Days {
				report(b.URN, "expire earlier", "of what lies below %s something is left for up to %d days; the limit is %d", limit.Prefix, gone, limit.Days)
			}
		}
	}
}

// gone is the age at which nothing is left of an object, neither a version nor a delete marker; false if something may stay
// for ever. A rule with days removes a marker that is left over when it is itself as old as objects become, unless another rule
// does as soon as no version is left.
func (b *bucket) gone(prefix string) (int, bool) {
	rules := expiring(b, prefix)
	if len(rules) != 1 || rules[0].some || rules[0].noncurrent == 0 {
		return 0, false
	}
	rule := rules[0]
	last := rule.expireDays + rule.noncurrent
	for _, r := range b.lifecycles {
		if r.covers(prefix) && !r.some && r.markers {
			return last + lateDays, true
		}
	}
	return max(last, 2*rule.expireDays) + lateDays, true
}
