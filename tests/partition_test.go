package tests

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"github.com/logarchive/logarchive/automation"
	"github.com/logarchive/logarchive/sandbox"
)

// replaceIn changes a text of a project's file, which must be there.
func replaceIn(t *testing.T, dir, name, old, text string) {
	t.Helper()
	file := filepath.Join(dir, name)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), old) {
		t.Fatalf("%s has no %q: adapt this test", name, old)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(data), old, text, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// upTo deploys stack beijing into the project's sandbox.
func upTo(t *testing.T, dir string) automation.Result {
	t.Helper()
	var out automation.Result
	if err := json.Unmarshal([]byte(must(t, dir, "up", "--stack", "beijing", "--sandbox", "--json").stdout), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// inSandbox works with what is deployed in a project's sandbox.
func inSandbox(t *testing.T, dir string, do func(*sandbox.Delivery, *sandbox.Store, *sandbox.Clock)) {
	t.Helper()
	dir = filepath.Join(dir, ".sandbox")
	world, err := sandbox.OpenWorldReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer world.Close()
	store, clock := openSandbox(t, dir)
	defer store.Close()
	delivery := sandbox.NewDelivery(world, store, clock)
	defer delivery.Close()
	do(delivery, store, clock)
}

// openSandbox opens the objects and the clock of a sandbox.
func openSandbox(t *testing.T, dir string) (*sandbox.Store, *sandbox.Clock) {
	t.Helper()
	store, err := sandbox.OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	clock, err := sandbox.OpenClock(dir)
	if err != nil {
		t.Fatal(err)
	}
	return store, clock
}

// archived is a line of the archive, and where it lies.
type archived struct {
	Timestamp                int64
	Message, LogGroup, Owner string
	key                      string
}

// archivedLines reads every line that the transform function made from the buckets of the sandbox: what lies with the classes of
// log groups and databases.
func archivedLines(t *testing.T, store *sandbox.Store) []archived {
	t.Helper()
	buckets, err := store.Buckets()
	if err != nil {
		t.Fatal(err)
	}
	var out []archived
	for _, bucket := range buckets {
		objects, err := store.List(bucket, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objects {
			if class, _, _ := strings.Cut(o.Key, "/"); class != "logs" && class != "databases" || !strings.HasSuffix(o.Key, ".json.gz") {
				continue
			}
			file, _, err := store.Open(bucket, o.Key)
			if err != nil {
				t.Fatal(err)
			}
			lines, err := gzip.NewReader(bufio.NewReader(file))
			for d := json.NewDecoder(lines); err == nil; {
				line := archived{key: o.Key}
				if err = d.Decode(&line); err == nil {
					out = append(out, line)
				}
			}
			if err := errors.Join(file.Close(), err); !errors.Is(err, io.EOF) {
				t.Fatalf("%s: %v", o.Key, err)
			}
		}
	}
	return out
}

// TestPartitionBy switches the beijing stack from streams without partitions to streams with every partition key, on the real
// engine. What the old streams have buffered arrives; lines of several groups and databases at several hours, late ones among
// them, are there once, below the keys of their own group and hour.
func TestPartitionBy(t *testing.T) {
	t.Parallel()
	dir := project(t)
	replaceIn(t, dir, "Pulumi.beijing.yaml", "    bufferSeconds: 300\n", "    bufferSeconds: 300\n    keepStreams: true\n")
	replaceIn(t, dir, "Pulumi.beijing.yaml", "      partitionDatabasesBy: [databaseInstance]\n", "")
	if up := upTo(t, dir); up.Summary.Changes() != up.Summary.Create {
		t.Fatalf("up: %+v", up.Summary)
	}
	ctx := context.Background()
	sent := map[string]string{} // line -> what its key begins with, and a star for its log group
	send := func(d *sandbox.Delivery, at time.Time, run string, partitioned bool) {
		t.Helper()
		for _, s := range d.Sources() {
			if s.Kind != sandbox.SourceLogGroup && s.Kind != sandbox.SourceDatabase || s.Place.Account != "111122223333" {
				continue // other accounts' streams have partitions in any case
			}
			var lines []string
			for i := range 20 { // the status is what a filter pattern of the example asks for
				lines = append(lines, fmt.Sprintf(`{"status": 500, "line": "%s %s %d"}`, run, s.Name, i))
			}
			if _, err := d.SendAt(ctx, s, lines, at); err != nil {
				t.Fatal(err)
			}
			class, instance := "logs", "none"
			if s.Kind == sandbox.SourceDatabase {
				class = "databases"
				instance, _, _ = strings.Cut(s.Name, "/")
			}
			for _, line := range lines {
				sent[line] = class + "/account=111122223333/region=cn-north-1/"
				if partitioned {
					sent[line] += fmt.Sprint("class=", class, "/logGroup=*/databaseInstance=", instance) + at.UTC().Format("/year=2006/month=01/day=02/hour=15/arrival=")
				}
			}
		}
	}
	inSandbox(t, dir, func(d *sandbox.Delivery, _ *sandbox.Store, clock *sandbox.Clock) {
		send(d, clock.Now(), "before", false) // and leave it in the buffers
	})

	const with = "      partitionBy: [account, region, class, logGroup, databaseInstance, year, month, day, hour]\n"
	replaceIn(t, dir, "Pulumi.beijing.yaml", "      memoryMiB: 512\n", "      memoryMiB: 512\n"+with)
	if verified := must(t, dir, "verify", "--stack", "beijing"); !strings.Contains(verified.stdout, " 0 violations") {
		t.Errorf("verify:\n%s", verified.stdout)
	}
	for _, step := range upTo(t, dir).Changes {
		kept := strings.Contains(step.Type, "logGroup:") || strings.Contains(step.Type, "bucket") || strings.Contains(step.Type, "/key:")
		if kept && (step.Op == automation.Replace || step.Op == automation.Delete) {
			t.Errorf("partitions replace what keeps logs: %+v", step)
		}
	}
	if again := upTo(t, dir); again.Summary.Changes() != 0 {
		t.Errorf("up once more: %+v", again.Summary)
	}
	inSandbox(t, dir, func(d *sandbox.Delivery, store *sandbox.Store, clock *sandbox.Clock) {
		now := clock.Now()
		for i, at := range []time.Time{now, now.Add(-2 * time.Hour), now.Add(-3 * 24 * time.Hour), now.Add(30 * time.Minute), now} {
			send(d, at, fmt.Sprint("run", i), true)
		}
		if err := d.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, line := range archivedLines(t, store) {
			if _, twice := got[line.Message]; twice {
				t.Errorf("%q is there twice", line.Message)
			}
			// Compared is as much of the key as is known of it.
			key := strings.Replace(line.key, "/logGroup="+url.QueryEscape(line.LogGroup)+"/", "/logGroup=*/", 1)
			got[line.Message] = key[:min(len(key), len(sent[line.Message]))]
		}
		if diff := cmp.Diff(sent, got); diff != "" {
			t.Errorf("lines and their keys (-sent +found):\n%.3000s", diff)
		}
	})
}
