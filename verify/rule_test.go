package verify_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
	"github.com/logarchive/logarchive/verify"
)

// ruleCase is a change of the example stack beijing that a rule must find.
type ruleCase struct {
	rule, name string
	stack      string // "" is beijing
	change     func(*program)
	options    verify.Options
	resource   string // the logical name of what the violation is about
	reason     string // a part of it
}

const (
	bucketName = "example-log-archive-222233334444-ningxia"
)

var (
	bucketARN = partition.BucketARN(partition.China, bucketName).String()
	breaker   = archive.RoleARN("LogArchiveBreakGlass").String()
)

// TestEveryRuleFindsItsViolation breaks each rule in the ways in which it can be broken. The example stack itself breaks none.
func TestEveryRuleFindsItsViolation(t *testing.T) {
	t.Parallel()
	tried := map[string]bool{}
	for _, c := range slices.Concat(bucketCases, keyCases, grantCases, lifecycleCases, pipelineCases, accountCases, replicationCases, replicaCases, destinationCases, compatibilityCases, databaseCases, machineCases, queueCases, trailCases, alarmCases, queryCases, boundaryCases, endpointCases, proofCases) {
		tried[c.rule] = true
		t.Run(c.rule+"/"+c.name, func(t *testing.T) {
			t.Parallel()
			p := copyOf(t, cmp.Or(c.stack, "beijing"))
			c.change(p)
			r := p.verify(c.options)
			for _, v := range named(r, c.rule) {
				if strings.HasSuffix(v.Resource, "::"+c.resource) && strings.Contains(v.Reason, c.reason) && v.Remedy != "" {
					return
				}
			}
			t.Errorf("rule %s isn't broken at %q with %q; found: %s", c.rule, c.resource, c.reason, violations(r))
		})
	}
	for _, rule := range verify.AllRules() {
		if !tried[rule.ID] {
			t.Errorf("no case breaks rule %s", rule.ID)
		}
		if rule.Title == "" || rule.Why == "" || rule.Remedy == "" {
			t.Errorf("rule %s has no title, reason or remedy", rule.ID)
		}
	}
}

// violations is a report in short.
func violations(r *verify.Report) string {
	var b strings.Builder
	for _, v := range r.Violations {
		fmt.Fprintf(&b, "\n  %s %s: %s", v.Rule, v.Resource[strings.LastIndex(v.Resource, ":")+1:], v.Reason)
	}
	return b.String()
}

// policyCase changes one policy of the archive bucket.
func onBucketPolicy(change func(*policy.Document)) func(*program) {
	return func(p *program) { p.edit("BucketPolicy", "archive", "policy", change) }
}

