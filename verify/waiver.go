package verify

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Waiver tolerates the violations of a rule until a day, with a reason that reports show.
type Waiver struct {
	// Rule is the rule's id; Resource a URN or its last part, the logical name. An empty Resource means every one.
	Rule, Resource string
	// Reason is why. Until is the last day on which the waiver holds, in UTC.
	Reason string
	Until  time.Time
}

// waives says whether a violation is one that the waiver is about.
func (w Waiver) waives(v Violation) bool {
	return v.Rule == w.Rule && (w.Resource == "" || w.Resource == v.Resource || w.Resource == nameOf(v.Resource))
}

// waive marks what is tolerated. A waiver that doesn't hold, or waives nothing, is a violation itself: it would hide the next.
func (o Options) waive(r *Report) {
	now := o.Now
	if now.IsZero() {
		now = time.Now()
	}
	var wrong []Violation
	for _, w := range o.Waivers {
		reason, remedy := w.fault(now)
		if reason == "" && !w.apply(r.Violations) {
			reason, remedy = fmt.Sprintf("the waiver of %s waives nothing", w.Rule), "take it away"
		}
		if reason != "" {
			wrong = append(wrong, Violation{Rule: ruleWaiver, Resource: w.Resource, Reason: reason, Remedy: remedy})
		}
	}
	r.Violations = append(r.Violations, wrong...)
}

// fault says why a waiver can't be used; "" when it can.
func (w Waiver) fault(now time.Time) (reason, remedy string) {
	known := func(r Rule) bool { return r.ID == w.Rule && r.ID != ruleWaiver }
	switch {
	case !slices.ContainsFunc(AllRules(), known):
		return fmt.Sprintf("the waiver is of %q, which is no rule that can be waived", w.Rule), "name a rule by its id: see docs/verify-rules.md"
	case strings.TrimSpace(w.Reason) == "":
		return fmt.Sprintf("the waiver of %s gives no reason", w.Rule), "say why the violation is tolerated"
	case !now.Before(w.Until.AddDate(0, 0, 1)):
		return fmt.Sprintf("the waiver of %s ended on %s", w.Rule, w.Until.Format(time.DateOnly)), "mend the violation, or give the waiver a new date with a reason"
	}
	return "", ""
}

// apply marks the violations that are tolerated, and says whether there is one.
func (w Waiver) apply(violations []Violation) bool {
	used := false
	for i := range violations {
		if w.waives(violations[i]) {
			violations[i].Waived, used = w.Reason, true
		}
	}
	return used
}
