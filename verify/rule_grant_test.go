package verify_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

func onRole(name string, change func(*policy.Document)) func(*program) {
	return func(p *program) { p.edit("Role", name, "assumeRolePolicy", change) }
}

func onRolePolicy(name string, change func(*policy.Document)) func(*program) {
	return func(p *program) { p.edit("RolePolicy", name, "policy", change) }
}

// first changes the only statement of a policy.
func first(change func(*policy.Statement)) func(*policy.Document) {
	return func(d *policy.Document) { change(&d.Statements[0]) }
}

// flowLogResource lets flow logs write to other objects.
func flowLogResource(objects func(account string) string) func(*program) {
	return onBucketPolicy(func(d *policy.Document) {
		statement(d, "DeliverFlowLogs").Resource = []string{bucketARN, bucketARN + "/" + objects(string(home.Account))}
	})
}

var grantCases = []ruleCase{
	{rule: "grant-deputy", name: "a trust policy without external id", resource: "logs-delivery", reason: "no condition on sts:ExternalId",
		change: onRole("logs-delivery", first(func(s *policy.Statement) { s.Condition = nil }))},
	{rule: "grant-deputy", name: "CloudWatch Logs for anybody", resource: "logs-subscription", reason: "no condition on aws:SourceArn",
		change: onRole("logs-subscription", first(func(s *policy.Statement) { s.Condition = nil }))},
	{rule: "grant-deputy", name: "an ARN of any account", resource: "logs-subscription", reason: "act for any account",
		change: onRole("logs-subscription", first(func(s *policy.Statement) {
			anywhere := partition.ARN{Partition: partition.China, Service: partition.Logs, Region: "*", Account: "*", Resource: "*"}
			s.Condition = policy.Conditions{}.With("ArnLike", "aws:SourceArn", anywhere.String())
		}))},
	{rule: "grant-deputy", name: "a condition that holds for absent keys", resource: "logs-delivery", reason: "no condition on sts:ExternalId",
		change: onRole("logs-delivery", first(func(s *policy.Statement) {
			s.Condition = policy.Conditions{}.With("StringEqualsIfExists", "sts:ExternalId", string(home.Account))
		}))},
	{rule: "grant-deputy", name: "a bucket policy", resource: "archive", reason: "no condition on aws:SourceAccount",
		change: onBucketPolicy(dropCondition("DeliverFlowLogs", "aws:SourceAccount"))},
	{rule: "grant-deputy", name: "a service that isn't in the table", resource: "archive", reason: "act for any account",
		change: onBucketPolicy(func(d *policy.Document) {
			athena, _ := archive.ServicePrincipal(partition.Athena)
			d.Statements = append(d.Statements, policy.Statement{Effect: policy.Allow, Principal: policy.Services(athena), Action: []string{"s3:GetObject"}, Resource: []string{bucketARN + "/logs/*"}})
		})},
	{rule: "grant-account", name: "another account's every role", resource: "archive", reason: "trusts every principal of account 111122223333",
		change: onBucketPolicy(dropCondition("DeliverLogArchiveLogs", "aws:PrincipalArn"))},
	{rule: "grant-account", name: "a role that everybody may be", resource: "logs-delivery", reason: "lets every principal of its account act as it",
		change: onRole("logs-delivery", func(d *policy.Document) {
			d.Statements = append(d.Statements, policy.Statement{Effect: policy.Allow, Principal: policy.AWSPrincipals(home.RootARN().String()), Action: []string{"sts:AssumeRole"}})
		})},
	{rule: "grant-account", name: "the second of two accounts", resource: "archive-key", reason: "trusts every principal of account 999999999999",
		change: onKey("archive-key", func(d *policy.Document) {
			s := statement(d, "Administer")
			s.Condition, s.Principal = nil, policy.AWSPrincipals(archive.RootARN().String(), stranger)
		})},
	{rule: "grant-account", name: "a key for the whole account", resource: "backup-key", reason: "lets every principal of its account use the key",
		change: onKey("backup-key", dropCondition("EncryptBackups", "aws:PrincipalArn"))},
	{rule: "grant-everybody", name: "principal *", resource: "archive", reason: "allows everybody",
		change: onBucketPolicy(func(d *policy.Document) { statement(d, "DeliverFlowLogs").Principal = policy.AnyPrincipal() })},
	{rule: "grant-everybody", name: "AWS *", resource: "archive", reason: "allows everybody",
		change: onBucketPolicy(func(d *policy.Document) { statement(d, "DeliverFlowLogs").Principal = policy.AWSPrincipals("*") })},
	{rule: "grant-everybody", name: "all but one", resource: "logs-delivery", reason: "allows everybody",
		change: onRole("logs-delivery", first(func(s *policy.Statement) { s.Principal, s.NotPrincipal = nil, policy.AWSPrincipals(stranger) }))},
	{rule: "grant-wildcard", name: "every action of a service", resource: "logs-delivery", reason: "allows s3:*",
		change: onRolePolicy("logs-delivery", func(d *policy.Document) { statement(d, "WriteObjects").Action = []string{"s3:*"} })},
	{rule: "grant-wildcard", name: "a family of actions", resource: "logs-delivery", reason: "allows s3:Put*",
		change: onRolePolicy("logs-delivery", func(d *policy.Document) { statement(d, "WriteObjects").Action = []string{"s3:Put*"} })},
	{rule: "grant-wildcard", name: "every resource", resource: "logs-delivery", reason: "allows s3:PutObject on every resource",
		change: onRolePolicy("logs-delivery", func(d *policy.Document) { statement(d, "WriteObjects").Resource = []string{"*"} })},
	{rule: "grant-wildcard", name: "all but one action", resource: "logs-delivery", reason: "allows all but a few",
		change: onRolePolicy("logs-delivery", func(d *policy.Document) {
			s := statement(d, "WriteObjects")
			s.Action, s.NotAction = nil, []string{"s3:DeleteObject"}
		})},
	{rule: "grant-wildcard", name: "every stream", resource: "logs-subscription", reason: "every one of the account",
		change: onRolePolicy("logs-subscription", first(func(s *policy.Statement) {
			s.Resource = []string{home.ARN(partition.Firehose, "deliverystream/*").String()}
		}))},
	{rule: "grant-wildcard", name: "any account's stream", resource: "logs-subscription", reason: "not of one service, region and account",
		change: onRolePolicy("logs-subscription", first(func(s *policy.Statement) {
			s.Resource = []string{strings.Replace(s.Resource[0], string(home.Account), "*", 1)}
		}))},
	{rule: "grant-wildcard", name: "other accounts' buckets", resource: "backup-s3", reason: "reaches every bucket, other accounts' included",
		change: onRolePolicy("backup-s3", dropCondition("ReadObjects", "aws:ResourceAccount"))},
	{rule: "grant-wildcard", name: "snapshots that aren't backups", resource: "backup-ec2", reason: "reaches snapshots that AWS Backup didn't make",
		change: onRolePolicy("backup-ec2", dropCondition("MoveSnapshotsToColdStorage", "aws:ResourceTag/aws:backup:source-resource"))},
	{rule: "grant-confined", name: "a role that writes everywhere", resource: "logs-delivery", reason: "and delivers to less",
		change: onRolePolicy("logs-delivery", func(d *policy.Document) { statement(d, "WriteObjects").Resource = []string{bucketARN + "/*"} })},
	{rule: "grant-confined", name: "a replay that lists everything", resource: "replay", reason: "it may list the whole of",
		change: onRolePolicy("replay", func(d *policy.Document) { statement(d, "FindErrors").Condition = nil })},
	{rule: "grant-confined", name: "a bucket that lets it", resource: "archive", reason: "and delivers to less",
		change: onBucketPolicy(func(d *policy.Document) {
			statement(d, "DeliverLogArchiveLogs").Resource = []string{bucketARN, bucketARN + "/*"}
		})},
	{rule: "grant-confined", name: "flow logs of any account's folder", resource: "archive", reason: "and delivers to less",
		change: flowLogResource(func(account string) string { return "flow-logs-direct/*AWSLogs/*" })},
	{rule: "grant-confined", name: "flow logs in every class's folder", resource: "archive", reason: "and delivers to less",
		change: flowLogResource(func(account string) string { return "*AWSLogs/*" + account + "/*" })},
	{rule: "grant-confined", name: "flow logs beside the account's folder", resource: "archive", reason: "and delivers to less",
		change: flowLogResource(func(account string) string { return "flow-logs-direct/*" + account + "*" })},
	{rule: "grant-shadowed", name: "by the same policy", resource: "archive", reason: `is cancelled by the Deny of statement "Shadow" of the bucket policy of archive`,
		change: onBucketPolicy(func(d *policy.Document) {
			d.Statements = append(d.Statements, policy.Statement{Sid: "Shadow", Effect: policy.Deny, Principal: policy.AnyPrincipal(), Action: []string{"s3:*"}, Resource: []string{bucketARN, bucketARN + "/*"}})
		})},
	{rule: "grant-shadowed", name: "by the bucket", resource: "logs-delivery", reason: `statement "WriteObjects" of its inline policy is cancelled`,
		change: onBucketPolicy(func(d *policy.Document) {
			d.Statements = append(d.Statements, policy.Statement{Sid: "Shadow", Effect: policy.Deny, Principal: policy.AnyPrincipal(),
				Action: []string{"s3:Put*", "s3:Abort*"}, Resource: []string{bucketARN + "/*"}})
		})},
	{rule: "policy-size", name: "two statements of one name", resource: "archive", reason: "Sid",
		change: onBucketPolicy(func(d *policy.Document) { d.Statements = append(d.Statements, d.Statements[0]) })},
	{rule: "policy-size", name: "larger than S3 takes", resource: "archive", reason: "20480",
		change: onBucketPolicy(func(d *policy.Document) {
			s := statement(d, "DeliverFlowLogs")
			for i := range 300 {
				s.Resource = append(s.Resource, fmt.Sprintf("%s/%s/%d/*", bucketARN, strings.Repeat("x", 60), i))
			}
		})},
	{rule: "policy-size", name: "a role's inline policies together", resource: "backup", reason: "its inline policies have",
		change: func(p *program) {
			for _, name := range []string{"backup-ec2", "backup-s3"} {
				p.edit("RolePolicy", name, "policy", func(d *policy.Document) {
					s := &d.Statements[0]
					s.Resource = slices.Clone(s.Resource)
					for i := range 40 {
						s.Resource = append(s.Resource, home.ARN(partition.EC2, fmt.Sprintf("volume/%s%d", strings.Repeat("0", 60), i)).String())
					}
				})
			}
		}},
}
