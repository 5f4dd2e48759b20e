package transform

import (
	"encoding/json"
	"io"
	"strconv"
	"sync"
	"time"
)

// stats is what one invocation has done. Every record is counted in exactly one of ok, dropped and failed.
type stats struct {
	records, ok, dropped, failed       int
	events                             int // delivered
	own                                int // of them, those of this function's own log group
	bytesIn, inflated, lines, bytesOut int
	reingested, maxReingestions        int // records that have been put back before
	split, spread                      int // records divided by size, and by partition
	putBack, putRefused                int // records put back, and refused
	putCalls, putRetried               int
	putError                           string
	misplaced                          int // events delivered under another partition's keys
	problems                           map[problem]*failure
}

// failure counts a problem and keeps the first record that had it.
type failure struct {
	count int
	first []byte
}

func (s *stats) fail(p problem, id []byte) {
	s.failed++
	if s.problems == nil {
		s.problems = map[problem]*failure{}
	}
	f := s.problems[p]
	if f == nil {
		f = &failure{first: id}
		s.problems[p] = f
	}
	f.count++
}

// metricNames and their units, as metrics returns the values.
var metricNames = []struct{ name, unit string }{
	{"Records", "Count"}, {"Ok", "Count"}, {"Dropped", "Count"}, {"Failed", "Count"}, {"Events", "Count"},
	{"BytesIn", "Bytes"}, {"BytesInflated", "Bytes"}, {"BytesLines", "Bytes"}, {"BytesOut", "Bytes"},
	{"PutBack", "Count"}, {"PutBackRefused", "Count"}, {"Split", "Count"}, {"Spread", "Count"},
	{"Reingested", "Count"}, {"MaxReingestions", "Count"}, {"Misplaced", "Count"},
}

func (s *stats) metrics() []int {
	return []int{s.records, s.ok, s.dropped, s.failed, s.events, s.bytesIn, s.inflated, s.lines, s.bytesOut,
		s.putBack, s.putRefused, s.split, s.spread, s.reingested, s.maxReingestions, s.misplaced}
}

// Namespace is where the metrics are.
const Namespace = "LogArchive/Transform"

// metricHead declares the metrics in embedded metric format, up to the timestamp's value.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
var metricHead = sync.OnceValue(func() []byte {
	b := []byte(`{"_aws":{"CloudWatchMetrics":[{"Namespace":"` + Namespace + `","Dimensions":[["DeliveryStream"]],"Metrics":[{"Name":"Milliseconds","Unit":"Milliseconds"}`)
	for _, m := range metricNames {
		b = append(b, `,{"Name":"`+m.name+`","Unit":"`+m.unit+`"}`...)
	}
	return append(b, `]}],"Timestamp":`...)
})

// report writes the invocation's metrics, its problems, and a sample of invocations. An invocation that has carried
// nothing but this function's own log lines writes nothing: that ends the circle when a subscription covers the
// function's own log group.
func (w *worker) report(start time.Time) {
	s := &w.stats
	if s.events > 0 && s.own == s.events && s.failed == 0 {
		return
	}
	cfg := &w.h.cfg
	took := w.h.Now().Sub(start)
	if cfg.Metrics {
		b := append(w.line[:0], metricHead()...)
		b = strconv.AppendInt(b, start.UnixMilli(), 10)
		b = append(b, `},"DeliveryStream":`...)
		b = append(b, quoted(w.inv.stream)...)
		b = append(b, `,"Milliseconds":`...)
		b = strconv.AppendFloat(b, float64(took.Microseconds())/1000, 'f', 3, 64)
		for i, v := range s.metrics() {
			b = append(b, `,"`...)
			b = append(b, metricNames[i].name...)
			b = append(b, `":`...)
			b = strconv.AppendInt(b, int64(v), 10)
		}
		w.line = append(b, "}\n"...)
		w.h.log.write(w.line)
	}
	for p, f := range s.problems {
		w.h.log.event(map[string]any{"level": "error", "code": string(p), "message": explain[p], "records": f.count,
			"firstRecordId": json.RawMessage(f.first), "invocationId": w.inv.id, "deliveryStream": w.inv.stream})
	}
	if s.putError != "" {
		w.h.log.event(map[string]any{"level": "error", "code": "stream", "message": "the stream refused records: " + s.putError, "records": s.putRefused,
			"calls": s.putCalls, "invocationId": w.inv.id, "deliveryStream": w.inv.stream})
	}
	if n := w.h.count.Add(1); cfg.LogSample > 0 && n%uint64(cfg.LogSample) == 1%uint64(cfg.LogSample) {
		w.h.log.event(map[string]any{"level": "info", "code": "sample", "message": "one of " + strconv.Itoa(cfg.LogSample) + " invocations",
			"invocationId": w.inv.id, "deliveryStream": w.inv.stream, "records": s.records, "events": s.events, "bytesIn": s.bytesIn, "bytesOut": s.bytesOut,
			"putCalls": s.putCalls, "putRetried": s.putRetried, "milliseconds": took.Milliseconds()})
	}
}

// explain says what a problem means, for whoever reads the log. Log data itself is never in it.
var explain = map[problem]string{
	problemBase64:     "data is missing or is not base64",
	problemGzip:       "data is not gzip, or is damaged",
	problemTooLarge:   "a record is larger than LOGARCHIVE_TRANSFORM_MAX_INFLATED_BYTES when decompressed",
	problemJSON:       "data is not JSON when decompressed",
	problemMessage:    "data is JSON, but not CloudWatch Logs subscription data",
	problemEvent:      "a single log event exceeds the response limit",
	problemResponse:   "a record exceeds the response limit and may not be put back (no stream, a Kinesis source, or LOGARCHIVE_TRANSFORM_MAX_REINGESTIONS reached)",
	problemPutBack:    "a record does not fit into the response and the stream did not take it back",
	problemRecordSize: "a record does not fit into the response and is too large for PutRecordBatch",
}

// logger writes JSON lines, one whole line at a time.
type logger struct {
	mu sync.Mutex
	to io.Writer
}

func (l *logger) write(line []byte) {
	if l.to == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	// Losing a line of metrics must not fail the logs' own way.
	_, _ = l.to.Write(line)
}

func (l *logger) event(fields map[string]any) {
	if line, err := json.Marshal(fields); err == nil {
		l.write(append(line, '\n'))
	}
}
