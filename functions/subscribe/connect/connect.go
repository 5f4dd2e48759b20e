// Package connect is what package subscribe needs of AWS, by the AWS SDK.
package connect

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/logarchive/logarchive/functions/subscribe"
)

// New connects with the SDK's default configuration. The SDK doesn't retry: the handler does, and counts.
func New(ctx context.Context) (Logs, Queue, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }))
	if err != nil {
		return Logs{}, Queue{}, fmt.Errorf("configuration of the AWS SDK: %w", err)
	}
	return Logs{cloudwatchlogs.NewFromConfig(cfg)}, Queue{sqs.NewFromConfig(cfg)}, nil
}

// LogsAPI is the part of the CloudWatch Logs client that is used.
type LogsAPI interface {
	cloudwatchlogs.DescribeLogGroupsAPIClient
	cloudwatchlogs.DescribeSubscriptionFiltersAPIClient
	PutRetentionPolicy(context.Context, *cloudwatchlogs.PutRetentionPolicyInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.PutRetentionPolicyOutput, error)
	ListTagsForResource(context.Context, *cloudwatchlogs.ListTagsForResourceInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.ListTagsForResourceOutput, error)
	PutSubscriptionFilter(context.Context, *cloudwatchlogs.PutSubscriptionFilterInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.PutSubscriptionFilterOutput, error)
}

// Logs is a subscribe.Logs.
type Logs struct{ API LogsAPI }

var _ subscribe.Logs = Logs{}

// Groups calls DescribeLogGroups, 50 groups a page.
func (l Logs) Groups(ctx context.Context, prefix, token string) ([]subscribe.Group, string, error) {
	out, err := l.API.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{
		Limit: aws.Int32(50), LogGroupNamePrefix: optional(prefix), NextToken: optional(token)})
	if err != nil {
		return nil, "", err
	}
	groups := make([]subscribe.Group, len(out.LogGroups))
	for i, g := range out.LogGroups {
		arn := aws.ToString(g.LogGroupArn)
		if arn == "" {
			arn = aws.ToString(g.Arn)
		}
		groups[i] = subscribe.Group{Name: aws.ToString(g.LogGroupName), ARN: arn, Class: string(g.LogGroupClass), Retention: int(aws.ToInt32(g.RetentionInDays))}
		if g.CreationTime != nil {
			groups[i].Created = time.UnixMilli(*g.CreationTime)
		}
	}
	return groups, aws.ToString(out.NextToken), nil
}

// Filters calls DescribeSubscriptionFilters until there are no more.
func (l Logs) Filters(ctx context.Context, group string) ([]subscribe.Filter, error) {
	var filters []subscribe.Filter
	pages := cloudwatchlogs.NewDescribeSubscriptionFiltersPaginator(l.API, &cloudwatchlogs.DescribeSubscriptionFiltersInput{LogGroupName: &group})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, f := range out.SubscriptionFilters {
			filters = append(filters, subscribe.Filter{Name: aws.ToString(f.FilterName), Pattern: aws.ToString(f.FilterPattern),
				Destination: aws.ToString(f.DestinationArn), Role: aws.ToString(f.RoleArn),
				Transformed: f.ApplyOnTransformedLogs, Selection: aws.ToString(f.FieldSelectionCriteria)})
		}
	}
	return filters, nil
}

// Retain calls PutRetentionPolicy.
func (l Logs) Retain(ctx context.Context, group string, days int) error {
	_, err := l.API.PutRetentionPolicy(ctx, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: &group, RetentionInDays: aws.Int32(int32(days))})
	return err
}

// Tags calls ListTagsForResource.
func (l Logs) Tags(ctx context.Context, arn string) (map[string]string, error) {
	out, err := l.API.ListTagsForResource(ctx, &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: &arn})
	if err != nil {
		return nil, err
	}
	return out.Tags, nil
}

// Put calls PutSubscriptionFilter. The distribution is by log stream, which keeps the order of each.
func (l Logs) Put(ctx context.Context, group string, f subscribe.Filter) error {
	_, err := l.API.PutSubscriptionFilter(ctx, &cloudwatchlogs.PutSubscriptionFilterInput{LogGroupName: &group, FilterName: &f.Name,
		FilterPattern: &f.Pattern, DestinationArn: &f.Destination, RoleArn: optional(f.Role), Distribution: types.DistributionByLogStream,
		ApplyOnTransformedLogs: f.Transformed, FieldSelectionCriteria: optional(f.Selection)})
	return err
}

// QueueAPI is the part of the SQS client that is used.
type QueueAPI interface {
	SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
}

// Queue is a subscribe.Queue.
type Queue struct{ API QueueAPI }

var _ subscribe.Queue = Queue{}

// Send calls SendMessageBatch.
func (q Queue) Send(ctx context.Context, url string, bodies []string) ([]subscribe.Refusal, error) {
	in := &sqs.SendMessageBatchInput{QueueUrl: &url}
	for i, b := range bodies {
		in.Entries = append(in.Entries, sqstypes.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(b)})
	}
	out, err := q.API.SendMessageBatch(ctx, in)
	if err != nil {
		return nil, err
	}
	// What the queue doesn't name as taken counts as refused.
	verdicts := make([]*subscribe.Refusal, len(bodies))
	for i := range verdicts {
		verdicts[i] = &subscribe.Refusal{Index: i, Code: "NoVerdict", Message: "the queue didn't say whether it took the message"}
	}
	for _, ok := range out.Successful {
		if i, err := strconv.Atoi(aws.ToString(ok.Id)); err == nil && i >= 0 && i < len(verdicts) {
			verdicts[i] = nil
		}
	}
	for _, no := range out.Failed {
		if i, err := strconv.Atoi(aws.ToString(no.Id)); err == nil && i >= 0 && i < len(verdicts) {
			verdicts[i] = &subscribe.Refusal{Index: i, Code: aws.ToString(no.Code), Message: aws.ToString(no.Message), Final: no.SenderFault}
		}
	}
	var refused []subscribe.Refusal
	for _, v := range verdicts {
		if v != nil {
			refused = append(refused, *v)
		}
	}
	return refused, nil
}

// optional leaves a parameter out that is empty: AWS refuses empty ones.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
