package verify

import (
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

// evaluation is the work over one deployment: what is shared between paths is done once.
type evaluation struct {
	*Deployment
	segments map[string]*segment
	filters  map[string][]*Resource
	defaults map[string]*policy.Policy  // default key policies, by account root
	reach    map[string]map[string]bool // what a resource waits for, over all steps
	options  Options
	verdicts []*Verdict
	// administrationVerdicts are those of [evaluation.administration]: no log line passes there.
	administrationVerdicts []*Verdict
}

func newEvaluation(d *Deployment, o Options) *evaluation {
	e := &evaluation{Deployment: d, segments: map[string]*segment{}, filters: map[string][]*Resource{}, defaults: map[string]*policy.Policy{},
		reach: map[string]map[string]bool{}, options: o}
	for _, r := range d.byType[typeSubscription] {
		k := groupKey(r.Place, r.text("logGroup"))
		e.filters[k] = append(e.filters[k], r)
	}
	return e
}

// shared proves a part of a way at its first use.
func (e *evaluation) shared(name string, prove func(*segment)) *segment {
	s, ok := e.segments[name]
	if !ok {
		s = &segment{}
		e.segments[name] = s
		prove(s)
	}
	return s
}

// decide asks the evaluator. A service that is known under several names is allowed when one of them is.
func (e *evaluation) decide(h Hop) *Verdict {
	v := &Verdict{Hop: h, policies: e.policiesFor(h)}
	var decision policy.Decision
	for i, caller := range e.callers(h.Caller) {
		q := policy.Request{Caller: caller, Action: h.Action, Resource: h.Resource, Owner: h.Owner, Context: policy.Context{}}
		for k, values := range h.Context {
			q.Context[k] = contextValue(k, values)
		}
		if h.Caller.Role != "" {
			// A session's ARN doesn't have the role's path.
			q.Context["aws:PrincipalArn"] = policy.One(h.Caller.Role)
		}
		q = q.Derived()
		if d := policy.Evaluate(q, v.policies); i == 0 || d.Allowed() {
			decision, v.request = d, q
		}
	}
	v.Allowed = decision.Allowed()
	for _, r := range decision.Decisive() {
		at := e.policies[r.Policy]
		if at == nil { // the unknown administrator, or a default key policy
			continue
		}
		v.Causes = append(v.Causes, Cause{Carrier: at.carrier.URN, Kind: at.kind, Index: r.Index, Sid: r.Sid, Effect: r.Effect})
	}
	if !v.Allowed && decision.Outcome == policy.ImplicitDeny && h.Caller.Role != "" {
		if o := e.roles[h.Caller.Role]; o != nil && len(o.foreign) > 0 && onlyLacksIdentity(decision) {
			v.Allowed, v.Assumed = true, o.foreign
		}
	}
	if !v.Allowed {
		v.Remedies = e.remedies(v, decision)
	}
	e.verdicts = append(e.verdicts, v)
	return v
}

func onlyLacksIdentity(d policy.Decision) bool {
	for _, l := range d.Lacking {
		if l != policy.IdentityLayer && (l != policy.ResourceLayer || d.CrossAccount) {
			return false
		}
	}
	return true
}

func contextValue(key string, values []string) policy.Value {
	if len(values) == 1 && !strings.HasSuffix(key, "Keys") {
		return policy.One(values[0])
	}
	return policy.Many(values...)
}

// sessionName is what a service's session of a role is called; no policy of a path depends on it.
const sessionName = "log-archive-proof"

func (e *evaluation) callers(c Caller) []policy.Caller {
	if c.Role == "" {
		out := make([]policy.Caller, 0, len(c.Service))
		for _, s := range c.Service {
			out = append(out, policy.Service(s))
		}
		return out
	}
	arn, err := partition.ParseARN(c.Role)
	if err != nil {
		return []policy.Caller{{}}
	}
	if arn.Resource == "root" {
		root, err := policy.ParseCaller(c.Role)
		if err != nil {
			return []policy.Caller{{}}
		}
		return []policy.Caller{root}
	}
	name := arn.Resource[strings.LastIndexByte(arn.Resource, '/')+1:]
	session, err := policy.ParseCaller(partition.ARN{Partition: arn.Partition, Service: partition.STS, Account: arn.Account, Resource: "assumed-role/" + name + "/" + sessionName}.String())
	if err != nil {
		return []policy.Caller{{}}
	}
	return []policy.Caller{session}
}

// administrator allows everything; it stands for the unknown policies of whoever may do everything in an account.
var administrator = func() *policy.Policy {
	p, err := policy.Compile("administrator", policy.Document{Statements: []policy.Statement{{
		Sid: "Everything", Effect: policy.Allow, Action: []string{"*"}, Resource: []string{"*"},
	}}})
	if err != nil {
		panic(err) // a constant
	}
	return p
}()

// policiesFor gathers the policies of both sides.
func (e *evaluation) policiesFor(h Hop) policy.Policies {
	var p policy.Policies
	if h.Caller.Unbounded {
		p.Identity = []*policy.Policy{administrator}
	} else if o := e.roles[h.Caller.Role]; o != nil {
		for _, at := range o.identity {
			p.Identity = append(p.Identity, at.compiled)
		}
		if o.boundary != nil {
			p.Boundary = []*policy.Policy{o.boundary.compiled}
		}
	}
	if at := e.resourcePolicy(h.Resource); at != nil {
		p.Resource = []*policy.Policy{at.compiled}
	} else if arn, err := partition.ParseARN(h.Resource); err == nil && arn.Service == partition.KMS && e.keys[h.Resource] == nil {
		p.Resource = []*policy.Policy{e.defaultKeyPolicy(arn)}
	}
	return p
}

// defaultKeyPolicy stands for the policy of a key that the program doesn't declare, such as that of a database to back up: it
// leaves the decision to the account's own policies, as keys have it from the console, the API and AWS's managed keys
// (https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html).
func (e *evaluation) defaultKeyPolicy(key partition.ARN) *policy.Policy {
	root := key.Place().RootARN().String()
	p, ok := e.defaults[root]
	if !ok {
		var err error
		if p, err = policy.Compile("default key policy of "+root, policy.Document{Statements: []policy.Statement{{
			Effect: policy.Allow, Principal: policy.AWSPrincipals(root), Action: []string{"kms:*"}, Resource: []string{"*"},
		}}}); err != nil {
			panic(err) // a constant but for the account
		}
		e.defaults[root] = p
	}
	return p
}

// resourcePolicy is the policy of what a request is about; nil where it has none, or where its sort has none.
func (e *evaluation) resourcePolicy(arn string) *policyAt {
	a, err := partition.ParseARN(arn)
	if err != nil {
		return nil
	}
	switch a.Service {
	case partition.S3:
		name, _, _ := strings.Cut(a.Resource, "/")
		if b := e.buckets[name]; b != nil {
			return b.policy
		}
	case partition.KMS:
		if k := e.keys[arn]; k != nil {
			return k.policy
		}
	case partition.IAM:
		if o := e.roles[arn]; o != nil {
			return o.trust
		}
	case partition.Backup:
		if v := e.vaults[arn]; v != nil {
			return v.policy
		}
	}
	return nil
}
