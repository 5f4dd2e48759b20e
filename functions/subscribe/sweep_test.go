package subscribe

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

	"github.com/logarchive/logarchive/functions/subscribe/report"
)

func manyGroups(n int) map[string]*fakeGroup {
	groups := map[string]*fakeGroup{}
	for i := range n {
		groups[fmt.Sprintf("/app/%05d", i)] = &fakeGroup{class: "STANDARD"}
	}
	return groups
}

func queuedGroups(t *testing.T, q *fakeQueue) []string {
	t.Helper()
	var names []string
	for _, m := range q.messages {
		var it Item
		if err := json.Unmarshal([]byte(m.body), &it); err != nil {
			t.Fatal(err)
		}
		if it.Sweep == nil {
			if it.ARN != groupARN(it.Group) {
				t.Errorf("ARN %s of %s", it.ARN, it.Group)
			}
			names = append(names, it.Group)
		}
	}
	slices.Sort(names)
	return names
}

func TestSweepSendsOneItemForEachGroupAndDoesNoneItself(t *testing.T) {
	t.Parallel()
	groups := manyGroups(2_345)
	groups["/app/ia"] = &fakeGroup{class: "INFREQUENT_ACCESS"}
	groups["/app/delivery"] = &fakeGroup{class: "DELIVERY"}
	groups["/aws/lambda/archive-transform"] = &fakeGroup{}
	groups["/aws/kinesisfirehose/archive-logs"] = &fakeGroup{}
	groups["/app/excluded"] = &fakeGroup{}
	logs, queue := newLogs(groups), &fakeQueue{t: t}
	cfg := config()
	cfg.Exclude = []string{"/app/excl*"}
	var log strings.Builder
	h := handler(cfg, logs, queue, &log)
	out, err := h.Invoke(t.Context(), []byte(`{"source":"aws.events","detail-type":"Scheduled Event","detail":{}}`))
	if err != nil || string(out) != `{"groups":2350,"queued":2345,"continued":false}` {
		t.Errorf("%s, %v", out, err)
	}
	names := queuedGroups(t, queue)
	if len(names) != 2345 || len(slices.Compact(names)) != 2345 {
		t.Errorf("%d items", len(names))
	}
	if logs.calls["Filters"]+logs.calls["Put"]+logs.calls["Tags"] != 0 {
		t.Errorf("the sweep touched groups: %v", logs.calls)
	}
	c := metricsOf(t, log.String())
	if c["Own"] != 2 || c["OtherClass"] != 2 || c["Excluded"] != 1 || c["Swept"] != 2350 || c["Queued"] != 2345 {
		t.Errorf("metrics %v", c)
	}
}

func TestOverlappingPrefixesQueueAGroupOnce(t *testing.T) {
	t.Parallel()
	queue := &fakeQueue{t: t}
	cfg := config()
	cfg.Include = []string{"/app/0001", "/app/00", "/db", "/app/00"}
	groups := manyGroups(1_200)
	groups["/db/one"] = &fakeGroup{}
	h := handler(cfg, newLogs(groups), queue, nil)
	if _, err := h.Invoke(t.Context(), []byte(`{"sweep":true}`)); err != nil {
		t.Fatal(err)
	}
	if names := queuedGroups(t, queue); len(names) != 1001 || len(slices.Compact(names)) != 1001 {
		t.Errorf("%d items", len(names))
	}
}

func TestSweepSurfacesWhatTheQueueRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		refuse func() func(string) *Refusal
		fail   func() func() error
		queued int
		err    string
	}{
		{name: "once", refuse: func() func(string) *Refusal {
			seen := map[string]bool{}
			return func(b string) *Refusal {
				if seen[b] {
					return nil
				}
				seen[b] = true
				return &Refusal{Code: "InternalError"}
			}
		}, queued: 123},
		{name: "one for ever", refuse: func() func(string) *Refusal {
			return func(b string) *Refusal {
				if strings.Contains(b, "/app/00007") {
					return &Refusal{Code: "InternalError", Message: "m"}
				}
				return nil
			}
		}, queued: 122, err: "the queue refused 1 items: /app/00007 (InternalError: m)"},
		{name: "one at once", refuse: func() func(string) *Refusal {
			asked := 0
			return func(b string) *Refusal {
				if strings.Contains(b, "/app/00007") {
					if asked++; asked > 1 {
						t.Error("a message that is the sender's fault was sent again")
					}
					return &Refusal{Code: "Invalid", Message: "m", Final: true}
				}
				return nil
			}
		}, queued: 122, err: "/app/00007 (Invalid: m)"},
		{name: "throttled for a while", fail: func() func() error {
			calls := 0
			return func() error {
				if calls++; calls%3 != 0 {
					return awsError("RequestThrottled")
				}
				return nil
			}
		}, queued: 123},
		{name: "denied", fail: func() func() error { return func() error { return awsError("AccessDenied") } }, err: "AccessDenied"},
	}
	for _, tc := range tests {
		queue := &fakeQueue{t: t}
		if tc.refuse != nil {
			queue.refuse = tc.refuse()
		}
		if tc.fail != nil {
			queue.fail = tc.fail()
		}
		_, err := handler(config(), newLogs(manyGroups(123)), queue, nil).Invoke(t.Context(), []byte(`{"sweep":true}`))
		if (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%s: error %v", tc.name, err)
		}
		if names := queuedGroups(t, queue); len(names) != tc.queued || len(slices.Compact(names)) != tc.queued {
			t.Errorf("%s: %d items, want %d", tc.name, len(names), tc.queued)
		}
	}
}

func TestSweepThatCannotRead(t *testing.T) {
	t.Parallel()
	logs, queue := newLogs(manyGroups(123)), &fakeQueue{t: t}
	pages := 0
	logs.fail = func(call, _ string) error {
		if pages++; pages > 2 {
			return awsError("AccessDeniedException")
		}
		return nil
	}
	_, err := handler(config(), logs, queue, nil).Invoke(t.Context(), []byte(`{"sweep":true}`))
	if report.Code(err) != "AccessDeniedException" || len(queuedGroups(t, queue)) != 100 {
		t.Errorf("%v after %d items", err, len(queue.messages))
	}
}

