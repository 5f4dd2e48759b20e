package components

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
)

// RdsLogShippingArgs are the Args of [NewRdsLogShipping].
type RdsLogShippingArgs struct {
	// Place is where the database is.
	Place partition.Place
	// Identifier is the DB instance's or DB cluster's identifier.
	Identifier string
	// Engine is the engine's name as RDS writes it, such as mysql or aurora-postgresql.
	Engine string
	// Cluster says that Identifier is a DB cluster: Aurora, or a Multi-AZ DB cluster.
	Cluster bool
	// LogTypes are the logs to ship: see [RdsLogTypes].
	LogTypes []string
	// CreateLogGroups creates the log groups, with RetentionDays, before RDS does it without a retention. If false, they
	// must exist.
	CreateLogGroups bool
	RetentionDays   int
	// Pipeline carries the logs, or Destination, into another account.
	Pipeline    *FirehoseToS3Pipeline
	Destination *LogDestination
	// Tags are put on the log groups.
	Tags map[string]string
}

// RdsLogShipping is the way of a database's logs into a pipeline.
type RdsLogShipping struct {
	pulumi.ResourceState
	// EnabledCloudwatchLogsExports is for the property of that name of the rds.Instance or rds.Cluster. It becomes known
	// when the logs are subscribed, so that RDS writes nothing before that.
	EnabledCloudwatchLogsExports pulumi.StringArrayOutput
	// LogGroupNames are in the order of Args.LogTypes.
	LogGroupNames []string

	args    RdsLogShippingArgs
	name    string
	filters []pulumi.Resource
}

// logGroup is where RDS publishes a log type
// (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.Procedural.UploadtoCloudWatch.html).
func (args *RdsLogShippingArgs) logGroup(logType string) string {
	kind := "instance"
	if args.Cluster {
		kind = "cluster"
	}
	return "/aws/rds/" + kind + "/" + args.Identifier + "/" + logType
}

func (args *RdsLogShippingArgs) check(name string) error {
	var p problems
	p.place("Place", args.Place)
	p.name("Identifier", args.Identifier, databaseName)
	valid, err := RdsLogTypes(args.Engine, args.Cluster)
	p.refuse("Engine", args.Engine, err)
	if len(args.LogTypes) == 0 {
		p.add("LogTypes", "", "want at least one log type")
	}
	seen := map[string]bool{}
	for i, t := range args.LogTypes {
		field := at("LogTypes", i, "")
		if err == nil {
			p.refuse(field, t, checkLogType(t, args.Engine, valid))
		}
		if seen[t] {
			p.add(field, t, "is there twice")
		}
		seen[t] = true
	}
	if args.CreateLogGroups {
		p.refuse("RetentionDays", args.RetentionDays, partition.CheckLogRetention(args.RetentionDays))
	} else if args.RetentionDays != 0 {
		p.add("RetentionDays", args.RetentionDays, "is for log groups that are created: want CreateLogGroups")
	}
	p.carrier(args.Place, CloudWatchLogs, args.Pipeline, args.Destination)
	return p.err("RdsLogShipping", name)
}

// NewRdsLogShipping registers, for each log type, its log group (if wanted) and a subscription filter. It doesn't
// switch the database's exports on: see EnabledCloudwatchLogsExports. A created log group goes when its log type leaves
// the program: what it held is in the archive. Errors: [ArgsError].
func NewRdsLogShipping(ctx *pulumi.Context, name string, args *RdsLogShippingArgs, opts ...pulumi.ResourceOption) (*RdsLogShipping, error) {
	if args == nil {
		args = &RdsLogShippingArgs{}
	}
	if err := args.check(name); err != nil {
		return nil, err
	}
	c := &RdsLogShipping{args: *args, name: name}
	if err := ctx.RegisterComponentResource("logarchive:index:RdsLogShipping", name, c, opts...); err != nil {
		return nil, err
	}
	var filters []any
	for _, t := range args.LogTypes {
		var logGroup pulumi.StringInput = pulumi.String(args.logGroup(t))
		if args.CreateLogGroups {
			group, err := cloudwatch.NewLogGroup(ctx, name+"-"+t, &cloudwatch.LogGroupArgs{
				Name:            logGroup.ToStringOutput().ToStringPtrOutput(),
				RetentionInDays: pulumi.Int(args.RetentionDays),
				Tags:            tags(args.Tags),
			}, pulumi.Parent(c))
			if err != nil {
				return nil, err
			}
			logGroup = group.Name
		}
		filter, err := carrierOf(args.Pipeline, args.Destination).Subscribe(ctx, name+"-"+t, logGroup, "", pulumi.Parent(c))
		if err != nil {
			return nil, err
		}
		filters, c.filters = append(filters, filter.ID()), append(c.filters, filter)
		c.LogGroupNames = append(c.LogGroupNames, args.logGroup(t))
	}
	c.EnabledCloudwatchLogsExports = pulumi.All(filters...).ApplyT(func([]any) []string { return args.LogTypes }).(pulumi.StringArrayOutput)
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"enabledCloudwatchLogsExports": c.EnabledCloudwatchLogsExports})
}
