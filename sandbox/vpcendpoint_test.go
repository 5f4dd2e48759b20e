package sandbox

import (
	"errors"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// A request that is made in a VPC goes through its endpoint of the service, which must let it through.
func TestVpcEndpointsRefuse(t *testing.T) {
	t.Parallel()
	w := newTestWorld(t)
	role, err := partition.ParseARN(filterRole)
	if err != nil {
		t.Fatal(err)
	}
	caller, context, err := roleCaller(role, "machine")
	if err != nil {
		t.Fatal(err)
	}
	hop := Hop{Step: "a machine puts a record", Principal: caller, Action: "firehose:PutRecord", Resource: testStreamARN, Owner: sourcePlace.Account, Place: sourcePlace, Within: []string{"vpc-1"}}.with(context...)
	outside := hop
	outside.Within = nil
	name, err := sourcePlace.Region.EndpointService(partition.Firehose, partition.Interface)
	if err != nil {
		t.Fatal(err)
	}
	through := func(statements ...policy.Statement) {
		w.remove(catalog.VpcEndpoint, "vpce-1")
		w.add(catalog.VpcEndpoint, sourcePlace, "vpce-1", map[string]any{
			"arn": sourcePlace.ARN(partition.EC2, "vpc-endpoint/vpce-1").String(), "vpcId": "vpc-1", "serviceName": name, "vpcEndpointType": "Interface",
			"privateDnsEnabled": true, "policy": document(statements...),
		})
	}
	allowing := func(role string) policy.Statement {
		return policy.Statement{Effect: policy.Allow, Principal: policy.AnyPrincipal(), Action: []string{"firehose:PutRecord"}, Resource: []string{testStreamARN},
			Condition: policy.Conditions{}.With("ArnEquals", "aws:PrincipalArn", role)}
	}
	authorize := func(h Hop) *Refusal {
		var refusal *Refusal
		if err := NewAuthorizer(w).Authorize(h); err != nil && !errors.As(err, &refusal) {
			t.Fatal(err)
		}
		return refusal
	}
	if r := authorize(hop); r != nil {
		t.Errorf("without an endpoint: %v", r)
	}
	through(allowing(filterRole))
	if r := authorize(hop); r != nil {
		t.Errorf("through an endpoint that lets it through: %v", r)
	}
	through(allowing(streamRole))
	r := authorize(hop)
	if r == nil || r.Code != "AccessDenied" || !strings.HasSuffix(r.Carrier, "vpc-endpoint/vpce-1") || !strings.Contains(r.Reason, "VPC endpoint vpce-1 has no statement") || !strings.Contains(r.Reason, "ArnEquals aws:PrincipalArn") {
		t.Errorf("through an endpoint for another role: %v", r)
	}
	if r := authorize(outside); r != nil {
		t.Errorf("past the endpoint: %v", r)
	}
	deny := policy.Statement{Effect: policy.Deny, Principal: policy.AnyPrincipal(), Action: []string{"firehose:*"}, Resource: []string{"*"}}
	through(allowing(filterRole), deny)
	if r := authorize(hop); r == nil || !strings.HasSuffix(r.Carrier, "vpc-endpoint/vpce-1") || !strings.Contains(r.Reason, "Deny by VPC endpoint policy") {
		t.Errorf("through an endpoint that denies: %v", r)
	}
}
