package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/functions/subscribe"
	"github.com/logarchive/logarchive/functions/subscribe/connect"
	"github.com/logarchive/logarchive/functions/subscribe/standin"
	"github.com/logarchive/logarchive/partition"
)

// newSubscribe is functions/subscribe with its command's settings, the AWS SDK included: the sandbox answers the calls.
func newSubscribe(f *function, h *host) (invoker, error) {
	config, err := subscribe.FromEnviron(append(slices.Clone(f.environ), "AWS_LAMBDA_FUNCTION_NAME="+f.name, "AWS_LAMBDA_LOG_GROUP_NAME="+f.logGroup))
	if err != nil {
		return nil, err
	}
	api := standin.API{Account: functionAPI{h}}
	s := subscribe.New(config, connect.Logs{API: api}, connect.Queue{API: api}, logWriter{h})
	s.Now = func() time.Time { return h.call.now() }
	s.Pause = func(ctx context.Context, d time.Duration) error { return h.call.wait(ctx, d) }
	s.Random = func() float64 { return 0.5 }
	return s, nil
}

// functionAPI is AWS as a function calls it: each call is decided by its role's policies.
type functionAPI struct{ h *host }

var _ standin.Account = functionAPI{}

// begin asks for a call. denied is the code with which the service says that nothing allows it.
func (a functionAPI) begin(hop Hop, err error, denied string) error {
	c := a.h.call
	switch {
	case err != nil:
		return err
	case a.h.d.writable == nil:
		return standin.Refuse("ServiceUnavailable", "the sandbox's world can only be read here")
	case a.h.d.disturbed(DisturbAPIThrottle):
		return standin.Refuse("ThrottlingException", "Rate exceeded")
	}
	err = a.h.d.authorizer.Authorize(hop)
	if refusal := (*Refusal)(nil); errors.As(err, &refusal) {
		c.refused = errors.Join(c.refused, err)
		return standin.Refuse(denied, "User: %s is not authorized to perform: %s on resource: %s: %s", hop.Principal, hop.Action, hop.Resource, refusal.Reason)
	}
	return err
}

func (a functionAPI) place() partition.Place { return a.h.call.function.object.Place }
func (a functionAPI) world() *World          { return a.h.d.writable }

const deniedByLogs = "AccessDeniedException"

// logs asks for a call of CloudWatch Logs that is about a log group.
func (a functionAPI) logs(step, action, group string) error {
	hop, err := a.h.call.function.hop(step+" "+group, "logs:"+action, a.place().LogGroupARN(group).String())
	return a.begin(hop, err, deniedByLogs)
}

// group finds a log group.
func (a functionAPI) group(name string) (Object, error) {
	if o, ok := a.world().Get(logGroupToken, a.place(), name); ok {
		return o, nil
	}
	return Object{}, standin.Refuse("ResourceNotFoundException", "The specified log group does not exist.")
}

func (a functionAPI) Groups(prefix, after string, most int) ([]subscribe.Group, bool, error) {
	// Which groups there are is asked of the region as a whole.
	if err := a.logs("lists log groups", "DescribeLogGroups", ":log-stream:"); err != nil {
		return nil, false, err
	}
	var found []Object
	visit(a.world(), logGroupToken, func(o *Object) {
		if name := o.Text("name"); o.Place == a.place() && strings.HasPrefix(name, prefix) && name > after {
			found = append(found, *o)
		}
	})
	slices.SortFunc(found, byName)
	groups := make([]subscribe.Group, min(len(found), most))
	for i := range groups {
		o := found[i]
		groups[i] = subscribe.Group{Name: o.Text("name"), ARN: a.place().LogGroupARN(o.Text("name")).String(), Class: cmp.Or(o.Text("logGroupClass"), "STANDARD"),
			Retention: integer(o.State, "retentionInDays", 0), Created: o.Created}
	}
	return groups, len(found) > most, nil
}

func (a functionAPI) Filters(name string) ([]subscribe.Filter, error) {
	if err := a.logs("looks at the subscription filters of", "DescribeSubscriptionFilters", name); err != nil {
		return nil, err
	}
	group, err := a.group(name)
	if err != nil {
		return nil, err
	}
	var filters []subscribe.Filter
	for _, o := range a.world().filtersOf(group) {
		filters = append(filters, subscribe.Filter{Name: o.Text("name"), Pattern: o.Text("filterPattern"), Destination: o.Text("destinationArn"), Role: o.Text("roleArn")})
	}
	return filters, nil
}

// filtersOf returns the subscription filters of a log group, ordered by name.
func (w *World) filtersOf(group Object) []Object {
	w.mu.RLock()
	defer w.mu.RUnlock()
	found := values(w.dependents(&group, filterToken))
	slices.SortFunc(found, byName)
	return found
}

