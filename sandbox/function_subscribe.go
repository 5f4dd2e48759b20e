package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/functions/subscribe"
	"github.com/logarchive/logarchive/functions/subscribe/connect"
	"github.com/logarchive/logarchive/partition"
)

// newSubscribe is functions/subscribe with its command's settings, the AWS SDK included: the sandbox answers the calls.
func newSubscribe(f *function, h *host) (invoker, error) {
	config, err := subscribe.FromEnviron(append(slices.Clone(f.environ), "AWS_LAMBDA_FUNCTION_NAME="+f.name, "AWS_LAMBDA_LOG_GROUP_NAME="+f.logGroup))
	if err != nil {
		return nil, err
	}
	api := functionAPI{h}
	s := subscribe.New(config, connect.Logs{API: api}, connect.Queue{API: api}, logWriter{h})
	s.Now = func() time.Time { return h.call.now() }
	s.Pause = func(ctx context.Context, d time.Duration) error { return h.call.wait(ctx, d) }
	s.Random = func() float64 { return 0.5 }
	return s, nil
}

// functionAPI is AWS as a function calls it: each call is decided by its role's policies.
type functionAPI struct{ h *host }

var (
	_ connect.LogsAPI  = functionAPI{}
	_ connect.QueueAPI = functionAPI{}
)

// answer is an error that AWS answers a call with.
func answer(code, format string, args ...any) error {
	return &smithy.GenericAPIError{Code: code, Message: fmt.Sprintf(format, args...), Fault: smithy.FaultClient}
}

