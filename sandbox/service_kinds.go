package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
)

// configFile is AWS Config delivering what has changed, as its service-linked role has it done: under its own name.
// https://docs.aws.amazon.com/config/latest/developerguide/s3-bucket-policy.html
//
//	prefix/AWSLogs/account/Config/region/yyyy/M/d/ConfigHistory/account_Config_region_ConfigHistory_type_begin_end_n.json.gz
func configFile(world Resources, o Object) *serviceFile {
	recording := false
	for _, status := range world.List(catalog.RecorderStatus) {
		recording = recording || status.Place == o.Place && flag(status, "isEnabled")
	}
	if !recording {
		return nil
	}
	return channelFile(o)
}

// channelFile is a delivery channel's, whether anything is recorded or not.
func channelFile(o Object) *serviceFile {
	account, region := o.Place.Account, o.Place.Region
	head := joined(o.Text("s3KeyPrefix"), fmt.Sprintf("AWSLogs/%s/Config/%s/", account, region))
	const resourceType = "AWS::EC2::SecurityGroup"
	file := fmt.Sprintf("%s_Config_%s_ConfigHistory_%s_", account, region, resourceType)
	const form = "20060102T150405Z"
	return &serviceFile{
		kind: SourceConfig, name: o.Text("name"), object: o, label: "recorder " + o.Text("name"), bucket: bucketARNOf(o, "s3BucketName"),
		source:  o.Place.ARN(partition.Config, "delivery-channel/"+o.Text("name")).String(),
		service: partition.Config, looks: []string{"s3:GetBucketAcl", "s3:ListBucket"},
		context: []string{"aws:SourceAccount", string(account)},
		writer:  bucketWriter{key: o.Text("s3KmsKeyArn")},
		// Changes are delivered every six hours: https://docs.aws.amazon.com/config/latest/developerguide/config-concepts.html
		interval: 6 * time.Hour, head: head,
		key: func(at time.Time, unique string) string {
			return head + at.UTC().Format("2006/1/2/") + "ConfigHistory/" + file + at.UTC().Format(form) + "_" + at.UTC().Add(6*time.Hour).Format(form) + "_" + unique[:1] + ".json.gz"
		},
		wrote: func(key string) bool {
			return strings.HasPrefix(key, head) && strings.HasPrefix(key[strings.LastIndexByte(key, '/')+1:], file)
		},
		open: `{"fileVersion":"1.0","configurationItems":[`, end: "]}",
		record: func(id string, at time.Time) any {
			return map[string]any{
				"configurationItemVersion": "1.3", "configurationItemCaptureTime": at.UTC().Format(time.RFC3339Nano), "configurationItemStatus": "OK",
				"resourceType": resourceType, "resourceId": id, "awsAccountId": string(account), "awsRegion": string(region),
				"configurationStateId": at.UnixMilli(), "tags": map[string]string{}, "relationships": []any{},
			}
		},
		line:  func(record json.RawMessage) string { return member(record, "resourceId") },
		check: anyText,
	}
}

// findingsFile is GuardDuty publishing findings, each as a line of JSON.
// https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_exportfindings.html
//
//	AWSLogs/account/GuardDuty/region/yyyy/MM/dd/uuid.jsonl.gz
func findingsFile(_ Resources, o Object) *serviceFile {
	account, region, id := o.Place.Account, o.Place.Region, o.Text("detectorId")
	destination, prefix, _ := strings.Cut(o.Text("destinationArn"), "/")
	head := joined(prefix, fmt.Sprintf("AWSLogs/%s/GuardDuty/%s/", account, region))
	detector := o.Place.ARN(partition.GuardDuty, "detector/"+id).String()
	return &serviceFile{
		kind: SourceFindings, name: id, object: o, label: "detector " + id, bucket: destination, source: detector,
		service: partition.GuardDuty, looks: []string{"s3:GetBucketLocation"},
		context:  []string{"aws:SourceAccount", string(account), "aws:SourceArn", detector},
		writer:   bucketWriter{key: o.Text("kmsKeyArn")},
		interval: 5 * time.Minute, head: head,
		key: func(at time.Time, unique string) string {
			return head + at.UTC().Format("2006/01/02/") + uuidOf(detector+unique) + ".jsonl.gz"
		},
		wrote: func(key string) bool { return strings.HasPrefix(key, head) && strings.HasSuffix(key, ".jsonl.gz") },
		record: func(title string, at time.Time) any {
			finding := strings.ReplaceAll(uuidOf(detector+title), "-", "")
			return map[string]any{
				"schemaVersion": "2.0", "accountId": string(account), "region": string(region), "partition": string(o.Place.Partition()), "id": finding,
				"arn": detector + "/finding/" + finding, "type": "Recon:EC2/PortProbeUnprotectedPort", "severity": 2, "title": title,
				"createdAt": at.UTC().Format(time.RFC3339), "updatedAt": at.UTC().Format(time.RFC3339),
				"service": map[string]any{"serviceName": "guardduty", "detectorId": id, "count": 1},
			}
		},
		line:  func(record json.RawMessage) string { return member(record, "title") },
		check: anyText,
	}
}

