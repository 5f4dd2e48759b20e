package automation

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/urn"
)

// A PendingCreate is a creation that the engine had begun and, as far as its state knows, not finished.
type PendingCreate struct {
	URN      string
	Type     string         // such as aws:s3/bucketV2:BucketV2
	Name     string         // the resource's name in the program
	Provider string         // the URN of its provider
	Inputs   map[string]any // as the engine stores them
}

// Found is what a [Finder] knows of a creation that did happen.
type Found struct {
	ID string
	// Outputs is the resource's state as the engine stores it. Nil: the provider is asked for it, by a refresh of the
	// resource that begins with its inputs, and drops it when the provider doesn't know the id after all.
	Outputs map[string]any
}

// A Finder looks for the resource of a creation that was interrupted: false when it was never made. An error stops the
// operation before anything is changed.
type Finder func(ctx context.Context, create PendingCreate) (Found, bool, error)

// A Recovery says what was done about something that an interrupted operation had left.
type Recovery struct {
	URN     string
	ID      string // of an adopted resource
	Action  RecoveryAction
	Message string
}

// RecoveryAction is what was done.
type RecoveryAction string

// The actions.
const (
	Unlocked RecoveryAction = "unlocked" // the lock of a dead process was released
	Adopted  RecoveryAction = "adopted"  // the creation did happen: the resource is in the state now
	Cleared  RecoveryAction = "cleared"  // the creation didn't happen, or nobody could tell
	Checked  RecoveryAction = "checked"  // an unfinished update or deletion: the provider was asked what is there
)

// event is the event that reports r.
func (r Recovery) event() Event {
	e := Event{Kind: Recovered, URN: r.URN, Message: r.Message, Severity: Info}
	e.Type, e.Name = typeAndName(r.URN)
	if r.Action == Adopted {
		e.Op = Import
	}
	return e
}

// reconciled is a deployment without pending operations.
type reconciled struct {
	deployment apitype.UntypedDeployment
	recoveries []Recovery
	refresh    []string // URNs that the provider must be asked about before the next operation
}

// pendingResource is what the reconciliation reads of a resource in a deployment. The rest of it is carried over byte by
// byte, whatever version of the engine wrote it.
type pendingResource struct {
	URN                string         `json:"urn"`
	Type               string         `json:"type"`
	ID                 string         `json:"id"`
	Custom             bool           `json:"custom"`
	Delete             bool           `json:"delete"`
	PendingReplacement bool           `json:"pendingReplacement"`
	Provider           string         `json:"provider"`
	Inputs             map[string]any `json:"inputs"`
}

type pendingOperation struct {
	Resource json.RawMessage `json:"resource"`
	Type     string          `json:"type"`
}

