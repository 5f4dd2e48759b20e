package verify

import (
	"maps"

	"github.com/logarchive/logarchive/policy"
	"slices"
)

// evaluation is the work over one deployment: what is shared between paths is done once.
type evaluation struct {
	*Deployment
	options  Options
	segments map[string]*segment
	filters  map[string][]*Resource    // subscription filters, by log group
	accounts map[string]*accountPolicy // those that subscribe log groups, by URN
	fed      map[string]bool           // log groups that flow logs and trails write to: their subscriptions belong to the paths of these
	keepers  map[string]*bucket        // that paths end in
	takers   map[string]*bucket        // that access logs are written to
	reach    map[string]map[string]bool
	verdicts []*Verdict
	// administering is the way of whoever deploys to the keys: see [evaluation.administration].
	administering *Path

	using map[statementAt][]*Verdict // see uses

	// What is asked again and again is worked out once.
	defaults map[string][]*policy.Policy // default key policies, by account root
	byCaller map[string]*callerOf        // by a role's ARN or a service's name
}

func newEvaluation(d *Deployment, o Options) *evaluation {
	d = d.with(o.Elsewhere).bounded(o.Boundaries)
	e := &evaluation{
		Deployment: d, options: o,
		segments: map[string]*segment{}, filters: map[string][]*Resource{}, fed: map[string]bool{}, keepers: map[string]*bucket{}, takers: map[string]*bucket{},
		reach: map[string]map[string]bool{}, defaults: map[string][]*policy.Policy{}, byCaller: map[string]*callerOf{},
	}
	e.accounts = d.accountPolicies()
	for _, r := range d.byType[typeSubscription] {
		k := groupKey(r.Place, r.text("logGroup"))
		e.filters[k] = append(e.filters[k], r)
	}
	for _, r := range d.byType[typeFlowLog] {
		if group := flowLogGroup(r); group != "" {
			e.fed[groupKey(r.Place, group)] = true
		}
	}
	for _, r := range d.byType[typeTrail] {
		if group := trailGroup(r); group != "" {
			e.fed[groupKey(r.Place, group)] = true
		}
	}
	return e
}

// shared proves a part of a way at its first use. It begins at the given stop.
func (e *evaluation) shared(name string, from Stop, prove func(*segment)) *segment {
	s, ok := e.segments[name]
	if !ok {
		s = &segment{at: from}
		e.segments[name] = s
		prove(s)
	}
	return s
}

// keeps notes that a path ends in a bucket: it is an archive, which the posture rules are about. Buckets for access logs
// aren't: they can't be encrypted or locked as an archive must be.
func (e *evaluation) keeps(b *bucket) { e.keepers[b.name] = b }

// takes notes that access logs are written to a bucket. It can't be an archive, but who reaches it matters as much.
func (e *evaluation) takes(b *bucket) { e.takers[b.name] = b }

// guarded are the archives, and the buckets that access logs are written to, sorted by name.
func (e *evaluation) guarded() []*bucket {
	all := maps.Clone(e.keepers)
	maps.Copy(all, e.takers)
	out := make([]*bucket, 0, len(all))
	for _, name := range sortedKeys(all) {
		out = append(out, all[name])
	}
	return out
}

// archives are the buckets that paths end in, sorted by name.
func (e *evaluation) archives() []*bucket {
	out := make([]*bucket, 0, len(e.keepers))
	for _, name := range sortedKeys(e.keepers) {
		out = append(out, e.keepers[name])
	}
	return out
}

// Prover proves the ways of single sources of a deployment, and what they share only once. It isn't safe for use by several
// goroutines at a time.
type Prover struct{ e *evaluation }

// NewProver returns a prover for the deployment.
func NewProver(d *Deployment) *Prover { return &Prover{newEvaluation(d, Options{})} }

// Path returns the way that begins with a resource: a flow log, a subscription filter, a backup selection, and what else
// [Run] finds as a source. False for a resource that sends nothing on its way.
func (p *Prover) Path(urn string) (*Path, bool) {
	for _, token := range slices.Concat(sourceTokens, serviceTokens) {
		for _, r := range p.e.byType[token] {
			if r.URN == urn {
				if paths := p.e.pathsOf(r); len(paths) > 0 {
					return paths[0], true
				}
			}
		}
	}
	return nil, false
}

// Decide decides one request by the deployment's policies.
func (p *Prover) Decide(h Hop) *Verdict {
	v, decision := p.e.ask(h)
	p.e.explain(v, decision)
	return v
}
