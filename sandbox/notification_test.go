package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	moving "github.com/logarchive/logarchive/functions/redrive"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// feedWorld is the archive's bucket of the test world with a topic and the queues of two consumers: one gets all events, one
// those below logs/, in SNS's envelope.
func feedWorld(t *testing.T) *testResources {
	t.Helper()
	w := newTestWorld(t)
	p := vaultPlace
	arn := func(s partition.Service, name string) string { return p.ARN(s, name).String() }
	allow := func(s partition.Service, action, resource, condition, value string) string {
		principal, err := p.PrincipalFor(s, partition.Deliver)
		if err != nil {
			t.Fatal(err)
		}
		return policy.Document{Statements: []policy.Statement{{
			Effect: policy.Allow, Principal: policy.Services(principal), Action: []string{action}, Resource: []string{resource},
			Condition: policy.Conditions{}.With("ArnLike", condition, value),
		}}}.JSON()
	}
	bucket := partition.BucketARN(p.Partition(), testBucket).String()
	topic := arn(partition.SNS, "objects")
	w.add(topicToken, p, topic, map[string]any{"arn": topic, "name": "objects"})
	w.add(topicPolicyToken, p, topic, map[string]any{"arn": topic, "policy": allow(partition.S3, "sns:Publish", topic, "aws:SourceArn", bucket)})
	w.add(notificationToken, p, testBucket, map[string]any{"bucket": testBucket, "topics": []any{map[string]any{
		"topicArn": topic, "id": "siem", "events": []any{"s3:ObjectCreated:*"},
	}}})
	for _, name := range []string{"all", "some"} {
		queue, failed := arn(partition.SQS, name), arn(partition.SQS, name+"-failed")
		w.add(queueToken, p, "https://queue/"+name+"-failed", map[string]any{"arn": failed, "name": name + "-failed", "messageRetentionSeconds": 1209600})
		w.add(queueToken, p, "https://queue/"+name, map[string]any{
			"arn": queue, "name": name, "messageRetentionSeconds": 345600, "visibilityTimeoutSeconds": 60,
			"redrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":2}`, failed),
		})
		for _, q := range []string{name, name + "-failed"} {
			w.add(queuePolicy, p, "https://queue/"+q, map[string]any{"queueUrl": "https://queue/" + q, "policy": allow(partition.SNS, "sqs:SendMessage", arn(partition.SQS, q), "aws:SourceArn", topic)})
		}
		state := map[string]any{"arn": topic + ":" + name, "topic": topic, "protocol": "sqs", "endpoint": queue, "rawMessageDelivery": name == "all",
			"redrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q}`, failed)}
		if name == "some" {
			state["filterPolicy"], state["filterPolicyScope"] = `{"Records":{"s3":{"object":{"key":[{"prefix":"logs/"}]}}}}`, "MessageBody"
		}
		w.add(topicSubscriptionToken, p, topic+":"+name, state)
	}
	role := p.RoleARN("Consumer")
	w.all = append(w.all, Object{Type: roleToken, ID: "Consumer", Place: p, External: true, State: resource.NewPropertyMapFromMap(map[string]any{
		"arn": role.String(), "name": "Consumer", "queue": "all,some", "inlinePolicies": []any{map[string]any{"name": "own", "policy": policy.Document{
			Statements: []policy.Statement{{Effect: policy.Allow, Action: []string{"s3:GetObject", "s3:GetObjectVersion", "sqs:ReceiveMessage", "sqs:DeleteMessage"},
				Resource: []string{bucket + "/*", arn(partition.SQS, "all"), arn(partition.SQS, "some")}}},
		}.JSON()}},
	})})
	return w
}

func feedDelivery(t *testing.T, w Resources, dir string) *Delivery {
	t.Helper()
	store, err := OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	clock, err := openClock(dir, func() time.Time { return someTime })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return NewDelivery(w, store, clock)
}

func put(t *testing.T, d *Delivery, key string) {
	t.Helper()
	o := StoredObject{Bucket: testBucket, Key: key, LastModified: d.clock.Now()}
	if _, err := d.store.Put(o, true, strings.NewReader("a line\n")); err != nil {
		t.Fatal(err)
	}
}

