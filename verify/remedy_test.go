package verify_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
	"github.com/logarchive/logarchive/verify"
)

// TestRemediesMend takes away the statements that allow a hop, for every hop of both example stacks, and adds what the report
// proposes until the stack is proven again. What is proposed must be taken by AWS and break no rule.
func TestRemediesMend(t *testing.T) {
	t.Parallel()
	for _, stack := range exampleStacks {
		t.Run(stack, func(t *testing.T) {
			t.Parallel()
			r := verify.Run(verify.FromGraph(record(t, stack)), options(t, stack))
			tried := map[string]bool{}
			for _, path := range r.Paths {
				for _, v := range path.Hops() {
					// Hops that the same statements allow are one case.
					key := fmt.Sprint(v.Causes)
					if tried[key] || len(v.Causes) == 0 || v.Causes[0].Kind == policy.Function {
						continue // a function's statements are resources of their own: see path_function_test.go
					}
					tried[key] = true
					mend(t, stack, v)
				}
			}
			t.Logf("%d cases", len(tried))
		})
	}
}

// mend closes a hop of a copy of the stack, and opens it again.
func mend(t *testing.T, stack string, hop *verify.Verdict) {
	t.Helper()
	p := copyOf(t, stack)
	what := fmt.Sprintf("%s: %s on %s", hop.Title, hop.Action, hop.Resource)
	// What a boundary says isn't the program's.
	hop.Causes = slices.DeleteFunc(slices.Clone(hop.Causes), func(c verify.Cause) bool { return c.Kind == policy.Boundary })
	for _, c := range hop.Causes {
		p.editURN(c.Carrier, c.Kind, func(d *policy.Document) {
			d.Statements[c.Index].Effect = "" // keeps the positions of the others
		})
	}
	for _, c := range hop.Causes {
		p.editURN(c.Carrier, c.Kind, func(d *policy.Document) {
			d.Statements = slices.DeleteFunc(d.Statements, func(s policy.Statement) bool { return s.Effect == "" })
		})
	}
	o := options(t, stack)
	carriers := map[string]bool{}
	for round := 1; ; round++ {
		r := p.verify(o)
		closed := append(named(r, "path"), named(r, "key-administrable")...)
		if len(closed) == 0 {
			for _, v := range r.Violations {
				t.Errorf("%s: mended, and then: %s: %s", what, v.Rule, v.Reason)
			}
			break
		}
		if round > 4 {
			t.Errorf("%s: still closed after %d rounds: %s", what, round-1, violations(r))
			return
		}
		for i, v := range closed {
			if v.Statement == "" {
				t.Errorf("%s: nothing is proposed: %s: %s", what, v.Reason, v.Remedy)
				return
			}
			carriers[v.Resource], carriers[p.roleOf(v.Resource)] = true, true
			p.amend(v, fmt.Sprintf("remedy-%d-%d", round, i))
		}
	}
	for _, c := range hop.Causes {
		// Any of a role's policies will do.
		if role := p.roleOf(c.Carrier); !carriers[c.Carrier] && (role == "" || !carriers[role]) {
			t.Errorf("%s: the remedy names %v, the statement was carried by %s", what, carriers, c.Carrier)
		}
	}
}

// propertyOf is where a resource has a policy of a kind.
func propertyOf(kind policy.Kind) string {
	switch kind {
	case policy.Trust:
		return "assumeRolePolicy"
	case policy.LogDestination:
		return "accessPolicy"
	default:
		return "policy"
	}
}

func (p *program) editURN(urn string, kind policy.Kind, change func(*policy.Document)) {
	p.t.Helper()
	for _, r := range p.Resources {
		if r.URN == urn {
			p.edit(r.Type[strings.LastIndex(r.Type, ":")+1:], r.Name, propertyOf(kind), change)
			return
		}
	}
	p.t.Fatalf("there is no %s", urn)
}

// roleOf is the role that an inline policy belongs to.
func (p *program) roleOf(urn string) string {
	for _, r := range p.Resources {
		if r.URN != urn || !strings.HasSuffix(r.Type, ":RolePolicy") {
			continue
		}
		for _, o := range p.Resources {
			if strings.HasSuffix(o.Type, ":Role") && o.Outputs["name"].DeepEquals(r.Outputs["role"]) {
				return o.URN
			}
		}
	}
	return ""
}

