package verify

import (
	"fmt"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// notification is the way of a bucket's events to queues, topics and functions
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html). S3 sends a test event when
// the configuration is put, and refuses it when one target refuses; a policy that is narrowed later loses events in silence.
func (e *evaluation) notification(s *segment, r *Resource) {
	source := s.at
	b := bucketName(r.text("bucket"))
	arn := partition.BucketARN(r.Place.Partition(), b).String()
	caller, err := service(r.Place, partition.S3)
	for _, target := range []struct{ list, property, kind, action string }{
		{"queues", "queueArn", KindQueue, "sqs:SendMessage"},
		{"topics", "topicArn", KindTopic, "sns:Publish"},
		{"lambdaFunctions", "lambdaFunctionArn", KindFunction, "lambda:InvokeFunction"},
	} {
		seen := map[string]bool{}
		for _, item := range r.items(target.list) {
			if arn := item.text(target.property); seen[arn] && arn != "" {
				continue // another prefix, the same way
			}
			seen[item.text(target.property)] = true
			s.at = source
			to, ok := e.toEndpoint(s, r, target.kind, target.list+"."+target.property, item.text(target.property))
			if s.refuse(r, err) {
				return
			}
			if !ok {
				continue
			}
			if to.Place.Region != r.Place.Region {
				s.broken(r.URN, target.list+"."+target.property, fmt.Sprintf("it is in %s, the bucket in %s", to.Place.Region, r.Place.Region), "use one of the bucket's region")
			}
			q := request{title: "S3 tells of new objects", caller: caller, owner: to.Place.Account, carrier: r.URN, context: map[string][]string{
				"aws:SourceArn": {arn}, "aws:SourceAccount": {string(r.Place.Account)},
			}}
			s.prove(e, q.do(to.arn, target.action))
			e.enqueueEncrypted(s, q, to)
			if target.kind == KindTopic {
				e.fanOut(s, to)
			}
		}
	}
}

// toEndpoint begins the step to a queue, topic or function.
func (e *evaluation) toEndpoint(s *segment, r *Resource, kind, property, arn string) (*endpoint, bool) {
	to, ok := e.queues[arn]
	if !ok {
		s.to(Stop{Kind: KindNowhere, Name: arn})
		s.broken(r.URN, property, fmt.Sprintf("there is no %s %q", kind, arn), "declare it, or name one that is declared")
		return nil, false
	}
	s.to(Stop{kind, to.text("name"), to.Place})
	return to, true
}

// enqueueEncrypted are the requests to the key of a queue or topic, by whoever sends
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html).
func (e *evaluation) enqueueEncrypted(s *segment, q request, to *endpoint) {
	name := to.text("kmsMasterKeyId")
	switch {
	case name == "":
		return
	case strings.Contains(name, "alias/aws/"):
		s.broken(to.URN, "kmsMasterKeyId", "the policy of an AWS managed key can't be changed, and doesn't let S3 or SNS use it", "use a key of your own, or SQS's own encryption (sqsManagedSseEnabled)")
		return
	}
	k, ok := e.keyOf(to.Place, name)
	if !ok {
		s.broken(to.URN, "kmsMasterKeyId", fmt.Sprintf("there is no key %q", name), "declare the key: its policy is part of the proof")
		return
	}
	q.title, q.owner = "messages are encrypted", k.Place.Account
	s.prove(e, q.do(k.arn, "kms:GenerateDataKey", "kms:Decrypt"))
}

// fanOut is the way from a topic to the queues that are subscribed to it
// (https://docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html).
func (e *evaluation) fanOut(s *segment, topic *endpoint) {
	from := s.at
	caller, err := service(topic.Place, partition.SNS)
	for _, r := range e.byType[typeTopicSubscription] {
		if r.text("topic") != topic.arn || r.text("protocol") != "sqs" {
			continue
		}
		s.at = from
		to, ok := e.toEndpoint(s, r, KindQueue, "endpoint", r.text("endpoint"))
		if !ok || s.refuse(r, err) {
			continue
		}
		q := request{title: "SNS passes the message on", caller: caller, owner: to.Place.Account, carrier: r.URN, context: map[string][]string{
			"aws:SourceArn": {topic.arn}, "aws:SourceAccount": {string(topic.Place.Account)},
		}}
		s.prove(e, q.do(to.arn, "sqs:SendMessage"))
		e.enqueueEncrypted(s, q, to)
		// https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html
		if failed, ok := e.queues[deadLetterTarget(r)]; ok {
			q.title = "SNS keeps what it can't pass on"
			s.prove(e, q.do(failed.arn, "sqs:SendMessage"))
			e.enqueueEncrypted(s, q, failed)
		} else if target := deadLetterTarget(r); target != "" {
			s.broken(r.URN, "redrivePolicy", fmt.Sprintf("there is no queue %q", target), "declare it, or name one that is declared")
		}
	}
}
