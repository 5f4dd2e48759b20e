package verify

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Options say what a verification demands.
type Options struct {
	// MinimumRetention is in days; 0 means [DefaultRetention].
	MinimumRetention int
	// Waivers are violations that are tolerated for a time.
	Waivers []Waiver
	// BreakGlass are the ARNs of the roles that must be able to delete from the archive, in an emergency, and to lift its lock;
	// no other may be. Empty means: whichever roles its policy leaves out of the Deny.
	BreakGlass []string
	// Now is when waivers are looked at; zero means the present.
	Now time.Time
}

// DefaultRetention is for how many days auditors want logs kept at least.
const DefaultRetention = 180

func (o Options) minimumRetention() int { return cmp.Or(o.MinimumRetention, DefaultRetention) }

// Waiver tolerates the violations of a rule until a day, with a reason that reports show.
type Waiver struct {
	// Rule is the rule's id; Resource a URN or its last part, the logical name. An empty Resource means every one.
	Rule, Resource string
	// Reason is why. Until is the last day on which the waiver holds.
	Reason string
	Until  time.Time
}

// Violation is something that must be changed, or waived with a reason.
type Violation struct {
	// Rule is the rule's id, or "path" for a way that is closed.
	Rule string
	// Resource is the URN of what should be changed.
	Resource string
	// Reason says what is wrong, Remedy how to mend it.
	Reason, Remedy string
	// Source names the path that is closed, if one is.
	Source string
	// Waived is the reason for which it is tolerated; empty when it isn't.
	Waived string
}

// The rules that aren't in [Rules]: what a proof itself finds.
const (
	rulePath     = "path"
	ruleDocument = "policy-document"
	ruleWaiver   = "waiver"
)

// Report is what a verification found.
type Report struct {
	Paths      []*Path
	Violations []Violation
	// Unneeded are parts of policies without which everything is still proven.
	Unneeded []Unneeded
}

// Run verifies a deployment.
func Run(d *Deployment, o Options) *Report {
	e := newEvaluation(d, o)
	r := &Report{Paths: e.Paths()}
	e.administrationVerdicts = e.administration()
	r.Violations = append(r.Violations, d.problems...)
	r.Violations = append(r.Violations, closed(r.Paths)...)
	r.Violations = append(r.Violations, e.judge()...)
	r.Unneeded = e.needless()
	o.waive(r)
	slices.SortStableFunc(r.Violations, func(a, b Violation) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Reason, b.Reason))
	})
	r.Violations = slices.Compact(r.Violations)
	return r
}

// Failed says whether there is a violation that isn't waived.
func (r *Report) Failed() bool {
	return slices.ContainsFunc(r.Violations, func(v Violation) bool { return v.Waived == "" })
}

// closed turns refused hops and broken links into violations. A part that many paths share is reported once, with the first
// source and how many more there are.
func closed(paths []*Path) []Violation {
	type finding struct {
		v     Violation
		count int
	}
	var order []string
	found := map[string]*finding{}
	add := func(v Violation) {
		k := v.Resource + "\x00" + v.Reason
		if f := found[k]; f != nil {
			f.count++
			return
		}
		order = append(order, k)
		found[k] = &finding{v, 1}
	}
	for _, p := range paths {
		for _, b := range p.Breaks() {
			reason := b.Reason
			if b.Property != "" {
				reason = b.Property + ": " + reason
			}
			add(Violation{Rule: rulePath, Resource: b.Resource, Reason: reason, Remedy: b.Remedy, Source: p.Source.Name})
		}
		for _, v := range p.Hops() {
			if v.Allowed {
				continue
			}
			reason := fmt.Sprintf("%s: %s may not %s on %s", v.Title, v.Caller, v.Action, v.Resource)
			if len(v.Remedies) == 0 {
				add(Violation{Rule: rulePath, Resource: v.Carrier, Reason: reason, Remedy: "no declared policy could allow it", Source: p.Source.Name})
			}
			for _, m := range v.Remedies {
				remedy := m.Words
				if m.Statement != nil {
					remedy += ": " + statementJSON(*m.Statement)
				}
				add(Violation{Rule: rulePath, Resource: m.Carrier, Reason: reason, Remedy: remedy, Source: p.Source.Name})
			}
		}
	}
	var out []Violation
	for _, k := range order {
		f := found[k]
		if f.count > 1 {
			f.v.Source = fmt.Sprintf("%s and %d more", f.v.Source, f.count-1)
		}
		out = append(out, f.v)
	}
	return out
}

// waive marks what is tolerated. A waiver that has ended, or that waives nothing, is a violation itself: it would hide the next.
func (o Options) waive(r *Report) {
	now := o.Now
	if now.IsZero() {
		now = time.Now()
	}
	for _, w := range o.Waivers {
		if now.After(w.Until.AddDate(0, 0, 1)) {
			r.Violations = append(r.Violations, Violation{Rule: ruleWaiver, Resource: w.Resource,
				Reason: fmt.Sprintf("the waiver of %s ended on %s", w.Rule, w.Until.Format(time.DateOnly)), Remedy: "mend the violation, or give the waiver a new date with a reason"})
			continue
		}
		used := false
		for i := range r.Violations {
			if v := &r.Violations[i]; v.Rule == w.Rule && (w.Resource == "" || w.Resource == v.Resource || w.Resource == nameOf(v.Resource)) {
				v.Waived, used = w.Reason, true
			}
		}
		if !used {
			r.Violations = append(r.Violations, Violation{Rule: ruleWaiver, Resource: w.Resource,
				Reason: fmt.Sprintf("the waiver of %s waives nothing", w.Rule), Remedy: "take it away"})
		}
	}
}
