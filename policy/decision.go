package policy

import "fmt"

// Outcome is what becomes of a request.
type Outcome int

// The outcomes. The zero value denies.
const (
	ImplicitDeny Outcome = iota // nothing allows it
	ExplicitDeny                // a statement denies it
	Allowed
)

// String returns the outcome as the IAM simulator writes it.
func (o Outcome) String() string {
	switch o {
	case Allowed:
		return "allowed"
	case ExplicitDeny:
		return "explicitDeny"
	case ImplicitDeny:
	}
	return "implicitDeny"
}

// Layer is a sort of policies that has its say in a decision.
type Layer int

// The layers.
const (
	IdentityLayer Layer = iota
	BoundaryLayer
	SessionLayer
	ServiceControlLayer
	ResourceControlLayer
	EndpointLayer
	ResourceLayer
)

var layerNames = [...]string{"identity policy", "permission boundary", "session policy", "service control policy", "resource control policy", "VPC endpoint policy", "resource policy"}

// named says whether the layer's policies name whom they are for. Those of the others are attached to who asks, or limit everybody.
func (l Layer) named() bool { return l == ResourceLayer || l == EndpointLayer }

// String returns the layer's name in words.
func (l Layer) String() string {
	if l < 0 || int(l) >= len(layerNames) {
		return fmt.Sprintf("Layer(%d)", int(l))
	}
	return layerNames[l]
}

// Reason is a statement that matched a request.
type Reason struct {
	Layer  Layer
	Policy string // the id that the policy was compiled under
	Index  int    // of the statement in the policy, from 0
	Sid    string
	Effect Effect
}

// String returns "Allow by bucket policy archive, statement 2 (Deliver)".
func (r Reason) String() string {
	sid := ""
	if r.Sid != "" {
		sid = " (" + r.Sid + ")"
	}
	return fmt.Sprintf("%s by %s %s, statement %d%s", r.Effect, r.Layer, r.Policy, r.Index, sid)
}

// Decision is what becomes of a request, and why.
type Decision struct {
	Outcome Outcome
	// Reasons are all statements that matched, by layers and in the order of the policies, also those that didn't decide.
	Reasons []Reason
	// Lacking are the layers that would have had to allow the request and don't; none when it is allowed. When either
	// of the identity's and the resource's policies would have sufficed, both are there.
	Lacking []Layer
	// CrossAccount says that caller and resource belong to different accounts, so that both sides have to allow.
	CrossAccount bool
}

// Allowed says whether the request is allowed.
func (d Decision) Allowed() bool { return d.Outcome == Allowed }

// Decisive returns the reasons that made the outcome: all that deny, or all that allow it. An implicit deny has none.
func (d Decision) Decisive() []Reason {
	want := Allow
	switch d.Outcome {
	case ImplicitDeny:
		return nil
	case ExplicitDeny:
		want = Deny
	case Allowed:
	}
	var out []Reason
	for _, r := range d.Reasons {
		if r.Effect == want {
			out = append(out, r)
		}
	}
	return out
}
