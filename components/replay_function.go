package components

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lambda"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// ReplayFunctionArgs are the Args of [NewReplayFunction].
type ReplayFunctionArgs struct {
	// Place is where the function is, and the streams that it puts records back to.
	Place partition.Place
	// FunctionArgs.TimeoutSeconds is 60 to 900; 0 means 900. What isn't done in that time is done by the next run.
	FunctionArgs
	// BucketName and BucketPlace are the archive bucket and where it is, KeyArn its key. The bucket must grant the function
	// a [ReplayDelivery] for each stream.
	BucketName  string
	BucketPlace partition.Place
	KeyArn      pulumi.StringInput
	// Streams are what is brought back, at least one.
	Streams []ReplayStream
	// Schedule is when the function runs by itself: "rate(1 day)" or "cron(…)". Empty means only when somebody invokes it,
	// with {"bucket": "…"} or less of the prefix: see functions/replay.
	Schedule string
	// MinAgeMinutes leaves younger objects alone, 0 to 10080. It bounds how often a record goes round that fails again.
	MinAgeMinutes int
	// BytesPerSecond bounds the pace, so that what comes in live isn't throttled: 65536 or more; 0 means 524288, half of
	// what a stream takes in China.
	BytesPerSecond int
	// AlarmActions are the ARNs of what the alarms notify; none means that they only show.
	AlarmActions pulumi.StringArrayInput
	// DependsOn is what must be there before the function runs: the bucket's policy.
	DependsOn []pulumi.Resource
}

// ReplayStream is a stream and the error prefix that it writes to.
type ReplayStream struct {
	StreamName string
	// ErrorPrefix is the fixed part of the stream's: see [FixedPrefix].
	ErrorPrefix string
}

// ReplayFunction brings back what Firehose couldn't deliver: it reads the error objects of streams, and puts their records
// back, each once. What it does is described in functions/replay.
type ReplayFunction struct {
	pulumi.ResourceState
	Function *lambda.Function
	RoleArn  pulumi.StringOutput
	// LogGroup is the function's own log group.
	LogGroup string
}

// ReplayMarkers is what the keys of the replay's markers begin with in the archive: functions/replay's own default, which the
// command line shares.
const ReplayMarkers = "replay/"

const (
	defaultReplaySeconds                = 900
	leastReplaySeconds                  = 60 // it keeps some for ending in order: see functions/replay
	defaultReplayRate, leastReplayRate  = 512 << 10, 64 << 10
	mostReplayRate                      = 100 << 20
	mostReplayAge                       = 7 * 24 * 60
	replayNamespace, replayMetricBucket = "LogArchive/Replay", "Bucket"
)

// replayActions are what a replay does with a bucket and its objects. Without s3:ListBucket, S3 answers 403 where a marker
// isn't there, and not 404
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html#API_GetObject_RequestSyntax, Permissions).
func replayActions() []string {
	return []string{"s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:ListBucketVersions", "s3:PutObject"}
}

func (args ReplayFunctionArgs) withDefaults() *ReplayFunctionArgs {
	args.TimeoutSeconds = cmp.Or(args.TimeoutSeconds, defaultReplaySeconds)
	args.BytesPerSecond = cmp.Or(args.BytesPerSecond, defaultReplayRate)
	return &args
}

