package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/partition"
)

// eventBridgeEvent is an event as EventBridge gives it to a target.
//
// See https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
type eventBridgeEvent struct {
	Version    string   `json:"version"`
	ID         string   `json:"id"`
	DetailType string   `json:"detail-type"`
	Source     string   `json:"source"`
	Account    string   `json:"account"`
	Time       string   `json:"time"`
	Region     string   `json:"region"`
	Resources  []string `json:"resources"`
	Detail     any      `json:"detail"`
}

// callEvent is the event of an API call that a trail records, made by the account itself.
//
// CloudTrail's name of the service (eventSource) is left out: what it is in China isn't documented, and a pattern that
// asks for it would be a gamble.
//
// See https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-logs.html and
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
func callEvent(place partition.Place, at time.Time, id, service, call string, parameters map[string]any) (eventBridgeEvent, error) {
	types := place.Partition().CallEventTypes()
	if len(types) == 0 {
		return eventBridgeEvent{}, fmt.Errorf("sandbox: how events of API calls are called in %s isn't known", place)
	}
	when := at.UTC().Format("2006-01-02T15:04:05Z")
	return eventBridgeEvent{
		Version: "0", ID: id, DetailType: types[0], Source: "aws." + service, Account: string(place.Account), Time: when,
		Region: string(place.Region), Resources: []string{},
		Detail: map[string]any{
			"eventVersion": "1.11",
			"userIdentity": map[string]any{
				"type": "Root", "principalId": string(place.Account), "arn": place.RootARN().String(), "accountId": string(place.Account),
			},
			"eventTime": when, "eventName": call, "awsRegion": string(place.Region), "sourceIPAddress": "192.0.2.1", "userAgent": "logarchive-sandbox",
			"requestParameters": parameters, "responseElements": nil, "requestID": uuidOf("request " + id), "eventID": uuidOf("event " + id),
			"readOnly": false, "eventType": "AwsApiCall", "managementEvent": true, "recipientAccountId": string(place.Account), "eventCategory": "Management",
		},
	}, nil
}

// created is what else the creation of an object does to the world, whose lock is held: a log group's becomes an event, if
// there is a rule that could want it.
func (w *World) created(o *Object) ([]*Object, error) {
	if o.Type != logGroupToken {
		return nil, nil
	}
	listening := false
	for _, rule := range w.types[ruleToken] {
		listening = listening || rule.Place == o.Place && rule.Text("eventPattern") != ""
	}
	if !listening {
		return nil, nil
	}
	event := w.numbered(Object{Type: pendingEvent, Place: o.Place}, 0, resource.PropertyMap{})
	parameters := map[string]any{"logGroupName": o.Text("name")}
	if class := o.Text("logGroupClass"); class != "" {
		parameters["logGroupClass"] = class
	}
	if tags := textsIn(child(o.State, "tagsAll")); len(tags) > 0 {
		parameters["tags"] = tags
	}
	now := w.now()
	call, err := callEvent(o.Place, now, event.ID, string(partition.Logs), "CreateLogGroup", parameters)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(call)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	// Due since ever: the world has no clock, and the next who looks takes it on.
	event.State["event"], event.State["due"] = resource.NewStringProperty(string(text)), resource.NewNumberProperty(0)
	return []*Object{event}, nil
}

func textsIn(m resource.PropertyMap) map[string]string {
	texts := map[string]string{}
	for k, v := range m {
		if v.IsString() {
			texts[string(k)] = v.StringValue()
		}
	}
	return texts
}

// isOn says whether a rule is enabled, and on the bus that gets what AWS services send.
func isOn(rule Object) bool {
	bus := rule.Text("eventBusName")
	return rule.Text("state") != "DISABLED" && (bus == "" || bus == "default" || strings.HasSuffix(bus, "/default"))
}

// routeEvents gives each event to the targets of the rules that match it.
func (b *Background) routeEvents(context.Context) (int, error) {
	events := b.waiting(pendingEvent, "due")
	for _, event := range events {
		text := event.Text("event")
		var puts []func(*change, int) // what the targets get
		for _, rule := range b.world.List(ruleToken) {
			if rule.Place != event.Place || !isOn(rule) || rule.Text("eventPattern") == "" {
				continue
			}
			matches, err := eventMatches(rule.Text("eventPattern"), []byte(text))
			if err != nil {
				return 0, fmt.Errorf("rule %s: %w", rule.Text("name"), err)
			}
			if !matches {
				continue
			}
			more, err := b.toTargets(rule, text)
			if err != nil {
				return 0, err
			}
			puts = append(puts, more...)
		}
		if err := b.deliverOnce(&event, puts); err != nil {
			return 0, err
		}
	}
	return len(events), nil
}

// deliverOnce puts what the targets get into the world, and takes the event out, in one step.
func (b *Background) deliverOnce(event *Object, puts []func(*change, int), more ...*Object) error {
	return b.world.change(func() (*change, error) {
		c := &change{Put: more}
		if event != nil {
			c.Delete = []key{keyOf(event)}
		}
		for i, put := range puts {
			put(c, i+1)
		}
		return c, nil
	})
}

// scheduled says when a rule with a schedule comes due next.
func (b *Background) scheduled(rule Object) (time.Time, bool, error) {
	expression := rule.Text("scheduleExpression")
	if expression == "" || !isOn(rule) {
		return time.Time{}, false, nil
	}
	last := rule.Created
	if fired, ok := b.world.Get(firedSchedule, rule.Place, rule.ID); ok && fired.Text("rule") == rule.ARN() && timeIn(&fired, "made").Equal(moment(rule.Created)) {
		last = timeIn(&fired, "at")
	}
	return nextRun(expression, moment(rule.Created), last)
}

