package automation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// childVariable makes the test binary run an up in the folder that it names, instead of the tests, until it is killed.
const childVariable = "LOGARCHIVE_TEST_UP_IN"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		fmt.Fprintln(os.Stderr, upUntilKilled(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// upUntilKilled runs an up whose second thing is made and never acknowledged.
func upUntilKilled(dir string) error {
	engine, err := FindEngine(context.Background(), nil)
	if err != nil {
		return err
	}
	options, err := toyOptions(dir, engine, &toy{hang: "bee"})
	if err != nil {
		return err
	}
	options.Parallel = 1
	options.Program = toyProgram("red", "ant", "bee", "cat")
	w, err := Open(context.Background(), options)
	if err != nil {
		return err
	}
	_, err = w.Up(context.Background())
	return err
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

// TestKilledParent kills this program in the middle of an up with SIGKILL: the engine dies with it, and the next up
// takes over the thing that was made, and makes the rest.
func TestKilledParent(t *testing.T) {
	t.Parallel()
	engine := testEngine(t)
	dir := t.TempDir()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childVariable+"="+dir)
	var said strings.Builder
	child.Stderr = &said
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()

	world := &toy{dir: filepath.Join(dir, "things")}
	lock := lockOf(t, dir, func() bool {
		select {
		case err := <-ended:
			t.Fatalf("the child ended by itself: %v\n%s", err, said.String())
		default:
		}
		return slices.Contains(world.things(), "bee")
	})
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-ended
	eventually(t, "the engine's end after its parent's", lock.Stale)

	options, err := toyOptions(dir, engine, world)
	if err != nil {
		t.Fatal(err)
	}
	goOn(t, options, world, "bee")
}

// TestKilledEngine kills the engine alone: the operation fails with a clear error, and the next one goes on.
func TestKilledEngine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	world := &toy{hang: "bee"}
	options, err := toyOptions(dir, testEngine(t), world)
	if err != nil {
		t.Fatal(err)
	}
	options.Parallel = 1
	w := open(t, options, toyProgram("red", "ant", "bee", "cat"))
	ended := make(chan error, 1)
	go func() {
		_, err := w.Up(context.Background())
		ended <- err
	}()
	lock := lockOf(t, dir, func() bool { return slices.Contains(world.things(), "bee") })

	// While it runs, a second operation is refused and told whose the lock is.
	var locked *LockedError
	if _, err := open(t, options, toyProgram("red")).Up(context.Background()); !errors.As(err, &locked) || len(locked.Locks) != 1 || locked.Locks[0].PID != lock.PID {
		t.Fatalf("a second up: %v, want a LockedError with process %d", err, lock.PID)
	}

	process, err := os.FindProcess(lock.PID)
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	var failed *OperationError
	if err := <-ended; !errors.As(err, &failed) || !strings.Contains(err.Error(), "killed") {
		t.Errorf("the killed up: %v, want an OperationError that says so", err)
	}
	world.hang = ""
	goOn(t, options, world, "bee")
}

// TestKilledBeforeTheStateWasWritten kills an engine that writes the state only at the end.
func TestKilledBeforeTheStateWasWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	world := &toy{hang: "bee"}
	options, err := toyOptions(dir, testEngine(t), world)
	if err != nil {
		t.Fatal(err)
	}
	options.StateAtEnd, options.Parallel = true, 1
	if _, err := open(t, options, toyProgram("red", "ant")).Up(context.Background()); err != nil || options.Interrupted() {
		t.Fatalf("interrupted %v, %v", options.Interrupted(), err)
	}
	w := open(t, options, toyProgram("red", "ant", "bee", "cat"))
	ended := make(chan error, 1)
	go func() {
		_, err := w.Up(context.Background())
		ended <- err
	}()
	var lock Lock
	eventually(t, "an up in the middle of its work", func() bool {
		locks, err := stackLocks(options.BackendURL, "toys", "box")
		if err != nil || len(locks) != 1 || !slices.Contains(world.things(), "bee") {
			return false
		}
		lock = locks[0]
		return true
	})
	process, err := os.FindProcess(lock.PID)
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil || !options.Interrupted() {
		t.Fatalf("the killed up: interrupted %v, %v", options.Interrupted(), err)
	}
	// What the state knows may be gone, too: it may have been a destroy.
	if err := os.Remove(world.path("ant")); err != nil {
		t.Fatal(err)
	}

	world.hang, world.resume = "", true
	var recovered []Event
	options.Events = func(e Event) {
		if e.Kind == Recovered {
			recovered = append(recovered, e)
		}
	}
	w = open(t, options, toyProgram("red", "ant", "bee", "cat"))
	if _, err := w.Up(context.Background()); err != nil || options.Interrupted() {
		t.Fatalf("up after a kill: interrupted %v, %v", options.Interrupted(), err)
	}
	if len(recovered) != 2 { // the lock, and the state
		t.Errorf("recovered %+v", recovered)
	}
	if things := world.things(); !slices.Equal(things, []string{"ant", "bee", "cat"}) {
		t.Errorf("things %v", things)
	}
	if again, err := w.Up(context.Background()); err != nil || again.Summary.Changes() != 0 || again.Summary.Same != 5 {
		t.Errorf("the up after that: %+v, %v", again.Summary, err)
	}
}

