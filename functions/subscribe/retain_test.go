package subscribe

import (
	"slices"
	"strings"
	"testing"
)

// A retention is set where there is none and nothing would be deleted by it, and never changed.
func TestRetention(t *testing.T) {
	t.Parallel()
	theirs := Filter{Name: "the program's", Destination: stream, Role: role}
	logs := newLogs(map[string]*fakeGroup{
		"/new":                  {},
		"/new/longer":           {age: 1}, // its name begins as another's
		"/subscribed":           {filters: []Filter{ours()}, age: 30},
		"/changed":              {filters: []Filter{{Name: "logarchive", Destination: other, Role: role}}},
		"/shorter":              {retention: 1},
		"/longer":               {retention: 3653},
		"/old":                  {age: 31},
		"/full":                 {filters: []Filter{foreign(1), foreign(2)}},
		"/program":              {filters: []Filter{theirs}},
		"/infrequent":           {class: "INFREQUENT_ACCESS"},
		"/private":              {},
		"/other-team":           {tags: map[string]string{"team": "b"}},
		"/aws/lambda/archive-x": {},
	})
	for name, g := range logs.groups {
		if name != "/other-team" {
			g.tags = map[string]string{"team": "a"}
		}
	}
	cfg := config()
	cfg.RetentionDays, cfg.Tags, cfg.Exclude = 30, map[string]string{"team": "a"}, []string{"/private"}
	var log strings.Builder
	queue := &fakeQueue{t: t}
	h := handler(cfg, logs, queue, &log)
	for round := range 2 {
		// The second time nothing is left to do.
		logs.calls["Retain"] = 0
		if _, err := h.Invoke(t.Context(), []byte(`{"sweep":true}`)); err != nil {
			t.Fatal(err)
		}
		batch := slices.Clone(queue.messages)
		queue.messages = nil
		if failed := invokeQueue(t, h, batch); len(failed) != 0 {
			t.Errorf("round %d: failed %v", round, failed)
		}
		for name, g := range logs.groups {
			want := map[string]int{"/new": 30, "/new/longer": 30, "/subscribed": 30, "/changed": 30, "/shorter": 1, "/longer": 3653}[name]
			if g.retention != want {
				t.Errorf("round %d: %s has the retention %d, want %d", round, name, g.retention, want)
			}
		}
		if got, want := logs.calls["Retain"], 4*(1-round); got != want {
			t.Errorf("round %d: set %d times, want %d", round, got, want)
		}
	}
	for _, want := range []string{`"RetentionSet":4`, `"RetentionOlder":1`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log hasn't %s", want)
		}
	}
}

// A retention that can't be set is a failed item, of a group that is subscribed; one of a group that is gone isn't.
func TestRetentionFails(t *testing.T) {
	t.Parallel()
	for call, tc := range map[string]struct {
		code   string
		failed bool
		calls  int
	}{
		"Retain": {"AccessDeniedException", true, 1}, "Groups": {"AccessDeniedException", true, 1},
		"throttled": {"ThrottlingException", true, 4}, "gone": {notFound, false, 1},
	} {
		logs := newLogs(map[string]*fakeGroup{"/app/new": {}})
		at := call
		if call != "Groups" {
			at = "Retain"
		}
		logs.fail = func(c, _ string) error {
			if c == at {
				return awsError(tc.code)
			}
			return nil
		}
		cfg := config()
		cfg.RetentionDays = 30
		failed := invokeQueue(t, handler(cfg, logs, &fakeQueue{t: t}, nil), []queued{item("/app/new")})
		if (len(failed) == 1) != tc.failed || logs.calls[at] != tc.calls || !slices.Equal(logs.groups["/app/new"].filters, []Filter{ours()}) {
			t.Errorf("%s: failed %v after %d calls: %+v", call, failed, logs.calls[at], logs.groups["/app/new"])
		}
	}
}
