package components_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/functions/subscribe"
	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

const (
	queueType      = "aws:sqs/queue:Queue"
	ruleType       = "aws:cloudwatch/eventRule:EventRule"
	targetType     = "aws:cloudwatch/eventTarget:EventTarget"
	permissionType = "aws:lambda/permission:Permission"
	mappingType    = "aws:lambda/eventSourceMapping:EventSourceMapping"
	alarmType      = "aws:cloudwatch/metricAlarm:MetricAlarm"
)

func subscriberArgs() *components.LogGroupSubscriberArgs {
	return &components.LogGroupSubscriberArgs{
		Place:        home,
		FunctionArgs: components.FunctionArgs{FunctionName: "log-archive-subscribe", RoleName: "log-archive-subscribe-cn-north-1"},
		Exclude:      []string{"/aws/rds/*", "/private"},
	}
}

// subscribing is a pipeline with a transform function and a subscriber; change may change the Args of the last two.
func subscribing(name string, change func(*components.FirehoseToS3PipelineArgs, *components.LogGroupSubscriberArgs)) func(*program) error {
	return func(p *program) error {
		pipelined, args := pipelineArgs(), subscriberArgs()
		args.Place = home
		if change != nil {
			change(pipelined, args)
		}
		function, err := components.NewTransformFunction(p.ctx, "transform", transformArgs(), p.at(home))
		if err != nil {
			return err
		}
		if pipelined.Content != components.VendedLogs {
			pipelined.Transform = function
		}
		if args.Pipeline, err = components.NewFirehoseToS3Pipeline(p.ctx, "logs", pipelined, p.at(home)); err != nil {
			return err
		}
		_, err = components.NewLogGroupSubscriber(p.ctx, name, args, p.at(home))
		return err
	}
}

var (
	subscriberARN = home.ARN(partition.Lambda, "function:log-archive-subscribe").String()
	itemsARN      = home.ARN(partition.SQS, "log-archive-subscribe").String()
	failedARN     = home.ARN(partition.SQS, "log-archive-subscribe-failed").String()
)

func TestLogGroupSubscriber(t *testing.T) {
	t.Parallel()
	g := record(t, subscribing("subscriber", nil))
	function := find(t, g, functionType, "subscriber")
	dependsOn(t, g, function, find(t, g, groupType, "subscriber"), find(t, g, rolePolicy, "subscriber"), find(t, g, rolePolicy, "logs-subscription"), find(t, g, streamType, "logs"))
	inputs(t, find(t, g, queueType, "subscriber"), map[string]any{
		"name": "log-archive-subscribe", "messageRetentionSeconds": 1209600, "visibilityTimeoutSeconds": 1800, "sqsManagedSseEnabled": true,
		"redrivePolicy": `{"deadLetterTargetArn":"` + failedARN + `","maxReceiveCount":5}`,
	})
	inputs(t, find(t, g, queueType, "subscriber-failed"), map[string]any{
		"name": "log-archive-subscribe-failed", "messageRetentionSeconds": 1209600, "sqsManagedSseEnabled": true,
		"redriveAllowPolicy": `{"redrivePermission":"byQueue","sourceQueueArns":["` + itemsARN + `"]}`,
	})
	inputs(t, find(t, g, mappingType, "subscriber"), map[string]any{
		"eventSourceArn": itemsARN, "functionName": subscriberARN, "batchSize": 10,
		"functionResponseTypes": []string{"ReportBatchItemFailures"}, "scalingConfig": map[string]any{"maximumConcurrency": 2},
	})
	inputs(t, find(t, g, ruleType, "subscriber-created"), map[string]any{
		"name": "log-archive-subscribe-created", "description": "A log group was created",
		"eventPattern": `{"detail":{"errorCode":[{"exists":false}],"eventName":["CreateLogGroup"]},"detail-type":["AWS API Call via CloudTrail","Amazon API Call via CloudTrail"],"source":["aws.logs"]}`,
	})
	inputs(t, find(t, g, ruleType, "subscriber-sweep"), map[string]any{
		"name": "log-archive-subscribe-sweep", "description": "All log groups are looked at", "scheduleExpression": "rate(1 hour)",
	})
	events, err := home.ServicePrincipal(partition.Events)
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"created", "sweep"} {
		rule := "log-archive-subscribe-" + what
		target := find(t, g, targetType, "subscriber-"+what)
		inputs(t, target, map[string]any{"rule": rule, "targetId": "subscribe", "arn": subscriberARN})
		permission := find(t, g, permissionType, "subscriber-"+what)
		inputs(t, permission, map[string]any{"statementId": rule, "action": "lambda:InvokeFunction", "function": "log-archive-subscribe",
			"principal": string(events), "sourceArn": home.ARN(partition.Events, "rule/"+rule).String()})
		dependsOn(t, g, target, permission)
	}
	var alarms []string
	for _, a := range g.ByType(alarmType) {
		alarms = append(alarms, text(t, a, "name")+" "+text(t, a, "metricName"))
	}
	slices.Sort(alarms)
	if diff := cmp.Diff([]string{"log-archive-subscribe-backlog ApproximateAgeOfOldestMessage", "log-archive-subscribe-errors Errors",
		"log-archive-subscribe-failed ApproximateNumberOfMessagesVisible", "log-archive-subscribe-no-room LimitReached"}, alarms); diff != "" {
		t.Error(diff)
	}
	room := find(t, g, alarmType, "subscriber-no-room")
	if text(t, room, "namespace") != subscribe.Namespace || text(t, room, "metricName") != string(subscribe.LimitReached) {
		t.Errorf("the function has %s %s", subscribe.Namespace, subscribe.LimitReached)
	}
	without := record(t, transformed("logs", nil))
	if n := len(added(without, g)); n != 17 {
		t.Errorf("%d resources more: %q", n, added(without, g))
	}
}

