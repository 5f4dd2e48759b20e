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
		// source and reason are parts of what a violation says, statement of what it proposes.
		source, reason, statement string
	}{
		"event permission": {func(p *program) { p.drop("Permission", "subscribe-created") },
			"event-rule log-archive-subscribe-created", "lambda:InvokeFunction", `rule/log-archive-subscribe-created`},
		"trust of Lambda": {func(p *program) {
			p.edit("Role", "transform", "assumeRolePolicy", func(d *policy.Document) { d.Statements[0].Action = []string{"sts:TagSession"} })
		}, "log-group /aws/lambda/orders-api", "sts:AssumeRole", "sts:AssumeRole"},
		"put back":        {without("transform", "PutBack"), "log-group /aws/lambda/orders-api", "firehose:PutRecordBatch", "firehose:PutRecordBatch"},
		"own log":         {without("transform", "WriteOwnLogs"), "log-group /aws/lambda/orders-api", "logs:", "logs:"},
		"call":            {without("logs-delivery", "TransformRecords"), "log-group /aws/lambda/orders-api", "lambda:", "lambda:"},
		"listing":         {without("subscribe", "FindLogGroups"), "event-rule log-archive-subscribe-sweep", "logs:DescribeLogGroups", "logs:DescribeLogGroups"},
		"subscribing":     {without("subscribe", "SubscribeLogGroups"), "queue log-archive-subscribe", "logs:", "log-group:/aws/lambda/*"},
		"passing a role":  {without("subscribe", "PassSubscriptionRole"), "queue log-archive-subscribe", "iam:PassRole", "iam:PassRole"},
		"queue":           {without("subscribe", "UseQueue"), "queue log-archive-subscribe", "sqs:", "sqs:"},
		"function's gone": {func(p *program) { p.drop("Function", "transform") }, "log-group /aws/lambda/orders-api", "there is no function", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := copyOf(t, "beijing")
			test.change(p)
			for _, v := range named(p.verify(options(t, "beijing")), "path") {
				if strings.Contains(v.Source, test.source) && strings.Contains(v.Reason, test.reason) && strings.Contains(v.Statement, test.statement) {
					return
				}
			}
			t.Errorf("want a violation of %q with %q and %q, got: %s", test.source, test.reason, test.statement, violations(p.verify(options(t, "beijing"))))
		})
	}
}
