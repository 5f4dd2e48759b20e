package sandbox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/logarchive/logarchive/partition"
)

// metricsName is the file below the store's directory that holds the values of metrics, one JSON object a line. Metrics are
// about the delivery and no part of it: a line that a killed process left unfinished is passed over.
const metricsName = "metrics.jsonl"

// datum is a value of a metric, at a time of the sandbox's clock.
type datum struct {
	At         time.Time         `json:"at"`
	Place      partition.Place   `json:"place"`
	Namespace  string            `json:"namespace"`
	Name       string            `json:"name"`
	Dimensions map[string]string `json:"dimensions"`
	Value      float64           `json:"value"`
}

// key is what tells metrics apart: where they are, their name and their dimensions.
func (m datum) key() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s", m.Place, m.Namespace, m.Name)
	for _, name := range slices.Sorted(maps.Keys(m.Dimensions)) {
		fmt.Fprintf(&b, " %s=%q", name, m.Dimensions[name])
	}
	return b.String()
}

// measure keeps values of metrics.
func (d *Delivery) measure(values ...datum) error {
	if len(values) == 0 {
		return nil
	}
	lines := []byte("\n") // ends a line that was left unfinished
	for _, v := range values {
		line, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("sandbox: %w", err)
		}
		lines = append(append(lines, line...), '\n')
	}
	file, err := os.OpenFile(filepath.Join(d.store.Dir(), metricsName), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	_, err = file.Write(lines)
	return errors.Join(err, file.Close())
}

// measured reads all values since a time, by their metrics.
func (d *Delivery) measured(since time.Time) (map[string][]datum, error) {
	file, err := os.Open(filepath.Join(d.store.Dir(), metricsName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	defer file.Close()
	found := map[string][]datum{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var v datum
		if json.Unmarshal(lines.Bytes(), &v) == nil && !v.At.Before(since) {
			found[v.key()] = append(found[v.key()], v)
		}
	}
	return found, lines.Err()
}

// streamMetric is a value of one of Firehose's metrics.
//
// See https://docs.aws.amazon.com/firehose/latest/dev/cloudwatch-metrics.html
func streamMetric(place partition.Place, stream, name string, at time.Time, value float64) datum {
	return datum{At: at, Place: place, Namespace: "AWS/Firehose", Name: name, Dimensions: map[string]string{"DeliveryStreamName": stream}, Value: value}
}

// attempted is what Firehose measures of an attempt to deliver from a buffer. Attempts of who isn't Firehose aren't measured.
func attempted(b *buffer, now time.Time, writes bool, err error) []datum {
	switch b.class {
	case streamBuffers, outputBuffers, failedBuffers:
	default:
		return nil
	}
	if !writes && err == nil {
		return nil // records went to the function: see metricsOf
	}
	success := 1.0
	if err != nil {
		success = 0
	}
	return []datum{streamMetric(b.place, b.stream(), "DeliveryToS3.Success", now, success)}
}

// metricsOf are what Lambda measures of an invocation, and Firehose if the function is a stream's.
//
// See https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
func (c *invocation) metricsOf(failed *functionFailure) []datum {
	f := c.function
	of := func(name string, value float64) datum {
		return datum{At: c.started, Place: f.object.Place, Namespace: "AWS/Lambda", Name: name, Dimensions: map[string]string{"FunctionName": f.name}, Value: value}
	}
	var values []datum
	switch {
	case failed == failedThrottle:
		values = []datum{of("Throttles", 1)}
	default:
		errors := 0.0
		if failed != nil {
			errors = 1
		}
		values = []datum{of("Invocations", 1), of("Errors", errors), of("Duration", float64(c.elapsed.Milliseconds()))}
	}
	if c.stream != nil {
		success := 1.0
		if failed != nil {
			success = 0
		}
		values = append(values, streamMetric(c.stream.object.Place, c.stream.name, "ExecuteProcessing.Success", c.started, success))
	}
	return values
}

// embedded are the metrics that a function has written into its log.
//
// See https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
func embedded(place partition.Place, at time.Time, log []byte) []datum {
	var values []datum
	for line := range bytes.Lines(log) {
		if !bytes.Contains(line, []byte(`"_aws"`)) {
			continue
		}
		var document map[string]any
		var head struct {
			AWS struct {
				CloudWatchMetrics []struct {
					Namespace  string
					Dimensions [][]string
					Metrics    []struct{ Name string }
				}
			} `json:"_aws"`
		}
		if json.Unmarshal(line, &document) != nil || json.Unmarshal(line, &head) != nil {
			continue
		}
		for _, directive := range head.AWS.CloudWatchMetrics {
			for _, set := range directive.Dimensions {
				dimensions := map[string]string{}
				for _, name := range set {
					dimensions[name] = fmt.Sprint(document[name])
				}
				for _, metric := range directive.Metrics {
					values = append(values, embeddedValues(document[metric.Name], datum{At: at, Place: place, Namespace: directive.Namespace, Name: metric.Name, Dimensions: dimensions})...)
				}
			}
		}
	}
	return values
}

// embeddedValues are one or several values of a metric.
func embeddedValues(v any, of datum) []datum {
	switch v := v.(type) {
	case float64:
		of.Value = v
		return []datum{of}
	case []any:
		var all []datum
		for _, one := range v {
			all = append(all, embeddedValues(one, of)...)
		}
		return all
	}
	return nil
}
