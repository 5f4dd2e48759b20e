package components

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kinesis"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
)

// Content is what a pipeline carries.
type Content string

const (
	// CloudWatchLogs is the records of subscription filters. CloudWatch Logs has compressed them with gzip already, so
	// the objects, which are these records one after the other, are gzip files as they are.
	CloudWatchLogs Content = "cloudwatch-logs"
	// VendedLogs is plain lines that the log delivery service of AWS puts, such as flow logs straight to Firehose.
	// Firehose compresses them.
	VendedLogs Content = "vended-logs"
)

// FirehoseToS3PipelineArgs are the Args of [NewFirehoseToS3Pipeline].
type FirehoseToS3PipelineArgs struct {
	// Place is where the stream is. Its log groups must be there, too.
	Place partition.Place
	// StreamName is the stream's name, 1 to 64 letters, digits and "_.-". The error log group and the subscription
	// filters are named after it.
	StreamName string
	// RoleName is the role that Firehose acts as.
	RoleName string
	// SubscriptionRoleName is the role that CloudWatch Logs acts as when it puts records; empty for VendedLogs.
	SubscriptionRoleName string
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
	// FileExtension ends the keys; empty means ".gz".
	FileExtension string
	// BufferMiB and BufferSeconds: an object is written when either is reached. 0 means 64 MiB, 300 s.
	BufferMiB, BufferSeconds int
	// ErrorLogRetentionDays is how long Firehose's error messages are kept; 0 means 30.
	ErrorLogRetentionDays int
	// StreamKeyArn encrypts the records while they are in the stream; nil means a key that AWS owns.
	StreamKeyArn pulumi.StringInput
	// Subscriptions are log groups that exist. For those that the program creates, see [FirehoseToS3Pipeline.Subscribe].
	Subscriptions []Subscription
	// DependsOn is what must be there before the stream is: the bucket policy, without which deliveries are refused.
	DependsOn []pulumi.Resource
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
	SubscriptionRoleArn pulumi.StringOutput // empty for VendedLogs
	ErrorLogGroup       string

	place              partition.Place
	content            Content
	streamName         string
	subscriptionRole   *iam.Role
	subscriptionPolicy *iam.RolePolicy
}
