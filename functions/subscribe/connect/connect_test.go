package connect

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/functions/subscribe"
)

type api struct {
	LogsAPI
	groups []*cloudwatchlogs.DescribeLogGroupsInput
	puts   []*cloudwatchlogs.PutSubscriptionFilterInput
	retain *cloudwatchlogs.PutRetentionPolicyInput
}

func (a *api) DescribeLogGroups(_ context.Context, in *cloudwatchlogs.DescribeLogGroupsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogGroupsOutput, error) {
	a.groups = append(a.groups, in)
	return &cloudwatchlogs.DescribeLogGroupsOutput{NextToken: aws.String("t2"), LogGroups: []types.LogGroup{
		{LogGroupName: aws.String("/a"), LogGroupArn: aws.String("x"), Arn: aws.String("x:*"), LogGroupClass: types.LogGroupClassInfrequentAccess},
		{LogGroupName: aws.String("/b"), Arn: aws.String("y:*"), RetentionInDays: aws.Int32(7), CreationTime: aws.Int64(1_795_244_400_000)}}}, nil
}

func (a *api) DescribeSubscriptionFilters(_ context.Context, in *cloudwatchlogs.DescribeSubscriptionFiltersInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeSubscriptionFiltersOutput, error) {
	if in.NextToken == nil {
		return &cloudwatchlogs.DescribeSubscriptionFiltersOutput{NextToken: aws.String("n"), SubscriptionFilters: []types.SubscriptionFilter{{FilterName: aws.String("one"), Distribution: types.DistributionRandom}}}, nil
	}
	return &cloudwatchlogs.DescribeSubscriptionFiltersOutput{SubscriptionFilters: []types.SubscriptionFilter{{FilterName: aws.String("two"), FilterPattern: aws.String("p"),
		DestinationArn: aws.String("d"), RoleArn: aws.String("r"), ApplyOnTransformedLogs: true, FieldSelectionCriteria: aws.String("s")}}}, nil
}

func (a *api) PutSubscriptionFilter(_ context.Context, in *cloudwatchlogs.PutSubscriptionFilterInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.PutSubscriptionFilterOutput, error) {
	a.puts = append(a.puts, in)
	return &cloudwatchlogs.PutSubscriptionFilterOutput{}, nil
}

func (a *api) PutRetentionPolicy(_ context.Context, in *cloudwatchlogs.PutRetentionPolicyInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.PutRetentionPolicyOutput, error) {
	a.retain = in
	return &cloudwatchlogs.PutRetentionPolicyOutput{}, nil
}

func TestLogs(t *testing.T) {
	t.Parallel()
	a := &api{}
	l := Logs{a}
	groups, token, err := l.Groups(t.Context(), "", "")
	if _, _, err := l.Groups(t.Context(), "/p", token); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]subscribe.Group{{Name: "/a", ARN: "x", Class: "INFREQUENT_ACCESS"}, {Name: "/b", ARN: "y:*", Retention: 7, Created: time.UnixMilli(1_795_244_400_000)}}, groups); diff != "" || err != nil || token != "t2" {
		t.Errorf("%v %q\n%s", err, token, diff)
	}
	if in := a.groups[0]; in.LogGroupNamePrefix != nil || in.NextToken != nil {
		t.Error("empty parameters were sent")
	}
	if in := a.groups[1]; *in.LogGroupNamePrefix != "/p" || *in.NextToken != "t2" {
		t.Error("the prefix and the token were not sent")
	}
	filters, err := l.Filters(t.Context(), "/a")
	want := []subscribe.Filter{{Name: "one"}, {Name: "two", Pattern: "p", Destination: "d", Role: "r", Transformed: true, Selection: "s"}}
	if diff := cmp.Diff(want, filters); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if err := l.Put(t.Context(), "/a", subscribe.Filter{Name: "n", Destination: "d"}); err != nil {
		t.Fatal(err)
	}
	// The pattern is required by AWS, and may be empty; the role must not be.
	if in := a.puts[0]; in.FilterPattern == nil || in.RoleArn != nil || in.FieldSelectionCriteria != nil || *in.LogGroupName != "/a" || in.Distribution != types.DistributionByLogStream {
		t.Errorf("%+v", in)
	}
	if err := l.Retain(t.Context(), "/a", 30); err != nil || *a.retain.LogGroupName != "/a" || *a.retain.RetentionInDays != 30 {
		t.Errorf("%v: %+v", err, a.retain)
	}
}

type queue func(*sqs.SendMessageBatchInput) *sqs.SendMessageBatchOutput

func (q queue) SendMessageBatch(_ context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	return q(in), nil
}

func TestSendBelievesOnlyWhatTheQueueSays(t *testing.T) {
	t.Parallel()
	q := Queue{queue(func(in *sqs.SendMessageBatchInput) *sqs.SendMessageBatchOutput {
		if len(in.Entries) != 4 || *in.Entries[3].MessageBody != "d" {
			t.Errorf("%+v", in)
		}
		return &sqs.SendMessageBatchOutput{
			Successful: []sqstypes.SendMessageBatchResultEntry{{Id: in.Entries[2].Id}, {Id: aws.String("99")}, {Id: nil}},
			Failed:     []sqstypes.BatchResultErrorEntry{{Id: in.Entries[0].Id, Code: aws.String("c"), Message: aws.String("m"), SenderFault: true}, {Id: in.Entries[1].Id, Code: aws.String("InternalError")}},
		}
	})}
	refused, err := q.Send(t.Context(), "u", []string{"a", "b", "c", "d"})
	want := []subscribe.Refusal{{Index: 0, Code: "c", Message: "m", Final: true}, {Index: 1, Code: "InternalError"}, {Index: 3, Code: "NoVerdict", Message: "the queue didn't say whether it took the message"}}
	if diff := cmp.Diff(want, refused); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

// The SDK's errors must be readable for package subscribe.
var _ interface{ ErrorCode() string } = (*types.ResourceNotFoundException)(nil)
