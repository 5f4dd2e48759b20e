package transform

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/logarchive/logarchive/functions/putback"
)

// The reference: the transformation as one would write it with the standard library, without a thought for speed.

// refEvent is a log event as the reference reads it, all raw JSON.
type refEvent struct{ id, timestamp, message, group, stream, owner, extra string }

var errRef = errors.New("the reference refuses it")

// refRead reads a record's bytes: its events, or an error when it is unreadable.
func refRead(packed []byte, extraName string) ([]refEvent, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	return refText(text, extraName)
}

func refText(text []byte, extraName string) ([]refEvent, error) {
	var all []refEvent
	dec := json.NewDecoder(bytes.NewReader(text))
	for n := 0; ; n++ {
		var doc map[string]json.RawMessage
		err := dec.Decode(&doc)
		if err == io.EOF {
			if n == 0 {
				return nil, errRef
			}
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		switch string(doc["messageType"]) {
		case `"CONTROL_MESSAGE"`:
			continue
		case `"DATA_MESSAGE"`:
		default:
			return nil, errRef
		}
		if !isRefText(doc["owner"]) || !isRefText(doc["logGroup"]) || !isRefText(doc["logStream"]) {
			return nil, errRef
		}
		var events []map[string]json.RawMessage
		if len(doc["logEvents"]) == 0 || doc["logEvents"][0] != '[' {
			return nil, errRef
		}
		if err := json.Unmarshal(doc["logEvents"], &events); err != nil {
			return nil, err
		}
		for _, e := range events {
			v, err := strconv.ParseInt(string(e["timestamp"]), 10, 64)
			if err != nil || v == math.MinInt64 || !isRefText(e["id"]) || !isRefText(e["message"]) {
				return nil, errRef
			}
			extra := e[extraName]
			if extra == nil {
				extra = doc[extraName]
			}
			all = append(all, refEvent{string(e["id"]), string(e["timestamp"]), string(e["message"]),
				string(doc["logGroup"]), string(doc["logStream"]), string(doc["owner"]), string(extra)})
		}
	}
}

func isRefText(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '"' }

// readLines reads delivered lines back, and insists on their exact shape.
func readLines(t testing.TB, lines []byte, extraName string) []refEvent {
	t.Helper()
	var all []refEvent
	for len(lines) > 0 {
		line, rest, ok := bytes.Cut(lines, []byte("\n"))
		if !ok {
			t.Fatalf("the last line has no line feed: %.100q", lines)
		}
		lines = rest
		if !json.Valid(line) {
			t.Fatalf("not JSON: %.300q", line)
		}
		if bytes.ContainsAny(line, "\r") {
			t.Fatalf("a carriage return in a line: %.300q", line)
		}
		var m map[string]json.RawMessage
		if err := json.Unmarshal(line, &m); err != nil {
			t.Fatal(err)
		}
		all = append(all, refEvent{string(m["id"]), string(m["timestamp"]), string(m["message"]),
			string(m["logGroup"]), string(m["logStream"]), string(m["owner"]), string(m[extraName])})
	}
	return all
}

// answered is a result as Firehose reads it.
type answered struct {
	RecordID string `json:"recordId"`
	Result   string `json:"result"`
	Data     []byte `json:"data"`
	Metadata *struct {
		PartitionKeys map[string]string `json:"partitionKeys"`
	} `json:"metadata"`
}

func readAnswer(t testing.TB, answer []byte) []answered {
	t.Helper()
	var a struct {
		Records []answered `json:"records"`
	}
	d := json.NewDecoder(bytes.NewReader(answer))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		t.Fatalf("the answer is not what Firehose reads: %v: %.300q", err, answer)
	}
	if d.More() {
		t.Fatal("something follows the answer")
	}
	return a.Records
}

// event makes a Firehose event of records' bytes; record i has the id "r<i>".
func event(records ...[]byte) []byte {
	var b bytes.Buffer
	b.WriteString(`{"invocationId":"inv-1","deliveryStreamArn":"arn:partition:firehose:cn-north-1:111122223333:deliverystream/logs","region":"cn-north-1","records":[`)
	for i, r := range records {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"recordId":"r%d","approximateArrivalTimestamp":1795244400000,"data":"%s"}`, i, base64.StdEncoding.EncodeToString(r))
	}
	b.WriteString("]}")
	return b.Bytes()
}

func zip(text string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		panic(err)
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func unzip(t testing.TB, packed []byte) string {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// message makes a subscription document; messages are JSON strings with their quotes.
func message(group string, at int64, messages ...string) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"%s","logStream":"s","subscriptionFilters":["f"],"logEvents":[`, group)
	for i, m := range messages {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"%056d","timestamp":%d,"message":%s}`, i, at+int64(i), m)
	}
	b.WriteString(`]}`)
	return b.String()
}

const control = `{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logStream":"","subscriptionFilters":[],"logEvents":[{"id":"","timestamp":1510254469274,"message":"CWL CONTROL MESSAGE: Checking health of destination Firehose."}]}`

// fakeStream is a stream that takes what accept says.
type fakeStream struct {
	took   [][]byte
	accept func() bool
	calls  int
}

func (f *fakeStream) Put(_ context.Context, stream string, records [][]byte) putback.Result {
	f.calls++
	res := putback.Result{Accepted: make([]bool, len(records)), Calls: 1}
	for i, r := range records {
		if stream == "logs" && (f.accept == nil || f.accept()) {
			res.Accepted[i] = true
			f.took = append(f.took, bytes.Clone(r))
		} else {
			res.Err = errors.New("ServiceUnavailableException: slow down")
		}
	}
	return res
}

func invoke(t testing.TB, h *Handler, event []byte) []answered {
	t.Helper()
	answer, err := h.Invoke(context.Background(), event)
	if err != nil {
		t.Fatal(err)
	}
	return readAnswer(t, answer)
}

func seeded(t testing.TB, seed uint64) *rand.Rand {
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// long multiplies the rounds of random tests when LOGARCHIVE_LONG is set, as `make test-long` does.
func long() int {
	if os.Getenv("LOGARCHIVE_LONG") != "" {
		return 20
	}
	return 1
}
