package components

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
)

// AccountLogSubscriptionArgs are the Args of [NewAccountLogSubscription].
type AccountLogSubscriptionArgs struct {
	// Place is where the log groups are. An account has one such policy in a region, whoever made it.
	Place partition.Place
	// PolicyName is the policy's name: unique in the account, and not beginning with aws/. It should be another one than the
	// stream's, which may change with the stream while the policy stays.
	PolicyName string
	// Pipeline is what the log groups are subscribed to. It must carry CloudWatchLogs.
	Pipeline *FirehoseToS3Pipeline
	// FilterPattern selects events; empty selects all.
	FilterPattern string
	// Exclude are the names of log groups that aren't subscribed. CloudWatch Logs knows whole names only.
	Exclude []string
	// Subscribed are the names of log groups with filters of their own to the archive. A filter and the policy would each
	// deliver every event, so these groups are left out, too.
	Subscribed []string
	// OwnLogGroups are the names of log groups that the archive itself writes: a stream that carries the log of what handles
	// it feeds itself. The pipeline's error log and its transform function's log are known.
	OwnLogGroups []string
	// DependsOn is what else must be there first, such as the filters of groups in Subscribed: a group that gets one has it
	// then before the policy leaves the group out.
	DependsOn []pulumi.Resource
}

// AccountLogSubscription subscribes every log group of an account and region to a pipeline, those that there will be as well,
// by one policy instead of a filter for each. Groups may have two filters besides.
//
// A change of what is left out replaces the policy, and the old one goes first: an account has one in a region, and the new one
// has the old one's name, under which it would be deleted afterwards. For the seconds between, and until CloudWatch Logs
// applies the new one, no log group is subscribed by it. What is logged then stays in the log groups and isn't delivered later:
// docs/operations.md says what to do about it. A changed FilterPattern, or another stream, changes the policy in place.
//
// See https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters-AccountLevel.html
type AccountLogSubscription struct {
	pulumi.ResourceState
	Policy *cloudwatch.LogAccountPolicy
	// Excluded are the names of the log groups that are left out, sorted.
	Excluded []string
}

// AccountSubscriptionCriteria is how CloudWatch Logs is told to leave log groups out, sorted and each once.
func AccountSubscriptionCriteria(groups ...string) string {
	return "LogGroupName NOT IN " + plainJSON(sorted(groups))
}

// CheckAccountSubscriptionCriteria says whether CloudWatch Logs takes criteria that leave the groups out.
func CheckAccountSubscriptionCriteria(groups ...string) error {
	most, err := partition.Everywhere(partition.AccountPolicyCriteria)
	if err != nil {
		return err
	}
	if size := int64(len(AccountSubscriptionCriteria(groups...))); size > most {
		return fmt.Errorf("the names that are left out have %d bytes together, and CloudWatch Logs takes %d", size, most)
	}
	return nil
}

// excluded are all groups that are left out.
func (args *AccountLogSubscriptionArgs) excluded() []string {
	all := append(slices.Concat(args.Exclude, args.Subscribed, args.OwnLogGroups), args.Pipeline.ErrorLogGroup)
	if t := args.Pipeline.transform; t != nil {
		all = append(all, t.LogGroup)
	}
	return sorted(all)
}

func (args *AccountLogSubscriptionArgs) check(name string) error {
	var p problems
	p.place("Place", args.Place)
	p.refuse("Place", args.Place.Region, args.Place.Region.Require(partition.AccountSubscriptionPolicy))
	if args.PolicyName == "" || strings.HasPrefix(args.PolicyName, "aws/") {
		p.add("PolicyName", args.PolicyName, "want a name that doesn't begin with aws/")
	}
	for _, list := range []struct {
		field string
		names []string
	}{{"Exclude", args.Exclude}, {"Subscribed", args.Subscribed}, {"OwnLogGroups", args.OwnLogGroups}} {
		for i, group := range list.names {
			p.name(at(list.field, i, ""), group, logGroupName)
		}
	}
	if len(args.FilterPattern) > 1024 {
		p.add("FilterPattern", args.FilterPattern, "want at most 1024 characters")
	}
	p.carrier(args.Place, CloudWatchLogs, args.Pipeline, nil)
	if args.Pipeline != nil && args.Pipeline.content == CloudWatchLogs {
		if args.Pipeline.subscriptionPolicy == nil {
			p.add("Pipeline", args.Pipeline.name, "want a pipeline that takes log groups of its own account")
		}
		p.refuse("Exclude", fmt.Sprint(len(args.excluded()), " names"), CheckAccountSubscriptionCriteria(args.excluded()...))
	}
	return p.err("AccountLogSubscription", name)
}

// document is the policy. It has no Distribution, which is for data streams of Kinesis
// (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutAccountPolicy.html). Both ARNs follow from names,
// so that the document can be read before anything is there.
func (args *AccountLogSubscriptionArgs) document() string {
	return plainJSON(struct{ DestinationArn, RoleArn, FilterPattern string }{
		args.Place.ARN(partition.Firehose, "deliverystream/"+args.Pipeline.streamName).String(),
		args.Place.RoleARN(args.Pipeline.subscriptionRole).String(),
		args.FilterPattern,
	})
}

// plainJSON is texts as JSON in which the signs & < > of filter patterns can be read.
func plainJSON(texts any) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(texts) // texts can be encoded
	return strings.TrimSuffix(b.String(), "\n")
}

// NewAccountLogSubscription registers the policy: one resource for any number of log groups. CloudWatch Logs sends a test
// message when it is put, and skips what it can't deliver for lack of permission, so that it waits for the stream, and for the
// policies of the stream's role and of the role that feeds it. Errors: [ArgsError].
//
// Whoever deploys needs logs:PutAccountPolicy and logs:PutSubscriptionFilter, and iam:PassRole for the pipeline's subscription
// role.
func NewAccountLogSubscription(ctx *pulumi.Context, name string, args *AccountLogSubscriptionArgs, opts ...pulumi.ResourceOption) (*AccountLogSubscription, error) {
	if args == nil {
		args = &AccountLogSubscriptionArgs{}
	}
	if err := args.check(name); err != nil {
		return nil, err
	}
	c := &AccountLogSubscription{Excluded: args.excluded()}
	if err := ctx.RegisterComponentResource("logarchive:index:AccountLogSubscription", name, c, opts...); err != nil {
		return nil, err
	}
	var err error
	c.Policy, err = cloudwatch.NewLogAccountPolicy(ctx, name, &cloudwatch.LogAccountPolicyArgs{
		PolicyName:        pulumi.String(args.PolicyName),
		PolicyType:        pulumi.String("SUBSCRIPTION_FILTER_POLICY"),
		PolicyDocument:    pulumi.String(args.document()),
		SelectionCriteria: pulumi.String(AccountSubscriptionCriteria(c.Excluded...)),
		Scope:             pulumi.String("ALL"),
	}, pulumi.Parent(c), pulumi.DeleteBeforeReplace(true),
		pulumi.DependsOn(append([]pulumi.Resource{args.Pipeline.Stream, args.Pipeline.subscriptionPolicy}, args.DependsOn...)))
	if err != nil {
		return nil, err
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"policyName": c.Policy.PolicyName})
}
