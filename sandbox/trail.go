package sandbox

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
)

const trailToken = catalog.Trail

// trailInterval is about how often CloudTrail publishes log files:
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-working-with-log-files.html
const trailInterval = 5 * time.Minute

// copyOfTrail is behind a trail's name for its events that go to a log group, too.
const copyOfTrail = "/cloudwatch-logs"

// trailFile is CloudTrail writing the log files of a trail. Its events are those of the trail's home region.
//
//	prefix/AWSLogs/account/CloudTrail/region/yyyy/MM/dd/account_CloudTrail_region_yyyyMMddTHHmmZ_unique.json.gz
func trailFile(world Resources, o Object) *serviceFile {
	if o.State["enableLogging"].IsBool() && !flag(o, "enableLogging") {
		return nil
	}
	account, region, name := o.Place.Account, o.Place.Region, o.Text("name")
	arn := o.Place.ARN(partition.CloudTrail, "trail/"+name).String()
	head := trailFolder(world, o) + "CloudTrail/" + string(region) + "/"
	file := fmt.Sprintf("%s_CloudTrail_%s_", account, region)
	return &serviceFile{
		kind: SourceTrail, name: name, object: o, label: "trail " + name, bucket: bucketARNOf(o, "s3BucketName"), source: arn,
		service: partition.CloudTrail, looks: []string{"s3:GetBucketAcl"}, keyLooks: []string{"kms:DescribeKey", "kms:Decrypt"},
		context:  []string{"aws:SourceArn", arn, "aws:SourceAccount", string(account)},
		writer:   bucketWriter{key: o.Text("kmsKeyId"), encryptionContext: [2]string{"aws:cloudtrail:arn", arn}},
		interval: trailInterval, head: head,
		key: func(at time.Time, unique string) string {
			return head + at.UTC().Format("2006/01/02/") + file + at.UTC().Format("20060102T1504Z_") + unique + ".json.gz"
		},
		wrote: func(key string) bool {
			return strings.HasPrefix(key, head) && strings.HasPrefix(key[strings.LastIndexByte(key, '/')+1:], file)
		},
		open: `{"Records":[`, end: "]}",
		record: func(id string, at time.Time) any { return trailEvent(o.Place, id, at) },
		line:   func(record json.RawMessage) string { return member(record, "requestParameters", "logGroupName") },
		check:  anyText,
	}
}

// trailFolder is what all keys of a trail begin with. An organisation's trail has the organisation's id in it, which no property
// of the trail tells, but the bucket's policy does.
func trailFolder(world Resources, o Object) string {
	folder := joined(o.Text("s3KeyPrefix"), "AWSLogs/")
	if !flag(o, "isOrganizationTrail") {
		return folder + string(o.Place.Account) + "/"
	}
	id := "o-unknown000"
	for _, p := range world.List(bucketPolicyToken) {
		if m := organizationFolder.FindStringSubmatch(p.Text("policy")); m != nil && p.Text("bucket") == o.Text("s3BucketName") {
			id = m[1]
		}
	}
	return folder + id + "/" + string(o.Place.Account) + "/"
}

var organizationFolder = regexp.MustCompile(`/AWSLogs/(o-[a-z0-9]{10,32})/`)

// trailEvent is a record of CloudTrail: somebody creates a log group, whose name is what the record is made from.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
func trailEvent(place partition.Place, id string, at time.Time) map[string]any {
	logs, err := place.Endpoint(partition.Logs)
	if err != nil {
		logs = string(partition.Logs)
	}
	return map[string]any{
		"eventVersion": "1.11", "eventTime": at.UTC().Format("2006-01-02T15:04:05Z"), "eventSource": logs, "eventName": "CreateLogGroup",
		"awsRegion": string(place.Region), "sourceIPAddress": "198.51.100.7", "userAgent": "sandbox",
		"userIdentity":      map[string]any{"type": "AssumedRole", "arn": place.AssumedRoleARN("operator", "session").String(), "accountId": string(place.Account)},
		"requestParameters": map[string]any{"logGroupName": id}, "responseElements": nil,
		"eventID": uuidOf("event " + place.String() + id), "requestID": uuidOf("request " + place.String() + id),
		"readOnly": false, "eventType": "AwsApiCall", "managementEvent": true, "recipientAccountId": string(place.Account), "eventCategory": "Management",
	}
}

// trailCopy is the source that is a trail's events on their way through a log group, if it has one.
func trailCopy(o Object) (Source, bool) {
	arn, err := partition.ParseARN(strings.TrimSuffix(o.Text("cloudWatchLogsGroupArn"), ":*"))
	if err != nil {
		return Source{}, false
	}
	return Source{
		Kind: SourceTrail, Place: o.Place, Name: o.Text("name") + copyOfTrail, trail: &o,
		group:     strings.TrimPrefix(arn.Resource, "log-group:"),
		logStream: fmt.Sprintf("%s_CloudTrail_%s", o.Place.Account, o.Place.Region),
	}, true
}

// authorizeTrailToLogs takes the hops of CloudTrail into a log group:
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-required-policy-for-cloudwatch-logs.html
func (t *transfer) authorizeTrailToLogs(s Source) error {
	service, err := serviceCaller(s.Place, partition.CloudTrail, partition.Trust)
	if err != nil {
		return err
	}
	label := "trail " + s.trail.Text("name")
	role, err := partition.ParseARN(s.trail.Text("cloudWatchLogsRoleArn"))
	if err != nil {
		return fmt.Errorf("sandbox: %s: cloudWatchLogsRoleArn: %w", label, err)
	}
	assume := Hop{
		Step: "CloudTrail assumes the role of " + label, Principal: service, Action: "sts:AssumeRole", Resource: role.String(), Owner: role.Account, Place: s.Place,
	}.with("aws:SecureTransport", "true")
	if err := t.authorize(assume); err != nil {
		return err
	}
	return t.authorizeLogStream(s, role, "CloudTrail", "cloudtrail")
}
