package verify

import (
	"maps"
	"slices"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// Caller is who makes a request: an AWS service under its own name, or the session of a role.
type Caller struct {
	// Service has the names by which a service is known to policies; a policy may trust any of them. Empty for a role.
	Service []partition.Principal
	// Role is the ARN of the role whose session calls. Empty for a service.
	Role string
	// Unbounded says that the role's own policies aren't known and are taken to allow everything: an administrator. Only the
	// resource's policy decides then.
	Unbounded bool
}

// String is the service's first name or the role's ARN.
func (c Caller) String() string {
	if len(c.Service) > 0 {
		return string(c.Service[0])
	}
	return c.Role
}

// Hop is one request that a service makes on the way of a log line.
type Hop struct {
	// Title says what it is for, such as "Firehose writes objects".
	Title  string
	Caller Caller
	// Action is the IAM action, such as "s3:PutObject".
	Action string
	// Resource is the ARN that the request is about, Owner the account that it belongs to.
	Resource string
	Owner    partition.Account
	// Context are the condition keys that the service sends besides those that follow from the caller and the resource.
	Context map[string][]string
	// Carrier is the URN of the declared resource that makes the request happen.
	Carrier string
	// Within are the VPCs that it may be made in; none for what AWS does itself. Each one's endpoints must let it through.
	Within []string
	// Patterns say how a policy writes values of Resource and Context that are samples: an object's key, a snapshot's id.
	Patterns map[string]string

	built *builtContext // shared with the other actions on the resource
}

// builtContext is a hop's context as the evaluator takes it, for one caller.
type builtContext struct {
	caller  *asCaller
	owner   partition.Account
	context policy.Context
}

// pattern is how a policy writes a value of the request.
func (h Hop) pattern(value string) string {
	if p, ok := h.Patterns[value]; ok {
		return p
	}
	return value
}

// request is a hop under construction; it spares the tables of hops below their repetitions.
type request struct {
	title   string
	caller  Caller
	owner   partition.Account
	carrier string
	context map[string][]string
	samples map[string]string
	within  []string
}

// sampling notes that a value is a sample of what a pattern covers.
func (q request) sampling(value, pattern string) request {
	q.samples = maps.Clone(q.samples)
	if q.samples == nil {
		q.samples = map[string]string{}
	}
	q.samples[value] = pattern
	return q
}

func (q request) with(key string, values ...string) request {
	q.context = maps.Clone(q.context)
	if q.context == nil {
		q.context = map[string][]string{}
	}
	q.context[key] = slices.Clone(values)
	return q
}

// overTLS is what every AWS service sends to S3 with.
func (q request) overTLS() request {
	return q.with("aws:SecureTransport", "true").with("s3:TlsVersion", "1.2")
}

func (q request) do(resource string, actions ...string) []Hop {
	hops, built := make([]Hop, 0, len(actions)), &builtContext{}
	for _, a := range actions {
		hops = append(hops, Hop{
			Title: q.title, Caller: q.caller, Action: a, Resource: resource, Owner: q.owner, Context: q.context, Carrier: q.carrier, Within: q.within,
			Patterns: q.samples, built: built,
		})
	}
	return hops
}

// service is a caller under the names that the partition's table has for it: the one that we write in policies, and the
// regional one that other programs write.
func service(p partition.Place, s partition.Service, uses ...partition.Use) (Caller, error) {
	var c Caller
	for _, u := range append([]partition.Use{partition.Trust}, uses...) {
		name, err := p.PrincipalFor(s, u)
		if err != nil {
			return Caller{}, err
		}
		if !slices.Contains(c.Service, name) {
			c.Service = append(c.Service, name)
		}
	}
	return c, nil
}