// reconcile decides about every pending operation of a deployment; find may be nil. It changes nothing but the copy that
// it returns; nil when there is nothing pending.
func reconcile(ctx context.Context, stack apitype.UntypedDeployment, find Finder) (*reconciled, error) {
	var deployment map[string]json.RawMessage
	if len(stack.Deployment) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(stack.Deployment, &deployment); err != nil {
		return nil, fmt.Errorf("the stack's state can't be read: %w", err)
	}
	var operations []pendingOperation
	var resources []json.RawMessage
	if err := errors.Join(unmarshal(deployment["pending_operations"], &operations), unmarshal(deployment["resources"], &resources)); err != nil {
		return nil, fmt.Errorf("the stack's state can't be read: %w", err)
	}
	if len(operations) == 0 {
		return nil, nil
	}
	live := map[string]int{} // URN -> index of the resource that isn't waiting for its deletion
	known := make([]pendingResource, len(resources))
	for i, data := range resources {
		if err := json.Unmarshal(data, &known[i]); err != nil {
			return nil, fmt.Errorf("resource %d of the stack's state can't be read: %w", i, err)
		}
		if !known[i].Delete {
			live[known[i].URN] = i
		}
	}

	out := &reconciled{}
	drop := map[int]bool{}
	for _, op := range operations {
		var r pendingResource
		if err := json.Unmarshal(op.Resource, &r); err != nil {
			return nil, fmt.Errorf("a pending operation of the stack's state can't be read: %w", err)
		}
		if op.Type != "creating" {
			if _, ok := live[r.URN]; ok && op.Type != "reading" && r.Custom {
				out.refresh = append(out.refresh, r.URN)
				out.note(r, Checked, fmt.Sprintf("%s %s was interrupted: what is there now is read from the provider", op.Type, describe(r)))
			}
			continue
		}
		found, ok, err := findPending(ctx, r, find)
		if err != nil {
			return nil, fmt.Errorf("looking for %s, whose creation was interrupted: %w", describe(r), err)
		}
		old, replaced := live[r.URN]
		if !ok || replaced && known[old].ID == found.ID {
			if r.Custom && !isProvider(r.Type) {
				message := fmt.Sprintf("creating %s was interrupted: it wasn't made, and is made anew when needed", describe(r))
				if find == nil {
					message = fmt.Sprintf("creating %s was interrupted, and whether it was made isn't known: if the next operation says that it exists already, import it with: pulumi import %s %s <id>", describe(r), r.Type, urn.URN(r.URN).Name())
				}
				out.note(r, Cleared, message)
			}
			continue
		}
		data, err := withID(op.Resource, found, r.Inputs)
		if err != nil {
			return nil, err
		}
		if replaced {
			// What the engine does when the creation of a replacement succeeds: the old resource waits for its deletion,
			// unless it was deleted first, and only its entry waited for the replacement.
			if known[old].PendingReplacement {
				drop[old] = true
			} else if resources[old], err = set(resources[old], map[string]any{"delete": true}); err != nil {
				return nil, err
			}
		}
		live[r.URN] = len(resources)
		known = append(known, r)
		resources = append(resources, data)
		if found.Outputs == nil {
			out.refresh = append(out.refresh, r.URN)
		}
		out.recoveries = append(out.recoveries, Recovery{URN: r.URN, ID: found.ID, Action: Adopted,
			Message: fmt.Sprintf("creating %s was interrupted after it was made: it is %s, and is in the stack's state now", describe(r), found.ID)})
	}

	kept := make([]json.RawMessage, 0, len(resources))
	for i, data := range resources {
		if !drop[i] {
			kept = append(kept, data)
		}
	}
	delete(deployment, "pending_operations")
	var err error
	if deployment["resources"], err = json.Marshal(kept); err != nil {
		return nil, err
	}
	out.deployment = apitype.UntypedDeployment{Version: stack.Version, Features: stack.Features}
	out.deployment.Deployment, err = json.Marshal(deployment)
	return out, err
}

func (out *reconciled) note(r pendingResource, action RecoveryAction, message string) {
	out.recoveries = append(out.recoveries, Recovery{URN: r.URN, Action: action, Message: message})
}

// findPending asks the finder about what a provider makes. Components and provider instances exist in the state alone.
func findPending(ctx context.Context, r pendingResource, find Finder) (Found, bool, error) {
	if find == nil || !r.Custom || isProvider(r.Type) {
		return Found{}, false, nil
	}
	found, ok, err := find(ctx, PendingCreate{URN: r.URN, Type: r.Type, Name: urn.URN(r.URN).Name(), Provider: providerURN(r.Provider), Inputs: r.Inputs})
	if err == nil && ok && found.ID == "" {
		return Found{}, false, errors.New("it was found without an id")
	}
	return found, ok, err
}

func isProvider(token string) bool { return strings.HasPrefix(token, "pulumi:providers:") }

func describe(r pendingResource) string { return r.Type + " " + urn.URN(r.URN).Name() }

// withID is a resource of the state with the id and the outputs that were found. Until they are read, the inputs stand
// for the outputs: an id alone doesn't name every resource (a log stream's is its name, and the group is needed too).
func withID(resource json.RawMessage, found Found, inputs map[string]any) (json.RawMessage, error) {
	outputs := found.Outputs
	if outputs == nil {
		outputs = inputs
	}
	return set(resource, map[string]any{"id": found.ID, "outputs": outputs})
}

// set returns a JSON object with some of its members replaced.
func set(object json.RawMessage, members map[string]any) (json.RawMessage, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(object, &all); err != nil {
		return nil, err
	}
	for name, value := range members {
		data, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		all[name] = data
	}
	return json.Marshal(all)
}

// unmarshal is json.Unmarshal for a member that may be missing, without loss of large numbers.
func unmarshal(data json.RawMessage, to any) error {
	if len(data) == 0 {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	return decoder.Decode(to)
}
