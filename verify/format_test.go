package verify_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/policy"
	"github.com/logarchive/logarchive/verify"
)

var update = flag.Bool("update", false, "rewrite the golden files and docs/verify-rules.md")

// halfProven is a program with a path that is proven, one that is closed, a violation that is waived, and one part of a policy
// that no path needs.
func halfProven(t *testing.T) *program {
	t.Helper()
	p := newWorld(t)
	for _, w := range worlds {
		if w.name == "CloudTrail" || w.name == "a stream with a transform function" {
			w.build(p)
		}
	}
	p.drop("RolePolicy", "logs-to-stream")
	p.edit("RolePolicy", "app", "policy", first(func(s *policy.Statement) { s.Action = append(s.Action, "s3:GetBucketTagging") }))
	p.add("aws:cloudwatch/logGroup:LogGroup", "app", shop, map[string]any{"name": "/app"})
	return p
}

var halfOptions = verify.Options{Now: day(2026, 11, 21), Waivers: []verify.Waiver{
	{Rule: "group-retention", Resource: "app", Reason: "the auditors read it until they are through (SEC-1234)", Until: day(2026, 12, 31)},
}}

func written(t *testing.T, r *verify.Report, f verify.Format) string {
	t.Helper()
	var b bytes.Buffer
	if err := verify.Write(&b, r, f); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestFormats holds reports against files; -update writes them anew.
func TestFormats(t *testing.T) {
	t.Parallel()
	for _, f := range []verify.Format{verify.FormatTable, verify.FormatJSON, verify.FormatMermaid} { // SARIF has a test of its own
		got := written(t, halfProven(t).verify(halfOptions), f)
		compareFile(t, filepath.Join("testdata", "half-proven."+string(f)), got)
	}
}

func compareFile(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got; go test ./verify -update writes it anew):\n%s", path, diff)
	}
}

// TestReportsAreDeterministic shuffles what is declared.
func TestReportsAreDeterministic(t *testing.T) {
	t.Parallel()
	const seed = 11
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	p := copyOf(t, "beijing")
	p.drop("RolePolicy", "logs-delivery")
	p.drop("BucketPolicy", "archive")
	first := map[verify.Format]string{}
	for range 5 {
		r := p.verify(verify.Options{})
		for _, f := range verify.Formats() {
			got := written(t, r, f)
			if first[f] == "" {
				first[f] = got
			}
			if got != first[f] {
				t.Fatalf("%s differs from one run to the next", f)
			}
		}
		random.Shuffle(len(p.Resources), func(i, j int) { p.Resources[i], p.Resources[j] = p.Resources[j], p.Resources[i] })
	}
}

// TestTableFitsATerminal reads the lines of reports with many paths and many violations.
func TestTableFitsATerminal(t *testing.T) {
	t.Parallel()
	broken := copyOf(t, "beijing")
	for _, name := range []string{"logs-delivery", "databases-delivery", "backup-vaults"} {
		broken.drop("RolePolicy", name)
	}
	broken.drop("BucketPolicy", "archive")
	for name, r := range map[string]*verify.Report{
		"beijing": copyOf(t, "beijing").verify(verify.Options{}), "global": copyOf(t, "global").verify(verify.Options{}),
		"broken": broken.verify(verify.Options{}), "empty": newWorld(t).verify(verify.Options{}), "many": manyGroups(t, 40).verify(verify.Options{}),
	} {
		statement := false
		for line := range strings.Lines(written(t, r, verify.FormatTable)) {
			line = strings.TrimSuffix(line, "\n")
			statement = statement && line != "      }" || line == "      {"
			if n := utf8.RuneCountInString(line); n > 100 && !statement || strings.HasSuffix(line, " ") {
				t.Errorf("%s: a line of %d columns: %q", name, n, line)
			}
		}
	}
}

// manyGroups is the example stack with as many log groups more.
func manyGroups(t *testing.T, n int) *program {
	t.Helper()
	p := copyOf(t, "beijing")
	of := p.find("LogSubscriptionFilter", "logs-/app/payments")
	for i := range n {
		r := p.add(of.Type, fmt.Sprintf("many-%03d", i), home, of.Inputs.Mappable())
		r.Dependencies = of.Dependencies
		p.set("LogSubscriptionFilter", r.Name, "logGroup", fmt.Sprintf("/app/many-%03d", i))
	}
	return p
}