var bucketCases = []ruleCase{
	{rule: "bucket-tls-only", name: "plain HTTP isn't denied", resource: "archive", reason: "s3:GetObject over plain HTTP isn't denied",
		change: onBucketPolicy(func(d *policy.Document) { dropStatements(d, "DenyPlainHTTP") })},
	{rule: "bucket-tls-only", name: "old TLS isn't denied", resource: "archive", reason: "over TLS 1.1 isn't denied",
		change: onBucketPolicy(func(d *policy.Document) { dropStatements(d, "DenyOldTLS") })},
	{rule: "bucket-tls-only", name: "objects only", resource: "archive", reason: "s3:ListBucket over plain HTTP",
		change: onBucketPolicy(func(d *policy.Document) { statement(d, "DenyPlainHTTP").Resource = []string{bucketARN + "/*"} })},
	{rule: "bucket-tls-only", name: "no policy at all", resource: "archive", reason: "isn't denied",
		change: func(p *program) { p.drop("BucketPolicy", "archive") }},
	{rule: "bucket-own-key", name: "S3's own key", resource: "archive", reason: `default encryption is "AES256"`, change: func(p *program) {
		p.set("BucketServerSideEncryptionConfigurationV2", "archive", "rules[0].applyServerSideEncryptionByDefault.sseAlgorithm", "AES256")
	}},
	{rule: "bucket-own-key", name: "nothing declared", resource: "archive", reason: `default encryption is ""`,
		change: func(p *program) { p.drop("BucketServerSideEncryptionConfigurationV2", "archive") }},
	{rule: "bucket-own-key", name: "another key may be named", resource: "archive", reason: "could write an object with another key",
		change: onBucketPolicy(func(d *policy.Document) { dropStatements(d, "DenyOtherKey") })},
	{rule: "bucket-own-key", name: "a client's key", resource: "archive", reason: "a key that the client sends (SSE-C)",
		change: onBucketPolicy(func(d *policy.Document) { dropStatements(d, "DenyCustomerKey") })},
	{rule: "bucket-own-key", name: "the archive's key is refused", resource: "archive", reason: "couldn't write when it names the archive's own key",
		change: onBucketPolicy(func(d *policy.Document) {
			s := statement(d, "DenyOtherKey")
			s.Condition = s.Condition.With("StringNotEquals", "s3:x-amz-server-side-encryption-aws-kms-key-id", archive.ARN(partition.KMS, "key/old").String())
		})},
	{rule: "bucket-not-public", name: "no block", resource: "archive", reason: "blockPublicAcls, blockPublicPolicy, ignorePublicAcls, restrictPublicBuckets",
		change: func(p *program) { p.drop("BucketPublicAccessBlock", "archive") }},
	{rule: "bucket-not-public", name: "one setting off", resource: "archive", reason: "by restrictPublicBuckets",
		change: func(p *program) { p.set("BucketPublicAccessBlock", "archive", "restrictPublicBuckets", false) }},
	{rule: "bucket-not-public", name: "ACLs in force", resource: "archive", reason: "ACLs are in force",
		change: func(p *program) {
			p.set("BucketOwnershipControls", "archive", "rule.objectOwnership", "ObjectWriter")
		}},
	{rule: "bucket-undeletable", name: "no Deny", resource: "archive", reason: "isn't denied to everybody to s3:DeleteObject, s3:DeleteObjectVersion",
		change: onBucketPolicy(func(d *policy.Document) { dropStatements(d, "NobodyDeletes") })},
	{rule: "bucket-undeletable", name: "a pipeline deletes", resource: "logs-delivery", reason: `statement "WriteObjects" allows deletion`,
		change: func(p *program) {
			p.edit("RolePolicy", "logs-delivery", "policy", func(d *policy.Document) {
				s := statement(d, "WriteObjects")
				s.Action = append(s.Action, "s3:DeleteObject")
			})
		}},
	{rule: "bucket-undeletable", name: "the deploying role is left out", resource: "archive", reason: "the role that deploys may delete",
		change: exceptFromDeletion(archive.RoleARN("deployment/LogArchiveDeployer").String())},
	{rule: "bucket-undeletable", name: "a pattern is left out", resource: "archive", reason: "leaves out whoever fits",
		change: exceptFromDeletion(archive.RoleARN("Ops*").String())},
	{rule: "bucket-undeletable", name: "another role is left out", resource: "archive", reason: "which isn't the break-glass role",
		options: verify.Options{BreakGlass: []string{breaker}}, change: exceptFromDeletion(archive.RoleARN("Other").String())},
	{rule: "bucket-undeletable", name: "the break-glass role can't", resource: "archive", reason: "can't s3:DeleteObject",
		options: verify.Options{BreakGlass: []string{archive.RoleARN("Nobody").String()}}, change: func(*program) {}},
	{rule: "bucket-settled", name: "no Deny", resource: "archive", reason: "to s3:DeleteBucketPolicy, s3:PutBucketAcl",
		change: onBucketPolicy(func(d *policy.Document) { dropStatements(d, "NobodyTurnsOff") })},
	{rule: "bucket-settled", name: "administrators configure", resource: "archive", reason: "to s3:PutBucketNotification, s3:PutBucketPolicy, s3:PutReplicationConfiguration",
		change: onBucketPolicy(func(d *policy.Document) { dropStatements(d, "OnlyDeployerConfigures") })},
	{rule: "bucket-settled", name: "lifecycle is left out", resource: "archive", reason: "to s3:PutLifecycleConfiguration",
		change: onBucketPolicy(func(d *policy.Document) {
			s := statement(d, "NobodyTurnsOff")
			s.Action = slices.DeleteFunc(s.Action, func(a string) bool { return a == "s3:PutLifecycleConfiguration" })
		})},
	{rule: "bucket-settled", name: "maintenance", resource: "archive", reason: "the role that deploys may s3:DeleteBucketPolicy",
		change: onBucketPolicy(func(d *policy.Document) {
			s := statement(d, "NobodyTurnsOff")
			s.Condition = policy.Conditions{}.With("ArnNotEquals", "aws:PrincipalArn", archive.RoleARN("deployment/LogArchiveDeployer").String(), breaker)
		})},
	{rule: "bucket-settled", name: "nobody deploys any more", resource: "archive", reason: "no further source can be added",
		change: onBucketPolicy(func(d *policy.Document) { statement(d, "OnlyDeployerConfigures").Condition = nil })},
	{rule: "bucket-settled", name: "the break-glass role can't", resource: "archive", reason: "can't s3:PutLifecycleConfiguration",
		options: verify.Options{BreakGlass: []string{breaker}},
		change:  onBucketPolicy(func(d *policy.Document) { statement(d, "NobodyTurnsOff").Condition = nil })},
	{rule: "bucket-versioned", name: "suspended", resource: "archive", reason: "versioning isn't enabled",
		change: func(p *program) {
			p.set("BucketVersioningV2", "archive", "versioningConfiguration.status", "Suspended")
		}},
	{rule: "bucket-versioned", name: "forceDestroy", resource: "archive", reason: "forceDestroy deletes every object",
		change: func(p *program) { p.set("BucketV2", "archive", "forceDestroy", true) }},
	{rule: "bucket-versioned", name: "not protected", resource: "archive", reason: "isn't protected",
		change: func(p *program) { p.find("BucketV2", "archive").Protect = false }},
}

