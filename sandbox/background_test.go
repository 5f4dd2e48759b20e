package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/components"
)

const subscriberFilter = testStream + "-subscriber"

// A new log group is subscribed by the function that is deployed, and its lines arrive, each once.
func TestNewLogGroupIsSubscribed(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := newSubscriber(t, nil)
	b.create("/app/new", nil)
	b.create("/app/infrequent", func(g *NewLogGroup) { g.Class = "INFREQUENT_ACCESS" })
	b.create("/app/private-things", nil)
	b.create("/other/group", nil)
	if due, err := b.Due(); !due || err != nil {
		t.Errorf("due %v, %v", due, err)
	}
	if err := b.run(); err != nil {
		t.Fatal(err)
	}
	for group, want := range map[string][]string{"/app/new": {subscriberFilter}, "/app/infrequent": {}, "/app/private-things": {}, "/other/group": {}, "/aws/lambda/" + testSubscriber: {}} {
		if got := b.filters(group); !slices.Equal(got, want) {
			t.Errorf("%s has the filters %v, want %v", group, got, want)
		}
	}
	if s := b.Status(); s.Events+s.Invocations+len(s.Queues)+len(s.Refusals) != 0 {
		t.Errorf("something is left: %+v", s)
	}
	source := findSource(t, b.d, "/app/new")
	lines := []string{"one", "two", "three"}
	if _, err := b.d.Send(ctx, source, lines); err != nil {
		t.Fatal(err)
	}
	if err := b.d.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if found, _, err := b.d.Find(ctx, source); err != nil || !cmp.Equal(found, lines) {
		t.Errorf("found %v, %v", found, err)
	}
	if due, err := b.Due(); due || err != nil {
		t.Errorf("still due: %v, %v", due, err)
	}
}

// The schedule finds what no event has told of, once an hour, and leaves alone what it must.
func TestSweep(t *testing.T) {
	t.Parallel()
	b := newSubscriber(t, nil)
	for i := range 123 { // three pages
		b.create(fmt.Sprintf("/app/%03d", i), unseen)
	}
	for _, name := range []string{"/app/full", "/app/half", "/app/private"} {
		b.create(name, unseen)
	}
	b.foreign("/app/full", "theirs-1")
	b.foreign("/app/full", "theirs-2")
	b.foreign("/app/half", "theirs-1")
	if err := b.wait(59 * time.Minute); err != nil || len(b.filters("/app/000")) != 0 {
		t.Errorf("before the hour: %v, filters %v", err, b.filters("/app/000"))
	}
	if err := b.wait(2 * time.Minute); err != nil {
		t.Fatal(err)
	}
	for i := range 123 {
		if got := b.filters(fmt.Sprintf("/app/%03d", i)); !slices.Equal(got, []string{subscriberFilter}) {
			t.Fatalf("group %d has the filters %v", i, got)
		}
	}
	for group, want := range map[string][]string{"/app/full": {"theirs-1", "theirs-2"}, "/app/half": {subscriberFilter, "theirs-1"}, "/app/private": {}} {
		if got := b.filters(group); !slices.Equal(got, want) {
			t.Errorf("%s has the filters %v, want %v", group, got, want)
		}
	}
	// Hours later, every sweep has found everything as it should be.
	size := b.world.journal.size
	b.create("/app/late", unseen)
	if err := b.wait(5 * time.Hour); err != nil || len(b.filters("/app/late")) != 1 || b.world.journal.size == size {
		t.Errorf("the next sweep: %v, filters %v", err, b.filters("/app/late"))
	}
}

// A group that vanishes between the event and the worker stops nobody.
func TestVanishedGroup(t *testing.T) {
	t.Parallel()
	b := newSubscriber(t, nil)
	for _, name := range []string{"/app/a", "/app/gone", "/app/z"} {
		b.create(name, nil)
	}
	if err := b.world.Delete(logGroupToken, sourcePlace, "/app/gone"); err != nil {
		t.Fatal(err)
	}
	if err := b.run(); err != nil || len(b.filters("/app/a")) != 1 || len(b.filters("/app/z")) != 1 {
		t.Errorf("%v; a has %v, z has %v", err, b.filters("/app/a"), b.filters("/app/z"))
	}
	if s := b.Status(); len(s.Queues) != 0 {
		t.Errorf("messages are left: %+v", s.Queues)
	}
}

