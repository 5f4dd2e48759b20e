package catalog

import (
	"regexp"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// Trail is the token of a trail of CloudTrail.
const Trail = "aws:cloudtrail/trail:Trail"

// trailName is the form of a trail's name. See
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-trail-naming-requirements.html
var trailName = textRule{
	pattern: regexp.MustCompile(`^[a-zA-Z0-9]+([._-][a-zA-Z0-9]+)*$`), least: 3, most: 128, code: "InvalidTrailNameException",
	want: "3 to 128 letters and digits, with single . _ - between them, and no IP address",
}

// maxSelectorValues is how many values all selectors of a trail may have together. See
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html
const maxSelectorValues = 500

// Trails. See https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html
var trailModels = []*model{{
	token: Trail, stateful: true, nameProperty: "name", idFromInputs: true, code: "InvalidParameterCombinationException",
	// terraform-provider-aws, resource aws_cloudtrail: ForceNew of the name alone.
	forceNew: []string{"name"},
	defaults: map[string]any{
		"enableLogFileValidation": false, "enableLogging": true, "includeGlobalServiceEvents": true, "isMultiRegionTrail": false, "isOrganizationTrail": false,
	},
	texts: map[string]textRule{
		"name":                        trailName,
		"s3KeyPrefix":                 {most: 200, code: "InvalidS3PrefixException", want: "at most 200 characters"},
		"advancedEventSelectors.name": {most: 1000, code: "InvalidEventSelectorsException", want: "at most 1000 characters"},
	},
	arns:     []string{"cloudWatchLogsGroupArn", "cloudWatchLogsRoleArn", "kmsKeyId"},
	check:    checkTrail,
	complete: completeTrail,
	references: func(r *referring) {
		r.each("s3BucketName", Reference{TargetToken: Bucket, By: ByName, Code: "S3BucketDoesNotExistException"})
		// The key is of the bucket's region, and may be another account's.
		r.arn("kmsKeyId", Key, "KmsKeyNotFoundException")
		r.service("cloudWatchLogsGroupArn", map[string]string{"logs:log-group": LogGroup},
			Reference{SameRegion: true, SameAccount: true, Code: "InvalidCloudWatchLogsLogGroupArnException"})
		r.roleARN("cloudWatchLogsRoleArn", "InvalidCloudWatchLogsRoleArnException")
	},
}}

func checkTrail(c *checking) {
	if name := c.in.str("name"); ipAddress.MatchString(name) {
		c.fail("name", "InvalidTrailNameException", "%q looks like an IP address", name)
	}
	if prefix := c.in.str("s3KeyPrefix"); strings.HasPrefix(prefix, "/") || strings.HasSuffix(prefix, "/") {
		c.fail("s3KeyPrefix", "InvalidS3PrefixException", "%q begins or ends with a slash: CloudTrail puts one behind it", prefix)
	}
	group, role := c.in.has("cloudWatchLogsGroupArn"), c.in.has("cloudWatchLogsRoleArn")
	if group != role {
		c.fail("cloudWatchLogsRoleArn", "InvalidCloudWatchLogsRoleArnException", "a log group and a role to write to it are needed together")
	}
	if arn := c.in.str("cloudWatchLogsGroupArn"); group && arn != unknown && !strings.HasSuffix(arn, ":*") {
		c.fail("cloudWatchLogsGroupArn", "InvalidCloudWatchLogsLogGroupArnException", "%q: CloudTrail wants the ARN with :* at its end", arn)
	}
	if c.in.bool("isMultiRegionTrail") && c.in.has("includeGlobalServiceEvents") && !c.in.bool("includeGlobalServiceEvents") && !c.in.unknown("includeGlobalServiceEvents") {
		c.fail("includeGlobalServiceEvents", "InvalidParameterCombinationException", "a multi-Region trail must include global service events")
	}
	if c.in.bool("isOrganizationTrail") {
		if err := c.Place.Region.Require(partition.CloudTrailOrganization); err != nil {
			c.fail("isOrganizationTrail", "UnsupportedOperationException", "%v", err)
		}
	}
	c.without("advancedEventSelectors", "eventSelectors")
	c.trailSelectors()
}

var ipAddress = regexp.MustCompile(`^[0-9]+(\.[0-9]+){3}$`)

// trailSelectors checks advanced event selectors. See
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html
func (c *checking) trailSelectors() {
	const code = "InvalidEventSelectorsException"
	total := 0
	for i, v := range c.in.list("advancedEventSelectors") {
		selector := object(v)
		path := position("advancedEventSelectors", i)
		category := ""
		byField := map[string]view{}
		for _, f := range selector.list("fieldSelectors") {
			field := object(f)
			byField[field.str("field")] = field
			for _, operator := range []string{"equals", "startsWiths", "endsWiths", "notEquals", "notStartsWiths", "notEndsWiths"} {
				total += len(field.list(operator))
			}
		}
		for _, value := range byField["eventCategory"].list("equals") {
			category = text(value)
		}
		switch category {
		case "Management":
			for name := range byField {
				if name != "eventCategory" && name != "readOnly" && name != "eventSource" {
					c.fail(path, code, "management events can't be selected by %s", name)
				}
			}
		case "Data":
			if len(byField["resources.type"].list("equals")) != 1 {
				c.fail(path, code, "data events need resources.type with exactly one value")
			}
		case unknown:
		default:
			c.fail(path, code, "eventCategory must equal Management or Data, not %q", category)
		}
	}
	if total > maxSelectorValues {
		c.fail("advancedEventSelectors", code, "%d values in all selectors, %d at the most", total, maxSelectorValues)
	}
}

func completeTrail(c *completion) {
	// terraform-provider-aws, resource aws_cloudtrail: the id is the ARN.
	c.id = c.arn(partition.CloudTrail, "trail/"+c.str("name"))
	c.set("arn", c.id)
	c.set("homeRegion", string(c.Place.Region))
	c.def("snsTopicArn", "")
}