func TestSubscriberPolicy(t *testing.T) {
	t.Parallel()
	groups := func(names ...string) []string {
		var arns []string
		for _, name := range names {
			arns = append(arns, home.LogGroupARN(name).String())
		}
		return arns
	}
	passed, err := home.PassedTo(partition.Logs)
	if err != nil {
		t.Fatal(err)
	}
	want := func(actions, include, never []string) []policy.Statement {
		services := make([]string, len(passed))
		for i, s := range passed {
			services[i] = string(s)
		}
		return []policy.Statement{
			{Sid: "WriteOwnLogs", Effect: policy.Allow, Action: []string{"logs:CreateLogStream", "logs:PutLogEvents"}, Resource: groups("/aws/lambda/log-archive-subscribe:*")},
			{Sid: "FindLogGroups", Effect: policy.Allow, Action: []string{"logs:DescribeLogGroups"}, Resource: groups("*")},
			{Sid: "SubscribeLogGroups", Effect: policy.Allow, Action: actions, Resource: groups(include...)},
			{Sid: "NeverItself", Effect: policy.Deny, Action: []string{"logs:PutSubscriptionFilter"},
				Resource: groups(never...)},
			{Sid: "PassSubscriptionRole", Effect: policy.Allow, Action: []string{"iam:PassRole"}, Resource: []string{home.RoleARN("log-archive-logs-subscription").String()},
				Condition: policy.Conditions{}.With("StringEquals", "iam:PassedToService", services...)},
			{Sid: "UseQueue", Effect: policy.Allow, Action: []string{"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage"}, Resource: []string{itemsARN}},
		}
	}
	g := record(t, subscribing("subscriber", func(_ *components.FirehoseToS3PipelineArgs, args *components.LogGroupSubscriberArgs) {
		args.OwnLogGroups = []string{"/own"}
	}))
	document(t, find(t, g, rolePolicy, "subscriber"), "policy", policy.Inline, want([]string{"logs:DescribeSubscriptionFilters", "logs:PutSubscriptionFilter"}, []string{"*"},
		[]string{"/aws/kinesisfirehose/log-archive-logs*", "/aws/lambda/log-archive-subscribe*", "/aws/lambda/log-archive-transform*", "/own*"})...)
	g = record(t, subscribing("subscriber", func(_ *components.FirehoseToS3PipelineArgs, args *components.LogGroupSubscriberArgs) {
		args.OwnLogGroups, args.Include, args.GroupTags = []string{"/own"}, []string{"/app/", "/aws/lambda/"}, map[string]string{"archive": "yes"}
	}))
	document(t, find(t, g, rolePolicy, "subscriber"), "policy", policy.Inline,
		want([]string{"logs:DescribeSubscriptionFilters", "logs:ListTagsForResource", "logs:PutSubscriptionFilter"}, []string{"/app/*", "/aws/lambda/*"},
			// What Include leaves out needs no Deny.
			[]string{"/aws/lambda/log-archive-subscribe*", "/aws/lambda/log-archive-transform*"})...)
	g = record(t, subscribing("subscriber", func(_ *components.FirehoseToS3PipelineArgs, args *components.LogGroupSubscriberArgs) {
		args.Include, args.RetentionDays = []string{"/aws/lambda/"}, 30
	}))
	document(t, find(t, g, rolePolicy, "subscriber"), "policy", policy.Inline,
		want([]string{"logs:DescribeSubscriptionFilters", "logs:PutRetentionPolicy", "logs:PutSubscriptionFilter"}, []string{"/aws/lambda/*"},
			[]string{"/aws/lambda/log-archive-subscribe*", "/aws/lambda/log-archive-transform*"})...)
}

