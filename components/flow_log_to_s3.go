package components

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
)

// What a flow log watches.
const (
	FlowLogVPC            = "vpc"
	FlowLogSubnet         = "subnet"
	FlowLogENI            = "eni"
	FlowLogTransitGateway = "transit-gateway"
)

// How a flow log reaches the archive.
const (
	FlowLogMethodS3       = "s3"        // the log delivery service writes objects itself
	FlowLogMethodFirehose = "firehose"  // by a pipeline
	FlowLogViaLogGroup    = "log-group" // method firehose: through a log group and its subscription filter
	FlowLogViaDirect      = "direct"    // method firehose: straight to the stream
)

// FlowLogResource is what a flow log watches.
type FlowLogResource struct {
	Kind string // vpc, subnet, eni or transit-gateway
	ID   string
}

// FlowLogToS3Args are the Args of [NewFlowLogToS3].
type FlowLogToS3Args struct {
	// Place is where the watched resource is.
	Place    partition.Place
	Resource FlowLogResource
	// TrafficType is ALL, ACCEPT or REJECT; a transit gateway's flow log has ALL or none.
	TrafficType string
	// Method is s3 or firehose.
	Method string
	// Via is log-group (also if empty) or direct; for method firehose only.
	Via string
	// BucketArn is the archive bucket; for method s3.
	BucketArn pulumi.StringInput
	// Prefix is what keys begin with, ending with "/", or empty; for method s3. The service appends AWSLogs/...
	Prefix string
	// Format is text (also if empty) or parquet; parquet is for method s3 only, as are the next two.
	Format string
	// HivePartitions makes keys such as aws-region=cn-north-1/year=2026/.
	HivePartitions bool
	// HourlyPartitions starts a new key prefix every hour instead of every day.
	HourlyPartitions bool
	// LogFormat is the fields of a record, such as "${version} ${srcaddr}"; empty means AWS's default format.
	LogFormat string
	// AggregationSeconds is how long flows are summed up: 60 or 600; 0 means 600, for transit gateways 60.
	AggregationSeconds int
	// Pipeline carries the flow log; for method firehose.
	Pipeline *FirehoseToS3Pipeline
	// LogGroupName and RetentionDays are of the log group that is created; for method firehose via log-group.
	LogGroupName  string
	RetentionDays int
	// Role is what the flow log service acts as when it writes to the log group; for method firehose via log-group. One
	// role serves all flow logs of a place.
	Role *FlowLogRole
	// DependsOn is what must be there before the flow log is: for method s3 the bucket policy.
	DependsOn []pulumi.Resource
	// Tags are put on the flow log and its log group.
	Tags map[string]string
}

// FlowLogToS3 is a flow log, delivered to the archive.
type FlowLogToS3 struct {
	pulumi.ResourceState
	FlowLog *ec2.FlowLog
	// LogGroup is nil unless the flow log goes through one.
	LogGroup  *cloudwatch.LogGroup
	FlowLogID pulumi.StringOutput
}
