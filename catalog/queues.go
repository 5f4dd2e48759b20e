package catalog

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// Tokens of SNS and SQS types that others refer to.
const (
	Topic = "aws:sns/topic:Topic"
	Queue = "aws:sqs/queue:Queue"
)

var queueModels = []*model{{
	token: Topic, nameProperty: "name", namePrefix: "namePrefix", idFromInputs: true, code: "InvalidParameter",
	// terraform-provider-aws, resource aws_sns_topic: ForceNew of these.
	forceNew: []string{"name", "namePrefix", "fifoTopic"},
	defaults: map[string]any{"fifoTopic": false, "contentBasedDeduplication": false},
	// See https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
	texts:     map[string]textRule{"name": {pattern: regexp.MustCompile(`^[a-zA-Z0-9_-]+(\.fifo)?$`), most: 256, want: "1 to 256 letters, digits, hyphens and underscores"}},
	documents: []document{{"policy", policy.Topic, "InvalidParameter", "InvalidParameter"}},
	check: func(c *checking) {
		c.without("name", "namePrefix")
		if n := c.in.str("name"); n != "" && n != unknown && strings.HasSuffix(n, ".fifo") != c.in.bool("fifoTopic") {
			c.fail("name", "InvalidParameter", "%q: the name of a FIFO topic, and of no other, ends in .fifo", n)
		}
	},
	complete: func(c *completion) {
		c.id = c.arn(partition.SNS, c.str("name"))
		c.set("arn", c.id)
		c.set("owner", string(c.Place.Account))
	},
	references: func(r *referring) { r.keyOf("kmsMasterKeyId") },
}, {
	token: "aws:sns/topicPolicy:TopicPolicy", idFromInputs: true, code: "InvalidParameter",
	forceNew:  []string{"arn"}, // terraform-provider-aws, resource aws_sns_topic_policy
	arns:      []string{"arn"},
	documents: []document{{"policy", policy.Topic, "InvalidParameter", "InvalidParameter"}},
	complete: func(c *completion) {
		c.id = c.str("arn")
		c.set("owner", string(c.Place.Account))
	},
	references: func(r *referring) { r.near("arn", Topic, "NotFound") },
}, {
	token: "aws:sns/topicSubscription:TopicSubscription", code: "InvalidParameter",
	// terraform-provider-aws, resource aws_sns_topic_subscription: ForceNew of these.
	forceNew: []string{"topic", "protocol", "endpoint"},
	enums: map[string][]string{"protocol": {"application", "email", "email-json", "firehose", "http", "https", "lambda", "sms", "sqs"},
		"filterPolicyScope": {"MessageAttributes", "MessageBody"}},
	defaults: map[string]any{"confirmationTimeoutInMinutes": 1, "endpointAutoConfirms": false, "rawMessageDelivery": false},
	arns:     []string{"topic", "subscriptionRoleArn"},
	check:    checkTopicSubscription,
	complete: func(c *completion) {
		c.set("confirmationWasAuthenticated", !strings.HasPrefix(c.str("protocol"), "email"))
		if c.str("filterPolicy") != "" {
			c.def("filterPolicyScope", "MessageAttributes")
		}
		c.id = c.str("topic") + ":" + c.uuid("subscription")
		c.set("topic", c.str("topic"))
		c.set("arn", c.id)
		c.set("ownerId", string(c.Place.Account))
		c.set("pendingConfirmation", strings.HasPrefix(c.str("protocol"), "email"))
	},
	references: func(r *referring) {
		r.arn("topic", Topic, "NotFound")
		targets := map[string]string{"sqs": Queue, "lambda:function": Function, "firehose:deliverystream": Stream}
		r.service("endpoint", targets, Reference{Code: "InvalidParameter"})
		r.deadLetters("InvalidParameter")
		r.roleARN("subscriptionRoleArn", "InvalidParameter")
	},
}, {
	token: Queue, stateful: true, nameProperty: "name", namePrefix: "namePrefix", idFromInputs: true, code: "InvalidAttributeValue",
	// terraform-provider-aws, resource aws_sqs_queue: ForceNew of these.
	forceNew: []string{"name", "namePrefix", "fifoQueue"},
	defaults: map[string]any{
		"delaySeconds": 0, "fifoQueue": false, "contentBasedDeduplication": false, "maxMessageSize": 262144,
		"messageRetentionSeconds": 345600, "receiveWaitTimeSeconds": 0, "visibilityTimeoutSeconds": 30,
	},
	// See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
	ranges: map[string]numberRange{
		"delaySeconds": {0, 900}, "maxMessageSize": {1024, 1048576}, "messageRetentionSeconds": {60, 1209600},
		"receiveWaitTimeSeconds": {0, 20}, "visibilityTimeoutSeconds": {0, 43200}, "kmsDataKeyReusePeriodSeconds": {60, 86400},
	},
	documents: []document{{"policy", policy.Queue, "InvalidAttributeValue", "InvalidAttributeValue"}},
	check:     checkQueue,
	complete:  completeQueue,
	references: func(r *referring) {
		r.keyOf("kmsMasterKeyId")
		r.deadLetters("AWS.SimpleQueueService.NonExistentQueue")
	},
}, {
	token: "aws:sqs/queuePolicy:QueuePolicy", idFromInputs: true, code: "InvalidAttributeValue",
	forceNew:  []string{"queueUrl"}, // terraform-provider-aws, resource aws_sqs_queue_policy
	texts:     map[string]textRule{"queueUrl": {least: 1, want: "the URL of a queue"}},
	documents: []document{{"policy", policy.Queue, "InvalidAttributeValue", "InvalidAttributeValue"}},
	complete:  func(c *completion) { c.id = c.str("queueUrl") },
	references: func(r *referring) {
		r.each("queueUrl", Reference{TargetToken: Queue, By: ByID, SameRegion: true, SameAccount: true, Code: "AWS.SimpleQueueService.NonExistentQueue"})
	},
}}

