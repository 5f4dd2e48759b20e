package tests

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/sandbox"
	"github.com/logarchive/logarchive/stacks"
	"github.com/logarchive/logarchive/verify"
)

// lookingActions are hops that the proof demands, because AWS documents them, but without which the sandbox still delivers: the
// service looks around before it writes, aborts, or uses another of several actions for the same thing.
var lookingActions = []string{
	"firehose:PutRecordBatch", "firehose:PutRecord", "kms:DescribeKey", "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo",
	"kms:GenerateDataKeyWithoutPlaintext", "kms:Decrypt", "logs:DescribeLogStreams", "logs:PutLogEvents", "s3:AbortMultipartUpload",
	"autoscaling:CompleteLifecycleAction", "autoscaling:RecordLifecycleActionHeartbeat", // when a collector ends
	"s3:GetBucketAcl", "s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads", "lambda:GetFunctionConfiguration",
	"sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes", "sqs:GetQueueUrl",
}

// offTheWay are components that no log line passes: backups, the function that switches exports on, whose statements package
// sandbox tests, and queries, which it doesn't run.
var offTheWay = []string{"LogQueries", "BackupVaultWithCopy", "DatabaseBackupReplication", "RdsLogExports"}

// calledHere are functions that the test itself calls, as their schedule would: without their permission they run all the same.
var calledHere = []string{"RdsLogExports", "ReplayFunction"}

// TestProofAndSandboxAgree takes every statement of every policy of a stack away, one at a time, and asks both readers: what
// `verify` proves closed, the sandbox refuses, and the sandbox refuses nothing that is proven open.
func TestProofAndSandboxAgree(t *testing.T) {
	t.Parallel()
	for _, stack := range exampleStacks {
		t.Run(stack, func(t *testing.T) {
			t.Parallel()
			config, err := stacks.LoadConfig(root, stack)
			if err != nil {
				t.Fatal(err)
			}
			agree(t, stack, config, 10)
		})
	}
}

// TestProofAndSandboxAgreeOnAccountPolicy is the same for a stack that subscribes every log group by a policy of the account,
// which the examples can't have beside their subscribers.
func TestProofAndSandboxAgreeOnAccountPolicy(t *testing.T) {
	t.Parallel()
	const stack = "beijing"
	config, err := stacks.LoadConfig(root, stack)
	if err != nil {
		t.Fatal(err)
	}
	for key := range config {
		switch strings.TrimPrefix(key, "log-archive:") {
		case "sourceAccount", "homeRegion", "backupRegion", "archive", "pipeline", "logGroups":
		default:
			delete(config, key)
		}
	}
	config["log-archive:accountSubscription"] = `{"exclude":["/app/chatter"]}`
	agree(t, stack, config, 2)
}

// sampledStatements is of how many statements one is tried, unless LOGARCHIVE_LONG is set; a prime, so that it isn't always the same
// kind.
const sampledStatements = 3

// agree takes the statements of one stack away. At least so many of them must be missed.
func agree(t *testing.T, stack string, config map[string]string, least int) {
	t.Helper()
	spec, err := stacks.ParseSpec(stack, config)
	if err != nil {
		t.Fatal(err)
	}
	g := recordConfig(t, stack, config)
	externals := externalObjects(t, spec)
	told, refused := deliverAll(t, g, externals)
	if refused != nil {
		t.Fatalf("the sandbox refuses the whole stack: %v", refused)
	}
	tried, removed, refusals := 0, 0, 0
	compare := func(what string, change func() (undo func())) {
		if tried++; !long() && tried%sampledStatements != 0 {
			return
		}
		undo := change()
		closed := closedActions(g, spec.VerifyOptions())
		_, refused := deliverAll(t, g, externals)
		undo()
		removed++
		if refused != nil {
			refusals++
		}
		needed := slices.DeleteFunc(slices.Clone(closed), func(a string) bool { return slices.Contains(lookingActions, a) })
		switch {
		case refused != nil && len(closed) == 0:
			t.Errorf("%s: proven open, but refused: %v", what, refused)
		case refused == nil && len(needed) > 0:
			t.Errorf("%s: %v proven closed, but every line arrives", what, needed)
		}
	}
	for _, r := range g.Resources {
		if r.Type == "aws:lambda/permission:Permission" && !slices.ContainsFunc(calledHere, func(c string) bool { return strings.Contains(r.URN, c) }) {
			compare(r.URN+" for another function", func() func() { return set(r, "function", "nobody") })
		}
		for _, property := range []resource.PropertyKey{"policy", "assumeRolePolicy"} {
			text, ok := r.Inputs[property]
			if !ok || !text.IsString() || slices.ContainsFunc(offTheWay, func(c string) bool { return strings.Contains(r.URN, c) }) {
				continue
			}
			if strings.Contains(r.URN, "AlarmTopic$") && !told[r.Place] {
				continue // no alarm there says that nothing comes
			}
			for i, n := 0, statements(t, text.StringValue()); i < n; i++ {
				compare(fmt.Sprintf("%s, %s without statement %d", r.URN, property, i), func() func() {
					return set(r, property, without(t, text.StringValue(), i))
				})
			}
		}
	}
	t.Logf("%d of %d statements taken away, %d refusals", removed, tried, refusals)
	if refusals < least {
		t.Errorf("only %d refusals: is the sandbox looking at policies?", refusals)
	}
}