var queryName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,63}(\.[a-zA-Z0-9_-]{1,63})*$`)

// queryLogFile is the log delivery service writing the DNS queries of one VPC, each as a line of JSON.
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-query-logs-choosing-target-resource.html
//
//	prefix/AWSLogs/account/vpcdnsquerylogs/vpc/yyyy/MM/dd/vpc_vpcdnsquerylogs_account_yyyyMMddTHHmmZ_unique.log.gz
func queryLogFile(world Resources, o Object) *serviceFile {
	config, ok := find(world, catalog.QueryLogConfig, func(c *Object) bool { return c.Place == o.Place && c.ID == o.Text("resolverQueryLogConfigId") })
	arn, err := partition.ParseARN(config.Text("destinationArn"))
	if !ok || err != nil || arn.Service != partition.S3 {
		return nil // to a log group, whose events are its own
	}
	account, vpc := o.Place.Account, o.Text("resourceId")
	destination, prefix, _ := strings.Cut(arn.String(), "/")
	head := joined(prefix, fmt.Sprintf("AWSLogs/%s/vpcdnsquerylogs/%s/", account, vpc))
	return &serviceFile{
		kind: SourceQueryLog, name: vpc, object: o, label: "query log " + vpc, bucket: destination, source: config.ARN(),
		service: partition.LogDelivery, looks: []string{"s3:GetBucketAcl"},
		context:  []string{"aws:SourceAccount", string(account), "aws:SourceArn", o.Place.ARN(partition.LogDelivery, "*").String()},
		interval: 5 * time.Minute, head: head,
		key: func(at time.Time, unique string) string {
			return head + at.UTC().Format("2006/01/02/") + fmt.Sprintf("%s_vpcdnsquerylogs_%s_%s_%s.log.gz", vpc, account, at.UTC().Format("20060102T1504Z"), strings.ToLower(unique[:6]))
		},
		wrote: func(key string) bool { return strings.HasPrefix(key, head) && strings.HasSuffix(key, ".log.gz") },
		record: func(name string, at time.Time) any {
			return map[string]any{
				"version": "1.100000", "account_id": string(account), "region": string(o.Place.Region), "vpc_id": vpc, "query_timestamp": at.UTC().Format(time.RFC3339),
				"query_name": name + ".", "query_type": "A", "query_class": "IN", "rcode": "NOERROR", "answers": []any{}, "srcaddr": "10.0.0.10", "srcport": "53211", "transport": "UDP",
				"srcids": map[string]string{"instance": "i-0123456789abcdef0"},
			}
		},
		line: func(record json.RawMessage) string { return strings.TrimSuffix(member(record, "query_name"), ".") },
		check: func(name string) error {
			if !queryName.MatchString(name) || len(name) > 253 {
				return errors.New("it isn't a name that DNS could be asked for")
			}
			return nil
		},
	}
}

// oneOfAKind has the types of which an account and region have one at the most, with AWS's answer to another.
var oneOfAKind = map[string]struct{ code, message string }{
	catalog.Recorder:        {"MaxNumberOfConfigurationRecordersExceededException", "Failed to put configuration recorder because the maximum number of configuration recorders: 1 is reached."},
	catalog.DeliveryChannel: {"MaxNumberOfDeliveryChannelsExceededException", "Failed to put delivery channel because the maximum number of delivery channels: 1 is reached."},
	catalog.Detector:        {"BadRequestException", "The request is rejected because a detector already exists for the current account."},
}

// refuseServiceOrder refuses a second one of its kind, and what AWS Config wants in another order: a channel needs a recorder, and a
// recorder starts when there is a channel.
func (x *index) refuseServiceOrder(refused *refusals, o *Object) {
	there := func(token string) bool {
		for _, other := range x.types[token] {
			if other.Place == o.Place && other.ID != o.ID {
				return true
			}
		}
		return false
	}
	if one, ok := oneOfAKind[o.Type]; ok && there(o.Type) {
		refused.add(one.code, "%s", one.message)
	}
	if o.Type == catalog.DeliveryChannel && len(x.byIDAt(catalog.Recorder, o.Place, configRecorderName(x, o))) == 0 {
		refused.add("NoAvailableConfigurationRecorderException", "Configuration recorder is not available to put delivery channel.")
	}
	if o.Type == catalog.RecorderStatus && flag(*o, "isEnabled") {
		channel := false
		for _, other := range x.types[catalog.DeliveryChannel] {
			channel = channel || other.Place == o.Place
		}
		if !channel {
			refused.add("NoAvailableDeliveryChannelException", "Delivery channel is not available to start configuration recorder.")
		}
	}
}

// configRecorderName is the name of the recorder at an object's place, "" when there is none.
func configRecorderName(x *index, o *Object) string {
	for _, other := range x.types[catalog.Recorder] {
		if other.Place == o.Place {
			return other.ID
		}
	}
	return ""
}
