package catalog

import "github.com/logarchive/logarchive/partition"

// Tokens of CloudWatch Logs types that other services' resources refer to.
const (
	LogGroup           = "aws:cloudwatch/logGroup:LogGroup"
	LogStream          = "aws:cloudwatch/logStream:LogStream"
	SubscriptionFilter = "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter"
)

var logsModels = []*model{{
	token: LogGroup, stateful: true, nameProperty: "name", namePrefix: "namePrefix", idFromInputs: true,
	defaults: map[string]any{"retentionInDays": 0, "skipDestroy": false, "logGroupClass": "STANDARD"},
	complete: func(c *completion) {
		c.id = c.str("name")
		c.set("arn", c.arn(partition.Logs, "log-group:"+c.id))
	},
}, {
	token: LogStream, nameProperty: "name", idFromInputs: true,
	complete: func(c *completion) {
		c.id = c.str("name")
		c.set("arn", c.arn(partition.Logs, "log-group:"+c.str("logGroupName")+":log-stream:"+c.id))
	},
	references: func(r *referring) { r.name("logGroupName", LogGroup, "ResourceNotFoundException") },
}, {
	token: SubscriptionFilter, nameProperty: "name",
	defaults: map[string]any{"distribution": "ByLogStream"},
	// The provider hashes the log group's name: cwlsf- and a decimal number.
	complete:   func(c *completion) { c.id = "cwlsf-" + c.digits("id", 10) },
	references: func(r *referring) {},
}, {
	token: "aws:cloudwatch/logResourcePolicy:LogResourcePolicy", nameProperty: "policyName", idFromInputs: true,
	complete: func(c *completion) { c.id = c.str("policyName") },
}}
