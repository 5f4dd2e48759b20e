package verify

import (
	"fmt"

	"github.com/logarchive/logarchive/partition"
)

// link is a subscription: the filter of a log group, or an account's policy for all of them.
type link struct {
	*Resource
	destination, role string
	// The properties say where both are named.
	destinationProperty, roleProperty string
	// group is the log group, or the name of one that a policy is for.
	group string
	// actions are what whoever subscribes does to a destination of another account.
	actions []string
}

func filterLink(r *Resource) link {
	return link{
		Resource: r, destination: r.text("destinationArn"), destinationProperty: "destinationArn", role: r.text("roleArn"), roleProperty: "roleArn",
		group: r.text("logGroup"), actions: []string{"logs:PutSubscriptionFilter"},
	}
}

func (l link) groupARN() string { return l.Place.LogGroupARN(l.group + ":*").String() }

// linksOf are the subscriptions of a declared log group: its filters, and the account's policy if that selects it.
func (e *evaluation) linksOf(group *Resource) []link {
	var list []link
	for _, r := range e.filters[groupKey(group.Place, group.text("name"))] {
		list = append(list, filterLink(r))
	}
	for _, p := range e.subscribing() {
		if p.Place == group.Place && p.says.Selects(group.text("name"), group.text("logGroupClass")) {
			l := p.link()
			l.group = group.text("name")
			list = append(list, l)
		}
	}
	return list
}

// subscription is the way from a log group on: CloudWatch Logs acts as the subscription's role and puts records.
func (e *evaluation) subscription(s *segment, l link) {
	r, destination := l.Resource, l.destination
	if isDestination(destination) {
		e.subscribed(s, l)
		return
	}
	stream, ok := e.streams[destination]
	if ok && stream.Type == typeDataStream {
		s.to(Stop{KindDataStream, stream.text("name"), stream.Place})
	} else if stream, ok = e.followStream(s, r, l.destinationProperty, destination); !ok {
		return
	}
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html: the destination is in the same region.
	if stream.Place.Region != r.Place.Region {
		s.broken(r.URN, l.destinationProperty, fmt.Sprintf("the stream is in %s, the log group in %s", stream.Place.Region, r.Place.Region), "put the stream into the log group's region")
	}
	caller, err := service(r.Place, partition.Logs, partition.Key)
	if s.refuse(r, err) {
		return
	}
	acting, ok := e.assume(s, r, l.roleProperty, l.role, request{title: "CloudWatch Logs acts as the subscription's role", caller: caller}.
		with("aws:SourceArn", l.groupARN()).with("aws:SourceAccount", string(r.Place.Account)))
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
