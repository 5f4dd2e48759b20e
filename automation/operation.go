package automation

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
)

// An operation collects what is heard of the engine while it works.
type operation struct {
	w      *Workspace
	result Result
	stderr bytes.Buffer

	streams sync.WaitGroup
	stop    chan struct{}

	prepared  bool // the state says what is there
	afterKill bool // of an operation that hadn't written the state: some of its work may still have to be taken up

	mu          sync.Mutex // guards what follows, and the order of the callbacks
	diagnostics []Event
	summarized  bool
}

// run times an operation, passes its events on, and makes its error.
func (w *Workspace) run(ctx context.Context, name string, do func(context.Context, *operation) error) (Result, error) {
	began := time.Now()
	o := &operation{w: w, result: Result{Operation: name, Stack: w.options.Stack, Changes: []Change{}}, stop: make(chan struct{})}
	err := do(ctx, o)
	close(o.stop)
	o.streams.Wait()
	o.result.Seconds = time.Since(began).Seconds()
	if o.prepared && (err == nil || !o.afterKill) {
		if noteErr := w.saved(); err == nil {
			err = noteErr
		}
	}
	switch err.(type) {
	case nil, *ProtectedError, *LockedError, *NoStackError, *OperationError:
		return o.result, err
	}
	text := o.stderr.String()
	if text == "" {
		text = standardError(err)
	}
	return o.result, failure(ctx, name, w.options.Stack, o.diagnostics, text, err)
}

// unsaved notes that an operation begins whose state is written when it ends.
func (w *Workspace) unsaved() error {
	if !w.options.StateAtEnd {
		return nil
	}
	return os.WriteFile(filepath.Join(w.options.WorkDir, unsavedFile), nil, 0o600)
}

// saved takes the note back, unless the engine was killed.
func (w *Workspace) saved() error {
	if w.command.died.Load() {
		return nil
	}
	err := os.Remove(filepath.Join(w.options.WorkDir, unsavedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// channel is an event stream for the Automation API. The API closes it when the engine has ended in an orderly way, but
// not when the engine never connected; by the time that its call returns everything has been sent.
func (o *operation) channel() chan<- events.EngineEvent {
	channel := make(chan events.EngineEvent)
	o.streams.Add(1)
	go func() {
		defer o.streams.Done()
		for {
			select {
			case e, ok := <-channel:
				if !ok {
					return
				}
				if e.Error == nil {
					if event, ok := fromEngine(e.EngineEvent); ok {
						o.hear(event)
					}
				}
			case <-o.stop:
				return
			}
		}
	}()
	return channel
}

// hear notes an event and passes it on.
func (o *operation) hear(e Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch e.Kind {
	case Done:
		switch e.Op {
		case Same, Refresh, Read:
		default:
			o.result.Changes = append(o.result.Changes, Change{Op: e.Op, URN: e.URN, Type: e.Type, Name: e.Name, Changed: e.Changed, Replaces: e.Replaces})
		}
	case Diagnostic:
		if e.Severity == Error {
			o.diagnostics = append(o.diagnostics, e)
		}
	case Finished:
		o.result.Summary, o.summarized = *e.Counts, true
	case Recovered:
		o.result.Recovered = append(o.result.Recovered, e)
	}
	o.w.options.Events(e)
}

// autoStderr is how the Automation API's errors carry the CLI's standard error.
var autoStderr = regexp.MustCompile(`(?s)\nstderr: (.*)$`)

// standardError takes the CLI's standard error out of an error of the Automation API.
func standardError(err error) string {
	if m := autoStderr.FindStringSubmatch(err.Error()); m != nil {
		return m[1]
	}
	return ""
}
