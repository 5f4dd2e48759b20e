package components

import (
	"regexp"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
)

// QueryLogsToS3Args are the Args of [NewQueryLogsToS3].
type QueryLogsToS3Args struct {
	// Place is where the VPCs are. The bucket must be in its region.
	Place partition.Place
	// Name is the configuration's: 1 to 64 letters, digits and - _.
	Name string
	// BucketArn is the bucket, and Prefix what keys begin with, ending with "/", or empty. The service appends AWSLogs/.
	BucketArn pulumi.StringInput
	Prefix    string
	// VpcIDs are the VPCs whose queries are logged.
	VpcIDs []string
	// AcceptUnknown goes on where the partition isn't known to have query logs.
	AcceptUnknown bool
	// DependsOn is what must be there before anything is logged: the bucket's policy.
	DependsOn []pulumi.Resource
	// Tags are put on the configuration.
	Tags map[string]string
}

// QueryLogsToS3 is the DNS queries of VPCs, as Route 53 Resolver answers them.
type QueryLogsToS3 struct {
	pulumi.ResourceState
	Config       *route53.ResolverQueryLogConfig
	Associations []*route53.ResolverQueryLogConfigAssociation
}

var queryLogName = nameRule{regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`), "want 1 to 64 letters, digits and - _"}

// CheckQueryLogs says whether a region is known to have query logs to S3. What is known not to be there can't be accepted.
func CheckQueryLogs(region partition.Region, acceptUnknown bool) error {
	for _, feature := range []partition.Feature{partition.ResolverQueryLogs, partition.QueryLogsToS3} {
		if region.Feature(feature).Support == partition.Unknown && acceptUnknown {
			continue
		}
		if err := region.Require(feature); err != nil {
			return err
		}
	}
	return nil
}

func (args *QueryLogsToS3Args) check(name string) error {
	var p problems
	p.place("Place", args.Place)
	p.name("Name", args.Name, queryLogName)
	if args.BucketArn == nil {
		p.add("BucketArn", "", "want the bucket's ARN")
	}
	p.flowLogPrefix("Prefix", args.Prefix)
	p.refuse("AcceptUnknown", args.AcceptUnknown, CheckQueryLogs(args.Place.Region, args.AcceptUnknown))
	if len(args.VpcIDs) == 0 {
		p.add("VpcIDs", "", "want at least one VPC")
	}
	seen := map[string]bool{}
	for i, id := range args.VpcIDs {
		p.name(at("VpcIDs", i, ""), id, flowLogIDs[FlowLogVPC])
		if seen[id] {
			p.add(at("VpcIDs", i, ""), id, "is there twice")
		}
		seen[id] = true
	}
	return p.err("QueryLogsToS3", name)
}

// NewQueryLogsToS3 registers one configuration and an association for each VPC. Errors: [ArgsError].
func NewQueryLogsToS3(ctx *pulumi.Context, name string, args *QueryLogsToS3Args, opts ...pulumi.ResourceOption) (*QueryLogsToS3, error) {
	if args == nil {
		args = &QueryLogsToS3Args{}
	}
	if err := args.check(name); err != nil {
		return nil, err
	}
	c := &QueryLogsToS3{}
	if err := ctx.RegisterComponentResource("logarchive:index:QueryLogsToS3", name, c, opts...); err != nil {
		return nil, err
	}
	var err error
	c.Config, err = route53.NewResolverQueryLogConfig(ctx, name, &route53.ResolverQueryLogConfigArgs{
		Name:           pulumi.String(args.Name),
		DestinationArn: destination(args.BucketArn, args.Prefix).ToStringPtrOutput().Elem(),
		Tags:           tags(args.Tags),
	}, pulumi.Parent(c), pulumi.DependsOn(args.DependsOn))
	if err != nil {
		return nil, err
	}
	for _, id := range args.VpcIDs {
		association, err := route53.NewResolverQueryLogConfigAssociation(ctx, name+"-"+id, &route53.ResolverQueryLogConfigAssociationArgs{
			ResolverQueryLogConfigId: c.Config.ID(),
			ResourceId:               pulumi.String(id),
		}, pulumi.Parent(c))
		if err != nil {
			return nil, err
		}
		c.Associations = append(c.Associations, association)
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"configId": c.Config.ID()})
}
