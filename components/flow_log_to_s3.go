package components

import (
	"cmp"
	"regexp"
	"strings"

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
	// Destination carries it instead of a Pipeline, via a log group.
	Destination *LogDestination
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

// The ids are those of https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html, in the long and the old
// short form.
var flowLogIDs = map[string]nameRule{
	FlowLogVPC:            {regexp.MustCompile(`^vpc-([0-9a-f]{8}|[0-9a-f]{17})$`), "want the id of a VPC, such as vpc-0123456789abcdef0"},
	FlowLogSubnet:         {regexp.MustCompile(`^subnet-([0-9a-f]{8}|[0-9a-f]{17})$`), "want the id of a subnet, such as subnet-0123456789abcdef0"},
	FlowLogENI:            {regexp.MustCompile(`^eni-([0-9a-f]{8}|[0-9a-f]{17})$`), "want the id of a network interface, such as eni-0123456789abcdef0"},
	FlowLogTransitGateway: {regexp.MustCompile(`^tgw-([0-9a-f]{8}|[0-9a-f]{17})$`), "want the id of a transit gateway, such as tgw-0123456789abcdef0"},
}

// logFormat: which fields there are grows with every version of flow logs, so only the form is checked.
var logFormat = regexp.MustCompile(`^\$\{[a-z0-9-]+\}( \$\{[a-z0-9-]+\})*$`)

func (args *FlowLogToS3Args) viaLogGroup() bool {
	return args.Method == FlowLogMethodFirehose && cmp.Or(args.Via, FlowLogViaLogGroup) == FlowLogViaLogGroup
}

func (args *FlowLogToS3Args) check(name string) error {
	var p problems
	p.place("Place", args.Place)
	rule, ok := flowLogIDs[args.Resource.Kind]
	if !ok {
		p.oneOf("Resource.Kind", args.Resource.Kind, FlowLogVPC, FlowLogSubnet, FlowLogENI, FlowLogTransitGateway)
	} else {
		p.name("Resource.ID", args.Resource.ID, rule)
	}
	if args.Resource.Kind == FlowLogTransitGateway {
		// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html
		if args.TrafficType != "" && args.TrafficType != "ALL" {
			p.add("TrafficType", args.TrafficType, "want ALL or none: a transit gateway's flow log can't select traffic")
		}
		if args.AggregationSeconds != 0 && args.AggregationSeconds != 60 {
			p.add("AggregationSeconds", args.AggregationSeconds, "want 60: a transit gateway's flow log has no other interval")
		}
	} else {
		p.oneOf("TrafficType", args.TrafficType, "ALL", "ACCEPT", "REJECT")
		if args.AggregationSeconds != 0 && args.AggregationSeconds != 60 && args.AggregationSeconds != 600 {
			p.add("AggregationSeconds", args.AggregationSeconds, "want 60 or 600")
		}
	}
	if args.LogFormat != "" && !logFormat.MatchString(args.LogFormat) {
		p.add("LogFormat", args.LogFormat, "want fields such as ${version} with one space between them")
	}
	p.oneOf("Format", cmp.Or(args.Format, "text"), "text", "parquet")
	switch args.Method {
	case FlowLogMethodS3:
		args.checkS3(&p)
	case FlowLogMethodFirehose:
		args.checkFirehose(&p)
	default:
		p.oneOf("Method", args.Method, FlowLogMethodS3, FlowLogMethodFirehose)
	}
	return p.err("FlowLogToS3", name)
}

func (args *FlowLogToS3Args) checkS3(p *problems) {
	if args.BucketArn == nil {
		p.add("BucketArn", "", "want the archive bucket's ARN")
	}
	p.flowLogPrefix("Prefix", args.Prefix)
	p.refuse("Method", args.Method, args.Place.Region.Require(partition.FlowLogsToS3))
	if args.Via != "" {
		p.add("Via", args.Via, "is for method %s", FlowLogMethodFirehose)
	}
	if args.LogGroupName != "" {
		p.add("LogGroupName", args.LogGroupName, "is for method %s", FlowLogMethodFirehose)
	}
}

func (args *FlowLogToS3Args) checkFirehose(p *problems) {
	if args.Prefix != "" {
		p.add("Prefix", args.Prefix, "is for method %s: the pipeline has its own", FlowLogMethodS3)
	}
	if args.Format == "parquet" || args.HivePartitions || args.HourlyPartitions {
		p.add("Format", cmp.Or(args.Format, "text"), "parquet, HivePartitions and HourlyPartitions are for method %s", FlowLogMethodS3)
	}
	content := CloudWatchLogs
	switch cmp.Or(args.Via, FlowLogViaLogGroup) {
	case FlowLogViaLogGroup:
		p.name("LogGroupName", args.LogGroupName, logGroupName)
		p.refuse("RetentionDays", args.RetentionDays, partition.CheckLogRetention(args.RetentionDays))
		switch {
		case args.Role == nil:
			p.add("Role", "", "want the role that the flow log service writes to the log group as: NewFlowLogRole")
		case args.Role.place != args.Place:
			p.add("Role", args.Role.place, "want a role for %s", args.Place)
		case !strings.HasPrefix(args.LogGroupName, args.Role.prefix):
			p.add("LogGroupName", args.LogGroupName, "want a name that begins with %s: Role may not write to others", args.Role.prefix)
		}
	case FlowLogViaDirect:
		content = VendedLogs
		p.refuse("Via", args.Via, args.Place.Region.Require(partition.FlowLogsToFirehose))
		if args.LogGroupName != "" {
			p.add("LogGroupName", args.LogGroupName, "is for Via %s", FlowLogViaLogGroup)
		}
	default:
		p.oneOf("Via", args.Via, FlowLogViaLogGroup, FlowLogViaDirect)
	}
	p.carrier(args.Place, content, args.Pipeline, args.Destination)
}

// NewFlowLogToS3 registers a flow log: one resource with method s3, and via direct; with a log group three (the group,
// its subscription filter and the flow log). The group goes when the flow log does: what it held is in the archive.
// Errors: [ArgsError].
func NewFlowLogToS3(ctx *pulumi.Context, name string, args *FlowLogToS3Args, opts ...pulumi.ResourceOption) (*FlowLogToS3, error) {
	if args == nil {
		args = &FlowLogToS3Args{}
	}
	if err := args.check(name); err != nil {
		return nil, err
	}
	c := &FlowLogToS3{}
	if err := ctx.RegisterComponentResource("logarchive:index:FlowLogToS3", name, c, opts...); err != nil {
		return nil, err
	}
	flowLog, waitFor := args.flowLog(), args.DependsOn
	switch {
	case args.Method == FlowLogMethodS3:
		// The service delivers as itself. A role here (DeliverLogsPermissionArn) is for log groups only.
		flowLog.LogDestinationType = pulumi.String("s3")
		flowLog.LogDestination = destination(args.BucketArn, args.Prefix)
		flowLog.DestinationOptions = &ec2.FlowLogDestinationOptionsArgs{
			FileFormat:               pulumi.String(fileFormats[args.Format]),
			HiveCompatiblePartitions: pulumi.Bool(args.HivePartitions),
			PerHourPartition:         pulumi.Bool(args.HourlyPartitions),
		}
	case args.viaLogGroup():
		filter, err := c.registerLogGroup(ctx, name, args)
		if err != nil {
			return nil, err
		}
		flowLog.LogDestinationType = pulumi.String("cloud-watch-logs")
		flowLog.LogDestination = c.LogGroup.Arn.ToStringPtrOutput()
		flowLog.IamRoleArn = args.Role.Arn.ToStringPtrOutput()
		// Not a line before the log group is subscribed: a filter sees only what comes after it.
		waitFor = append([]pulumi.Resource{args.Role.policy, filter}, waitFor...)
	default:
		flowLog.LogDestinationType = pulumi.String("kinesis-data-firehose")
		flowLog.LogDestination = args.Pipeline.StreamArn.ToStringPtrOutput()
	}
	var err error
	c.FlowLog, err = ec2.NewFlowLog(ctx, name, flowLog, pulumi.Parent(c), pulumi.DependsOn(waitFor))
	if err != nil {
		return nil, err
	}
	c.FlowLogID = c.FlowLog.ID().ToStringOutput()
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"flowLogId": c.FlowLogID})
}

