package automation

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
)

// prepare opens the stack and puts in order what an interrupted operation left.
func (w *Workspace) prepare(ctx context.Context, o *operation, create bool) (auto.Stack, error) {
	stack, err := w.open(ctx, create)
	if err != nil {
		return stack, err
	}
	if err := w.releaseStale(ctx, o); err != nil {
		return stack, err
	}
	if err := w.reconcile(ctx, o, stack); err != nil {
		return stack, err
	}
	if o.afterKill = w.options.Interrupted(); o.afterKill {
		o.hear(Recovery{Action: Checked, Message: "an operation was killed before it wrote the state: every resource is read from its provider"}.event())
		if err := o.read(ctx, stack); err != nil {
			return stack, err
		}
	}
	if err := w.unsaved(); err != nil {
		return stack, err
	}
	o.prepared = true
	return stack, nil
}

// reconcile takes the pending operations out of the stack's state.
func (w *Workspace) reconcile(ctx context.Context, o *operation, stack auto.Stack) error {
	state, err := stack.Export(ctx)
	if err != nil {
		return err
	}
	fixed, err := reconcile(ctx, state, w.options.Finder)
	if err != nil || fixed == nil {
		return err
	}
	if err := stack.Import(ctx, fixed.deployment); err != nil {
		return fmt.Errorf("writing the state without its interrupted operations: %w", err)
	}
	for _, r := range fixed.recoveries {
		o.hear(r.event())
	}
	if len(fixed.refresh) == 0 {
		return nil
	}
	return o.read(ctx, stack, optrefresh.Target(fixed.refresh))
}

// read reads resources from their providers into the state.
func (o *operation) read(ctx context.Context, stack auto.Stack, options ...optrefresh.Option) error {
	options = append(options, optrefresh.ErrorProgressStreams(&o.stderr), optrefresh.ProgressStreams(io.Discard))
	if _, err := stack.Refresh(ctx, options...); err != nil {
		return fmt.Errorf("reading what an interrupted operation left: %w", err)
	}
	return nil
}

// mendAttributes removes the empty notes that a killed engine leaves in a file backend. The backend's library keeps a file
// of attributes beside every file, and writes it in place, not atomically: killed in that moment, it leaves an empty one,
// and then refuses to read the state itself ("failed to load checkpoint: EOF"). Without the note it reads it.
func mendAttributes(backendURL, project, stack string) error {
	root, ok := backendFolder(backendURL)
	if !ok {
		return nil
	}
	for _, pattern := range []string{
		filepath.Join(root, ".pulumi", "stacks", project, stack+".json*.attrs"),
		filepath.Join(root, ".pulumi", "history", project, stack, "*.attrs"),
	} {
		notes, err := filepath.Glob(pattern)
		if err != nil {
			return err
		}
		for _, note := range notes {
			if info, err := os.Stat(note); err == nil && info.Size() == 0 {
				if err := os.Remove(note); err != nil && !os.IsNotExist(err) {
					return err
				}
			}
		}
	}
	return nil
}

// releaseStale removes the locks of dead processes; a *LockedError when a living one holds one.
func (w *Workspace) releaseStale(ctx context.Context, o *operation) error {
	backend, err := w.Backend(ctx)
	if err != nil {
		return err
	}
	locks, err := stackLocks(backend, w.project, w.options.Stack)
	if err != nil {
		return err
	}
	var held []Lock
	for _, lock := range locks {
		if !lock.Stale() {
			held = append(held, lock)
			continue
		}
		if err := os.Remove(lock.Path); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("releasing the lock of a dead process: %w", err)
		}
		_ = os.Remove(lock.Path + ".attrs") // what the backend notes beside every file
		o.hear(Recovery{Action: Unlocked, Message: fmt.Sprintf("an operation on stack %s was interrupted: released the lock of %v, which is dead", w.options.Stack, lock)}.event())
	}
	if len(held) > 0 {
		return &LockedError{Stack: w.options.Stack, Locks: held}
	}
	return nil
}

// tellPending warns of what an interrupted operation left.
func (w *Workspace) tellPending(ctx context.Context, stack auto.Stack) error {
	state, err := stack.Export(ctx)
	if err != nil {
		return err
	}
	fixed, err := reconcile(ctx, state, w.options.Finder)
	if err != nil || fixed == nil {
		return err
	}
	w.options.Events(Event{Kind: Diagnostic, Severity: Warning, Message: "an operation on this stack was interrupted: the next up, refresh or destroy begins by putting in order what it left"})
	for _, r := range fixed.recoveries {
		w.options.Events(Event{Kind: Diagnostic, Severity: Warning, URN: r.URN, Message: r.Message})
	}
	return nil
}
