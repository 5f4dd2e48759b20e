package subscribe

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWorker(t *testing.T) {
	t.Parallel()
	const group = "/app/web"
	with := func(f func(*Filter)) Filter { x := ours(); f(&x); return x }
	denied := func(call string) func(string, string) error {
		return func(c, _ string) error {
			if c == call {
				return awsError("AccessDeniedException")
			}
			return nil
		}
	}
	always := func(code string) func(string, string) error {
		return func(string, string) error { return awsError(code) }
	}
	tests := []struct {
		name    string
		group   *fakeGroup // nil: gone
		item    string     // another body
		cfg     func(*Config)
		fail    func(call, group string) error
		want    Outcome
		failed  bool
		filters []Filter
		puts    int
		calls   map[string]int
	}{
		{name: "no filter", group: &fakeGroup{}, want: Subscribed, filters: []Filter{ours()}, puts: 1},
		{name: "one of others", group: &fakeGroup{filters: []Filter{foreign(1)}}, want: Subscribed, filters: []Filter{foreign(1), ours()}, puts: 1},
		{name: "ours", group: &fakeGroup{filters: []Filter{ours()}}, want: Unchanged, filters: []Filter{ours()}},
		{name: "ours and one of others", group: &fakeGroup{filters: []Filter{foreign(1), ours()}}, want: Unchanged, filters: []Filter{foreign(1), ours()}},
		{name: "another destination", group: &fakeGroup{filters: []Filter{with(func(f *Filter) { f.Destination = other })}}, want: Updated, filters: []Filter{ours()}, puts: 1},
		{name: "another role", group: &fakeGroup{filters: []Filter{with(func(f *Filter) { f.Role += "x" })}}, want: Updated, filters: []Filter{ours()}, puts: 1},
		{name: "another pattern", group: &fakeGroup{filters: []Filter{foreign(1), with(func(f *Filter) { f.Pattern = "ERROR" })}}, want: Updated, filters: []Filter{foreign(1), ours()}, puts: 1},
		{name: "transformed events", group: &fakeGroup{filters: []Filter{with(func(f *Filter) { f.Transformed = true })}}, want: Updated, filters: []Filter{ours()}, puts: 1},
		{name: "the stack's own filter", group: &fakeGroup{filters: []Filter{with(func(f *Filter) { f.Name = "stack" })}}, want: SubscribedOtherwise, filters: []Filter{with(func(f *Filter) { f.Name = "stack" })}},
		{name: "two of others", group: &fakeGroup{filters: []Filter{foreign(1), foreign(2)}}, want: LimitReached, filters: []Filter{foreign(1), foreign(2)}},
		{name: "gone", want: Gone, calls: map[string]int{"Filters": 1}},
		{name: "the destination is not there", group: &fakeGroup{}, want: Failed, failed: true, fail: func(c, _ string) error {
			if c == "Put" {
				return awsError(notFound)
			}
			return nil
		}},
		{name: "reading denied", group: &fakeGroup{}, want: Failed, failed: true, fail: denied("Filters"), calls: map[string]int{"Filters": 1}},
		{name: "putting denied", group: &fakeGroup{}, want: Failed, failed: true, fail: denied("Put"), calls: map[string]int{"Filters": 1, "Put": 1}},
		{name: "throttled for ever", group: &fakeGroup{}, want: Failed, failed: true, fail: always("ThrottlingException"), calls: map[string]int{"Filters": 4}},
		{name: "service down", group: &fakeGroup{}, want: Failed, failed: true, fail: always("ServiceUnavailableException"), calls: map[string]int{"Filters": 4}},
		{name: "limit by a race", group: &fakeGroup{}, want: Failed, failed: true, fail: func(c, _ string) error {
			if c == "Put" {
				return awsError("LimitExceededException")
			}
			return nil
		}, calls: map[string]int{"Filters": 1, "Put": 1}},
		{name: "the pipeline's own", group: &fakeGroup{}, item: `{"group":"/aws/lambda/archive-transform"}`, want: Own, calls: map[string]int{}},
		{name: "the stream's own", group: &fakeGroup{}, item: `{"group":"/aws/kinesisfirehose/archive-logs"}`, want: Own, calls: map[string]int{}},
		{name: "excluded", group: &fakeGroup{}, cfg: func(c *Config) { c.Exclude = []string{group} }, want: Excluded, calls: map[string]int{}},
		{name: "excluded by prefix", group: &fakeGroup{}, cfg: func(c *Config) { c.Exclude = []string{"/app*"} }, want: Excluded, calls: map[string]int{}},
		{name: "a prefix without a star is a name", group: &fakeGroup{}, cfg: func(c *Config) { c.Exclude = []string{"/app"} }, want: Subscribed, filters: []Filter{ours()}, puts: 1},
		{name: "not included", group: &fakeGroup{}, cfg: func(c *Config) { c.Include = []string{"/db", "/web"} }, want: Excluded, calls: map[string]int{}},
		{name: "another class", group: &fakeGroup{}, item: `{"group":"/app/web","class":"INFREQUENT_ACCESS"}`, want: OtherClass, calls: map[string]int{}},
		{name: "tagged", group: &fakeGroup{tags: map[string]string{"backup": "yes", "team": "x"}}, cfg: func(c *Config) { c.Tags = map[string]string{"backup": "yes", "team": "*"} }, want: Subscribed, filters: []Filter{ours()}, puts: 1},
		{name: "tagged otherwise", group: &fakeGroup{tags: map[string]string{"backup": "no"}}, cfg: func(c *Config) { c.Tags = map[string]string{"backup": "yes"} }, want: OtherTags, calls: map[string]int{"Tags": 1}},
		{name: "tags and no ARN", group: &fakeGroup{}, item: `{"group":"/app/web"}`, cfg: func(c *Config) { c.Tags = map[string]string{"backup": "yes"} }, want: Failed, failed: true},
		{name: "tags denied", group: &fakeGroup{}, cfg: func(c *Config) { c.Tags = map[string]string{"backup": "yes"} }, fail: denied("Tags"), want: Failed, failed: true},
		{name: "no item", group: &fakeGroup{}, item: `hello`, want: Failed, failed: true, calls: map[string]int{}},
		{name: "a misspelt item", group: &fakeGroup{}, item: `{"logGroup":"/app/web"}`, want: Failed, failed: true, calls: map[string]int{}},
		{name: "an impossible name", group: &fakeGroup{}, item: `{"group":"a b"}`, want: Failed, failed: true, calls: map[string]int{}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			// A good group in the same batch is always done, whatever happens to the other one.
			logs := newLogs(map[string]*fakeGroup{"/app/good": {tags: map[string]string{"backup": "yes", "team": "x"}}})
			if tc.group != nil {
				logs.groups[group] = tc.group
			}
			logs.fail = func(call, g string) error {
				if tc.fail != nil && g == group {
					return tc.fail(call, g)
				}
				return nil
			}
			cfg := config()
			if tc.cfg != nil {
				tc.cfg(&cfg)
			}
			var log strings.Builder
			h := handler(cfg, logs, &fakeQueue{t: t}, &log)
			m := item(group)
			if tc.item != "" {
				m.body = tc.item
			}
			good := item("/app/good")
			good.id = "good"
			failed := invokeQueue(t, h, []queued{m, good})
			if slices.Contains(failed, m.id) != tc.failed || slices.Contains(failed, "good") {
				t.Errorf("failed: %v", failed)
			}
			counts := metricsOf(t, log.String())
			if counts[string(tc.want)] == 0 || counts["Items"] != 2 {
				t.Errorf("metrics %v, want one %s", counts, tc.want)
			}
			if tc.group != nil {
				if diff := cmp.Diff(tc.filters, tc.group.filters); diff != "" {
					t.Error(diff)
				}
			}
			if logs.puts[group] != tc.puts {
				t.Errorf("%d puts, want %d", logs.puts[group], tc.puts)
			}
			if tc.calls != nil {
				for call, n := range logs.calls {
					if call != "Groups" && logs.puts["/app/good"] == 1 && call != "Tags" {
						n-- // the good group's
					}
					if n != tc.calls[call] && !(call == "Tags" && tc.calls["Tags"] > 0) {
						t.Errorf("%s: %d calls, want %d", call, n, tc.calls[call])
					}
				}
			}
			// An error names its group, and LimitReached is an error, too.
			if tc.failed || tc.want == LimitReached {
				if !strings.Contains(log.String(), `"level":"error"`) {
					t.Errorf("no error in the log:\n%s", log.String())
				}
			}
		})
	}
}

