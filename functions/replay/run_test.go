package replay

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/logarchive/logarchive/functions/putback"
)

func TestEveryRecordOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := append(records("a", 3), append(records("b", 1234), bytes.Repeat([]byte("x"), putback.MaxRecordBytes))...)
	w.put("errors/logs/processing-failed/a", errorObject(all[:3]))
	w.put("errors/logs/processing-failed/b", zipped(errorObject(all[3:])))
	w.put("errors/logs/processing-failed/c", nil)
	w.put("errors/other/x", errorObject(records("other", 1)))
	before := maps.Clone(w.objects)
	reports, s, err := w.run(options)
	if err != nil || !s.Complete() || s.Objects[Done] != 3 || s.Records != 1238 || s.Replayed != 1238 || s.InDoubt != 0 {
		t.Errorf("%+v, %v\n%+v", s, err, reports)
	}
	for _, r := range all {
		if w.got[string(r)] != 1 {
			t.Fatalf("%.20s is on the stream %d times", r, w.got[string(r)])
		}
	}
	for k, o := range before {
		if w.objects[k].version != o.version {
			t.Errorf("%s has been changed", k)
		}
	}
	if got := reports["errors/logs/processing-failed/a"].Codes["Lambda.FunctionError"]; got != 3 {
		t.Errorf("codes: %d", got)
	}
	puts := w.calls["Put"]
	if _, s, err := w.run(options); err != nil || !s.Complete() || s.Objects[AlreadyDone] != 3 || w.calls["Put"] != puts {
		t.Errorf("the second run: %+v, %v, %d puts", s, err, w.calls["Put"]-puts)
	}
	// Another version of a key is another object.
	w.put("errors/logs/processing-failed/a", errorObject(records("new", 2)))
	if _, s, err := w.run(options); err != nil || s.Objects[Done] != 1 || s.Replayed != 2 {
		t.Errorf("a new version: %+v, %v", s, err)
	}
}

func TestWhatFailsStaysOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const key = "errors/logs/x"
	object := errorDocument([]byte("good")) + "\n" + "rubbish\n" + errorDocument(make([]byte, putback.MaxRecordBytes+1)) + "\n" +
		errorDocument([]byte("refused")) + "\n" + errorDocument([]byte("also good"))
	w.put(key, []byte(object))
	w.refuse = func(r []byte) bool { return string(r) == "refused" }
	for run := range 3 {
		reports, s, err := w.run(options)
		want := Report{Key: key, Version: "v1", Outcome: Open, Records: 5, Replayed: 2, Failed: 3, Bytes: 13, Codes: map[string]int{"Lambda.FunctionError": 4},
			Reasons: map[string]int{badSyntax: 1, putback.ErrRecordSize.Error(): 1, "ServiceUnavailableException: ": 1}}
		switch run {
		case 1:
			want.Replayed, want.Before, want.Bytes, want.Codes["Lambda.FunctionError"] = 0, 2, 0, 2
			want.Problem = "the stream takes nothing: ServiceUnavailableException: "
			w.refuse = nil // repaired
		case 2:
			want.Replayed, want.Before, want.Failed, want.Bytes, want.Codes["Lambda.FunctionError"] = 1, 2, 2, 7, 2
			delete(want.Reasons, "ServiceUnavailableException: ")
		}
		got := reports[key]
		got.refused = false
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(Report{})); diff != "" || err != nil || s.Complete() {
			t.Errorf("run %d: %v, complete %v\n%s", run, err, s.Complete(), diff)
		}
	}
	for r, n := range w.got {
		if n != 1 {
			t.Errorf("%.20s is on the stream %d times", r, n)
		}
	}
}

func TestDryRunWritesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("errors/logs/x", append(errorObject(records("x", 600)), "rubbish\n"...))
	o := options
	o.DryRun = true
	reports, s, err := w.run(o)
	if r := reports["errors/logs/x"]; err != nil || r.Outcome != Dry || r.Replayed != 600 || r.Failed != 1 || s.Complete() {
		t.Errorf("%+v, %v", r, err)
	}
	if w.calls["Put"]+w.calls["Write"] != 0 || len(w.objects) != 1 {
		t.Errorf("calls %v", w.calls)
	}
	if _, _, err := w.run(options); err != nil {
		t.Fatal(err)
	}
	reports, _, _ = w.run(o)
	if r := reports["errors/logs/x"]; r.Before != 600 || r.Replayed != 0 {
		t.Errorf("%+v", r)
	}
}