// queueName is a queue's name without ".fifo".
// See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
var queueName = regexp.MustCompile(`^[0-9A-Za-z_-]+$`)

func checkQueue(c *checking) {
	c.without("name", "namePrefix")
	if n := c.in.str("name"); n != "" && n != unknown {
		stem, fifo := strings.CutSuffix(n, ".fifo")
		if fifo != c.in.bool("fifoQueue") || len(n) > 80 || !queueName.MatchString(stem) {
			c.fail("name", "InvalidParameterValue", "%q is not accepted: want 1 to 80 letters, digits, hyphens and underscores, with .fifo at the end of a FIFO queue's", n)
		}
	}
	if c.in.bool("contentBasedDeduplication") && !c.in.bool("fifoQueue") {
		c.fail("contentBasedDeduplication", "InvalidAttributeName", "only for FIFO queues")
	}
	for _, property := range []string{"redrivePolicy", "redriveAllowPolicy"} {
		if doc := c.in.str(property); doc != "" && doc != unknown && !json.Valid([]byte(doc)) {
			c.fail(property, "InvalidAttributeValue", "is not JSON")
		}
	}
	if target := deadLetterTarget(c.in.str("redrivePolicy")); target != "" {
		c.arn("redrivePolicy", target)
	}
}

// completeQueue gives the queue its URL, which is the id.
func completeQueue(c *completion) {
	host, err := c.Place.Endpoint(partition.SQS)
	if err != nil {
		host = c.host("sqs", string(c.Place.Region))
	}
	c.id = "https://" + host + "/" + string(c.Place.Account) + "/" + c.str("name")
	c.set("url", c.id)
	c.set("arn", c.arn(partition.SQS, c.str("name")))
	c.def("kmsDataKeyReusePeriodSeconds", 300)
}

// deadLetterTarget returns the ARN of the dead-letter queue in a redrive policy, or "".
func deadLetterTarget(policy string) string {
	var p struct {
		Target string `json:"deadLetterTargetArn"`
	}
	if json.Unmarshal([]byte(policy), &p) != nil {
		return ""
	}
	return p.Target
}

func (r *referring) deadLetters(code string) {
	if target := deadLetterTarget(r.in.str("redrivePolicy")); target != "" {
		r.add(Reference{Property: "redrivePolicy", TargetToken: Queue, By: ByARN, Value: target, SameRegion: true, SameAccount: true, Code: code})
	}
}
