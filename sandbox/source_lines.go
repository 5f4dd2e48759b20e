package sandbox

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Lines makes n lines that a source takes and its first filter selects, each different from all others of the same run and from those of other runs,
// and looking like what such a source writes. run is a short word of letters and digits. For a flow log they are ids of
// records, as long as its format has room for; all others have their id in them as "id=run-number".
func (d *Delivery) Lines(source Source, run string, n int) ([]string, error) {
	s, err := d.resolve(source.ID)
	if err != nil {
		return nil, err
	}
	// Lines that the first filter doesn't select would get nowhere.
	pattern := &filterPattern{}
	filters := filtersOf(d.world, s.Place, s.group)
	selective := s.flowLog == nil && s.trail == nil && s.access == nil && len(filters) > 0
	if selective {
		if pattern, err = parseFilterPattern(filters[0].Text("filterPattern")); err != nil {
			return nil, fmt.Errorf("sandbox: %s: %w", s.ID, err)
		}
	}
	digits := max(6, len(fmt.Sprint(n)))
	lines := make([]string, n)
	random := rand.New(rand.NewPCG(uint64(n), uint64(len(s.ID))))
	at := d.clock.Now()
	for i := range lines {
		id := fmt.Sprintf("%s-%0*d", run, digits, i+1)
		if s.file != nil {
			lines[i] = id
			if err := s.file.check(id); err != nil {
				return nil, fmt.Errorf("sandbox: the run %q isn't accepted: %w", run, err)
			}
			continue
		}
		if s.trail != nil {
			event, _ := json.Marshal(trailEvent(s.Place, id, at)) // texts can be marshalled
			lines[i] = string(event)
			continue
		}
		if s.flowLog != nil {
			lines[i] = id
			if err := s.flowLog.codec.check(id); err != nil {
				return nil, fmt.Errorf("sandbox: the run %q is too long: %w", run, err)
			}
			continue
		}
		lines[i] = logLine(s, id, pattern, at.Add(time.Duration(i)*time.Millisecond), random)
		if selective && !pattern.matches(lines[i]) {
			return nil, fmt.Errorf("sandbox: no line that %s writes is selected by its filter's pattern", s.ID)
		}
	}
	return lines, nil
}

// terms are what a pattern wants to see in a line: all that it requires, or one of several.
func (p *filterPattern) terms() string {
	terms := slices.Clone(p.all)
	if len(p.any) > 0 {
		terms = append(terms, p.any[0])
	}
	return strings.Join(terms, " ")
}

// logLine is a line as databases and applications write it, with what a filter pattern wants in it.
func logLine(s Source, id string, pattern *filterPattern, at time.Time, random *rand.Rand) string {
	milliseconds := 1 + random.IntN(900)
	logType := s.Name[strings.LastIndexByte(s.Name, '/')+1:]
	if wanted := pattern.terms(); wanted != "" {
		id += " " + wanted
	}
	switch {
	case s.access != nil:
		return s.access.line(id, at, milliseconds, random)
	case s.Kind != SourceDatabase:
		level := [...]string{"INFO", "INFO", "INFO", "WARN", "ERROR"}[random.IntN(5)]
		event := map[string]any{
			"time": at.Format(time.RFC3339Nano), "level": level, "path": fmt.Sprintf("/orders/%d", random.IntN(10_000)),
			"ms": milliseconds, "msg": "request served id=" + id,
		}
		if pattern.json != nil {
			pattern.json.example(event)
		}
		line, _ := json.Marshal(event) // texts and numbers can be marshalled
		return string(line)
	case logType == "slowquery":
		return fmt.Sprintf("# Time: %s\n# Query_time: %d.%03d  Lock_time: 0.000 Rows_sent: 1\nSELECT * FROM orders /* id=%s */ WHERE total > %d;", at.Format("2006-01-02T15:04:05.000000Z"), milliseconds/100, milliseconds, id, random.IntN(1000))
	case logType == "audit":
		return fmt.Sprintf("%s,%s,app,10.0.%d.%d,%d,%d,QUERY,orders,'SELECT 1 /* id=%s */',0", at.Format("20060102 15:04:05"), s.logStream, random.IntN(256), random.IntN(256), random.IntN(10_000), random.IntN(10_000), id)
	case logType == "postgresql":
		return fmt.Sprintf("%s UTC:10.0.%d.%d(%d):app@orders:[%d]:LOG:  duration: %d.%03d ms  statement: SELECT 1 /* id=%s */", at.Format("2006-01-02 15:04:05"), random.IntN(256), random.IntN(256), 32768+random.IntN(20_000), random.IntN(30_000), milliseconds, milliseconds, id)
	}
	return fmt.Sprintf("%s %d [Note] [MY-%06d] [Server] Aborted connection %d to db: 'orders' id=%s", at.Format("2006-01-02T15:04:05.000000Z"), random.IntN(100), random.IntN(20_000), random.IntN(10_000), id)
}
