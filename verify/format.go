package verify

import (
	"fmt"
	"io"
	"strings"
)

// Format is a form of a report.
type Format string

// The forms.
const (
	// FormatTable is for people at a terminal of 100 columns.
	FormatTable Format = "table"
	// FormatJSON has everything, in a shape that stays: see [Write].
	FormatJSON Format = "json"
	// FormatSARIF is the Static Analysis Results Interchange Format 2.1.0, which code hosts show beside a change
	// (https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html).
	FormatSARIF Format = "sarif"
	// FormatMermaid is a flow chart of the paths in Mermaid's language, closed steps in red
	// (https://mermaid.js.org/syntax/flowchart.html).
	FormatMermaid Format = "mermaid"
)

// Formats returns all forms.
func Formats() []Format { return []Format{FormatTable, FormatJSON, FormatSARIF, FormatMermaid} }

// ParseFormat returns the form with the name; an error that names those that exist for any other.
func ParseFormat(name string) (Format, error) {
	var names []string
	for _, f := range Formats() {
		if string(f) == name {
			return f, nil
		}
		names = append(names, string(f))
	}
	return "", fmt.Errorf("%q is no format of a report; want one of %s", name, strings.Join(names, ", "))
}

// Write writes a report. The same report always gives the same bytes.
//
// As JSON it is an object with version (1), failed, totals, paths, steps, violations and unneeded. Paths name their steps by
// their position in steps: many paths share one. Statements are objects, as in a policy. Fields may be added, and none is
// renamed or removed without a new version.
//
// Errors: those of w, and a format that doesn't exist.
func Write(w io.Writer, r *Report, f Format) error {
	var text []byte
	var err error
	switch f {
	case FormatTable:
		text = r.table()
	case FormatJSON:
		text, err = r.json()
	case FormatSARIF:
		text, err = r.sarif()
	case FormatMermaid:
		text = r.mermaid()
	default:
		_, err = ParseFormat(string(f))
	}
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// Totals are what a report comes to.
type Totals struct {
	Paths  int `json:"paths"`
	Proven int `json:"proven"` // paths that are open from end to end
	// Hops are those of all paths; Decided those that differ, with those that no path has: whoever deploys must be able to
	// administer the keys.
	Hops    int `json:"hops"`
	Decided int `json:"decided"`
	// Assumed are hops that a policy decides of which nobody says what it allows: see [Verdict.Assumed].
	Assumed    int `json:"assumed,omitempty"`
	Violations int `json:"violations"` // without the waived ones
	Waived     int `json:"waived"`
	Unneeded   int `json:"unneeded"`
}

// Totals counts what is in the report.
func (r *Report) Totals() Totals {
	t := Totals{Paths: len(r.Paths), Decided: r.Decided, Unneeded: len(r.Unneeded)}
	for _, p := range r.Paths {
		for _, s := range p.Steps {
			t.Hops += len(s.Hops)
			for _, v := range s.Hops {
				if len(v.Assumed) > 0 {
					t.Assumed++
				}
			}
		}
		if p.Proven() {
			t.Proven++
		}
	}
	for _, v := range r.Violations {
		if v.Waived == "" {
			t.Violations++
		} else {
			t.Waived++
		}
	}
	return t
}

// steps are the different steps of all paths, in the order of the paths.
func (r *Report) steps() ([]*Step, map[*Step]int) {
	var out []*Step
	at := map[*Step]int{}
	for _, p := range r.Paths {
		for _, s := range p.Steps {
			if _, ok := at[s]; !ok {
				at[s] = len(out)
				out = append(out, s)
			}
		}
	}
	return out, at
}

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// typeOf is the resource type in a URN.
func typeOf(urn string) string {
	parts := strings.Split(urn, "::")
	if len(parts) < 4 {
		return ""
	}
	return parts[2][strings.LastIndexByte(parts[2], '$')+1:]
}

// labelOf is a resource's name, which waivers name it by, and its type.
func labelOf(urn string) string {
	if t := typeOf(urn); t != "" {
		return nameOf(urn) + " (" + t + ")"
	}
	return urn
}
