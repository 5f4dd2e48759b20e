package verify

import (
	"cmp"
	"slices"
	"time"
)

// Options say what a verification demands.
type Options struct {
	// MinimumRetention is in days; 0 means [DefaultRetention].
	MinimumRetention int
	// Limits are the ages at which nothing may be left of some objects.
	Limits []Limit
	// Waivers are violations that are tolerated for a time.
	Waivers []Waiver
	// BreakGlass are the ARNs of the roles that must be able to delete from the archive, in an emergency, and to lift its lock;
	// no other may be. Empty means: whichever roles its policy leaves out of the Deny.
	BreakGlass []string
	// Elsewhere are resources that the program doesn't declare and that send something to what it declares, as they are meant
	// to be: load balancers whose access logs it takes.
	Elsewhere []*Resource
	// Readers are who must be able to read from an archive.
	Readers []Reader
	// Queries are who must be able to query an archive.
	Queries []QueryReader
	// Organization is the one whose members call with its id; the zero value if there is none.
	Organization Organization
	// Boundaries are the permission boundaries that roles must have, one for each account; none where they needn't have any.
	Boundaries []Boundary
	// Now is when waivers are looked at; zero means the present.
	Now time.Time
}

// DefaultRetention is for how many days auditors want logs kept at least.
const DefaultRetention = 180

func (o Options) minimumRetention() int { return cmp.Or(o.MinimumRetention, DefaultRetention) }

// Report is what a verification found.
type Report struct {
	Paths []*Path
	// Violations are sorted: closed paths first, then by rule and resource.
	Violations []Violation
	// Unneeded are parts of policies without which everything is still proven.
	Unneeded []Unneeded
	// Decided is how many hops were decided. Paths share steps, so they have more hops together.
	Decided int
}

// Run verifies a deployment.
func Run(d *Deployment, o Options) *Report {
	e := newEvaluation(d, o)
	r := &Report{Paths: e.Paths()}
	e.administering = e.administration()
	r.Violations = append(r.Violations, e.problems...)
	r.Violations = append(r.Violations, closed(rulePath, r.Paths)...)
	r.Violations = append(r.Violations, e.judge()...)
	r.Unneeded = e.needless()
	r.Decided = len(e.verdicts)
	o.waive(r)
	slices.SortStableFunc(r.Violations, func(a, b Violation) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Reason, b.Reason))
	})
	r.Violations = slices.Compact(r.Violations)
	return r
}

// rank puts what loses logs first.
func rank(v Violation) int {
	switch v.Rule {
	case rulePath:
		return 0
	case ruleDocument:
		return 1
	}
	return 2
}

// Failed says whether there is a violation that isn't waived.
func (r *Report) Failed() bool {
	return slices.ContainsFunc(r.Violations, func(v Violation) bool { return v.Waived == "" })
}
