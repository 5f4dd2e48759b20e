package components

import (
	"fmt"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// LogDestinationArgs are the Args of [NewLogDestination].
type LogDestinationArgs struct {
	// Place is where the destination is: the account of the stream, and the region of the log groups.
	Place partition.Place
	// DestinationName is 1 to 512 characters without ":" and "*".
	DestinationName string
	// RoleName is the role that CloudWatch Logs acts as when it puts records.
	RoleName string
	// Pipeline is where the events go: a pipeline of CloudWatchLogs in the same account.
	Pipeline *FirehoseToS3Pipeline
	// SourceAccounts are those whose log groups may be subscribed, and for which CloudWatch Logs may act as the role. The
	// role's trust policy names each, so that some 35 accounts fit into one destination (2,048 characters): see
	// [LogDestinationShard].
	SourceAccounts []partition.Account
	// Tags are put on the destination and its role.
	Tags map[string]string
}

// LogDestination takes the events of log groups of other accounts, and hands them to a pipeline. In the accounts
// themselves it takes nothing but the subscription filters: no stream and no role.
type LogDestination struct {
	pulumi.ResourceState
	Arn pulumi.StringOutput

	place    partition.Place
	accounts []partition.Account
	stream   string
	policy   *cloudwatch.LogDestinationPolicy
}

// LogDestinationShards is how many destinations share the accounts of a pipeline.
const LogDestinationShards = 16

// LogDestinationShard says which of a pipeline's destinations takes an account's log groups: the account's number modulo
// [LogDestinationShards]. It depends on nothing else, so that no account ever moves to another destination when others
// come or go: a subscription filter that names another destination is replaced, and what is logged meanwhile is lost.
func LogDestinationShard(a partition.Account) int {
	shard := 0
	for _, digit := range string(a) {
		shard = (shard*10 + int(digit-'0')) % LogDestinationShards
	}
	return shard
}

// CheckLogDestinationAccounts says whether a destination of the place can take so many accounts: the trust policy of its
// role names them all, and has a limit.
func CheckLogDestinationAccounts(place partition.Place, accounts []partition.Account) error {
	doc, err := (&LogDestinationArgs{Place: place, SourceAccounts: accounts}).trust()
	if err != nil {
		return err
	}
	most, err := place.Region.Limit(partition.RoleTrustPolicy)
	if err != nil {
		return err
	}
	if size := int64(doc.Size(policy.Trust)); size > most {
		return fmt.Errorf("the trust policy of a destination for %d accounts has %d characters, and the limit is %d", len(accounts), size, most)
	}
	return nil
}

func (args *LogDestinationArgs) arn() partition.ARN {
	return args.Place.ARN(partition.Logs, "destination:"+args.DestinationName)
}

// trust lets CloudWatch Logs act as the role for the log groups of the source accounts, and for the destination's own
// account, in whose name it sends a test message when the destination is made. AWS documents aws:SourceArn for both, each
// with its account, and says that it must limit the permission to the accounts that write and receive
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CreateFirehoseStreamDestination.html,
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Subscriptions-confused-deputy.html).
func (args *LogDestinationArgs) trust() (policy.Document, error) {
	var sources []string
	for _, a := range sorted(append(slices.Clone(args.SourceAccounts), args.Place.Account)) {
		sources = append(sources, partition.Place{Account: a, Region: args.Place.Region}.ARN(partition.Logs, "*").String())
	}
	return trust(args.Place, partition.Logs, policy.Conditions{}.With("ArnLike", "aws:SourceArn", sources...))
}

// access lets the source accounts subscribe their log groups.
func (args *LogDestinationArgs) access() policy.Document {
	var accounts []string
	for _, a := range sorted(slices.Clone(args.SourceAccounts)) {
		accounts = append(accounts, string(a))
	}
	return policy.Document{Statements: []policy.Statement{{
		Sid:       "Subscribe",
		Effect:    policy.Allow,
		Principal: policy.AWSPrincipals(accounts...),
		Action:    []string{"logs:PutSubscriptionFilter"},
		Resource:  []string{args.arn().String()},
	}}}
}

func (args *LogDestinationArgs) check(name string) error {
	var p problems
	p.place("Place", args.Place)
	p.name("DestinationName", args.DestinationName, destinationName)
	p.name("RoleName", args.RoleName, roleName)
	p.refuse("Place", args.Place.Region, args.Place.Region.Require(partition.LogDestinations))
	switch {
	case args.Pipeline == nil:
		p.add("Pipeline", "", "want the pipeline that carries the events")
	case args.Pipeline.place.Account != args.Place.Account:
		p.add("Pipeline", args.Pipeline.place, "want a pipeline of account %s: a destination hands to a stream of its own account", args.Place.Account)
	case args.Pipeline.content != CloudWatchLogs:
		p.add("Pipeline", args.Pipeline.content, "want a pipeline of %s", CloudWatchLogs)
	}
	if len(args.SourceAccounts) == 0 {
		p.add("SourceAccounts", "", "want at least one account")
	}
	for i, a := range args.SourceAccounts {
		_, err := partition.ParseAccount(string(a))
		p.refuse(at("SourceAccounts", i, ""), a, err)
		if a == args.Place.Account {
			p.add(at("SourceAccounts", i, ""), a, "is the destination's own account, whose log groups are subscribed to the pipeline itself")
		}
	}
	if len(p.list) == 0 {
		trusted, err := args.trust()
		p.document("SourceAccounts", "trust policy", policy.Trust, trusted, err)
		p.document("SourceAccounts", "access policy", policy.LogDestination, args.access(), nil)
	}
	return p.err("LogDestination", name)
}