func receiveAll(t *testing.T, d *Delivery, name string) []QueuedMessage {
	t.Helper()
	queue, err := d.Queue(name)
	if err != nil {
		t.Fatal(err)
	}
	c, err := d.Consumer(queue, "")
	if err != nil {
		t.Fatal(err)
	}
	messages, err := c.Receive(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	return messages
}

func TestEachObjectMakesAnEvent(t *testing.T) {
	t.Parallel()
	d := feedDelivery(t, feedWorld(t), t.TempDir())
	put(t, d, "logs/account=1/a file.gz")
	put(t, d, "databases/b.gz")
	for _, c := range []struct {
		queue string
		raw   bool
		keys  []string
	}{{"all", true, []string{"logs/account=1/a file.gz", "databases/b.gz"}}, {"some", false, []string{"logs/account=1/a file.gz"}}} {
		keys := map[string]bool{}
		for _, m := range receiveAll(t, d, c.queue) {
			var body struct {
				Type, Message string
				Records       []struct {
					EventName string
					S3        struct{ Object struct{ Key string } }
				}
			}
			if err := json.Unmarshal([]byte(m.Body), &body); err != nil {
				t.Fatal(err)
			}
			if c.raw != (len(body.Records) == 1 && body.Records[0].EventName == "ObjectCreated:Put") || c.raw == (body.Type == "Notification") {
				t.Errorf("%s: %s", c.queue, m.Body)
			}
			if c.raw && strings.Contains(body.Records[0].S3.Object.Key, " ") {
				t.Errorf("the key isn't URL-encoded: %s", m.Body)
			}
			refs, err := m.Objects()
			if err != nil || len(refs) != 1 || refs[0].Bucket != testBucket || refs[0].VersionID == "" {
				t.Fatalf("%v, %v", refs, err)
			}
			keys[refs[0].Key] = true
		}
		if len(keys) != len(c.keys) {
			t.Errorf("%s got %v, want %q", c.queue, keys, c.keys)
		}
		for _, k := range c.keys {
			if !keys[k] {
				t.Errorf("%s has no event of %q", c.queue, k)
			}
		}
	}
	if lost, err := d.store.LostEvents(); err != nil || len(lost) > 0 {
		t.Errorf("lost: %v, %v", lost, err)
	}
}

// A consumer that fails again and again finds nothing any more: the event is in the dead letter queue, and can be moved back.
func TestDeadLettersAndBack(t *testing.T) {
	t.Parallel()
	d := feedDelivery(t, feedWorld(t), t.TempDir())
	put(t, d, "logs/a.gz")
	for i, want := range []int{1, 1, 0} {
		if got := receiveAll(t, d, "all"); len(got) != want {
			t.Fatalf("receive %d: %d messages", i, len(got))
		}
		if got := receiveAll(t, d, "all"); len(got) != 0 {
			t.Fatalf("receive %d: %d messages that are hidden", i, len(got))
		}
		if _, err := d.clock.Advance(61 * time.Second); err != nil {
			t.Fatal(err)
		}
	}
	q := d.RedriveQueues()
	s, err := moving.Run(t.Context(), q, moving.Options{Queue: "https://queue/all"})
	if err != nil || s.Moved != 1 || s.DeadLetterQueue != "https://queue/all-failed" {
		t.Fatalf("%+v, %v", s, err)
	}
	if s, err = moving.Run(t.Context(), q, moving.Options{Queue: "https://queue/all"}); err != nil || s.Moved != 0 {
		t.Fatalf("a second run: %+v, %v", s, err)
	}
	if got := receiveAll(t, d, "all"); len(got) != 1 || got[0].Receives != 1 {
		t.Fatalf("it isn't back: %+v", got)
	}
}

func TestEventsThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		narrow      func(*testResources)
		all, failed int
		lost        int
	}{
		{"S3 may not publish", func(w *testResources) {
			w.remove(topicPolicyToken, vaultPlace.ARN(partition.SNS, "objects").String())
		}, 0, 0, 1},
		{"SNS may not send", func(w *testResources) { w.remove(queuePolicy, "https://queue/all") }, 0, 1, 0},
		{"nor to the dead letter queue", func(w *testResources) {
			w.remove(queuePolicy, "https://queue/all")
			w.remove(queuePolicy, "https://queue/all-failed")
		}, 0, 0, 1},
		{"an AWS managed key", func(w *testResources) {
			w.change(queueToken, "https://queue/all", set("kmsMasterKeyId", "alias/aws/sqs"))
			w.change(queueToken, "https://queue/all-failed", set("kmsMasterKeyId", "alias/aws/sqs"))
		}, 0, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := feedWorld(t)
			c.narrow(w)
			d := feedDelivery(t, w, t.TempDir())
			put(t, d, "databases/a.gz")
			all, err := d.store.queued(vaultPlace.ARN(partition.SQS, "all").String())
			failed, err2 := d.store.queued(vaultPlace.ARN(partition.SQS, "all-failed").String())
			lost, err3 := d.store.LostEvents()
			if err := errors.Join(err, err2, err3); err != nil || len(all) != c.all || len(failed) != c.failed || len(lost) != c.lost {
				t.Errorf("%v: %d, %d failed, lost %v", err, len(all), len(failed), lost)
			}
		})
	}
}

// Whoever may not receive gets AWS's refusal.
func TestConsumerIsRefused(t *testing.T) {
	t.Parallel()
	d := feedDelivery(t, feedWorld(t), t.TempDir())
	put(t, d, "logs/a.gz")
	queue, err := d.Queue("all")
	if err != nil {
		t.Fatal(err)
	}
	c, err := d.Consumer(queue, partition.Place{Account: "999988887777", Region: vaultPlace.Region}.RoleARN("Stranger").String())
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Receive(t.Context(), 1)
	if refusal := (*Refusal)(nil); !errors.As(err, &refusal) || refusal.Code != "AccessDenied" {
		t.Errorf("got %v", err)
	}
}

// An object and its events appear together, whenever the process ends.
func TestEventsSurviveKill(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"written", "committed", "placed"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			dir, w := t.TempDir(), feedWorld(t)
			d := feedDelivery(t, w, dir)
			d.store.hook = func(at string) {
				if at == step {
					panic("killed")
				}
			}
			func() {
				defer func() { _ = recover() }()
				put(t, d, "logs/a.gz")
			}()
			// The process is gone: nothing is closed in order but what the kernel closes.
			_ = d.store.lock.Close()
			again := feedDelivery(t, w, dir)
			objects, err := again.store.List(testBucket, "logs/")
			messages, err2 := again.store.queued(vaultPlace.ARN(partition.SQS, "all").String())
			want := 1
			if step == "written" {
				want = 0
			}
			if err := errors.Join(err, err2); err != nil || len(objects) != want || len(messages) != want {
				t.Errorf("%v: %d objects and %d messages, want %d", err, len(objects), len(messages), want)
			}
		})
	}
}
