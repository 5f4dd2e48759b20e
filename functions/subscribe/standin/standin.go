// Package standin is CloudWatch Logs and SQS as package subscribe calls them by the AWS SDK, for whoever runs the function
// without AWS. What a call means is an [Account]'s business; its limits, pages and forms are kept to here.
package standin

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/logarchive/logarchive/functions/putback/standin"
	"github.com/logarchive/logarchive/functions/subscribe"
	"github.com/logarchive/logarchive/functions/subscribe/connect"
)

// Account is an account and region. Its errors go to the caller as they are: see [Refuse] for one with a code of AWS's.
type Account interface {
	// Groups are at most so many groups whose names begin with prefix and come after a name, ordered by name; more says
	// that there are others behind them.
	Groups(prefix, after string, most int) (groups []subscribe.Group, more bool, err error)
	// Filters are the subscription filters of a group.
	Filters(group string) ([]subscribe.Filter, error)
	// Tags are the tags of the group with the ARN.
	Tags(arn string) (map[string]string, error)
	// Put makes or replaces a filter.
	Put(group string, f subscribe.Filter) error
	// Retain sets how many days a group keeps its events.
	Retain(group string, days int) error
	// Send puts messages into the queue at a URL and returns their ids.
	Send(url string, bodies []string) (ids []string, err error)
}

// Refuse is an error that AWS answers a call with.
func Refuse(code, format string, args ...any) error {
	return standin.Refuse(code, fmt.Sprintf(format, args...), true)
}

// API is an account as the SDK sees it.
type API struct{ Account Account }

var (
	_ connect.LogsAPI  = API{}
	_ connect.QueueAPI = API{}
)

// nextToken begins the tokens of pages; the last name of the page follows.
const nextToken = "after:"

// DescribeLogGroups answers at most as many groups as the call asks for, 50 if it doesn't say.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html
func (a API) DescribeLogGroups(_ context.Context, in *cloudwatchlogs.DescribeLogGroupsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogGroupsOutput, error) {
	const most = 50
	limit := int(cmp.Or(aws.ToInt32(in.Limit), most))
	if limit < 1 || limit > most {
		return nil, Refuse("InvalidParameterException", "limit %d is not between 1 and %d", limit, most)
	}
	after, ok := strings.CutPrefix(aws.ToString(in.NextToken), nextToken)
	if !ok && in.NextToken != nil {
		return nil, Refuse("InvalidParameterException", "The specified nextToken is invalid.")
	}
	groups, more, err := a.Account.Groups(aws.ToString(in.LogGroupNamePrefix), after, limit)
	if err != nil {
		return nil, err
	}
	out := &cloudwatchlogs.DescribeLogGroupsOutput{}
	for _, g := range groups {
		group := types.LogGroup{
			LogGroupName: aws.String(g.Name), Arn: aws.String(g.ARN + ":*"), LogGroupArn: aws.String(g.ARN), LogGroupClass: types.LogGroupClass(g.Class),
			CreationTime: aws.Int64(g.Created.UnixMilli()),
		}
		if g.Retention != 0 {
			group.RetentionInDays = aws.Int32(int32(g.Retention))
		}
		out.LogGroups = append(out.LogGroups, group)
	}
	if more {
		out.NextToken = aws.String(nextToken + groups[len(groups)-1].Name)
	}
	return out, nil
}

// DescribeSubscriptionFilters answers the filters of a group: two at most, so there is only one page.
func (a API) DescribeSubscriptionFilters(_ context.Context, in *cloudwatchlogs.DescribeSubscriptionFiltersInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeSubscriptionFiltersOutput, error) {
	filters, err := a.Account.Filters(aws.ToString(in.LogGroupName))
	if err != nil {
		return nil, err
	}
	out := &cloudwatchlogs.DescribeSubscriptionFiltersOutput{}
	for _, f := range filters {
		filter := types.SubscriptionFilter{
			FilterName: aws.String(f.Name), FilterPattern: aws.String(f.Pattern), LogGroupName: in.LogGroupName, DestinationArn: aws.String(f.Destination),
			ApplyOnTransformedLogs: f.Transformed,
		}
		if f.Role != "" {
			filter.RoleArn = aws.String(f.Role)
		}
		if f.Selection != "" {
			filter.FieldSelectionCriteria = aws.String(f.Selection)
		}
		out.SubscriptionFilters = append(out.SubscriptionFilters, filter)
	}
	return out, nil
}

// ListTagsForResource answers a log group's tags.
func (a API) ListTagsForResource(_ context.Context, in *cloudwatchlogs.ListTagsForResourceInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.ListTagsForResourceOutput, error) {
	tags, err := a.Account.Tags(aws.ToString(in.ResourceArn))
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.ListTagsForResourceOutput{Tags: tags}, nil
}

// PutSubscriptionFilter makes or replaces a filter.
func (a API) PutSubscriptionFilter(_ context.Context, in *cloudwatchlogs.PutSubscriptionFilterInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.PutSubscriptionFilterOutput, error) {
	f := subscribe.Filter{
		Name: aws.ToString(in.FilterName), Pattern: aws.ToString(in.FilterPattern), Destination: aws.ToString(in.DestinationArn), Role: aws.ToString(in.RoleArn),
		Transformed: in.ApplyOnTransformedLogs, Selection: aws.ToString(in.FieldSelectionCriteria),
	}
	if err := a.Account.Put(aws.ToString(in.LogGroupName), f); err != nil {
		return nil, err
	}
	return &cloudwatchlogs.PutSubscriptionFilterOutput{}, nil
}

// PutRetentionPolicy sets a group's retention.
func (a API) PutRetentionPolicy(_ context.Context, in *cloudwatchlogs.PutRetentionPolicyInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.PutRetentionPolicyOutput, error) {
	if err := a.Account.Retain(aws.ToString(in.LogGroupName), int(aws.ToInt32(in.RetentionInDays))); err != nil {
		return nil, err
	}
	return &cloudwatchlogs.PutRetentionPolicyOutput{}, nil
}

// maxBatchBytes is what the messages of a batch may have together.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
const maxBatchBytes = 1 << 20

// SendMessageBatch puts messages into a queue.
func (a API) SendMessageBatch(_ context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	var bodies []string
	size, ids := 0, map[string]bool{}
	for _, entry := range in.Entries {
		if id := aws.ToString(entry.Id); ids[id] {
			return nil, Refuse("AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "Id %s repeated.", id)
		}
		ids[aws.ToString(entry.Id)] = true
		bodies = append(bodies, aws.ToString(entry.MessageBody))
		size += len(aws.ToString(entry.MessageBody))
	}
	switch n := len(bodies); {
	case n == 0:
		return nil, Refuse("AWS.SimpleQueueService.EmptyBatchRequest", "There should be at least one SendMessageBatchRequestEntry in the request.")
	case n > subscribe.MaxMessages:
		return nil, Refuse("AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "Maximum number of entries per request are %d. You have sent %d.", subscribe.MaxMessages, n)
	case size > maxBatchBytes:
		return nil, Refuse("AWS.SimpleQueueService.BatchRequestTooLong", "Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxBatchBytes, size)
	}
	sent, err := a.Account.Send(aws.ToString(in.QueueUrl), bodies)
	if err != nil {
		return nil, err
	}
	out := &sqs.SendMessageBatchOutput{}
	for i, id := range sent {
		out.Successful = append(out.Successful, sqstypes.SendMessageBatchResultEntry{Id: in.Entries[i].Id, MessageId: aws.String(id)})
	}
	return out, nil
}