func TestAStreamThatRefusesEverythingEndsTheRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, k := range []string{"a", "b", "c", "d", "e"} {
		w.put("errors/logs/"+k, errorObject(records(k, 2)))
	}
	w.refuse = func([]byte) bool { return true }
	reports, s, err := w.run(options)
	if !errors.Is(err, ErrStreamRefuses) || len(reports) != 3 || s.Complete() {
		t.Errorf("%d reports, %v", len(reports), err)
	}
	w.refuse = nil
	if _, s, err := w.run(options); err != nil || !s.Complete() || s.Replayed != 10 || s.InDoubt != 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestBusyYoungAndMarkers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("errors/logs/x", errorObject(records("x", 2)))
	o := options
	o.MinAge = time.Hour
	if _, s, err := w.run(o); err != nil || s.Objects[Young] != 1 || s.Complete() || len(w.got) != 0 {
		t.Errorf("young: %+v, %v", s, err)
	}
	// A process that dies with its claim.
	w.fate = crash(4, false) // List, Read, Write, Open
	if _, _, err := w.run(options); err != nil {
		t.Fatal(err)
	}
	w.fate = nil
	if _, s, err := w.run(options); err != nil || s.Objects[Busy] != 1 || len(w.got) != 0 {
		t.Errorf("busy: %+v, %v", s, err)
	}
	w.now = w.now.Add(DefaultLease)
	reports, s, err := w.run(options)
	if err != nil || s.Objects[Done] != 1 || s.InDoubt != 2 {
		t.Errorf("taken over: %+v, %v", reports, err)
	}
	// A damaged marker, or that of another object, is never taken for progress.
	for k := range w.objects {
		if strings.HasPrefix(k, DefaultReplayPrefix) {
			for _, text := range []string{"", "{}", `{"format":1,"key":"errors/logs/y","version":"v1","state":"done"}`, `{"format":1,"key":"errors/logs/x","version":"v1","state":"open","done":[[3,1]]}`} {
				w.put(k, []byte(text))
				reports, s, err := w.run(options)
				if err != nil || s.Objects[Open] != 1 || !strings.Contains(reports["errors/logs/x"].Problem, "the marker is damaged") {
					t.Errorf("marker %q: %+v, %v", text, reports, err)
				}
			}
		}
	}
}

// A lease that is lost while the stream is slow: the one who lost it stops, and says what may be doubled.
func TestALostClaimStops(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("errors/logs/x", errorObject(records("x", 1200)))
	puts := 0
	w.clocked = func() {
		if puts++; puts == 1 {
			w.now = w.now.Add(2 * DefaultLease)
			w.clocked = nil
			w.mu.Unlock()
			if _, s, err := w.run(options); err != nil || s.Objects[Done] != 1 {
				t.Errorf("the other run: %+v, %v", s, err)
			}
			w.mu.Lock()
		}
	}
	reports, _, err := w.run(options)
	r := reports["errors/logs/x"]
	if err != nil || r.Outcome != Open || r.InDoubt != 500 || !strings.Contains(r.Problem, errLost.Error()) {
		t.Errorf("%+v, %v", r, err)
	}
	twice := 0
	for _, n := range w.got {
		twice += n - 1
	}
	if len(w.got) != 1200 || twice != 500 {
		t.Errorf("%d records, %d twice", len(w.got), twice)
	}
}

func TestTheDeadlineEndsARunInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("errors/logs/x", errorObject(records("x", 2)))
	for _, left := range []time.Duration{reserve / 2, reserve + reserve/2} {
		ctx, cancel := context.WithTimeout(t.Context(), left)
		s, err := Run(ctx, options, w.clients(), nil)
		if err != nil || s.Ended || s.Complete() || len(w.got) != 0 {
			t.Errorf("%v left: %+v, %v", left, s, err)
		}
		cancel()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s, err := Run(ctx, options, w.clients(), nil); !errors.Is(err, context.Canceled) || s.Complete() {
		t.Errorf("cancelled: %v", err)
	}
	// Cancelled between two batches: the progress is recorded, and the object is open, not claimed.
	w.put("errors/logs/y", errorObject(records("y", 700)))
	ctx, cancel = context.WithCancel(t.Context())
	w.clocked = cancel
	if r, err := One(ctx, options, w.clients(), "errors/logs/y", ""); err != nil || r.Outcome != Open || r.Replayed != 500 || r.InDoubt != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	w.clocked = nil
	if r, err := One(t.Context(), options, w.clients(), "errors/logs/y", ""); err != nil || r.Outcome != Done || r.Before != 500 || r.Replayed != 200 || r.InDoubt != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestPace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("errors/logs/x", errorObject(records("x", 1000)))
	w.put("errors/logs/y", errorObject(records("y", 1)))
	o := options
	o.BytesPerSecond = 1 << 16
	c := w.clients()
	var pauses time.Duration
	c.Pause = func(_ context.Context, d time.Duration) error { pauses += d; return nil }
	if _, err := Run(t.Context(), o, c, nil); err != nil {
		t.Fatal(err)
	}
	// Eight bytes a record; before the first batch there is nothing to wait for.
	if want := time.Duration(8000 * int(time.Second) / (1 << 16)); pauses < want-time.Millisecond || pauses > want+time.Millisecond {
		t.Errorf("paused %v, want %v", pauses, want)
	}
}

func TestWrongOptions(t *testing.T) {
	t.Parallel()
	_, err := Run(t.Context(), Options{ReplayPrefix: "x", Lease: time.Second, MinAge: -1, BytesPerSecond: 1}, Clients{}, nil)
	var e *OptionsError
	if !errors.As(err, &e) || len(e.Problems) != 7 {
		t.Errorf("%v", err)
	}
	_, err = Run(t.Context(), Options{Bucket: "b", Prefix: "replay/x", Stream: "s"}, Clients{}, nil)
	if !errors.As(err, &e) || len(e.Problems) != 1 {
		t.Errorf("%v", err)
	}
}
