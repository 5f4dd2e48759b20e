package components

import (
	"encoding/json"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lambda"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sqs"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// registerQueues: the queue of work items, and the one of those that failed again and again. SQS encrypts both with keys
// of its own. Nobody but roles of the account that are allowed to uses them, so they have no policies.
func (c *LogGroupSubscriber) registerQueues(ctx *pulumi.Context, name string, args *LogGroupSubscriberArgs) (err error) {
	const seconds = queueDays * 24 * 60 * 60
	allow, err := json.Marshal(map[string]any{"redrivePermission": "byQueue", "sourceQueueArns": []string{args.queueArn(args.queueName())}})
	if err != nil {
		return err
	}
	c.DeadLetterQueue, err = sqs.NewQueue(ctx, name+"-failed", &sqs.QueueArgs{
		Name:                    pulumi.String(args.deadLetterName()),
		MessageRetentionSeconds: pulumi.Int(seconds),
		SqsManagedSseEnabled:    pulumi.Bool(true),
		RedriveAllowPolicy:      pulumi.String(allow),
		Tags:                    tags(args.Tags),
	}, pulumi.Parent(c))
	if err != nil {
		return err
	}
	receives := args.MaxReceives
	c.Queue, err = sqs.NewQueue(ctx, name, &sqs.QueueArgs{
		Name:                     pulumi.String(args.queueName()),
		MessageRetentionSeconds:  pulumi.Int(seconds),
		VisibilityTimeoutSeconds: pulumi.Int(visibilityTimes * args.TimeoutSeconds),
		SqsManagedSseEnabled:     pulumi.Bool(true),
		RedrivePolicy: c.DeadLetterQueue.Arn.ApplyT(func(arn string) (string, error) {
			doc, err := json.Marshal(map[string]any{"deadLetterTargetArn": arn, "maxReceiveCount": receives})
			return string(doc), err
		}).(pulumi.StringOutput),
		Tags: tags(args.Tags),
	}, pulumi.Parent(c))
	return err
}

// createdPattern matches the calls that created a log group. The service is told by source: what CloudTrail calls it in
// China isn't documented for sure. A call that failed has an errorCode
// (https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-logs.html).
func (args *LogGroupSubscriberArgs) createdPattern() (string, error) {
	pattern, err := json.Marshal(map[string]any{
		"source":      []string{"aws.logs"},
		"detail-type": args.Place.Partition().CallEventTypes(),
		"detail": map[string]any{
			"eventName": []string{"CreateLogGroup"},
			"errorCode": []any{map[string]bool{"exists": false}},
		},
	})
	return string(pattern), err
}

// registerTriggers: the rules for new groups and for the sweep, and the queue. What an event or a sweep fails to do is
// done by the next sweep, so neither has a dead letter queue; an alarm shows that they fail.
func (c *LogGroupSubscriber) registerTriggers(ctx *pulumi.Context, name string, args *LogGroupSubscriberArgs) error {
	pattern, err := args.createdPattern()
	if err != nil {
		return err
	}
	for _, rule := range []struct {
		what string
		args cloudwatch.EventRuleArgs
	}{
		{"created", cloudwatch.EventRuleArgs{Description: pulumi.String("A log group was created"), EventPattern: pulumi.String(pattern)}},
		{"sweep", cloudwatch.EventRuleArgs{Description: pulumi.String("All log groups are looked at"), ScheduleExpression: pulumi.String(args.Schedule)}},
	} {
		rule.args.Name = pulumi.String(args.FunctionName + "-" + rule.what)
		rule.args.Tags = tags(args.Tags)
		r := functionRule{place: args.Place, function: c.Function, target: "subscribe", rule: rule.args}
		if err := r.register(ctx, name+"-"+rule.what, c); err != nil {
			return err
		}
	}
	_, err = lambda.NewEventSourceMapping(ctx, name, &lambda.EventSourceMappingArgs{
		EventSourceArn:        c.Queue.Arn,
		FunctionName:          c.Function.Arn,
		BatchSize:             pulumi.Int(10),
		FunctionResponseTypes: pulumi.StringArray{pulumi.String("ReportBatchItemFailures")},
		ScalingConfig:         &lambda.EventSourceMappingScalingConfigArgs{MaximumConcurrency: pulumi.Int(args.MaxConcurrency)},
		Tags:                  tags(args.Tags),
	}, pulumi.Parent(c))
	return err
}

// registerAlarms: items that failed for good, a backlog, invocations that failed, and groups that have no room for our
// filter. Where nothing happens there is no data, and nothing is wrong.
func (c *LogGroupSubscriber) registerAlarms(ctx *pulumi.Context, name string, args *LogGroupSubscriberArgs) error {
	for _, of := range []struct {
		what, description, namespace, metric, dimension, of, statistic string
		above                                                          float64
	}{
		{"failed", "Log groups couldn't be subscribed: their items are in the dead letter queue", "AWS/SQS",
			"ApproximateNumberOfMessagesVisible", "QueueName", args.deadLetterName(), "Maximum", 0},
		{"backlog", "Log groups wait for more than an hour to be subscribed", "AWS/SQS",
			"ApproximateAgeOfOldestMessage", "QueueName", args.queueName(), "Maximum", 3600},
		{"errors", "The subscriber fails", "AWS/Lambda", "Errors", "FunctionName", args.FunctionName, "Sum", 0},
		{"no-room", "Log groups have two filters of others, and so aren't archived", subscribeNamespace,
			subscribeLimitReached, subscribeDimension, args.Pipeline.streamName, "Sum", 0},
	} {
		if args.Runbook != "" {
			of.description += ". Runbook: " + args.Runbook + "#subscribe-" + of.what
		}
		a := alarm{
			name: args.FunctionName + "-" + of.what, description: of.description, namespace: of.namespace, metric: of.metric,
			dimensions: map[string]string{of.dimension: of.of}, statistic: of.statistic, above: of.above,
		}
		if err := a.register(ctx, name+"-"+of.what, args.AlarmActions, args.Tags, pulumi.Parent(c)); err != nil {
			return err
		}
	}
	return nil
}
