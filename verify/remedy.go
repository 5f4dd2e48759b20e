package verify

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// Remedy is a change that mends a refused hop, or a necessary part of it.
type Remedy struct {
	// Carrier is the URN of the resource whose policy should change.
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
		for _, c := range v.Causes {
			out = append(out, Remedy{Carrier: c.Carrier, Kind: c.Kind, Words: fmt.Sprintf(
				"statement %s of the %s denies it: narrow its condition so that it leaves this request out", statementName(c.Sid, c.Index), c.Kind)})
		}
		return out
	}
	for _, layer := range d.Lacking {
		switch layer {
		case policy.IdentityLayer:
			if o := e.roles[v.Caller.Role]; o != nil {
				out = append(out, e.lacking(v, o.identity, o.Resource, policy.Inline, identityStatement(v.Hop)))
			}
		case policy.BoundaryLayer:
			if o := e.roles[v.Caller.Role]; o != nil && o.boundary != nil {
				out = append(out, e.lacking(v, []*policyAt{o.boundary}, o.boundary.carrier, policy.Boundary, identityStatement(v.Hop)))
			}
		case policy.ResourceLayer:
			if carrier, kind := e.resourceCarrier(v.Resource); carrier != nil && (d.CrossAccount || v.Caller.Role == "" || kind == policy.Key) {
				var have []*policyAt
				if at := e.resourcePolicy(v.Resource); at != nil {
					have = append(have, at)
				}
				out = append(out, e.lacking(v, have, carrier, kind, resourceStatement(v.Hop, kind)))
			}
		case policy.SessionLayer, policy.ServiceControlLayer, policy.ResourceControlLayer:
			out = append(out, Remedy{Words: fmt.Sprintf("no %s allows it", layer)})
		}
	}
	return out
}

// resourceCarrier is the declared resource that carries, or should carry, the policy of what a request is about.
func (e *evaluation) resourceCarrier(arn string) (*Resource, policy.Kind) {
	if at := e.resourcePolicy(arn); at != nil {
		return at.carrier, at.kind
	}
	a, err := partition.ParseARN(arn)
	if err != nil {
		return nil, 0
	}
	switch a.Service {
	case partition.S3:
		name, _, _ := strings.Cut(a.Resource, "/")
		if b := e.buckets[name]; b != nil {
			return b.Resource, policy.Bucket
		}
	case partition.KMS:
		if k := e.keys[arn]; k != nil {
			return k.Resource, policy.Key
		}
	case partition.Backup:
		if v := e.vaults[arn]; v != nil {
			return v.Resource, policy.VaultAccess
		}
	}
	return nil, 0
}

// lacking prefers to name a statement that would allow the request but for one of its parts; the statement to add is
// given in any case.
func (e *evaluation) lacking(v *Verdict, have []*policyAt, carrier *Resource, kind policy.Kind, add policy.Statement) Remedy {
	r := Remedy{Carrier: carrier.URN, Kind: kind, Statement: &add}
	for _, at := range have {
		for i, s := range at.document.Statements {
			if part := nearMiss(v, at.document.Version, s); part != "" {
				r.Carrier = at.carrier.URN
				r.Words = fmt.Sprintf("statement %s of its %s would allow it but for %s", statementName(s.Sid, i), at.kind, part)
				return r
			}
		}
	}
	r.Words = fmt.Sprintf("no statement of its %s allows %s; add one", kind, v.Action)
	return r
}

