package simulate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// The corpus of package policy, where it fits into SimulateCustomPolicy, gives the same decisions through JSON.
func TestCorpus(t *testing.T) {
	t.Parallel()
	read := func(name string) []byte {
		data, err := os.ReadFile("../testdata/corpus/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	var disagreements []struct{ Cases map[string]string }
	if err := json.Unmarshal(read("disagreements.json"), &disagreements); err != nil {
		t.Fatal(err)
	}
	var input bytes.Buffer
	var ids, want []string
	for _, line := range bytes.Split(bytes.TrimSpace(read("cases.jsonl")), []byte("\n")) {
		var c struct {
			ID, Caller, Action, Resource, Owner, Peer string
			Context                                   map[string]any
			Identity, Boundary                        []json.RawMessage
			Session, ResourcePolicy                   json.RawMessage
			SCP, RCP                                  []json.RawMessage
		}
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		if c.Session != nil || c.SCP != nil || c.RCP != nil {
			continue
		}
		texts := func(docs []json.RawMessage) []string {
			out := []string{}
			for _, d := range docs {
				out = append(out, string(d))
			}
			return out
		}
		q := map[string]any{"PolicyInputList": texts(c.Identity), "ActionNames": []string{c.Action}, "ResourceArns": []string{c.Resource}, "ResourceOwner": c.Owner, "CallerArn": c.Caller}
		if c.Caller == "" {
			q["CallerArn"] = "*"
		}
		if c.Boundary != nil {
			q["PermissionsBoundaryPolicyInputList"] = texts(c.Boundary)
		}
		if c.ResourcePolicy != nil {
			q["ResourcePolicy"] = string(c.ResourcePolicy)
		}
		entries := []map[string]any{}
		for k, v := range c.Context {
			kind, values := "string", v
			if s, ok := v.(string); ok {
				values = []string{s}
			} else {
				kind = "stringList"
			}
			entries = append(entries, map[string]any{"ContextKeyName": k, "ContextKeyValues": values, "ContextKeyType": kind})
		}
		q["ContextEntries"] = entries
		if err := json.NewEncoder(&input).Encode(q); err != nil {
			t.Fatal(err)
		}
		decision := c.Peer
		for _, d := range disagreements {
			if ours, ok := d.Cases[c.ID]; ok {
				decision = ours
			}
		}
		ids, want = append(ids, c.ID), append(want, decision)
	}
	var out bytes.Buffer
	if err := Run(&input, &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != len(want) || len(want) < 1500 {
		t.Fatalf("%d answers to %d requests", len(lines), len(want))
	}
	for i, line := range lines {
		var r Response
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if len(r.EvaluationResults) != 1 {
			t.Fatalf("%s: %s", ids[i], line)
		}
		result := r.EvaluationResults[0]
		if result.EvalDecision != want[i] {
			t.Errorf("%s: %s, want %s", ids[i], result.EvalDecision, want[i])
		}
		if (len(result.MatchedStatements) == 0) != (result.EvalDecision == "implicitDeny") {
			t.Errorf("%s: %s by %s", ids[i], result.EvalDecision, fmt.Sprint(result.MatchedStatements))
		}
	}
}
