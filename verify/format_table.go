package verify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// width is how many columns a table takes.
const width = 100

// many is the number of like paths from which on they are folded.
const many = 8

// table writes a report for people.
func (r *Report) table() []byte {
	t := &tableWriter{}
	t.paths(r)
	t.violations(r)
	t.unneeded(r)
	t.totals(r)
	return t.b.Bytes()
}

type tableWriter struct{ b bytes.Buffer }

// line writes text from a column on, wrapped, and what follows the first line two columns further.
func (t *tableWriter) line(column int, format string, args ...any) {
	for i, line := range wrap(fmt.Sprintf(format, args...), width-column-2) {
		if i == 1 {
			column += 2
		}
		fmt.Fprintf(&t.b, "%s%s\n", strings.Repeat(" ", column), line)
	}
}

func (t *tableWriter) heading(format string, args ...any) {
	if t.b.Len() > 0 {
		t.b.WriteByte('\n')
	}
	fmt.Fprintf(&t.b, format+"\n\n", args...)
}

func (t *tableWriter) paths(r *Report) {
	totals := r.Totals()
	if totals.Paths == 0 {
		t.heading("Paths: none. No resource sends a log on its way, so nothing is proven")
		return
	}
	t.heading("Paths: %d, %d proven", totals.Paths, totals.Proven)
	for _, g := range foldPaths(r.Paths) {
		for i, p := range g.paths {
			if i == many && len(g.paths) > many+1 {
				t.line(2, "%s  and %d more like these", mark(p), len(g.paths)-many)
				break
			}
			t.line(2, "%s  %s %s in %s", mark(p), p.Source.Kind, p.Source.Name, placeText(p.Source))
		}
		t.b.WriteString(g.way)
	}
}

// group are paths of one kind and place that go the same way, with the same result.
type group struct {
	way   string
	paths []*Path
}

// foldPaths puts paths together that differ in their sources only.
func foldPaths(paths []*Path) []*group {
	var out []*group
	found := map[string]*group{}
	for _, p := range paths {
		var t tableWriter
		t.way(p)
		way := t.b.String()
		key := p.Source.Kind + " " + placeText(p.Source) + " " + way
		if found[key] == nil {
			found[key] = &group{way: way}
			out = append(out, found[key])
		}
		found[key].paths = append(found[key].paths, p)
	}
	return out
}

func mark(p *Path) string {
	if p.Proven() {
		return "proven"
	}
	return "CLOSED"
}

func placeText(s Source) string {
	if s.Place.Account == "" {
		return "place unknown"
	}
	return s.Place.String()
}

// way writes the stops of a path with what is decided on the way to each, and what is refused.
func (t *tableWriter) way(p *Path) {
	for i, s := range p.Steps {
		from := ""
		if i > 0 && s.From != p.Steps[i-1].To {
			from = s.From.String() + " "
		}
		where := ""
		switch from, to := s.From.Place, s.To.Place; {
		case to.Account != "" && to.Account != from.Account:
			where = " in " + to.String()
		case to.Region != from.Region:
			where = " in " + string(to.Region)
		}
		t.line(6, "%s-> %s%s: %s", from, s.To, where, stepText(s))
		t.refused(s)
	}
}

func stepText(s *Step) string {
	text := count(len(s.Hops), "hop")
	if n := s.refused(); n > 0 {
		text += fmt.Sprintf(", %d refused", n)
	}
	if n := len(s.Breaks); n > 0 {
		text += ", " + count(n, "broken link")
	}
	return text
}

// refused is how many hops of a step are.
func (s *Step) refused() int {
	n := 0
	for _, v := range s.Hops {
		if !v.Allowed {
			n++
		}
	}
	return n
}

// refused lists what keeps a step closed, a line for each caller and what it is for.
func (t *tableWriter) refused(s *Step) {
	for _, b := range s.Breaks {
		t.line(8, "x %s", b.Reason)
	}
	var order []string
	actions := map[string][]string{}
	for _, v := range s.Hops {
		if v.Allowed {
			continue
		}
		who := v.Title + ": refused to " + v.Caller.String()
		if actions[who] == nil {
			order = append(order, who)
		}
		actions[who] = union(actions[who], []string{v.Action})
	}
	for _, who := range order {
		t.line(8, "x %s: %s", who, strings.Join(actions[who], ", "))
	}
}

func (t *tableWriter) violations(r *Report) {
	totals := r.Totals()
	if len(r.Violations) == 0 {
		return
	}
	text := fmt.Sprintf("Violations: %d", totals.Violations)
	if totals.Waived > 0 {
		text += fmt.Sprintf(", and %d waived", totals.Waived)
	}
	t.heading("%s", text)
	for i, v := range r.Violations {
		if i > 0 {
			t.b.WriteByte('\n')
		}
		rule := v.Rule
		if v.Waived != "" {
			rule += " (waived: " + v.Waived + ")"
		}
		t.line(2, "%s", rule)
		if v.Resource != "" {
			t.line(4, "%s", labelOf(v.Resource))
		}
		t.line(4, "%s", v.Reason)
		if v.Source != "" {
			t.line(4, "concerns: %s", v.Source)
		}
		if v.Remedy != "" {
			t.line(4, "remedy: %s", v.Remedy)
		}
		t.statement(v.Statement)
	}
}

// statement lays a statement out. Its lines aren't wrapped: it is to be copied.
func (t *tableWriter) statement(text string) {
	var b bytes.Buffer
	if text == "" || json.Indent(&b, []byte(text), "      ", "  ") != nil {
		return
	}
	fmt.Fprintf(&t.b, "      %s\n", b.String())
}

func (t *tableWriter) unneeded(r *Report) {
	if len(r.Unneeded) == 0 {
		return
	}
	t.heading("Unneeded: %s without which every path is proven all the same", count(len(r.Unneeded), "part"))
	for i, u := range r.Unneeded {
		if i == 0 || r.Unneeded[i-1].Carrier != u.Carrier {
			t.line(2, "%s", labelOf(u.Carrier))
		}
		t.line(4, "%s", u)
	}
}

func (t *tableWriter) totals(r *Report) {
	assumed := map[string]bool{}
	for _, p := range r.Paths {
		for _, s := range p.Steps {
			for _, v := range s.Hops {
				for _, a := range v.Assumed {
					assumed[a] = true
				}
			}
		}
	}
	if len(assumed) > 0 {
		t.heading("Assumed: policies that are named, and of which nobody says what they allow: taken to be enough")
		for _, a := range sortedKeys(assumed) {
			t.line(2, "%s", a)
		}
	}
	n := r.Totals()
	t.heading("%s, %d proven; %s on the way, %d decided; %s, %d waived; %s unneeded", count(n.Paths, "path"), n.Proven,
		count(n.Hops, "hop"), n.Decided, count(n.Violations, "violation"), n.Waived, count(n.Unneeded, "part"))
	t.b.Truncate(t.b.Len() - 1)
}

// wrap breaks a text into lines of at most so many columns, at spaces, and words that are longer at a colon, slash or
// comma in them.
func wrap(text string, columns int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		for utf8.RuneCountInString(word) > columns {
			if line != "" {
				lines, line = append(lines, line), ""
			}
			head := string([]rune(word)[:columns])
			if i := strings.LastIndexAny(head, ":/,-_"); i > 0 {
				head = head[:i+1]
			}
			lines, word = append(lines, head), word[len(head):]
		}
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > columns:
			lines, line = append(lines, line), word
		default:
			line += " " + word
		}
	}
	if line != "" || len(lines) == 0 {
		lines = append(lines, line)
	}
	return lines
}