// nearMiss says which single part of a statement keeps it from allowing the request; "" when there is no such part.
func nearMiss(v *Verdict, version string, s policy.Statement) string {
	if s.Effect != policy.Allow || matchesAlone(v, version, s) {
		return ""
	}
	for _, op := range slices.Sorted(maps.Keys(s.Condition)) {
		for _, key := range slices.Sorted(maps.Keys(s.Condition[op])) {
			if matchesAlone(v, version, withoutCondition(s, op, key)) {
				sent := "which the request doesn't carry"
				if value, ok := contextOf(v.request.Context, key); ok {
					sent = fmt.Sprintf("the request carries %s", strings.Join(value.Values(), ", "))
				}
				return fmt.Sprintf("its condition %s %s = %s (%s)", op, key, strings.Join(s.Condition[op][key], ", "), sent)
			}
		}
	}
	wider := s
	wider.Resource, wider.NotResource = []string{"*"}, nil
	if s.Resource != nil && matchesAlone(v, version, wider) {
		return fmt.Sprintf("its resource %s (the request is for %s)", strings.Join(s.Resource, ", "), v.Resource)
	}
	if s.Principal != nil {
		wider = s
		wider.Principal = policy.AnyPrincipal()
		if matchesAlone(v, version, wider) {
			return fmt.Sprintf("its principal (the caller is %s)", v.Caller)
		}
	}
	return ""
}

func contextOf(c policy.Context, key string) (policy.Value, bool) {
	for k, v := range c {
		if strings.EqualFold(k, key) {
			return v, len(v.Values()) > 0
		}
	}
	return policy.Value{}, false
}

// matchesAlone says whether the statement, as the only policy, matches the request. Whoever calls is looked at as a
// caller whose identity allows everything, so that only the statement decides.
func matchesAlone(v *Verdict, version string, s policy.Statement) bool {
	p, err := policy.Compile("alone", policy.Document{Version: version, Statements: []policy.Statement{s}})
	if err != nil {
		return false
	}
	var with policy.Policies
	if s.Principal == nil && s.NotPrincipal == nil {
		with.Identity = []*policy.Policy{p}
	} else {
		with.Resource = []*policy.Policy{p}
	}
	return slices.ContainsFunc(policy.Evaluate(v.request, with).Reasons, func(r policy.Reason) bool { return r.Effect == policy.Allow })
}

func withoutCondition(s policy.Statement, op, key string) policy.Statement {
	conditions := policy.Conditions{}
	for o, keys := range s.Condition {
		for k, values := range keys {
			if o != op || k != key {
				conditions = conditions.With(o, k, values...)
			}
		}
	}
	s.Condition = conditions
	return s
}

func identityStatement(h Hop) policy.Statement {
	return policy.Statement{Effect: policy.Allow, Action: []string{h.Action}, Resource: []string{h.Resource}}
}

// deputyKeys are the keys by which a service says for whom it acts; a grant to a service should name all that it sends.
var deputyKeys = []string{"aws:SourceAccount", "aws:SourceArn", "sts:ExternalId"}

func resourceStatement(h Hop, kind policy.Kind) policy.Statement {
	s := policy.Statement{Effect: policy.Allow, Action: []string{h.Action}}
	switch kind {
	case policy.Trust: // has no resource: it is the role
	case policy.Key:
		s.Resource = []string{"*"} // in a key policy, the key itself
	default:
		s.Resource = []string{h.Resource}
	}
	if h.Caller.Role != "" {
		s.Principal = policy.AWSPrincipals(h.Caller.Role)
		return s
	}
	s.Principal = policy.Services(h.Caller.Service[0])
	for _, key := range deputyKeys {
		if values := h.Context[key]; len(values) > 0 {
			op := "StringEquals"
			if strings.HasSuffix(key, "Arn") {
				op = "ArnLike"
			}
			s.Condition = s.Condition.With(op, key, values...)
		}
	}
	return s
}

// statementName is the Sid, or the position where there is none.
func statementName(sid string, index int) string {
	if sid != "" {
		return fmt.Sprintf("%q", sid)
	}
	return fmt.Sprintf("number %d", index+1)
}

// statementJSON is a statement as a policy has it.
func statementJSON(s policy.Statement) string {
	text := policy.Document{Statements: []policy.Statement{s}}.JSON()
	_, text, _ = strings.Cut(text, `"Statement":[`)
	return strings.TrimSuffix(text, "]}")
}

// nameOf is the logical name in a URN.
func nameOf(urn string) string {
	if i := strings.LastIndex(urn, "::"); i >= 0 {
		return urn[i+2:]
	}
	return urn
}
