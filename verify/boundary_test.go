package verify_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
	"github.com/logarchive/logarchive/verify"
)

var boundaryARN = home.ARN(partition.IAM, "policy/ops/Boundary").String()

// boundedBy gives every role of an account the boundary, and demands it.
func boundedBy(p *program, actions ...string) verify.Options {
	for _, r := range p.Resources {
		if r.Type == "aws:iam/role:Role" && r.Place.Account == home.Account {
			p.set("Role", r.Name, "permissionsBoundary", boundaryARN)
		}
	}
	b := verify.Boundary{Account: home.Account, ARN: boundaryARN}
	if len(actions) > 0 {
		b.Document = policy.Document{Statements: []policy.Statement{{Sid: "Ceiling", Effect: policy.Allow, Action: actions, Resource: []string{"*"}}}}.JSON()
	}
	o := options(p.t, "beijing")
	o.Boundaries = []verify.Boundary{b}
	return o
}

var boundaryCases = []ruleCase{
	{rule: "role-bounded", name: "a role without", resource: "logs-subscription", reason: "it has no permission boundary",
		options: verify.Options{Boundaries: []verify.Boundary{{Account: home.Account, ARN: boundaryARN}}},
		change:  func(p *program) { boundedBy(p); p.set("Role", "logs-subscription", "permissionsBoundary", nil) }},
	{rule: "role-bounded", name: "another boundary", resource: "logs-subscription", reason: "its permission boundary is " + boundaryARN + "2",
		options: verify.Options{Boundaries: []verify.Boundary{{Account: home.Account, ARN: boundaryARN}}},
		change: func(p *program) {
			boundedBy(p)
			p.set("Role", "logs-subscription", "permissionsBoundary", boundaryARN+"2")
		}},
}

// serviceActions are what the roles of the example's source account do, by service.
var serviceActions = []string{
	"athena:*", "autoscaling:*", "backup:*", "cloudwatch:*", "dynamodb:*", "ec2:*", "ec2messages:*", "events:*", "firehose:*", "glue:*",
	"iam:*", "kms:*", "lambda:*", "logs:*", "rds:*", "s3:*", "sns:*", "sqs:*", "ssm:*", "ssmmessages:*", "tag:*",
}

// A boundary that allows what the roles do changes nothing, however wide it is: it grants nothing, and no rule is about it.
func TestAWideBoundaryIsProven(t *testing.T) {
	t.Parallel()
	p := copyOf(t, "beijing")
	r := p.verify(boundedBy(p, serviceActions...))
	if len(r.Violations) > 0 || len(r.Unneeded) > 0 {
		t.Errorf("%s, unneeded %v", violations(r), r.Unneeded)
	}
	for _, path := range r.Paths {
		for _, v := range path.Hops() {
			if len(v.Assumed) > 0 {
				t.Fatalf("%s is assumed: %v", v.Title, v.Assumed)
			}
		}
	}
}

// A boundary that misses one service closes the ways that need it, and the violation names the hop, the boundary and the
// statement to add to it.
func TestABoundaryThatMissesAnAction(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ without, title, statement string }{
		{"firehose:*", "CloudWatch Logs puts records", `"firehose:PutRecord"`},
		{"s3:*", "Firehose writes objects", `"s3:PutObject"`},
		{"kms:*", "S3 encrypts", `"kms:GenerateDataKey"`},
		{"ec2messages:*", "", `"ec2messages:GetMessages"`},
		{"logs:*", "", `"logs:PutLogEvents"`},
	} {
		t.Run(c.without, func(t *testing.T) {
			t.Parallel()
			p := copyOf(t, "beijing")
			less := slices.DeleteFunc(slices.Clone(serviceActions), func(a string) bool { return a == c.without })
			r := p.verify(boundedBy(p, less...))
			for _, v := range named(r, "path") {
				if v.Resource == boundaryARN && strings.Contains(v.Reason, c.title) && strings.Contains(v.Remedy, "permission boundary") && strings.Contains(v.Statement, c.statement) {
					return
				}
			}
			t.Errorf("no violation names %s, %q and %s:%s", boundaryARN, c.title, c.statement, violations(r))
		})
	}
}

// Of a boundary whose document nobody gave the proof says that it took it to allow what is needed.
func TestAnUnknownBoundaryIsAssumed(t *testing.T) {
	t.Parallel()
	p := copyOf(t, "beijing")
	r := p.verify(boundedBy(p))
	if len(r.Violations) > 0 {
		t.Errorf("%s", violations(r))
	}
	assumed := 0
	for _, path := range r.Paths {
		for _, v := range path.Hops() {
			if slices.Contains(v.Assumed, boundaryARN) {
				assumed++
			}
		}
	}
	var table strings.Builder
	if err := verify.Write(&table, r, verify.FormatTable); err != nil {
		t.Fatal(err)
	}
	if assumed == 0 || !strings.Contains(table.String(), "Assumed: ") || !strings.Contains(table.String(), boundaryARN) {
		t.Errorf("%d hops say that the boundary is assumed", assumed)
	}
}
