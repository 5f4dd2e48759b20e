package verify

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/logarchive/logarchive/partition"
)

// Source is something that produces logs, or data that is backed up.
type Source struct {
	// Kind is "flow-log", "log-group" or "backup".
	Kind string
	// Name is what people call it: the VPC's id, the log group's name, the selection's name.
	Name string
	// Place is where it is.
	Place partition.Place
	// URN is the declared resource that sends it on its way: the flow log, the subscription filter, the selection.
	URN string
}

// Path is the way of one source to its end.
type Path struct {
	Source Source
	// Route are the things on the way in words, the source first.
	Route []string
	// Hops are the requests on the way, decided.
	Hops []*Verdict
	// Breaks are links that lead nowhere; no policy can mend them.
	Breaks []Break
}

// Break is a link of a path that leads nowhere, or to something that can't take what it gets.
type Break struct {
	// Resource is the URN of what should be changed, Property the path of its input.
	Resource, Property string
	Reason, Remedy     string
}

// Proven says whether every hop of the path is allowed and no link is broken.
func (p *Path) Proven() bool {
	return len(p.Breaks) == 0 && !slices.ContainsFunc(p.Hops, func(v *Verdict) bool { return !v.Allowed })
}

// segment is a part of a way that several sources share: it is proven once.
type segment struct {
	route  []string
	hops   []*Verdict
	breaks []Break
}

func (s *segment) prove(e *evaluation, hops []Hop) {
	for _, h := range hops {
		s.hops = append(s.hops, e.decide(h))
	}
}

func (s *segment) broken(resource, property, reason, remedy string) {
	s.breaks = append(s.breaks, Break{resource, property, reason, remedy})
}

// refuse notes a fact that the partition's table doesn't have: what can't be known isn't proven.
func (s *segment) refuse(r *Resource, err error) bool {
	if err != nil {
		s.broken(r.URN, "", err.Error(), "see package partition for what is known of this partition")
	}
	return err != nil
}

// visit adds a place to the route, once.
func (s *segment) visit(what string) {
	if !slices.Contains(s.route, what) {
		s.route = append(s.route, what)
	}
}

func (s *segment) then(next *segment) {
	s.route = append(s.route, next.route...)
	s.hops = append(s.hops, next.hops...)
	s.breaks = append(s.breaks, next.breaks...)
}

// Paths finds every source and proves its way, sorted by kind, place and name.
func (e *evaluation) Paths() []*Path {
	var paths []*Path
	add := func(kind, name string, r *Resource, s *segment) {
		paths = append(paths, &Path{
			Source: Source{Kind: kind, Name: name, Place: r.Place, URN: r.URN},
			Route:  append([]string{name}, s.route...),
			Hops:   s.hops, Breaks: s.breaks,
		})
	}
	for _, r := range e.byType[typeFlowLog] {
		// A flow log to a log group is the source; the group's subscription filter carries it on.
		add("flow-log", flowLogName(r), r, e.flowLog(r))
	}
	fed := e.flowLogGroups()
	for _, r := range e.byType[typeSubscription] {
		if name := r.text("logGroup"); !fed[groupKey(r.Place, name)] {
			add("log-group", name, r, e.subscription(r))
		}
	}
	for _, r := range e.byType[typeSelection] {
		add("backup", r.text("name"), r, e.selection(r))
	}
	slices.SortStableFunc(paths, func(a, b *Path) int {
		return cmp.Or(cmp.Compare(a.Source.Kind, b.Source.Kind), cmp.Compare(a.Source.Place.String(), b.Source.Place.String()),
			cmp.Compare(a.Source.Name, b.Source.Name), cmp.Compare(a.Source.URN, b.Source.URN))
	})
	return paths
}

// subscription is the way from a log group on: CloudWatch Logs acts as the filter's role and puts records.
func (e *evaluation) subscription(r *Resource) *segment {
	s := &segment{}
	destination := r.text("destinationArn")
	arn, err := partition.ParseARN(destination)
	if err != nil {
		s.broken(r.URN, "destinationArn", err.Error(), "name a Firehose stream of the log group's region")
		return s
	}
	stream, ok := e.byARN[destination]
	if !ok || stream.Type != typeStream {
		s.broken(r.URN, "destinationArn", fmt.Sprintf("there is no Firehose stream %s", destination), "declare the stream, or name one that is declared")
		return s
	}
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html: the destination is in the same region.
	if arn.Region != r.Place.Region {
		s.broken(r.URN, "destinationArn", fmt.Sprintf("the stream is in %s, the log group in %s", arn.Region, r.Place.Region), "put the stream into the log group's region")
	}
	caller, err := service(r.Place, partition.Logs, partition.Key)
	if s.refuse(r, err) {
		return s
	}
	group := r.Place.LogGroupARN(r.text("logGroup") + ":*").String()
	acting, ok := e.assume(s, r, "roleArn", "CloudWatch Logs acts as the subscription's role", caller, map[string][]string{
		"aws:SourceArn": {group}, "aws:SourceAccount": {string(r.Place.Account)},
	})
	if !ok {
		return s
	}
	// Both are in AWS's example policy; CloudWatch Logs puts single large records with the first.
	s.prove(e, request{title: "CloudWatch Logs puts records", caller: acting, owner: stream.Place.Account, carrier: r.URN}.
		do(destination, "firehose:PutRecord", "firehose:PutRecordBatch"))
	s.route = append(s.route, "subscription "+r.text("name"))
	s.then(e.stream(stream))
	return s
}

// assume is the hop in which a service takes on the role that a resource names.
func (e *evaluation) assume(s *segment, r *Resource, property, title string, caller Caller, context map[string][]string) (Caller, bool) {
	arn := r.text(property)
	return e.assumeARN(s, r, property, arn, title, caller, context)
}

func (e *evaluation) assumeARN(s *segment, r *Resource, property, arn, title string, caller Caller, context map[string][]string) (Caller, bool) {
	if arn == "" {
		s.broken(r.URN, property, "it names no role", "name the role that the service shall act as")
		return Caller{}, false
	}
	o, ok := e.roles[arn]
	if !ok {
		s.broken(r.URN, property, fmt.Sprintf("there is no role %s", arn), "declare the role, or name one that is declared")
		return Caller{}, false
	}
	s.prove(e, request{title: title, caller: caller, owner: o.Place.Account, carrier: r.URN, context: context}.do(arn, "sts:AssumeRole"))
	return Caller{Role: arn}, true
}
