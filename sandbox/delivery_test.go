package sandbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSources(t *testing.T) {
	t.Parallel()
	d := newTestDelivery(t, newTestWorld(t))
	const toArchive = " -> filter to-logs -> Firehose logs -> s3://log-archive/logs/account=111122223333/!{timestamp:'year='yyyy/'hour='HH}/"
	want := map[string]string{
		"database:111122223333:cn-north-1:orders/error":  "orders -> " + dbGroup + toArchive,
		"flow-log:111122223333:cn-north-1:fl-gateway":    "tgw-0123456789abcdef0 (ALL) -> flow log fl-gateway -> s3://log-archive/direct/AWSLogs/",
		"flow-log:111122223333:cn-north-1:fl-logs":       "eni-0123456789abcdef0 (ACCEPT) -> flow log fl-logs -> " + flowGroup + toArchive,
		"flow-log:111122223333:cn-north-1:fl-parquet":    "subnet-0123456789abcdef0 (REJECT) -> flow log fl-parquet -> s3://log-archive/AWSLogs/",
		"flow-log:111122223333:cn-north-1:fl-text":       "vpc-0123456789abcdef0 (ALL) -> flow log fl-text -> s3://log-archive/direct/AWSLogs/",
		"log-group:111122223333:cn-north-1:" + testGroup: testGroup + toArchive,
	}
	got := map[string]string{}
	for _, s := range d.Sources() {
		got[s.ID] = s.Path
		if s.Broken != "" {
			t.Errorf("%s is broken: %s", s.ID, s.Broken)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
	for _, text := range []string{"fl-text", testGroup, "orders"} {
		if s, err := d.Source(text); err != nil || !strings.Contains(s.ID, text) {
			t.Errorf("Source(%q) = %s, %v", text, s.ID, err)
		}
	}
	for _, text := range []string{"fl-", "nothing"} {
		if _, err := d.Source(text); err == nil || !strings.Contains(err.Error(), "fl-parquet") {
			t.Errorf("Source(%q): %v, want the ids that could be meant", text, err)
		}
	}
}

// Lines of every source arrive in the archive, exactly once, in objects of the documented names.
func TestDelivery(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := newTestDelivery(t, newTestWorld(t))
	for _, s := range d.Sources() {
		lines, err := d.Lines(s, "run1", 300)
		if err != nil {
			t.Fatal(err)
		}
		receipt, err := d.Send(ctx, s, lines)
		if err != nil {
			t.Fatalf("%s: %v", s.ID, err)
		}
		if receipt.Lines != 300 || receipt.Selected != 300 || receipt.Bytes == 0 || len(receipt.Hops) == 0 {
			t.Errorf("%s: receipt %+v", s.ID, receipt)
		}
		if early, _, err := d.Find(ctx, s); len(early) > 0 || err != nil {
			t.Errorf("%s: %d lines are there before the buffer is due, %v", s.ID, len(early), err)
		}
	}
	status, err := d.Status()
	if err != nil || len(status) != 4 || status[0].Lines != 900 || !status[0].Due.Equal(someTime.Add(time.Minute)) {
		t.Errorf("status %+v, %v", status, err)
	}
	if err := d.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	prefixes := map[string]string{
		"database":   "logs/account=111122223333/year=2026/hour=02/logs-1-2026-11-21-02-03-04-",
		"log-group":  "logs/account=111122223333/year=2026/hour=02/logs-1-2026-11-21-02-03-04-",
		"fl-logs":    "logs/account=111122223333/year=2026/hour=02/logs-1-2026-11-21-02-03-04-",
		"fl-text":    "direct/AWSLogs/111122223333/vpcflowlogs/cn-north-1/2026/11/21/111122223333_vpcflowlogs_cn-north-1_fl-text_20261121T0200Z_",
		"fl-gateway": "direct/AWSLogs/111122223333/vpcflowlogs/cn-north-1/2026/11/21/111122223333_vpcflowlogs_cn-north-1_fl-gateway_20261121T0200Z_",
		"fl-parquet": "AWSLogs/aws-account-id=111122223333/aws-service=vpcflowlogs/aws-region=cn-north-1/year=2026/month=11/day=21/hour=02/111122223333_vpcflowlogs_cn-north-1_fl-parquet_20261121T0200Z_",
	}
	for _, s := range d.Sources() {
		want, err := d.Lines(s, "run1", 300)
		if err != nil {
			t.Fatal(err)
		}
		got, refs, err := d.Find(ctx, s)
		if err != nil {
			t.Fatalf("%s: %v", s.ID, err)
		}
		if s.Kind == SourceFlowLog && !cmp.Equal(want, got) {
			t.Errorf("%s: %d lines found, the first is %q", s.ID, len(got), got[:min(1, len(got))])
		}
		if len(got) != 300 || len(refs) != 1 || refs[0].Lines != 300 {
			t.Fatalf("%s: %d lines in %+v", s.ID, len(got), refs)
		}
		matched := false
		for part, prefix := range prefixes {
			matched = matched || strings.Contains(s.ID, part) && strings.HasPrefix(refs[0].Key, prefix)
		}
		if !matched {
			t.Errorf("%s: key %s", s.ID, refs[0].Key)
		}
		o, err := d.store.Get(refs[0].Bucket, refs[0].Key)
		wantSSE := Encryption{Algorithm: "aws:kms", KeyARN: testKey, BucketKey: true}
		if err != nil || o.Encryption != wantSSE || len(o.VersionID) != 32 || o.Source == "" || !o.LastModified.After(someTime) {
			t.Errorf("%s: object %+v, %v", s.ID, o, err)
		}
	}
	if status, err := d.Status(); len(status) != 0 || err != nil {
		t.Errorf("status after the flush: %+v, %v", status, err)
	}
}

// A buffer is delivered when it is full or old, not before, and records of one interval stay together.
func TestBuffering(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := newTestDelivery(t, newTestWorld(t))
	s := findSource(t, d, testGroup)
	send := func(lines ...string) Receipt {
		t.Helper()
		receipt, err := d.Send(ctx, s, lines)
		if err != nil {
			t.Fatal(err)
		}
		return receipt
	}
	advance := func(by time.Duration) {
		t.Helper()
		if _, err := d.clock.Advance(by); err != nil {
			t.Fatal(err)
		}
	}
	send("at 0")
	advance(59 * time.Second)
	if r := send("at 59"); len(r.Objects) > 0 {
		t.Errorf("delivered after 59 of 60 seconds: %v", r.Objects)
	}
	advance(time.Second)
	if r := send("at 60"); len(r.Objects) != 1 || r.Objects[0].Lines != 2 {
		t.Errorf("after 60 seconds: %v, want one object of two lines", r.Objects)
	}
	// 1 MiB: noise hardly compresses.
	noise := make([]string, 200)
	for i := range noise {
		noise[i] = strings.Repeat(uuidOf(fmt.Sprint(i)), 3)
		for j := range 400 {
			noise[i] += uuidOf(fmt.Sprint(i, j))
		}
	}
	if r := send(noise...); len(r.Objects) != 1 {
		t.Errorf("with more than 1 MiB: %v, want one object", r.Objects)
	}
	if err := d.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	got, refs, err := d.Find(ctx, s)
	want := append([]string{"at 0", "at 59", "at 60"}, noise...)
	slices.Sort(got)
	slices.Sort(want)
	if !cmp.Equal(want, got) || err != nil {
		t.Errorf("%d lines, want %d, in %d objects, %v", len(got), len(want), len(refs), err)
	}
	// A clock that stood still would deliver never; a flush without lines moves nothing.
	before := d.clock.Now()
	if err := d.Flush(ctx); err != nil || !d.clock.Now().Equal(before) {
		t.Errorf("an empty flush moved the clock by %s, %v", d.clock.Now().Sub(before), err)
	}
}

// Flow logs have a file for each five minutes, and more when one becomes too large.
func TestFlowFiles(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := newTestDelivery(t, newTestWorld(t))
	d.fileBytes = 100 << 10
	s := findSource(t, d, "fl-text")
	var want []string
	for i, n := range []int{10, 10, 3000} {
		lines, err := d.Lines(s, fmt.Sprint("w", i), n)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Send(ctx, s, lines); err != nil {
			t.Fatal(err)
		}
		want = append(want, lines...)
		if _, err := d.clock.Advance(150 * time.Second); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	got, refs, err := d.Find(ctx, s)
	slices.Sort(got)
	slices.Sort(want)
	if !cmp.Equal(want, got) || err != nil {
		t.Errorf("%d lines, want %d, %v", len(got), len(want), err)
	}
	files := map[string]int{}
	for _, r := range refs {
		name := r.Key[strings.Index(r.Key, "fl-text_"):]
		files[name[:len("fl-text_20261121T0200Z")]]++
	}
	// 02:03:04 is in the window of 02:00, 02:05:34 and 02:08:04 in that of 02:05.
	if diff := cmp.Diff(map[string]int{"fl-text_20261121T0200Z": 1, "fl-text_20261121T0205Z": 3}, files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestFilterSelects(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newTestWorld(t)
	w.change(filterToken, "cwlsf-"+testGroup, set("filterPattern", "ERROR"))
	d := newTestDelivery(t, w)
	s := findSource(t, d, testGroup)
	receipt, err := d.Send(ctx, s, []string{"an ERROR", "fine", "ERROR again"})
	if err != nil || receipt.Lines != 3 || receipt.Selected != 2 {
		t.Fatalf("receipt %+v, %v", receipt, err)
	}
	if err := d.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if got, _, err := d.Find(ctx, s); !cmp.Equal(got, []string{"an ERROR", "ERROR again"}) || err != nil {
		t.Errorf("found %q, %v", got, err)
	}
	w.change(filterToken, "cwlsf-"+testGroup, set("filterPattern", "[ip, user]"))
	if _, err := d.Send(ctx, s, []string{"x"}); err == nil || !strings.Contains(err.Error(), "space-delimited") {
		t.Errorf("a pattern that the sandbox doesn't know: %v", err)
	}
}

func TestBadLines(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := newTestDelivery(t, newTestWorld(t))
	group, flow := findSource(t, d, testGroup), findSource(t, d, "fl-logs")
	for _, test := range []struct {
		source Source
		lines  []string
		want   []string
	}{
		{group, []string{"ok", "", "\xff", strings.Repeat("x", 1<<20+1)}, []string{"line 2", "empty", "line 3", "UTF-8", "line 4", "1048577 bytes"}},
		{flow, []string{"ok", "", "a-much-too-long-id-for-one-interface"}, []string{"line 2", "line 3", "room for ids of 12 characters"}},
		{group, make([]string, 15), []string{"line 10", "and 5 more"}},
	} {
		_, err := d.Send(ctx, test.source, test.lines)
		for _, part := range test.want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%v, want %q in it", err, part)
			}
		}
	}
	if status, err := d.Status(); len(status) > 0 || err != nil {
		t.Errorf("something was sent: %+v, %v", status, err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := d.Send(cancelled, group, []string{"x"}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestDisturbances(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := newTestDelivery(t, newTestWorld(t))
	s := findSource(t, d, testGroup)
	d.Disturb(DisturbDuplicate, 1)
	d.Disturb(DisturbSlowDown, 1)
	if _, err := d.Send(ctx, s, []string{"twice"}); err != nil {
		t.Fatal(err)
	}
	var refusal *Refusal
	if err := d.Flush(ctx); !errors.As(err, &refusal) || refusal.Code != "SlowDown" {
		t.Fatalf("Flush: %v", err)
	}
	status, err := d.Status()
	if err != nil || len(status) != 1 || status[0].Attempts != 1 || status[0].Code != "SlowDown" || status[0].Lines != 2 {
		t.Errorf("status %+v, %v", status, err)
	}
	if err := d.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if got, _, err := d.Find(ctx, s); !cmp.Equal(got, []string{"twice", "twice"}) || err != nil {
		t.Errorf("found %q, %v", got, err)
	}
	if status, err := d.Status(); len(status) != 0 || err != nil {
		t.Errorf("status %+v, %v", status, err)
	}
}