func exceptFromDeletion(role string) func(*program) {
	return onBucketPolicy(func(d *policy.Document) {
		s := statement(d, "NobodyDeletes")
		s.Condition = policy.Conditions{}.With("ArnNotLike", "aws:PrincipalArn", role)
	})
}

func onKey(name string, change func(*policy.Document)) func(*program) {
	return func(p *program) { p.edit("Key", name, "policy", change) }
}

var keyCases = []ruleCase{
	{rule: "key-administrable", name: "an action is missing", resource: "archive-key", reason: "may not kms:PutKeyPolicy",
		change: onKey("archive-key", func(d *policy.Document) {
			s := statement(d, "Administer")
			s.Action = slices.DeleteFunc(s.Action, func(a string) bool { return a == "kms:PutKeyPolicy" })
		})},
	{rule: "key-administrable", name: "an administrator may delete it", resource: "backup-key", reason: "any administrator of the account may kms:ScheduleKeyDeletion",
		change: onKey("backup-key", func(d *policy.Document) {
			s := statement(d, "Administer")
			s.Action = append(s.Action, "kms:ScheduleKeyDeletion")
		})},
	{rule: "key-administrable", name: "everybody may change the policy", resource: "archive-key", reason: "may change the key's policy",
		change: onKey("archive-key", func(d *policy.Document) { statement(d, "Administer").Condition = nil })},
	{rule: "key-rotation", name: "off", resource: "archive-key", reason: "doesn't rotate", change: func(p *program) { p.set("Key", "archive-key", "enableKeyRotation", false) }},
	{rule: "key-rotation", name: "not protected", resource: "backup-copy-key", reason: "isn't protected", change: func(p *program) { p.find("Key", "backup-copy-key").RetainOnDelete = false }},
	{rule: "key-use-bound", name: "by no service", resource: "archive-key", reason: "isn't bound by kms:ViaService",
		change: onKey("archive-key", dropCondition("EncryptForFirehose", "kms:ViaService"))},
	{rule: "key-use-bound", name: "for no bucket", resource: "logs-delivery", reason: "isn't bound by kms:EncryptionContext:aws:s3:arn",
		change: func(p *program) {
			p.edit("RolePolicy", "logs-delivery", "policy", dropCondition("EncryptObjects", "kms:EncryptionContext:aws:s3:arn"))
		}},
	{rule: "key-use-bound", name: "a grant for anybody", resource: "backup-key", reason: "isn't bound by kms:GrantIsForAWSResource",
		change: onKey("backup-key", dropCondition("GrantToServices", "kms:GrantIsForAWSResource"))},
	{rule: "key-use-bound", name: "every key", resource: "backup-dynamodb", reason: "isn't bound by kms:ViaService",
		change: func(p *program) {
			p.edit("RolePolicy", "backup-dynamodb", "policy", dropCondition("EncryptTables", "kms:ViaService"))
		}},
}

// dropCondition takes a condition key out of a statement.
func dropCondition(sid, key string) func(*policy.Document) {
	return func(d *policy.Document) {
		s := statement(d, sid)
		kept := policy.Conditions{}
		for op, keys := range s.Condition {
			for k, values := range keys {
				if k != key {
					kept = kept.With(op, k, values...)
				}
			}
		}
		s.Condition = kept
	}
}

