package verify_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
	"github.com/logarchive/logarchive/verify"
)

// accountPolicy declares an account's policy that subscribes all log groups but some to a stream.
func (p *program) accountPolicy(name string, place partition.Place, destination, role string, exclude ...string) *graph.Resource {
	p.t.Helper()
	says := map[string]string{"DestinationArn": destination, "FilterPattern": ""}
	if role != "" {
		says["RoleArn"] = role
	}
	doc, err := json.Marshal(says)
	if err != nil {
		p.t.Fatal(err)
	}
	names, err := json.Marshal(append([]string{}, exclude...))
	if err != nil {
		p.t.Fatal(err)
	}
	return p.add("aws:cloudwatch/logAccountPolicy:LogAccountPolicy", name, place, map[string]any{
		"policyName": name, "policyType": "SUBSCRIPTION_FILTER_POLICY", "policyDocument": string(doc), "selectionCriteria": "LogGroupName NOT IN " + string(names),
	})
}

var (
	logsStream = home.ARN(partition.Firehose, "deliverystream/log-archive-logs").String()
	logsRole   = home.RoleARN("log-archive-logs-subscription-cn-north-1").String()
)

// accountCases add a policy to the example stack, which has a subscriber instead of one.
var accountCases = []ruleCase{
	{rule: "pipeline-loop", name: "an account policy that doesn't leave out the stream's error log", resource: "all", reason: "log group /aws/kinesisfirehose/log-archive-logs, which is written by",
		change: func(p *program) {
			p.accountPolicy("all", home, logsStream, logsRole, "/aws/lambda/log-archive-transform")
		}},
	{rule: "pipeline-loop", name: "an account policy that doesn't leave out the transform function's log", resource: "all", reason: "log group /aws/lambda/log-archive-transform, which",
		change: func(p *program) {
			p.accountPolicy("all", home, logsStream, logsRole, "/aws/kinesisfirehose/log-archive-logs")
		}},
	{rule: "pipeline-loop", name: "an account policy with a star", resource: "all", reason: "log group /aws/lambda/log-archive-transform, which",
		change: func(p *program) {
			p.accountPolicy("all", home, logsStream, logsRole, "/aws/kinesisfirehose/*", "/aws/lambda/log-archive-*")
		}},
	{rule: "pipeline-once", name: "a filter besides the policy", resource: "logs-/app/payments", reason: "subscribes log group /app/payments, too",
		change: func(p *program) { p.accountPolicy("all", home, logsStream, logsRole) }},
	{rule: "pipeline-once", name: "a subscriber besides the policy", resource: "all", reason: "gives log groups filters",
		change: func(p *program) { p.accountPolicy("all", home, logsStream, logsRole) }},
	{rule: "pipeline-order", name: "an account policy that waits for nothing", resource: "all", reason: "the subscription may exist before",
		change: func(p *program) { p.accountPolicy("all", home, logsStream, logsRole) }},
	{rule: "quota", name: "two account policies", resource: "all", reason: "2 account policies subscribe the log groups of 111122223333/cn-north-1, 1 at the most",
		change: func(p *program) {
			p.accountPolicy("all", home, logsStream, logsRole)
			p.accountPolicy("more", home, logsStream, logsRole)
		}},
	{rule: "path", name: "an account policy that can't be read", resource: "all", reason: "the policy can't be read",
		change: func(p *program) {
			p.accountPolicy("all", home, logsStream, logsRole)
			p.set("LogAccountPolicy", "all", "selectionCriteria", "LogGroupName IN []")
		}},
	{rule: "path", name: "an account policy without a role", resource: "all", reason: "it names no role",
		change: func(p *program) { p.accountPolicy("all", home, logsStream, "") }},
	{rule: "path", name: "an account policy to nowhere", resource: "all", reason: "there is no Firehose stream",
		change: func(p *program) { p.accountPolicy("all", home, logsStream+"-old", logsRole) }},
}

// shopWithPolicy subscribes every log group of an account but the stream's error log.
func shopWithPolicy(t *testing.T) *program {
	p := newWorld(t)
	stream := p.firehose("app", p.bucket("logs", shop), shop, nil)
	role := p.role("logs-to-stream", shop, p.trust(shop, partition.Logs, policy.Conditions{}.With("ArnLike", "aws:SourceArn", shop.ARN(partition.Logs, "*").String())),
		allow(stream, "firehose:PutRecord", "firehose:PutRecordBatch"))
	p.accountPolicy("all", shop, stream, role, "/aws/kinesisfirehose/app")
	return p
}

// allGroups is the way of the log groups that the policy subscribes.
func allGroups(t *testing.T, r *verify.Report) *verify.Path {
	t.Helper()
	i := slices.IndexFunc(r.Paths, func(path *verify.Path) bool { return path.Source.Kind == verify.KindLogGroups })
	if i < 0 {
		t.Fatal("there is no path of all log groups")
	}
	return r.Paths[i]
}

