package replay

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/functions/transform"
)

// delivery is Firehose in front of the bucket: it buffers what the stream has taken, calls the transform, writes lines
// to the archive and what fails to the error prefix, as Firehose does.
type delivery struct {
	w         *world
	transform func(ctx context.Context, event []byte) ([]byte, error)
	lines     []string
	errors    int // objects written
}

type result struct {
	RecordID string          `json:"recordId"`
	Result   string          `json:"result"`
	Data     []byte          `json:"data"`
	Metadata json.RawMessage `json:"metadata,omitempty"`
}

// deliver delivers all records, some at a time.
func (d *delivery) deliver(t *testing.T, records [][]byte) {
	t.Helper()
	for len(records) > 0 {
		n := min(len(records), 7)
		d.batch(t, records[:n])
		records = records[n:]
	}
}

func (d *delivery) batch(t *testing.T, batch [][]byte) {
	t.Helper()
	type record struct {
		RecordID string `json:"recordId"`
		Data     []byte `json:"data"`
	}
	var in []record
	for i, r := range batch {
		in = append(in, record{fmt.Sprint(i), r})
	}
	event, err := json.Marshal(map[string]any{"invocationId": "i", "deliveryStreamArn": "arn:x:firehose:r:a:deliverystream/archive", "region": "cn-north-1", "records": in})
	if err != nil {
		t.Fatal(err)
	}
	var failed [][]byte
	var answer []byte
	for range 4 { // three retries
		if answer, err = d.transform(t.Context(), event); err == nil {
			break
		}
	}
	if err != nil {
		failed = batch
	} else {
		var out struct {
			Records []result `json:"records"`
		}
		if err := json.Unmarshal(answer, &out); err != nil || len(out.Records) != len(batch) {
			t.Fatalf("answer with %d results, %v", len(out.Records), err)
		}
		for i, r := range out.Records {
			switch r.Result {
			case "Ok":
				d.lines = append(d.lines, strings.Split(strings.TrimSuffix(string(r.Data), "\n"), "\n")...)
			case "ProcessingFailed":
				failed = append(failed, batch[i])
			}
		}
	}
	if len(failed) > 0 {
		d.errors++
		object := errorObject(failed)
		if d.errors%2 == 0 {
			object = zipped(object)
		}
		d.w.put(fmt.Sprintf("errors/logs/processing-failed/%04d", d.errors), object)
	}
}

// The transform is broken on purpose, in each of the ways in which a function can be; then it is repaired, and replay
// brings back every line, exactly once.
func TestABrokenTransformIsRepairedAndReplayed(t *testing.T) {
	t.Parallel()
	const seed = 7
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var sent []string
	var batches [][]byte
	for range 60 {
		type event struct {
			ID        string `json:"id"`
			Timestamp int64  `json:"timestamp"`
			Message   string `json:"message"`
		}
		var events []event
		for range 1 + r.IntN(20) {
			id := fmt.Sprintf("%056d", len(sent))
			events = append(events, event{id, 1_795_244_400_000 + r.Int64N(10_000_000), strings.Repeat("x", r.IntN(300)) + "\r\n\"é\x00"})
			sent = append(sent, id)
		}
		doc, err := json.Marshal(map[string]any{"messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": "/app", "logStream": "s", "subscriptionFilters": []string{"f"}, "logEvents": events})
		if err != nil {
			t.Fatal(err)
		}
		batches = append(batches, zipped(doc))
	}
	good := transform.New(transform.Defaults(), transform.Options{}).Invoke
	w := newWorld(t)
	d := &delivery{w: w}
	calls := 0
	d.transform = func(ctx context.Context, event []byte) ([]byte, error) {
		calls++
		switch calls % 7 {
		case 1, 2, 3, 4: // down: some batches fail in all four attempts
			return nil, errors.New("the function timed out")
		case 5: // it refuses records that are good
			answer, err := good(ctx, event)
			var out struct {
				Records []result `json:"records"`
			}
			var in struct {
				Records []struct {
					Data string `json:"data"`
				} `json:"records"`
			}
			if err = errors.Join(err, json.Unmarshal(answer, &out), json.Unmarshal(event, &in)); err != nil {
				return nil, err
			}
			for i := range out.Records {
				if i%2 == 0 {
					data, err := base64.StdEncoding.DecodeString(in.Records[i].Data)
					if err != nil {
						return nil, err
					}
					out.Records[i] = result{RecordID: out.Records[i].RecordID, Result: "ProcessingFailed", Data: data}
				}
			}
			return json.Marshal(out)
		}
		return good(ctx, event)
	}
	d.deliver(t, batches)
	if d.errors < 3 || len(d.lines) == 0 || len(d.lines) == len(sent) {
		t.Fatalf("%d error objects, %d of %d lines: the transform wasn't broken as planned", d.errors, len(d.lines), len(sent))
	}
	// The stream refuses some at first, too, so that objects stay open for the next run.
	d.transform = good
	w.refuse = func(rec []byte) bool { return bytes.IndexByte(rec, 0xa7) >= 0 }
	if _, s, err := w.run(options); err != nil && !errors.Is(err, ErrStreamRefuses) || s.Complete() {
		t.Fatalf("%+v, %v: the stream refused nothing", s, err)
	}
	w.refuse = nil
	if _, s, err := w.run(options); err != nil || !s.Complete() {
		t.Fatalf("%+v, %v", s, err)
	}
	var back [][]byte
	for rec, n := range w.got {
		for range n {
			back = append(back, []byte(rec))
		}
	}
	before := d.errors
	d.deliver(t, back)
	if d.errors != before {
		t.Errorf("the repaired transform failed")
	}
	arrived := map[string]int{}
	for _, line := range d.lines {
		var e struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		arrived[e.ID]++
	}
	for _, id := range sent {
		if arrived[id] != 1 {
			t.Fatalf("line %s arrived %d times", id, arrived[id])
		}
	}
	if len(arrived) != len(sent) {
		t.Errorf("%d lines out of %d", len(arrived), len(sent))
	}
	// Nothing is left, and a further run does nothing.
	if _, s, err := w.run(options); err != nil || s.Replayed != 0 || s.Objects[AlreadyDone] != before {
		t.Errorf("%+v, %v", s, err)
	}
	t.Logf("%d lines in %d records; %d error objects", len(sent), len(batches), before)
}
