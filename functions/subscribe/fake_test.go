package subscribe

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/logarchive/logarchive/partition"
)

var (
	place  = partition.Place{Account: "111122223333", Region: "cn-north-1"}
	stream = place.ARN(partition.Firehose, "deliverystream/archive-logs").String()
	other  = place.ARN(partition.Firehose, "deliverystream/elsewhere").String()
	role   = place.RoleARN("archive-subscription").String()
)

// now is when everything happens.
var now = time.UnixMilli(1_795_244_400_000)

func groupARN(name string) string { return place.ARN(partition.Logs, "log-group:"+name).String() }

// awsError is an error as the SDK makes them, for whoever looks at its code.
type awsError string

func (e awsError) Error() string     { return string(e) + ": injected" }
func (e awsError) ErrorCode() string { return string(e) }

type fakeGroup struct {
	class   string
	tags    map[string]string
	filters []Filter
	// retention in days, and how many days ago the group was created
	retention, age int
}

// fakeLogs is CloudWatch Logs: it keeps to its own limits, and fails as it is told.
type fakeLogs struct {
	mu       sync.Mutex
	groups   map[string]*fakeGroup
	pageSize int
	calls    map[string]int
	puts     map[string]int // that changed something
	fail     func(call, group string) error
}

func newLogs(groups map[string]*fakeGroup) *fakeLogs {
	return &fakeLogs{groups: groups, pageSize: 50, calls: map[string]int{}, puts: map[string]int{}}
}

func (f *fakeLogs) begin(call, group string) error {
	f.calls[call]++
	if f.fail != nil {
		return f.fail(call, group)
	}
	return nil
}

func (f *fakeLogs) Groups(_ context.Context, prefix, token string) ([]Group, string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.begin("Groups", prefix); err != nil {
		return nil, "", err
	}
	var names []string
	for n := range f.groups {
		if strings.HasPrefix(n, prefix) && n > token {
			names = append(names, n)
		}
	}
	sort.Strings(names)
	next := ""
	if len(names) > f.pageSize {
		names = names[:f.pageSize]
		next = names[len(names)-1]
	}
	var out []Group
	for _, n := range names {
		out = append(out, Group{Name: n, ARN: groupARN(n) + ":*", Class: f.groups[n].class, Retention: f.groups[n].retention, Created: now.AddDate(0, 0, -f.groups[n].age)})
	}
	return out, next, nil
}

func (f *fakeLogs) Filters(_ context.Context, group string) ([]Filter, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.begin("Filters", group); err != nil {
		return nil, err
	}
	g := f.groups[group]
	if g == nil {
		return nil, awsError(notFound)
	}
	return slices.Clone(g.filters), nil
}

func (f *fakeLogs) Tags(_ context.Context, arn string) (map[string]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name, ok := strings.CutPrefix(arn, groupARN(""))
	if err := f.begin("Tags", name); err != nil {
		return nil, err
	}
	if !ok || f.groups[name] == nil {
		return nil, awsError(notFound)
	}
	return f.groups[name].tags, nil
}

func (f *fakeLogs) Put(_ context.Context, group string, filter Filter) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.begin("Put", group); err != nil {
		return err
	}
	g := f.groups[group]
	if g == nil {
		return awsError(notFound)
	}
	f.puts[group]++
	if i := slices.IndexFunc(g.filters, func(x Filter) bool { return x.Name == filter.Name }); i >= 0 {
		g.filters[i] = filter
		return nil
	}
	if len(g.filters) >= 2 {
		return awsError("LimitExceededException")
	}
	g.filters = append(g.filters, filter)
	return nil
}

func (f *fakeLogs) Retain(_ context.Context, group string, days int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.begin("Retain", group); err != nil {
		return err
	}
	g := f.groups[group]
	if g == nil {
		return awsError(notFound)
	}
	g.retention = days
	return nil
}

// fakeQueue is SQS: at least once, by visibility, with a dead letter queue after maxReceive receives.
type fakeQueue struct {
	mu       sync.Mutex
	t        *testing.T
	messages []queued
	dead     []queued
	sent     int
	fail     func() error
	refuse   func(body string) *Refusal
}

type queued struct {
	id, url, body string
	received      int
}

func (q *fakeQueue) Send(_ context.Context, url string, bodies []string) ([]Refusal, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(bodies) == 0 || len(bodies) > 10 {
		q.t.Errorf("a call with %d messages", len(bodies))
	}
	if q.fail != nil {
		if err := q.fail(); err != nil {
			return nil, err
		}
	}
	var refused []Refusal
	for i, b := range bodies {
		if q.refuse != nil {
			if r := q.refuse(b); r != nil {
				r.Index = i
				refused = append(refused, *r)
				continue
			}
		}
		q.sent++
		q.messages = append(q.messages, queued{id: "m" + strconv.Itoa(q.sent), url: url, body: b})
	}
	return refused, nil
}

const maxReceive = 5

// drain delivers messages to the handler until none is left, some of them twice.
func (q *fakeQueue) drain(h *Handler, r *rand.Rand) {
	q.t.Helper()
	for round := 0; len(q.messages) > 0; round++ {
		if round > 10_000 {
			q.t.Fatal("the queue never empties")
		}
		n := min(1+r.IntN(10), len(q.messages))
		batch := slices.Clone(q.messages[:n])
		q.messages = q.messages[n:]
		failed := invokeQueue(q.t, h, batch)
		for _, m := range batch {
			m.received++
			switch {
			case slices.Contains(failed, m.id) && m.received >= maxReceive:
				q.dead = append(q.dead, m)
			case slices.Contains(failed, m.id), r.IntN(20) == 0 && m.received < maxReceive:
				q.messages = append(q.messages, m)
			}
		}
	}
}

// invokeQueue calls the handler with messages and answers the ids of those that failed.
func invokeQueue(t *testing.T, h *Handler, batch []queued) []string {
	t.Helper()
	type record struct {
		ID     string `json:"messageId"`
		Body   string `json:"body"`
		Source string `json:"eventSource"`
	}
	var records []record
	for _, m := range batch {
		records = append(records, record{m.id, m.body, "aws:sqs"})
	}
	event, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		t.Fatal(err)
	}
	out, err := h.Invoke(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	var a struct {
		Failures []struct {
			ID string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(out, &a); err != nil || !strings.Contains(string(out), `"batchItemFailures":[`) {
		t.Fatalf("answer %s: %v", out, err)
	}
	var ids []string
	for _, f := range a.Failures {
		ids = append(ids, f.ID)
	}
	return ids
}

func config() Config {
	return Config{QueueURL: "https://queue", Destination: stream, Role: role, FilterName: "logarchive", Own: []string{"/aws/lambda/archive-"}, Attempts: 4, Metrics: true}
}

// handler makes one that never really pauses.
func handler(cfg Config, logs Logs, queue Queue, log io.Writer) *Handler {
	h := New(cfg, logs, queue, log)
	h.Now = func() time.Time { return now }
	h.Pause = func(context.Context, time.Duration) error { return nil }
	h.Random = func() float64 { return 0.5 }
	return h
}

func item(group string) queued {
	body, _ := json.Marshal(Item{Group: group, ARN: groupARN(group), Class: "STANDARD"})
	return queued{id: "m-" + group, body: string(body)}
}

func ours() Filter { return Filter{Name: "logarchive", Destination: stream, Role: role} }
func foreign(i int) Filter {
	return Filter{Name: fmt.Sprintf("foreign-%d", i), Destination: other, Role: role}
}
