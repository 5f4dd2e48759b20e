package tests

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/logarchive/logarchive/stacks"
)

// TestBoundaryProofAndSandboxAgree takes services away from the permission boundary of stack global, one at a time: what `verify`
// proves closed by it, the sandbox refuses, and the sandbox refuses nothing that is proven open.
func TestBoundaryProofAndSandboxAgree(t *testing.T) {
	t.Parallel()
	config, err := stacks.LoadConfig(root, "global")
	if err != nil {
		t.Fatal(err)
	}
	const key = stacks.Namespace + ":permissionsBoundary"
	boundary := document(t, config[key])
	said := document(t, boundary["document"].(string))
	allow := said["Statement"].([]any)[0].(map[string]any)
	services := slices.Clone(allow["Action"].([]any))
	refusals := 0
	for _, service := range []any{nil, "firehose:*", "kms:*", "lambda:*", "logs:*", "s3:*", "sqs:*", "athena:*"} {
		allow["Action"] = slices.DeleteFunc(slices.Clone(services), func(a any) bool { return a == service })
		text, err := json.Marshal(said)
		if err != nil {
			t.Fatal(err)
		}
		boundary["document"] = string(text)
		whole, err := json.Marshal(boundary)
		if err != nil {
			t.Fatal(err)
		}
		config[key] = string(whole)
		spec, err := stacks.ParseSpec("global", config)
		if err != nil {
			t.Fatal(err)
		}
		g := recordConfig(t, "global", config)
		closed := closedActions(g, spec.VerifyOptions())
		_, refused := deliverAll(t, g, externalObjects(t, spec))
		needed := slices.DeleteFunc(slices.Clone(closed), func(a string) bool { return slices.Contains(lookingActions, a) })
		switch {
		case refused != nil && len(closed) == 0:
			t.Errorf("without %v: proven open, but refused: %v", service, refused)
		case refused == nil && len(needed) > 0 && service != "athena:*": // the sandbox runs no queries
			t.Errorf("without %v: %v proven closed, but every line arrives", service, needed)
		}
		if refused != nil {
			refusals++
		}
	}
	if refusals < 4 {
		t.Errorf("only %d refusals: is the sandbox looking at boundaries?", refusals)
	}
}
