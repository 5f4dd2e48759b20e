package verify

import (
	"maps"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// Verdict is what becomes of a hop, and why.
type Verdict struct {
	Hop
	Allowed bool
	// Causes are the statements that decided: all that allow, or all that deny. None for an implicit deny.
	Causes []Cause
	// Assumed are managed policies that the program only names. A hop that the declared policies don't allow is taken
	// as allowed by them, and reported as such.
	Assumed []string
	// Remedies mend a refused hop, each by itself a part of what is needed.
	Remedies []Remedy

	request  policy.Request
	policies policy.Policies
	// deciding are the statements of Causes; matching, of a refused hop, those that would allow it if the others did.
	deciding, matching []statementAt
}

// Cause is a statement that decided a hop.
type Cause struct {
	// Carrier is the URN of the resource that carries the policy.
	Carrier string
	Kind    policy.Kind
	Index   int // of the statement, from 0
	Sid     string
	Effect  policy.Effect
}

// decide asks the evaluator, and keeps the verdict: what no verdict needs is a privilege too many.
func (e *evaluation) decide(h Hop) *Verdict {
	v, decision := e.ask(h)
	e.explain(v, decision)
	e.verdicts = append(e.verdicts, v)
	return v
}

// explain says why, and what to do.
func (e *evaluation) explain(v *Verdict, d policy.Decision) {
	if !v.Allowed {
		v.Remedies = e.remedies(v, d)
	}
	for _, s := range v.deciding {
		v.Causes = append(v.Causes, s.cause())
	}
}

// ask decides without keeping. A service that is known under several names is allowed when one of them is.
func (e *evaluation) ask(h Hop) (*Verdict, policy.Decision) {
	v := &Verdict{Hop: h, policies: e.policiesFor(h)}
	decision := e.evaluate(v, e.caller(h.Caller.String()).as)
	for i := 1; i < len(h.Caller.Service) && !decision.Allowed(); i++ {
		before := v.request
		if d := e.evaluate(v, e.caller(string(h.Caller.Service[i])).as); d.Allowed() {
			decision = d
		} else {
			v.request = before
		}
	}
	v.Allowed = decision.Allowed()
	e.assumeForeign(v, decision)
	for _, r := range decision.Reasons {
		s, ok := e.statements[r.Policy]
		switch {
		case !ok: // the unknown administrator, or a default key policy
		case decision.Outcome == policy.ImplicitDeny && r.Effect == policy.Allow:
			v.matching = append(v.matching, s)
		case decision.Outcome == policy.Allowed && r.Effect == policy.Allow, decision.Outcome == policy.ExplicitDeny && r.Effect == policy.Deny:
			v.deciding = append(v.deciding, s)
		}
	}
	return v, decision
}

// evaluate asks for one caller, and notes the request.
func (e *evaluation) evaluate(v *Verdict, c *asCaller) policy.Decision {
	v.request = requestOf(v.Hop, c)
	return policy.Evaluate(v.request, v.policies)
}

// assumeForeign takes managed policies into account whose documents aren't known. One that is attached may allow what the
// others don't; one that is a boundary may forbid what the others allow, which is noted.
func (e *evaluation) assumeForeign(v *Verdict, d policy.Decision) {
	o := e.roles[v.Caller.Role]
	if o == nil || v.Caller.Unbounded {
		return
	}
	if !v.Allowed && d.Outcome == policy.ImplicitDeny && len(o.foreign) > 0 && onlyLacksIdentity(d) {
		v.Allowed, v.Assumed = true, slices.Clone(o.foreign)
	}
	if v.Allowed && o.foreignBoundary != "" {
		v.Assumed = append(v.Assumed, o.foreignBoundary)
	}
}

func onlyLacksIdentity(d policy.Decision) bool {
	for _, l := range d.Lacking {
		if l != policy.IdentityLayer && (l != policy.ResourceLayer || d.CrossAccount) {
			return false
		}
	}
	return true
}

// requestOf is a hop as a caller's request.
func requestOf(h Hop, c *asCaller) policy.Request {
	q := policy.Request{Caller: c.Caller, Action: h.Action, Resource: h.Resource, Owner: h.Owner}
	owner := h.owner()
	if h.built != nil && h.built.caller == c && h.built.owner == owner {
		q.Context = h.built.context
		return q
	}
	q.Context = make(policy.Context, len(c.context)+len(h.Context)+1)
	maps.Copy(q.Context, c.context)
	for k, values := range h.Context {
		q.Context[k] = contextValue(k, values)
	}
	if owner != "" {
		q.Context["aws:ResourceAccount"] = policy.One(string(owner))
	}
	if h.built != nil {
		*h.built = builtContext{c, owner, q.Context}
	}
	return q
}

// owner is the account that the request's resource belongs to: its ARN says so, or the hop does.
func (h Hop) owner() partition.Account {
	if fields := strings.SplitN(h.Resource, ":", 6); len(fields) == 6 && fields[4] != "" {
		return partition.Account(fields[4])
	}
	return h.Owner
}

func contextValue(key string, values []string) policy.Value {
	if len(values) == 1 && !strings.HasSuffix(key, "Keys") {
		return policy.One(values[0])
	}
	return policy.Many(values...)
}

// sessionName is what a service's session of a role is called; no policy of a path depends on it.
const sessionName = "log-archive-proof"

// asCaller is a caller with the context that follows from who it is.
type asCaller struct {
	policy.Caller
	context policy.Context
}

func newCaller(c policy.Caller, arn string) *asCaller {
	context := policy.Request{Caller: c}.Derived().Context
	delete(context, "aws:ResourceAccount")
	if arn != "" {
		// A session's ARN doesn't have the role's path.
		context["aws:PrincipalArn"] = policy.One(arn)
	}
	return &asCaller{c, context}
}

// callerOf is a role, or a service by one of its names, with its own policies.
type callerOf struct {
	as                 *asCaller
	identity, boundary []*policy.Policy
}

// caller works a caller out at its first use. What is neither a role's ARN nor a service's name is nobody.
func (e *evaluation) caller(name string) *callerOf {
	c, ok := e.byCaller[name]
	if ok {
		return c
	}
	if partition.IsServicePrincipal(name) {
		c = &callerOf{as: newCaller(policy.Service(partition.Principal(name)), "")}
	} else {
		c = &callerOf{as: newCaller(sessionOf(name), name)}
		e.options.Organization.member(c.as.Caller, c.as.context)
	}
	if o := e.roles[name]; o != nil {
		for _, at := range o.identity {
			c.identity = append(c.identity, at.compiled...)
		}
		if o.boundary != nil {
			c.boundary = o.boundary.compiled
		}
	}
	e.byCaller[name] = c
	return c
}

func sessionOf(role string) policy.Caller {
	arn, err := partition.ParseARN(role)
	if err != nil {
		return policy.Caller{}
	}
	as := role
	if arn.Resource != "root" {
		name := arn.Resource[strings.LastIndexByte(arn.Resource, '/')+1:]
		as = partition.ARN{Partition: arn.Partition, Service: partition.STS, Account: arn.Account, Resource: "assumed-role/" + name + "/" + sessionName}.String()
	}
	c, err := policy.ParseCaller(as)
	if err != nil {
		return policy.Caller{}
	}
	return c
}

// administrator allows everything; it stands for the unknown policies of whoever may do everything in an account.
var administrator = []*policy.Policy{constant("administrator", policy.Statement{
	Sid: "Everything", Effect: policy.Allow, Action: []string{"*"}, Resource: []string{"*"},
})}

// constant compiles a statement that is known to be good.
func constant(id string, s policy.Statement) *policy.Policy {
	p, err := compileStatement(id, "", s)
	if err != nil {
		panic(err)
	}
	return p
}

// policiesFor gathers the policies of both sides.
func (e *evaluation) policiesFor(h Hop) policy.Policies {
	var p policy.Policies
	switch {
	case h.Caller.Unbounded:
		p.Identity = administrator
	case h.Caller.Role != "":
		c := e.caller(h.Caller.Role)
		p.Identity, p.Boundary = c.identity, c.boundary
	}
	if len(h.Within) > 0 {
		for _, at := range e.endpointsFor(h) {
			p.Endpoint = append(p.Endpoint, at.compiled)
		}
	}
	if at := e.resourcePolicy(h.Resource); at != nil {
		p.Resource = at.compiled
	} else if arn, err := partition.ParseARN(h.Resource); err == nil && arn.Service == partition.KMS && e.keys[h.Resource] == nil {
		p.Resource = e.defaultKeyPolicy(arn)
	}
	return p
}

// defaultKeyPolicy stands for the policy of a key that the program doesn't declare, such as that of a database to back up: it
// leaves the decision to the account's own policies, as keys have it from the console, the API and AWS's managed keys
// (https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html).
func (e *evaluation) defaultKeyPolicy(key partition.ARN) []*policy.Policy {
	root := key.Place().RootARN().String()
	p, ok := e.defaults[root]
	if !ok {
		p = []*policy.Policy{constant("default key policy of "+root, policy.Statement{
			Effect: policy.Allow, Principal: policy.AWSPrincipals(root), Action: []string{"kms:*"}, Resource: []string{"*"},
		})}
		e.defaults[root] = p
	}
	return p
}

// resourcePolicy is the policy of what a request is about; nil where it has none, or where its sort has none.
func (e *evaluation) resourcePolicy(arn string) *policyAt {
	_, at, _ := e.carrierOf(arn)
	return at
}

// carrierOf is the declared resource that a request is about, with its policy, if it has one, and the kind that it would be.
func (e *evaluation) carrierOf(arn string) (*Resource, *policyAt, policy.Kind) {
	fields := strings.SplitN(arn, ":", 4)
	if len(fields) < 4 {
		return nil, nil, 0
	}
	switch service := partition.Service(fields[2]); service {
	case partition.S3:
		if b := e.buckets[bucketName(arn)]; b != nil {
			return b.Resource, b.policy, policy.Bucket
		}
	case partition.KMS:
		if k := e.keys[arn]; k != nil {
			return k.Resource, k.policy, policy.Key
		}
	case partition.IAM:
		if o := e.roles[arn]; o != nil {
			return o.Resource, o.trust, policy.Trust
		}
	case partition.Backup:
		if v := e.vaults[arn]; v != nil {
			return v.Resource, v.policy, policy.VaultAccess
		}
	case partition.Logs:
		if to := e.destinations[arn]; to != nil {
			return to.Resource, to.policy, policy.LogDestination
		}
	case partition.SQS, partition.SNS, partition.Lambda:
		if q := e.queues[arn]; q != nil {
			return q.Resource, q.policy, map[partition.Service]policy.Kind{partition.SQS: policy.Queue, partition.SNS: policy.Topic, partition.Lambda: policy.Function}[service]
		}
	}
	return nil, nil, 0
}
