package graph_test

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/backup"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kinesis"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/partition"
)

// The places of the tests: the sources' region and its backup region, and the log archive's account.
var (
	beijing = partition.Place{Account: "111122223333", Region: "cn-north-1"}
	ningxia = partition.Place{Account: "111122223333", Region: "cn-northwest-1"}
	archive = partition.Place{Account: "444455556666", Region: "cn-northwest-1"}
)

var options = graph.Options{Project: "log-archive", Stack: "test"}

// providerAt declares a provider instance for the place, as package stacks does.
func providerAt(ctx *pulumi.Context, name string, place partition.Place) (*aws.Provider, error) {
	return aws.NewProvider(ctx, name, &aws.ProviderArgs{
		Region:            pulumi.String(string(place.Region)),
		AllowedAccountIds: pulumi.ToStringArray([]string{string(place.Account)}),
		DefaultTags:       &aws.ProviderDefaultTagsArgs{Tags: pulumi.StringMap{"project": pulumi.String("log-archive")}},
	})
}

// pipeline is a component as the real ones are, in small.
type pipeline struct {
	pulumi.ResourceState
	stream *kinesis.FirehoseDeliveryStream
	role   *iam.Role
}

// sources is a program with a bucket, a stream, a flow log, a backup plan, and n log groups with a subscription
// filter each, in components.
func sources(n int) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		home, err := providerAt(ctx, "home", beijing)
		if err != nil {
			return err
		}
		away, err := providerAt(ctx, "archive", archive)
		if err != nil {
			return err
		}
		bucket, err := s3.NewBucketV2(ctx, "archive", &s3.BucketV2Args{Bucket: pulumi.String("log-archive")}, pulumi.Provider(away), pulumi.Protect(true))
		if err != nil {
			return err
		}
		policy, err := s3.NewBucketPolicy(ctx, "archive", &s3.BucketPolicyArgs{Bucket: bucket.Bucket, Policy: pulumi.Sprintf(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"%s/*"}]}`, bucket.Arn)}, pulumi.Provider(away))
		if err != nil {
			return err
		}
		p, err := newPipeline(ctx, home, bucket, policy)
		if err != nil {
			return err
		}
		if _, err := ec2.NewFlowLog(ctx, "vpc", &ec2.FlowLogArgs{VpcId: pulumi.String("vpc-0123456789abcdef0"), TrafficType: pulumi.String("ALL"),
			LogDestinationType: pulumi.String("s3"), LogDestination: pulumi.Sprintf("%s/flow-logs", bucket.Arn)}, pulumi.Provider(home)); err != nil {
			return err
		}
		if err := newPlan(ctx, home); err != nil {
			return err
		}
		return p.subscribe(ctx, n)
	}
}

func newPipeline(ctx *pulumi.Context, home *aws.Provider, bucket *s3.BucketV2, policy pulumi.Resource) (*pipeline, error) {
	p := &pipeline{}
	if err := ctx.RegisterComponentResource("test:index:Pipeline", "logs", p, pulumi.Providers(home)); err != nil {
		return nil, err
	}
	var err error
	p.role, err = iam.NewRole(ctx, "logs", &iam.RoleArgs{Name: pulumi.String("firehose"), AssumeRolePolicy: pulumi.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`)}, pulumi.Parent(p))
	if err != nil {
		return nil, err
	}
	p.stream, err = kinesis.NewFirehoseDeliveryStream(ctx, "logs", &kinesis.FirehoseDeliveryStreamArgs{
		Name: pulumi.String("logs"), Destination: pulumi.String("extended_s3"),
		ExtendedS3Configuration: &kinesis.FirehoseDeliveryStreamExtendedS3ConfigurationArgs{BucketArn: bucket.Arn, RoleArn: p.role.Arn},
	}, pulumi.Parent(p), pulumi.DependsOn([]pulumi.Resource{policy}))
	return p, err
}

func (p *pipeline) subscribe(ctx *pulumi.Context, n int) error {
	for i := range n {
		name := fmt.Sprintf("group-%04d", i)
		group, err := cloudwatch.NewLogGroup(ctx, name, &cloudwatch.LogGroupArgs{Name: pulumi.String("/app/" + name), RetentionInDays: pulumi.Int(30)}, pulumi.Parent(p))
		if err != nil {
			return err
		}
		if _, err := cloudwatch.NewLogSubscriptionFilter(ctx, name, &cloudwatch.LogSubscriptionFilterArgs{
			Name: pulumi.String("archive"), LogGroup: group.Name, FilterPattern: pulumi.String(""), DestinationArn: p.stream.Arn, RoleArn: p.role.Arn,
		}, pulumi.Parent(p)); err != nil {
			return err
		}
	}
	return nil
}

func newPlan(ctx *pulumi.Context, home *aws.Provider) error {
	_, err := backup.NewPlan(ctx, "daily", &backup.PlanArgs{Name: pulumi.String("daily"), Rules: backup.PlanRuleArray{&backup.PlanRuleArgs{
		RuleName: pulumi.String("daily"), TargetVaultName: pulumi.String("home"), Schedule: pulumi.String("cron(0 5 * * ? *)"),
		CopyActions: backup.PlanRuleCopyActionArray{&backup.PlanRuleCopyActionArgs{
			DestinationVaultArn: pulumi.String(ningxia.ARN(partition.Backup, "backup-vault:copies").String())}},
	}}}, pulumi.Provider(home))
	return err
}
