package catalog

import (
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// Tokens of what takes log events of other accounts.
const (
	LogDestination       = "aws:cloudwatch/logDestination:LogDestination"
	LogDestinationPolicy = "aws:cloudwatch/logDestinationPolicy:LogDestinationPolicy"
)

// destinationName: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutDestination.html
var destinationName = nameRule(`^:*`, 1, 512, "1 to 512 characters without : and *")

var destinationModels = []*model{{
	token: LogDestination, nameProperty: "name", idFromInputs: true, code: "InvalidParameterException",
	forceNew: []string{"name"}, // terraform-provider-aws, resource aws_cloudwatch_log_destination
	texts:    map[string]textRule{"name": destinationName},
	arns:     []string{"roleArn", "targetArn"},
	check:    checkDestination,
	complete: func(c *completion) {
		c.id = c.str("name")
		c.set("arn", c.arn(partition.Logs, "destination:"+c.id))
	},
	references: func(r *referring) {
		// The stream may be in another region than the destination.
		r.service("targetArn", map[string]string{"firehose:deliverystream": Stream}, Reference{SameAccount: true, Code: "InvalidParameterException"})
		r.roleARN("roleArn", "InvalidParameterException")
	},
}, {
	token: LogDestinationPolicy, idFromInputs: true, code: "InvalidParameterException",
	forceNew:  []string{"destinationName"}, // terraform-provider-aws, resource aws_cloudwatch_log_destination_policy
	texts:     map[string]textRule{"destinationName": destinationName},
	documents: []document{{"accessPolicy", policy.LogDestination, "InvalidParameterException", "InvalidParameterException"}},
	complete:  func(c *completion) { c.id = c.str("destinationName") },
	references: func(r *referring) {
		r.name("destinationName", LogDestination, "ResourceNotFoundException")
	},
}}

// checkDestination finds targets that PutDestination refuses.
func checkDestination(c *checking) {
	arn, ok := c.known("targetArn")
	switch {
	case !ok:
	case arn.Service != partition.Firehose && arn.Service != partition.Kinesis:
		c.fail("targetArn", "InvalidParameterException", "%q is not a Firehose or Kinesis stream", arn)
	case arn.Account != c.Place.Account:
		c.fail("targetArn", "InvalidParameterException", "%q is not of account %s: a destination hands to a stream of its own account", arn, c.Place.Account)
	}
}
