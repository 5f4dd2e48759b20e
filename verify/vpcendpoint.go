package verify

import (
	"slices"
	"strings"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// vpcEndpoint is a VPC's own way to a service.
type vpcEndpoint struct {
	*Resource
	policy *policyAt
}

// indexVpcEndpoints reads the endpoints' policies. They grant nothing, so that rules about grants don't look at them: see
// endpointRules.
func (d *Deployment) indexVpcEndpoints() {
	for _, r := range d.byType[typeVpcEndpoint] {
		at := d.read(r, policy.Endpoint, "", object(r.State), "policy")
		if at != nil {
			delete(d.policies, at.id())
		}
		d.vpcEndpoints = append(d.vpcEndpoints, &vpcEndpoint{r, at})
	}
}

// endpointsFor are the endpoints that a hop may go through: of a request that may be made in several VPCs, those of each.
func (e *evaluation) endpointsFor(h Hop) []*policyAt {
	var out []*policyAt
	for _, v := range e.vpcEndpoints {
		if v.policy != nil && catalog.EndpointCarries(v.State, v.Place.Region, h.Within, h.Action) {
			out = append(out, v.policy)
		}
	}
	return out
}

// vpcsAt are the VPCs of a place that have endpoints. Which one an instance runs in that a tag selects, nobody knows beforehand: it
// must be able to send from each.
func (e *evaluation) vpcsAt(place partition.Place) []string {
	var out []string
	for _, v := range e.vpcEndpoints {
		if id := v.text("vpcId"); v.Place == place && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// endpointRemedies say which endpoints don't let a hop through.
func (e *evaluation) endpointRemedies(v *Verdict) []Remedy {
	add := identityStatement(v)
	add.Principal = policy.AnyPrincipal()
	add.Condition = add.Condition.With("ArnEquals", "aws:PrincipalArn", v.Caller.Role)
	var out []Remedy
	for _, at := range e.endpointsFor(v.Hop) {
		only := policy.Evaluate(v.request, policy.Policies{Endpoint: [][]*policy.Policy{at.compiled}})
		if slices.Contains(only.Lacking, policy.EndpointLayer) {
			out = append(out, e.lacking(v, []*policyAt{at}, at.carrier, policy.Endpoint, add))
		}
	}
	return out
}

var endpointRules = []Rule{
	{
		ID: "endpoint-connected", Title: "every VPC endpoint is on somebody's way",
		Why:    "requests go past a gateway endpoint that is in no route table, and past an interface endpoint without private DNS; one without subnets, or whose security groups let nobody in, swallows them (https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html)",
		Remedy: "name route tables, or subnets, private DNS and a security group that lets the VPC in by HTTPS",
		check:  endpointsConnected,
	},
	{
		ID: "endpoint-narrow", Title: "VPC endpoints let through only what is named",
		Why:    "an endpoint without a policy lets anybody in the VPC bring logs to an account of their own, with credentials of their own (https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html)",
		Remedy: "name the actions, and the principals or the resources, or the account of both",
		check:  endpointsNarrow,
	},
}

func endpointsConnected(e *evaluation, report reporter) {
	for _, v := range e.vpcEndpoints {
		if v.text("vpcEndpointType") != string(partition.Interface) {
			if len(v.texts("routeTableIds")) == 0 {
				report(v.URN, "set routeTableIds", "it is in no route table")
			}
			continue
		}
		if len(v.texts("subnetIds")) == 0 {
			report(v.URN, "set subnetIds", "it is in no subnet")
		}
		if !v.flag("privateDnsEnabled") {
			report(v.URN, "set privateDnsEnabled to true", "the service's name doesn't lead to it")
		}
		if groups := v.texts("securityGroupIds"); len(groups) > 0 && !slices.ContainsFunc(groups, e.letsHTTPSIn) {
			report(v.URN, "add an ingress rule for port 443 from the VPC's ranges to a security group", "its security groups let nobody in by HTTPS")
		}
	}
}

// letsHTTPSIn says whether a security group has a rule for port 443; one that isn't declared is taken to have one.
func (e *evaluation) letsHTTPSIn(id string) bool {
	https := func(from, to float64, protocol string) bool {
		return protocol == "-1" || protocol == "tcp" && from <= 443 && to >= 443
	}
	declared := false
	for _, g := range e.byType[typeSecurityGroup] {
		if g.ID != id {
			continue
		}
		declared = true
		for _, in := range g.items("ingress") {
			if https(in.number("fromPort"), in.number("toPort"), in.text("protocol")) {
				return true
			}
		}
	}
	for _, r := range e.byType[typeIngressRule] {
		if r.text("securityGroupId") == id && https(r.number("fromPort"), r.number("toPort"), r.text("ipProtocol")) {
			return true
		}
	}
	return !declared
}

// endpointsNarrow: each statement that allows names its actions, and besides those who ask, or what they ask for, or that both are of
// one account.
func endpointsNarrow(e *evaluation, report reporter) {
	for _, v := range e.vpcEndpoints {
		if v.policy == nil {
			report(v.URN, "give it a policy", "it has no policy, so that it lets everything through")
			continue
		}
		for i, s := range v.policy.document.Statements {
			if s.Effect != policy.Allow {
				continue
			}
			name := statementName(s.Sid, i)
			if slices.ContainsFunc(s.Action, func(a string) bool { return strings.ContainsAny(a, "*?") }) || s.NotAction != nil {
				report(v.URN, "name the actions", "statement %s of its policy lets through %s", name, strings.Join(append(s.Action, s.NotAction...), ", "))
				continue
			}
			named := hasCondition(s, "aws:PrincipalArn") || hasCondition(s, "aws:PrincipalAccount") && hasCondition(s, "aws:ResourceAccount")
			if !named && (slices.Contains(s.Resource, "*") || s.NotResource != nil) {
				report(v.URN, "add a condition on aws:PrincipalArn, or on aws:PrincipalAccount and aws:ResourceAccount", "statement %s of its policy lets anybody reach anything", name)
			}
		}
	}
}
