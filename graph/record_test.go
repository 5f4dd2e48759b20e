package graph_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/partition"
)

// beijing is where the tests' provider instance acts.
var beijing = partition.Place{Account: "111122223333", Region: "cn-north-1"}

func options() graph.Options { return graph.Options{Project: "log-archive", Stack: "test"} }

// providerAt declares a provider instance for the place, as package stacks does.
func providerAt(ctx *pulumi.Context, name string, place partition.Place) (*aws.Provider, error) {
	return aws.NewProvider(ctx, name, &aws.ProviderArgs{
		Region:            pulumi.String(string(place.Region)),
		AllowedAccountIds: pulumi.ToStringArray([]string{string(place.Account)}),
	})
}

func TestRecordGivesOutputsOfTheProvidersPlace(t *testing.T) {
	t.Parallel()
	g, err := graph.Record(t.Context(), options(), func(ctx *pulumi.Context) error {
		home, err := providerAt(ctx, "home", beijing)
		if err != nil {
			return err
		}
		bucket, err := s3.NewBucketV2(ctx, "logs", &s3.BucketV2Args{Bucket: pulumi.String("logs-bucket")},
			pulumi.Provider(home), pulumi.Protect(true))
		if err != nil {
			return err
		}
		ctx.Export("arn", bucket.Arn)
		_, err = s3.NewBucketPolicy(ctx, "logs", &s3.BucketPolicyArgs{
			Bucket: bucket.Bucket,
			Policy: pulumi.Sprintf(`{"Resource":"%s"}`, bucket.Arn),
		}, pulumi.Provider(home))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	arn := partition.BucketARN(partition.China, "logs-bucket").String()
	if got := g.Outputs["arn"].StringValue(); got != arn {
		t.Errorf("export arn is %q, want %q", got, arn)
	}
	policy, ok := g.Find("aws:s3/bucketPolicy:BucketPolicy", "logs")
	if !ok {
		t.Fatal("the bucket policy isn't recorded")
	}
	if got, want := policy.Inputs["policy"].StringValue(), `{"Resource":"`+arn+`"}`; got != want {
		t.Errorf("policy is %s, want %s", got, want)
	}
	bucket, ok := g.Find(catalog.Bucket, "logs")
	if !ok {
		t.Fatal("the bucket isn't recorded")
	}
	if diff := cmp.Diff([]string{bucket.URN}, policy.Dependencies); diff != "" {
		t.Errorf("the policy's dependencies (-want +got):\n%s", diff)
	}
	if !bucket.Protect || policy.Protect {
		t.Errorf("protect: bucket %v, policy %v; want true, false", bucket.Protect, policy.Protect)
	}
	if bucket.Place != beijing || bucket.Provider != g.Providers()[0].URN {
		t.Errorf("the bucket is at %v by %q, want %v by %q", bucket.Place, bucket.Provider, beijing, g.Providers()[0].URN)
	}
}
