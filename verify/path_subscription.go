package verify

import (
	"fmt"

	"github.com/logarchive/logarchive/partition"
)

// subscription is the way from a log group on: CloudWatch Logs acts as the filter's role and puts records.
func (e *evaluation) subscription(s *segment, r *Resource) {
	destination := r.text("destinationArn")
	if isDestination(destination) {
		e.subscribed(s, r, destination)
		return
	}
	stream, ok := e.streams[destination]
	if ok && stream.Type == typeDataStream {
		s.to(Stop{KindDataStream, stream.text("name"), stream.Place})
	} else if stream, ok = e.followStream(s, r, "destinationArn", destination); !ok {
		return
	}
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html: the destination is in the same region.
	if stream.Place.Region != r.Place.Region {
		s.broken(r.URN, "destinationArn", fmt.Sprintf("the stream is in %s, the log group in %s", stream.Place.Region, r.Place.Region), "put the stream into the log group's region")
	}
	caller, err := service(r.Place, partition.Logs, partition.Key)
	if s.refuse(r, err) {
		return
	}
	group := r.Place.LogGroupARN(r.text("logGroup") + ":*").String()
	acting, ok := e.assume(s, r, "roleArn", r.text("roleArn"), request{title: "CloudWatch Logs acts as the subscription's role", caller: caller}.
		with("aws:SourceArn", group).with("aws:SourceAccount", string(r.Place.Account)))
	switch {
	case !ok:
	case stream.Type == typeDataStream:
		e.dataStream(s, r, stream, acting)
	default:
		// Both are in AWS's example policy; CloudWatch Logs puts single large records with the first.
		s.prove(e, request{title: "CloudWatch Logs puts records", caller: acting, owner: stream.Place.Account, carrier: r.URN}.
			do(destination, "firehose:PutRecord", "firehose:PutRecordBatch"))
		s.then(e.stream(stream))
	}
}

// followStream begins the step to the Firehose stream that a property names.
func (e *evaluation) followStream(s *segment, r *Resource, property, destination string) (*Resource, bool) {
	stream, ok := e.streams[destination]
	if ok && stream.Type == typeStream {
		s.to(streamStop(stream))
		return stream, true
	}
	s.to(Stop{Kind: KindNowhere, Name: destination})
	switch arn, err := partition.ParseARN(destination); {
	case err != nil:
		s.broken(r.URN, property, err.Error(), "name a Firehose stream of the log group's region")
	case arn.Service != partition.Firehose:
		s.broken(r.URN, property, fmt.Sprintf("%s isn't a Firehose stream: what goes to %s isn't followed to an archive", destination, arn.Service), "name a Firehose stream, or waive the rule for this source")
	default:
		s.broken(r.URN, property, "there is no Firehose stream "+destination, "declare the stream, or name one that is declared")
	}
	return nil, false
}

func streamStop(r *Resource) Stop { return Stop{KindStream, r.text("name"), r.Place} }

func bucketStop(b *bucket) Stop { return Stop{KindBucket, b.name, b.Place} }
