package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// decisions are the decisions of a simulation's output, a line each.
func decisions(t *testing.T, output string) []string {
	t.Helper()
	var out []string
	for line := range strings.Lines(output) {
		var response struct {
			EvaluationResults []struct{ EvalDecision string }
		}
		if err := json.Unmarshal([]byte(line), &response); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		for _, r := range response.EvaluationResults {
			out = append(out, r.EvalDecision)
		}
	}
	return out
}

func TestSimulateExampleOfTheHelp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	example := simulateExample()
	plain := strings.Replace(example, `["true"]`, `["false"]`, 1)
	if err := os.WriteFile(filepath.Join(dir, "requests.json"), []byte(example+plain), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]outcome{
		"a file":                        run(t, dir, "simulate", "requests.json"),
		"standard input":                runWith(t, dir, example+plain, "simulate"),
		"standard input by its name":    runWith(t, dir, example+plain, "simulate", "-"),
		"whose results are JSON anyway": runWith(t, dir, example+plain, "simulate", "--json"),
	} {
		if o.code != exitOK || o.stderr != "" {
			t.Errorf("%s: %+v", name, o)
			continue
		}
		if got := strings.Join(decisions(t, o.stdout), " "); got != "allowed implicitDeny" {
			t.Errorf("%s: %s", name, got)
		}
	}
	if o := must(t, dir, "simulate", "--help"); !strings.Contains(o.stdout, example) {
		t.Errorf("the help has no example:\n%s", o.stdout)
	}
}

// What is wrong is named by line and field; what came before it has been answered.
func TestSimulateMistakes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good := `{"PolicyInputList": ["{\"Statement\": []}"], "ActionNames": ["s3:GetObject"]}` + "\n"
	for name, test := range map[string]struct {
		input    string
		want     string
		answered int
	}{
		"nothing":           {"", "line 1: no request: want a JSON object", 0},
		"no JSON":           {good + "ActionNames: x\n", "line 2: not JSON", 1},
		"a list":            {"[]", "line 1: want an object, not a list", 0},
		"an unknown field":  {good + good + `{"ActionNames": ["s3:GetObject"], "Actions": []}`, "line 3: Actions: is not a field of a request", 2},
		"a wrong type":      {"{\n\"PolicyInputList\": [\"{}\"],\n\"ActionNames\": \"s3:GetObject\"}", "line 3: ActionNames: want a list of strings, not a string", 0},
		"a wrong key type":  {`{"PolicyInputList": ["{\"Statement\": []}"], "ActionNames": ["s3:GetObject"], "ContextEntries": [{"ContextKeyName": "a:b", "ContextKeyValues": ["1"], "ContextKeyType": "nummer"}]}`, "line 1: ContextEntries[0].ContextKeyType", 0},
		"a broken policy":   {"\n" + `{"PolicyInputList": ["{"], "ActionNames": ["s3:GetObject"]}`, "line 2: PolicyInputList[0]", 0},
		"an unfinished one": {good + `{"ActionNames": `, "line 2: not JSON: unexpected end", 1},
	} {
		o := runWith(t, dir, test.input, "simulate")
		if o.code != exitUsage || !strings.HasPrefix(o.stderr, "logarchive: "+test.want) {
			t.Errorf("%s: exit code %d, want 2 and %q\n%s", name, o.code, test.want, o.stderr)
		}
		if got := len(decisions(t, o.stdout)); got != test.answered {
			t.Errorf("%s: %d requests were answered, want %d", name, got, test.answered)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "bad.json"), []byte("\n{"), 0o644); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"simulate bad.json":   "bad.json: line 2: not JSON",
		"simulate no.json":    "no.json: no such file",
		"simulate a.json b":   `takes one file, but was given "a.json" and "b"`,
		"simulate --file bad": "unknown flag: --file",
	} {
		if o := run(t, dir, strings.Fields(line)...); o.code != exitUsage || o.stdout != "" || !strings.Contains(o.stderr, want) {
			t.Errorf("%s: %+v, want 2 and %q", line, o, want)
		}
	}
}

// An interrupted simulation doesn't wait for the end of its input.
func TestSimulateInterrupted(t *testing.T) {
	t.Parallel()
	in, writer := io.Pipe()
	defer writer.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	var stderr safeBuffer
	m := &Main{Stdin: in, Stdout: io.Discard, Stderr: &stderr, Dir: t.TempDir()}
	if code := m.Run(ctx, []string{"simulate"}); code != exitFailed {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
}
