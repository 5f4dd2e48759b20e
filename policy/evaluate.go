package policy

import (
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// Policies are all policies that have their say in a request.
type Policies struct {
	// Identity has the policies of the user or role, those of the user's groups included.
	Identity []*Policy
	// Boundary is the caller's permission boundary; nil when it has none.
	Boundary []*Policy
	// Session has the policies that were passed when the session was made; nil when there were none.
	Session []*Policy
	// ServiceControl and ResourceControl have a list for every level of the organization, from the root down to the
	// account (of the caller, and of the resource). Each level of ServiceControl must allow. Resource control policies
	// only deny: AWS's RCPFullAWSAccess, which allows everything, can't be detached.
	ServiceControl, ResourceControl [][]*Policy
	// Endpoint has the policies of each VPC endpoint that the request may go through; every one must allow, and name the caller.
	// nil when it goes through none, or through one that lets everything pass.
	Endpoint [][]*Policy
	// Resource has the policies of what is acted on: the bucket's, key's, queue's, or the role's trust policy.
	Resource []*Policy
}

// Evaluate decides a request as AWS does (reference_policies_evaluation-logic and, across accounts,
// reference_policies_evaluation-logic-cross-account in the IAM User Guide). "Denied" is a result, not an error.
//
// One Deny in any policy denies. Else the request is allowed within an account when
//   - the identity's policies allow it, and boundary and session policies, where there are any; or
//   - the resource's policy allows it to the caller itself (a user's or a session's ARN), whatever the other policies
//     don't mention; or to everybody, and session policies allow it, too; or
//   - the resource's policy allows it to the role of the session, and boundary and session policies do, too.
//
// A resource's policy that names the caller's account only leaves the decision to the identity's policies. KMS keys
// and roles trust nobody by themselves: there the identity's policies count only if the key or trust policy names the
// account. Across accounts both sides must allow. Services and federated users have no policies of their own: the
// resource's policy decides. Service control policies limit every caller except services; resource control policies
// limit all. So does the policy of a VPC endpoint (vpc-endpoints-access in the AWS PrivateLink guide), which only takes away, too.
// Nothing reaches across partitions.
//
// Service-linked roles, which control policies don't limit, KMS grants and the access lists of S3 aren't modelled.
func Evaluate(q Request, p Policies) Decision {
	r := prepare(q, &p)
	var e evaluation
	if q.Caller.hasPolicies() {
		e.add(&r, IdentityLayer, p.Identity)
		e.add(&r, BoundaryLayer, p.Boundary)
		e.add(&r, SessionLayer, p.Session)
		for _, level := range p.ServiceControl {
			e.allows[ServiceControlLayer] = false
			e.add(&r, ServiceControlLayer, level)
			e.scpGap = e.scpGap || !e.allows[ServiceControlLayer]
		}
	}
	for _, level := range p.ResourceControl {
		e.add(&r, ResourceControlLayer, level)
	}
	for _, level := range p.Endpoint {
		e.allows[EndpointLayer] = false
		e.add(&r, EndpointLayer, level)
		e.endpointGap = e.endpointGap || !e.allows[EndpointLayer]
	}
	e.add(&r, ResourceLayer, p.Resource)
	return e.decide(&r, &p)
}

// hasPolicies says whether the caller is one of an account, which identity policies belong to and SCPs limit.
func (c *Caller) hasPolicies() bool {
	switch c.Kind {
	case RootCaller, UserCaller, RoleCaller, SessionCaller, FederatedUserCaller:
		return true
	case AnonymousCaller, ServiceCaller, FederatedCaller:
	}
	return false
}

// evaluation collects what the statements say. It never stops early: whoever learns one reason at a time mends one at a
// time.
type evaluation struct {
	// few has the statements that matched, more those for which it is too short: most decisions have few reasons.
	few    [12]hit
	n      int
	more   []hit
	allows [ResourceLayer + 1]bool
	denied bool
	// grants says which grants the allowing statements of the resource's policies make.
	grants [directGrant + 1]bool
	// scpGap says that a level of service control policies doesn't allow.
	scpGap bool
	// endpointGap says that a VPC endpoint doesn't let it through.
	endpointGap bool
}

// hit is a statement that matched.
type hit struct {
	layer  Layer
	policy *Policy
	index  int
}

func (e *evaluation) add(r *prepared, layer Layer, policies []*Policy) {
	for _, p := range policies {
		for i := range p.statements {
			e.statement(r, layer, p, i)
		}
	}
}

func (e *evaluation) statement(r *prepared, layer Layer, p *Policy, index int) {
	s := &p.statements[index]
	// The cheapest and most selective test first; all are without effect.
	if !s.matchesAction(r) || !s.matchesResource(r, layer == ResourceLayer) {
		return
	}
	g := directGrant
	if layer.named() {
		if g = s.grants(r); g == noGrant {
			return
		}
	}
	if !s.conditionsHold(r.Context) {
		return
	}
	h := hit{layer, p, index}
	if e.n < len(e.few) {
		e.few[e.n] = h
		e.n++
	} else {
		e.more = append(e.more, h)
	}
	if s.effect == Deny {
		e.denied = true
		return
	}
	e.allows[layer] = true
	if layer == ResourceLayer {
		e.grants[g] = true
	}
}

func (e *evaluation) reasons() []Reason {
	if e.n == 0 {
		return nil
	}
	out := make([]Reason, 0, e.n+len(e.more))
	for _, hits := range [2][]hit{e.few[:e.n], e.more} {
		for _, h := range hits {
			s := &h.policy.statements[h.index]
			out = append(out, Reason{h.layer, h.policy.id, s.index, s.sid, s.effect})
		}
	}
	return out
}

func (e *evaluation) decide(r *prepared, p *Policies) Decision {
	c := &r.Caller
	d := Decision{Reasons: e.reasons(), CrossAccount: c.hasPolicies() && r.owner() != c.Account}
	if c.hasPolicies() && r.action == "sts:getcalleridentity" {
		// No permission is needed, and none can be taken away (STS API reference).
		d.Outcome = Allowed
		return d
	}
	if e.denied {
		d.Outcome = ExplicitDeny
		return d
	}
	// The account's root needs no policy to be allowed.
	identity := e.allows[IdentityLayer] || c.Kind == RootCaller
	bounded := p.Boundary == nil || e.allows[BoundaryLayer]
	session := p.Session == nil || e.allows[SessionLayer]
	limits := bounded && session
	direct, open, byRole, byAccount := e.grants[directGrant], e.grants[openGrant], e.grants[roleGrant], e.grants[accountGrant]
	// What the resource's policy grants to others than the account needs no identity policy.
	granted := direct || (open && session) || (byRole && limits)

	var core bool
	switch {
	case r.acrossPartitions():
	case !c.hasPolicies():
		core = direct || open
	case d.CrossAccount:
		core = identity && limits && e.allows[ResourceLayer]
	case r.trustsNobody(p):
		core = granted || (byAccount && identity && limits)
	default:
		core = granted || (identity && limits)
	}
	if core && !e.scpGap && !e.endpointGap {
		d.Outcome = Allowed
		return d
	}
	lack := func(layer Layer, isLacking bool) {
		if isLacking {
			d.Lacking = append(d.Lacking, layer)
		}
	}
	own := !core && c.hasPolicies()
	lack(IdentityLayer, own && !identity && (d.CrossAccount || !(open || byRole)))
	lack(BoundaryLayer, own && !bounded && (d.CrossAccount || !open))
	lack(SessionLayer, own && !session)
	lack(ServiceControlLayer, e.scpGap)
	lack(EndpointLayer, e.endpointGap)
	lack(ResourceLayer, !core && !e.resourceSuffices(r, p, d.CrossAccount, identity))
	return d
}

// resourceSuffices says whether the resource's policies do their part, so that what is lacking is elsewhere.
func (e *evaluation) resourceSuffices(r *prepared, p *Policies, crossAccount, identity bool) bool {
	switch {
	case r.acrossPartitions():
		return false
	case !r.Caller.hasPolicies():
		return e.grants[directGrant] || e.grants[openGrant]
	case crossAccount, r.trustsNobody(p):
		return e.allows[ResourceLayer]
	}
	return e.grants[openGrant] || e.grants[roleGrant] || identity
}

// acrossPartitions says whether caller and resource are of different partitions, which nothing reaches across.
func (r *prepared) acrossPartitions() bool {
	return r.isARN && r.Caller.partition != "" && r.arn[1] != string(r.Caller.partition)
}

// trustsNobody says whether the resource is one whose own policy must allow, even within the account: a KMS key, or a
// role to be assumed. A request to assume a role without its trust policy is decided by the identity's policies, as
// the IAM simulator does; a key without a key policy doesn't exist.
func (r *prepared) trustsNobody(p *Policies) bool {
	if !r.isARN {
		return false
	}
	switch partition.Service(r.arn[2]) {
	case partition.KMS:
		return strings.HasPrefix(r.arn[5], "key/") && strings.HasPrefix(r.action, "kms:")
	case partition.IAM:
		return strings.HasPrefix(r.arn[5], "role/") && strings.HasPrefix(r.action, "sts:") && len(p.Resource) > 0
	}
	return false
}