// Each hop that is refused is told with AWS's code, shows in the status until it goes well, and its cure is enough.
func TestRefusedInTheBackground(t *testing.T) {
	t.Parallel()
	role := func(o Object) bool { return o.Text("name") == testSubscriber }
	edit := func(token string, match func(Object) bool, property, value string) func(*background) func() {
		return func(b *background) func() {
			var before resource.PropertyValue
			b.change(token, match, func(m resource.PropertyMap) {
				before = m[resource.PropertyKey(property)]
				m[resource.PropertyKey(property)] = resource.NewStringProperty(value)
			})
			return func() {
				b.change(token, match, func(m resource.PropertyMap) { m[resource.PropertyKey(property)] = before })
			}
		}
	}
	lack := func(action string) func(*background) func() {
		return func(b *background) func() { return b.withoutAction(action) }
	}
	created := func(o Object) bool { return strings.HasSuffix(o.Text("statementId")+o.Text("rule"), "-created") }
	tests := []struct {
		name   string
		breaks func(*background) func()
		want   []string
		repair time.Duration // how long it takes by itself after the cure
	}{
		{"the rules' permission is another account's", edit(permissionToken, created, "sourceArn", vaultPlace.ARN("events", "rule/x").String()), []string{"AccessDenied lambda:InvokeFunction"}, time.Hour},
		{"the target isn't there", edit(targetToken, created, "arn", sourcePlace.ARN("lambda", "function:none").String()), []string{"ResourceNotFoundException lambda:InvokeFunction"}, time.Hour},
		{"nobody may run the function", edit(roleToken, role, "assumeRolePolicy", trustDocument(service(t, "events", "trust"), nil)), []string{"AccessDenied sts:AssumeRole"}, time.Hour},
		{"the queue can't be read", lack("sqs:ReceiveMessage"), []string{"AccessDenied sqs:ReceiveMessage"}, time.Minute},
		{"the queue's attributes can't be read", lack("sqs:GetQueueAttributes"), []string{"AccessDenied sqs:GetQueueAttributes"}, time.Minute},
		{"messages can't be deleted", lack("sqs:DeleteMessage"), []string{"AccessDenied sqs:DeleteMessage"}, time.Minute},
		{"messages can't be sent", lack("sqs:SendMessage"), []string{"AccessDenied sqs:SendMessage"}, time.Hour},
		{"filters can't be seen", lack("logs:DescribeSubscriptionFilters"), []string{"AccessDenied logs:DescribeSubscriptionFilters"}, time.Hour},
		{"filters can't be put", lack("logs:PutSubscriptionFilter"), []string{"AccessDenied logs:PutSubscriptionFilter"}, time.Hour},
		{"the role can't be passed", lack("iam:PassRole"), []string{"AccessDenied iam:PassRole"}, time.Hour},
		{"groups can't be listed", lack("logs:DescribeLogGroups"), []string{"AccessDenied logs:DescribeLogGroups"}, time.Hour},
		{"the function's log is lost", lack("logs:PutLogEvents"), []string{"AccessDenied logs:PutLogEvents"}, 0},
		{"CloudWatch Logs isn't trusted", edit(roleToken, func(o Object) bool { return o.Text("name") == "subscribe-logs" }, "assumeRolePolicy", trustDocument(service(t, "events", "trust"), nil)),
			[]string{"InvalidParameterException logs:PutSubscriptionFilter"}, time.Hour},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newSubscriber(t, nil)
			cure := tc.breaks(b)
			b.create("/app/told", nil)
			b.create("/app/unseen", unseen)
			err := b.wait(61 * time.Minute) // one sweep
			codes := codesOf(err)
			for _, want := range tc.want {
				if !slices.Contains(codes, want) {
					t.Errorf("refused %v, want %s: %v", codes, want, err)
				}
			}
			kept := b.Status().Refusals
			if !slices.ContainsFunc(kept, func(r KeptRefusal) bool { return slices.Contains(tc.want, r.Code+" "+r.Action) && r.Reason != "" }) {
				t.Errorf("the status has %+v", kept)
			}
			cure()
			b.create("/app/later", nil) // the next event goes well, too
			if err := b.wait(2*time.Hour + tc.repair); len(codesOf(err)) > 0 {
				t.Errorf("after the cure: %v", err)
			}
			for _, group := range []string{"/app/told", "/app/unseen"} {
				if got := b.filters(group); !slices.Equal(got, []string{subscriberFilter}) {
					t.Errorf("%s has the filters %v", group, got)
				}
			}
			if s := b.Status(); len(s.Refusals)+s.Events+s.Invocations+len(s.Queues) != 0 {
				t.Errorf("something is left: %+v", s)
			}
		})
	}
}

// What fails again and again goes to the dead letter queue after as many receives as the redrive policy says, and no other
// item with it.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	b := newSubscriber(t, func(args *components.LogGroupSubscriberArgs) { args.MaxReceives = 3; args.Schedule = "rate(7 days)" })
	// A Deny for one group.
	b.change(rolePolicyToken, func(o Object) bool { return o.Text("role") == testSubscriber }, func(m resource.PropertyMap) {
		var doc map[string]any
		if err := json.Unmarshal([]byte(m["policy"].StringValue()), &doc); err != nil {
			t.Fatal(err)
		}
		doc["Statement"] = append(doc["Statement"].([]any), map[string]any{"Effect": "Deny", "Action": "logs:PutSubscriptionFilter", "Resource": sourcePlace.LogGroupARN("/app/bad").String()})
		text, _ := json.Marshal(doc)
		m["policy"] = resource.NewStringProperty(string(text))
	})
	for _, name := range []string{"/app/bad", "/app/good", "/app/well"} {
		b.create(name, nil)
	}
	if err := b.run(); !slices.Equal(codesOf(err), []string{"AccessDenied logs:PutSubscriptionFilter"}) {
		t.Errorf("refused %v: %v", codesOf(err), err)
	}
	if len(b.filters("/app/good")) != 1 || len(b.filters("/app/well")) != 1 {
		t.Error("one bad group has stopped others")
	}
	s := b.Status()
	if len(s.Queues) != 1 || s.Queues[0].InFlight != 1 || s.Queues[0].Name != testSubscriber {
		t.Fatalf("queues %+v", s.Queues)
	}
	_ = b.wait(24 * time.Hour)
	s = b.Status()
	if len(s.Queues) != 1 || s.Queues[0].Name != testSubscriber+"-failed" || s.Queues[0].Visible != 1 || !strings.Contains(s.Queues[0].Bodies[0], `"/app/bad"`) {
		t.Errorf("queues %+v", s.Queues)
	}
}