var fileFormats = map[string]string{"": "plain-text", "text": "plain-text", "parquet": "parquet"}

func destination(bucketArn pulumi.StringInput, prefix string) pulumi.StringPtrInput {
	if prefix == "" {
		return bucketArn.ToStringOutput().ToStringPtrOutput()
	}
	return pulumi.Sprintf("%s/%s", bucketArn, prefix).ToStringPtrOutput()
}

// flowLog has what all methods share.
func (args *FlowLogToS3Args) flowLog() *ec2.FlowLogArgs {
	out := &ec2.FlowLogArgs{Tags: tags(args.Tags), MaxAggregationInterval: pulumi.Int(cmp.Or(args.AggregationSeconds, 600))}
	id := pulumi.String(args.Resource.ID)
	switch args.Resource.Kind {
	case FlowLogVPC:
		out.VpcId = id
	case FlowLogSubnet:
		out.SubnetId = id
	case FlowLogENI:
		out.EniId = id
	case FlowLogTransitGateway:
		out.TransitGatewayId = id
		out.MaxAggregationInterval = pulumi.Int(60)
	}
	if args.Resource.Kind != FlowLogTransitGateway {
		out.TrafficType = pulumi.String(args.TrafficType)
	}
	if args.LogFormat != "" {
		out.LogFormat = pulumi.String(args.LogFormat)
	}
	return out
}

func (c *FlowLogToS3) registerLogGroup(ctx *pulumi.Context, name string, args *FlowLogToS3Args) (filter *cloudwatch.LogSubscriptionFilter, err error) {
	c.LogGroup, err = cloudwatch.NewLogGroup(ctx, name, &cloudwatch.LogGroupArgs{
		Name:            pulumi.String(args.LogGroupName),
		RetentionInDays: pulumi.Int(args.RetentionDays),
		Tags:            tags(args.Tags),
	}, pulumi.Parent(c))
	if err != nil {
		return nil, err
	}
	return carrierOf(args.Pipeline, args.Destination).Subscribe(ctx, name, c.LogGroup.Name, "", pulumi.Parent(c))
}
