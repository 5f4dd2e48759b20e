package automation

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

// interrupted is a state with a pending operation of each sort; its numbers and unknown members must survive.
func interrupted(t *testing.T) apitype.UntypedDeployment {
	t.Helper()
	data, err := os.ReadFile("testdata/interrupted.json")
	if err != nil {
		t.Fatal(err)
	}
	var stack apitype.UntypedDeployment
	if err := json.Unmarshal(data, &stack); err != nil {
		t.Fatal(err)
	}
	return stack
}

// finder finds what is in the map by the resource's name.
func finder(found map[string]Found) Finder {
	return func(_ context.Context, create PendingCreate) (Found, bool, error) {
		f, ok := found[create.Name]
		return f, ok, nil
	}
}

// entry is what the tests read of a resource in a state.
type entry struct {
	URN, ID string
	Delete  bool
	Outputs map[string]any
	Future  json.Number // a member that this program doesn't know
}

func entries(t *testing.T, r *reconciled) map[string][]entry {
	t.Helper()
	var deployment struct {
		Resources         []entry
		PendingOperations []any `json:"pending_operations"`
	}
	if err := json.Unmarshal(r.deployment.Deployment, &deployment); err != nil {
		t.Fatal(err)
	}
	if len(deployment.PendingOperations) != 0 {
		t.Errorf("still pending: %v", deployment.PendingOperations)
	}
	out := map[string][]entry{}
	for _, e := range deployment.Resources {
		name := nameOf(e.URN)
		e.URN = ""
		out[name] = append(out[name], e)
	}
	return out
}

func TestReconcile(t *testing.T) {
	t.Parallel()
	stack := interrupted(t)
	before := string(stack.Deployment)
	got, err := reconcile(context.Background(), stack, finder(map[string]Found{
		"made":          {ID: "bucket-made", Outputs: map[string]any{"arn": "an arn"}},
		"unread":        {ID: "role-unread"},
		"replaced":      {ID: "stream-new", Outputs: map[string]any{}},
		"deleted-first": {ID: "group-new", Outputs: map[string]any{}},
		"same-id":       {ID: "queue-1"},
	}))
	if err != nil {
		t.Fatal(err)
	}
	if string(stack.Deployment) != before {
		t.Error("the state that was handed in was changed")
	}
	want := map[string][]entry{
		"log-archive-beijing": {{}},
		"home":                {{ID: "0f7c", Future: "12345678901234567890"}},
		"made":                {{ID: "bucket-made", Outputs: map[string]any{"arn": "an arn"}}},
		"unread":              {{ID: "role-unread", Outputs: map[string]any{"name": "unread"}}},
		"replaced":            {{ID: "stream-old", Delete: true}, {ID: "stream-new", Outputs: map[string]any{}}},
		"deleted-first":       {{ID: "group-new", Outputs: map[string]any{}}},
		"same-id":             {{ID: "queue-1"}},
		"updating":            {{ID: "policy-1"}},
		"deleting":            {{ID: "alias-1"}},
	}
	if diff := cmp.Diff(want, entries(t, got)); diff != "" {
		t.Error(diff)
	}
	var asked []string
	for _, urn := range got.refresh {
		asked = append(asked, nameOf(urn))
	}
	if diff := cmp.Diff([]string{"unread", "updating", "deleting"}, asked); diff != "" {
		t.Errorf("asked of the provider: %s", diff)
	}
	actions := map[string]RecoveryAction{}
	for _, r := range got.recoveries {
		actions[nameOf(r.URN)] = r.Action
		if r.Message == "" {
			t.Errorf("%v says nothing", r)
		}
	}
	if diff := cmp.Diff(map[string]RecoveryAction{
		"made": Adopted, "unread": Adopted, "replaced": Adopted, "deleted-first": Adopted,
		"lost": Cleared, "same-id": Cleared, "updating": Checked, "deleting": Checked,
	}, actions); diff != "" {
		t.Error(diff)
	}
}

func TestReconcileWithoutAFinder(t *testing.T) {
	t.Parallel()
	got, err := reconcile(context.Background(), interrupted(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range got.recoveries {
		if r.Action == Adopted {
			t.Errorf("adopted %v with nobody to find it", r)
		}
		if nameOf(r.URN) == "lost" && !strings.Contains(r.Message, "pulumi import") {
			t.Errorf("%q doesn't say what to do", r.Message)
		}
	}
}

func TestReconcileNothingPending(t *testing.T) {
	t.Parallel()
	for _, deployment := range []string{"", "{}", `{"resources":[{"urn":"urn:pulumi:a::b::c::d"}]}`, `{"pending_operations":[]}`} {
		got, err := reconcile(context.Background(), apitype.UntypedDeployment{Version: 3, Deployment: json.RawMessage(deployment)}, nil)
		if got != nil || err != nil {
			t.Errorf("%q: %+v, %v", deployment, got, err)
		}
	}
}

func TestReconcileErrors(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		deployment string
		find       Finder
		want       string
	}{
		"damaged":           {`{"resources":`, nil, "can't be read"},
		"damaged resources": {`{"resources":{},"pending_operations":[{}]}`, nil, "can't be read"},
		"damaged resource":  {`{"resources":[1],"pending_operations":[{"type":"creating","resource":{}}]}`, nil, "resource 0"},
		"damaged operation": {`{"pending_operations":[{"type":"creating","resource":1}]}`, nil, "pending operation"},
		"the finder fails": {`{"pending_operations":[{"type":"creating","resource":{"urn":"urn:pulumi:a::b::t:i:T::n","type":"t:i:T","custom":true}}]}`, func(context.Context, PendingCreate) (Found, bool, error) {
			return Found{}, false, errors.New("throttled")
		}, "t:i:T n, whose creation was interrupted: throttled"},
		"found without an id": {`{"pending_operations":[{"type":"creating","resource":{"urn":"urn:pulumi:a::b::t:i:T::n","type":"t:i:T","custom":true}}]}`, finder(map[string]Found{"n": {}}), "without an id"},
	} {
		_, err := reconcile(context.Background(), apitype.UntypedDeployment{Version: 3, Deployment: json.RawMessage(test.deployment)}, test.find)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, test.want)
		}
	}
}