// An invocation that fails is made three times, then given up, visibly; the next sweep makes up for it.
func TestFailedInvocations(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		what      Disturbance
		times     int
		by        time.Duration
		succeeded bool
	}{
		{DisturbFunctionError, 2, 5 * time.Minute, true},
		{DisturbFunctionError, 3, 30 * time.Minute, false},
		{DisturbFunctionTimeout, 1, 10 * time.Minute, true},
		{DisturbFunctionThrottle, 20, 30 * time.Minute, true},
		{DisturbAPIThrottle, 2, time.Minute, true},
	} {
		b := newSubscriber(t, nil)
		b.create("/app/new", nil)
		b.d.Disturb(tc.what, tc.times)
		if err := b.wait(tc.by); len(codesOf(err)) == 0 && tc.what != DisturbAPIThrottle {
			t.Errorf("%s: nobody hears of it", tc.what)
		}
		if got := len(b.filters("/app/new")) == 1; got != tc.succeeded {
			t.Errorf("%d times %s: subscribed %v, want %v", tc.times, tc.what, got, tc.succeeded)
		}
		if kept := b.Status().Refusals; (len(kept) > 0) == tc.succeeded {
			t.Errorf("%d times %s: the status has %+v", tc.times, tc.what, kept)
		}
		_ = b.wait(time.Hour)
		if len(b.filters("/app/new")) != 1 || len(b.Status().Refusals) != 0 {
			t.Errorf("%d times %s: the sweep hasn't made up for it: %+v", tc.times, tc.what, b.Status())
		}
	}
}

// Tags decide which groups are subscribed, and take a permission more.
func TestSubscribedByTag(t *testing.T) {
	t.Parallel()
	b := newSubscriber(t, func(args *components.LogGroupSubscriberArgs) {
		args.GroupTags = map[string]string{"archive": "yes", "team": "*"}
	})
	tagged := func(tags map[string]string) func(*NewLogGroup) { return func(g *NewLogGroup) { g.Tags = tags } }
	b.create("/app/yes", tagged(map[string]string{"archive": "yes", "team": "a"}))
	b.create("/app/no", tagged(map[string]string{"archive": "no", "team": "a"}))
	b.create("/app/none", nil)
	if err := b.run(); err != nil || len(b.filters("/app/yes")) != 1 || len(b.filters("/app/no"))+len(b.filters("/app/none")) != 0 {
		t.Errorf("%v: %v %v %v", err, b.filters("/app/yes"), b.filters("/app/no"), b.filters("/app/none"))
	}
	b.withoutAction("logs:ListTagsForResource")
	b.create("/app/also", tagged(map[string]string{"archive": "yes", "team": "b"}))
	if codes := codesOf(b.run()); !slices.Equal(codes, []string{"AccessDenied logs:ListTagsForResource"}) {
		t.Errorf("refused %v", codes)
	}
}

// CreateLogGroup refuses what CloudWatch Logs refuses, with its codes, and changes nothing then.
func TestCreateLogGroupRefuses(t *testing.T) {
	t.Parallel()
	b := newSubscriber(t, nil)
	b.create("/app/there", nil)
	objects := len(b.world.List(""))
	for code, g := range map[string]NewLogGroup{
		"ResourceAlreadyExistsException": {Place: sourcePlace, Name: "/app/there"},
		"InvalidParameterException":      {Place: sourcePlace, Name: "/app/a b"},
	} {
		_, err := b.world.CreateLogGroup(g)
		if refused := (*APIError)(nil); !errors.As(err, &refused) || refused.Code != code {
			t.Errorf("%+v: %v, want %s", g, err, code)
		}
	}
	for _, g := range []NewLogGroup{{Name: "aws/x"}, {Name: "/app/x", Class: "COLD"}, {Name: "/app/x", RetentionDays: 17}} {
		g.Place = sourcePlace
		if _, err := b.world.CreateLogGroup(g); err == nil {
			t.Errorf("%+v was created", g)
		}
	}
	if got := len(b.world.List("")); got != objects {
		t.Errorf("%d objects, there were %d", got, objects)
	}
}