// metricsOf reads the last line of metrics.
func metricsOf(t *testing.T, log string) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for line := range strings.Lines(log) {
		if !strings.Contains(line, `"_aws"`) {
			continue
		}
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		if fields["Destination"] != "archive-logs" {
			t.Errorf("dimension %v", fields["Destination"])
		}
		for k, v := range fields {
			if n, ok := v.(float64); ok {
				counts[k] = int(n)
			}
		}
	}
	return counts
}

func TestLimitReachedGoesToTheDeadLetterQueueAtOnce(t *testing.T) {
	t.Parallel()
	logs := newLogs(map[string]*fakeGroup{"/app/web": {filters: []Filter{foreign(1), foreign(2)}}})
	queue := &fakeQueue{t: t}
	cfg := config()
	cfg.DeadLetterURL = "https://dead"
	h := handler(cfg, logs, queue, nil)
	if failed := invokeQueue(t, h, []queued{item("/app/web")}); len(failed) != 0 {
		t.Errorf("failed %v", failed)
	}
	var it Item
	if len(queue.messages) != 1 || queue.messages[0].url != "https://dead" || json.Unmarshal([]byte(queue.messages[0].body), &it) != nil || it.Group != "/app/web" || !strings.Contains(it.Why, "foreign-1") {
		t.Errorf("sent %+v", queue.messages)
	}
	// What lies in the dead letter queue can be sent back to the queue as it is.
	logs.groups["/app/web"].filters = nil
	if failed := invokeQueue(t, h, []queued{{id: "again", body: queue.messages[0].body}}); len(failed) != 0 || logs.puts["/app/web"] != 1 {
		t.Errorf("failed %v, puts %v", failed, logs.puts)
	}
	logs.groups["/app/web"].filters = []Filter{foreign(1), foreign(2)}
	queue.fail = func() error { return awsError("AccessDenied") }
	if failed := invokeQueue(t, h, []queued{item("/app/web")}); len(failed) != 1 {
		t.Error("an unreachable dead letter queue was hidden")
	}
}