// TestSubscriberEnvironment: the function itself reads what the component writes.
func TestSubscriberEnvironment(t *testing.T) {
	t.Parallel()
	g := record(t, subscribing("subscriber", func(_ *components.FirehoseToS3PipelineArgs, args *components.LogGroupSubscriberArgs) {
		args.Include, args.OwnLogGroups, args.FilterPattern = []string{"/app/", "/aws/"}, []string{"/aws/lambda/log-archive-replay"}, "?ERROR ?WARN"
		args.GroupTags = map[string]string{"archive": "*", "team": "a"}
		args.RetentionDays = 90
	}))
	var vars []string
	for name, value := range find(t, g, functionType, "subscriber").Inputs["environment"].ObjectValue()["variables"].ObjectValue() {
		vars = append(vars, string(name)+"="+value.StringValue())
	}
	got, err := subscribe.FromEnviron(vars)
	if err != nil {
		t.Fatal(err)
	}
	host, err := home.Endpoint(partition.SQS)
	if err != nil {
		t.Fatal(err)
	}
	want := subscribe.Config{
		QueueURL: "https://" + host + "/111122223333/log-archive-subscribe", Attempts: got.Attempts, Metrics: true,
		Destination: home.ARN(partition.Firehose, "deliverystream/log-archive-logs").String(),
		Role:        home.RoleARN("log-archive-logs-subscription").String(),
		FilterName:  "log-archive-logs-subscriber", Pattern: "?ERROR ?WARN",
		Include: []string{"/app/", "/aws/"}, Exclude: []string{"/aws/rds/*", "/private"},
		Own: []string{"/aws/kinesisfirehose/log-archive-logs", "/aws/lambda/log-archive-replay", "/aws/lambda/log-archive-subscribe",
			"/aws/lambda/log-archive-transform"},
		Tags: map[string]string{"archive": "*", "team": "a"}, RetentionDays: 90,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSubscriberAlarmActions(t *testing.T) {
	t.Parallel()
	topic := home.ARN(partition.SNS, "alarms").String()
	g := record(t, subscribing("subscriber", func(_ *components.FirehoseToS3PipelineArgs, args *components.LogGroupSubscriberArgs) {
		args.AlarmActions = pulumi.StringArray{pulumi.String(topic)}
	}))
	inputs(t, find(t, g, alarmType, "subscriber-backlog"), map[string]any{
		"name": "log-archive-subscribe-backlog", "alarmDescription": "Log groups wait for more than an hour to be subscribed",
		"namespace": "AWS/SQS", "metricName": "ApproximateAgeOfOldestMessage", "dimensions": map[string]string{"QueueName": "log-archive-subscribe"},
		"statistic": "Maximum", "comparisonOperator": "GreaterThanThreshold", "threshold": 3600, "period": 300, "evaluationPeriods": 1,
		"treatMissingData": "notBreaching", "alarmActions": []string{topic}, "okActions": []string{topic},
	})
}

// TestSubscriberElsewhere: in aws there is one name of the event.
func TestSubscriberElsewhere(t *testing.T) {
	t.Parallel()
	g := record(t, func(p *program) error {
		args := pipelineArgs()
		args.Place, args.BucketPlace, args.KeyArn = virginia, oregon, pulumi.String(oregon.ARN(partition.KMS, "key/11111111-2222-3333-4444-555555555555").String())
		pipeline, err := components.NewFirehoseToS3Pipeline(p.ctx, "logs", args, p.at(virginia))
		if err != nil {
			return err
		}
		subscriber := subscriberArgs()
		subscriber.Place, subscriber.Pipeline = virginia, pipeline
		_, err = components.NewLogGroupSubscriber(p.ctx, "subscriber", subscriber, p.at(virginia))
		return err
	})
	if pattern := text(t, find(t, g, ruleType, "subscriber-created"), "eventPattern"); !strings.Contains(pattern, `"detail-type":["AWS API Call via CloudTrail"]`) {
		t.Error(pattern)
	}
	checkPartition(t, g, partition.AWS)
}

// checkPartition looks for ARNs of another partition in everything that is declared.
func checkPartition(t *testing.T, g *graph.Graph, want partition.Partition) {
	t.Helper()
	golden := string(g.Golden())
	for _, p := range partition.Partitions() {
		if p != want && strings.Contains(golden, "arn:"+string(p)+":") {
			t.Errorf("there are ARNs of %s", p)
		}
	}
}

func TestLogGroupSubscriberProblems(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*components.FirehoseToS3PipelineArgs, *components.LogGroupSubscriberArgs)
		want   map[string]string
	}{
		"itself": {func(_ *components.FirehoseToS3PipelineArgs, args *components.LogGroupSubscriberArgs) {
			args.FunctionName, args.TimeoutSeconds, args.ReservedConcurrency = strings.Repeat("a", 51), 30, 2
			args.RetentionDays = 31
			args.MaxConcurrency, args.MaxReceives, args.Schedule = 1001, 1001, "hourly"
			args.Include, args.Exclude, args.OwnLogGroups = []string{"/a b"}, []string{"/a", "/a", "/*/x"}, []string{""}
			args.GroupTags, args.FilterPattern = map[string]string{"a,b": "c"}, strings.Repeat("x", 1025)
		}, map[string]string{
			"FunctionName": "at most 50", "TimeoutSeconds": "at least 31", "ReservedConcurrency": "more than MaxConcurrency",
			"MaxConcurrency": "2 to 1000", "MaxReceives": "1 to 1000", "Schedule": "rate(1 hour)", "Include[0]": "begin with",
			"Exclude[1]": "twice", "Exclude[2]": "begin with", "OwnLogGroups[0]": "begin with", "GroupTags[a,b]": "without commas", "RetentionDays": "want one of 1, 3", "FilterPattern": "1024",
		}},
		"another place": {func(_ *components.FirehoseToS3PipelineArgs, args *components.LogGroupSubscriberArgs) {
			args.Place = second
		},
			map[string]string{"Pipeline": "want a pipeline at 111122223333/cn-northwest-1"}},
		"vended logs": {func(pipeline *components.FirehoseToS3PipelineArgs, _ *components.LogGroupSubscriberArgs) {
			pipeline.Content, pipeline.SubscriptionRoleName = components.VendedLogs, ""
		}, map[string]string{"Pipeline": "want a pipeline of cloudwatch-logs"}},
		"the program's filters": {func(_ *components.FirehoseToS3PipelineArgs, args *components.LogGroupSubscriberArgs) {
			args.FilterName = "log-archive-logs"
		}, map[string]string{"FilterName": "not the stream's name"}},
		"many": {func(_ *components.FirehoseToS3PipelineArgs, args *components.LogGroupSubscriberArgs) {
			for range 9 {
				args.Include = append(args.Include, strings.Repeat("x", 500-len(args.Include)))
			}
		}, map[string]string{"Include": "Lambda takes 4096"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantProblems(t, refused(t, subscribing("refused", test.change)), test.want)
		})
	}
	wantProblems(t, refused(t, func(p *program) error {
		_, err := components.NewLogGroupSubscriber(p.ctx, "refused", subscriberArgs(), p.at(home))
		return err
	}), map[string]string{"Pipeline": "want the pipeline"})
}
