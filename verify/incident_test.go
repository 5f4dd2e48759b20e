package verify_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
	"github.com/logarchive/logarchive/verify"
)

// incident is a defect that people found in production, in a system that archives logs, and that a proof finds before.
type incident struct {
	name   string // the issue or pull request
	build  func(*program)
	rule   string
	at     string // the logical name of what should be changed
	reason string
	remedy string // a part of the remedy or of the statement to add
}

// example changes the example stack beijing instead of a program of others.
func example(change func(*program)) func(*program) {
	return func(p *program) {
		p.Graph = copyOf(p.t, "beijing").Graph
		change(p)
	}
}

// world builds one of the programs of others, and changes it.
func world(name string, change func(*program)) func(*program) {
	return func(p *program) {
		for _, w := range worlds {
			if w.name == name {
				w.build(p)
				change(p)
				return
			}
		}
		p.t.Fatalf("there is no program %q", name)
	}
}

var incidents = []incident{
	{"LZA #1205: flow logs are ACTIVE and fail, for the key's policy lacks delivery.logs",
		example(onKey("archive-key", func(d *policy.Document) { dropStatements(d, "EncryptForFlowLogs") })),
		"path", "archive-key", "may not kms:Encrypt, kms:ReEncryptFrom, kms:ReEncryptTo, kms:GenerateDataKeyWithoutPlaintext", `"Principal":{"Service":"delivery.logs.`},
	{"LZA #768: kms:Encrypt is denied",
		example(onKey("archive-key", func(d *policy.Document) {
			s := statement(d, "EncryptForFlowLogs")
			s.Action = slices.DeleteFunc(slices.Clone(s.Action), func(a string) bool { return a == "kms:Encrypt" })
		})),
		"path", "archive-key", "may not kms:Encrypt on", `"Action":"kms:Encrypt"`},
	{"cloudposse cloudtrail-s3-bucket PR#111-113: Object Lock on the bucket for access logs stops their delivery",
		world("server access logs", func(p *program) { p.set("BucketV2", "access", "objectLockEnabled", true) }),
		"compatible-access-logs", "access", "can't to a bucket with a lock", "without Object Lock"},
	{"cloudposse vpc-flow-logs-s3-bucket PR#101: a condition on the ACL header, which isn't sent to a bucket without access lists",
		example(onBucketPolicy(func(d *policy.Document) {
			s := statement(d, "DeliverFlowLogs")
			s.Condition = s.Condition.With("StringEquals", "s3:x-amz-acl", "bucket-owner-full-control")
		})),
		"path", "archive", "log delivery writes objects", "its condition StringEquals s3:x-amz-acl = bucket-owner-full-control (which the request doesn't carry)"},
	{"terraform-aws-s3-bucket #263 #264 #265: in China, load balancers write as an account and not by the service's name",
		world("a load balancer in China", func(p *program) {
			p.edit("BucketPolicy", "access", "policy", first(func(s *policy.Statement) {
				s.Principal = p.principal(shop, partition.ELBLogDelivery, partition.Deliver)
			}))
		}),
		"path", "access", "load balancers write access logs", `"AWS":"` + partition.Place{Account: "638102146993", Region: home.Region}.RootARN().String()},
	{"trussworks logs PR#332: the same in Ningxia",
		world("a classic load balancer in Ningxia", func(p *program) {
			p.edit("BucketPolicy", "access", "policy", first(func(s *policy.Statement) {
				s.Principal = p.principal(shop, partition.ELBLogDelivery, partition.Deliver)
			}))
		}),
		"path", "access", "load balancers write access logs", `"AWS":"` + partition.Place{Account: "037604701340", Region: ningxia.Region}.RootARN().String()},
	{"terraform-aws-s3-bucket #98: the principal of network load balancers, for an application load balancer",
		world("a load balancer in an old region", func(p *program) {
			p.edit("BucketPolicy", "access", "policy", first(func(s *policy.Statement) {
				s.Principal = p.principal(shop, partition.LogDelivery, partition.Deliver)
			}))
		}),
		"path", "access", "load balancers write access logs", shopELB},
	{"CLO #272: the bucket's default key is a customer's, and the writing role has no kms:GenerateDataKey",
		example(onRolePolicy("logs-delivery", func(d *policy.Document) { dropStatements(d, "EncryptObjects") })),
		"path", "logs-delivery", "S3 encrypts with the bucket's key", `"kms:GenerateDataKey"`},
	{"CLO #172: the role may not kms:DescribeKey",
		example(onKey("archive-key", func(d *policy.Document) {
			s := statement(d, "EncryptForFlowLogs")
			s.Action = slices.DeleteFunc(slices.Clone(s.Action), func(a string) bool { return a == "kms:DescribeKey" })
		})),
		"path", "archive-key", "may not kms:DescribeKey on", `"Action":"kms:DescribeKey"`},
	{"C2S #5 #23: Firehose may not read the Kinesis stream (Kinesis.AccessDenied)",
		world("a Kinesis data stream between", func(p *program) {
			p.edit("RolePolicy", "read", "policy", func(d *policy.Document) { d.Statements = d.Statements[1:] })
		}),
		"path", "read", "Firehose reads its source", `"Action":["kinesis:DescribeStream","kinesis:GetShardIterator","kinesis:GetRecords","kinesis:ListShards"]`},
	{"C2S #23: with KMS, Firehose may not decrypt",
		world("a Kinesis data stream between", func(p *program) {
			p.edit("RolePolicy", "read", "policy", func(d *policy.Document) { d.Statements = d.Statements[:1] })
		}),
		"path", "read", "Kinesis encrypts records", `"Action":"kms:Decrypt"`},
	{"LZA #142: the bucket's policy lets the service write and not look at the ACL",
		world("CloudTrail", func(p *program) {
			p.edit("BucketPolicy", "trails", "policy", func(d *policy.Document) { d.Statements = d.Statements[1:] })
		}),
		"path", "trails", "CloudTrail looks at the bucket", `"Action":"s3:GetBucketAcl"`},
	{"aws-secure-environment-accelerator #1111: a flow log to S3 with a role, which EC2 refuses",
		example(func(p *program) {
			p.set("FlowLog", "production", "iamRoleArn", home.RoleARN("log-archive-flow-log-groups-cn-north-1").String())
		}),
		"path", "production", "takes no role", "leave iamRoleArn out"},
	{"a bucket of another account that trusts the service and not the role",
		example(onBucketPolicy(func(d *policy.Document) {
			s := statement(d, "DeliverLogArchiveLogs")
			name, _ := home.ServicePrincipal(partition.Firehose)
			s.Principal = policy.Services(name)
		})),
		"path", "archive", "Firehose writes objects", "would allow it but for its principal (the caller is " + home.RoleARN("log-archive-logs-delivery-cn-north-1").String()},
	{"trussworks logs: the lifecycle prefix /* matches no key",
		example(func(p *program) {
			p.set("BucketLifecycleConfigurationV2", "archive", "rules[0].filter.prefix", "/*")
		}),
		"lifecycle-covers", "archive", "matches no key", "no wildcards here"},
	{"LZA #773 #106: the pipeline's own logs feed it",
		example(func(p *program) {
			p.set("LogSubscriptionFilter", "logs-/app/payments", "logGroup", "/aws/kinesisfirehose/log-archive-logs")
		}),
		"pipeline-loop", "logs-/app/payments", "which it would feed", "take the subscription away"},
}

// TestIncidents rebuilds what others found only when logs were missing.
func TestIncidents(t *testing.T) {
	t.Parallel()
	for _, c := range incidents {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newWorld(t)
			c.build(p)
			r := p.verify(verify.Options{})
			if !slices.ContainsFunc(named(r, c.rule), func(v verify.Violation) bool {
				return strings.HasSuffix(v.Resource, "::"+c.at) && strings.Contains(v.Reason, c.reason) && strings.Contains(v.Remedy+v.Statement, c.remedy)
			}) {
				for _, v := range r.Violations {
					t.Logf("%s %s: %s; %s %s", v.Rule, v.Resource, v.Reason, v.Remedy, v.Statement)
				}
				t.Errorf("%s isn't found at %s", c.rule, c.at)
			}
		})
	}
}
