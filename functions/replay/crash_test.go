package replay

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/logarchive/logarchive/functions/putback"
)

// twice counts the records that are on the stream more than once, and fails when one is missing.
func (w *world) twice(all [][]byte) int {
	w.t.Helper()
	n := 0
	for _, r := range all {
		if w.got[string(r)] == 0 {
			w.t.Fatalf("%s is lost", r)
		}
		n += w.got[string(r)] - 1
	}
	if len(w.got) != len(all) {
		w.t.Fatalf("%d records came out of %d", len(w.got), len(all))
	}
	return n
}

// A process that dies in any of its calls, before or after the call's effect: the next one brings back everything, and at
// most one batch is doubled, which its report says.
func TestACrashAtEveryStep(t *testing.T) {
	t.Parallel()
	all := append(records("a", 3), records("b", 1234)...)
	build := func() *world {
		w := newWorld(t)
		w.put("errors/logs/a", errorObject(all[:3]))
		w.put("errors/logs/b", zipped(errorObject(all[3:])))
		return w
	}
	steps := 0
	w := build()
	w.fate = func(string) (error, error) { steps++; return nil, nil }
	if _, s, err := w.run(options); err != nil || !s.Complete() {
		t.Fatalf("%+v, %v", s, err)
	}
	t.Logf("%d steps", steps)
	if steps < 12 {
		t.Fatalf("%d steps: too few to prove anything", steps)
	}
	doubled := 0
	for n := 1; n <= steps; n++ {
		for _, after := range []bool{false, true} {
			w := build()
			w.fate = crash(n, after)
			_, crashed, _ := w.run(options)
			if crashed.Complete() && n < steps {
				t.Fatalf("step %d: nothing crashed", n)
			}
			w.fate = nil
			w.now = w.now.Add(DefaultLease)
			_, s, err := w.run(options)
			if err != nil || !s.Complete() {
				t.Fatalf("step %d, after %v: %+v, %v", n, after, s, err)
			}
			if got := w.twice(all); got > putback.MaxRecords || got > s.InDoubt {
				t.Fatalf("step %d, after %v: %d records twice, %d were in doubt", n, after, got, s.InDoubt)
			} else if got > 0 {
				doubled++
			}
			puts := w.calls["Put"]
			if _, s, err := w.run(options); err != nil || !s.Complete() || w.calls["Put"] != puts {
				t.Fatalf("step %d: a third run puts records: %+v, %v", n, s, err)
			}
		}
	}
	t.Logf("records were doubled by %d of %d crashes", doubled, 2*steps)
	if doubled == 0 {
		t.Error("no crash fell into the gap: the test doesn't reach it")
	}
}

// Many crashes, lost answers and refusals at random, until everything is back.
func TestFaultsAtRandom(t *testing.T) {
	t.Parallel()
	for seed := range uint64(24) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 4))
			w := newWorld(t)
			var all [][]byte
			for k := range 1 + r.IntN(5) {
				some := records(fmt.Sprint("r", k), r.IntN(1500))
				all = append(all, some...)
				object := errorObject(some)
				if r.IntN(2) == 0 {
					object = zipped(object)
				}
				w.put(fmt.Sprintf("errors/logs/%d", k), object)
			}
			rate := r.Float64() * 0.1
			crashes, inDoubt, repeated := 0, 0, 0
			for run := 0; ; run++ {
				if run > 300 {
					t.Fatal("it never ends")
				}
				dies := crash(1+r.IntN(60), r.IntN(2) == 0)
				if r.IntN(3) == 0 || run > 250 {
					dies = func(string) (error, error) { return nil, nil }
				}
				dead := false
				w.refuse = func([]byte) bool { return r.Float64() < rate }
				w.fate = func(call string) (error, error) {
					before, after := dies(call)
					if before != nil || after != nil {
						if !dead {
							crashes++
						}
						dead = true
						return before, after
					}
					if r.Float64() < rate {
						if r.IntN(2) == 0 {
							return errCrash, nil
						}
						if call == "Put" {
							repeated++ // putback sends it again: the stream's answer was lost
						}
						return nil, errCrash
					}
					return nil, nil
				}
				_, s, err := w.run(options)
				inDoubt += s.InDoubt
				if err == nil && s.Complete() {
					break
				}
				w.now = w.now.Add(DefaultLease)
			}
			got := w.twice(all)
			if got > inDoubt+repeated*putback.MaxRecords || got > (crashes+repeated)*putback.MaxRecords+inDoubt {
				t.Errorf("%d records twice; %d were in doubt, %d answers lost, %d crashes", got, inDoubt, repeated, crashes)
			}
			t.Logf("%d records, %d twice; %d crashes, %d in doubt, %d answers lost", len(all), got, crashes, inDoubt, repeated)
		})
	}
}

// Several runs at once, with markers that are written at the same time, and a stream that refuses some: nothing crashes,
// so every record is on the stream exactly once.
func TestRunsAtOnce(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		w := newWorld(t)
		var all [][]byte
		for k := range 6 {
			some := records(fmt.Sprint("r", k), 700)
			all = append(all, some...)
			w.put(fmt.Sprintf("errors/logs/%d", k), errorObject(some))
		}
		r := rand.New(rand.NewPCG(seed, 5))
		w.refuse = func([]byte) bool { return r.IntN(20) == 0 }
		for round := 0; ; round++ {
			if round > 20 {
				t.Fatal("it never ends")
			}
			complete := false
			var runs sync.WaitGroup
			var mu sync.Mutex
			for range 4 {
				runs.Go(func() {
					s, err := Run(t.Context(), options, w.clients(), nil)
					mu.Lock()
					defer mu.Unlock()
					if err != nil || s.InDoubt != 0 {
						t.Errorf("seed %d: %+v, %v", seed, s, err)
					}
					complete = complete || s.Complete()
				})
			}
			runs.Wait()
			if complete {
				break
			}
		}
		if n := w.twice(all); n != 0 {
			t.Errorf("seed %d: %d records twice", seed, n)
		}
	}
}

// Marker writes whose answers are all lost: what is there tells that they were done, and one run is enough.
func TestALostAnswerOfAMarkerIsNoConflict(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := records("x", 1100)
	w.put("errors/logs/x", errorObject(all))
	w.fate = func(call string) (error, error) {
		if call == "Write" {
			return nil, errCrash
		}
		return nil, nil
	}
	if reports, s, err := w.run(options); err != nil || !s.Complete() || s.InDoubt != 0 || w.twice(all) != 0 {
		t.Errorf("%+v, %v", reports, err)
	}
}
