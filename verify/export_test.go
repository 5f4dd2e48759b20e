package verify

import (
	"slices"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// PolicyAt is a policy of a deployment, for tests that change it.
type PolicyAt struct {
	ID, Carrier string
	Account     partition.Account
	Kind        policy.Kind
	Document    policy.Document
}

// Policies are all of a deployment, sorted.
func Policies(d *Deployment) []PolicyAt {
	var out []PolicyAt
	for _, id := range sortedKeys(d.policies) {
		at := d.policies[id]
		out = append(out, PolicyAt{id, at.carrier.URN, at.carrier.Place.Account, at.kind, at.document})
	}
	return out
}

// With runs f while a policy has another document. Nothing else is read or compiled again.
func With(d *Deployment, id string, doc policy.Document, f func()) error {
	at := d.policies[id]
	old := at.document
	if err := d.install(at, doc); err != nil {
		return err
	}
	f()
	return d.install(at, old)
}

// Findings are the violations of a deployment, without a search for what is unneeded, which takes longer than all the rest.
func Findings(d *Deployment, o Options) []Violation {
	e := newEvaluation(d, o)
	paths := e.Paths()
	e.administering = e.administration()
	return slices.Concat(d.problems, closed(rulePath, paths), e.judge())
}
