package tests

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/sandbox"
)

// TestReplayFunction breaks the deployed transform function on purpose, repairs it, has the deployed replay function bring back
// what Firehose couldn't deliver meanwhile, and finds every line once. Everything is done on the real engine, and every
// request is decided by the policies that it deployed.
func TestReplayFunction(t *testing.T) {
	t.Parallel()
	dir := project(t)
	upTo(t, dir)
	ctx := context.Background()
	var sent []string
	send := func(d *sandbox.Delivery, run string) {
		t.Helper()
		for _, s := range d.Sources() {
			if s.Kind != sandbox.SourceLogGroup && s.Kind != sandbox.SourceDatabase {
				continue
			}
			var lines []string
			for i := range 30 {
				lines = append(lines, fmt.Sprintf(`{"status": 500, "line": "%s %s %d"}`, run, s.Name, i))
			}
			if _, err := d.Send(ctx, s, lines); err != nil {
				t.Fatal(err)
			}
			sent = append(sent, lines...)
		}
		if err := d.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	inSandbox(t, dir, func(d *sandbox.Delivery, _ *sandbox.Store, _ *sandbox.Clock) {
		send(d, "well")
		d.Disturb(sandbox.DisturbFunctionError, 1000)
		send(d, "broken")
	})
	bucket := "example-log-archive-222233334444-ningxia"
	// There is one for the streams of the source account, and one for those in the archive's account that further accounts
	// send to.
	functions := []string{}
	for _, account := range []partition.Account{"111122223333", "222233334444"} {
		functions = append(functions, partition.Place{Account: account, Region: "cn-north-1"}.ARN(partition.Lambda, "function:log-archive-replay").String())
	}
	replay := func(function string) (out struct {
		Complete bool
		Summary  struct{ Records, Before, Replayed, Failed int }
		Objects  []struct{ Outcome string }
	}) {
		t.Helper()
		args := []string{"replay", "--bucket", bucket, "--prefix", "errors/", "--sandbox", "--function", function, "--json"}
		if err := json.Unmarshal([]byte(must(t, dir, args...).stdout), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	// What is too young waits, and is reported.
	if r := run(t, dir, "replay", "--bucket", bucket, "--prefix", "errors/", "--sandbox", "--function", functions[0]); r.code != 1 || !strings.Contains(r.stdout, "young") {
		t.Errorf("young objects: %+v", r)
	}
	if r := run(t, dir, "replay", "--bucket", bucket, "--prefix", "errors/", "--sandbox", "--function", "log-archive-replay"); r.code != 1 || !strings.Contains(r.stderr, functions[1]) {
		t.Errorf("the name of two functions: %+v", r)
	}
	inSandbox(t, dir, func(d *sandbox.Delivery, _ *sandbox.Store, clock *sandbox.Clock) {
		if _, err := clock.Advance(16 * 60e9); err != nil {
			t.Fatal(err)
		}
	})
	if first := replay(functions[0]); !first.Complete || first.Summary.Replayed == 0 || first.Summary.Failed != 0 {
		t.Errorf("replay: %+v", first)
	}
	// The other one has come due meanwhile: its rule invokes it every six hours.
	if waited := must(t, dir, "sandbox", "wait", "7h"); strings.Contains(waited.stdout, "refused") {
		t.Errorf("the schedule: %s", waited.stdout)
	}
	for _, function := range functions {
		if again := replay(function); !again.Complete || again.Summary.Replayed != 0 {
			t.Errorf("once more, %s: %+v", function, again)
		}
	}
	inSandbox(t, dir, func(d *sandbox.Delivery, store *sandbox.Store, _ *sandbox.Clock) {
		send(d, "repaired")
		var got []string
		for _, line := range archivedLines(t, store) {
			got = append(got, line.Message)
		}
		slices.Sort(got)
		slices.Sort(sent)
		if diff := cmp.Diff(sent, got); diff != "" {
			t.Errorf("lines (-sent +found):\n%.2000s", diff)
		}
		// A marker lies below the prefix of its own error objects.
		markers, err := store.List(bucket, "replay/errors/")
		if err != nil || len(markers) == 0 {
			t.Errorf("%d markers, %v", len(markers), err)
		}
	})

	// Without the grant of the bucket, the function is refused, and says so.
	if r := run(t, dir, "replay", "--bucket", bucket, "--prefix", "errors/", "--sandbox", "--function", "no-such"); r.code != 1 || !strings.Contains(r.stderr, "ResourceNotFoundException") {
		t.Errorf("no such function: %+v", r)
	}
}
