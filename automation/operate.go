package automation

import (
	"context"
	"io"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
)

// A Result says what an operation did.
type Result struct {
	Operation string          `json:"operation"`
	Stack     string          `json:"stack"`
	Summary   Summary         `json:"summary"`
	Changes   []Change        `json:"changes"`
	Outputs   map[string]any  `json:"outputs,omitempty"` // of up; secrets are "[secret]"
	Retained  []StateResource `json:"retained,omitempty"`
	Kept      []StateResource `json:"kept,omitempty"` // of destroy: the protected resources that are still in the stack
	Recovered []Event         `json:"recovered,omitempty"`
	Seconds   float64         `json:"seconds"`
}

// Duration is how long the operation took, recovery included.
func (r Result) Duration() time.Duration { return time.Duration(r.Seconds * float64(time.Second)) }

// A Change is a resource that was changed, or would be in a preview.
type Change struct {
	Op       Op       `json:"op"`
	URN      string   `json:"urn"`
	Type     string   `json:"type"`
	Name     string   `json:"name"`
	Changed  []string `json:"changed,omitempty"`
	Replaces []string `json:"replaces,omitempty"`
}

// Preview tells what up would do. It changes no resource, and takes no lock; a stack that doesn't exist yet is made,
// empty. What an interrupted operation left isn't put in order by it, but is told.
func (w *Workspace) Preview(ctx context.Context) (Result, error) {
	return w.run(ctx, "preview", func(ctx context.Context, o *operation) error {
		stack, err := w.open(ctx, true)
		if err != nil {
			return err
		}
		if err := w.tellPending(ctx, stack); err != nil {
			return err
		}
		channel := o.channel()
		_, err = stack.Preview(ctx, optpreview.EventStreams(channel), optpreview.ErrorProgressStreams(&o.stderr), optpreview.ProgressStreams(&o.stderr), optpreview.Parallel(w.options.Parallel))
		return err
	})
}

// Up makes the stack what its program says; the stack is made when it doesn't exist.
//
// Errors: *[OperationError], *[LockedError].
func (w *Workspace) Up(ctx context.Context) (Result, error) {
	return w.run(ctx, "up", func(ctx context.Context, o *operation) error {
		stack, err := w.prepare(ctx, o, true)
		if err != nil {
			return err
		}
		done, err := stack.Up(ctx, optup.EventStreams(o.channel()), optup.ErrorProgressStreams(&o.stderr), optup.ProgressStreams(io.Discard), optup.Parallel(w.options.Parallel), optup.SuppressProgress())
		if err != nil {
			return err
		}
		o.result.Outputs = plainOutputs(done.Outputs)
		return nil
	})
}

// Refresh reads every resource from its provider into the state. What differs from the last up is in the result's
// changes: drift.
//
// Errors: *[OperationError], *[LockedError], *[NoStackError].
func (w *Workspace) Refresh(ctx context.Context) (Result, error) {
	return w.run(ctx, "refresh", func(ctx context.Context, o *operation) error {
		stack, err := w.prepare(ctx, o, false)
		if err != nil {
			return err
		}
		_, err = stack.Refresh(ctx, optrefresh.EventStreams(o.channel()), optrefresh.ErrorProgressStreams(&o.stderr), optrefresh.ProgressStreams(io.Discard), optrefresh.Parallel(w.options.Parallel), optrefresh.SuppressProgress())
		return err
	})
}

// DestroyOptions say what becomes of protected resources. With none of them set, a stack that has any isn't destroyed.
type DestroyOptions struct {
	// ExcludeProtected destroys everything but the protected resources, the retained ones, and what these need.
	ExcludeProtected bool
	// Unprotect lifts every protection first. What is retained on deletion leaves the stack and stays in AWS.
	Unprotect bool
}

// Destroy deletes the stack's resources. The result names what stays: in AWS but out of the stack (Retained), and in the
// stack (Kept).
//
// Errors: *[ProtectedError], *[OperationError], *[LockedError], *[NoStackError].
func (w *Workspace) Destroy(ctx context.Context, d DestroyOptions) (Result, error) {
	return w.run(ctx, "destroy", func(ctx context.Context, o *operation) error {
		stack, err := w.prepare(ctx, o, false)
		if err != nil {
			return err
		}
		state, err := stack.Export(ctx)
		if err != nil {
			return err
		}
		resources, err := resourcesOf(state)
		if err != nil {
			return err
		}
		protected := protectedOf(resources)
		options := []optdestroy.Option{optdestroy.EventStreams(o.channel()), optdestroy.ErrorProgressStreams(&o.stderr), optdestroy.ProgressStreams(io.Discard), optdestroy.Parallel(w.options.Parallel), optdestroy.SuppressProgress()}
		retained := retainedOf(resources)
		switch {
		case len(protected) == 0:
		case d.ExcludeProtected:
			// What is retained would only be let go of, not deleted: it stays with what it belongs to.
			kept := keptWith(resources, append(protected, retained...))
			options = append(options, optdestroy.Exclude(kept))
			retained = without(retained, kept)
			o.result.Kept = protected
		case d.Unprotect:
			open, err := withoutProtection(state)
			if err != nil {
				return err
			}
			if err := stack.Import(ctx, open); err != nil {
				return err
			}
		default:
			return &ProtectedError{Stack: w.options.Stack, Protected: protected}
		}
		if _, err = stack.Destroy(ctx, options...); err != nil {
			return err
		}
		o.result.Retained = retained
		return nil
	})
}

// Cancel releases the stack's lock, whoever holds it. An operation that does run is then no longer kept from being
// disturbed by another one: it is for those that don't run any more.
func (w *Workspace) Cancel(ctx context.Context) error {
	stack, err := w.open(ctx, false)
	if err != nil {
		return err
	}
	if err := stack.Cancel(ctx); err != nil {
		return failure(ctx, "releasing the lock", w.options.Stack, nil, standardError(err), err)
	}
	return nil
}
