package verify

import (
	"cmp"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// The components whose functions make requests that are known: what another function does with its role isn't.
const (
	transformComponent  = "logarchive:index:TransformFunction$"
	subscriberComponent = "logarchive:index:LogGroupSubscriber$"
	exportsComponent    = "logarchive:index:RdsLogExports$"
	replayComponent     = "logarchive:index:ReplayFunction$"
)

// eventTarget is the way of an event, or of a schedule, to a function
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-lambda-permissions).
func (e *evaluation) eventTarget(s *segment, r *Resource) {
	to, ok := e.toEndpoint(s, r, KindFunction, "arn", r.text("arn"))
	caller, err := service(r.Place, partition.Events, partition.Invoke)
	if !ok || s.refuse(r, err) {
		return
	}
	q := request{title: "EventBridge invokes the function", caller: caller, owner: to.Place.Account, carrier: r.URN, context: map[string][]string{
		"aws:SourceArn": {r.Place.ARN(partition.Events, "rule/"+r.text("rule")).String()}, "aws:SourceAccount": {string(r.Place.Account)},
	}}
	s.prove(e, q.do(to.arn, "lambda:InvokeFunction"))
	if acting, ok := e.run(s, to.Resource); ok && strings.Contains(to.URN, subscriberComponent) {
		e.findGroups(s, to.Resource, acting)
	} else if ok && strings.Contains(to.URN, exportsComponent) {
		e.checkExports(s, r, to.Resource, acting)
	}
}