// NewLogDestination registers a destination, its access policy, and the role that CloudWatch Logs acts as. Each log group
// adds one resource, in its own account: see [LogDestination.Subscribe]. Errors: [ArgsError].
func NewLogDestination(ctx *pulumi.Context, name string, args *LogDestinationArgs, opts ...pulumi.ResourceOption) (*LogDestination, error) {
	if args == nil {
		args = &LogDestinationArgs{}
	}
	if err := args.check(name); err != nil {
		return nil, err
	}
	c := &LogDestination{place: args.Place, accounts: args.SourceAccounts, stream: args.Pipeline.streamName}
	if err := ctx.RegisterComponentResource("logarchive:index:LogDestination", name, c, opts...); err != nil {
		return nil, err
	}
	trusted, err := args.trust()
	if err != nil {
		return nil, err
	}
	role, err := iam.NewRole(ctx, name, &iam.RoleArgs{
		Name:             pulumi.String(args.RoleName),
		Description:      pulumi.Sprintf("CloudWatch Logs puts log events of other accounts into Firehose stream %s", args.Pipeline.streamName),
		AssumeRolePolicy: pulumi.String(trusted.JSON()),
		Tags:             tags(args.Tags),
	}, pulumi.Parent(c))
	if err != nil {
		return nil, err
	}
	put, err := iam.NewRolePolicy(ctx, name, &iam.RolePolicyArgs{
		Name:   pulumi.String("put-records"),
		Role:   role.Name,
		Policy: pulumi.String(putRecords(args.Pipeline.place.ARN(partition.Firehose, "deliverystream/"+args.Pipeline.streamName).String()).JSON()),
	}, pulumi.Parent(c))
	if err != nil {
		return nil, err
	}
	// CloudWatch Logs sends a test message when the destination is made, so the way from there on must be open.
	to, err := cloudwatch.NewLogDestination(ctx, name, &cloudwatch.LogDestinationArgs{
		Name:      pulumi.String(args.DestinationName),
		RoleArn:   role.Arn,
		TargetArn: args.Pipeline.StreamArn,
		Tags:      tags(args.Tags),
	}, pulumi.Parent(c), pulumi.DependsOn([]pulumi.Resource{put}))
	if err != nil {
		return nil, err
	}
	c.Arn = to.Arn
	c.policy, err = cloudwatch.NewLogDestinationPolicy(ctx, name, &cloudwatch.LogDestinationPolicyArgs{
		DestinationName: to.Name,
		AccessPolicy:    pulumi.String(args.access().JSON()),
	}, pulumi.Parent(c))
	if err != nil {
		return nil, err
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"arn": c.Arn})
}

// Subscribe sends the events of a log group of one of the source accounts that match the pattern (all if it is empty) to
// the destination: one resource of the given name. At AWS the filter has the stream's name. The log group is in the destination's region; the options must name a
// provider of its account, or a parent that has one.
func (c *LogDestination) Subscribe(ctx *pulumi.Context, name string, logGroup pulumi.StringInput, pattern string, opts ...pulumi.ResourceOption) (*cloudwatch.LogSubscriptionFilter, error) {
	return cloudwatch.NewLogSubscriptionFilter(ctx, name, &cloudwatch.LogSubscriptionFilterArgs{
		Name:           pulumi.String(c.stream),
		LogGroup:       logGroup,
		FilterPattern:  pulumi.String(pattern),
		DestinationArn: c.Arn,
	}, append([]pulumi.ResourceOption{pulumi.DependsOn([]pulumi.Resource{c.policy})}, opts...)...)
}

// takes says whether log groups of the place can be subscribed.
func (c *LogDestination) takes(place partition.Place) error {
	switch {
	case place.Region != c.place.Region:
		return fmt.Errorf("is in %s: want one in %s, the log group's region", c.place.Region, place.Region)
	case !slices.Contains(c.accounts, place.Account):
		return fmt.Errorf("isn't for account %s", place.Account)
	}
	return nil
}

// carrier is what the events of a log group are subscribed to: a pipeline at its place, or a destination in another account.
type carrier interface {
	Subscribe(ctx *pulumi.Context, name string, logGroup pulumi.StringInput, pattern string, opts ...pulumi.ResourceOption) (*cloudwatch.LogSubscriptionFilter, error)
}

// carrierOf is the one of the two that is given.
func carrierOf(pipeline *FirehoseToS3Pipeline, destination *LogDestination) carrier {
	if destination != nil {
		return destination
	}
	return pipeline
}

// carrier checks that log groups of the place have one carrier, which carries the content.
func (p *problems) carrier(place partition.Place, content Content, pipeline *FirehoseToS3Pipeline, destination *LogDestination) {
	switch {
	case pipeline == nil && destination == nil:
		p.add("Pipeline", "", "want the pipeline that carries the logs, or a Destination")
	case pipeline != nil && destination != nil:
		p.add("Destination", "", "want a Pipeline or a Destination, not both")
	case destination != nil && content != CloudWatchLogs:
		p.add("Destination", "", "carries log groups only")
	case destination != nil:
		p.refuse("Destination", "", destination.takes(place))
	case pipeline.place != place:
		p.add("Pipeline", pipeline.place, "want a pipeline at %s", place)
	case pipeline.content != content:
		p.add("Pipeline", pipeline.content, "want a pipeline of %s", content)
	}
}