// amend adds the statement that a violation proposes to the resource that it names.
func (p *program) amend(v verify.Violation, name string) {
	p.t.Helper()
	add, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":[` + v.Statement + `]}`))
	if err != nil {
		p.t.Fatalf("%s: %v", v.Statement, err)
	}
	statement := add.Statements[0]
	kind, of := kindAndName(v.Resource)
	switch {
	case kind == "Role" && statement.Principal == nil:
		// The role has several policies, or none: one more.
		r := p.find(kind, of)
		list := r.Outputs["inlinePolicies"]
		policies := []resource.PropertyValue{}
		if list.IsArray() {
			policies = list.ArrayValue()
		}
		policies = append(policies, resource.NewPropertyValue(map[string]any{"name": name, "policy": add.JSON()}))
		r.Inputs["inlinePolicies"], r.Outputs["inlinePolicies"] = resource.NewArrayProperty(policies), resource.NewArrayProperty(policies)
	case kind == "Role":
		p.edit(kind, of, "assumeRolePolicy", func(d *policy.Document) { d.Statements = append(d.Statements, statement) })
	case kind == "LogDestinationPolicy":
		p.edit(kind, of, "accessPolicy", func(d *policy.Document) { d.Statements = append(d.Statements, statement) })
	default:
		p.edit(kind, of, "policy", func(d *policy.Document) { d.Statements = append(d.Statements, statement) })
	}
}

// kindAndName are the last parts of a URN.
func kindAndName(urn string) (kind, name string) {
	parts := strings.SplitN(urn, "::", 4)
	return parts[2][strings.LastIndex(parts[2], ":")+1:], parts[3]
}

// refusal is a change that closes paths of the example stack beijing, and what the report must say about it.
type refusal struct {
	name     string
	change   func(*program)
	resource string   // the logical name of what should be changed
	reason   string   // a part of the reason
	remedy   string   // a part of the remedy
	add      []string // parts of the statement to add; none at all when nothing can be added
}

