package verify_test

import (
	"strings"
	"testing"

	"github.com/logarchive/logarchive/policy"
)

// TestWhatFunctionsNeed: whatever is missing on the way of a function closes a path, and the right one.
func TestWhatFunctionsNeed(t *testing.T) {
	t.Parallel()
	without := func(role, sid string) func(*program) {
		return func(p *program) {
			p.edit("RolePolicy", role, "policy", func(d *policy.Document) { dropStatements(d, sid) })
		}
	}
	for name, test := range map[string]struct {
		change func(*program)
		// resource is what a violation names, reason a part of what it says, statement of what it proposes.
		resource, reason, statement string
	}{
		"event permission": {func(p *program) { p.drop("Permission", "subscribe-created") },
			"subscribe-sweep", "lambda:InvokeFunction", `rule/log-archive-subscribe-created`},
		"trust of Lambda": {func(p *program) {
			p.edit("Role", "transform", "assumeRolePolicy", func(d *policy.Document) { d.Statements[0].Action = []string{"sts:TagSession"} })
		}, "transform", "sts:AssumeRole", "sts:AssumeRole"},
		"put back":        {without("transform", "PutBack"), "transform", "firehose:PutRecordBatch", "firehose:PutRecordBatch"},
		"own log":         {without("transform", "WriteOwnLogs"), "transform", "logs:", "logs:"},
		"call":            {without("logs-delivery", "TransformRecords"), "logs-delivery", "lambda:", "lambda:"},
		"listing":         {without("subscribe", "FindLogGroups"), "subscribe", "logs:DescribeLogGroups", "logs:DescribeLogGroups"},
		"subscribing":     {without("subscribe", "SubscribeLogGroups"), "subscribe", "logs:", "log-group:/aws/lambda/*"},
		"passing a role":  {without("subscribe", "PassSubscriptionRole"), "subscribe", "iam:PassRole", "iam:PassRole"},
		"queue":           {without("subscribe", "UseQueue"), "subscribe", "sqs:", "sqs:"},
		"finding errors":  {without("replay", "FindErrors"), "replay", "s3:ListBucketVersions", "s3:ListBucketVersions"},
		"missing markers": {without("replay", "MissMarkers"), "replay", "s3:ListBucket", "s3:ListBucket"},
		"reading errors":  {without("replay", "ReadErrors"), "replay", "s3:GetObjectVersion", "errors/"},
		"markers":         {without("replay", "KeepMarkers"), "replay", "s3:", "replay/errors/"},
		"replaying":       {without("replay", "PutBack"), "replay", "firehose:PutRecordBatch", "firehose:PutRecordBatch"},
		"archive's key":   {without("replay", "UseKey"), "replay", "kms:", "kms:"},
		"grant to replay": {func(p *program) {
			p.edit("BucketPolicy", "archive", "policy", func(d *policy.Document) { dropStatements(d, "ReplayLogArchiveReplayCnNorth1") })
		}, "archive", "s3:", "replay-cn-north-1"},
		"key to replay": {func(p *program) {
			p.edit("Key", "archive-key", "policy", func(d *policy.Document) { dropStatements(d, "ReadForReplay") })
		}, "archive-key", "kms:", "replay-cn-north-1"},
		"function's gone": {func(p *program) { p.drop("Function", "transform") }, "logs", "there is no function", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := copyOf(t, "beijing")
			test.change(p)
			for _, v := range named(p.verify(options(t, "beijing")), "path") {
				if strings.HasSuffix(v.Resource, "::"+test.resource) && strings.Contains(v.Reason, test.reason) && strings.Contains(v.Statement, test.statement) {
					return
				}
			}
			t.Errorf("want a violation of %q with %q and %q, got: %s", test.resource, test.reason, test.statement, violations(p.verify(options(t, "beijing"))))
		})
	}
}