func TestManyLikePathsAreFolded(t *testing.T) {
	t.Parallel()
	r := manyGroups(t, 40).verify(verify.Options{})
	if r.Failed() {
		t.Fatalf("not proven:%s", violations(r))
	}
	table, chart := written(t, r, verify.FormatTable), written(t, r, verify.FormatMermaid)
	if !strings.Contains(table, "and 39 more like these") || strings.Contains(table, "many-020") {
		t.Errorf("the table isn't folded:\n%s", table)
	}
	if !strings.Contains(chart, "log-group<br/>and 35 more") || strings.Contains(chart, "many-020") {
		t.Errorf("the chart isn't folded:\n%s", chart)
	}
}

func TestAnEmptyReportSaysSo(t *testing.T) {
	t.Parallel()
	r := newWorld(t).verify(verify.Options{})
	if got := written(t, r, verify.FormatTable); !strings.Contains(got, "nothing is proven") {
		t.Errorf("the table of an empty program:\n%s", got)
	}
	for _, f := range []verify.Format{verify.FormatJSON, verify.FormatSARIF} {
		if got := written(t, r, f); !json.Valid([]byte(got)) || strings.Contains(got, "null") {
			t.Errorf("%s of an empty program:\n%s", f, got)
		}
	}
}

func TestUnknownFormats(t *testing.T) {
	t.Parallel()
	if _, err := verify.ParseFormat("xml"); err == nil || !strings.Contains(err.Error(), "want one of table, json, sarif, mermaid") {
		t.Errorf("got %v", err)
	}
	if err := verify.Write(&bytes.Buffer{}, &verify.Report{}, "xml"); err == nil {
		t.Error("a report is written as xml")
	}
	if f, err := verify.ParseFormat("sarif"); f != verify.FormatSARIF || err != nil {
		t.Errorf("%v, %v", f, err)
	}
}

// TestSARIF holds what version 2.1.0 demands, and what code hosts demand besides.
func TestSARIF(t *testing.T) {
	t.Parallel()
	var log struct {
		Schema  string `json:"$schema"`
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name, InformationURI string
					Rules                []struct {
						ID, Name, HelpURI                 string
						ShortDescription, FullDescription struct{ Text string }
						Help                              struct{ Text, Markdown string }
						DefaultConfiguration              struct{ Level string }
					}
				}
			}
			Results []struct {
				RuleID, Level string
				RuleIndex     int
				Message       struct{ Text string }
				Locations     []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine int }
					}
					LogicalLocations []struct{ FullyQualifiedName, Kind string }
				}
				PartialFingerprints map[string]string
				Suppressions        []struct{ Kind, Status, Justification string }
			}
		}
	}
	r := halfProven(t).verify(halfOptions)
	decoder := json.NewDecoder(strings.NewReader(written(t, r, verify.FormatSARIF)))
	if err := decoder.Decode(&log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || !strings.Contains(log.Schema, "sarif") || len(log.Runs) != 1 {
		t.Fatalf("version %q, schema %q, %d runs", log.Version, log.Schema, len(log.Runs))
	}
	driver := log.Runs[0].Tool.Driver
	if driver.Name == "" || len(driver.Rules) != len(verify.AllRules())+1 {
		t.Errorf("driver %q has %d rules", driver.Name, len(driver.Rules))
	}
	for _, rule := range driver.Rules {
		for what, text := range map[string]string{
			"id": rule.ID, "name": rule.Name, "short description": rule.ShortDescription.Text, "full description": rule.FullDescription.Text,
			"help": rule.Help.Text, "help in Markdown": rule.Help.Markdown, "help URI": rule.HelpURI, "level": rule.DefaultConfiguration.Level,
		} {
			if text == "" {
				t.Errorf("rule %s has no %s", rule.ID, what)
			}
		}
	}
	results, prints, waived, notes := log.Runs[0].Results, map[string]bool{}, 0, 0
	if want := len(r.Violations) + len(r.Unneeded); len(results) != want {
		t.Errorf("%d results, want %d", len(results), want)
	}
	for _, res := range results {
		if res.RuleIndex < 0 || res.RuleIndex >= len(driver.Rules) || driver.Rules[res.RuleIndex].ID != res.RuleID {
			t.Errorf("result %s has rule index %d", res.RuleID, res.RuleIndex)
		}
		if !slices.Contains([]string{"none", "note", "warning", "error"}, res.Level) || res.Message.Text == "" {
			t.Errorf("result %s has level %q and message %q", res.RuleID, res.Level, res.Message.Text)
		}
		if len(res.Locations) != 1 || res.Locations[0].PhysicalLocation.ArtifactLocation.URI == "" || res.Locations[0].PhysicalLocation.Region.StartLine < 1 || len(res.Locations[0].LogicalLocations) != 1 {
			t.Errorf("result %s is at %+v", res.RuleID, res.Locations)
		}
		if prints[res.PartialFingerprints["violation/v1"]] || len(res.PartialFingerprints) != 1 {
			t.Errorf("result %s has fingerprints %v, which another has", res.RuleID, res.PartialFingerprints)
		}
		prints[res.PartialFingerprints["violation/v1"]] = true
		waived += len(res.Suppressions)
		if res.Level == "note" {
			notes++
		}
	}
	if waived != 1 || notes != 1 {
		t.Errorf("%d are suppressed and %d are notes, want one each", waived, notes)
	}
}