func TestAccountPolicyPath(t *testing.T) {
	t.Parallel()
	path := allGroups(t, shopWithPolicy(t).verify(verify.Options{}))
	if !path.Proven() || path.Source.Name != "all but 1" || path.Source.Place != shop {
		t.Errorf("%+v: proven %t, breaks %v", path.Source, path.Proven(), path.Breaks())
	}
	var way []string
	for _, s := range path.Steps {
		way = append(way, s.To.String())
	}
	if got := strings.Join(way, ", "); got != "stream app, bucket logs" {
		t.Errorf("way %s", got)
	}
	for name, change := range map[string]func(*program){
		"role's trust": func(p *program) {
			p.edit("Role", "logs-to-stream", "assumeRolePolicy", func(d *policy.Document) {
				d.Statements[0].Condition = policy.Conditions{}.With("ArnLike", "aws:SourceArn", shop.LogGroupARN("/app:*").String())
			})
		},
		"role's policy": func(p *program) { p.drop("RolePolicy", "logs-to-stream") },
		"role":          func(p *program) { p.drop("Role", "logs-to-stream") },
		"stream":        func(p *program) { p.drop("FirehoseDeliveryStream", "app") },
		"stream's role": func(p *program) { p.drop("RolePolicy", "app") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := shopWithPolicy(t)
			change(p)
			if path := allGroups(t, p.verify(verify.Options{})); path.Proven() {
				t.Error("it is proven all the same")
			}
		})
	}
}

// What is nothing to do with subscriptions is no source.
func TestOtherAccountPolicies(t *testing.T) {
	t.Parallel()
	p := newWorld(t)
	p.add("aws:cloudwatch/logAccountPolicy:LogAccountPolicy", "index", shop, map[string]any{"policyName": "index", "policyType": "FIELD_INDEX_POLICY", "policyDocument": `{"Fields":["a"]}`})
	if r := p.verify(verify.Options{}); len(r.Paths) > 0 {
		t.Errorf("paths %v", r.Paths)
	}
}

// A flow log or an agent whose log group has no filter is carried on by the account's policy; unless the policy leaves it out, or
// the group is of a class that can't have subscriptions.
func TestAccountPolicyCarriesFlowLogs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		group, class string
		want         bool
	}{
		"selected":      {"/flow", "", true},
		"left out":      {"/aws/kinesisfirehose/app", "", false},
		"another class": {"/flow", "INFREQUENT_ACCESS", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := shopWithPolicy(t)
			group := shop.LogGroupARN(test.group).String()
			p.add("aws:cloudwatch/logGroup:LogGroup", "flow", shop, map[string]any{"name": test.group, "arn": group, "logGroupClass": test.class})
			role := p.role("flow", shop, p.trust(shop, partition.VPCFlowLogs, nil), allow(group+":*", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"))
			p.add("aws:ec2/flowLog:FlowLog", "vpc", shop, map[string]any{"vpcId": "vpc-1", "logDestinationType": "cloud-watch-logs", "logDestination": group, "iamRoleArn": role})
			for _, path := range p.verify(verify.Options{}).Paths {
				if path.Source.Kind == verify.KindFlowLog && path.Proven() != test.want {
					t.Errorf("proven %t, want %t: %v", path.Proven(), test.want, path.Breaks())
				}
			}
		})
	}
}

// A policy to a destination of another account needs both actions there, and no role here.
func TestAccountPolicyToDestination(t *testing.T) {
	t.Parallel()
	for i, actions := range [][]string{{"logs:PutSubscriptionFilter", "logs:PutAccountPolicy"}, {"logs:PutSubscriptionFilter"}, {"logs:PutAccountPolicy"}} {
		t.Run(fmt.Sprint(actions), func(t *testing.T) {
			t.Parallel()
			p := newWorld(t)
			central := partition.Place{Account: security.Account, Region: shop.Region}
			stream := p.firehose("app", p.bucket("logs", central), central, nil)
			sources := []string{central.ARN(partition.Logs, "*").String(), shop.ARN(partition.Logs, "*").String()}
			role := p.role("destination", central, p.trust(central, partition.Logs, policy.Conditions{}.With("ArnLike", "aws:SourceArn", sources...)),
				allow(stream, "firehose:PutRecord", "firehose:PutRecordBatch"))
			arn := central.ARN(partition.Logs, "destination:central").String()
			p.add("aws:cloudwatch/logDestination:LogDestination", "central", central, map[string]any{"name": "central", "arn": arn, "targetArn": stream, "roleArn": role})
			p.add("aws:cloudwatch/logDestinationPolicy:LogDestinationPolicy", "central", central, map[string]any{
				"destinationName": "central", "accessPolicy": text(grant(policy.AWSPrincipals(string(shop.Account)), nil, arn, actions...)),
			})
			p.accountPolicy("all", shop, arn, "")
			if path := allGroups(t, p.verify(verify.Options{})); path.Proven() != (i == 0) {
				t.Errorf("proven %t, breaks %v", path.Proven(), path.Breaks())
			}
		})
	}
}
