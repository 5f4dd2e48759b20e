package tests

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/automation"
	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/sandbox"
)

// inventory lists what the world of a project has: type, place and the URN that made it. Ids that AWS draws at random differ
// between two worlds, and don't belong to it.
func inventory(t *testing.T, dir string) []string {
	t.Helper()
	world, err := sandbox.OpenWorldReadOnly(filepath.Join(dir, ".sandbox"))
	if err != nil {
		t.Fatal(err)
	}
	defer world.Close()
	var out []string
	for _, token := range catalog.Tokens() {
		for _, o := range world.List(token) {
			out = append(out, fmt.Sprint(o.Type, " ", o.Place, " ", o.URN))
		}
	}
	slices.Sort(out)
	return out
}

// TestKilledInTheMiddle kills `up` with kill -9 at random moments, and runs it again: the world must be the one that an
// undisturbed `up` makes, with nothing missing and nothing twice, and a further `up` must have nothing to do.
func TestKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	undisturbed := project(t)
	must(t, undisturbed, "up", "--stack", "beijing", "--sandbox")
	want := inventory(t, undisturbed)

	seed := uint64(time.Now().UnixNano())
	if fixed, ok := seedFromEnvironment(t); ok {
		seed = fixed
	}
	t.Logf("LOGARCHIVE_SEED=%d repeats this run", seed)
	random := rand.New(rand.NewPCG(seed, 1))

	dir := project(t)
	kills := 3
	if long() {
		kills = 20
	}
	already := 0
	for round := range kills {
		// One more resource at least each time, so that the kills end.
		at := already + 1 + random.IntN(max(1, (len(want)-already)/2))
		// Alternately what was made stands in the state, or only in the world.
		already = killAt(t, dir, at, []string{"--checkpoints"}[:round%2]...)
		t.Logf("killed at %d objects or later; there are %d of %d", at, already, len(want))
		if already >= len(want) {
			break
		}
	}
	must(t, dir, "up", "--stack", "beijing", "--sandbox")
	if diff := cmp.Diff(want, inventory(t, dir)); diff != "" {
		t.Errorf("the world after kills differs (-undisturbed +this):\n%s", diff)
	}
	again := must(t, dir, "up", "--stack", "beijing", "--sandbox", "--json")
	var ended struct{ Summary automation.Summary }
	if err := json.Unmarshal([]byte(again.stdout), &ended); err != nil {
		t.Fatalf("%v\n%s", err, again.stdout)
	}
	if ended.Summary.Changes() != 0 || ended.Summary.Same == 0 {
		t.Errorf("a further up isn't without changes: %+v", ended.Summary)
	}
}

// killAt starts `up` and kills it with kill -9 as soon as the world has n objects; it returns how many there are then.
func killAt(t *testing.T, dir string, n int, flags ...string) int {
	t.Helper()
	cmd := command(t, dir, append([]string{"up", "--stack", "beijing", "--sandbox"}, flags...)...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("up ended by itself: %v\n%s", err, output.String())
			}
			return len(inventory(t, dir))
		case <-time.After(5 * time.Millisecond):
		}
		if _, err := os.Stat(filepath.Join(dir, ".sandbox")); err == nil && len(inventory(t, dir)) >= n {
			_ = cmd.Process.Kill()
			<-ended
			return len(inventory(t, dir))
		}
	}
}