// TestJSON reads a report as a program would.
func TestJSON(t *testing.T) {
	t.Parallel()
	var got struct {
		Version int
		Failed  bool
		Totals  verify.Totals
		Paths   []struct {
			Proven bool
			Steps  []int
		}
		Steps []struct {
			Open bool
			Hops []struct {
				Allowed  bool
				Remedies []struct{ Statement map[string]any }
			}
		}
		Violations []struct {
			Rule, Waived string
			Statement    map[string]any
		}
		Unneeded []struct{ Part string }
	}
	r := halfProven(t).verify(halfOptions)
	if err := json.Unmarshal([]byte(written(t, r, verify.FormatJSON)), &got); err != nil {
		t.Fatal(err)
	}
	if got.Version != 1 || !got.Failed || got.Totals != r.Totals() || len(got.Paths) != 2 {
		t.Errorf("version %d, failed %v, totals %+v, %d paths", got.Version, got.Failed, got.Totals, len(got.Paths))
	}
	statements := 0
	for _, p := range got.Paths {
		open := true
		for _, i := range p.Steps {
			open = open && got.Steps[i].Open
			for _, h := range got.Steps[i].Hops {
				for _, m := range h.Remedies {
					if m.Statement["Effect"] == "Allow" {
						statements++
					}
				}
			}
		}
		if open != p.Proven {
			t.Errorf("a path that is proven: %v has steps that are open: %v", p.Proven, open)
		}
	}
	if statements == 0 {
		t.Error("no remedy has a statement as an object")
	}
	if len(got.Unneeded) != 1 || got.Unneeded[0].Part != "action s3:GetBucketTagging" {
		t.Errorf("unneeded: %+v", got.Unneeded)
	}
}

// TestMermaid parses a chart as far as its boxes and arrows go.
func TestMermaid(t *testing.T) {
	t.Parallel()
	node, arrowForm := regexp.MustCompile(`^ +(n\d+)[(\[]`), regexp.MustCompile(`^  (n\d+) -->\|"([^"]*)"\| (n\d+)$`)
	chart := written(t, halfProven(t).verify(halfOptions), verify.FormatMermaid)
	nodes, depth, arrows, closed := map[string]bool{}, 0, 0, ""
	for line := range strings.Lines(chart) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.Contains(line, "subgraph "):
			depth++
		case strings.TrimSpace(line) == "end":
			depth--
		case node.MatchString(line):
			nodes[node.FindStringSubmatch(line)[1]] = true
		case arrowForm.MatchString(line):
			m := arrowForm.FindStringSubmatch(line)
			if !nodes[m[1]] || !nodes[m[3]] {
				t.Errorf("an arrow between boxes that aren't there: %s", line)
			}
			if strings.HasPrefix(m[2], "closed") {
				closed = fmt.Sprint(arrows)
			}
			arrows++
		}
	}
	if depth != 0 || arrows != 3 {
		t.Errorf("%d subgraphs stay open, %d arrows:\n%s", depth, arrows, chart)
	}
	if closed == "" || !strings.Contains(chart, "linkStyle "+closed+" stroke:#d32f2f") {
		t.Errorf("the closed step %q isn't red:\n%s", closed, chart)
	}
}
