package sandbox

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/graph"
)

const testSubscriber = "log-archive-subscribe"

// subscriberProgram is a pipeline from Beijing to Ningxia, and a subscriber that gives it log groups.
func subscriberProgram(change func(*components.LogGroupSubscriberArgs)) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		atSource, atArchive, err := testProviders(ctx)
		if err != nil {
			return err
		}
		const roleName, prefix, failed = "firehose-logs", "logs/!{timestamp:yyyy}/", "errors/!{firehose:error-output-type}/"
		bucket, err := components.NewLogArchiveBucket(ctx, "archive", &components.LogArchiveBucketArgs{
			Place: vaultPlace, BucketName: testBucket, KeyAlias: "log-archive", RetentionDays: 400,
			Deliveries: []components.Delivery{{
				Kind: components.FirehoseDelivery, Source: sourcePlace, RoleArn: sourcePlace.RoleARN(roleName).String(),
				Prefix: components.FixedPrefix("logs/"), ErrorPrefix: components.FixedPrefix("errors/"),
			}},
		}, pulumi.Provider(atArchive))
		if err != nil {
			return err
		}
		pipeline, err := components.NewFirehoseToS3Pipeline(ctx, "logs", &components.FirehoseToS3PipelineArgs{
			Place: sourcePlace, StreamName: testStream, RoleName: roleName, SubscriptionRoleName: "subscribe-logs",
			BucketName: testBucket, BucketPlace: vaultPlace, BucketArn: bucket.Arn, KeyArn: bucket.KeyArn,
			Prefix: prefix, ErrorPrefix: failed, DependsOn: []pulumi.Resource{bucket.Policy},
		}, pulumi.Provider(atSource))
		if err != nil {
			return err
		}
		args := &components.LogGroupSubscriberArgs{
			Place: sourcePlace, Pipeline: pipeline,
			FunctionArgs: components.FunctionArgs{FunctionName: testSubscriber, RoleName: testSubscriber, Code: components.PlaceholderCode},
			Include:      []string{"/app/"}, Exclude: []string{"/app/private*"},
		}
		if change != nil {
			change(args)
		}
		_, err = components.NewLogGroupSubscriber(ctx, "subscribe", args, pulumi.Provider(atSource))
		return err
	}
}

// background is a sandbox with a subscriber in it.
type background struct {
	*Background
	t   *testing.T
	dir string
}

// newSubscriber deploys the subscriber's program into a new world.
func newSubscriber(t *testing.T, change func(*components.LogGroupSubscriberArgs)) *background {
	t.Helper()
	recorded, err := graph.Record(context.Background(), graph.Options{Project: "log-archive", Stack: "subscribe"}, subscriberProgram(change))
	if err != nil {
		t.Fatal(err)
	}
	b := openBackground(t, t.TempDir())
	if err := b.world.Put(recordedResources(recorded).all...); err != nil {
		t.Fatal(err)
	}
	return b
}

// openBackground opens the sandbox in a directory, as the next process does.
func openBackground(t *testing.T, dir string) *background {
	t.Helper()
	w, err := OpenWorld(dir)
	if err != nil {
		t.Fatal(err)
	}
	clock := testClock(t, dir)
	w.now = clock.Now
	d := NewDelivery(w, openTestStore(t, dir), clock)
	t.Cleanup(func() { _ = errors.Join(d.Close(), d.store.Close(), w.Close()) })
	return &background{NewBackground(w, d), t, dir}
}

func (b *background) create(name string, change func(*NewLogGroup)) {
	b.t.Helper()
	g := NewLogGroup{Place: sourcePlace, Name: name}
	if change != nil {
		change(&g)
	}
	if _, err := b.world.CreateLogGroup(g); err != nil {
		b.t.Fatal(err)
	}
}

func unseen(g *NewLogGroup) { g.Unseen = true }

func (b *background) run() error {
	b.t.Helper()
	err := b.Run(context.Background())
	if refusals, rest := Refusals(err); rest != nil {
		b.t.Fatalf("%v (beside %d refusals)", rest, len(refusals))
	}
	return err
}

func (b *background) wait(span time.Duration) error {
	b.t.Helper()
	err := b.Wait(context.Background(), span)
	if refusals, rest := Refusals(err); rest != nil {
		b.t.Fatalf("%v (beside %d refusals)", rest, len(refusals))
	}
	return err
}

// filters are the names of a group's filters.
func (b *background) filters(group string) []string {
	names := []string{}
	for _, o := range filtersOf(b.world, sourcePlace, group) {
		names = append(names, o.Text("name"))
	}
	return names
}

// foreign puts a filter of somebody else on a group.
func (b *background) foreign(group, name string) {
	b.t.Helper()
	inputs := resource.PropertyMap{}
	for k, v := range map[string]string{"name": name, "logGroup": group, "filterPattern": "ERROR", "destinationArn": testStreamARN, "roleArn": filterRole} {
		inputs[resource.PropertyKey(k)] = resource.NewStringProperty(v)
	}
	// It leads to somebody else's stream, which is a copy of ours.
	other := testStreamARN + "-of-others"
	if _, ok := b.world.ByARN(other); !ok {
		stream, _ := b.world.ByARN(testStreamARN)
		stream.ID, stream.State, stream.URN = other, stream.State.Copy(), ""
		stream.State["arn"], stream.State["name"] = resource.NewStringProperty(other), resource.NewStringProperty(testStream+"-of-others")
		if err := b.world.Put(stream); err != nil {
			b.t.Fatal(err)
		}
	}
	inputs["destinationArn"] = resource.NewStringProperty(other)
	t, err := lookup(filterToken)
	if err != nil {
		b.t.Fatal(err)
	}
	o, err := completeByCall(t, sourcePlace, inputs, name)
	if err == nil {
		err = b.world.Put(*o)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// change changes the state of the objects of a type that match.
func (b *background) change(token string, match func(Object) bool, change func(resource.PropertyMap)) {
	b.t.Helper()
	n := 0
	for _, o := range b.world.Find(token, match) {
		o.State = o.State.Copy()
		change(o.State)
		if err := b.world.Put(o); err != nil {
			b.t.Fatal(err)
		}
		n++
	}
	if n == 0 {
		b.t.Fatalf("no %s matches", token)
	}
}

// withoutAction takes an action out of the subscriber's role policy.
func (b *background) withoutAction(action string) (undo func()) {
	b.t.Helper()
	var before string
	mine := func(o Object) bool { return o.Text("role") == testSubscriber }
	b.change(rolePolicyToken, mine, func(m resource.PropertyMap) {
		before = m["policy"].StringValue()
		after := strings.Replace(before, `"`+action+`"`, `"s3:GetObject"`, 1)
		if after == before {
			b.t.Fatalf("the policy has no %s", action)
		}
		m["policy"] = resource.NewStringProperty(after)
	})
	return func() {
		b.change(rolePolicyToken, mine, func(m resource.PropertyMap) { m["policy"] = resource.NewStringProperty(before) })
	}
}

// codesOf are AWS's codes of the refusals in an error, and the actions that were refused.
func codesOf(err error) []string {
	found, _ := Refusals(err)
	var codes []string
	for _, r := range found {
		codes = append(codes, r.Code+" "+r.Hop.Action)
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}
