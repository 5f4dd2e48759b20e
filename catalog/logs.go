package catalog

import (
	"fmt"
	"hash/crc32"
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// Tokens of CloudWatch Logs types that other resources refer to or that delivery follows.
const (
	LogGroup           = "aws:cloudwatch/logGroup:LogGroup"
	LogStream          = "aws:cloudwatch/logStream:LogStream"
	SubscriptionFilter = "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter"
)

// standardClass is the class of log groups that can have subscriptions.
const standardClass = "STANDARD"

// maxFilterPattern is in characters (PutSubscriptionFilter).
const maxFilterPattern = 1024

// Names of CloudWatch Logs. See https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html
var (
	logGroupName  = nameRule(`.\-_/#A-Za-z0-9`, 1, 512, "1 to 512 letters, digits and the signs _-/.#")
	logStreamName = nameRule(`^:*`, 1, 512, "1 to 512 characters without : and *")
)

var logsModels = []*model{{
	token: LogGroup, stateful: true, nameProperty: "name", namePrefix: "namePrefix", idFromInputs: true, code: "InvalidParameterException",
	// terraform-provider-aws, resource aws_cloudwatch_log_group: ForceNew of these.
	forceNew: []string{"name", "namePrefix", "logGroupClass"},
	defaults: map[string]any{"retentionInDays": 0, "skipDestroy": false, "logGroupClass": standardClass},
	enums:    map[string][]string{"logGroupClass": {standardClass, "INFREQUENT_ACCESS", "DELIVERY"}},
	texts:    map[string]textRule{"name": logGroupName, "namePrefix": nameRule(`.\-_/#A-Za-z0-9`, 0, 486, "at most 486 characters: the provider appends 26")},
	arns:     []string{"kmsKeyId"},
	check:    checkLogGroup,
	complete: func(c *completion) {
		c.id = c.str("name")
		c.set("arn", c.Place.LogGroupARN(c.id).String())
	},
	references: func(r *referring) { r.keyOf("kmsKeyId") },
}, {
	token: LogStream, nameProperty: "name", idFromInputs: true, code: "InvalidParameterException",
	// terraform-provider-aws, resource aws_cloudwatch_log_stream: ForceNew of both.
	forceNew: []string{"name", "logGroupName"},
	texts:    map[string]textRule{"name": logStreamName, "logGroupName": logGroupName},
	complete: func(c *completion) {
		c.id = c.str("name")
		c.set("arn", c.Place.LogGroupARN(c.str("logGroupName")).String()+":log-stream:"+c.id)
	},
	references: func(r *referring) { r.name("logGroupName", LogGroup, "ResourceNotFoundException") },
}, {
	token: SubscriptionFilter, nameProperty: "name", idFromInputs: true, code: "InvalidParameterException",
	// terraform-provider-aws, resource aws_cloudwatch_log_subscription_filter: ForceNew of these.
	forceNew: []string{"name", "logGroup", "destinationArn"},
	defaults: map[string]any{"distribution": "ByLogStream"},
	enums:    map[string][]string{"distribution": {"ByLogStream", "Random"}},
	texts: map[string]textRule{
		"name": logStreamName, "logGroup": logGroupName,
		"filterPattern": {most: maxFilterPattern, want: "at most 1024 characters"},
	},
	arns:  []string{"destinationArn", "roleArn"},
	check: checkSubscription,
	// The provider hashes the log group alone, so that two filters of a group have the same id.
	complete: func(c *completion) {
		c.set("logGroup", c.str("logGroup"))
		c.id = fmt.Sprintf("cwlsf-%d", crc32.ChecksumIEEE([]byte(c.str("logGroup")+"-")))
		if strings.Contains(c.str("logGroup"), unknown) {
			c.id = unknown
		}
	},
	references: func(r *referring) {
		r.name("logGroup", LogGroup, "ResourceNotFoundException")
		r.service("destinationArn", logTargets, Reference{SameRegion: true, SameAccount: true, Code: "InvalidParameterException"})
		// A destination may be another account's.
		r.service("destinationArn", map[string]string{"logs:destination": LogDestination}, Reference{SameRegion: true, Code: "InvalidParameterException"})
		r.roleARN("roleArn", "InvalidParameterException")
	},
}, {
	token: "aws:cloudwatch/logResourcePolicy:LogResourcePolicy", nameProperty: "policyName", idFromInputs: true, code: "InvalidParameterException",
	forceNew:  []string{"policyName"}, // terraform-provider-aws, resource aws_cloudwatch_log_resource_policy
	documents: []document{{"policyDocument", policy.LogResource, "InvalidParameterException", "LimitExceededException"}},
	complete:  func(c *completion) { c.id = c.str("policyName") },
}}

// logTargets are what a subscription filter can hand events to, by the service and kind in the ARN.
var logTargets = map[string]string{"firehose:deliverystream": Stream, "lambda:function": Function}

func checkLogGroup(c *checking) {
	c.without("name", "namePrefix")
	if strings.HasPrefix(c.in.str("name"), "aws/") {
		c.fail("name", "InvalidParameterException", "%q: log groups starting with aws/ are reserved for AWS", c.in.str("name"))
	}
	if days, ok := c.in.num("retentionInDays"); ok && days != 0 {
		if err := partition.CheckLogRetention(int(days)); err != nil {
			c.fail("retentionInDays", "InvalidParameterException", err.Error())
		}
	}
}

// checkSubscription finds destinations that CloudWatch Logs refuses.
func checkSubscription(c *checking) {
	if arn, ok := c.known("destinationArn"); ok {
		c.subscriptionTo(arn, c.in.has("roleArn"), "destinationArn", "roleArn")
	}
}

// subscriptionTo finds what is wrong with the destination of a subscription, with a role or without one; the properties are
// those that say so.
//
// See https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutSubscriptionFilter.html
func (c *checking) subscriptionTo(arn partition.ARN, role bool, destinationProperty, roleProperty string) {
	const code = "InvalidParameterException"
	kind, _, _ := strings.Cut(arn.Resource, ":")
	if arn.Service == partition.Logs && kind == "destination" { // may be another account's
		if role && arn.Account == c.Place.Account {
			c.fail(roleProperty, code, "destinationArn for vendor logs cannot be used with roleArn")
		}
		if arn.Region != c.Place.Region {
			c.fail(destinationProperty, code, "%q is not in %s: the destination must be in the log group's region", arn, c.Place.Region)
		}
		return
	}
	switch arn.Service {
	case partition.Firehose, partition.Kinesis:
		if !role {
			c.fail(roleProperty, code, "destinationArn for vendor %s cannot be used without roleArn", arn.Service)
		}
	case partition.Lambda:
		if role {
			c.fail(roleProperty, code, "destinationArn for vendor lambda cannot be used with roleArn")
		}
	default:
		c.fail(destinationProperty, code, "%q is not a Firehose or Kinesis stream, a function or a log destination", arn)
		return
	}
	if (partition.Place{Account: arn.Account, Region: arn.Region}) != c.Place {
		c.fail(destinationProperty, code, "%q is not in %s: a stream or function must be in the log group's account and region", arn, c.Place)
	}
}
