package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// policyAuthorizer decides hops by the policies that the world has, with the evaluator of package policy: identity
// policies of the role, and the policy of the bucket, the key or the trusted role.
type policyAuthorizer struct {
	world Resources

	mu       sync.Mutex
	compiled map[string]*policy.Policy // by id and text
}

// NewAuthorizer returns the authorizer that delivery uses by default.
func NewAuthorizer(w Resources) Authorizer {
	return &policyAuthorizer{world: w, compiled: map[string]*policy.Policy{}}
}

// carrier is a resource whose policies have a say, and what it is called in a reason.
type carrier struct {
	arn      string
	name     string
	policies []*policy.Policy
	// boundary limits what a role's policies allow; nil without one, and where what it says isn't known.
	boundary *carrier
	// endpoint is the VPC endpoint that keeps a request of the role; nil if none does.
	endpoint *carrier
	// unknown says why not all of its policies are known.
	unknown string
}

// Authorize decides a hop: nil when it is allowed, else a [*Refusal] that names what keeps it from being allowed.
func (a *policyAuthorizer) Authorize(h Hop) error {
	resource, err := a.resourceCarrier(h)
	if err != nil {
		return err
	}
	identity, err := a.identityCarrier(h)
	if err != nil {
		return err
	}
	request := policy.Request{Caller: h.Principal, Action: h.Action, Resource: h.Resource, Owner: h.Owner, Context: policy.Context{}}
	for key, values := range h.Context {
		request.Context[key] = policy.One(values[0])
		if len(values) > 1 {
			request.Context[key] = policy.Many(values...)
		}
	}
	a.memberOf(h.Principal.Account, request.Context)
	policies := policy.Policies{Identity: identity.policies, Resource: resource.policies}
	if identity.boundary != nil {
		policies.Boundary = identity.boundary.policies
	}
	endpoints, err := a.endpointCarriers(h)
	if err != nil {
		return err
	}
	for _, e := range endpoints {
		policies.Endpoint = append(policies.Endpoint, e.policies)
	}
	var decision policy.Decision
	for _, caller := range append([]policy.Caller{h.Principal}, h.Aliases...) {
		request.Caller = caller
		derived := request.Derived()
		decision = policy.Evaluate(derived, policies)
		if decision.Allowed() {
			return nil
		}
		if decision.Outcome == policy.ExplicitDeny {
			break
		}
	}
	request.Caller = h.Principal
	for _, e := range endpoints { // the first that keeps it
		alone := policy.Evaluate(request.Derived(), policy.Policies{Endpoint: [][]*policy.Policy{e.policies}})
		if alone.Outcome == policy.ExplicitDeny || slices.Contains(alone.Lacking, policy.EndpointLayer) {
			identity.endpoint = &e
			break
		}
	}
	return a.refusal(h, decision, policy.Explain(request.Derived(), policies), identity, resource)
}

// endpointCarriers are the VPC endpoints that a request goes through, with their policies.
func (a *policyAuthorizer) endpointCarriers(h Hop) ([]carrier, error) {
	if len(h.Within) == 0 {
		return nil, nil
	}
	var list []carrier
	for _, o := range a.world.List(catalog.VpcEndpoint) {
		if o.Place != h.Place || o.Text("policy") == "" || !catalog.EndpointCarries(o.State, h.Place.Region, h.Within, h.Action) {
			continue
		}
		name := "the policy of VPC endpoint " + o.ID
		p, err := a.compile(name, o.Text("policy"))
		if err != nil {
			return nil, err
		}
		list = append(list, carrier{arn: o.ARN(), name: name, policies: []*policy.Policy{p}})
	}
	return list, nil
}