// runSchedules has the rules fire that are due. One that has been due several times, because nobody looked, fires once.
func (b *Background) runSchedules(context.Context) (int, error) {
	now := b.d.clock.Now()
	n := 0
	for _, rule := range b.world.List(ruleToken) {
		due, ok, err := b.scheduled(rule)
		if err != nil {
			return n, err
		}
		if !ok || due.After(now) {
			continue
		}
		for {
			next, more, err := nextRun(rule.Text("scheduleExpression"), moment(rule.Created), due)
			if err != nil {
				return n, err
			}
			if !more || next.After(now) {
				break
			}
			due = next
		}
		text, err := json.Marshal(eventBridgeEvent{
			Version: "0", ID: uuidOf(fmt.Sprint("schedule ", rule.ARN(), " ", due)), DetailType: "Scheduled Event", Source: "aws.events",
			Account: string(rule.Place.Account), Time: due.Format("2006-01-02T15:04:05Z"), Region: string(rule.Place.Region),
			Resources: []string{rule.ARN()}, Detail: struct{}{},
		})
		if err != nil {
			return n, fmt.Errorf("sandbox: %w", err)
		}
		puts, err := b.toTargets(rule, string(text))
		if err != nil {
			return n, err
		}
		fired := &Object{Type: firedSchedule, ID: rule.ID, Place: rule.Place, External: true, Created: now, State: resource.PropertyMap{
			"rule": resource.NewStringProperty(rule.ARN()), "made": milliseconds(rule.Created), "at": milliseconds(due),
		}}
		if err := b.deliverOnce(nil, puts, fired); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// toTargets takes the hops from a rule to its targets, and returns what these get. A target that can't be reached gets
// nothing: EventBridge doesn't try again where a permission or the target is missing, and gives the event to the target's
// dead letter queue, if it has one.
//
// See https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
func (b *Background) toTargets(rule Object, event string) ([]func(*change, int), error) {
	var puts []func(*change, int)
	for _, target := range b.world.List(targetToken) {
		if target.Place != rule.Place || target.Text("rule") != rule.Text("name") {
			continue
		}
		payload, err := targetPayload(target, event)
		var put func(*change, int)
		if err == nil {
			put, err = b.toTarget(rule, target.Text("arn"), payload)
		}
		refusal := (*Refusal)(nil)
		if refused := errors.As(err, &refusal); !refused && err != nil {
			return nil, err
		} else if !refused {
			if err := b.wentWell(rule.ARN()); err != nil {
				return nil, err
			}
			puts = append(puts, put)
			continue
		}
		if err := b.refused(rule.ARN(), rule.Place, err); err != nil {
			return nil, err
		}
		if dead := text(child(target.State, "deadLetterConfig"), "arn"); dead != "" {
			put, err := b.toTarget(rule, dead, payload)
			if err = b.refused(rule.ARN(), rule.Place, err); err != nil {
				return nil, err
			}
			if put != nil {
				puts = append(puts, put)
			}
		}
	}
	return puts, nil
}

// targetPayload is what a target gets of an event.
func targetPayload(target Object, event string) (string, error) {
	switch {
	case target.Text("input") != "":
		return target.Text("input"), nil
	case target.Text("inputPath") != "", child(target.State, "inputTransformer") != nil:
		return "", fmt.Errorf("sandbox: target %s: the sandbox gives targets the whole event or a constant input: it knows no inputPath and no inputTransformer", target.ID)
	}
	return event, nil
}

// toTarget takes the hop to a function or a queue. What comes back puts what that gets into a change.
func (b *Background) toTarget(rule Object, arn, payload string) (func(*change, int), error) {
	to, err := partition.ParseARN(arn)
	if err != nil {
		return nil, fmt.Errorf("sandbox: target of rule %s: %w", rule.Text("name"), err)
	}
	use, action, token, what := partition.Invoke, "lambda:InvokeFunction", functionToken, "invokes function "
	if to.Service == partition.SQS {
		use, action, token, what = partition.Deliver, "sqs:SendMessage", queueToken, "sends to queue "
	} else if to.Service != partition.Lambda {
		return nil, fmt.Errorf("sandbox: target of rule %s: the sandbox's EventBridge reaches functions and queues, not %s", rule.Text("name"), arn)
	}
	events, err := serviceCaller(rule.Place, partition.Events, use)
	if err != nil {
		return nil, err
	}
	hop := Hop{
		Step: "EventBridge " + what + arn[strings.LastIndexByte(arn, ':')+1:] + " for rule " + rule.Text("name"), Principal: events, Action: action,
		Resource: arn, Owner: to.Account, Place: rule.Place,
	}.with("aws:SourceArn", rule.ARN(), "aws:SourceAccount", string(rule.Place.Account))
	o, ok := b.world.ByARN(functionARN(arn))
	if !ok || o.Type != token {
		return nil, hop.refuse("ResourceNotFoundException", arn, "%s doesn't exist", arn)
	}
	if err := b.d.authorizer.Authorize(hop); err != nil {
		return nil, err
	}
	now := b.d.clock.Now()
	if token == queueToken {
		return func(c *change, i int) { c.Put = append(c.Put, b.world.message(o, payload, now, i)) }, nil
	}
	return func(c *change, i int) {
		c.Put = append(c.Put, b.world.numbered(Object{Type: pendingInvocation, Place: o.Place}, i, resource.PropertyMap{
			"function": resource.NewStringProperty(o.ARN()), "payload": resource.NewStringProperty(payload), "due": milliseconds(now), "since": milliseconds(now),
		}))
	}, nil
}
