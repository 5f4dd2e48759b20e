package components

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lambda"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sqs"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// LogGroupSubscriberArgs are the Args of [NewLogGroupSubscriber].
type LogGroupSubscriberArgs struct {
	// Place is where the log groups are.
	Place partition.Place
	// FunctionArgs.FunctionName is also what the queues, rules and alarms are named after; it has at most 50 characters.
	// FunctionArgs.TimeoutSeconds is 31 to 900; 0 means 300. A sweep that doesn't end in time goes on in the next
	// invocation.
	FunctionArgs
	// Pipeline is what log groups are subscribed to. It must carry CloudWatchLogs.
	Pipeline *FirehoseToS3Pipeline
	// FilterName is by which the subscriber knows its own filters; empty means the stream's name and "-subscriber". It
	// mustn't be the stream's name, which is what the filters of the program have: those are left alone.
	FilterName string
	// FilterPattern selects events; empty selects all.
	FilterPattern string
	// Include are what the names of the groups begin with; none means every group.
	Include []string
	// Exclude are names of groups, or beginnings of names with "*" behind them.
	Exclude []string
	// GroupTags are what a group must have; the value "*" is any.
	GroupTags map[string]string
	// RetentionDays is the retention that subscribed groups get which have none; 0 leaves them as they are. A retention that
	// is there isn't changed, and neither is a group that is older than RetentionDays: see functions/subscribe. It is one of
	// [partition.LogRetentionDays].
	RetentionDays int
	// OwnLogGroups are what the names of the log groups begin with that the archive itself writes: a stream that carries
	// the log of what handles it feeds itself. The subscriber's own, the pipeline's error log and its transform function's
	// are known.
	OwnLogGroups []string
	// Schedule is when all groups are looked at: "rate(1 hour)", which is also what empty means, or "cron(…)".
	Schedule string
	// MaxConcurrency is how many invocations work off the queue at a time, 2 to 1000; 0 means 2. CloudWatch Logs takes 5
	// changes a second of subscription filters in an account and region.
	MaxConcurrency int
	// MaxReceives is how often an item is tried before it goes to the dead letter queue; 0 means 5.
	MaxReceives int
	// AlarmActions are the ARNs of what the alarms notify, such as SNS topics; none means that they only show.
	AlarmActions pulumi.StringArrayInput
	// Runbook is the document, or its URL, that tells what to do; each alarm's description has it, with the alarm's anchor.
	// Empty leaves it out.
	Runbook string
}

// LogGroupSubscriber gives every log group of a place its subscription filter: a new one when CloudTrail reports its
// creation, and any other when the next sweep finds it. It is one function, which is called by two rules and a queue; what
// it does is described in functions/subscribe. Its sweep and its worker aren't functions of their own, with fewer
// permissions each: a sweep that doesn't end in time is carried on by the worker, so each would need what the other has.
//
// The event needs a trail of the account that records management events: without one, EventBridge gets no event of an API
// call (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html), and new groups wait
// for the sweep.
type LogGroupSubscriber struct {
	pulumi.ResourceState
	Function        *lambda.Function
	Queue           *sqs.Queue
	DeadLetterQueue *sqs.Queue
	RoleArn         pulumi.StringOutput
	// LogGroup is the function's own log group.
	LogGroup string
}

const (
	defaultSubscribeSeconds = 300
	// leastSubscribeSeconds is what a sweep keeps for handing over, and a bit: see functions/subscribe.
	leastSubscribeSeconds    = 31
	mostSubscribeSeconds     = 900
	mostSubscriberName       = 50 // the longest name that is made of it has 14 more
	defaultSubscribeSchedule = "rate(1 hour)"
	defaultConcurrency       = 2
	mostConcurrency          = 1000
	defaultReceives          = 5
	// visibilityTimes is how many timeouts of the function a message stays invisible, which AWS recommends
	// (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html).
	visibilityTimes = 6
	queueDays       = 14
)

