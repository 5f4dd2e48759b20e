package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/logarchive/logarchive/policy"
)

// Whatever is sent, however large, while the function fails, is throttled, answers nonsense, must put back and is refused,
// and while the process dies at any step: what was acknowledged is in the archive or in the error prefix, exactly once.
func TestTransformExactlyOnce(t *testing.T) {
	t.Parallel()
	for n := range 4 {
		seed := uint64(time.Now().UnixNano()) + uint64(n)
		if fixed, err := strconv.ParseUint(os.Getenv("SANDBOX_TEST_SEED"), 10, 64); err == nil {
			seed = fixed
		}
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			t.Logf("seed %d", seed)
			transformExactlyOnce(t, rand.New(rand.NewPCG(seed, 4)))
		})
	}
}

func transformExactlyOnce(t *testing.T, random *rand.Rand) {
	ctx := context.Background()
	one := func(of ...string) string { return of[random.IntN(len(of))] }
	environ := map[string]any{
		"LOGARCHIVE_TRANSFORM_MAX_RESPONSE_BYTES": one("65536", "300000", "6000000", "6291456"),
		"LOGARCHIVE_TRANSFORM_MAX_REINGESTIONS":   one("0", "3", "200"),
		"LOGARCHIVE_TRANSFORM_PUT_ATTEMPTS":       one("1", "8"),
	}
	w := newTestWorld(t)
	withTransform(t, w, map[string]any{"BufferSizeInMBs": one("0.2", "1", "3"), "BufferIntervalInSeconds": one("0", "60"), "NumberOfRetries": one("0", "3")}, nil)
	if random.IntN(2) == 0 {
		environ["LOGARCHIVE_TRANSFORM_PARTITION_KEYS"] = "class,hour"
		dynamic(w, "logs/!{partitionKeyFromLambda:class}/!{partitionKeyFromLambda:hour}/")
	}
	setEnviron(w, environ)
	t.Logf("%v", environ)
	rolePolicies := []string{
		document(functionStatements()...), document(functionStatements()[1]),
	}
	firehosePolicies := []string{
		document(append(streamStatements(), invokeStatements()...)...), document(streamStatements()...),
		document(append([]policy.Statement{streamStatements()[0]}, invokeStatements()...)...),
	}
	dir := t.TempDir()
	var d *Delivery
	open := func() { d = NewDelivery(w, openTestStore(t, dir), testClock(t, dir)) }
	open()
	die := func(during func()) {
		killDuring(d, random.IntN(4), during)
		open()
	}
	groups := []Source{findSource(t, d, testGroup), findSource(t, d, "orders")}
	acknowledged, doubtful := map[string]map[string]bool{}, map[string]map[string]bool{}
	for _, s := range groups {
		acknowledged[s.group], doubtful[s.group] = map[string]bool{}, map[string]bool{}
	}
	number := 0
	noise := make([]byte, 1<<20)
	for i := range noise {
		noise[i] = byte('!' + random.IntN(90)) // hardly compressible
	}
	batch := func() (Source, []string) {
		lines := make([]string, random.IntN([]int{2, 20, 400}[random.IntN(3)])+1)
		size := []int{0, 50, 3_000, 30_000}[random.IntN(4)]
		if len(lines) < 5 && random.IntN(2) == 0 {
			size = 900_000
		}
		for i := range lines {
			number++
			lines[i] = fmt.Sprint("r-", number, " ")
			switch n := random.IntN(size + 1); {
			case number%3 == 0 || n == 0:
				lines[i] += strings.Repeat("é \"\\\r\n\u2028", n/12)
			default:
				from := random.IntN(len(noise) - n)
				lines[i] += string(noise[from : from+n])
			}
			if total := i * size; total > 3<<20 {
				lines = lines[:i+1]
				break
			}
		}
		return groups[random.IntN(2)], lines
	}
	for range 40 {
		switch random.IntN(9) {
		default:
			s, lines := batch()
			if _, err := d.Send(ctx, s, lines); err != nil {
				t.Fatal(err)
			}
			for _, line := range lines {
				acknowledged[s.group][line] = true
			}
		case 3:
			if _, err := d.clock.Advance(time.Duration(random.IntN(5000)) * time.Second); err != nil {
				t.Fatal(err)
			}
		case 4:
			if err := d.Flush(ctx); err != nil && !errors.As(err, new(*Refusal)) {
				t.Fatal(err)
			}
		case 5, 6:
			die(func() {
				if random.IntN(2) == 0 {
					_ = d.Flush(ctx)
					return
				}
				s, lines := batch()
				for _, line := range lines {
					doubtful[s.group][line] = true
				}
				_, _ = d.Send(ctx, s, lines)
			})
		case 7:
			w.change(rolePolicyToken, "transform:own", set("policy", rolePolicies[random.IntN(2)]))
			w.change(rolePolicyToken, "firehose-logs:own", set("policy", firehosePolicies[random.IntN(3)]))
		case 8:
			what := []Disturbance{DisturbFunctionError, DisturbFunctionTimeout, DisturbFunctionThrottle, DisturbFunctionAnswer, DisturbPutRecordBatch, DisturbSlowDown}
			d.Disturb(what[random.IntN(len(what))], random.IntN(6)+1)
		}
	}
	w.change(rolePolicyToken, "transform:own", set("policy", rolePolicies[0]))
	w.change(rolePolicyToken, "firehose-logs:own", set("policy", firehosePolicies[0]))
	die(func() {})
	if err := d.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if status, err := d.Status(); len(status) > 0 || err != nil {
		t.Errorf("left over: %+v, %v", status, err)
	}
	failed := map[string][]string{}
	for _, f := range failures(t, d) {
		err := readEvents(bytes.NewReader(f.RawData), func(e archivedEvent) {
			for _, event := range e.LogEvents {
				failed[e.LogGroup] = append(failed[e.LogGroup], event.Message)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range groups {
		found, refs, err := d.Find(ctx, s)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d lines found in %d objects, %d failed", s.ID, len(found), len(refs), len(failed[s.group]))
		compareFound(t, s.ID, acknowledged[s.group], doubtful[s.group], append(found, failed[s.group]...))
	}
}
