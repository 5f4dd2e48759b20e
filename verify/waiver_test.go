package verify_test

import (
	"strings"
	"testing"
	"time"

	"github.com/logarchive/logarchive/verify"
)

// TestWaivers tolerates one violation of the example stack: a log group that is kept for ever.
func TestWaivers(t *testing.T) {
	t.Parallel()
	const group = "/aws/ec2/system-logs"
	urn := ""
	p := copyOf(t, "beijing")
	p.set("LogGroup", group, "retentionInDays", nil)
	urn = p.find("LogGroup", group).URN
	good := verify.Waiver{Rule: "group-retention", Resource: group, Reason: "known", Until: day(2026, 12, 31)}
	with := func(change func(*verify.Waiver)) verify.Waiver {
		w := good
		change(&w)
		return w
	}
	for _, c := range []struct {
		name    string
		waiver  verify.Waiver
		now     time.Time
		waived  bool
		problem string // of the waiver itself
	}{
		{"by name", good, day(2026, 11, 21), true, ""},
		{"by URN", with(func(w *verify.Waiver) { w.Resource = urn }), day(2026, 11, 21), true, ""},
		{"every resource", with(func(w *verify.Waiver) { w.Resource = "" }), day(2026, 11, 21), true, ""},
		{"on its last day", good, time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC), true, ""},
		{"on the day after", good, day(2027, 1, 1), false, "the waiver of group-retention ended on 2026-12-31"},
		{"without an end", with(func(w *verify.Waiver) { w.Until = time.Time{} }), day(2026, 11, 21), false, "ended on 0001-01-01"},
		{"of another resource", with(func(w *verify.Waiver) { w.Resource = "/app" }), day(2026, 11, 21), false, "waives nothing"},
		{"of another rule", with(func(w *verify.Waiver) { w.Rule = "path" }), day(2026, 11, 21), false, "the waiver of path waives nothing"},
		{"of no rule", with(func(w *verify.Waiver) { w.Rule = "grup-retention" }), day(2026, 11, 21), false, `the waiver is of "grup-retention", which is no rule that can be waived`},
		{"of waivers", with(func(w *verify.Waiver) { w.Rule = "waiver" }), day(2026, 11, 21), false, `"waiver", which is no rule that can be waived`},
		{"without a reason", with(func(w *verify.Waiver) { w.Reason = " " }), day(2026, 11, 21), false, "gives no reason"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := p.verify(verify.Options{Now: c.now, Waivers: []verify.Waiver{c.waiver}})
			groups := named(r, "group-retention")
			if len(groups) != 1 || (groups[0].Waived != "") != c.waived {
				t.Errorf("waived is not %v: %+v", c.waived, groups)
			}
			if r.Failed() == c.waived {
				t.Errorf("the verification fails: %v", r.Failed())
			}
			problems := named(r, "waiver")
			if c.problem == "" && len(problems) > 0 || c.problem != "" && (len(problems) != 1 || !strings.Contains(problems[0].Reason, c.problem) || problems[0].Remedy == "") {
				t.Errorf("of the waiver is said %+v, want %q", problems, c.problem)
			}
		})
	}
}

// A waiver without Now is looked at in the present.
func TestWaiversEndInThePresent(t *testing.T) {
	t.Parallel()
	p := copyOf(t, "beijing")
	p.set("LogGroup", "/aws/ec2/system-logs", "retentionInDays", nil)
	for days, failed := range map[int]bool{-2: true, 2: false} {
		r := p.verify(verify.Options{Waivers: []verify.Waiver{{Rule: "group-retention", Reason: "known", Until: time.Now().AddDate(0, 0, days)}}})
		if r.Failed() != failed {
			t.Errorf("%d days from now, the verification fails: %v", days, r.Failed())
		}
	}
}
