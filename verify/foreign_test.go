package verify_test

import (
	"testing"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kinesis"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
	"github.com/logarchive/logarchive/verify"
)

// somebodyElses is a program as one finds it: no components, names from the engine, policies put together from outputs, a
// trust policy with the regional name of CloudWatch Logs, and an archive in the same account that nobody has thought much
// about. Its logs do arrive.
func somebodyElses(ctx *pulumi.Context) error {
	place := partition.Place{Account: "123456789012", Region: "cn-northwest-1"}
	p, err := aws.NewProvider(ctx, "main", &aws.ProviderArgs{
		Region: pulumi.String(string(place.Region)), AllowedAccountIds: pulumi.ToStringArray([]string{string(place.Account)}),
	})
	if err != nil {
		return err
	}
	by := pulumi.Provider(p)
	bucket, err := s3.NewBucketV2(ctx, "logs", &s3.BucketV2Args{}, by)
	if err != nil {
		return err
	}
	group, err := cloudwatch.NewLogGroup(ctx, "app", &cloudwatch.LogGroupArgs{}, by)
	if err != nil {
		return err
	}
	write := bucket.Arn.ApplyT(func(arn string) string {
		return text(allow(arn, "s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"), allow(arn+"/*", "s3:PutObject", "s3:AbortMultipartUpload"))
	}).(pulumi.StringOutput)
	delivery, err := roleOf(ctx, "delivery", place, partition.Firehose, partition.Trust, write, by)
	if err != nil {
		return err
	}
	stream, err := kinesis.NewFirehoseDeliveryStream(ctx, "app", &kinesis.FirehoseDeliveryStreamArgs{
		Destination:             pulumi.String("extended_s3"),
		ExtendedS3Configuration: &kinesis.FirehoseDeliveryStreamExtendedS3ConfigurationArgs{BucketArn: bucket.Arn, RoleArn: delivery.Arn},
	}, by)
	if err != nil {
		return err
	}
	put := stream.Arn.ApplyT(func(arn string) string { return text(allow(arn, "firehose:PutRecord", "firehose:PutRecordBatch")) }).(pulumi.StringOutput)
	subscription, err := roleOf(ctx, "subscription", place, partition.Logs, partition.Key, put, by)
	if err != nil {
		return err
	}
	_, err = cloudwatch.NewLogSubscriptionFilter(ctx, "app", &cloudwatch.LogSubscriptionFilterArgs{
		LogGroup: group.Name, FilterPattern: pulumi.String(""), DestinationArn: stream.Arn, RoleArn: subscription.Arn,
	}, by)
	return err
}

// roleOf trusts a service by the name that it has in another sort of policy.
func roleOf(ctx *pulumi.Context, name string, place partition.Place, s partition.Service, use partition.Use, policyText pulumi.StringInput, by pulumi.ResourceOption) (*iam.Role, error) {
	service, err := place.PrincipalFor(s, use)
	if err != nil {
		return nil, err
	}
	role, err := iam.NewRole(ctx, name, &iam.RoleArgs{AssumeRolePolicy: pulumi.String(text(policy.Statement{
		Effect: policy.Allow, Principal: policy.Services(service), Action: []string{"sts:AssumeRole"},
	}))}, by)
	if err != nil {
		return nil, err
	}
	_, err = iam.NewRolePolicy(ctx, name, &iam.RolePolicyArgs{Role: role.ID(), Policy: policyText}, by)
	return role, err
}

func recordForeign(t *testing.T) *graph.Graph {
	t.Helper()
	g, err := graph.Record(t.Context(), graph.Options{Project: "shop", Stack: "prod"}, somebodyElses)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestSomebodyElsesProgram proves the one path of a program that knows nothing of this project, and finds what is wrong with it.
func TestSomebodyElsesProgram(t *testing.T) {
	t.Parallel()
	r := verify.Run(verify.FromGraph(recordForeign(t)), verify.Options{})
	if len(r.Paths) != 1 || !r.Paths[0].Proven() {
		t.Fatalf("%d paths, want one that is proven:%s", len(r.Paths), violations(r))
	}
	for _, rule := range []string{
		"bucket-not-public", "bucket-own-key", "bucket-tls-only", "bucket-undeletable", "bucket-versioned", "grant-deputy", "group-retention", "lifecycle-covers",
		"pipeline-errors", "pipeline-order",
	} {
		if len(named(r, rule)) == 0 {
			t.Errorf("rule %s is kept", rule)
		}
	}
	if len(named(r, "path")) > 0 {
		t.Errorf("the path is closed:%s", violations(r))
	}
}
