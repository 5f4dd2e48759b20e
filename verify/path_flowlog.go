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

func (e *evaluation) flowLog(s *segment, r *Resource) {
	switch kind := r.text("logDestinationType"); kind {
	case "s3":
		e.flowLogToBucket(s, r)
	case "kinesis-data-firehose":
		e.flowLogToStream(s, r)
	case "", "cloud-watch-logs":
		e.flowLogToGroup(s, r)
	default:
		s.broken(r.URN, "logDestinationType", fmt.Sprintf("%q isn't known", kind), "use s3, cloud-watch-logs or kinesis-data-firehose")
	}
}

// flowLogToBucket is what the log delivery service asks of the bucket and its key
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-S3.html). No role is involved.
func (e *evaluation) flowLogToBucket(s *segment, r *Resource) {
	destination := r.text("logDestination")
	name, prefix := splitBucketARN(destination)
	b, ok := e.bucketByARN(name)
	if !ok {
		s.to(Stop{Kind: KindNowhere, Name: name})
		reason, remedy := e.noBucket(name)
		s.broken(r.URN, "logDestination", reason, remedy)
		return
	}
	s.to(bucketStop(b))
	e.keeps(b)
	if role := r.text("iamRoleArn"); role != "" {
		s.broken(r.URN, "iamRoleArn", "a flow log to S3 takes no role: AWS refuses the call", "leave iamRoleArn out; the bucket policy is what allows delivery")
	}
	account := string(r.Place.Account)
	folder, name := "AWSLogs/"+account, "vpcflowlogs/"+string(r.Place.Region)
	if r.item("destinationOptions").flag("hiveCompatiblePartitions") {
		folder, name = "AWSLogs/aws-account-id="+account, "aws-service=vpcflowlogs/aws-region="+string(r.Place.Region)
	}
	e.logDelivery(s, r, b, joinKey(prefix, folder), name+"/00/00/00/object.log.gz")
	e.lands(s, b, joinKey(prefix, folder, name))
}

// logDelivery are the requests of the log delivery service to a bucket and its key. The folder is the source account's.
func (e *evaluation) logDelivery(s *segment, r *Resource, b *bucket, folder, name string) {
	caller, err := service(r.Place, partition.LogDelivery)
	if s.refuse(r, err) {
		return
	}
	// The service names itself with an ARN of service logs, in the source's region.
	from := r.Place.ARN(partition.Logs, "delivery-source/sample").String()
	object := b.arn + "/" + joinKey(folder, name)
	deputy := request{title: "log delivery looks at the bucket", caller: caller, owner: b.Place.Account, carrier: r.URN}.
		with("aws:SourceAccount", string(r.Place.Account)).with("aws:SourceArn", from).
		sampling(from, r.Place.ARN(partition.Logs, "*").String()).sampling(object, b.arn+"/"+folder+"/*")
	q := deputy.overTLS()
	s.prove(e, q.do(b.arn, "s3:GetBucketAcl", "s3:ListBucket"))
	q.title = "log delivery writes objects"
	// It sends the ACL header, as AWS's example policy demands; a statement may have a condition on it. To a bucket without
	// access lists it was seen to send none, and a statement that demands it then lets nothing in, without a word (cloudposse
	// terraform-aws-vpc-flow-logs-s3-bucket PR#101): there both must be allowed.
	s.prove(e, q.with("s3:x-amz-acl", "bucket-owner-full-control").do(object, "s3:PutObject"))
	if ownerEnforced(b) {
		s.prove(e, q.do(object, "s3:PutObject"))
	}
	e.encrypt(s, b, "", object, deputy, []string{
		// All five are in AWS's key policy for log delivery (same document). kms:Encrypt is easily forgotten: LZA #768.
		"kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:DescribeKey",
	})
}

// flowLogToGroup is the flow log service writing as its role, and then the group's subscriptions.
func (e *evaluation) flowLogToGroup(s *segment, r *Resource) {
	name := flowLogGroup(r)
	group, ok := e.groups[groupKey(r.Place, name)]
	if !ok {
		s.to(Stop{Kind: KindNowhere, Name: name})
		s.broken(r.URN, "logDestination", fmt.Sprintf("there is no log group %q in %s", name, r.Place), "declare the log group")
		return
	}
	s.to(Stop{KindLogGroup, name, group.Place})
	caller, err := service(r.Place, partition.VPCFlowLogs)
	if s.refuse(r, err) {
		return
	}
	// The flow log's id isn't known before it exists: a policy must leave it open.
	// https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
	arn := r.Place.ARN(partition.EC2, "vpc-flow-log/"+r.ID).String()
	acting, ok := e.assume(s, r, "iamRoleArn", r.text("iamRoleArn"), request{title: "the flow log service acts as its role", caller: caller}.
		with("aws:SourceAccount", string(r.Place.Account)).with("aws:SourceArn", arn).
		sampling(arn, r.Place.ARN(partition.EC2, "vpc-flow-log/*").String()))
	if !ok {
		return
	}
	q := request{title: "the flow log service writes events", caller: acting, owner: group.Place.Account, carrier: r.URN}
	s.prove(e, q.do(r.Place.LogGroupARN(name+":*").String(), "logs:CreateLogStream", "logs:DescribeLogStreams"))
	stream := r.Place.LogGroupARN(name + ":log-stream:" + flowLogName(r) + "-all").String()
	s.prove(e, q.sampling(stream, r.Place.LogGroupARN(name+":*").String()).do(stream, "logs:PutLogEvents"))
	if len(e.linksOf(group)) == 0 {
		s.broken(group.URN, "", fmt.Sprintf("flow logs end in log group %s: no subscription filter carries them to the archive", name), "add a subscription filter to the log group")
	}
	e.carriedOn(s, group)
}

// carriedOn is what each of a log group's subscriptions does with what was written to it.
func (e *evaluation) carriedOn(s *segment, group *Resource) {
	from := s.at
	for _, l := range e.linksOf(group) {
		s.at = from
		e.subscription(s, l)
	}
}

// flowLogToStream is the log delivery service putting records with a service-linked role, which it has for streams with
// the tag LogDeliveryEnabled=true (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-Firehose.html).
func (e *evaluation) flowLogToStream(s *segment, r *Resource) {
	stream, ok := e.followStream(s, r, "logDestination", r.text("logDestination"))
	if !ok {
		return
	}
	if err := r.Place.Partition().Require(partition.FlowLogsToFirehose); err != nil {
		s.broken(r.URN, "logDestinationType", err.Error(), "send the flow log to a log group with a subscription filter, or to S3")
	}
	if !deliveryEnabled(stream) {
		s.broken(stream.URN, "tags", "the log delivery service may put records only into streams with the tag LogDeliveryEnabled=true", "add the tag")
	}
	s.then(e.stream(stream))
}

// deliveryEnabled looks at the stream's own tags, and at those with the provider's default tags among them.
func deliveryEnabled(stream *Resource) bool {
	return stream.item("tags").text("LogDeliveryEnabled") == "true" || stream.item("tagsAll").text("LogDeliveryEnabled") == "true"
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