func (args *LogGroupSubscriberArgs) queueName() string      { return args.FunctionName }
func (args *LogGroupSubscriberArgs) deadLetterName() string { return args.FunctionName + "-failed" }

func (args *LogGroupSubscriberArgs) queueArn(name string) string {
	return args.Place.ARN(partition.SQS, name).String()
}

// own are the beginnings of the names of all groups that must never be subscribed, without those that another one
// covers.
func (args *LogGroupSubscriberArgs) own() []string {
	own := append([]string{args.LogGroup(), args.Pipeline.ErrorLogGroup}, args.OwnLogGroups...)
	if t := args.Pipeline.transform; t != nil {
		own = append(own, t.LogGroup)
	}
	slices.Sort(own)
	var last string
	return slices.DeleteFunc(own, func(group string) bool {
		if last != "" && strings.HasPrefix(group, last) {
			return true
		}
		last = group
		return false
	})
}

func (args *LogGroupSubscriberArgs) settings() *subscribeSettings {
	return &subscribeSettings{
		filterName: cmp.Or(args.FilterName, args.Pipeline.streamName+"-subscriber"), filterPattern: args.FilterPattern,
		include: args.Include, exclude: args.Exclude, own: args.own(), groupTags: args.GroupTags, retentionDays: args.RetentionDays,
	}
}

func (args *LogGroupSubscriberArgs) check(name string) error {
	var p problems
	p.place("Place", args.Place)
	p.function(&args.FunctionArgs, args.Place, mostSubscribeSeconds)
	if args.TimeoutSeconds < leastSubscribeSeconds {
		p.add("TimeoutSeconds", args.TimeoutSeconds, "want at least %d: a sweep keeps half a minute for handing over", leastSubscribeSeconds)
	}
	if len(args.FunctionName) > mostSubscriberName {
		p.add("FunctionName", args.FunctionName, "want at most %d characters: names of queues, rules and alarms are made of it", mostSubscriberName)
	}
	if args.ReservedConcurrency > 0 && args.ReservedConcurrency <= args.MaxConcurrency {
		p.add("ReservedConcurrency", args.ReservedConcurrency, "want more than MaxConcurrency, which is %d: the rules need an invocation, too", args.MaxConcurrency)
	}
	if args.MaxConcurrency < defaultConcurrency || args.MaxConcurrency > mostConcurrency {
		p.add("MaxConcurrency", args.MaxConcurrency, "want %d to %d", defaultConcurrency, mostConcurrency)
	}
	if args.MaxReceives < 1 || args.MaxReceives > 1000 {
		p.add("MaxReceives", args.MaxReceives, "want 1 to 1000")
	}
	p.schedule("Schedule", args.Schedule)
	for field, list := range map[string][]string{"Include": args.Include, "Exclude": args.Exclude, "OwnLogGroups": args.OwnLogGroups} {
		for i, group := range list {
			plain := group
			if field == "Exclude" {
				plain = strings.TrimSuffix(group, "*")
			}
			p.name(at(field, i, ""), plain, groupPrefix)
			if slices.Contains(list[:i], group) {
				p.add(at(field, i, ""), group, "is there twice")
			}
		}
	}
	for key, value := range args.GroupTags {
		if key == "" || strings.ContainsAny(key, ",=") || strings.Contains(value, ",") {
			p.add("GroupTags["+key+"]", value, "want a key without commas and =, and a value without commas")
		}
	}
	if args.RetentionDays != 0 {
		if err := partition.CheckLogRetention(args.RetentionDays); err != nil {
			p.add("RetentionDays", args.RetentionDays, "%v", err)
		}
	}
	if len(args.FilterPattern) > 1024 {
		p.add("FilterPattern", args.FilterPattern, "want at most 1024 characters")
	}
	if args.Pipeline == nil {
		p.add("Pipeline", "", "want the pipeline that carries the logs")
		return p.err("LogGroupSubscriber", name)
	}
	p.subscribed(args)
	return p.err("LogGroupSubscriber", name)
}