var refusals = []refusal{
	{"no bucket policy", func(p *program) { p.drop("BucketPolicy", "archive") }, "archive", "may not s3:GetBucketAcl, s3:ListBucket on " + bucketARN,
		"it has no bucket policy; declare one", []string{`"aws:SourceAccount":"111122223333"`, `"Resource":"` + bucketARN + `"`}},
	{"a statement of the bucket policy", onBucketPolicy(func(d *policy.Document) { dropStatements(d, "DeliverFlowLogs") }), "archive",
		"log delivery writes objects", "no statement of its bucket policy allows it; add one",
		[]string{`"Resource":"` + bucketARN + `/flow-logs-direct/text/AWSLogs/`, `"aws:SourceArn":"` + home.ARN(partition.Logs, "*").String()}},
	{"the role's policy", func(p *program) { p.drop("RolePolicy", "logs-delivery") }, "logs-delivery", "Firehose writes objects",
		"it has no inline policy; declare one", []string{`"Action":["s3:PutObject","s3:AbortMultipartUpload","s3:PutObjectAcl"]`, `/logs/account=111122223333/region=cn-north-1/*"`}},
	{"the trust policy", func(p *program) {
		p.edit("Role", "logs-delivery", "assumeRolePolicy", func(d *policy.Document) { d.Statements = nil })
	}, "logs-delivery", "Firehose acts as the stream's role", "no statement of its role trust policy allows it", []string{`"sts:ExternalId":"111122223333"`}},
	{"the wrong external id", onRole("logs-delivery", first(func(s *policy.Statement) {
		s.Condition = policy.Conditions{}.With("StringEquals", "sts:ExternalId", stranger)
	})), "logs-delivery", "sts:AssumeRole", "statement number 1 of its role trust policy would allow it but for its condition StringEquals sts:ExternalId = 999999999999 (the request carries 111122223333)",
		[]string{`"Action":"sts:AssumeRole"`}},
	{"a condition on what isn't sent", onRole("logs-delivery", first(func(s *policy.Statement) {
		s.Condition = s.Condition.With("StringEquals", "aws:SourceOrgID", "o-x")
	})), "logs-delivery", "sts:AssumeRole", "its condition StringEquals aws:SourceOrgID = o-x (which the request doesn't carry)", []string{`"sts:ExternalId"`}},
	{"another prefix", onBucketPolicy(func(d *policy.Document) {
		statement(d, "DeliverLogArchiveLogs").Resource = []string{bucketARN, bucketARN + "/old/*"}
	}), "archive", "Firehose writes objects", "would allow it but for its resource " + bucketARN + ", " + bucketARN + "/old/*", []string{"/logs/account=111122223333/"}},
	{"another principal", onBucketPolicy(func(d *policy.Document) {
		s := statement(d, "DeliverLogArchiveLogs")
		s.Principal = policy.AWSPrincipals(archive.RootARN().String())
	}), "archive", "Firehose writes objects", "would allow it but for its principal (the caller is " + home.RoleARN("log-archive-logs-delivery-cn-north-1").String() + ")",
		[]string{`"ArnEquals":{"aws:PrincipalArn":"` + home.RoleARN("log-archive-logs-delivery-cn-north-1").String() + `"}`}},
	{"an action", onBucketPolicy(func(d *policy.Document) {
		s := statement(d, "DeliverLogArchiveLogs")
		s.Action = slices.DeleteFunc(slices.Clone(s.Action), func(a string) bool { return a == "s3:PutObjectAcl" })
	}), "archive", "may not s3:PutObjectAcl on", `would allow it but for its actions`, []string{`"Action":"s3:PutObjectAcl"`}},
	{"a Deny", onBucketPolicy(func(d *policy.Document) {
		d.Statements = append(d.Statements, policy.Statement{Sid: "NoAcls", Effect: policy.Deny, Principal: policy.AnyPrincipal(), Action: []string{"s3:PutObjectAcl"}, Resource: []string{bucketARN + "/*"}})
	}), "archive", "may not s3:PutObjectAcl on", `statement "NoAcls" of its bucket policy denies it: narrow its condition`, nil},
	{"the key of a vault", onKey("backup-copy-key", func(d *policy.Document) { dropStatements(d, "EncryptBackups") }), "backup-copy-key",
		"AWS Backup uses the key of vault", "no statement of its key policy allows it", []string{`"aws:PrincipalArn"`, `"kms:GenerateDataKey"`}},
	{"a permission boundary", func(p *program) {
		boundary := home.ARN(partition.IAM, "policy/boundary").String()
		p.add("aws:iam/policy:Policy", "boundary", home, map[string]any{"arn": boundary, "policy": policy.Document{Statements: []policy.Statement{
			{Effect: policy.Allow, Action: []string{"s3:GetObject"}, Resource: []string{bucketARN + "/logs/*"}}}}.JSON()})
		p.set("Role", "logs-subscription", "permissionsBoundary", boundary)
	}, "boundary", "CloudWatch Logs puts records", "no statement of its permission boundary allows it", []string{`"firehose:PutRecord"`}},
	{"no role", func(p *program) { p.set("LogSubscriptionFilter", "logs-/app/payments", "roleArn", nil) }, "logs-/app/payments",
		"roleArn: it names no role", "name the role", nil},
	{"a role of nobody", func(p *program) {
		p.set("LogSubscriptionFilter", "logs-/app/payments", "roleArn", home.RoleARN("gone").String())
	}, "logs-/app/payments",
		"roleArn: there is no role", "declare the role", nil},
	{"a stream of nobody", func(p *program) {
		p.set("LogSubscriptionFilter", "logs-/app/payments", "destinationArn", home.ARN(partition.Firehose, "deliverystream/gone").String())
	},
		"logs-/app/payments", "there is no Firehose stream", "declare the stream", nil},
	{"a function instead of a stream", func(p *program) {
		p.set("LogSubscriptionFilter", "logs-/app/payments", "destinationArn", home.ARN(partition.Lambda, "function:x").String())
	},
		"logs-/app/payments", "isn't followed to an archive", "name a Firehose stream", nil},
	{"a bucket of nobody", func(p *program) {
		p.set("FlowLog", "production", "logDestination", partition.BucketARN(partition.China, "gone").String())
	},
		"production", `logDestination: there is no bucket`, "declare the bucket", nil},
	{"a bucket of the old sort", func(p *program) {
		p.add("aws:s3/bucket:Bucket", "old", archive, map[string]any{"bucket": "old", "arn": partition.BucketARN(partition.China, "old").String(), "policy": "{"})
		p.set("FlowLog", "production", "logDestination", partition.BucketARN(partition.China, "old").String()+"/x")
	}, "production", "whose inline settings aren't read", "declare it as aws:s3/bucketV2:BucketV2", nil},
	{"a log group without subscription", func(p *program) { p.drop("LogSubscriptionFilter", "flow-logs-dmz-rejects") }, "dmz-rejects",
		"no subscription filter carries them to the archive", "add a subscription filter", nil},
	{"flow logs to Firehose in China", func(p *program) {
		p.set("FlowLog", "production", "logDestinationType", "kinesis-data-firehose")
		p.set("FlowLog", "production", "logDestination", home.ARN(partition.Firehose, "deliverystream/log-archive-flow-logs").String())
	}, "production", "logDestinationType: ", "send the flow log to a log group", nil},
	{"a stream that log delivery may not use", func(p *program) {
		p.set("FlowLog", "production", "logDestinationType", "kinesis-data-firehose")
		p.set("FlowLog", "production", "logDestination", home.ARN(partition.Firehose, "deliverystream/log-archive-flow-logs").String())
	}, "flow-logs", "LogDeliveryEnabled=true", "add the tag", nil},
	{"a flow log to S3 with a role", func(p *program) { p.set("FlowLog", "production", "iamRoleArn", home.RoleARN("x").String()) }, "production",
		"takes no role", "leave iamRoleArn out", nil},
	{"a flow log to nowhere", func(p *program) { p.set("FlowLog", "production", "logDestinationType", "carrier-pigeon") }, "production",
		`"carrier-pigeon" isn't known`, "use s3", nil},
	{"a plan of nobody", func(p *program) { p.set("Selection", "backup-tags", "planId", "gone") }, "backup-tags", "there is no plan", "declare the plan", nil},
	{"a vault elsewhere", func(p *program) { p.set("Plan", "backup", "rules[0].targetVaultName", "gone") }, "backup", `there is no vault "gone"`, "copy to the others", nil},
	{"a copy to nowhere", func(p *program) {
		p.set("Plan", "backup", "rules[0].copyActions[0].destinationVaultArn", ningxia.ARN(partition.Backup, "backup-vault:gone").String())
	}, "backup",
		"there is no vault", "declare the vault", nil},
	{"a copy to another account in China", func(p *program) {
		arn := archive.ARN(partition.Backup, "backup-vault:away").String()
		p.add("aws:backup/vault:Vault", "away", archive, map[string]any{"name": "away", "arn": arn, "kmsKeyArn": ningxia.ARN(partition.KMS, "key/x").String()})
		p.set("Plan", "backup", "rules[0].copyActions[0].destinationVaultArn", arn)
	}, "backup", "destinationVaultArn: ", "copy within the account", nil},
	{"a copy within the region is none between partners", func(p *program) {
		p.set("Vault", "backup", "kmsKeyArn", home.ARN(partition.KMS, "key/gone").String())
	}, "backup", "kmsKeyArn: there is no key", "declare the vault's key", nil},
}

// TestRefusals closes paths in every way that is known, and holds the words of the report.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := copyOf(t, "beijing")
			c.change(p)
			r := p.verify(verify.Options{})
			for _, v := range named(r, "path") {
				if !strings.HasSuffix(v.Resource, "::"+c.resource) || !strings.Contains(v.Reason, c.reason) || !strings.Contains(v.Remedy, c.remedy) {
					continue
				}
				if c.add == nil && v.Statement != "" || c.add != nil && !json.Valid([]byte(v.Statement)) {
					continue
				}
				if !slices.ContainsFunc(c.add, func(part string) bool { return !strings.Contains(v.Statement, part) }) {
					return
				}
			}
			var all strings.Builder
			for _, v := range named(r, "path") {
				fmt.Fprintf(&all, "\n  %s\n    %s\n    %s\n    %s", v.Resource, v.Reason, v.Remedy, v.Statement)
			}
			t.Errorf("nothing says of %q: %q, %q with %q; found:%s", c.resource, c.reason, c.remedy, c.add, all.String())
		})
	}
}