var lifecycleCases = []ruleCase{
	{rule: "lifecycle-covers", name: "a prefix that matches no key", resource: "archive", reason: `the prefix "/*" of rule "expire" is literal and matches no key`,
		change: func(p *program) {
			p.set("BucketLifecycleConfigurationV2", "archive", "rules[0].filter.prefix", "/*")
		}},
	{rule: "lifecycle-covers", name: "two rules expire", resource: "archive", reason: "matched by 2 expiring rules",
		change: func(p *program) {
			p.set("BucketLifecycleConfigurationV2", "archive", "rules[1].expiration", map[string]any{"days": 400})
		}},
	{rule: "lifecycle-covers", name: "one pipeline isn't covered", resource: "archive", reason: "keys such as flow-logs",
		change: func(p *program) {
			p.set("BucketLifecycleConfigurationV2", "archive", "rules[0].filter.prefix", "logs/")
		}},
	{rule: "lifecycle-retention", name: "too short", resource: "archive", reason: "expires after 100 days; the minimum is 180",
		change: func(p *program) {
			p.set("BucketLifecycleConfigurationV2", "archive", "rules[0].expiration.days", 100)
		}},
	{rule: "lifecycle-retention", name: "shorter than configured", resource: "archive", reason: "the minimum is 3650",
		options: verify.Options{MinimumRetention: 3650}, change: func(*program) {}},
	{rule: "lifecycle-retention", name: "before the lock ends", resource: "archive", reason: "the lock holds for 3650",
		change: func(p *program) {
			p.set("BucketObjectLockConfigurationV2", "archive", "rule.defaultRetention", map[string]any{"mode": "COMPLIANCE", "years": 10})
		}},
	{rule: "lifecycle-retention", name: "a lock without a retention", resource: "archive", reason: "new objects get no retention",
		change: func(p *program) { p.drop("BucketObjectLockConfigurationV2", "archive") }},
	{rule: "lifecycle-transitions", name: "out of order", resource: "archive", reason: "before the step in front of it",
		change: func(p *program) {
			p.set("BucketLifecycleConfigurationV2", "archive", "rules[1].transitions[1].days", 10)
		}},
	{rule: "lifecycle-transitions", name: "after the expiry", resource: "archive", reason: "and expires after 60",
		change: func(p *program) {
			p.set("BucketLifecycleConfigurationV2", "archive", "rules[1].expiration", map[string]any{"days": 60})
		}},
	{rule: "lifecycle-transitions", name: "small objects", resource: "archive", reason: "objects below 131072 bytes stay",
		change: func(p *program) {
			p.set("BucketLifecycleConfigurationV2", "archive", "rules[1].filter.objectSizeGreaterThan", nil)
			p.set("BucketLifecycleConfigurationV2", "archive", "transitionDefaultMinimumObjectSize", nil)
		}},
	{rule: "lifecycle-covers", name: "small objects stay", resource: "archive", reason: "expires some only",
		change: func(p *program) {
			p.set("BucketLifecycleConfigurationV2", "archive", "rules[0].filter", map[string]any{"and": map[string]any{"prefix": "", "objectSizeGreaterThan": 1024}})
		}},
	{rule: "lifecycle-limit", name: "a noncurrent version outlives", resource: "archive", reason: "something is left for up to 3657 days; the limit is 432",
		options: verify.Options{Limits: []verify.Limit{{Prefix: "logs/", Days: 432}}}, change: func(*program) {}},
	{rule: "lifecycle-limit", name: "versions stay", resource: "archive", reason: "never goes altogether; it must within 900 days",
		options: verify.Options{Limits: []verify.Limit{{Prefix: "logs/", Days: 900}}}, change: func(p *program) {
			p.set("BucketLifecycleConfigurationV2", "archive", "rules[0].noncurrentVersionExpiration", nil)
		}},
	{rule: "lifecycle-limit", name: "the rule that removes markers is disabled", resource: "archive", reason: "the limit is 500",
		options: verify.Options{Limits: []verify.Limit{{Prefix: "logs/", Days: 500}}}, change: func(p *program) {
			p.set("BucketLifecycleConfigurationV2", "archive", "rules[1]", map[string]any{
				"id": "markers", "status": "Disabled", "filter": map[string]any{"prefix": ""}, "expiration": map[string]any{"expiredObjectDeleteMarker": true},
			})
		}},
	{rule: "group-retention", name: "for ever", resource: "/aws/ec2/system-logs", reason: "are kept for ever",
		change: func(p *program) { p.set("LogGroup", "/aws/ec2/system-logs", "retentionInDays", nil) }},
}

