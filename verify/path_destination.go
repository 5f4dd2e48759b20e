package verify

import (
	"fmt"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// indexDestinations finds the destinations of CloudWatch Logs, by ARN, with their policies.
func (d *Deployment) indexDestinations() {
	named := map[string]*endpoint{}
	for _, r := range d.byType[typeLogDestination] {
		to := &endpoint{Resource: r, arn: r.text("arn")}
		d.destinations[to.arn] = to
		named[groupKey(r.Place, r.text("name"))] = to
	}
	for _, r := range d.byType[typeLogDestinationPolicy] {
		if to := named[groupKey(r.Place, r.text("destinationName"))]; to != nil {
			to.policy = d.read(r, policy.LogDestination, "", object(r.State), "accessPolicy")
		}
	}
}

// isDestination says whether an ARN is that of a destination of CloudWatch Logs.
func isDestination(text string) bool {
	arn, err := partition.ParseARN(text)
	return err == nil && arn.Service == partition.Logs && len(arn.Resource) > len(destinationPrefix) && arn.Resource[:len(destinationPrefix)] == destinationPrefix
}

const destinationPrefix = "destination:"

// subscribed is the way from a log group to a stream of another account: whoever deploys there subscribes the group to the
// destination, and CloudWatch Logs puts the events as the destination's role, in the name of the group's account
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CrossAccountSubscriptions-Firehose.html).
func (e *evaluation) subscribed(s *segment, l link) {
	r, arn := l.Resource, l.destination
	to := e.destinations[arn]
	if to == nil {
		s.to(Stop{Kind: KindNowhere, Name: arn})
		s.broken(r.URN, l.destinationProperty, "there is no destination "+arn, "declare the destination, or name one that is declared")
		return
	}
	s.to(Stop{KindDestination, to.text("name"), to.Place})
	if to.Place.Region != r.Place.Region {
		s.broken(r.URN, l.destinationProperty, fmt.Sprintf("the destination is in %s, the log group in %s", to.Place.Region, r.Place.Region), "make a destination in the log group's region")
	}
	who := Caller{Role: e.deployers[r.Place], Unbounded: true}
	if who.Role == "" {
		who = accountAdministrator(r)
	}
	s.prove(e, request{title: "whoever deploys subscribes to the destination", caller: who, owner: to.Place.Account, carrier: r.URN}.
		do(arn, l.actions...))
	stream, ok := e.followStream(s, to.Resource, "targetArn", to.text("targetArn"))
	if !ok {
		return
	}
	if acting, ok := e.actsFor(s, to, "CloudWatch Logs acts as the destination's role", l.groupARN(), r.Place.Account); ok {
		s.prove(e, request{title: "CloudWatch Logs puts records", caller: acting, owner: stream.Place.Account, carrier: to.URN}.
			do(to.text("targetArn"), "firehose:PutRecord", "firehose:PutRecordBatch"))
	}
	s.join(e.shared("destination "+arn, s.at, func(s *segment) { e.testMessage(s, to) }))
	s.then(e.stream(stream))
}

// testMessage is what CloudWatch Logs sends when a destination is made, in the name of the destination's own account.
func (e *evaluation) testMessage(s *segment, to *endpoint) {
	s.to(s.at)
	e.actsFor(s, to, "CloudWatch Logs tests the destination's role", to.arn, to.Place.Account)
}

// actsFor is the hop in which CloudWatch Logs takes on a destination's role for something of an account.
func (e *evaluation) actsFor(s *segment, to *endpoint, title, source string, account partition.Account) (Caller, bool) {
	caller, err := service(to.Place, partition.Logs, partition.Key)
	if s.refuse(to.Resource, err) {
		return Caller{}, false
	}
	return e.assume(s, to.Resource, "roleArn", to.text("roleArn"), request{title: title, caller: caller}.
		with("aws:SourceArn", source).with("aws:SourceAccount", string(account)))
}

var destinationRules = []Rule{
	{
		ID: "destination-accounts", Title: "log groups of named accounts only are subscribed to a destination",
		Why:    "who may subscribe writes into the archive, in whatever account it is: an open destination takes anybody's lines, and anybody's volume",
		Remedy: "name the accounts as principals of the destination's policy",
		check:  closedDestinations,
	},
}

func closedDestinations(e *evaluation, report reporter) {
	for _, arn := range sortedKeys(e.destinations) {
		to := e.destinations[arn]
		for _, h := range (request{title: "probe", caller: stranger(to.Resource), owner: to.Place.Account, carrier: to.URN}).do(arn, "logs:PutSubscriptionFilter", "logs:PutAccountPolicy") {
			if e.probe(h) == policy.Allowed {
				report(to.URN, "name the accounts as principals of the destination's policy", "%s is allowed to every account", h.Action)
			}
		}
	}
}
