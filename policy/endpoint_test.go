package policy

import (
	"slices"
	"testing"

	"github.com/logarchive/logarchive/partition"
)

// A VPC endpoint's policy takes away and never gives: each endpoint on the way must allow, to the caller.
func TestEndpointPolicies(t *testing.T) {
	t.Parallel()
	compiled := func(id string, principal *Principals, effect Effect, action string) []*Policy {
		p, err := Compile(id, Document{Statements: []Statement{{Effect: effect, Principal: principal, Action: []string{action}, Resource: []string{"*"}}}})
		if err != nil {
			t.Fatal(err)
		}
		return []*Policy{p}
	}
	here := partition.Place{Account: "111122223333", Region: "cn-north-1"}
	there := partition.Place{Account: "444455556666", Region: "cn-north-1"}
	open, other := compiled("open", AnyPrincipal(), Allow, "s3:*"), compiled("other", AnyPrincipal(), Allow, "logs:*")
	theirs, deny := compiled("theirs", AWSPrincipals(there.RootARN().String()), Allow, "s3:*"), append(compiled("denies", AnyPrincipal(), Deny, "s3:Get*"), compiled("open", AnyPrincipal(), Allow, "s3:*")...)
	identity := compiled("identity", nil, Allow, "s3:*")
	caller, err := ParseCaller(here.ARN(partition.IAM, "user/ann").String())
	if err != nil {
		t.Fatal(err)
	}
	q := Request{Caller: caller, Action: "s3:GetObject", Resource: partition.ObjectARN(partition.China, "b", "key").String(), Owner: caller.Account}
	for _, c := range []struct {
		name     string
		identity []*Policy
		endpoint [][]*Policy
		want     Outcome
		lacking  []Layer
	}{
		{"no endpoint", identity, nil, Allowed, nil},
		{"an endpoint that lets it through", identity, [][]*Policy{open}, Allowed, nil},
		{"an endpoint for something else", identity, [][]*Policy{other}, ImplicitDeny, []Layer{EndpointLayer}},
		{"an endpoint for somebody else", identity, [][]*Policy{theirs}, ImplicitDeny, []Layer{EndpointLayer}},
		{"one of two endpoints", identity, [][]*Policy{open, other}, ImplicitDeny, []Layer{EndpointLayer}},
		{"the other of two endpoints", identity, [][]*Policy{other, open}, ImplicitDeny, []Layer{EndpointLayer}},
		{"an endpoint that denies", identity, [][]*Policy{deny}, ExplicitDeny, nil},
		{"an endpoint grants nothing", nil, [][]*Policy{open}, ImplicitDeny, []Layer{IdentityLayer, ResourceLayer}},
		{"a policy that says nothing", identity, [][]*Policy{nil}, ImplicitDeny, []Layer{EndpointLayer}},
	} {
		d := Evaluate(q.Derived(), Policies{Identity: c.identity, Endpoint: c.endpoint})
		if d.Outcome != c.want || !slices.Equal(d.Lacking, c.lacking) {
			t.Errorf("%s: %s, lacking %v; want %s, %v", c.name, d.Outcome, d.Lacking, c.want, c.lacking)
		}
	}
	near := Explain(q.Derived(), Policies{Identity: identity, Endpoint: [][]*Policy{theirs}})
	if last := near[len(near)-1]; last.Layer != EndpointLayer || last.Principal || !last.Action {
		t.Errorf("%+v", last)
	}
}