// subscribed checks what has to do with the pipeline.
func (p *problems) subscribed(args *LogGroupSubscriberArgs) {
	if args.Pipeline.place != args.Place {
		p.add("Pipeline", args.Pipeline.place, "want a pipeline at %s", args.Place)
	}
	if args.Pipeline.content != CloudWatchLogs {
		p.add("Pipeline", args.Pipeline.content, "want a pipeline of %s", CloudWatchLogs)
	}
	if filter := args.FilterName; filter == args.Pipeline.streamName || len(filter) > 512 || strings.ContainsAny(filter, ":*") {
		p.add("FilterName", filter, "want at most 512 characters without : and *, and not the stream's name, which the program's own filters have")
	}
	p.variables("Include", args.settings().variables())
	if len(p.list) == 0 {
		doc, err := args.policy()
		p.document("Pipeline", "role policy", policy.Inline, doc, err)
	}
}

// withDefaults is a copy in which nothing is left open.
func (args LogGroupSubscriberArgs) withDefaults() *LogGroupSubscriberArgs {
	args.TimeoutSeconds = cmp.Or(args.TimeoutSeconds, defaultSubscribeSeconds)
	args.Schedule = cmp.Or(args.Schedule, defaultSubscribeSchedule)
	args.MaxConcurrency = cmp.Or(args.MaxConcurrency, defaultConcurrency)
	args.MaxReceives = cmp.Or(args.MaxReceives, defaultReceives)
	return &args
}

// NewLogGroupSubscriber registers the function with its log group and role, its queue and the dead letter queue, what
// calls it, and the alarms: the same number of resources for any number of log groups. Errors: [ArgsError]; those of
// Args.Code.
func NewLogGroupSubscriber(ctx *pulumi.Context, name string, given *LogGroupSubscriberArgs, opts ...pulumi.ResourceOption) (*LogGroupSubscriber, error) {
	if given == nil {
		given = &LogGroupSubscriberArgs{}
	}
	args := given.withDefaults()
	if err := args.check(name); err != nil {
		return nil, err
	}
	zip, err := args.pack(ctx, args.Place, "subscribe", 0)
	if err != nil {
		return nil, err
	}
	c := &LogGroupSubscriber{LogGroup: args.LogGroup()}
	if err := ctx.RegisterComponentResource("logarchive:index:LogGroupSubscriber", name, c, opts...); err != nil {
		return nil, err
	}
	if err := c.registerQueues(ctx, name, args); err != nil {
		return nil, err
	}
	doc, err := args.policy()
	if err != nil {
		return nil, err
	}
	variables := plainVariables(args.settings().variables())
	variables[subscribeQueue] = c.Queue.Url
	variables[subscribeDestination] = args.Pipeline.StreamArn
	variables[subscribeRole] = args.Pipeline.SubscriptionRoleArn
	// CloudWatch Logs skips what it can't deliver for lack of permission: no filter may be put before its way is open.
	made, err := deployment{
		FunctionArgs: &args.FunctionArgs,
		Package:      zip,
		place:        args.Place,
		description:  "Subscribes log groups to stream " + args.Pipeline.streamName,
		policyName:   "subscribe-log-groups",
		policy:       doc,
		variables:    variables,
	}.deploy(ctx, name, c, args.Pipeline.subscriptionPolicy)
	if err != nil {
		return nil, err
	}
	c.Function, c.RoleArn = made.function, made.role.Arn
	if err := c.registerTriggers(ctx, name, args); err != nil {
		return nil, err
	}
	if err := c.registerAlarms(ctx, name, args); err != nil {
		return nil, err
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{
		"functionArn": c.Function.Arn, "roleArn": c.RoleArn, "queueUrl": c.Queue.Url, "deadLetterQueueUrl": c.DeadLetterQueue.Url,
	})
}