// queueMapping is the way of a queue's messages to a function, which Lambda fetches as the function's role
// (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions).
func (e *evaluation) queueMapping(s *segment, r *Resource) {
	function := e.functionOf(r)
	if function == nil {
		s.to(Stop{Kind: KindNowhere, Name: r.text("functionName")})
		s.broken(r.URN, "functionName", "there is no function "+quoted(r.text("functionName")), "declare it, or name one that is declared")
		return
	}
	s.to(Stop{KindFunction, function.text("name"), function.Place})
	queue := e.queues[r.text("eventSourceArn")]
	if queue == nil {
		s.broken(r.URN, "eventSourceArn", "there is no queue "+quoted(r.text("eventSourceArn")), "declare it, or name one that is declared")
		return
	}
	acting, ok := e.run(s, function)
	if !ok {
		return
	}
	s.prove(e, request{title: "Lambda fetches messages", caller: acting, owner: queue.Place.Account, carrier: r.URN}.
		do(queue.arn, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"))
	if strings.Contains(function.URN, subscriberComponent) {
		e.findGroups(s, function, acting) // a sweep that ran out of time goes on here
		e.subscribeGroups(s, function, acting)
	}
}

// functionOf is the function that an event source mapping names, by its ARN or name.
func (e *evaluation) functionOf(r *Resource) *Resource {
	for _, f := range e.byType[typeFunction] {
		if name := r.text("functionName"); name == f.text("arn") || f.Place == r.Place && name == f.text("name") {
			return f
		}
	}
	return nil
}

// run is what an invocation takes: Lambda acts as the function's role, and writes its log.
func (e *evaluation) run(s *segment, function *Resource) (Caller, bool) {
	caller, err := service(function.Place, partition.Lambda)
	if s.refuse(function, err) {
		return Caller{}, false
	}
	acting, ok := e.assume(s, function, "role", function.text("role"), request{title: "Lambda acts as the function's role", caller: caller})
	ours := slices.ContainsFunc([]string{transformComponent, subscriberComponent, exportsComponent, replayComponent}, func(component string) bool { return strings.Contains(function.URN, component) })
	if !ok || !ours {
		return acting, ok
	}
	group := "/aws/lambda/" + function.text("name")
	stream := function.Place.LogGroupARN(group + ":log-stream:x").String()
	s.prove(e, request{title: "the function writes its log", caller: acting, owner: function.Place.Account, carrier: function.URN}.
		sampling(stream, function.Place.LogGroupARN(group+":*").String()).do(stream, "logs:CreateLogStream", "logs:PutLogEvents"))
	return acting, true
}

// runTransform is the function of a stream, which puts back what doesn't fit into its answer.
func (e *evaluation) runTransform(s *segment, function, stream *Resource) {
	acting, ok := e.run(s, function)
	if ok && strings.Contains(function.URN, transformComponent) {
		s.prove(e, request{title: "the function puts records back", caller: acting, owner: stream.Place.Account, carrier: function.URN}.
			do(stream.text("arn"), "firehose:PutRecordBatch"))
	}
}

// variable is an environment variable of a subscriber.
func variable(function *Resource, name string) string {
	return environment(function, "LOGARCHIVE_SUBSCRIBE_"+name)
}

func environment(function *Resource, name string) string {
	return function.item("environment").item("variables").text(name)
}

// findGroups are the requests of the subscriber's sweep and of its event.
func (e *evaluation) findGroups(s *segment, function *Resource, acting Caller) {
	q := request{title: "the subscriber lists log groups", caller: acting, owner: function.Place.Account, carrier: function.URN}
	every := function.Place.LogGroupARN(":log-stream:").String()
	s.prove(e, q.sampling(every, function.Place.LogGroupARN("*").String()).do(every, "logs:DescribeLogGroups"))
	q.title = "the subscriber sends work items"
	i := slices.IndexFunc(e.byType[typeQueue], func(r *Resource) bool {
		return cmp.Or(r.text("url"), r.ID) == variable(function, "QUEUE_URL")
	})
	if i < 0 {
		s.broken(function.URN, "environment", "there is no queue "+quoted(variable(function, "QUEUE_URL")), "declare the queue")
		return
	}
	s.prove(e, q.do(e.byType[typeQueue][i].text("arn"), "sqs:SendMessage"))
}

// subscribeGroups are the requests of the subscriber for a log group that nobody has named, and the way of its events.
func (e *evaluation) subscribeGroups(s *segment, function *Resource, acting Caller) {
	p, role := function.Place, variable(function, "ROLE_ARN")
	stream, ok := e.followStream(s, function, "environment", variable(function, "DESTINATION_ARN"))
	if !ok {
		return
	}
	q := request{title: "the subscriber subscribes log groups", caller: acting, owner: p.Account, carrier: function.URN}
	actions := []string{"logs:DescribeSubscriptionFilters", "logs:PutSubscriptionFilter"}
	if variable(function, "TAGS") != "" {
		actions = append(actions, "logs:ListTagsForResource")
	}
	if variable(function, "RETENTION_DAYS") != "" {
		actions = append(actions, "logs:PutRetentionPolicy")
	}
	caller, err := service(p, partition.Logs, partition.Key)
	if s.refuse(function, err) {
		return
	}
	for _, prefix := range strings.Split(variable(function, "INCLUDE"), ",") {
		group := p.LogGroupARN(prefix + "x").String()
		s.prove(e, q.sampling(group, p.LogGroupARN(prefix+"*").String()).do(group, actions...))
		e.assume(s, function, "environment", role, request{title: "CloudWatch Logs acts as the subscription's role", caller: caller}.
			with("aws:SourceArn", group+":*").with("aws:SourceAccount", string(p.Account)))
	}
	passed, err := p.PassedTo(partition.Logs)
	if s.refuse(function, err) {
		return
	}
	q.title = "the subscriber passes the subscription's role"
	for _, to := range passed {
		s.prove(e, q.with("iam:PassedToService", string(to)).do(role, "iam:PassRole"))
	}
	s.prove(e, request{title: "CloudWatch Logs puts records", caller: Caller{Role: role}, owner: stream.Place.Account, carrier: function.URN}.
		do(stream.text("arn"), "firehose:PutRecord", "firehose:PutRecordBatch"))
	s.then(e.stream(stream))
}

// isOf says whether an ARN is of a service.
func isOf(arn string, s partition.Service) bool {
	parsed, err := partition.ParseARN(arn)
	return err == nil && parsed.Service == s
}

// lastPart is the name in an ARN whose resource is nothing but that.
func lastPart(arn string) string { return arn[strings.LastIndexByte(arn, ':')+1:] }
