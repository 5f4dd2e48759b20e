package catalog

import "github.com/logarchive/logarchive/partition"

// Tokens of GuardDuty.
const (
	Detector              = "aws:guardduty/detector:Detector"
	PublishingDestination = "aws:guardduty/publishingDestination:PublishingDestination"
)

// GuardDuty. See https://docs.aws.amazon.com/guardduty/latest/APIReference/API_CreateDetector.html and
// https://docs.aws.amazon.com/guardduty/latest/APIReference/API_CreatePublishingDestination.html
var guardDutyModels = []*model{{
	token: Detector, stateful: true, code: "BadRequestException",
	enums:    map[string][]string{"findingPublishingFrequency": {"FIFTEEN_MINUTES", "ONE_HOUR", "SIX_HOURS"}},
	defaults: map[string]any{"enable": true, "findingPublishingFrequency": "SIX_HOURS"},
	complete: func(c *completion) {
		c.id = c.hex("id", 32)
		c.set("arn", c.arn(partition.GuardDuty, "detector/"+c.id))
		c.set("accountId", string(c.Place.Account))
	},
}, {
	token: PublishingDestination, code: "BadRequestException",
	// terraform-provider-aws, resource aws_guardduty_publishing_destination: ForceNew of these.
	forceNew: []string{"detectorId", "destinationType"},
	defaults: map[string]any{"destinationType": "S3"},
	enums:    map[string][]string{"destinationType": {"S3"}},
	arns:     []string{"destinationArn", "kmsKeyArn"},
	check: func(c *checking) {
		if arn, ok := c.known("destinationArn"); ok && arn.Service != partition.S3 {
			c.fail("destinationArn", "BadRequestException", "%q is not the ARN of a bucket", arn)
		}
		if arn, ok := c.known("kmsKeyArn"); ok && arn.Service != partition.KMS {
			c.fail("kmsKeyArn", "BadRequestException", "%q is not the ARN of a key", arn)
		}
	},
	complete: func(c *completion) { c.id = c.str("detectorId") + ":" + c.hex("id", 32) },
	references: func(r *referring) {
		r.id("detectorId", Detector, "BadRequestException")
		r.service("destinationArn", map[string]string{"s3": Bucket}, Reference{Code: "BadRequestException"})
		r.arn("kmsKeyArn", Key, "BadRequestException")
	},
}}
