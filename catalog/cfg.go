package catalog

import (
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// Tokens of AWS Config.
const (
	Recorder        = "aws:cfg/recorder:Recorder"
	RecorderStatus  = "aws:cfg/recorderStatus:RecorderStatus"
	DeliveryChannel = "aws:cfg/deliveryChannel:DeliveryChannel"
)

// configName is the form of the names of recorders and channels, which are "default" where the console makes them.
var configName = textRule{least: 1, most: 256, want: "1 to 256 characters"}

// AWS Config has one recorder and one channel in an account and region. The order in which they are made is the API's: a channel
// wants a recorder, and a recorder starts when there is a channel.
//
// See https://docs.aws.amazon.com/config/latest/APIReference/API_PutDeliveryChannel.html
var configModels = []*model{{
	token: Recorder, nameProperty: "name", idFromInputs: true, code: "InvalidConfigurationRecorderNameException",
	forceNew: []string{"name"}, // terraform-provider-aws, resource aws_config_configuration_recorder
	texts:    map[string]textRule{"name": configName},
	arns:     []string{"roleArn"},
	enums:    map[string][]string{"recordingMode.recordingFrequency": {"CONTINUOUS", "DAILY"}},
	check: func(c *checking) {
		const code = "InvalidRecordingGroupException"
		group := c.in.obj("recordingGroup")
		all := !group.has("allSupported") || group.bool("allSupported") || group.unknown("allSupported")
		if all && len(group.list("resourceTypes")) > 0 {
			c.fail("recordingGroup.resourceTypes", code, "not together with allSupported")
		}
		if !all && group.bool("includeGlobalResourceTypes") {
			c.fail("recordingGroup.includeGlobalResourceTypes", code, "only together with allSupported")
		}
	},
	complete: func(c *completion) {
		c.id = c.str("name")
		c.def("recordingGroup", map[string]any{})
		c.nested("recordingGroup", map[string]any{"allSupported": true, "includeGlobalResourceTypes": false})
		c.def("recordingMode", map[string]any{"recordingFrequency": "CONTINUOUS"})
	},
	references: func(r *referring) {
		for _, f := range r.in.find("roleArn") {
			if strings.Contains(text(f.value), ":role/aws-service-role/") {
				r.add(Reference{Property: f.path, TargetToken: ServiceLinkedRole, By: ByARN, Value: text(f.value), SameAccount: true, Code: "InvalidRoleException"})
				return
			}
		}
		r.roleARN("roleArn", "InvalidRoleException")
	},
}, {
	token: RecorderStatus, nameProperty: "name", idFromInputs: true, code: "NoSuchConfigurationRecorderException",
	forceNew: []string{"name"}, // terraform-provider-aws, resource aws_config_configuration_recorder_status
	complete: func(c *completion) {
		c.id = c.str("name")
		c.set("name", c.id)
	},
	references: func(r *referring) { r.name("name", Recorder, "NoSuchConfigurationRecorderException") },
}, {
	token: DeliveryChannel, nameProperty: "name", idFromInputs: true, code: "InvalidDeliveryChannelNameException",
	forceNew: []string{"name"}, // terraform-provider-aws, resource aws_config_delivery_channel
	texts:    map[string]textRule{"name": configName},
	arns:     []string{"s3KmsKeyArn", "snsTopicArn"},
	enums: map[string][]string{"snapshotDeliveryProperties.deliveryFrequency": {
		"One_Hour", "Three_Hours", "Six_Hours", "Twelve_Hours", "TwentyFour_Hours"}},
	check: func(c *checking) {
		if prefix := c.in.str("s3KeyPrefix"); strings.HasPrefix(prefix, "/") || strings.HasSuffix(prefix, "/") {
			c.fail("s3KeyPrefix", "InvalidS3KeyPrefixException", "%q begins or ends with a slash: AWS Config puts one behind it", prefix)
		}
		if arn, ok := c.known("s3KmsKeyArn"); ok && arn.Service != partition.KMS {
			c.fail("s3KmsKeyArn", "InvalidS3KmsKeyArnException", "%q is not the ARN of a key", arn)
		}
	},
	complete: func(c *completion) { c.id = c.str("name") },
	references: func(r *referring) {
		r.each("s3BucketName", Reference{TargetToken: Bucket, By: ByName, Code: "NoSuchBucketException"})
		r.arn("s3KmsKeyArn", Key, "InvalidS3KmsKeyArnException")
		r.arn("snsTopicArn", Topic, "InvalidSNSTopicARNException")
	},
}, {
	token: ServiceLinkedRole, idFromInputs: true, code: "InvalidInput",
	// terraform-provider-aws, resource aws_iam_service_linked_role: ForceNew of both.
	forceNew: []string{"awsServiceName", "customSuffix"},
	texts:    map[string]textRule{"description": iamDescription},
	check: func(c *checking) {
		if name := c.in.str("awsServiceName"); name != unknown && linkedRole(c.Place, name) == "" {
			c.fail("awsServiceName", "InvalidInput", "%q is not a service whose linked role the table knows", name)
		}
	},
	complete: func(c *completion) {
		service := c.str("awsServiceName")
		if c.id = linkedRole(c.Place, service); c.id == "" { // refused by check
			c.id = c.arn(partition.IAM, "role/aws-service-role/"+service+"/AWSServiceRole")
		}
		c.set("arn", c.id)
		c.set("name", lastPart(c.id))
		c.set("path", "/aws-service-role/"+c.str("awsServiceName")+"/")
		c.set("uniqueId", c.uniqueID("AROA"))
		c.set("createDate", created)
	},
}}

// linkedRole is the ARN of a service's linked role, by the service's principal; "" for one that the table doesn't have.
func linkedRole(place partition.Place, principal string) string {
	for _, s := range []partition.Service{partition.Config} {
		if name, err := place.ServicePrincipal(s); err != nil || string(name) != principal {
			continue
		}
		if arn, err := place.ServiceLinkedRoleARN(s); err == nil {
			return arn.String()
		}
	}
	return ""
}