// refusal says which statement is missing, or which one denies.
func (a *policyAuthorizer) refusal(h Hop, d policy.Decision, verdicts []policy.Verdict, identity, resource carrier) *Refusal {
	if d.Outcome == policy.ExplicitDeny {
		var by []string
		for _, reason := range d.Decisive() {
			by = append(by, reason.String())
		}
		decides := func(layer policy.Layer) bool {
			return slices.ContainsFunc(d.Decisive(), func(r policy.Reason) bool { return r.Layer == layer })
		}
		at := identity
		switch {
		case decides(policy.ResourceLayer):
			at = resource
		case decides(policy.EndpointLayer):
			at = *identity.endpoint
		case decides(policy.BoundaryLayer):
			at = *identity.boundary
		}
		return h.refuse("AccessDenied", at.arn, "denied: %s", strings.Join(by, "; "))
	}
	lacking := d.Lacking
	if len(lacking) == 0 {
		lacking = []policy.Layer{policy.ResourceLayer}
	}
	var reasons []string
	at := ""
	for _, layer := range lacking {
		c := identity
		switch {
		case layer == policy.ResourceLayer:
			c = resource
		case layer == policy.BoundaryLayer && identity.boundary != nil:
			c = *identity.boundary
		case layer == policy.EndpointLayer && identity.endpoint != nil:
			c = *identity.endpoint
		}
		if c.name == "" {
			continue // there are no such policies
		}
		if at == "" {
			at = c.arn
		}
		reasons = append(reasons, lackOf(h, c, layer, verdicts))
	}
	if len(reasons) == 0 {
		reasons, at = []string{"nothing could allow it"}, h.Resource
	}
	return h.refuse("AccessDenied", at, "%s", strings.Join(reasons, "; "))
}

// lackOf says that a carrier has no statement for the hop, and which one comes nearest.
func lackOf(h Hop, c carrier, layer policy.Layer, verdicts []policy.Verdict) string {
	whom := ""
	if layer == policy.ResourceLayer {
		whom = " to " + h.Principal.String()
	}
	reason := fmt.Sprintf("%s has no statement that allows %s on %s%s", c.name, h.Action, h.Resource, whom)
	var near *policy.Verdict
	best := 0
	for i := range verdicts {
		v := &verdicts[i]
		if v.Layer != layer || v.Effect != policy.Allow || !v.Action {
			continue
		}
		score := 1
		if v.Resource {
			score += 2
		}
		if v.Principal {
			score += 2
		}
		if len(v.Failed) == 0 {
			score++
		}
		if score > best {
			near, best = v, score
		}
	}
	if near != nil {
		var not []string
		if !near.Resource {
			not = append(not, "its resource is another")
		}
		if !near.Principal {
			not = append(not, "its principal is another")
		}
		for _, f := range near.Failed {
			_, key, _ := strings.Cut(f, " ")
			not = append(not, fmt.Sprintf("its condition %s doesn't hold (%s)", f, h.value(key)))
		}
		reason += fmt.Sprintf("; the nearest is statement %d", near.Index)
		if near.Sid != "" {
			reason += " (" + near.Sid + ")"
		}
		reason += " of " + near.Policy + ": " + strings.Join(not, ", ")
	}
	if c.unknown != "" {
		reason += "; " + c.unknown
	}
	return reason
}

// value says what the request has under a condition key.
func (h Hop) value(key string) string {
	for k, values := range h.Context {
		if strings.EqualFold(k, key) {
			return "the request has " + strings.Join(values, ", ")
		}
	}
	return "the request doesn't have it"
}

