package verify_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/policy"
	"github.com/logarchive/logarchive/verify"
)

const endpointNamed = "endpoints-vpc-0a1b2c3d4e5f60718-"

func onEndpoint(service string, change func(*policy.Document)) func(*program) {
	return func(p *program) { p.edit("VpcEndpoint", endpointNamed+service, "policy", change) }
}

var endpointCases = []ruleCase{
	{rule: "endpoint-connected", name: "no route table", resource: endpointNamed + "s3", reason: "in no route table",
		change: func(p *program) { p.set("VpcEndpoint", endpointNamed+"s3", "routeTableIds", nil) }},
	{rule: "endpoint-connected", name: "no subnet", resource: endpointNamed + "logs", reason: "in no subnet",
		change: func(p *program) { p.set("VpcEndpoint", endpointNamed+"logs", "subnetIds", []any{}) }},
	{rule: "endpoint-connected", name: "no private DNS", resource: endpointNamed + "logs", reason: "name doesn't lead to it",
		change: func(p *program) { p.set("VpcEndpoint", endpointNamed+"logs", "privateDnsEnabled", false) }},
	{rule: "endpoint-connected", name: "nobody comes in", resource: endpointNamed + "logs", reason: "let nobody in by HTTPS",
		change: func(p *program) {
			p.drop("SecurityGroupIngressRule", "endpoints-vpc-0a1b2c3d4e5f60718-from-10.20.0.0/16")
		}},
	{rule: "endpoint-connected", name: "another port", resource: endpointNamed + "firehose", reason: "let nobody in by HTTPS",
		change: func(p *program) {
			p.set("SecurityGroupIngressRule", "endpoints-vpc-0a1b2c3d4e5f60718-from-10.20.0.0/16", "toPort", 80.0)
		}},
	{rule: "endpoint-narrow", name: "no policy", resource: endpointNamed + "logs", reason: "it has no policy",
		change: func(p *program) { p.set("VpcEndpoint", endpointNamed+"logs", "policy", nil) }},
	{rule: "endpoint-narrow", name: "AWS's default", resource: endpointNamed + "logs", reason: "lets through *",
		change: onEndpoint("logs", func(d *policy.Document) {
			d.Statements = []policy.Statement{{Effect: policy.Allow, Principal: policy.AnyPrincipal(), Action: []string{"*"}, Resource: []string{"*"}}}
		})},
	{rule: "endpoint-narrow", name: "other accounts' resources", resource: endpointNamed + "s3", reason: `"OthersOfTheAccount" of its policy lets anybody reach anything`,
		change: onEndpoint("s3", func(d *policy.Document) {
			s := statement(d, "OthersOfTheAccount")
			s.Condition = policy.Conditions{}.With("StringEquals", "aws:PrincipalAccount", string(home.Account))
		})},
}

// An endpoint that lets something less through closes the ways of instances and collectors in its VPC, and the violation names the
// hop, the endpoint and the statement to add. What AWS does itself doesn't pass it.
func TestAnEndpointThatMissesAnAction(t *testing.T) {
	t.Parallel()
	for service, hop := range map[string][2]string{
		"logs":        {"the agent writes events", `"logs:PutLogEvents"`},
		"ssm":         {"the agent reads its configuration", `"ssm:GetParameter"`},
		"ssmmessages": {"the instance opens its channel", `"ssmmessages:OpenControlChannel"`},
		"ec2messages": {"the instance gets and answers messages", `"ec2messages:GetMessages"`},
		"firehose":    {"the collector puts lines", `"firehose:PutRecordBatch"`},
		"autoscaling": {"the collector lets go when its buffer is empty", `"autoscaling:CompleteLifecycleAction"`},
	} {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			p := copyOf(t, "beijing")
			onEndpoint(service, func(d *policy.Document) {
				d.Statements = slices.DeleteFunc(d.Statements, func(s policy.Statement) bool { return s.Sid != "OthersOfTheAccount" })
				d.Statements = append(d.Statements, policy.Statement{Effect: policy.Allow, Principal: policy.AnyPrincipal(), Action: []string{service + ":Nothing"}, Resource: []string{home.RootARN().String()}})
				for i := range d.Statements {
					d.Statements[i].Action = slices.DeleteFunc(slices.Clone(d.Statements[i].Action), func(a string) bool { return strings.Contains(hop[1], a) })
				}
			})(p)
			r := p.verify(options(t, "beijing"))
			found := false
			for _, v := range named(r, "path") {
				if !strings.HasSuffix(v.Resource, "::"+endpointNamed+service) {
					t.Errorf("something else is closed, too: %s: %s", v.Resource, v.Reason)
				}
				found = found || strings.Contains(v.Reason, hop[0]) && strings.Contains(v.Remedy, "VPC endpoint policy") && strings.Contains(v.Statement, hop[1]) && strings.Contains(v.Statement, `"aws:PrincipalArn"`)
			}
			if !found {
				t.Errorf("no violation names %q and %s:%s", hop[0], hop[1], violations(r))
			}
			for _, path := range r.Paths {
				if !path.Proven() && path.Source.Kind != verify.KindInstances && path.Source.Kind != verify.KindSyslog {
					t.Errorf("%s %s is closed", path.Source.Kind, path.Source.Name)
				}
			}
		})
	}
}

// Another VPC's endpoints aren't on the collectors' way. Instances may be there, too.
func TestEndpointsOfAnotherVpc(t *testing.T) {
	t.Parallel()
	closed := func(service string) map[string]bool {
		p := copyOf(t, "beijing")
		p.set("VpcEndpoint", endpointNamed+service, "vpcId", "vpc-0ffffffffffffffff")
		onEndpoint(service, func(d *policy.Document) { d.Statements = d.Statements[:0] })(p)
		kinds := map[string]bool{}
		for _, path := range p.verify(options(t, "beijing")).Paths {
			if !path.Proven() {
				kinds[path.Source.Kind] = true
			}
		}
		return kinds
	}
	if kinds := closed("firehose"); len(kinds) > 0 {
		t.Errorf("closed: %v", kinds)
	}
	if kinds := closed("logs"); len(kinds) != 1 || !kinds[verify.KindInstances] {
		t.Errorf("closed: %v", kinds)
	}
}
