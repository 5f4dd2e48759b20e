package components

import (
	"cmp"
	"fmt"
	"maps"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kinesis"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// Content is what a pipeline carries.
type Content string

const (
	// CloudWatchLogs is the records of subscription filters. CloudWatch Logs has compressed them with gzip already, so
	// the objects, which are these records one after the other, are gzip files as they are. With a Transform they are
	// lines of JSON, one for each log event, and Firehose compresses them.
	CloudWatchLogs Content = "cloudwatch-logs"
	// VendedLogs is plain lines that the log delivery service of AWS puts, such as flow logs straight to Firehose.
	// Firehose compresses them.
	VendedLogs Content = "vended-logs"
	// Lines is what our own collectors put: records of whole lines of JSON. Firehose compresses them.
	Lines Content = "lines"
)

// FirehoseToS3PipelineArgs are the Args of [NewFirehoseToS3Pipeline].
type FirehoseToS3PipelineArgs struct {
	// Place is where the stream is. Its log groups must be there, too.
	Place partition.Place
	// StreamName is the stream's name, 1 to 64 letters, digits and "_.-". The subscription filters are named after it.
	StreamName string
	// RoleName is the role that Firehose acts as.
	RoleName string
	// SubscriptionRoleName is the role that CloudWatch Logs acts as when it puts records; empty for VendedLogs, and with
	// FromDestinations.
	// SubscriptionRoleName is the role that CloudWatch Logs acts as when it puts records; empty for the others than CloudWatchLogs.
	SubscriptionRoleName string
	// FromDestinations says that log groups of other accounts are subscribed by a [LogDestination], and none of this one.
	FromDestinations bool
	// BucketName and BucketPlace are the archive bucket and where it is; it may be in another account and region.
	BucketName  string
	BucketPlace partition.Place
	// BucketArn is the bucket's ARN as an output, if the program creates it. It is built from BucketName if nil.
	BucketArn pulumi.StringInput
	// KeyArn is the archive's key, with which the objects are encrypted.
	KeyArn pulumi.StringInput
	// Prefix is what keys begin with; it may have expressions such as !{timestamp:yyyy}. What comes before the first
	// expression, up to its last "/", must not be empty: it is what the role may write to.
	Prefix string
	// ErrorPrefix is what keys of undeliverable records begin with. It must hold !{firehose:error-output-type}.
	ErrorPrefix string
	// Content says what is carried; empty means CloudWatchLogs.
	Content Content
	// Transform, if there is one, turns the records into lines. It must be at Place, and serve the stream.
	Transform *TransformFunction
	// TransformBuffer is when Firehose calls the transform function.
	TransformBuffer TransformBuffer
	// DynamicPartitioning, if set, puts each line below the prefix of its own account, log group, hour and so on. It can't
	// be switched on or off later: that makes a new stream.
	DynamicPartitioning *DynamicPartitioning
	// FileExtension ends the keys; empty means ".gz", and ".json.gz" with a Transform.
	FileExtension string
	// BufferMiB and BufferSeconds: an object is written when either is reached. 0 means 64 MiB, 300 s.
	BufferMiB, BufferSeconds int
	// ErrorLogGroupName is where Firehose writes its error messages; empty means /aws/kinesisfirehose/ and the stream's
	// name, as Firehose's console has it. Give it to a stream that may be replaced by one of another name.
	ErrorLogGroupName string
	// ErrorLogRetentionDays is how long Firehose's error messages are kept; 0 means 30.
	ErrorLogRetentionDays int
	// StreamKeyArn encrypts the records while they are in the stream; nil means a key that AWS owns.
	StreamKeyArn pulumi.StringInput
	// Subscriptions are log groups that exist. For those that the program creates, see [FirehoseToS3Pipeline.Subscribe].
	Subscriptions []Subscription
	// DependsOn is what must be there before the stream is: the bucket policy, without which deliveries are refused.
	DependsOn []pulumi.Resource
	// Keep leaves a stream that is replaced, or leaves the program, at AWS, where it delivers what it has buffered: a stream
	// that is deleted needn't (https://docs.aws.amazon.com/firehose/latest/APIReference/API_DeleteDeliveryStream.html). It
	// must have been deployed before that happens.
	Keep bool
	// Tags are put on the stream, its roles and its error log group.
	Tags map[string]string
}

// Subscription sends the events of a log group to a pipeline.
type Subscription struct {
	// Name is the filter's name in the program, unique in the pipeline.
	Name string
	// LogGroup is the log group's name.
	LogGroup pulumi.StringInput
	// FilterPattern selects events; empty selects all.
	FilterPattern string
}

// FirehoseToS3Pipeline is a Firehose stream to the archive, and the subscription filters that feed it.
type FirehoseToS3Pipeline struct {
	pulumi.ResourceState
	Stream              *kinesis.FirehoseDeliveryStream
	StreamArn           pulumi.StringOutput
	RoleArn             pulumi.StringOutput
	SubscriptionRoleArn pulumi.StringOutput // empty for VendedLogs and FromDestinations
	ErrorLogGroup       string

	name               string
	place              partition.Place
	content            Content
	streamName         string
	subscriptionRole   string
	transform          *TransformFunction
	role               *iam.Role
	rolePolicy         *iam.RolePolicy
	errorStream        *cloudwatch.LogStream
	subscriptionPolicy *iam.RolePolicy
}

const (
	defaultBufferMiB     = 64
	defaultBufferSeconds = 300
	defaultErrorLogDays  = 30
	defaultFileExtension = ".gz"
	// transformedFileExtension says what the lines are; that they are compressed is what readers look for.
	transformedFileExtension = ".json.gz"
	// errorLogStream is what Firehose's console calls it.
	errorLogStream = "DestinationDelivery"
)

// errorLogGroup is where Firehose writes its error messages.
func (args *FirehoseToS3PipelineArgs) errorLogGroup() string {
	return cmp.Or(args.ErrorLogGroupName, "/aws/kinesisfirehose/"+args.StreamName)
}

func (args *FirehoseToS3PipelineArgs) content() Content { return cmp.Or(args.Content, CloudWatchLogs) }

func (args *FirehoseToS3PipelineArgs) check(name string) error {
	var p problems
	p.place("Place", args.Place)
	p.place("BucketPlace", args.BucketPlace)
	if args.BucketPlace.Partition() != args.Place.Partition() {
		p.add("BucketPlace", args.BucketPlace, "nothing is delivered from one partition to another: the stream is in %s", args.Place.Partition())
	}
	p.name("StreamName", args.StreamName, streamName)
	p.name("RoleName", args.RoleName, roleName)
	p.bucket("BucketName", args.BucketName)
	if args.KeyArn == nil {
		p.add("KeyArn", "", "want the archive's key")
	}
	p.transform(args)
	p.prefixes(args.Prefix, args.ErrorPrefix, args.partitionKeys())
	p.within("BufferMiB", cmp.Or(args.BufferMiB, defaultBufferMiB), partition.FirehoseBufferMiBMin, partition.FirehoseBufferMiBMax)
	if most, err := partition.Everywhere(partition.FirehoseBufferSecondsMax); err != nil {
		p.refuse("BufferSeconds", args.BufferSeconds, err)
	} else if args.BufferSeconds < 0 || int64(args.BufferSeconds) > most {
		p.add("BufferSeconds", args.BufferSeconds, "want 1 to %d", most)
	}
	if args.ErrorLogGroupName != "" {
		p.name("ErrorLogGroupName", args.ErrorLogGroupName, logGroupName)
	}
	p.refuse("ErrorLogRetentionDays", args.ErrorLogRetentionDays, partition.CheckLogRetention(cmp.Or(args.ErrorLogRetentionDays, defaultErrorLogDays)))
	switch content := args.content(); {
	case args.FromDestinations:
		if content != CloudWatchLogs || args.SubscriptionRoleName != "" || len(args.Subscriptions) > 0 {
			p.add("FromDestinations", "true", "want Content %s, and neither SubscriptionRoleName nor Subscriptions: destinations have roles of their own", CloudWatchLogs)
		}
	case content == CloudWatchLogs:
		p.name("SubscriptionRoleName", args.SubscriptionRoleName, roleName)
		if args.SubscriptionRoleName == args.RoleName {
			p.add("SubscriptionRoleName", args.SubscriptionRoleName, "is also RoleName: CloudWatch Logs and Firehose act as roles of their own")
		}
	case content == VendedLogs, content == Lines:
		if args.SubscriptionRoleName != "" || len(args.Subscriptions) > 0 {
			p.add("Subscriptions", args.SubscriptionRoleName, "a pipeline of %s takes no subscriptions: its records are not compressed", args.Content)
		}
	default:
		p.oneOf("Content", string(args.Content), string(CloudWatchLogs), string(VendedLogs), string(Lines))
	}
	seen := map[string]int{}
	for i, s := range args.Subscriptions {
		field := at("Subscriptions", i, "")
		if first, ok := seen[s.Name]; ok || s.Name == "" {
			p.add(field+".Name", s.Name, "want a name that no other has (Subscriptions[%d])", first)
		}
		seen[s.Name] = i
		if s.LogGroup == nil {
			p.add(field+".LogGroup", "", "want a log group's name")
		} else if plain, ok := s.LogGroup.(pulumi.String); ok {
			p.name(field+".LogGroup", string(plain), logGroupName)
			p.refuse(field+".LogGroup", plain, args.loop(string(plain)))
		}
	}
	if len(p.list) == 0 {
		doc, err := args.rolePolicy(unknownKey(args.BucketPlace))
		p.document("Prefix", "role policy", policy.Inline, doc, err)
	}
	return p.err("FirehoseToS3Pipeline", name)
}

// loop refuses the pipeline's own log group: each of its messages would cause the next.
func (args *FirehoseToS3PipelineArgs) loop(logGroup string) error {
	if logGroup == args.errorLogGroup() {
		return fmt.Errorf("is the pipeline's own error log: each message about an error would be the next thing to deliver")
	}
	return args.Transform.loop(logGroup)
}

// NewFirehoseToS3Pipeline registers a stream, its role and error log, the role that feeds it, and its subscription
// filters. Each further log group adds one resource: a subscription filter. Errors: [ArgsError].
//
// Things are created in the order in which they need each other: the stream waits for its role's policy and for
// DependsOn, a filter for its role's policy and for the stream. CloudWatch Logs skips what it can't deliver for lack of
// permission, so no filter may exist before its way is open.
func NewFirehoseToS3Pipeline(ctx *pulumi.Context, name string, args *FirehoseToS3PipelineArgs, opts ...pulumi.ResourceOption) (*FirehoseToS3Pipeline, error) {
	if args == nil {
		args = &FirehoseToS3PipelineArgs{}
	}
	if err := args.check(name); err != nil {
		return nil, err
	}
	c := &FirehoseToS3Pipeline{
		name:          name,
		place:         args.Place,
		content:       args.content(),
		streamName:    args.StreamName,
		transform:     args.Transform,
		ErrorLogGroup: args.errorLogGroup(),

		subscriptionRole: args.SubscriptionRoleName,
	}
	if err := ctx.RegisterComponentResource("logarchive:index:FirehoseToS3Pipeline", name, c, opts...); err != nil {
		return nil, err
	}
	if err := c.registerErrorLog(ctx, args); err != nil {
		return nil, err
	}
	if err := c.registerRole(ctx, args); err != nil {
		return nil, err
	}
	if err := c.registerStream(ctx, args); err != nil {
		return nil, err
	}
	if err := c.registerSubscriptionRole(ctx, args); err != nil {
		return nil, err
	}
	for _, s := range args.Subscriptions {
		if _, err := c.Subscribe(ctx, s.Name, s.LogGroup, s.FilterPattern); err != nil {
			return nil, err
		}
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{
		"streamArn": c.StreamArn, "roleArn": c.RoleArn, "subscriptionRoleArn": c.SubscriptionRoleArn,
	})
}

func (c *FirehoseToS3Pipeline) registerErrorLog(ctx *pulumi.Context, args *FirehoseToS3PipelineArgs) error {
	group, err := cloudwatch.NewLogGroup(ctx, c.name+"-errors", &cloudwatch.LogGroupArgs{
		Name:            pulumi.String(c.ErrorLogGroup),
		RetentionInDays: pulumi.Int(cmp.Or(args.ErrorLogRetentionDays, defaultErrorLogDays)),
		Tags:            tags(args.Tags),
	}, pulumi.Parent(c))
	if err != nil {
		return err
	}
	c.errorStream, err = cloudwatch.NewLogStream(ctx, c.name+"-errors", &cloudwatch.LogStreamArgs{
		Name:         pulumi.String(errorLogStream),
		LogGroupName: group.Name,
	}, pulumi.Parent(c))
	return err
}

func (c *FirehoseToS3Pipeline) registerStream(ctx *pulumi.Context, args *FirehoseToS3PipelineArgs) (err error) {
	var bucket pulumi.StringInput = args.BucketArn
	if bucket == nil {
		bucket = pulumi.String(args.bucketArn())
	}
	// What comes from CloudWatch Logs is gzip already; Firehose would compress it a second time.
	compression, extension := "UNCOMPRESSED", defaultFileExtension
	after := append([]pulumi.Resource{c.rolePolicy}, args.DependsOn...)
	if args.Transform != nil {
		compression, extension = "GZIP", transformedFileExtension
		after = append(after, args.Transform.rolePolicy)
	}
	if c.content == Lines {
		compression, extension = "GZIP", transformedFileExtension
	}
	streamTags := maps.Clone(args.Tags)
	if c.content == VendedLogs {
		compression = "GZIP"
		// Only for streams with this tag is the log delivery service's own role allowed to put records:
		// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-Firehose.html
		if streamTags == nil {
			streamTags = map[string]string{}
		}
		streamTags["LogDeliveryEnabled"] = "true"
	}
	encryption := &kinesis.FirehoseDeliveryStreamServerSideEncryptionArgs{
		Enabled: pulumi.Bool(true),
		KeyType: pulumi.String("AWS_OWNED_CMK"),
	}
	if args.StreamKeyArn != nil {
		encryption.KeyType = pulumi.String("CUSTOMER_MANAGED_CMK")
		encryption.KeyArn = args.StreamKeyArn.ToStringOutput().ToStringPtrOutput()
	}
	c.Stream, err = kinesis.NewFirehoseDeliveryStream(ctx, c.name, &kinesis.FirehoseDeliveryStreamArgs{
		Name:                 pulumi.String(args.StreamName),
		Destination:          pulumi.String("extended_s3"),
		ServerSideEncryption: encryption,
		ExtendedS3Configuration: &kinesis.FirehoseDeliveryStreamExtendedS3ConfigurationArgs{
			RoleArn:                          c.role.Arn,
			BucketArn:                        bucket,
			KmsKeyArn:                        args.KeyArn.ToStringOutput().ToStringPtrOutput(),
			Prefix:                           pulumi.String(args.Prefix),
			ErrorOutputPrefix:                pulumi.String(args.ErrorPrefix),
			BufferingSize:                    pulumi.Int(cmp.Or(args.BufferMiB, defaultBufferMiB)),
			BufferingInterval:                pulumi.Int(cmp.Or(args.BufferSeconds, defaultBufferSeconds)),
			CompressionFormat:                pulumi.String(compression),
			FileExtension:                    pulumi.String(cmp.Or(args.FileExtension, extension)),
			ProcessingConfiguration:          args.processing(),
			DynamicPartitioningConfiguration: args.dynamicPartitioning(),
			CloudwatchLoggingOptions: &kinesis.FirehoseDeliveryStreamExtendedS3ConfigurationCloudwatchLoggingOptionsArgs{
				Enabled:       pulumi.Bool(true),
				LogGroupName:  c.errorStream.LogGroupName.ToStringPtrOutput(),
				LogStreamName: c.errorStream.Name.ToStringPtrOutput(),
			},
		},
		Tags: tags(streamTags),
	}, pulumi.Parent(c), pulumi.DependsOn(after), pulumi.RetainOnDelete(args.Keep))
	if err != nil {
		return err
	}
	c.StreamArn = c.Stream.Arn
	return nil
}

// Subscribe sends the events of a log group that match the pattern (all if it is empty) to the pipeline: one resource,
// called after the pipeline and name. The log group is at the pipeline's place, and its name may be an output, so that
// the filter waits for it. At AWS the filter has the stream's name; a log group can have two filters at most.
//
// Errors: the pipeline's own log groups, and a pipeline that takes no subscriptions.
func (c *FirehoseToS3Pipeline) Subscribe(ctx *pulumi.Context, name string, logGroup pulumi.StringInput, pattern string, opts ...pulumi.ResourceOption) (*cloudwatch.LogSubscriptionFilter, error) {
	if c.subscriptionPolicy == nil {
		return nil, fmt.Errorf("subscription %q: pipeline %q carries %s and takes no subscriptions but those of destinations", name, c.name, c.content)
	}
	if plain, ok := logGroup.(pulumi.String); ok {
		if string(plain) == c.ErrorLogGroup {
			return nil, fmt.Errorf("subscription %q: log group %q is the pipeline's own error log", name, c.ErrorLogGroup)
		}
		if err := c.transform.loop(string(plain)); err != nil {
			return nil, fmt.Errorf("subscription %q: log group %q %w", name, plain, err)
		}
	}
	return cloudwatch.NewLogSubscriptionFilter(ctx, c.name+"-"+name, &cloudwatch.LogSubscriptionFilterArgs{
		Name:           pulumi.String(c.streamName),
		LogGroup:       logGroup,
		FilterPattern:  pulumi.String(pattern),
		DestinationArn: c.StreamArn,
		RoleArn:        c.SubscriptionRoleArn.ToStringPtrOutput(),
	}, append([]pulumi.ResourceOption{pulumi.Parent(c), pulumi.DependsOn([]pulumi.Resource{c.subscriptionPolicy})}, opts...)...)
}
