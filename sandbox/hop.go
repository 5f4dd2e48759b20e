package sandbox

import (
	"fmt"
	"maps"
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// Hop is one step of a path: a principal performs an action on a resource, with what the service says about the request.
type Hop struct {
	// Step says in a few words what happens, such as "Firehose writes an object".
	Step string
	// Principal is who asks. Other names of the same service, of which a policy may use any, are in Aliases.
	Principal policy.Caller
	Aliases   []policy.Caller
	Action    string // "s3:PutObject"
	Resource  string // ARN
	// Owner is the account of the resource, which an S3 ARN doesn't tell.
	Owner partition.Account
	// Place is where the request is sent from.
	Place partition.Place
	// Within are the VPCs that the request may be made in, whose endpoints must let it through; none for what AWS does itself.
	Within []string
	// Context has the condition keys that the service sends, beyond those that follow from the rest. A key that AWS
	// doesn't document for the request isn't there: a condition that needs it would be a gamble.
	Context map[string][]string
}

// String returns "s3:PutObject on arn… by service…".
func (h Hop) String() string {
	return fmt.Sprintf("%s on %s by %s", h.Action, h.Resource, h.Principal)
}

// with returns the hop with more in its context; h stays as it is.
func (h Hop) with(pairs ...string) Hop {
	h.Context = maps.Clone(h.Context)
	if h.Context == nil {
		h.Context = map[string][]string{}
	}
	for i := 0; i < len(pairs); i += 2 {
		h.Context[pairs[i]] = []string{pairs[i+1]}
	}
	return h
}

// Authorizer decides hops. It returns nil, or a [*Refusal]; any other error means that it couldn't decide.
type Authorizer interface {
	Authorize(hop Hop) error
}

// Refusal says that a hop can't be taken, as AWS would: because something is missing, or because nothing allows it.
type Refusal struct {
	Hop Hop
	// Code is AWS's error code: AccessDenied, NoSuchBucket, ResourceNotFoundException, …
	Code string
	// Reason says what is wrong, and what would have to be there.
	Reason string
	// Carrier is the resource that should carry the missing statement, or that is missing itself: an ARN or a name.
	Carrier string
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("%s: %s: %s (%s)", r.Hop.Step, r.Code, r.Reason, r.Hop)
}

// refuse makes a refusal.
func (h Hop) refuse(code, carrier, format string, args ...any) *Refusal {
	return &Refusal{Hop: h, Code: code, Carrier: carrier, Reason: fmt.Sprintf(format, args...)}
}

// Resources is what delivery needs to know of the world; [World] has it.
type Resources interface {
	// List returns the objects of a type, ordered by place and id.
	List(token string) []Object
	// ByARN returns the object with that ARN.
	ByARN(arn string) (Object, bool)
}

var _ Resources = (*World)(nil)

// serviceCaller is an AWS service as a principal, at a place.
func serviceCaller(place partition.Place, service partition.Service, use partition.Use) (policy.Caller, error) {
	name, err := place.PrincipalFor(service, use)
	return policy.Service(name), err
}

// roleCaller is a session of a role. The role's ARN goes into the context, too: a session's doesn't have its path.
func roleCaller(role partition.ARN, session string) (policy.Caller, []string, error) {
	name := role.Resource[strings.LastIndexByte(role.Resource, '/')+1:]
	place := partition.Place{Account: role.Account, Region: role.Partition.Regions()[0]}
	caller, err := policy.ParseCaller(place.AssumedRoleARN(name, session).String())
	return caller, []string{"aws:PrincipalArn", role.String()}, err
}
