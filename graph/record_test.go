package graph_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ssm"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/partition"
)

func record(t *testing.T, program pulumi.RunFunc) *graph.Graph {
	t.Helper()
	g, err := graph.Record(t.Context(), options, program)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func find(t *testing.T, g *graph.Graph, token, name string) *graph.Resource {
	t.Helper()
	r, ok := g.Find(token, name)
	if !ok {
		t.Fatalf("%s %s isn't recorded", token, name)
	}
	return r
}

func TestOutputsAreThoseOfTheProvidersPlace(t *testing.T) {
	t.Parallel()
	g := record(t, func(ctx *pulumi.Context) error {
		home, err := providerAt(ctx, "home", beijing)
		if err != nil {
			return err
		}
		bucket, err := s3.NewBucketV2(ctx, "logs", &s3.BucketV2Args{Bucket: pulumi.String("logs-bucket"), Tags: pulumi.StringMap{"own": pulumi.String("1")}},
			pulumi.Provider(home), pulumi.Protect(true))
		if err != nil {
			return err
		}
		ctx.Export("arn", bucket.Arn)
		ctx.Export("nested", pulumi.Map{"names": pulumi.ToStringArray([]string{"a"}), "secret": pulumi.ToSecret(pulumi.Int(7))})
		_, err = s3.NewBucketPolicy(ctx, "logs", &s3.BucketPolicyArgs{
			Bucket: bucket.Bucket,
			Policy: pulumi.Sprintf(`{"Resource":"%s"}`, bucket.Arn),
		}, pulumi.Provider(home))
		return err
	})
	arn := partition.BucketARN(partition.China, "logs-bucket").String()
	if got := g.Outputs["arn"].StringValue(); got != arn {
		t.Errorf("export arn is %q, want %q", got, arn)
	}
	if nested := g.Outputs["nested"]; !nested.IsSecret() {
		t.Errorf("an export with a secret in it is %v, want it secret", nested)
	}
	bucket, policy := find(t, g, catalog.Bucket, "logs"), find(t, g, catalog.BucketPolicy, "logs")
	if got, want := policy.Inputs["policy"].StringValue(), `{"Resource":"`+arn+`"}`; got != want {
		t.Errorf("policy is %s, want %s", got, want)
	}
	if diff := cmp.Diff([]string{bucket.URN}, policy.Dependencies); diff != "" {
		t.Errorf("the policy's dependencies (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string][]string{"bucket": {bucket.URN}, "policy": {bucket.URN}}, policy.PropertyDependencies); diff != "" {
		t.Errorf("the policy's dependencies by property (-want +got):\n%s", diff)
	}
	if !bucket.Protect || policy.Protect {
		t.Errorf("protect: bucket %v, policy %v; want true, false", bucket.Protect, policy.Protect)
	}
	if bucket.Place != beijing || bucket.Provider != g.Providers()[0].URN {
		t.Errorf("the bucket is at %v by %q, want %v by %q", bucket.Place, bucket.Provider, beijing, g.Providers()[0].URN)
	}
	tags := resource.PropertyMap{"own": resource.NewStringProperty("1"), "project": resource.NewStringProperty("log-archive")}
	if !bucket.Outputs["tagsAll"].DeepEquals(resource.NewObjectProperty(tags)) {
		t.Errorf("tagsAll is %v, want %v", bucket.Outputs["tagsAll"], tags)
	}
}

func TestAnAssumedRoleSaysTheAccount(t *testing.T) {
	t.Parallel()
	ningxia := partition.Place{Account: "444455556666", Region: "cn-northwest-1"}
	g := record(t, func(ctx *pulumi.Context) error {
		p, err := aws.NewProvider(ctx, "archive", &aws.ProviderArgs{
			Region:            pulumi.String(string(ningxia.Region)),
			AllowedAccountIds: pulumi.ToStringArray([]string{string(ningxia.Account)}),
			AssumeRole:        &aws.ProviderAssumeRoleArgs{RoleArn: pulumi.String(ningxia.RoleARN("deploy").String()), ExternalId: pulumi.String("x")},
		})
		if err != nil {
			return err
		}
		_, err = kms.NewKey(ctx, "logs", &kms.KeyArgs{}, pulumi.Provider(p))
		return err
	})
	key := find(t, g, catalog.Key, "logs")
	if arn, err := partition.ParseARN(key.Outputs["arn"].StringValue()); err != nil || arn.Place() != ningxia {
		t.Errorf("the key's ARN is %v (%v), want one at %v", arn, err, ningxia)
	}
}

func TestComponentsPassProvidersAndTellNamesApart(t *testing.T) {
	t.Parallel()
	type part struct{ pulumi.ResourceState }
	g := record(t, func(ctx *pulumi.Context) error {
		home, err := providerAt(ctx, "home", beijing)
		if err != nil {
			return err
		}
		for _, token := range []string{"test:index:One", "test:index:Two"} {
			var parent part
			if err := ctx.RegisterComponentResource(token, "part", &parent, pulumi.Providers(home)); err != nil {
				return err
			}
			if _, err := kms.NewKey(ctx, "key", &kms.KeyArgs{}, pulumi.Parent(&parent), pulumi.RetainOnDelete(true)); err != nil {
				return err
			}
		}
		return nil
	})
	keys := g.ByType(catalog.Key)
	if len(keys) != 2 || keys[0].ID == keys[1].ID {
		t.Fatalf("two keys of one name in two components: %v, want two ids", keys)
	}
	for _, key := range keys {
		parent, ok := g.Get(key.Parent)
		if !ok || parent.Custom || parent.Provider != "" {
			t.Errorf("%s: parent %+v, want a component", key.URN, parent)
		}
		if children := g.Children(key.Parent); len(children) != 1 || children[0] != key {
			t.Errorf("children of %s: %v, want the key", key.Parent, children)
		}
		if key.Place != beijing || !key.RetainOnDelete {
			t.Errorf("%s: at %v, retained %v; want the component's provider and true", key.URN, key.Place, key.RetainOnDelete)
		}
	}
}

// TestDefaultProviderIsVisible: a resource without an explicit provider is recorded as such, so that a test can
// forbid it.
func TestDefaultProviderIsVisible(t *testing.T) {
	t.Parallel()
	g := record(t, func(ctx *pulumi.Context) error {
		_, err := s3.NewBucketV2(ctx, "logs", &s3.BucketV2Args{Bucket: pulumi.String("logs-bucket")})
		return err
	})
	bucket := find(t, g, catalog.Bucket, "logs")
	if bucket.Provider != "" || bucket.Place != (partition.Place{}) {
		t.Errorf("provider %q at %v, want none", bucket.Provider, bucket.Place)
	}
	if text := string(g.Golden()); !strings.Contains(text, "the default provider") {
		t.Errorf("the golden text doesn't say that the default provider is used:\n%s", text)
	}
}

func TestConfigurationReachesTheProgram(t *testing.T) {
	// Not parallel: the environment must not reach the program.
	t.Setenv("PULUMI_CONFIG", `{"log-archive:other":"x"}`)
	o := options
	o.Config = map[string]string{"log-archive:list": `[{"name":"a"}]`}
	_, err := graph.Record(t.Context(), o, func(ctx *pulumi.Context) error {
		if list, ok := ctx.GetConfig("log-archive:list"); !ok || list != o.Config["log-archive:list"] {
			return fmt.Errorf("the program sees list %q, want %q", list, o.Config["log-archive:list"])
		}
		if ctx.Stack() != "test" || ctx.Project() != "log-archive" || ctx.DryRun() {
			return fmt.Errorf("the program sees stack %q, project %q, dry run %v", ctx.Stack(), ctx.Project(), ctx.DryRun())
		}
		if v, ok := ctx.GetConfig("log-archive:other"); ok {
			return fmt.Errorf("the program sees %q of the environment", v)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		program pulumi.RunFunc
		want    []string
	}{
		"error": {func(*pulumi.Context) error { return broken }, []string{"broken"}},
		"panic": {func(*pulumi.Context) error { panic("too bad") }, []string{"panicked: too bad", "record_test.go"}},
		"unknown types": {func(ctx *pulumi.Context) error {
			for _, name := range []string{"b", "a"} {
				vpc, err := ec2.NewVpc(ctx, name, &ec2.VpcArgs{CidrBlock: pulumi.String("10.0.0.0/16")})
				if err != nil {
					return err
				}
				ctx.Export(name, vpc.Arn)
			}
			return nil
		}, []string{`resource "a" is of type aws:ec2/vpc:Vpc`, `resource "b" is of type`}},
		"data source": {func(ctx *pulumi.Context) error {
			_, err := aws.GetCallerIdentity(ctx, nil)
			return err
		}, []string{"aws:index/getCallerIdentity:getCallerIdentity"}},
		"data source as output": {func(ctx *pulumi.Context) error {
			ctx.Export("region", aws.GetRegionOutput(ctx, aws.GetRegionOutputArgs{}).Name())
			return nil
		}, []string{"aws:index/getRegion:getRegion"}},
		"read": {func(ctx *pulumi.Context) error {
			_, err := s3.GetBucketV2(ctx, "logs", pulumi.ID("logs-bucket"), nil)
			return err
		}, []string{"is read by its id"}},
		"provider without an account": {func(ctx *pulumi.Context) error {
			_, err := aws.NewProvider(ctx, "home", &aws.ProviderArgs{Region: pulumi.String("cn-north-1")})
			return err
		}, []string{`provider "home"`, "allowedAccountIds"}},
		"twice": {func(ctx *pulumi.Context) error {
			for range 2 {
				if _, err := providerAt(ctx, "home", beijing); err != nil {
					return err
				}
			}
			return nil
		}, []string{"declared twice"}},
	} {
		g, err := graph.Record(t.Context(), options, test.program)
		if err == nil || g != nil {
			t.Errorf("%s: no error", name)
			continue
		}
		for _, part := range test.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v, want %q in it", name, err, part)
			}
		}
	}
	var unknown *graph.UnknownTypeError
	if _, err := graph.Record(t.Context(), options, func(ctx *pulumi.Context) error {
		_, err := ec2.NewVpc(ctx, "v", &ec2.VpcArgs{})
		return err
	}); !errors.As(err, &unknown) || unknown.Type != "aws:ec2/vpc:Vpc" {
		t.Errorf("%v, want an UnknownTypeError", err)
	}
	if _, err := graph.Record(t.Context(), graph.Options{Stack: "x"}, nil); err == nil {
		t.Error("without a project: no error")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := graph.Record(ended, options, func(*pulumi.Context) error { return broken }); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v, want its error", err)
	}
}

// TestDeterminism records a program whose resources come from many goroutines.
func TestDeterminism(t *testing.T) {
	t.Parallel()
	var first []byte
	for i := range 8 {
		g := record(t, sources(40))
		text := g.Golden()
		if i == 0 {
			first = text
			continue
		}
		if diff := cmp.Diff(string(first), string(text)); diff != "" {
			t.Fatalf("run %d differs from the first:\n%s", i, diff)
		}
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	t.Parallel()
	g := record(t, func(ctx *pulumi.Context) error {
		home, err := providerAt(ctx, "home", beijing)
		if err != nil {
			return err
		}
		_, err = ssm.NewParameter(ctx, "p", &ssm.ParameterArgs{Name: pulumi.String("/p"), Type: pulumi.String("SecureString"), Value: pulumi.String("hunter2")}, pulumi.Provider(home))
		return err
	})
	data, err := g.JSON()
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{"JSON": string(data), "golden text": string(g.Golden())} {
		if strings.Contains(text, "hunter2") || !strings.Contains(text, "[secret]") {
			t.Errorf("%s shows the secret, or no sign of it:\n%s", what, text)
		}
	}
}

func TestFiltersOfOneGroup(t *testing.T) {
	t.Parallel()
	// The provider gives two filters of one log group the same id: both must be in the graph.
	g := record(t, func(ctx *pulumi.Context) error {
		home, err := providerAt(ctx, "home", beijing)
		if err != nil {
			return err
		}
		for _, name := range []string{"a", "b"} {
			_, err := cloudwatch.NewLogSubscriptionFilter(ctx, name, &cloudwatch.LogSubscriptionFilterArgs{
				LogGroup: pulumi.Any("/app/web"), Name: pulumi.String(name), FilterPattern: pulumi.String(""),
				DestinationArn: pulumi.String(beijing.ARN(partition.Firehose, "deliverystream/logs").String()),
			}, pulumi.Provider(home))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if filters := g.ByType(catalog.SubscriptionFilter); len(filters) != 2 || filters[0].ID != filters[1].ID {
		t.Errorf("filters %v, want two with one id", filters)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	if failures := record(t, sources(2)).Failures(); len(failures) > 0 {
		t.Errorf("of a good program: %v", failures)
	}
	g := record(t, func(ctx *pulumi.Context) error {
		home, err := providerAt(ctx, "home", beijing)
		if err != nil {
			return err
		}
		_, err = s3.NewBucketV2(ctx, "logs", &s3.BucketV2Args{Bucket: pulumi.String("Logs")}, pulumi.Provider(home))
		return err
	})
	failures := g.Failures()
	if len(failures) != 1 || failures[0].Code != "InvalidBucketName" || !strings.Contains(failures[0].Error(), "::logs: bucket:") {
		t.Errorf("of a bucket called Logs: %v, want InvalidBucketName", failures)
	}
}