// TestInterrupted ends the context in the middle of an up: the engine finishes what it has begun, and nothing is left.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	world := &toy{hang: "bee"}
	options, err := toyOptions(dir, testEngine(t), world)
	if err != nil {
		t.Fatal(err)
	}
	kill, killNow := context.WithCancel(context.Background())
	defer killNow()
	options.Kill = kill
	w := open(t, options, toyProgram("red", "ant", "bee", "cat"))
	ctx, interruptNow := context.WithCancel(context.Background())
	defer interruptNow()
	ended := make(chan error, 1)
	go func() {
		_, err := w.Up(ctx)
		ended <- err
	}()
	lockOf(t, dir, func() bool { return slices.Contains(world.things(), "bee") })
	interruptNow()
	select {
	case err := <-ended:
		t.Fatalf("the up ended (%v) while its provider was still making a thing", err)
	case <-time.After(time.Second):
	}
	killNow() // the second Ctrl-C
	var failed *OperationError
	if err := <-ended; !errors.As(err, &failed) || !failed.Interrupted || !errors.Is(err, context.Canceled) {
		t.Errorf("the interrupted up: %v, want an OperationError that says so", err)
	}
	world.hang = ""
	options.Kill = nil
	goOn(t, options, world, "bee")
}

// lockOf waits for the condition, and returns the lock of the operation that runs.
func lockOf(t *testing.T, dir string, condition func() bool) Lock {
	t.Helper()
	var lock Lock
	eventually(t, "an up in the middle of its work", func() bool {
		if !condition() {
			return false
		}
		locks, err := stackLocks("file://"+filepath.ToSlash(filepath.Join(dir, "state")), "toys", "box")
		if err != nil || len(locks) != 1 {
			return false
		}
		lock = locks[0]
		return true
	})
	if lock.Stale() {
		t.Fatalf("the lock %v of a running operation is taken for stale", lock)
	}
	// The thing is made a moment before the engine could know it; its state has the creation as pending since before.
	eventually(t, "the pending creation in the state", func() bool {
		data, err := os.ReadFile(filepath.Join(dir, "state", ".pulumi", "stacks", "toys", "box.json"))
		var state struct {
			Checkpoint struct{ Latest json.RawMessage }
		}
		return err == nil && json.Unmarshal(data, &state) == nil && strings.Contains(string(data), "pending_operations")
	})
	return lock
}

// goOn runs up after an interrupted one, and expects the world and the state that an undisturbed up would have made.
func goOn(t *testing.T, options Options, world *toy, adopted string) {
	t.Helper()
	var recovered []Event
	options.Events = func(e Event) {
		if e.Kind == Recovered {
			recovered = append(recovered, e)
		}
	}
	w := open(t, options, toyProgram("red", "ant", "bee", "cat"))
	if _, err := w.Up(context.Background()); err != nil {
		t.Fatalf("up after an interruption: %v", err)
	}
	if !slices.ContainsFunc(recovered, func(e Event) bool { return e.Op == Import && e.Name == adopted }) {
		t.Errorf("recovered %+v, want %s taken over", recovered, adopted)
	}
	if !slices.ContainsFunc(recovered, func(e Event) bool { return strings.Contains(e.Message, "released the lock") }) {
		t.Errorf("recovered %+v, want a lock released", recovered)
	}
	if things := world.things(); !slices.Equal(things, []string{"ant", "bee", "cat"}) {
		t.Errorf("things %v", things)
	}
	again, err := w.Up(context.Background())
	if err != nil || again.Summary.Changes() != 0 || len(again.Recovered) != 0 {
		t.Errorf("the up after that: %+v, %v; want no change", again, err)
	}
	resources, err := w.Resources(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, r := range resources {
		if r.Type == "toy:index:Thing" {
			ids = append(ids, r.ID)
		}
	}
	slices.Sort(ids)
	if !slices.Equal(ids, []string{"ant", "bee", "cat"}) {
		t.Errorf("ids in the state %v", ids)
	}
}
