// Package report writes what a Lambda function has to say: one JSON object a line, metrics in embedded metric format.
package report

import (
	"encoding/json"
	"io"
	"maps"
	"slices"
	"sync"
	"time"
)

// Log writes whole lines. Its zero value writes nothing; it is safe for concurrent use.
type Log struct {
	mu sync.Mutex
	to io.Writer
}

// New makes a log that writes to to; nil for nothing.
func New(to io.Writer) *Log { return &Log{to: to} }

// Event writes the fields as one line.
func (l *Log) Event(fields map[string]any) {
	line, err := json.Marshal(fields)
	if l == nil || l.to == nil || err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	// A line that can't be written must not fail the work that it tells of.
	_, _ = l.to.Write(append(line, '\n'))
}

// Metrics are the counts of one invocation, with one dimension.
type Metrics struct {
	Namespace, Dimension, Value string
	Counts                      map[string]int
}

// Metrics writes the counts in embedded metric format; counts of zero too, so that an alarm has data.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
func (l *Log) Metrics(at time.Time, m Metrics) {
	type definition struct{ Name, Unit string }
	type directive struct {
		Namespace  string
		Dimensions [][]string
		Metrics    []definition
	}
	d := directive{Namespace: m.Namespace, Dimensions: [][]string{{m.Dimension}}}
	fields := map[string]any{m.Dimension: m.Value}
	for _, name := range slices.Sorted(maps.Keys(m.Counts)) {
		d.Metrics = append(d.Metrics, definition{name, "Count"})
		fields[name] = m.Counts[name]
	}
	fields["_aws"] = map[string]any{"Timestamp": at.UnixMilli(), "CloudWatchMetrics": []directive{d}}
	l.Event(fields)
}