func TestGoneBetweenReadingAndPutting(t *testing.T) {
	t.Parallel()
	logs := newLogs(map[string]*fakeGroup{"/app/web": {}})
	logs.fail = func(call, group string) error {
		if call == "Put" {
			delete(logs.groups, group)
		}
		return nil
	}
	var log strings.Builder
	if failed := invokeQueue(t, handler(config(), logs, &fakeQueue{t: t}, &log), []queued{item("/app/web")}); len(failed) != 0 || metricsOf(t, log.String())["Gone"] != 1 {
		t.Errorf("failed %v\n%s", failed, log.String())
	}
}

func TestTheRestFailsWhenTheTimeIsUsedUp(t *testing.T) {
	t.Parallel()
	logs := newLogs(map[string]*fakeGroup{"/a": {}})
	h := handler(config(), logs, &fakeQueue{t: t}, nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	out, err := h.Invoke(ctx, []byte(`{"Records":[{"messageId":"1","body":"{\"group\":\"/a\"}"}]}`))
	if err != nil || string(out) != `{"batchItemFailures":[{"itemIdentifier":"1"}]}` || len(logs.calls) != 0 {
		t.Errorf("%s %v, calls %v", out, err, logs.calls)
	}
}

func TestEventsThatAreNone(t *testing.T) {
	t.Parallel()
	h := handler(config(), newLogs(nil), &fakeQueue{t: t}, nil)
	for _, event := range []string{``, `{}`, `[]`, `"x"`, `{"source":"aws.s3"}`, `{"source":"aws.logs","detail":7}`, `{"Records":[{"body":"x"}]}`, `{"Records":[{}]}`} {
		if out, err := h.Invoke(t.Context(), []byte(event)); !errors.Is(err, ErrEvent) || out != nil {
			t.Errorf("%s: %s, %v", event, out, err)
		}
	}
}
