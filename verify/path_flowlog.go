package verify

import (
	"fmt"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// flowLogName is what the flow log is about.
func flowLogName(r *Resource) string {
	for _, property := range []string{"vpcId", "subnetId", "eniId", "transitGatewayId", "transitGatewayAttachmentId"} {
		if id := r.text(property); id != "" {
			return id
		}
	}
	return r.ID
}

// flowLogGroup is the log group that a flow log writes to; "" for other destinations.
func flowLogGroup(r *Resource) string {
	if t := r.text("logDestinationType"); t != "" && t != "cloud-watch-logs" {
		return ""
	}
	if name := r.text("logGroupName"); name != "" {
		return name
	}
	arn, err := partition.ParseARN(strings.TrimSuffix(r.text("logDestination"), ":*"))
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(arn.Resource, "log-group:")
}

// flowLogGroups are the groups that flow logs write to. Their subscriptions belong to the flow logs' paths.
func (e *evaluation) flowLogGroups() map[string]bool {
	fed := map[string]bool{}
	for _, r := range e.byType[typeFlowLog] {
		if group := flowLogGroup(r); group != "" {
			fed[groupKey(r.Place, group)] = true
		}
	}
	return fed
}

func (e *evaluation) flowLog(r *Resource) *segment {
	switch kind := r.text("logDestinationType"); kind {
	case "s3":
		return e.flowLogToBucket(r)
	case "kinesis-data-firehose":
		return e.flowLogToStream(r)
	case "", "cloud-watch-logs":
		return e.flowLogToGroup(r)
	default:
		s := &segment{}
		s.broken(r.URN, "logDestinationType", fmt.Sprintf("%q isn't known", kind), "use s3, cloud-watch-logs or kinesis-data-firehose")
		return s
	}
}

// flowLogToBucket is what the log delivery service asks of the bucket and its key
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-S3.html). No role is involved.
func (e *evaluation) flowLogToBucket(r *Resource) *segment {
	s := &segment{}
	destination := r.text("logDestination")
	name, prefix := splitBucketARN(destination)
	b, ok := e.bucketByARN(name)
	if !ok {
		s.broken(r.URN, "logDestination", fmt.Sprintf("there is no bucket %q", name), "declare the bucket, or name one that is declared")
		return s
	}
	if role := r.text("iamRoleArn"); role != "" {
		s.broken(r.URN, "iamRoleArn", "a flow log to S3 takes no role: AWS refuses the call", "leave iamRoleArn out; the bucket policy is what allows delivery")
	}
	caller, err := service(r.Place, partition.LogDelivery)
	if s.refuse(r, err) {
		return s
	}
	account := string(r.Place.Account)
	// The service names itself with an ARN of service logs, in the flow log's region.
	context := map[string][]string{
		"aws:SourceAccount": {account},
		"aws:SourceArn":     {r.Place.ARN(partition.Logs, "delivery-source/"+r.ID).String()},
	}
	q := request{title: "log delivery looks at the bucket", caller: caller, owner: b.Place.Account, carrier: r.URN, context: context}.
		with("aws:SecureTransport", "true").with("s3:TlsVersion", "1.2")
	s.prove(e, q.do(b.arn, "s3:GetBucketAcl", "s3:ListBucket"))
	q.title = "log delivery writes objects"
	folder := "AWSLogs/" + account + "/vpcflowlogs/" + string(r.Place.Region)
	if r.item("destinationOptions").flag("hiveCompatiblePartitions") {
		folder = "AWSLogs/aws-account-id=" + account + "/aws-service=vpcflowlogs/aws-region=" + string(r.Place.Region)
	}
	object := joinKey(prefix, folder, "00/00/00/object.log.gz")
	// It sends the ACL header, as AWS's example policy demands; a statement may have a condition on it.
	s.prove(e, q.with("s3:x-amz-acl", "bucket-owner-full-control").do(b.arn+"/"+object, "s3:PutObject"))
	e.encrypt(s, r, caller, b, object, []string{
		// All five are in AWS's key policy for log delivery (same document); LZA #768 lost logs for want of kms:Encrypt.
		"kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:DescribeKey",
	}, context)
	s.route = append(s.route, "bucket "+b.name)
	return s
}

// flowLogToGroup is the flow log service writing as its role, and then the group's subscriptions.
func (e *evaluation) flowLogToGroup(r *Resource) *segment {
	s := &segment{}
	name := flowLogGroup(r)
	group, ok := e.groups[groupKey(r.Place, name)]
	if !ok {
		s.broken(r.URN, "logDestination", fmt.Sprintf("there is no log group %q in %s", name, r.Place), "declare the log group")
		return s
	}
	caller, err := service(r.Place, partition.VPCFlowLogs)
	if s.refuse(r, err) {
		return s
	}
	// https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
	acting, ok := e.assume(s, r, "iamRoleArn", "the flow log service acts as its role", caller, map[string][]string{
		"aws:SourceAccount": {string(r.Place.Account)},
		"aws:SourceArn":     {r.Place.ARN(partition.EC2, "vpc-flow-log/"+r.ID).String()},
	})
	if !ok {
		return s
	}
	q := request{title: "the flow log service writes events", caller: acting, owner: group.Place.Account, carrier: r.URN}
	s.prove(e, q.do(r.Place.LogGroupARN(name+":*").String(), "logs:CreateLogStream", "logs:DescribeLogStreams"))
	s.prove(e, q.do(r.Place.LogGroupARN(name+":log-stream:"+flowLogName(r)+"-all").String(), "logs:PutLogEvents"))
	s.route = append(s.route, "log group "+name)
	carried := false
	for _, filter := range e.filtersOf(group) {
		s.then(e.subscription(filter))
		carried = true
	}
	if !carried {
		s.broken(group.URN, "", fmt.Sprintf("flow logs end in log group %s: no subscription filter carries them to the archive", name), "add a subscription filter to the log group")
	}
	return s
}

// flowLogToStream is the log delivery service putting records with a service-linked role, which it has for streams with
// the tag LogDeliveryEnabled=true (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-Firehose.html).
func (e *evaluation) flowLogToStream(r *Resource) *segment {
	s := &segment{}
	destination := r.text("logDestination")
	stream, ok := e.byARN[destination]
	if !ok || stream.Type != typeStream {
		s.broken(r.URN, "logDestination", fmt.Sprintf("there is no Firehose stream %q", destination), "declare the stream, or name one that is declared")
		return s
	}
	if err := r.Place.Partition().Require(partition.FlowLogsToFirehose); err != nil {
		s.broken(r.URN, "logDestinationType", err.Error(), "send the flow log to a log group with a subscription filter, or to S3")
	}
	if tag := stream.item("tags").text("LogDeliveryEnabled"); tag != "true" {
		s.broken(stream.URN, "tags", "the log delivery service may put records only into streams with the tag LogDeliveryEnabled=true", "add the tag")
	}
	s.then(e.stream(stream))
	return s
}

func (e *evaluation) filtersOf(group *Resource) []*Resource {
	return e.filters[groupKey(group.Place, group.text("name"))]
}

// splitBucketARN splits arn:…:s3:::bucket/prefix into the bucket's ARN and the prefix.
func splitBucketARN(arn string) (bucket, prefix string) {
	bucket, prefix, _ = strings.Cut(arn, "/")
	return bucket, prefix
}

// joinKey joins parts of a key with single slashes, as the delivery service does with a prefix that ends in one.
func joinKey(parts ...string) string {
	var kept []string
	for _, p := range parts {
		if p = strings.Trim(p, "/"); p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, "/")
}