func (args *ReplayFunctionArgs) check(name string) error {
	var p problems
	p.place("Place", args.Place)
	p.place("BucketPlace", args.BucketPlace)
	p.bucket("BucketName", args.BucketName)
	if args.KeyArn == nil {
		p.add("KeyArn", "", "want the archive's key")
	}
	p.function(&args.FunctionArgs, args.Place, defaultReplaySeconds)
	if args.TimeoutSeconds < leastReplaySeconds {
		p.add("TimeoutSeconds", args.TimeoutSeconds, "want at least %d", leastReplaySeconds)
	}
	if len(args.Streams) == 0 {
		p.add("Streams", "", "want at least one stream")
	}
	for i, s := range args.Streams {
		field := at("Streams", i, "")
		p.name(field+".StreamName", s.StreamName, streamName)
		p.keyPrefix(field+".ErrorPrefix", s.ErrorPrefix)
		for _, other := range args.Streams[:i] {
			if strings.HasPrefix(s.ErrorPrefix, other.ErrorPrefix) || strings.HasPrefix(other.ErrorPrefix, s.ErrorPrefix) {
				p.add(field+".ErrorPrefix", s.ErrorPrefix, "overlaps %q: an object must be of one stream", other.ErrorPrefix)
			}
		}
		if strings.HasPrefix(s.ErrorPrefix, ReplayMarkers) || strings.ContainsAny(s.ErrorPrefix, ",") {
			p.add(field+".ErrorPrefix", s.ErrorPrefix, "want a prefix without commas, that doesn't lie below %s", ReplayMarkers)
		}
	}
	if s := args.Schedule; s != "" && !strings.HasPrefix(s, "rate(") && !strings.HasPrefix(s, "cron(") {
		p.add("Schedule", s, "want an expression such as rate(1 day) or cron(0 2 * * ? *), or none")
	}
	if args.MinAgeMinutes < 0 || args.MinAgeMinutes > mostReplayAge {
		p.add("MinAgeMinutes", args.MinAgeMinutes, "want 0 to %d", mostReplayAge)
	}
	if args.BytesPerSecond < leastReplayRate || args.BytesPerSecond > mostReplayRate {
		p.add("BytesPerSecond", args.BytesPerSecond, "want %d to %d", leastReplayRate, mostReplayRate)
	}
	p.variables("Streams", args.variables())
	if len(p.list) == 0 {
		doc, err := args.policy(unknownKey(args.BucketPlace))
		p.document("Streams", "role policy", policy.Inline, doc, err)
	}
	return p.err("ReplayFunction", name)
}

func (args *ReplayFunctionArgs) variables() map[string]string {
	var routes []string
	for _, s := range args.Streams {
		routes = append(routes, s.ErrorPrefix+"="+s.StreamName)
	}
	slices.Sort(routes)
	return map[string]string{
		"LOGARCHIVE_REPLAY_BUCKET":           args.BucketName,
		"LOGARCHIVE_REPLAY_BUCKET_REGION":    string(args.BucketPlace.Region),
		"LOGARCHIVE_REPLAY_STREAMS":          strings.Join(routes, ","),
		"LOGARCHIVE_REPLAY_MIN_AGE_MINUTES":  strconv.Itoa(args.MinAgeMinutes),
		"LOGARCHIVE_REPLAY_BYTES_PER_SECOND": strconv.Itoa(args.BytesPerSecond),
	}
}

// policy is what the function may do: read the error objects of its streams, read and write their markers, use the
// archive's key through S3 for that, and put records onto exactly these streams.
func (args *ReplayFunctionArgs) policy(keyArn string) (policy.Document, error) {
	s3, err := args.BucketPlace.ViaService(partition.S3)
	if err != nil {
		return policy.Document{}, err
	}
	p := args.BucketPlace.Partition()
	bucket := partition.BucketARN(p, args.BucketName).String()
	var prefixes, errors, markers, streams []string
	for _, s := range args.Streams {
		prefixes = append(prefixes, s.ErrorPrefix+"*")
		errors = append(errors, partition.ObjectARN(p, args.BucketName, s.ErrorPrefix+"*").String())
		markers = append(markers, partition.ObjectARN(p, args.BucketName, ReplayMarkers+s.ErrorPrefix+"*").String())
		streams = append(streams, args.Place.ARN(partition.Firehose, "deliverystream/"+s.StreamName).String())
	}
	allow := func(sid string, actions, resources []string, c policy.Conditions) policy.Statement {
		return policy.Statement{Sid: sid, Effect: policy.Allow, Action: actions, Resource: resources, Condition: c}
	}
	return policy.Document{Statements: []policy.Statement{
		args.writeOwnLogs(args.Place),
		allow("FindErrors", []string{"s3:ListBucketVersions"}, []string{bucket}, policy.Conditions{}.With("StringLike", "s3:prefix", sorted(prefixes)...)),
		// Its only use is that S3 says 404 of a marker that isn't there; such a request has no prefix to ask for.
		allow("MissMarkers", []string{"s3:ListBucket"}, []string{bucket}, nil),
		allow("ReadErrors", []string{"s3:GetObjectVersion"}, sorted(errors), nil),
		allow("KeepMarkers", []string{"s3:GetObject", "s3:PutObject"}, sorted(markers), nil),
		allow("UseKey", []string{"kms:Decrypt", "kms:GenerateDataKey"}, []string{keyArn}, throughS3(s3, bucket)),
		allow("PutBack", []string{"firehose:PutRecordBatch"}, sorted(streams), nil),
	}}, nil
}

