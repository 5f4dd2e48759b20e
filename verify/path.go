package verify

import (
	"cmp"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// The kinds of sources and stops.
const (
	KindFlowLog      = "flow-log"      // VPC flow logs
	KindLogGroup     = "log-group"     // a CloudWatch log group with a subscription, or on the way of a flow log
	KindLogGroups    = "log-groups"    // every log group of an account and region but those that its policy leaves out
	KindBackup       = "backup"        // a selection of AWS Backup
	KindReplication  = "replication"   // a bucket's objects, to a replica
	KindNotification = "notification"  // a bucket's events, to a queue, topic or function
	KindAccessLog    = "access-log"    // S3's server access logs
	KindLoadBalancer = "load-balancer" // access logs of a load balancer
	KindTrail        = "trail"         // CloudTrail
	KindWorkgroup    = "workgroup"
	KindQuery        = "query"       // who queries the archive with Athena
	KindReader       = "reader"      // who reads the archive, perhaps told of objects by a queue
	KindSyslog       = "syslog"      // what senders bring to collectors behind a load balancer
	KindInstances    = "instances"   // EC2 instances that a tag selects, with the CloudWatch agent
	KindEventRule    = "event-rule"  // a rule or schedule of EventBridge, to a function
	KindAlarm        = "alarm"       // a CloudWatch alarm, to the topics that it notifies
	KindDatabase     = "database"    // a database whose exports a function switches on
	KindAutoBackup   = "auto-backup" // a database's automated backups, replicated to another region
	KindStream       = "stream"
	KindDestination  = "destination" // of CloudWatch Logs, for log groups of other accounts
	KindDataStream   = "data-stream" // of Kinesis
	KindBucket       = "bucket"
	KindVault        = "vault"
	KindQueue        = "queue"
	KindTopic        = "topic"
	KindFunction     = "function"
	// KindNowhere is what a link names and nothing declares.
	KindNowhere = "nowhere"
)

// Source is something that produces logs, or data that is backed up.
type Source struct {
	// Kind is one of the Kind constants.
	Kind string
	// Name is what people call it: the VPC's id, the log group's name, the selection's name.
	Name string
	// Place is where it is.
	Place partition.Place
	// URN is the declared resource that sends it on its way: the flow log, the subscription filter, the selection.
	URN string
}

// Stop is a place on the way: the source itself, a log group, a stream, a bucket, a vault, a queue.
type Stop struct {
	Kind, Name string
	// Place is where it is; zero where that isn't known.
	Place partition.Place
}

// String is the kind and the name.
func (s Stop) String() string {
	if s.Kind == "" {
		return s.Name
	}
	return s.Kind + " " + s.Name
}

// Path is the way of one source to its end. It may fork: a plan copies to several vaults.
type Path struct {
	Source Source
	// Steps are in the order of the way. Steps that several sources share are the same pointers.
	Steps []*Step
}

// Step is the way from one stop to the next.
type Step struct {
	From, To Stop
	// Hops are the requests that are made for it, decided.
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

// Open says whether every hop of the step is allowed and no link is broken.
func (s *Step) Open() bool {
	return len(s.Breaks) == 0 && !slices.ContainsFunc(s.Hops, func(v *Verdict) bool { return !v.Allowed })
}

// Proven says whether the whole way is open.
func (p *Path) Proven() bool {
	return !slices.ContainsFunc(p.Steps, func(s *Step) bool { return !s.Open() })
}

// Hops are those of all steps.
func (p *Path) Hops() []*Verdict {
	var out []*Verdict
	for _, s := range p.Steps {
		out = append(out, s.Hops...)
	}
	return out
}

// Breaks are those of all steps.
func (p *Path) Breaks() []Break {
	var out []Break
	for _, s := range p.Steps {
		out = append(out, s.Breaks...)
	}
	return out
}

// segment is a part of a way under construction. Several sources may share it: then it is proven once.
type segment struct {
	at    Stop // where the way has come to
	steps []*Step
}

// to begins the step to the next stop.
func (s *segment) to(next Stop) {
	s.steps = append(s.steps, &Step{From: s.at, To: next})
	s.at = next
}

// step is the one under construction.
func (s *segment) step() *Step {
	if len(s.steps) == 0 {
		s.to(Stop{Kind: KindNowhere})
	}
	return s.steps[len(s.steps)-1]
}

func (s *segment) prove(e *evaluation, hops []Hop) {
	step := s.step()
	for _, h := range hops {
		step.Hops = append(step.Hops, e.decide(h))
	}
}

func (s *segment) broken(resource, property, reason, remedy string) {
	step := s.step()
	step.Breaks = append(step.Breaks, Break{resource, property, reason, remedy})
}

// refuse notes a fact that the partition's table doesn't have: what can't be known isn't proven.
func (s *segment) refuse(r *Resource, err error) bool {
	if err != nil {
		s.broken(r.URN, "", err.Error(), "see package partition for what is known of this partition")
	}
	return err != nil
}

// then goes on with a part that others share.
func (s *segment) then(next *segment) {
	s.steps = append(s.steps, next.steps...)
	s.at = next.at
}

// join adds what a part that others share does within the step under construction.
func (s *segment) join(part *segment) {
	step := s.step()
	for _, other := range part.steps {
		step.Hops = append(step.Hops, other.Hops...)
		step.Breaks = append(step.Breaks, other.Breaks...)
	}
}

// Paths finds every source and proves its way, sorted by kind, place and name.
func (e *evaluation) Paths() []*Path {
	var paths []*Path
	for _, token := range slices.Concat(serviceTokens, sourceTokens) {
		for _, r := range e.byType[token] {
			paths = append(paths, e.pathsOf(r)...)
		}
	}
	paths = append(paths, e.readerPaths()...)
	paths = append(paths, e.queryPaths()...)
	slices.SortStableFunc(paths, func(a, b *Path) int {
		return cmp.Or(cmp.Compare(a.Source.Kind, b.Source.Kind), cmp.Compare(a.Source.Place.String(), b.Source.Place.String()),
			cmp.Compare(a.Source.Name, b.Source.Name), cmp.Compare(a.Source.URN, b.Source.URN))
	})
	return paths
}

// sourceTokens are the types of the resources that send something on its way. Replications are the last: they are about what
// the others have written.
var sourceTokens = []string{
	typeFlowLog, typeSubscription, typeAccountPolicy, typeSelection, typeBucketNotification, typeBucketLogging,
	typeLoadBalancer, typeOldLoadBalancer, typeClassicLoadBalancer, typeTrail,
	typeEventTarget, typeEventSourceMapping, typeInvocation, typeBackupsReplication, typeFunction, typeAssociation, typeAutoScalingGroup, typeMetricAlarm, typeCompositeAlarm, typeBucketReplication,
}

// pathsOf are the ways that begin with a resource. Most have one; a bucket's notifications have one for each target.
func (e *evaluation) pathsOf(r *Resource) []*Path {
	one := func(kind, name string, prove func(*segment, *Resource)) []*Path {
		s := &segment{at: Stop{Kind: kind, Name: name, Place: r.Place}}
		prove(s, r)
		return []*Path{{Source: Source{Kind: kind, Name: name, Place: r.Place, URN: r.URN}, Steps: s.steps}}
	}
	switch r.Type {
	case typeFlowLog:
		// A flow log to a log group is the source; the group's subscription filter carries it on.
		return one(KindFlowLog, flowLogName(r), e.flowLog)
	case typeSubscription:
		if name := r.text("logGroup"); !e.fed[groupKey(r.Place, name)] {
			return one(KindLogGroup, name, func(s *segment, r *Resource) { e.subscription(s, filterLink(r)) })
		}
	case typeAccountPolicy:
		return e.everyGroup(r)
	case typeSelection:
		return one(KindBackup, r.text("name"), e.selection)
	case typeBucketReplication:
		return one(KindReplication, bucketName(r.text("bucket")), e.replication)
	case typeBucketNotification:
		return one(KindNotification, bucketName(r.text("bucket")), e.notification)
	case typeBucketLogging:
		return one(KindAccessLog, bucketName(r.text("bucket")), e.accessLog)
	case typeLoadBalancer, typeOldLoadBalancer, typeClassicLoadBalancer:
		if balancerLogs(r) != nil {
			return one(KindLoadBalancer, r.text("name"), e.balancer)
		}
	case typeDeliveryChannel:
		return one(KindConfig, r.text("name"), e.configuration)
	case typePublishing:
		return one(KindFindings, r.text("detectorId"), e.findings)
	case typeQueryLogAssociation:
		return one(KindQueryLog, r.text("resourceId"), e.queryLog)
	case typeTrail:
		return one(KindTrail, r.text("name"), e.trail)
	case typeAutoScalingGroup:
		if _, _, ok := e.collector(r); ok {
			return one(KindSyslog, r.text("name"), e.syslog)
		}
	case typeAssociation:
		if _, ok := e.agentRun(r); ok { // what other associations do has nothing to do with logs
			return one(KindInstances, targetsOf(r), e.association)
		}
	case typeEventTarget:
		if isOf(r.text("arn"), partition.Lambda) { // what goes elsewhere isn't followed
			return one(KindEventRule, r.text("rule"), e.eventTarget)
		}
	case typeMetricAlarm, typeCompositeAlarm:
		if len(alarmActions(r)) > 0 {
			return one(KindAlarm, alarmName(r), e.alarm)
		}
	case typeInvocation:
		return one(KindDatabase, invokedFor(r), e.invocation)
	case typeBackupsReplication:
		return one(KindAutoBackup, lastPart(r.text("sourceDbInstanceArn")), e.backupsReplication)
	case typeFunction:
		if strings.Contains(r.URN, replayComponent) { // whoever calls it
			return one(KindFunction, r.text("name"), e.replay)
		}
	case typeEventSourceMapping:
		if isOf(r.text("eventSourceArn"), partition.SQS) {
			return one(KindQueue, lastPart(r.text("eventSourceArn")), e.queueMapping)
		}
	}
	return nil
}

// assume is the hop in which a service takes on the role that a property names.
func (e *evaluation) assume(s *segment, r *Resource, property, arn string, q request) (Caller, bool) {
	if arn == "" {
		s.broken(r.URN, property, "it names no role", "name the role that the service shall act as")
		return Caller{}, false
	}
	o, ok := e.roles[arn]
	if !ok {
		s.broken(r.URN, property, "there is no role "+arn, "declare the role, or name one that is declared")
		return Caller{}, false
	}
	q.owner, q.carrier = o.Place.Account, r.URN
	s.prove(e, q.do(arn, "sts:AssumeRole"))
	return Caller{Role: arn}, true
}
