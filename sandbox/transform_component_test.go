package sandbox

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/functions/replay"
	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/partition"
)

// testProviders act at sourcePlace and vaultPlace.
func testProviders(ctx *pulumi.Context) (source, archive *aws.Provider, err error) {
	provider := func(name string, place partition.Place) *aws.Provider {
		var p *aws.Provider
		if err == nil {
			p, err = aws.NewProvider(ctx, name, &aws.ProviderArgs{Region: pulumi.String(place.Region), AllowedAccountIds: pulumi.ToStringArray([]string{string(place.Account)})})
		}
		return p
	}
	source, archive = provider("source", sourcePlace), provider("archive", vaultPlace)
	return source, archive, err
}

// transformProgram is a log group of Beijing that is kept in Ningxia, as lines below the hours of its events.
func transformProgram(ctx *pulumi.Context) error {
	atSource, atArchive, err := testProviders(ctx)
	if err != nil {
		return err
	}
	const (
		roleName = "firehose-logs"
		prefix   = "logs/group=!{partitionKeyFromLambda:logGroup}/hour=!{partitionKeyFromLambda:hour}/"
		errors   = "errors/!{firehose:error-output-type}/"
	)
	bucket, err := components.NewLogArchiveBucket(ctx, "archive", &components.LogArchiveBucketArgs{
		Place: vaultPlace, BucketName: testBucket, KeyAlias: "log-archive", RetentionDays: 400,
		Deliveries: []components.Delivery{{
			Kind: components.FirehoseDelivery, Source: sourcePlace, RoleArn: sourcePlace.RoleARN(roleName).String(),
			Prefix: components.FixedPrefix(prefix), ErrorPrefix: components.FixedPrefix(errors),
		}},
	}, pulumi.Provider(atArchive))
	if err != nil {
		return err
	}
	function, err := components.NewTransformFunction(ctx, "transform", &components.TransformFunctionArgs{
		Place:        sourcePlace,
		FunctionArgs: components.FunctionArgs{FunctionName: testFunction, RoleName: "transform", Code: components.PlaceholderCode},
		StreamNames:  []string{testStream},
		Settings:     components.TransformSettings{PartitionKeys: []string{"logGroup", "hour"}, ExtraFields: []string{"site=beijing"}},
	}, pulumi.Provider(atSource))
	if err != nil {
		return err
	}
	pipeline, err := components.NewFirehoseToS3Pipeline(ctx, "logs", &components.FirehoseToS3PipelineArgs{
		Place: sourcePlace, StreamName: testStream, RoleName: roleName, SubscriptionRoleName: "subscribe-logs",
		BucketName: testBucket, BucketPlace: vaultPlace, BucketArn: bucket.Arn, KeyArn: bucket.KeyArn,
		Prefix: prefix, ErrorPrefix: errors, Transform: function, DynamicPartitioning: &components.DynamicPartitioning{},
		DependsOn: []pulumi.Resource{bucket.Policy},
	}, pulumi.Provider(atSource))
	if err != nil {
		return err
	}
	group, err := cloudwatch.NewLogGroup(ctx, "app", &cloudwatch.LogGroupArgs{Name: pulumi.String(testGroup)}, pulumi.Provider(atSource))
	if err != nil {
		return err
	}
	_, err = pipeline.Subscribe(ctx, "app", group.Name, "")
	return err
}

// The components' function and stream, with the policies that they really have: lines get through, and what a broken
// function left in the error prefix, too, when it is replayed.
func TestTransformComponents(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	recorded, err := graph.Record(ctx, graph.Options{Project: "log-archive", Stack: "transform"}, transformProgram)
	if err != nil {
		t.Fatal(err)
	}
	w := recordedResources(recorded)
	d := newTestDelivery(t, w)
	sources := d.Sources()
	if len(sources) != 1 || sources[0].Broken != "" || sources[0].Name != testGroup {
		t.Fatalf("sources: %+v", sources)
	}
	s := sources[0]
	round := func(run string) []string {
		t.Helper()
		lines, err := d.Lines(s, run, 100)
		if err == nil {
			_, err = d.Send(ctx, s, lines)
		}
		if err == nil {
			err = d.Flush(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
		return lines
	}
	sent := round("well")
	breakFunction := func(value string) {
		w.change(catalog.Function, testFunction, func(m resource.PropertyMap) {
			environment := m["environment"].ObjectValue().Copy()
			variables := environment["variables"].ObjectValue().Copy()
			variables["LOGARCHIVE_TRANSFORM_EXTRA_FIELDS"] = resource.NewStringProperty(value)
			environment["variables"] = resource.NewObjectProperty(variables)
			m["environment"] = resource.NewObjectProperty(environment)
		})
	}
	breakFunction("message")
	lost := round("broken")
	if got := messages(t, failures(t, d)); !cmp.Equal(got, lost) {
		t.Errorf("%d lines in the error prefix, want %d", len(got), len(lost))
	}
	breakFunction("site=beijing")
	sent = append(append(sent, lost...), round("repaired")...)
	for range 2 {
		summary, err := replay.Run(ctx, replay.Options{Bucket: testBucket, Prefix: "errors/", Stream: testStream}, d.ReplayClients(sourcePlace), nil)
		if err != nil || !summary.Complete() {
			t.Errorf("replay: %+v, %v", summary, err)
		}
	}
	if err := d.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	found, refs, err := d.Find(ctx, s)
	if err != nil || !cmp.Equal(ordered(sent), ordered(found)) {
		t.Errorf("%d lines sent, %d found, %v", len(sent), len(found), err)
	}
	for _, ref := range refs {
		if !strings.HasPrefix(ref.Key, "logs/group=%2Fapp%2Fweb/hour=") || !strings.HasSuffix(ref.Key, ".json.gz") {
			t.Errorf("an object under %s", ref.Key)
		}
	}
}