// begin asks for a call. denied is the code with which the service says that nothing allows it.
func (a functionAPI) begin(hop Hop, err error, denied string) error {
	c := a.h.call
	switch {
	case err != nil:
		return err
	case a.h.d.writable == nil:
		return answer("ServiceUnavailable", "the sandbox's world can only be read here")
	case a.h.d.disturbed(DisturbAPIThrottle):
		return answer("ThrottlingException", "Rate exceeded")
	}
	err = a.h.d.authorizer.Authorize(hop)
	if refusal := (*Refusal)(nil); errors.As(err, &refusal) {
		c.refused = errors.Join(c.refused, err)
		return answer(denied, "User: %s is not authorized to perform: %s on resource: %s: %s", hop.Principal, hop.Action, hop.Resource, refusal.Reason)
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
	return Object{}, answer("ResourceNotFoundException", "The specified log group does not exist.")
}

// DescribeLogGroups answers at most as many groups as the call asks for, 50 if it doesn't say, in the order of their names.
//
// See https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html
func (a functionAPI) DescribeLogGroups(_ context.Context, in *cloudwatchlogs.DescribeLogGroupsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogGroupsOutput, error) {
	// Which groups there are is asked of the region as a whole.
	if err := a.logs("lists log groups", "DescribeLogGroups", ":log-stream:"); err != nil {
		return nil, err
	}
	limit := int(cmp.Or(aws.ToInt32(in.Limit), 50))
	if limit < 1 || limit > 50 {
		return nil, answer("InvalidParameterException", "limit %d is not between 1 and 50", limit)
	}
	after, ok := strings.CutPrefix(aws.ToString(in.NextToken), nextToken)
	if !ok && in.NextToken != nil {
		return nil, answer("InvalidParameterException", "The specified nextToken is invalid.")
	}
	var found []Object
	visit(a.world(), logGroupToken, func(o *Object) {
		name := o.Text("name")
		if o.Place == a.place() && strings.HasPrefix(name, aws.ToString(in.LogGroupNamePrefix)) && name > after {
			found = append(found, *o)
		}
	})
	slices.SortFunc(found, byName)
	out := &cloudwatchlogs.DescribeLogGroupsOutput{}
	for i, o := range found {
		if i == limit {
			out.NextToken = aws.String(nextToken + aws.ToString(out.LogGroups[limit-1].LogGroupName))
			break
		}
		arn := a.place().LogGroupARN(o.Text("name")).String()
		out.LogGroups = append(out.LogGroups, types.LogGroup{
			LogGroupName: aws.String(o.Text("name")), Arn: aws.String(arn + ":*"), LogGroupArn: aws.String(arn),
			LogGroupClass: types.LogGroupClass(cmp.Or(o.Text("logGroupClass"), string(types.LogGroupClassStandard))),
		})
	}
	return out, nil
}

// nextToken begins the tokens of pages; the last name of the page follows.
const nextToken = "after:"

// DescribeSubscriptionFilters answers the filters of a group: two at most, so there is only one page.
func (a functionAPI) DescribeSubscriptionFilters(_ context.Context, in *cloudwatchlogs.DescribeSubscriptionFiltersInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeSubscriptionFiltersOutput, error) {
	name := aws.ToString(in.LogGroupName)
	if err := a.logs("looks at the subscription filters of", "DescribeSubscriptionFilters", name); err != nil {
		return nil, err
	}
	group, err := a.group(name)
	if err != nil {
		return nil, err
	}
	out := &cloudwatchlogs.DescribeSubscriptionFiltersOutput{}
	for _, o := range a.world().filtersOf(group) {
		out.SubscriptionFilters = append(out.SubscriptionFilters, types.SubscriptionFilter{
			FilterName: aws.String(o.Text("name")), FilterPattern: aws.String(o.Text("filterPattern")), LogGroupName: in.LogGroupName,
			DestinationArn: aws.String(o.Text("destinationArn")), RoleArn: optionalText(o.Text("roleArn")), Distribution: types.Distribution(o.Text("distribution")),
		})
	}
	return out, nil
}

// filtersOf returns the subscription filters of a log group, ordered by name.
func (w *World) filtersOf(group Object) []Object {
	w.mu.RLock()
	defer w.mu.RUnlock()
	found := values(w.dependents(&group, filterToken))
	slices.SortFunc(found, byName)
	return found
}

func optionalText(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// ListTagsForResource answers a log group's tags.
func (a functionAPI) ListTagsForResource(_ context.Context, in *cloudwatchlogs.ListTagsForResourceInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.ListTagsForResourceOutput, error) {
	arn, err := partition.ParseARN(aws.ToString(in.ResourceArn))
	name, isGroup := strings.CutPrefix(arn.Resource, "log-group:")
	if err != nil || !isGroup || arn.Place() != a.place() {
		return nil, answer("InvalidParameterException", "%s is not the ARN of a log group in %s", aws.ToString(in.ResourceArn), a.place())
	}
	if err := a.logs("looks at the tags of", "ListTagsForResource", name); err != nil {
		return nil, err
	}
	group, err := a.group(name)
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.ListTagsForResourceOutput{Tags: tagsOf(group)}, nil
}

// tagsOf are an object's tags, those that the provider adds to all included.
func tagsOf(o Object) map[string]string {
	all := textsIn(child(o.State, "tags"))
	for k, v := range textsIn(child(o.State, "tagsAll")) {
		all[k] = v
	}
	return all
}

// PutSubscriptionFilter makes or replaces a filter, unless AWS would refuse to, for what the filter refers to included.
//
// See https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutSubscriptionFilter.html
func (a functionAPI) PutSubscriptionFilter(_ context.Context, in *cloudwatchlogs.PutSubscriptionFilterInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.PutSubscriptionFilterOutput, error) {
	name, role := aws.ToString(in.LogGroupName), aws.ToString(in.RoleArn)
	if err := a.logs("subscribes", "PutSubscriptionFilter", name); err != nil {
		return nil, err
	}
	if role != "" {
		// What CloudWatch Logs calls itself here isn't documented: a condition must have every name.
		services, err := a.place().PassedTo(partition.Logs)
		if err != nil {
			return nil, err
		}
		for _, service := range services {
			hop, err := a.h.call.function.hop("passes a role to CloudWatch Logs", "iam:PassRole", role)
			if err := a.begin(hop.with("iam:PassedToService", string(service)), err, deniedByLogs); err != nil {
				return nil, err
			}
		}
	}
	inputs := resource.PropertyMap{}
	for property, value := range map[resource.PropertyKey]string{
		"name": aws.ToString(in.FilterName), "logGroup": name, "filterPattern": aws.ToString(in.FilterPattern),
		"destinationArn": aws.ToString(in.DestinationArn), "roleArn": role, "distribution": string(in.Distribution),
	} {
		if value != "" || property == "filterPattern" {
			inputs[property] = resource.NewStringProperty(value)
		}
	}
	err := a.world().putByCall(a.place(), filterToken, inputs)
	return &cloudwatchlogs.PutSubscriptionFilterOutput{}, a.refusedBy(err, "subscribes "+name, "logs:PutSubscriptionFilter", a.place().LogGroupARN(name).String())
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
	return answer(first.Code, "%s", first.Message)
}

// SendMessageBatch puts messages into a queue.
//
// See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
func (a functionAPI) SendMessageBatch(_ context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	queue, ok := a.world().Get(queueToken, a.place(), aws.ToString(in.QueueUrl))
	if !ok {
		return nil, answer("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
	}
	hop, err := a.h.call.function.hop("sends to queue "+queue.Text("name"), "sqs:SendMessage", queue.ARN())
	if err := a.begin(hop, err, "AccessDenied"); err != nil {
		return nil, err
	}
	size, ids := 0, map[string]bool{}
	for _, entry := range in.Entries {
		size += len(aws.ToString(entry.MessageBody))
		if id := aws.ToString(entry.Id); ids[id] {
			return nil, answer("AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "Id %s repeated.", id)
		} else {
			ids[id] = true
		}
	}
	switch most := integer(queue.State, "maxMessageSize", 262144); {
	case len(in.Entries) == 0:
		return nil, answer("AWS.SimpleQueueService.EmptyBatchRequest", "There should be at least one SendMessageBatchRequestEntry in the request.")
	case len(in.Entries) > subscribe.MaxMessages:
		return nil, answer("AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "Maximum number of entries per request are %d. You have sent %d.", subscribe.MaxMessages, len(in.Entries))
	case size > most:
		return nil, answer("AWS.SimpleQueueService.BatchRequestTooLong", "Batch requests cannot be longer than %d bytes. You have sent %d bytes.", most, size)
	}
	out := &sqs.SendMessageBatchOutput{}
	now := a.h.call.now()
	err = a.world().change(func() (*change, error) {
		c := &change{}
		for i, entry := range in.Entries {
			m := a.world().message(queue, aws.ToString(entry.MessageBody), now, i)
			c.Put = append(c.Put, m)
			out.Successful = append(out.Successful, sqstypes.SendMessageBatchResultEntry{Id: entry.Id, MessageId: &m.ID})
		}
		return c, nil
	})
	return out, err
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
