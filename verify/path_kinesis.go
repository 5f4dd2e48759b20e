package verify

import (
	"fmt"

	"github.com/logarchive/logarchive/partition"
)

// dataStream is the way through a Kinesis data stream: CloudWatch Logs puts records into it, and every Firehose stream that
// reads from it carries them on.
func (e *evaluation) dataStream(s *segment, r, stream *Resource, acting Caller) {
	arn := stream.text("arn")
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html#DestinationKinesisExample
	q := request{title: "CloudWatch Logs puts records", caller: acting, owner: stream.Place.Account, carrier: r.URN}
	s.prove(e, q.do(arn, "kinesis:PutRecord"))
	e.kinesisKey(s, q, stream, "kms:GenerateDataKey")
	from, carried := s.at, false
	for _, reader := range e.byType[typeStream] {
		if reader.item("kinesisSourceConfiguration").text("kinesisStreamArn") != arn {
			continue
		}
		carried = true
		s.at = from
		s.then(e.shared("source "+reader.text("arn"), from, func(s *segment) { e.readStream(s, reader, stream) }))
	}
	if !carried {
		s.broken(stream.URN, "", fmt.Sprintf("records end in Kinesis stream %s: no Firehose stream reads them", stream.text("name")), "let a Firehose stream read it (kinesisSourceConfiguration)")
	}
}

// readStream are the requests of a Firehose stream to its source
// (https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#firehose-assume-role-kinesis).
func (e *evaluation) readStream(s *segment, r, stream *Resource) {
	s.to(streamStop(r))
	caller, err := service(r.Place, partition.Firehose)
	if s.refuse(r, err) {
		return
	}
	const property = "kinesisSourceConfiguration.roleArn"
	acting, ok := e.assume(s, r, property, r.item("kinesisSourceConfiguration").text("roleArn"),
		request{title: "Firehose acts as the role that reads its source", caller: caller}.with("sts:ExternalId", string(r.Place.Account)))
	if !ok {
		return
	}
	q := request{title: "Firehose reads its source", caller: acting, owner: stream.Place.Account, carrier: r.URN}
	s.prove(e, q.do(stream.text("arn"), "kinesis:DescribeStream", "kinesis:GetShardIterator", "kinesis:GetRecords", "kinesis:ListShards"))
	e.kinesisKey(s, q, stream, "kms:Decrypt")
	s.then(e.stream(r))
}

// kinesisKey is the use of the key of an encrypted Kinesis stream. The AWS managed key lets everybody of the account use it
// who may use the stream.
func (e *evaluation) kinesisKey(s *segment, q request, stream *Resource, action string) {
	name := stream.text("kmsKeyId")
	if stream.text("encryptionType") != "KMS" || name == "" || name == "alias/aws/kinesis" {
		return
	}
	k, ok := e.keyOf(stream.Place, name)
	if !ok {
		s.broken(stream.URN, "kmsKeyId", fmt.Sprintf("there is no key %q", name), "declare the key: its policy is part of the proof")
		return
	}
	via, err := stream.Place.ViaService(partition.Kinesis)
	if s.refuse(stream, err) {
		return
	}
	// https://docs.aws.amazon.com/streams/latest/dev/permissions-user-key-KMS.html
	q.title, q.owner = "Kinesis encrypts records", k.Place.Account
	s.prove(e, q.with("kms:ViaService", via).with("kms:EncryptionContextKeys", "aws:kinesis:arn").
		with("kms:EncryptionContext:aws:kinesis:arn", stream.text("arn")).do(k.arn, action))
}