// NewReplayFunction registers a log group, a role with its policy, the function, its alarms, and, with a Schedule, the rule
// that calls it. Errors: [ArgsError]; those of Args.Code.
func NewReplayFunction(ctx *pulumi.Context, name string, given *ReplayFunctionArgs, opts ...pulumi.ResourceOption) (*ReplayFunction, error) {
	if given == nil {
		given = &ReplayFunctionArgs{}
	}
	args := given.withDefaults()
	if err := args.check(name); err != nil {
		return nil, err
	}
	zip, err := args.pack(ctx, args.Place, "replay", 0)
	if err != nil {
		return nil, err
	}
	c := &ReplayFunction{LogGroup: args.LogGroup()}
	if err := ctx.RegisterComponentResource("logarchive:index:ReplayFunction", name, c, opts...); err != nil {
		return nil, err
	}
	made, err := deployment{
		FunctionArgs: &args.FunctionArgs,
		Package:      zip,
		place:        args.Place,
		description:  "Brings back what Firehose couldn't deliver",
		policyName:   "replay",
		document:     documentOf(args.KeyArn, args.policy),
		variables:    plainVariables(args.variables()),
	}.deploy(ctx, name, c, args.DependsOn...)
	if err != nil {
		return nil, err
	}
	c.Function, c.RoleArn = made.function, made.role.Arn
	if err := c.registerSchedule(ctx, name, args); err != nil {
		return nil, err
	}
	if err := c.registerAlarms(ctx, name, args); err != nil {
		return nil, err
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"functionArn": c.Function.Arn, "roleArn": c.RoleArn})
}

// registerSchedule: what a run fails to do is done by the next one, so it needs no dead letter queue.
func (c *ReplayFunction) registerSchedule(ctx *pulumi.Context, name string, args *ReplayFunctionArgs) error {
	if args.Schedule == "" {
		return nil
	}
	event, err := json.Marshal(map[string]string{"bucket": args.BucketName})
	if err != nil {
		return err
	}
	return functionRule{
		place: args.Place, function: c.Function, target: "replay", input: string(event),
		rule: cloudwatch.EventRuleArgs{
			Name:               pulumi.String(args.FunctionName),
			Description:        pulumi.String("Error objects are looked at"),
			ScheduleExpression: pulumi.String(args.Schedule),
			Tags:               tags(args.Tags),
		},
	}.register(ctx, name, c)
}

// registerAlarms: a run that failed, and records that still aren't on their stream after one.
func (c *ReplayFunction) registerAlarms(ctx *pulumi.Context, name string, args *ReplayFunctionArgs) error {
	for what, a := range map[string]alarm{
		"errors": {description: "The replay of error objects fails", namespace: "AWS/Lambda", metric: "Errors", dimensions: map[string]string{"FunctionName": args.FunctionName}},
		"open": {description: "Error objects have records that can't be put back onto their stream", namespace: replayNamespace, metric: "Open",
			dimensions: map[string]string{replayMetricBucket: args.BucketName}},
	} {
		a.name, a.statistic = args.FunctionName+"-"+what, "Sum"
		if err := a.register(ctx, name+"-"+what, args.AlarmActions, args.Tags, pulumi.Parent(c)); err != nil {
			return err
		}
	}
	return nil
}