var pipelineCases = []ruleCase{
	{rule: "pipeline-loop", name: "the stream's error log", resource: "logs-/app/payments", reason: "which it would feed",
		change: func(p *program) {
			p.set("LogSubscriptionFilter", "logs-/app/payments", "logGroup", "/aws/kinesisfirehose/log-archive-logs")
		}},
	{rule: "pipeline-loop", name: "a function's log", resource: "logs-/app/payments", reason: "/aws/lambda/transform is written by",
		change: func(p *program) {
			p.add("aws:lambda/function:Function", "transform", home, map[string]any{"name": "transform", "arn": home.ARN(partition.Lambda, "function:transform").String()})
			p.set("LogSubscriptionFilter", "logs-/app/payments", "logGroup", "/aws/lambda/transform")
		}},
	{rule: "pipeline-errors", name: "no error log", resource: "logs", reason: "nobody sees why a delivery fails",
		change: func(p *program) {
			p.set("FirehoseDeliveryStream", "logs", "extendedS3Configuration.cloudwatchLoggingOptions.enabled", false)
		}},
	{rule: "pipeline-errors", name: "no error prefix", resource: "logs", reason: "have no prefix of their own",
		change: func(p *program) {
			p.set("FirehoseDeliveryStream", "logs", "extendedS3Configuration.errorOutputPrefix", nil)
		}},
	{rule: "pipeline-errors", name: "errors among the logs", resource: "logs", reason: "error objects lie among the logs",
		change: func(p *program) {
			p.set("FirehoseDeliveryStream", "logs", "extendedS3Configuration.errorOutputPrefix", "logs/account=111122223333/region=cn-north-1/!{firehose:error-output-type}/")
		}},
	{rule: "pipeline-errors", name: "one prefix for all errors", resource: "logs", reason: "the sorts of errors share a prefix",
		change: func(p *program) {
			p.set("FirehoseDeliveryStream", "logs", "extendedS3Configuration.errorOutputPrefix", "errors/logs/")
		}},
	{rule: "pipeline-errors", name: "unencrypted", resource: "logs", reason: "lie unencrypted in the stream",
		change: func(p *program) {
			p.set("FirehoseDeliveryStream", "logs", "serverSideEncryption.enabled", false)
		}},
	{rule: "pipeline-order", name: "waits for nothing", resource: "logs-/app/payments", reason: "the subscription may exist before",
		change: func(p *program) { p.find("LogSubscriptionFilter", "logs-/app/payments").Dependencies = nil }},
	{rule: "quota", name: "three filters", resource: "filter-0", reason: "has 4 subscription filters, 2 at the most",
		change: func(p *program) {
			of := p.find("LogSubscriptionFilter", "logs-/app/payments")
			for i := range 3 {
				p.add(of.Type, fmt.Sprintf("filter-%d", i), home, of.Inputs.Mappable())
			}
		}},
	{rule: "quota", name: "501 streams", resource: "stream-0", reason: "505 streams in 111122223333/cn-north-1, 500 at the most",
		change: func(p *program) {
			of := p.find("FirehoseDeliveryStream", "logs")
			for i := range 501 {
				p.add(of.Type, fmt.Sprintf("stream-%d", i), home, map[string]any{"name": fmt.Sprintf("stream-%d", i)})
			}
		}},
}

var proofCases = []ruleCase{
	{rule: "path", name: "a policy is missing", resource: "logs-subscription", reason: "CloudWatch Logs puts records",
		change: func(p *program) { p.drop("RolePolicy", "logs-subscription") }},
	{rule: "policy-document", name: "no JSON", resource: "archive", reason: "its bucket policy can't be read",
		change: func(p *program) { p.set("BucketPolicy", "archive", "policy", `{"Statement":`) }},
	{rule: "policy-document", name: "an unknown operator", resource: "archive", reason: `"StringResembles" is not a condition operator`,
		change: onBucketPolicy(func(d *policy.Document) {
			d.Statements[0].Condition = policy.Conditions{}.With("StringResembles", "aws:PrincipalArn", "x")
		})},
	{rule: "policy-document", name: "encrypted", resource: "archive", reason: "property policy is encrypted, or not known yet",
		change: func(p *program) {
			secret := resource.MakeSecret(resource.MakeComputed(resource.NewStringProperty("")))
			r := p.find("BucketPolicy", "archive")
			r.Inputs["policy"], r.Outputs["policy"] = secret, secret
		}},
	{rule: "waiver", name: "ended", resource: "", reason: "ended on 2026-01-31",
		options: verify.Options{Now: day(2026, 2, 1), Waivers: []verify.Waiver{{Rule: "path", Resource: "x::", Reason: "known", Until: day(2026, 1, 31)}}}, change: func(*program) {}},
}

func day(year int, month time.Month, d int) time.Time {
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}
