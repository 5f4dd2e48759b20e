package verify

import (
	"fmt"
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// Remedy is a change that mends a refused hop, or a necessary part of it.
type Remedy struct {
	// Carrier is the URN of the resource whose policy should change, or that should have a policy.
	Carrier string
	Kind    policy.Kind
	// Statement is the smallest one to add; nil when something must be taken away or changed instead.
	Statement *policy.Statement
	// Words say what to do.
	Words string
}

// remedies says what is missing for every layer that doesn't allow, or which statements deny.
func (e *evaluation) remedies(v *Verdict, d policy.Decision) []Remedy {
	var out []Remedy
	if d.Outcome == policy.ExplicitDeny {
		for _, s := range v.deciding {
			out = append(out, Remedy{Carrier: s.carrier.URN, Kind: s.kind, Words: fmt.Sprintf(
				"statement %s of its %s denies it: narrow its condition so that it leaves this request out", statementName(s.statement().Sid, s.index), s.kind)})
		}
		return out
	}
	o := e.roles[v.Caller.Role]
	for _, layer := range d.Lacking {
		switch layer {
		case policy.IdentityLayer:
			if o != nil {
				out = append(out, e.lacking(v, o.identity, carrierOfIdentity(o), policy.Inline, identityStatement(v)))
			}
		case policy.BoundaryLayer:
			if o != nil && o.boundary != nil {
				out = append(out, e.lacking(v, []*policyAt{o.boundary}, o.boundary.carrier, policy.Boundary, identityStatement(v)))
			}
		case policy.ResourceLayer:
			carrier, at, kind := e.carrierOf(v.Resource)
			if carrier == nil || !d.CrossAccount && v.Caller.Role != "" && kind != policy.Key && v.Action != "sts:AssumeRole" {
				continue // within an account the identity's policy suffices, but for keys, and for roles that are assumed
			}
			var have []*policyAt
			if at != nil {
				have = append(have, at)
				carrier = at.carrier
			}
			out = append(out, e.lacking(v, have, carrier, kind, resourceStatement(v, kind)))
		case policy.EndpointLayer:
			out = append(out, e.endpointRemedies(v)...)
		case policy.SessionLayer, policy.ServiceControlLayer, policy.ResourceControlLayer:
			out = append(out, Remedy{Carrier: v.Carrier, Words: fmt.Sprintf("no %s allows it", layer)})
		}
	}
	return out
}

// carrierOfIdentity is the resource to which a role's permission is added: its policy where it has one, else the role itself.
func carrierOfIdentity(o *role) *Resource {
	if len(o.identity) == 1 {
		return o.identity[0].carrier
	}
	return o.Resource
}

// lacking prefers to name a statement that would allow the request but for one of its parts; the statement to add is
// given in any case.
func (e *evaluation) lacking(v *Verdict, have []*policyAt, carrier *Resource, kind policy.Kind, add policy.Statement) Remedy {
	r := Remedy{Carrier: carrier.URN, Kind: kind, Statement: &add}
	if at, words := nearest(v, have); at != nil {
		r.Carrier, r.Words = at.carrier.URN, words
		return r
	}
	if len(have) == 0 {
		r.Words = fmt.Sprintf("it has no %s; declare one with a statement that allows it", kind)
		return r
	}
	r.Words = fmt.Sprintf("no statement of its %s allows it; add one", kind)
	return r
}

// identityStatement is the smallest permission of a role that allows the request.
func identityStatement(v *Verdict) policy.Statement {
	s := policy.Statement{Effect: policy.Allow, Action: []string{v.Action}, Resource: []string{v.pattern(v.Resource)}}
	s.Condition = bounds(v)
	if a, err := partition.ParseARN(s.Resource[0]); err == nil && a.Service == partition.S3 && strings.HasPrefix(a.Resource, "*") {
		// Names of buckets don't say whose they are.
		s.Condition = s.Condition.With("StringEquals", "aws:ResourceAccount", string(v.Owner))
	}
	for _, key := range sortedKeys(v.Context) {
		if strings.HasPrefix(key, "aws:ResourceTag/") {
			s.Condition = s.Condition.With("Null", key, "false")
		}
		if key == "aws:TagKeys" { // the set operator alone holds for a request without tags, too
			s.Condition = s.Condition.With("ForAllValues:StringEquals", key, v.Context[key]...).With("Null", key, "false")
		}
	}
	return s
}

// deputyKeys are the keys by which a service says for whom it acts; a grant to a service should name all that it sends.
var deputyKeys = []string{"aws:SourceAccount", "aws:SourceArn", "sts:ExternalId"}

// resourceStatement is the smallest grant of a resource that allows the request.
func resourceStatement(v *Verdict, kind policy.Kind) policy.Statement {
	s := policy.Statement{Effect: policy.Allow, Action: []string{v.Action}}
	switch kind {
	case policy.Trust: // has no resource: it is the role
	case policy.Key, policy.VaultAccess:
		s.Resource = []string{"*"} // the key or vault itself
	default:
		s.Resource = []string{v.pattern(v.Resource)}
	}
	if v.Caller.Role == "" {
		s.Principal = policy.Services(v.Caller.Service...)
		if len(v.Caller.Service) > 1 {
			s.Principal.Service = v.Caller.Service[:1] // one of its names is enough
		}
		for _, key := range deputyKeys {
			if values := v.Context[key]; len(values) > 0 {
				op := "StringEquals"
				if strings.HasSuffix(key, "Arn") {
					op = "ArnLike"
				}
				s.Condition = s.Condition.With(op, key, v.pattern(values[0]))
			}
		}
		// CloudTrail says for which trail it encrypts in the encryption context, too, and rule key-use-bound asks for it there.
		if values := v.Context[trailContext]; len(values) > 0 {
			s.Condition = s.Condition.With("StringLike", trailContext, v.pattern(values[0]))
		}
		return s
	}
	arn, err := partition.ParseARN(v.Caller.Role)
	if err != nil {
		return s
	}
	if kind == policy.LogDestination { // is about accounts: see evaluation.subscribed
		s.Principal = policy.AWSPrincipals(string(arn.Account))
		return s
	}
	// The account with a condition on the role, and not the role itself: that would be of no use any more once the role has
	// been made anew, and a policy that names a role which doesn't exist yet is refused.
	root := partition.ARN{Partition: arn.Partition, Service: partition.IAM, Account: arn.Account, Resource: "root"}.String()
	s.Principal = policy.AWSPrincipals(root)
	s.Condition = bounds(v)
	if v.Caller.Role != root || kind == policy.Key {
		s.Condition = s.Condition.With("ArnEquals", "aws:PrincipalArn", v.Caller.Role)
	}
	return s
}

// bounds are the conditions that bind the use of a key, the passing of a role, and the listing of a bucket to what the request
// is for.
func bounds(v *Verdict) policy.Conditions {
	var c policy.Conditions
	bound := false
	for _, key := range sortedKeys(v.Context) {
		values := v.Context[key]
		switch {
		case key == "kms:ViaService", key == "iam:PassedToService", key == "s3:prefix":
			c = c.With("StringEquals", key, values...)
		case key == "kms:GrantIsForAWSResource":
			c = c.With("Bool", key, values...)
		case strings.HasPrefix(key, "kms:EncryptionContext:"):
			bound = true
			c = c.With("StringLike", key, v.pattern(values[0]))
		}
	}
	if values := v.Context["kms:EncryptionContextKeys"]; len(values) > 0 && !bound {
		c = c.With("ForAnyValue:StringEquals", "kms:EncryptionContextKeys", values...)
	}
	return c
}

// statementName is the Sid, or the position where there is none.
func statementName(sid string, index int) string {
	if sid != "" {
		return quoted(sid)
	}
	return fmt.Sprintf("number %d", index+1)
}

func quoted(s string) string { return fmt.Sprintf("%q", s) }

// statementJSON is a statement as a policy has it.
func statementJSON(s policy.Statement) string {
	text := policy.Document{Statements: []policy.Statement{s}}.JSON()
	_, text, _ = strings.Cut(text, `"Statement":`)
	text = strings.TrimSuffix(text, "}")
	return strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
}

// nameOf is the logical name in a URN.
func nameOf(urn string) string {
	if i := strings.LastIndex(urn, "::"); i >= 0 {
		return urn[i+2:]
	}
	return urn
}
