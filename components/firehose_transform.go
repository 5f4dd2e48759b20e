package components

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kinesis"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// TransformBuffer is when Firehose calls a transform function: when either is reached.
type TransformBuffer struct {
	// MB is 0.2 to 3 megabytes; 0 means 0.5. Records of CloudWatch Logs are compressed, and their lines are some seven
	// times as large; what doesn't fit into an answer of 6 MB has to be put back.
	MB float64
	// Seconds is 1 to 900; 0 means 30.
	Seconds int
}

// DynamicPartitioning says that keys have parts that the transform function computes for each line: its
// Settings.PartitionKeys, as !{partitionKeyFromLambda:key} in Prefix
// (https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning.html). Each combination of values has a buffer of
// its own, and so objects of its own; a stream has 500 at a time, and puts what is beyond them below ErrorPrefix.
type DynamicPartitioning struct {
	// RetrySeconds is how long Firehose tries to write to a partition before the records go below ErrorPrefix, 0 to 7200;
	// 0 means 300.
	RetrySeconds int
}

const (
	defaultTransformMB      = 0.5
	defaultTransformSeconds = 30
	defaultPartitionRetry   = 300
	// What the provider doesn't keep in its state, because it takes them for its own defaults: a program that states them
	// has a difference in every preview. So neither the number of retries, 3, nor the role is stated, and the buffer isn't
	// if it has this size and interval. AWS in turn takes both or neither of these.
	// (https://www.pulumi.com/registry/packages/aws/api-docs/kinesis/firehosedeliverystream/, ProcessorParameter.)
	providerTransformMB      = 1
	providerTransformSeconds = 60
)

func (b TransformBuffer) withDefaults() TransformBuffer {
	return TransformBuffer{cmp.Or(b.MB, defaultTransformMB), cmp.Or(b.Seconds, defaultTransformSeconds)}
}

// partitionKeys are the keys by which lines are partitioned, if they are.
func (args *FirehoseToS3PipelineArgs) partitionKeys() []string {
	if args.DynamicPartitioning == nil || args.Transform == nil {
		return nil
	}
	return args.Transform.partitionKeys
}

// transform checks what has to do with the transform function.
func (p *problems) transform(args *FirehoseToS3PipelineArgs) {
	t := args.Transform
	if t == nil {
		if args.TransformBuffer != (TransformBuffer{}) {
			p.add("TransformBuffer", args.TransformBuffer, "is for a pipeline with a Transform")
		}
		if args.DynamicPartitioning != nil {
			p.add("DynamicPartitioning", "", "needs a Transform, which computes the partition keys")
		}
		return
	}
	switch {
	case args.content() != CloudWatchLogs:
		p.add("Transform", args.Content, "reads the records of %s only", CloudWatchLogs)
	case t.place != args.Place:
		p.add("Transform", t.place, "want a function at %s: Firehose calls functions of its own account and region", args.Place)
	case !slices.Contains(t.streams, args.StreamName):
		p.add("Transform", t.streams, "doesn't serve stream %s: want it among its StreamNames", args.StreamName)
	}
	b := args.TransformBuffer.withDefaults()
	if b.MB < 0.2 || b.MB > 3 {
		p.add("TransformBuffer.MB", args.TransformBuffer.MB, "want 0.2 to 3")
	}
	if b.Seconds < 1 || b.Seconds > 900 {
		p.add("TransformBuffer.Seconds", args.TransformBuffer.Seconds, "want 1 to 900")
	}
	if (b.MB == providerTransformMB) != (b.Seconds == providerTransformSeconds) {
		p.add("TransformBuffer", b, "the provider forgets a size of %d MB and an interval of %d s, and AWS takes none without the other: want both of them, or neither",
			providerTransformMB, providerTransformSeconds)
	}
	p.partitioning(args)
}

