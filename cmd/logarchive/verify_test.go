package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// summaryLine is what verify says to standard error about what is proven.
var summaryLine = regexp.MustCompile(`^(the state of )?stack (beijing|global) is proven: (\d+) of (\d+) paths open, \d+ hops decided, 0 violations(, 1 waived)?; in [\d.]+m?s\n$`)

// provenPaths are the sources of a report as JSON.
func provenPaths(t *testing.T, text string) []string {
	t.Helper()
	var report struct {
		Paths []struct {
			Proven bool
			Source struct{ Kind, Name, Account, Region string }
		}
	}
	if err := json.Unmarshal([]byte(text), &report); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range report.Paths {
		if p.Proven {
			name := p.Source.Name
			if strings.HasPrefix(name, "fl-") { // AWS gives the id
				name = "fl"
			}
			out = append(out, fmt.Sprint(p.Source.Kind, " ", name, " ", p.Source.Account, " ", p.Source.Region))
		}
	}
	slices.Sort(out)
	return out
}

// unneededPart is what the summary says of statements that no path needs.
var unneededPart = regexp.MustCompile(`, \d+ statements unneeded`)

// reportedRules are the rules of the violations in a report as JSON, and whether it failed.
func reportedRules(t *testing.T, text string) (rules []string, failed bool) {
	t.Helper()
	var report struct {
		Failed     bool
		Violations []struct{ Rule string }
	}
	if err := json.Unmarshal([]byte(text), &report); err != nil {
		t.Fatalf("%v: %.200s", err, text)
	}
	for _, v := range report.Violations {
		rules = append(rules, v.Rule)
	}
	return rules, report.Failed
}

func TestVerifyProvesTheExamples(t *testing.T) {
	t.Parallel()
	dir := testProject(t)
	for _, stack := range []string{"beijing", "global"} {
		for format, want := range map[string]string{
			"table": "proven", "json": `"failed": false`, "sarif": `"version": "2.1.0"`, "mermaid": "flowchart",
		} {
			o := must(t, dir, "verify", "--stack", stack, "--format", format)
			m := summaryLine.FindStringSubmatch(o.stderr)
			if m == nil || m[3] != m[4] || m[3] == "0" {
				t.Errorf("%s: standard error: %q", stack, o.stderr)
			}
			if !strings.Contains(o.stdout, want) {
				t.Errorf("%s as %s: %.300s", stack, format, o.stdout)
			}
			if json.Valid([]byte(o.stdout)) != (format == "json" || format == "sarif") {
				t.Errorf("%s as %s isn't what it should be: %.300s", stack, format, o.stdout)
			}
		}
		if rules, failed := reportedRules(t, must(t, dir, "verify", "-s", stack, "--json").stdout); failed || len(rules) > 0 {
			t.Errorf("%s: %q", stack, rules)
		}
	}
	untouched(t, dir)
}