func statements(t *testing.T, text string) int {
	t.Helper()
	return len(document(t, text)["Statement"].([]any))
}

func document(t *testing.T, text string) map[string]any {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func without(t *testing.T, text string, statement int) string {
	t.Helper()
	doc := document(t, text)
	doc["Statement"] = slices.Delete(slices.Clone(doc["Statement"].([]any)), statement, statement+1)
	out, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// set changes a property of a recorded resource; the result puts it back.
func set(r *graph.Resource, property resource.PropertyKey, text string) (undo func()) {
	in, out := r.Inputs[property], r.Outputs[property]
	r.Inputs[property], r.Outputs[property] = resource.NewStringProperty(text), resource.NewStringProperty(text)
	return func() { r.Inputs[property], r.Outputs[property] = in, out }
}

// afterFailure are the hops of messages that something failed to handle, which nothing does here.
var afterFailure = []string{"SNS keeps what it can't pass on", "messages are moved back from the dead letter queue"}

// closedActions are the actions of refused hops on the ways of log lines.
func closedActions(g *graph.Graph, options verify.Options) []string {
	var out []string
	for _, p := range verify.Run(verify.FromGraph(g), options).Paths {
		if p.Source.Kind == "backup" {
			continue
		}
		for _, v := range p.Hops() {
			if !v.Allowed && !slices.Contains(afterFailure, v.Title) {
				out = append(out, v.Action)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func externalObjects(t *testing.T, spec *stacks.Spec) []sandbox.Object {
	t.Helper()
	world, err := sandbox.OpenWorld(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer world.Close()
	if err := world.Adopt(spec.Externals()); err != nil {
		t.Fatal(err)
	}
	return world.List("")
}

// replayAll has every replay function bring back an error object of each of its streams, and delivers that.
func replayAll(t *testing.T, world *sandbox.World, store *sandbox.Store, clock *sandbox.Clock, delivery *sandbox.Delivery) error {
	t.Helper()
	ctx := context.Background()
	var names []string
	buckets := map[string]string{}
	for _, f := range world.List("aws:lambda/function:Function") {
		environment := f.State["environment"]
		if !strings.Contains(f.URN, "ReplayFunction") || !environment.IsObject() {
			continue
		}
		variables := environment.ObjectValue()["variables"].ObjectValue()
		names, buckets[f.ARN()] = append(names, f.ARN()), variables["LOGARCHIVE_REPLAY_BUCKET"].StringValue()
		for route := range strings.SplitSeq(variables["LOGARCHIVE_REPLAY_STREAMS"].StringValue(), ",") {
			prefix := route[:strings.LastIndexByte(route, '=')]
			// It holds a record of a group that no source has, as CloudWatch Logs would send it, but not compressed: the
			// transform leaves that below the error prefix again.
			body := `{"rawData":"e30=","errorCode":"Lambda.FunctionError","attemptsMade":4}` + "\n"
			o := sandbox.StoredObject{Bucket: variables["LOGARCHIVE_REPLAY_BUCKET"].StringValue(), Key: prefix + "processing-failed/object", LastModified: clock.Now()}
			if _, err := store.Put(o, true, strings.NewReader(body)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := clock.Advance(time.Hour); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		result, err := delivery.InvokeReplay(ctx, name, []byte(`{"bucket":"`+buckets[name]+`"}`))
		if err != nil {
			return err
		}
		if !result.Complete {
			return fmt.Errorf("%s: %+v", name, result)
		}
	}
	return delivery.Flush(ctx)
}

// deliverAll has the subscribers find new log groups, sends lines from every source and flushes; it returns the first refusal, or
// what didn't arrive.
func deliverAll(t *testing.T, g *graph.Graph, externals []sandbox.Object) (told map[partition.Place]bool, refused error) {
	t.Helper()
	dir := t.TempDir()
	world, err := sandbox.OpenWorld(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer world.Close()
	all := slices.Clone(externals)
	for _, r := range g.Resources {
		if r.Custom && !r.IsProvider() {
			all = append(all, sandbox.Object{Type: r.Type, ID: r.ID, Place: r.Place, URN: r.URN, Inputs: r.Inputs, State: r.Outputs})
		}
	}
	if err := world.Put(all...); err != nil {
		t.Fatal(err)
	}
	store, clock := openSandbox(t, dir)
	defer store.Close()
	delivery := sandbox.NewDelivery(world, store, clock)
	defer delivery.Close()
	told, unheard := alarmsUnheard(t, delivery)
	refused = subscribeNew(t, world, sandbox.NewBackground(world, delivery))
	ctx := context.Background()
	sources := delivery.Sources()
	for _, s := range sources {
		lines, err := delivery.Lines(s, "agree", 3)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := delivery.Send(ctx, s, lines); err != nil && refused == nil {
			refused = err
		}
	}
	if err := delivery.Flush(ctx); err != nil && refused == nil {
		refused = err
	}
	if refused == nil {
		refused = replayAll(t, world, store, clock, delivery)
	}
	if refused != nil {
		var r *sandbox.Refusal
		if !errors.As(refused, &r) {
			t.Fatalf("not a refusal: %v", refused)
		}
		return told, refused
	}
	found, err := delivery.FindAll(ctx, sources)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range found {
		if len(f.Lines) != 3 {
			return told, fmt.Errorf("%s: %d of 3 lines arrived", sources[i].ID, len(f.Lines))
		}
	}
	return told, errors.Join(unheard, consumeAll(t, world, store, delivery))
}

// alarmsUnheard evaluates the alarms of a stack that nothing has been sent to: those that say so are raised, and tell the topics.
// It returns the places of those that tell one, and the first that isn't heard.
func alarmsUnheard(t *testing.T, delivery *sandbox.Delivery) (told map[partition.Place]bool, unheard error) {
	t.Helper()
	alarms, err := delivery.Alarms(0)
	if err != nil {
		t.Fatal(err)
	}
	told = map[partition.Place]bool{}
	for _, a := range alarms {
		for _, n := range a.Notified {
			topic, err := partition.ParseARN(n.Topic)
			if err != nil {
				t.Fatal(err)
			}
			told[partition.Place{Account: topic.Account, Region: topic.Region}] = true
			if n.Refused != "" && unheard == nil {
				unheard = fmt.Errorf("alarm %s isn't heard: %s", a.Name, n.Refused)
			}
		}
	}
	if len(told) == 0 {
		t.Fatal("no alarm tells anybody that nothing comes")
	}
	return told, unheard
}

// consumeAll has the consumer of each queue receive an event and read its object; it returns the first refusal, or an event that
// was lost.
func consumeAll(t *testing.T, world *sandbox.World, store *sandbox.Store, delivery *sandbox.Delivery) error {
	t.Helper()
	lost, err := store.LostEvents()
	if err != nil {
		t.Fatal(err)
	}
	if len(lost) > 0 {
		return fmt.Errorf("%d events are lost, the first: %v", len(lost), lost[0])
	}
	ctx := context.Background()
	for _, queue := range world.List("aws:sqs/queue:Queue") {
		consumer, err := delivery.Consumer(queue, "")
		if err != nil {
			continue // nobody of the configuration receives from it
		}
		messages, err := consumer.Receive(ctx, 1000)
		if err != nil {
			return err
		}
		if len(messages) == 0 {
			return fmt.Errorf("queue %s has no event", queue.Text("name"))
		}
		for _, m := range messages {
			refs, err := m.Objects()
			if err != nil {
				t.Fatal(err)
			}
			for _, ref := range refs {
				file, _, err := consumer.Read(ctx, ref)
				if err != nil {
					return err
				}
				file.Close()
			}
			if err := consumer.Delete(ctx, m); err != nil {
				return err
			}
		}
	}
	return nil
}

// subscribeNew creates a log group for each account policy, and two for each subscriber, one that an event tells of and one
// that only the sweep finds, and has the subscriber find them. It returns what was refused.
func subscribeNew(t *testing.T, world *sandbox.World, background *sandbox.Background) error {
	t.Helper()
	for _, p := range world.List("aws:cloudwatch/logAccountPolicy:LogAccountPolicy") {
		if _, err := world.CreateLogGroup(sandbox.NewLogGroup{Place: p.Place, Name: "/agreement"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range world.List("aws:lambda/function:Function") {
		if !strings.Contains(f.URN, "LogGroupSubscriber") {
			continue
		}
		variables := f.State["environment"].ObjectValue()["variables"].ObjectValue()
		setting := func(name string) string {
			if v := variables[resource.PropertyKey("LOGARCHIVE_SUBSCRIBE_"+name)]; v.IsString() {
				return v.StringValue()
			}
			return ""
		}
		prefix, _, _ := strings.Cut(setting("INCLUDE"), ",")
		tags := map[string]string{}
		for pair := range strings.SplitSeq(setting("TAGS"), ",") {
			if key, value, ok := strings.Cut(pair, "="); ok {
				tags[key] = value
			}
		}
		for _, unseen := range []bool{false, true} {
			group := sandbox.NewLogGroup{Place: f.Place, Name: fmt.Sprintf("%sagreement-%v", prefix, unseen), Tags: tags, Unseen: unseen}
			if _, err := world.CreateLogGroup(group); err != nil {
				t.Fatal(err)
			}
		}
	}
	return background.Wait(context.Background(), 61*time.Minute)
}