func (p *problems) partitioning(args *FirehoseToS3PipelineArgs) {
	keys := args.Transform.partitionKeys
	d := args.DynamicPartitioning
	if d == nil {
		if len(keys) > 0 {
			p.add("Transform", keys, "splits lines by partition keys, which only a stream with DynamicPartitioning reads")
		}
		return
	}
	p.refuse("DynamicPartitioning", args.Place.Region, args.Place.Region.Require(partition.DynamicPartitioning))
	if len(keys) == 0 {
		p.add("DynamicPartitioning", "", "needs a Transform with Settings.PartitionKeys")
	}
	least, err := partition.Everywhere(partition.FirehosePartitionBufferMiB)
	p.refuse("BufferMiB", args.BufferMiB, err)
	if size := cmp.Or(args.BufferMiB, defaultBufferMiB); int64(size) < least {
		p.add("BufferMiB", args.BufferMiB, "want at least %d with DynamicPartitioning", least)
	}
	if d.RetrySeconds < 0 || d.RetrySeconds > 7200 {
		p.add("DynamicPartitioning.RetrySeconds", d.RetrySeconds, "want 0 to 7200")
	}
}

// processing is the stream's call of the transform function. Firehose makes it 3 times before it gives up, and then
// writes the records below ErrorPrefix.
func (args *FirehoseToS3PipelineArgs) processing() kinesis.FirehoseDeliveryStreamExtendedS3ConfigurationProcessingConfigurationPtrInput {
	if args.Transform == nil {
		return nil
	}
	type parameter = kinesis.FirehoseDeliveryStreamExtendedS3ConfigurationProcessingConfigurationProcessorParameterArgs
	parameters := kinesis.FirehoseDeliveryStreamExtendedS3ConfigurationProcessingConfigurationProcessorParameterArray{
		parameter{ParameterName: pulumi.String("LambdaArn"), ParameterValue: pulumi.Sprintf("%s:$LATEST", args.Transform.Arn)},
	}
	if b := args.TransformBuffer.withDefaults(); b != (TransformBuffer{providerTransformMB, providerTransformSeconds}) {
		parameters = append(parameters,
			parameter{ParameterName: pulumi.String("BufferSizeInMBs"), ParameterValue: pulumi.String(strconv.FormatFloat(b.MB, 'f', -1, 64))},
			parameter{ParameterName: pulumi.String("BufferIntervalInSeconds"), ParameterValue: pulumi.String(strconv.Itoa(b.Seconds))})
	}
	return kinesis.FirehoseDeliveryStreamExtendedS3ConfigurationProcessingConfigurationArgs{
		Enabled: pulumi.Bool(true),
		Processors: kinesis.FirehoseDeliveryStreamExtendedS3ConfigurationProcessingConfigurationProcessorArray{
			kinesis.FirehoseDeliveryStreamExtendedS3ConfigurationProcessingConfigurationProcessorArgs{
				Type: pulumi.String("Lambda"), Parameters: parameters,
			},
		},
	}
}

func (args *FirehoseToS3PipelineArgs) dynamicPartitioning() kinesis.FirehoseDeliveryStreamExtendedS3ConfigurationDynamicPartitioningConfigurationPtrInput {
	if args.DynamicPartitioning == nil {
		return nil
	}
	return kinesis.FirehoseDeliveryStreamExtendedS3ConfigurationDynamicPartitioningConfigurationArgs{
		Enabled:       pulumi.Bool(true),
		RetryDuration: pulumi.Int(cmp.Or(args.DynamicPartitioning.RetrySeconds, defaultPartitionRetry)),
	}
}

// mayBeCalled is what Firehose needs for the function, as the role of a stream
// (https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#using-iam-s3).
func (c *TransformFunction) mayBeCalled() policy.Statement {
	return policy.Statement{
		Sid:      "TransformRecords",
		Effect:   policy.Allow,
		Action:   []string{"lambda:GetFunctionConfiguration", "lambda:InvokeFunction"},
		Resource: []string{c.qualifiedArn()},
	}
}

// loop refuses the function's own log group: each of its messages would be the next thing to transform.
func (c *TransformFunction) loop(logGroup string) error {
	if c != nil && logGroup == c.LogGroup {
		return fmt.Errorf("is the transform function's own log: each of its messages would be the next thing to transform")
	}
	return nil
}