// identityCarrier returns the policies of the role that asks.
func (a *policyAuthorizer) identityCarrier(h Hop) (carrier, error) {
	arns := h.Context["aws:PrincipalArn"]
	if h.Principal.Kind != policy.SessionCaller || len(arns) == 0 {
		return carrier{}, nil
	}
	role, ok := a.world.ByARN(arns[0])
	if !ok {
		return carrier{}, h.refuse("AccessDenied", arns[0], "the role %s doesn't exist", arns[0])
	}
	c := carrier{arn: arns[0], name: "the role " + arns[0]}
	add := func(id, document string) error {
		p, err := a.compile(id, document)
		if err == nil {
			c.policies = append(c.policies, p)
		}
		return err
	}
	name := role.Text("name")
	mine := func(o Object) bool {
		return o.Place.Account == role.Place.Account && (o.Text("role") == name || o.Text("role") == role.ID)
	}
	for _, o := range a.world.List(rolePolicyToken) {
		if mine(o) {
			if err := add("role policy "+o.Text("name"), o.Text("policy")); err != nil {
				return c, err
			}
		}
	}
	for _, inline := range objects(role.State["inlinePolicies"]) {
		if document := text(inline, "policy"); document != "" {
			if err := add("inline policy "+text(inline, "name"), document); err != nil {
				return c, err
			}
		}
	}
	attached := strs(role.State["managedPolicyArns"])
	for _, o := range a.world.List(attachmentToken) {
		if mine(o) {
			attached = append(attached, o.Text("policyArn"))
		}
	}
	for _, arn := range attached {
		if managed, ok := a.world.ByARN(arn); ok {
			if err := add("policy "+managed.Text("name"), managed.Text("policy")); err != nil {
				return c, err
			}
		} else {
			c.unknown = "what " + arn + " allows isn't known to the sandbox"
		}
	}
	if arn := role.Text("permissionsBoundary"); arn != "" {
		if managed, ok := a.world.ByARN(arn); ok && managed.Text("policy") != "" {
			p, err := a.compile("permission boundary "+arn, managed.Text("policy"))
			if err != nil {
				return c, err
			}
			c.boundary = &carrier{arn: arn, name: "the permission boundary " + arn + " of the role " + arns[0], policies: []*policy.Policy{p}}
		}
	}
	if role.External && c.policies == nil {
		c.unknown = "the role is not of a stack, so its policies aren't known to the sandbox"
	}
	return c, nil
}

// resourceCarrier returns the policies of what is acted on.
func (a *policyAuthorizer) resourceCarrier(h Hop) (carrier, error) {
	arn, err := partition.ParseARN(h.Resource)
	if err != nil {
		return carrier{}, fmt.Errorf("sandbox: %s: %w", h, err)
	}
	c := carrier{arn: h.Resource}
	var documents []string
	switch arn.Service {
	case partition.S3:
		bucket, _, _ := strings.Cut(arn.Resource, "/")
		c.arn, c.name = partition.BucketARN(arn.Partition, bucket).String(), "the policy of bucket "+bucket
		for _, o := range a.world.List(bucketPolicyToken) {
			if o.Text("bucket") == bucket && o.Place.Partition() == arn.Partition {
				documents = append(documents, o.Text("policy"))
			}
		}
	case partition.KMS:
		c.name = "the policy of key " + h.Resource
		if key, ok := a.world.ByARN(h.Resource); ok {
			documents = append(documents, key.Text("policy"))
		}
	case partition.Lambda:
		documents = a.permissions(&c, arn)
	case partition.SQS, partition.SNS:
		c.name, documents = a.endpointPolicies(arn)
	case partition.Logs:
		if isDestination(arn) {
			c.name = "the policy of " + arn.Resource
			documents = append(documents, destinationPolicies(a.world, arn)...)
		}
	case partition.IAM:
		role, ok := a.world.ByARN(h.Resource)
		if !ok {
			return c, h.refuse("AccessDenied", h.Resource, "the role %s doesn't exist", h.Resource)
		}
		c.name = "the trust policy of role " + h.Resource
		documents = append(documents, role.Text("assumeRolePolicy"))
	}
	for _, document := range documents {
		if document == "" {
			continue
		}
		p, err := a.compile(c.name, document)
		if err != nil {
			return c, err
		}
		c.policies = append(c.policies, p)
	}
	return c, nil
}

// compile parses and compiles a document once.
func (a *policyAuthorizer) compile(id, document string) (*policy.Policy, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := id + "\x00" + document
	if p := a.compiled[key]; p != nil {
		return p, nil
	}
	parsed, err := policy.Parse([]byte(document))
	if err != nil {
		return nil, fmt.Errorf("sandbox: %s: %w", id, err)
	}
	p, err := policy.Compile(id, parsed)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	a.compiled[key] = p
	return p, nil
}