func (a functionAPI) Tags(text string) (map[string]string, error) {
	arn, err := partition.ParseARN(text)
	name, isGroup := strings.CutPrefix(arn.Resource, "log-group:")
	if err != nil || !isGroup || arn.Place() != a.place() {
		return nil, standin.Refuse("InvalidParameterException", "%s is not the ARN of a log group in %s", text, a.place())
	}
	if err := a.logs("looks at the tags of", "ListTagsForResource", name); err != nil {
		return nil, err
	}
	group, err := a.group(name)
	if err != nil {
		return nil, err
	}
	return tagsOf(group), nil
}

// tagsOf are an object's tags, those that the provider adds to all included.
func tagsOf(o Object) map[string]string {
	all := textsIn(child(o.State, "tags"))
	for k, v := range textsIn(child(o.State, "tagsAll")) {
		all[k] = v
	}
	return all
}

// Put makes or replaces a filter, unless AWS would refuse to, for what the filter refers to included.
func (a functionAPI) Put(name string, f subscribe.Filter) error {
	if err := a.logs("subscribes", "PutSubscriptionFilter", name); err != nil {
		return err
	}
	if f.Role != "" {
		// What CloudWatch Logs calls itself here isn't documented: a condition must have every name.
		services, err := a.place().PassedTo(partition.Logs)
		if err != nil {
			return err
		}
		for _, service := range services {
			hop, err := a.h.call.function.hop("passes a role to CloudWatch Logs", "iam:PassRole", f.Role)
			if err := a.begin(hop.with("iam:PassedToService", string(service)), err, deniedByLogs); err != nil {
				return err
			}
		}
	}
	inputs := resource.PropertyMap{}
	for property, value := range map[resource.PropertyKey]string{
		"name": f.Name, "logGroup": name, "filterPattern": f.Pattern, "destinationArn": f.Destination, "roleArn": f.Role, "distribution": "ByLogStream",
	} {
		if value != "" || property == "filterPattern" {
			inputs[property] = resource.NewStringProperty(value)
		}
	}
	err := a.world().putByCall(a.place(), filterToken, inputs)
	return a.refusedBy(err, "subscribes "+name, "logs:PutSubscriptionFilter", a.place().LogGroupARN(name).String())
}

// refusedBy turns what the world refuses into the answer of a call. That a log group is gone is no news to anybody; all
// else shows.
func (a functionAPI) refusedBy(err error, step, action, arn string) error {
	var reasons refusals
	if !errors.As(err, &reasons) {
		return err
	}
	first := reasons[0]
	hop, err := a.h.call.function.hop(step, action, arn)
	if err != nil {
		return err
	}
	if first.Code != "ResourceNotFoundException" {
		a.h.call.refused = errors.Join(a.h.call.refused, hop.refuse(first.Code, arn, "%s", first.Message))
	}
	return standin.Refuse(first.Code, "%s", first.Message)
}

func (a functionAPI) Send(url string, bodies []string) ([]string, error) {
	queue, ok := a.world().Get(queueToken, a.place(), url)
	if !ok {
		return nil, standin.Refuse("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
	}
	hop, err := a.h.call.function.hop("sends to queue "+queue.Text("name"), "sqs:SendMessage", queue.ARN())
	if err := a.begin(hop, err, "AccessDenied"); err != nil {
		return nil, err
	}
	var ids []string
	now := a.h.call.now()
	err = a.world().change(func() (*change, error) {
		c := &change{}
		for i, body := range bodies {
			m := a.world().message(queue, body, now, i)
			c.Put = append(c.Put, m)
			ids = append(ids, m.ID)
		}
		return c, nil
	})
	return ids, err
}

// putByCall makes or replaces an object by a call of AWS's API, not by a stack. A refusal has all reasons.
func (w *World) putByCall(place partition.Place, token string, inputs resource.PropertyMap) error {
	t, err := lookup(token)
	if err != nil {
		return err
	}
	return w.change(func() (*change, error) {
		o, err := completeByCall(t, place, inputs, fmt.Sprintf("%s@%d", token, w.journal.next()))
		if err != nil {
			return nil, err
		}
		o.Created = w.now().UTC()
		if err := w.refuseCreation(t, o); err != nil {
			return nil, err
		}
		more, err := w.created(o)
		return &change{Put: append([]*Object{o}, more...)}, err
	})
}

// completeByCall is what AWS makes of a call's parameters.
func completeByCall(t *catalog.Type, place partition.Place, inputs resource.PropertyMap, salt string) (*Object, error) {
	request := catalog.Request{Place: place, Inputs: inputs, Salt: salt}
	var refused refusals
	for _, f := range t.Check(request) {
		refused.add(f.Code, "%s: %s", f.Property, f.Reason)
	}
	if err := refused.err(); err != nil {
		return nil, err
	}
	id, state, err := t.Complete(request)
	if err != nil {
		return nil, err
	}
	return &Object{Type: t.Token, ID: id, Place: place, Inputs: inputs, State: plain(state), External: true, salt: salt}, nil
}
