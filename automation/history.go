package automation

import (
	"context"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

// Resources are the resources of the stack as its state knows them.
func (w *Workspace) Resources(ctx context.Context) ([]StateResource, error) {
	state, err := w.Export(ctx)
	if err != nil {
		return nil, err
	}
	return resourcesOf(state)
}

// Export is the stack's state, with its secrets in clear text.
func (w *Workspace) Export(ctx context.Context) (apitype.UntypedDeployment, error) {
	stack, err := w.open(ctx, false)
	if err != nil {
		return apitype.UntypedDeployment{}, err
	}
	state, err := stack.Export(ctx)
	if err != nil {
		return state, failure(ctx, "export", w.options.Stack, nil, standardError(err), err)
	}
	return state, nil
}

// Outputs are the stack's outputs as its last up left them; secrets are "[secret]".
func (w *Workspace) Outputs(ctx context.Context) (map[string]any, error) {
	stack, err := w.open(ctx, false)
	if err != nil {
		return nil, err
	}
	outputs, err := stack.Outputs(ctx)
	if err != nil {
		return nil, failure(ctx, "reading the outputs", w.options.Stack, nil, standardError(err), err)
	}
	return plainOutputs(outputs), nil
}

func plainOutputs(outputs auto.OutputMap) map[string]any {
	out := make(map[string]any, len(outputs))
	for name, output := range outputs {
		out[name] = output.Value
		if output.Secret {
			out[name] = "[secret]"
		}
	}
	return out
}

// A PastOperation is an entry of a stack's history.
type PastOperation struct {
	Number  int       `json:"number"`
	Kind    string    `json:"kind"`   // "update", "destroy", "refresh", "import"
	Result  string    `json:"result"` // "succeeded", "failed", "in-progress"
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`
	Message string    `json:"message,omitempty"`
	Summary Summary   `json:"summary"`
}

// History returns the stack's operations, the last one first; all of them when limit is 0.
func (w *Workspace) History(ctx context.Context, limit int) ([]PastOperation, error) {
	stack, err := w.open(ctx, false)
	if err != nil {
		return nil, err
	}
	entries, err := stack.History(ctx, limit, 1)
	if err != nil {
		return nil, failure(ctx, "reading the history", w.options.Stack, nil, standardError(err), err)
	}
	out := make([]PastOperation, 0, len(entries))
	for _, entry := range entries {
		u := PastOperation{Number: entry.Version, Kind: entry.Kind, Result: entry.Result, Message: entry.Message, Started: parseTime(entry.StartTime)}
		if entry.EndTime != nil {
			u.Ended = parseTime(*entry.EndTime)
		}
		if entry.ResourceChanges != nil {
			counts := map[apitype.OpType]int{}
			for op, n := range *entry.ResourceChanges {
				counts[apitype.OpType(op)] = n
			}
			u.Summary = summarize(counts)
		}
		out = append(out, u)
	}
	return out, nil
}

// parseTime reads the times of the history; the zero time when it is written in another way.
func parseTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