// A violation is exit code 1 in every format; a waiver makes it 0 until it ends.
func TestVerifyViolations(t *testing.T) {
	t.Parallel()
	dir := testProject(t)
	edit(t, dir, "Pulumi.beijing.yaml", "log-archive:minimumRetentionDays: 180", "log-archive:minimumRetentionDays: 3650")
	for format, want := range map[string]string{
		"table": "lifecycle-retention", "json": `"failed": true`, "sarif": `"ruleId": "lifecycle-retention"`, "mermaid": "flowchart",
	} {
		o := run(t, dir, "verify", "--stack", "beijing", "--format", format)
		if o.code != exitFailed || !strings.HasPrefix(o.stderr, "logarchive: stack beijing isn't proven: ") || !strings.Contains(o.stderr, "1 violation; in ") {
			t.Errorf("%s: exit code %d: %s", format, o.code, o.stderr)
		}
		if !strings.Contains(o.stdout, want) {
			t.Errorf("as %s: %.300s", format, o.stdout)
		}
	}
	if o := run(t, dir, "verify", "--stack", "global", "--minimum-retention", "3000", "--json"); o.code != exitFailed {
		t.Errorf("a longer minimum on the command line: %+v", o)
	}
	must(t, dir, "verify", "--stack", "beijing", "--minimum-retention", "180")

	waiver := func(until time.Time) {
		t.Helper()
		restored := testProject(t)
		data, err := os.ReadFile(filepath.Join(restored, "Pulumi.beijing.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Replace(string(data), "log-archive:minimumRetentionDays: 180", "log-archive:minimumRetentionDays: 3650\n"+
			"  log-archive:waivers:\n    - {rule: lifecycle-retention, resource: archive, reason: the budget, until: "+until.UTC().Format(time.DateOnly)+"}", 1)
		if err := os.WriteFile(filepath.Join(dir, "Pulumi.beijing.yaml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	waiver(time.Now().AddDate(0, 0, 1))
	if o := must(t, dir, "verify", "--stack", "beijing"); !strings.Contains(o.stdout, "the budget") || !strings.Contains(o.stderr, "0 violations, 1 waived") {
		t.Errorf("waived: %+v", o)
	}
	waiver(time.Now().AddDate(0, 0, -1))
	o := run(t, dir, "verify", "--stack", "beijing", "--json")
	if rules, failed := reportedRules(t, o.stdout); o.code != exitFailed || !failed || !slices.Equal(rules, []string{"lifecycle-retention", "waiver"}) {
		t.Errorf("with a waiver that has ended: %d, %q", o.code, rules)
	}
}

func TestVerifyBadUsage(t *testing.T) {
	t.Parallel()
	dir := testProject(t)
	for name, text := range map[string]string{"text.json": "no JSON", "other.json": `{"version": 3, "deployment": {}}`} {
		if err := os.WriteFile(filepath.Join(dir, "Pulumi."+name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	edit(t, dir, "Pulumi.global.yaml", "log-archive:preflight: enforce", "log-archive:preflight: strict")
	for line, want := range map[string]string{
		"verify":                                       "what is to be verified? Name a stack with --stack (beijing, global), or an exported state with --state",
		"verify beijing":                               `"logarchive verify" takes no arguments`,
		"verify --stack tokyo":                         "there is no stack tokyo",
		"verify --stack global":                        `log-archive:preflight: "strict" is not one of enforce, warn, off`,
		"verify --stack beijing --format xml":          `--format "xml" is no format of a report; want one of table, json, sarif, mermaid`,
		"verify --stack beijing --minimum-retention 0": "--minimum-retention 0: want a number of days, 1 or more",
		"verify --stack beijing --minimum-retention x": `invalid argument "x"`,
		"verify --state no.json":                       "no.json: no such file",
		"verify --state Pulumi.text.json":              "--state Pulumi.text.json: ",
		"verify --state Pulumi.other.json":             "--state Pulumi.other.json: ",
		"verify --state -":                             "--state -: ",
	} {
		o := run(t, dir, strings.Fields(line)...)
		if o.code != exitUsage || o.stdout != "" || strings.Count(o.stderr, want) != 1 {
			t.Errorf("%s: exit code %d, want 2 and %q once\n%s%s", line, o.code, want, o.stdout, o.stderr)
		}
	}
	if o := run(t, t.TempDir(), "verify"); o.code != exitUsage || !strings.Contains(o.stderr, "there is no Pulumi.yaml") {
		t.Errorf("outside of a project: %+v", o)
	}
}

// Where nothing sends a log, there is nothing to prove, which isn't the same as proven.
func TestVerifyNothing(t *testing.T) {
	t.Parallel()
	text := `{"version": 3, "deployment": {"resources": [{"urn": "urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev", "type": "pulumi:pulumi:Stack"},
		{"urn": "urn:pulumi:dev::shop::shop:index:Till::till", "type": "shop:index:Till"}]}}`
	o := runWith(t, t.TempDir(), text, "verify", "--state", "-")
	if o.code != exitOK || !strings.HasPrefix(o.stderr, "the state of stack dev has no source of logs: nothing is proven") {
		t.Errorf("%+v", o)
	}
}

// TestVerifyState proves what is deployed, from the engine's own export of a stack in the sandbox, where no project is needed.
func TestVerifyState(t *testing.T) {
	t.Parallel()
	dir := testProject(t)
	must(t, dir, "up", "--stack", "beijing", "--sandbox")
	text := exportOf(t, dir, "beijing")
	elsewhere := t.TempDir()
	if err := os.WriteFile(filepath.Join(elsewhere, "export.json"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	declared := must(t, dir, "verify", "--stack", "beijing", "--json")
	for name, o := range map[string]outcome{
		"a file":                   run(t, elsewhere, "verify", "--state", "export.json", "--json"),
		"standard input":           runWith(t, elsewhere, text, "verify", "--state", "-", "--json"),
		"the stack's requirements": runWith(t, dir, text, "verify", "--state", "-", "--stack", "beijing", "--json"),
	} {
		// Who reads the archive and whose load balancers write to it stands only in the configuration: without it, the
		// statements for them are needed by nothing that can be seen.
		summary := o.stderr
		if name != "the stack's requirements" {
			summary = unneededPart.ReplaceAllString(summary, "")
		}
		if o.code != exitOK || !summaryLine.MatchString(summary) || !strings.HasPrefix(o.stderr, "the state of stack beijing is proven: ") {
			t.Errorf("%s: exit code %d: %s", name, o.code, o.stderr)
			continue
		}
		// What is deployed is proven in the same paths as what is declared, as far as it is known who reads and whose load
		// balancers write.
		got, want := provenPaths(t, o.stdout), provenPaths(t, declared.stdout)
		if name != "the stack's requirements" {
			want = slices.DeleteFunc(want, func(p string) bool {
				kind, _, _ := strings.Cut(p, " ")
				return kind == "reader" || kind == "query" || kind == "load-balancer"
			})
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: paths (-declared +deployed):\n%s", name, diff)
		}
	}
	if o := run(t, elsewhere, "verify", "--state", "export.json", "--minimum-retention", "3650"); o.code != exitFailed || !strings.Contains(o.stdout, "lifecycle-retention") {
		t.Errorf("a longer minimum: %+v", o)
	}
	if o := runWith(t, dir, text, "verify", "--state", "-", "--stack", "global"); o.code != exitUsage || !strings.Contains(o.stderr, `--state - is of stack "beijing", not of "global"`) {
		t.Errorf("the state of another stack: %+v", o)
	}

	// Somebody took a statement away behind the program's back.
	broken := strings.ReplaceAll(text, `\"firehose:PutRecordBatch\"`, `\"firehose:PutRecord\"`)
	if broken == text {
		t.Fatal("the state has no firehose:PutRecordBatch: adapt this test")
	}
	o := runWith(t, elsewhere, broken, "verify", "--state", "-", "--json")
	if rules, _ := reportedRules(t, o.stdout); o.code != exitFailed || !slices.Contains(rules, "path") {
		t.Errorf("a state with a closed path: exit code %d, %q", o.code, rules)
	}
}

// exportOf is what `pulumi stack export` prints of a stack in a project's sandbox.
func exportOf(t *testing.T, dir, stack string) string {
	t.Helper()
	var stderr safeBuffer
	m := &Main{Stdin: strings.NewReader(""), Stdout: &safeBuffer{}, Stderr: &stderr, Dir: dir, Kill: context.Background()}
	p := m.newProgress()
	defer p.end()
	s, err := m.openSession(t.Context(), sessionOptions{stack: stack, sandbox: true}, p)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}()
	deployment, err := s.workspace.Export(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(deployment, "", "    ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
