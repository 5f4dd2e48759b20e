package verify_test

import (
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

const splunk = "siem-siem-splunk"

func onQueuePolicy(name string, change func(*policy.Document)) func(*program) {
	return func(p *program) { p.edit("QueuePolicy", name, "policy", change) }
}

var queueCases = []ruleCase{
	{rule: "queue-dead-letters", name: "no redrive policy", resource: splunk, reason: "it has no dead letter queue",
		change: func(p *program) { p.set("Queue", splunk, "redrivePolicy", "") }},
	{rule: "queue-dead-letters", name: "nothing for what SNS can't pass on", resource: splunk, reason: "it has no dead letter queue",
		change: func(p *program) { p.set("TopicSubscription", splunk, "redrivePolicy", "") }},
	{rule: "queue-dead-letters", name: "short retention of failed messages", resource: splunk + "-failed", reason: "less than 14 days",
		change: func(p *program) { p.set("Queue", splunk+"-failed", "messageRetentionSeconds", 345600) }},
	{rule: "queue-dead-letters", name: "one receive", resource: splunk, reason: "after one receive", change: func(p *program) {
		p.set("Queue", splunk, "redrivePolicy", `{"deadLetterTargetArn":"`+archive.ARN(partition.SQS, "log-archive-siem-splunk-failed").String()+`","maxReceiveCount":"1"}`)
	}},
	{rule: "queue-dead-letters", name: "short retention", resource: splunk, reason: "misses events",
		change: func(p *program) { p.set("Queue", splunk, "messageRetentionSeconds", 86400) }},
	{rule: "queue-tls-only", name: "plain HTTP isn't denied", resource: splunk, reason: "over plain HTTP isn't denied",
		change: onQueuePolicy(splunk, func(d *policy.Document) { dropStatements(d, "DenyPlainHTTP") })},
	{rule: "queue-tls-only", name: "nor to the dead letter queue", resource: splunk + "-failed", reason: "over plain HTTP isn't denied",
		change: onQueuePolicy(splunk+"-failed", func(d *policy.Document) { dropStatements(d, "DenyPlainHTTP") })},
	{rule: "queue-closed", name: "any administrator of the consumer's account", resource: splunk, reason: "may sqs:ReceiveMessage",
		change: onQueuePolicy(splunk, func(d *policy.Document) {
			s := statement(d, "Consume")
			s.Principal, s.Condition = policy.AWSPrincipals("*"), nil
		})},
	{rule: "queue-closed", name: "every action", resource: splunk, reason: "allows everything",
		change: onQueuePolicy(splunk, func(d *policy.Document) { statement(d, "Consume").Action = []string{"sqs:*"} })},
	{rule: "queue-closed", name: "everybody publishes", resource: "siem", reason: "is for everybody", change: func(p *program) {
		p.edit("TopicPolicy", "siem", "policy", func(d *policy.Document) { statement(d, "PublishForBucket").Principal = policy.AnyPrincipal() })
	}},
	{rule: "notification-filter", name: "on attributes", resource: splunk, reason: "S3's events have none",
		change: func(p *program) { p.set("TopicSubscription", splunk, "filterPolicyScope", "MessageAttributes") }},
	{rule: "notification-filter", name: "about something else", resource: splunk, reason: "isn't about the keys",
		change: func(p *program) {
			p.set("TopicSubscription", splunk, "filterPolicy", `{"Records":{"eventName":["ObjectCreated:Put"]}}`)
		}},
}
