package policy

import (
	"maps"
	"slices"

	"github.com/logarchive/logarchive/partition"
)

// The versions of the policy language. In 2008-10-17 there are no policy variables: "${" is just text.
const (
	Version2012 = "2012-10-17"
	Version2008 = "2008-10-17"
)

// Document is a policy. An empty Version is 2012-10-17. (In JSON, a policy without one is of 2008-10-17: [Parse] says so.)
type Document struct {
	Version    string
	ID         string
	Statements []Statement
}

// Effect is what a statement does with a request that it matches.
type Effect string

// The two effects.
const (
	Allow Effect = "Allow"
	Deny  Effect = "Deny"
)

// Statement is one rule. Of Action and NotAction exactly one is set; of Resource and NotResource at most one, and none
// in a role's trust policy; of Principal and NotPrincipal exactly one in policies of resources and none in policies of
// identities.
type Statement struct {
	Sid                     string
	Effect                  Effect
	Principal, NotPrincipal *Principals
	Action, NotAction       []string
	Resource, NotResource   []string
	Condition               Conditions
}

// Principals says whom a statement is about. Any is written "*"; it excludes the other fields.
type Principals struct {
	Any           bool
	AWS           []string // ARNs, account ids, unique ids, or "*"
	Service       []partition.Principal
	Federated     []string
	CanonicalUser []string
}

// Services returns the given service principals.
func Services(p ...partition.Principal) *Principals { return &Principals{Service: p} }

// AWSPrincipals returns the accounts, roles and users with the given ARNs.
func AWSPrincipals(arns ...string) *Principals { return &Principals{AWS: arns} }

// AnyPrincipal returns everybody, the anonymous included: use it with conditions only.
func AnyPrincipal() *Principals { return &Principals{Any: true} }

// Conditions is the condition block: operator to condition key to values. All operators and keys must hold; of the
// values of one key, one must (or none, for negated operators).
type Conditions map[string]map[string][]string

// With returns the conditions with one more; c itself stays as it is. Values for an operator and key that are already
// there are replaced.
func (c Conditions) With(op, key string, values ...string) Conditions {
	out := make(Conditions, len(c)+1)
	for o, keys := range c {
		out[o] = maps.Clone(keys)
	}
	if out[op] == nil {
		out[op] = map[string][]string{}
	}
	out[op][key] = slices.Clone(values)
	return out
}

// JSON returns the document's minified text. The same document always gives the same bytes: elements in the order of
// the IAM grammar, operators and condition keys sorted, lists in their own order, and a list of one value as a string.
func (d Document) JSON() string {
	w := writer{}
	version := d.Version
	if version == "" {
		version = Version2012
	}
	w.open('{')
	w.field("Version")
	w.text(version)
	if d.ID != "" {
		w.field("Id")
		w.text(d.ID)
	}
	w.field("Statement")
	w.open('[')
	for _, s := range d.Statements {
		w.item()
		w.statement(s)
	}
	w.close(']')
	w.close('}')
	return string(w.buf)
}