// A sweep whose time is used up goes on in another invocation, and every group is still queued once.
func TestSweepIsHandedOn(t *testing.T) {
	t.Parallel()
	logs, queue := newLogs(manyGroups(510)), &fakeQueue{t: t}
	h := handler(config(), logs, queue, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	out, err := h.Invoke(ctx, []byte(`{"sweep":true}`))
	if err != nil || string(out) != `{"groups":50,"queued":50,"continued":true}` {
		t.Fatalf("%s, %v", out, err)
	}
	var first Item
	if err := json.Unmarshal([]byte(queue.messages[len(queue.messages)-1].body), &first); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&Position{Token: "/app/00049", Legs: 1}, first.Sweep); diff != "" {
		t.Error(diff)
	}
	for legs := 1; ; legs++ {
		at := slices.IndexFunc(queue.messages, func(m queued) bool { return strings.Contains(m.body, `"sweep":{`) })
		if at < 0 {
			if legs != 11 {
				t.Errorf("%d legs", legs)
			}
			break
		}
		m := queue.messages[at]
		queue.messages = slices.Delete(queue.messages, at, at+1)
		event := fmt.Sprintf(`{"Records":[{"messageId":"1","body":%q}]}`, m.body)
		if out, err := h.Invoke(ctx, []byte(event)); err != nil || string(out) != `{"batchItemFailures":[]}` {
			t.Fatalf("leg %d: %s, %v", legs, out, err)
		}
	}
	if names := queuedGroups(t, queue); len(names) != 510 || len(slices.Compact(names)) != 510 {
		t.Errorf("%d items", len(names))
	}
	// A circle that never ends is an error.
	if _, err := h.sweep(ctx, Position{Legs: maxLegs}, counts{}); err == nil {
		t.Error("a sweep was handed on for ever")
	}
	// A position of another configuration begins anew.
	if got, err := h.sweep(t.Context(), Position{Prefix: "/no/more", Token: "/z"}, counts{}); err != nil || got.Groups != 510 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestCreateLogGroupEvent(t *testing.T) {
	t.Parallel()
	event := func(account, region, detail string) string {
		return fmt.Sprintf(`{"source":"aws.logs","detail-type":"AWS API Call via CloudTrail","account":%q,"region":%q,"detail":%s}`, account, region, detail)
	}
	tests := []struct {
		name, event string
		want        string // the item; "" for none
		metric      string
		err         error
	}{
		{"a group", event("111122223333", "cn-north-1", `{"eventName":"CreateLogGroup","requestParameters":{"logGroupName":"/app/new"},"responseElements":null}`),
			`{"group":"/app/new","arn":"` + groupARN("/app/new") + `","from":"event"}`, "Queued", nil},
		{"a group with a class", event("111122223333", "cn-north-1", `{"eventName":"CreateLogGroup","requestParameters":{"logGroupName":"/app/new","logGroupClass":"STANDARD"}}`),
			`{"group":"/app/new","arn":"` + groupARN("/app/new") + `","class":"STANDARD","from":"event"}`, "Queued", nil},
		{"infrequent access", event("111122223333", "cn-north-1", `{"eventName":"CreateLogGroup","requestParameters":{"logGroupName":"/app/new","logGroupClass":"INFREQUENT_ACCESS"}}`), "", "OtherClass", nil},
		{"own", event("111122223333", "cn-north-1", `{"eventName":"CreateLogGroup","requestParameters":{"logGroupName":"/aws/lambda/archive-x"}}`), "", "Own", nil},
		{"not created", event("111122223333", "cn-north-1", `{"eventName":"CreateLogGroup","errorCode":"AccessDenied","requestParameters":{"logGroupName":"/app/new"}}`), "", "Ignored", nil},
		{"another call", event("111122223333", "cn-north-1", `{"eventName":"DeleteLogGroup","requestParameters":{"logGroupName":"/app/new"}}`), "", "Ignored", nil},
		{"another account", event("999988887777", "cn-north-1", `{"eventName":"CreateLogGroup","requestParameters":{"logGroupName":"/app/new"}}`), "", "Ignored", nil},
		{"another region", event("111122223333", "cn-northwest-1", `{"eventName":"CreateLogGroup","requestParameters":{"logGroupName":"/app/new"}}`), "", "Ignored", nil},
		{"no name", event("111122223333", "cn-north-1", `{"eventName":"CreateLogGroup","requestParameters":null}`), "", "", ErrEvent},
	}
	for _, tc := range tests {
		queue := &fakeQueue{t: t}
		var log strings.Builder
		h := handler(config(), newLogs(nil), queue, &log)
		_, err := h.Invoke(t.Context(), []byte(tc.event))
		if !errors.Is(err, tc.err) {
			t.Errorf("%s: %v", tc.name, err)
		}
		var bodies []string
		for _, m := range queue.messages {
			bodies = append(bodies, m.body)
		}
		if got := strings.Join(bodies, "|"); got != tc.want {
			t.Errorf("%s: sent %s, want %s", tc.name, got, tc.want)
		}
		if c := metricsOf(t, log.String()); tc.metric != "" && c[tc.metric] != 1 {
			t.Errorf("%s: metrics %v", tc.name, c)
		}
		queue.fail = func() error { return awsError("AccessDenied") }
		if _, err := h.Invoke(t.Context(), []byte(tc.event)); tc.want != "" && err == nil {
			t.Errorf("%s: an item that can't be sent was hidden", tc.name)
		}
	}
}
