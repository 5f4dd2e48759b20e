package stacks

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/verify"
)

// today is the day of the tests that are about days.
var today = time.Date(2026, time.November, 21, 23, 59, 0, 0, time.UTC)

func TestWhatIsToBeProvenIsRead(t *testing.T) {
	t.Parallel()
	s, err := parseSpec("x", parse(t, whole).engine(t), today)
	if err != nil {
		t.Fatal(err)
	}
	want := verify.Options{MinimumRetention: 365, Waivers: []verify.Waiver{{
		Rule: "group-retention", Resource: "/app/b", Reason: "known", Until: time.Date(2026, time.January, 31, 0, 0, 0, 0, time.UTC),
	}}}
	if diff := cmp.Diff(want, s.VerifyOptions()); diff != "" {
		t.Error(diff)
	}
	if s.PreflightMode != PreflightWarn {
		t.Errorf("preflight %q", s.PreflightMode)
	}
}

// A waiver names a rule, a reason and an end.
func TestWaiversAndBreakGlassAreChecked(t *testing.T) {
	t.Parallel()
	waiver := func(key, value string) map[string]any {
		w := map[string]any{"rule": "path", "resource": "main", "reason": "known", "until": "2027-03-31"}
		if key != "" {
			w[key] = value
		}
		return w
	}
	for _, test := range []struct {
		path  string
		value any
		want  string // the beginning of the one problem; "" for none
	}{
		{"waivers", list(waiver("", "")), ""},
		{"waivers", list(waiver("resource", "")), ""},
		{"waivers", list(waiver("until", "2027-11-21")), ""},
		{"waivers", list(waiver("until", "2020-01-01")), ""}, // ended: for the proof to say
		{"waivers", list(waiver("rule", "group-retention"), waiver("", "")), ""},
		{"waivers", list(waiver("rule", "grup-retention")), `waivers[0].rule: "grup-retention" is not a rule; did you mean group-retention?; want one of `},
		{"waivers", list(waiver("rule", "waiver")), `waivers[0].rule: "waiver" is not a rule; want one of `},
		{"waivers", list(waiver("reason", "")), `waivers[0].reason: "" is empty; want a sentence`},
		{"waivers", list(waiver("reason", "  ")), `waivers[0].reason: "  " says nothing; want a sentence`},
		{"waivers", list(waiver("until", "31.3.2027")), `waivers[0].until: "31.3.2027" is not a date; want one such as 2027-05-21`},
		{"waivers", list(waiver("until", "2027-02-29")), `waivers[0].until: "2027-02-29" is not a date`},
		{"waivers", list(waiver("until", "2027-11-22")), `waivers[0].until: 2027-11-22 is more than a year ahead; want 2027-11-21 or earlier`},
		{"waivers", list(waiver("", ""), waiver("reason", "another")), `waivers[1]: the same rule and resource as log-archive:waivers[0]; want one waiver`},
		{"waivers", list(waiver("untill", "2027-03-31")), `waivers[0].untill: unknown key with value "2027-03-31"; did you mean until?`},
		{"waivers", list(map[string]any{"rule": "path", "reason": "known"}), `waivers[0].until: is required; want a date`},
		{"preflight", "strict", `preflight: "strict" is not one of enforce, warn, off`},
		{"minimumRetentionDays", 179, `minimumRetentionDays: 179 is out of range; want an integer from 180 to 36500`},
		{"archive.breakGlassRole", "ops/Deployer", `archive.breakGlassRole: "ops/Deployer" is the role that deploys, too; want another one`},
		{"archive.breakGlassRole", "Break*", `archive.breakGlassRole: "Break*" is not a role; want a name`},
		{"archive.breakGlassRole", beijing.RoleARN("BreakGlass").String(), `archive.breakGlassRole: "` + beijing.RoleARN("BreakGlass").String() + `" is of account 111122223333; want 222233334444, the archive's`},
	} {
		_, err := parseSpec("x", parse(t, whole).with(t, test.path, test.value).engine(t), today)
		if test.want == "" {
			if err != nil {
				t.Errorf("%s %v: %v", test.path, test.value, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s %v is accepted", test.path, test.value)
			continue
		}
		if got := lines(t, err); len(got) != 1 || !strings.HasPrefix(got[0], Namespace+":"+test.want) {
			t.Errorf("%s %v: got %q, want %q", test.path, test.value, got, test.want)
		}
	}
}

// YAML has dates of its own, and the word off means false in its older version.
func TestDatesAndOffWithoutQuotes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	example, err := os.ReadFile(filepath.Join("..", "Pulumi.global.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(example), "log-archive:preflight: enforce", "log-archive:preflight: off", 1) +
		"  log-archive:waivers:\n    - {rule: path, reason: known, until: 2027-03-31}\n"
	for name, content := range map[string]string{"Pulumi.yaml": ProjectFile(), "Pulumi.global.yaml": text} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	config, err := LoadConfig(dir, "global")
	if err != nil {
		t.Fatal(err)
	}
	s, err := parseSpec("global", config, today)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Waivers[0].Until.Format(time.DateOnly); got != "2027-03-31" || s.PreflightMode != PreflightOff {
		t.Errorf("until %s, preflight %s", got, s.PreflightMode)
	}
}
