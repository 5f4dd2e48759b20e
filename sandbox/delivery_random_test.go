package sandbox

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Whatever is sent in batches of whatever size, with time passing, the process dying at any step and links missing for a
// while: what was acknowledged is found exactly once, and what wasn't, at most once.
func TestDeliveryExactlyOnce(t *testing.T) {
	t.Parallel()
	for n := range 4 {
		seed := uint64(time.Now().UnixNano()) + uint64(n)
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			t.Logf("seed %d", seed)
			exactlyOnce(t, rand.New(rand.NewPCG(seed, 3)))
		})
	}
}

func exactlyOnce(t *testing.T, random *rand.Rand) {
	ctx := context.Background()
	dir := t.TempDir()
	w := newTestWorld(t)
	good := document(bucketStatements(t)...)
	var d *Delivery
	open := func() {
		d = NewDelivery(w, openTestStore(t, dir), testClock(t, dir))
		d.fileBytes = 20 << 10
	}
	// die lets the process end, perhaps at a step within the next write.
	die := func(during func()) {
		killDuring(d, random.IntN(4), during)
		open()
	}
	open()
	acknowledged, doubtful := map[string]map[string]bool{}, map[string]map[string]bool{}
	sources := d.Sources()
	for _, s := range sources {
		acknowledged[s.ID], doubtful[s.ID] = map[string]bool{}, map[string]bool{}
	}
	number := 0
	batch := func() (Source, []string) {
		s := sources[random.IntN(len(sources))]
		lines := make([]string, random.IntN([]int{2, 20, 800}[random.IntN(3)]))
		for i := range lines {
			number++
			lines[i] = fmt.Sprint("r-", number)
			if s.flowLog == nil && random.IntN(3) == 0 {
				lines[i] += strings.Repeat("é \"\\\n", random.IntN(300))
			}
		}
		return s, lines
	}
	for range 60 {
		switch random.IntN(8) {
		default:
			s, lines := batch()
			into := acknowledged[s.ID]
			if _, err := d.Send(ctx, s, lines); errors.As(err, new(*Refusal)) {
				into = nil // nothing was sent
			} else if err != nil {
				t.Fatalf("%s: %v", s.ID, err)
			}
			for _, line := range lines {
				if into != nil {
					into[line] = true
				}
			}
		case 4:
			if _, err := d.clock.Advance(time.Duration(random.IntN(400)) * time.Second); err != nil {
				t.Fatal(err)
			}
		case 5:
			if err := d.Flush(ctx); err != nil && !errors.As(err, new(*Refusal)) {
				t.Fatal(err)
			}
		case 6:
			die(func() {
				if random.IntN(2) == 0 {
					_ = d.Flush(ctx)
					return
				}
				s, lines := batch()
				for _, line := range lines {
					doubtful[s.ID][line] = true
				}
				_, _ = d.Send(ctx, s, lines)
			})
		case 7:
			changed := good
			if random.IntN(2) == 0 {
				changed = document(bucketStatements(t)[3:]...)
			}
			w.change(bucketPolicyToken, testBucket, set("policy", changed))
		}
	}
	w.change(bucketPolicyToken, testBucket, set("policy", good))
	die(func() {})
	if err := d.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if status, err := d.Status(); len(status) > 0 || err != nil {
		t.Errorf("left over: %+v, %v", status, err)
	}
	total := 0
	for _, s := range sources {
		found, _, err := d.Find(ctx, s)
		if err != nil {
			t.Fatal(err)
		}
		total += len(found)
		compareFound(t, s.ID, acknowledged[s.ID], doubtful[s.ID], found)
	}
	t.Logf("%d lines found", total)
}

// compareFound checks that all acknowledged lines are found exactly once, doubtful ones at most once, and no others.
func compareFound(t *testing.T, id string, acknowledged, doubtful map[string]bool, found []string) {
	t.Helper()
	seen := map[string]bool{}
	for _, line := range found {
		if seen[line] {
			t.Errorf("%s: %.40q is found twice", id, line)
		}
		seen[line] = true
		if !acknowledged[line] && !doubtful[line] {
			t.Errorf("%s: %.40q was never sent", id, line)
		}
	}
	for line := range acknowledged {
		if !seen[line] {
			t.Errorf("%s: %.40q was acknowledged, and isn't found", id, line)
		}
	}
}

