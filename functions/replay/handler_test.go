package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func function(w *world, log *strings.Builder) *Handler {
	return New(Config{Bucket: "b", Routes: []Route{{"errors/logs/", "archive"}, {"errors/databases/", "archive"}}, ReplayPrefix: DefaultReplayPrefix, Metrics: true}, w.clients(), log)
}

func TestDirectInvocation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("errors/logs/a", errorObject(records("a", 2)))
	w.put("errors/databases/b", append(errorObject(records("b", 2)), "rubbish"...))
	var log strings.Builder
	h := function(w, &log)
	for _, wrong := range []string{`{}`, `{"bucket":"b2","prefix":"errors/logs/"}`, `{"bucket":"b","prefix":"archive/"}`, `{"bucket":"b","prefx":""}`, `[]`, `x`} {
		if out, err := h.Invoke(t.Context(), []byte(wrong)); err == nil {
			t.Errorf("%s: %s", wrong, out)
		}
	}
	if len(w.got) != 0 {
		t.Error("a wrong event has put records")
	}
	invoke := func(event string) Result {
		t.Helper()
		out, err := h.Invoke(t.Context(), []byte(event))
		if err != nil {
			t.Fatal(err)
		}
		var r Result
		if err := json.Unmarshal(out, &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := invoke(`{"bucket":"b","dryRun":true}`); r.Complete || r.Summary.Objects[Dry] != 2 || len(w.got) != 0 {
		t.Errorf("dry: %+v", r)
	}
	if r := invoke(`{"bucket":"b","prefix":"errors/logs/"}`); !r.Complete || r.Summary.Replayed != 2 || len(r.Reports) != 0 {
		t.Errorf("one prefix: %+v", r)
	}
	r := invoke(`{"bucket":"b","prefix":"errors/"}`)
	if r.Complete || !r.Summary.Ended || len(r.Reports) != 1 || r.Reports[0].Key != "errors/databases/b" || r.Reports[0].Failed != 1 || len(w.got) != 4 {
		t.Errorf("both prefixes: %+v", r)
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	var last map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last["Open"] != 1.0 || last["Replayed"] != 2.0 || last["Failed"] != 1.0 || last["AlreadyDone"] != 1.0 || last["Bucket"] != "b" {
		t.Errorf("metrics %v, %v", last, err)
	}
	// What the log says of an object never holds log data.
	if strings.Contains(log.String(), "a-000") || strings.Contains(log.String(), "rubbish") {
		t.Errorf("data in the log:\n%s", log.String())
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if out, err := h.Invoke(ctx, []byte(`{"bucket":"b"}`)); err != nil || !strings.Contains(string(out), `"ended":false`) || !strings.Contains(string(out), `"complete":false`) {
		t.Errorf("%s, %v", out, err)
	}
}

func TestEventsOfObjects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("errors/logs/year=2026/a b+c", errorObject(records("a", 2)))
	w.put("errors/logs/open", []byte("rubbish\n"))
	w.put("errors/logs/eventbridge", errorObject(records("e", 1)))
	h := function(w, &strings.Builder{})
	notification := func(bucket, key, version string) string {
		return fmt.Sprintf(`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":%q},"object":{"key":%q,"versionId":%q}}}]}`, bucket, key, version)
	}
	alone := []struct{ event, problem string }{
		{notification("b", "errors/logs/year%3D2026/a+b%2Bc", "v1"), ""},
		{notification("b", "errors/logs/year%3D2026/a+b%2Bc", ""), ""},
		{notification("b", "errors/logs/open", "v2"), "errors/logs/open: open; 1 records are missing on the stream"},
		{notification("b", "errors/logs/none", ""), ErrNotFound.Error()},
		{notification("b", "replay/x.json", ""), ""},
		{notification("b", "logs/x", ""), "not accepted"},
		{notification("b2", "errors/logs/open", ""), "not accepted"},
		{notification("b", "errors/%zz", ""), ErrEvent.Error()},
		{notification("b", "errors", ""), "not accepted"},
		{`{"version":"0","detail-type":"Object Created","detail":{"bucket":{"name":"b"},"object":{"key":"errors/logs/eventbridge","version-id":"v3"}}}`, ""},
		{`{"Records":[]}`, ErrEvent.Error()},
		{`{"detail":{}}`, ErrEvent.Error()},
	}
	var messages []string
	var failing []string
	for i, tc := range alone {
		_, err := h.Invoke(t.Context(), []byte(tc.event))
		if (err == nil) != (tc.problem == "") || err != nil && !strings.Contains(err.Error(), tc.problem) {
			t.Errorf("%s: %v", tc.event, err)
		}
		messages = append(messages, fmt.Sprintf(`{"messageId":"m%d","eventSource":"aws:sqs","body":%q}`, i, tc.event))
		if tc.problem != "" {
			failing = append(failing, fmt.Sprintf(`{"itemIdentifier":"m%d"}`, i))
		}
	}
	messages = append(messages, `{"messageId":"test","eventSource":"aws:sqs","body":"{\"Service\":\"Amazon S3\",\"Event\":\"s3:TestEvent\",\"Bucket\":\"b\"}"}`)
	out, err := h.Invoke(t.Context(), []byte(`{"Records":[`+strings.Join(messages, ",")+`]}`))
	if want := `{"batchItemFailures":[` + strings.Join(failing, ",") + `]}`; err != nil || string(out) != want {
		t.Errorf("%s, %v; want %s", out, err, want)
	}
	if len(w.got) != 3 || w.twice(append(records("a", 2), records("e", 1)...)) != 0 {
		t.Errorf("on the stream: %v", w.got)
	}
	if _, err := h.Invoke(t.Context(), []byte(`{"Records":[{"eventSource":"aws:sqs","body":"x"}]}`)); !errors.Is(err, ErrEvent) {
		t.Errorf("a message without an id: %v", err)
	}
}