// senderEnv has the test play the process that is killed, in the directory that it names.
const senderEnv = "SANDBOX_TEST_SENDER"

// A process that is killed in the middle of sending and delivering loses nothing that it acknowledged.
func TestDeliverySurvivesKill9(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv(senderEnv); dir != "" {
		sendUntilKilled(t, dir)
		return
	}
	dir := t.TempDir()
	acknowledged, doubtful := map[string]bool{}, map[string]bool{}
	for life := range 4 {
		child := exec.Command(os.Args[0], "-test.run=^TestDeliverySurvivesKill9$")
		child.Env = append(os.Environ(), senderEnv+"="+dir, fmt.Sprint("SANDBOX_TEST_LIFE=", life))
		told, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(told)
		for n := 0; lines.Scan(); n++ {
			state, line, _ := strings.Cut(lines.Text(), " ")
			switch state {
			case "sending":
				doubtful[line] = true
			case "sent":
				acknowledged[line] = true
			}
			if n == 400+life*37 {
				// Without waiting for the child to come to anything.
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = child.Wait() // it was killed
	}
	w := newTestWorld(t)
	d := NewDelivery(w, openTestStore(t, dir), testClock(t, dir))
	if err := d.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{testGroup, "fl-text"} {
		s := findSource(t, d, id)
		found, refs, err := d.Find(context.Background(), s)
		if err != nil {
			t.Fatal(err)
		}
		of := func(all map[string]bool) map[string]bool {
			own := maps.Clone(all)
			maps.DeleteFunc(own, func(line string, _ bool) bool { return strings.HasPrefix(line, "f") != (s.flowLog != nil) })
			return own
		}
		compareFound(t, s.ID, of(acknowledged), of(doubtful), found)
		t.Logf("%s: %d lines in %d objects", s.ID, len(found), len(refs))
	}
}

func sendUntilKilled(t *testing.T, dir string) {
	ctx := context.Background()
	d := NewDelivery(newTestWorld(t), openTestStore(t, dir), testClock(t, dir))
	for n := 0; ; n++ {
		id := [2]string{testGroup, "fl-text"}[n%2]
		lines := make([]string, 5)
		for i := range lines {
			lines[i] = fmt.Sprint([2]string{"g", "f"}[n%2], os.Getenv("SANDBOX_TEST_LIFE"), "-", n, "-", i)
			fmt.Println("sending", lines[i])
		}
		if _, err := d.Send(ctx, findSource(t, d, id), lines); err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			fmt.Println("sent", line)
		}
		if n%3 == 0 {
			if err := d.Flush(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// BenchmarkSend sends and delivers 100,000 lines: to a log group, and as a flow log. Run it with -benchtime 1x.
func BenchmarkSend(b *testing.B) {
	for _, id := range []string{testGroup, "fl-text", "fl-parquet"} {
		b.Run(strings.Trim(id, "/"), func(b *testing.B) {
			ctx := context.Background()
			for range b.N {
				dir := b.TempDir()
				store, err := OpenStore(dir)
				if err != nil {
					b.Fatal(err)
				}
				d := NewDelivery(newTestWorld(b), store, testClock(b, dir))
				s := findSource(b, d, id)
				lines, err := d.Lines(s, "bench", 100_000)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := d.Send(ctx, s, lines); err != nil {
					b.Fatal(err)
				}
				if err := d.Flush(ctx); err != nil {
					b.Fatal(err)
				}
				found, _, err := d.Find(ctx, s)
				slices.Sort(found)
				slices.Sort(lines)
				if err != nil || !cmp.Equal(lines, found) {
					b.Fatalf("%d lines found, %v", len(found), err)
				}
				if err := errors.Join(d.Close(), store.Close()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
