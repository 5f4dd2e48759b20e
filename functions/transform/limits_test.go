package transform

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/functions/putback"
)

// world is Firehose around the function: what is put back comes in again, until nothing is left.
type world struct {
	t         *testing.T
	h         *Handler
	stream    *fakeStream
	limit     int
	delivered map[string]int
	failed    map[string]int
	placed    map[string]string // event id -> hour it was delivered under
	rounds    int
	maxCount  int
}

func newWorld(t *testing.T, cfg Config, accept func() bool) *world {
	s := &fakeStream{accept: accept}
	return &world{t: t, h: New(cfg, Options{Stream: s}), stream: s, limit: cfg.MaxResponseBytes, delivered: map[string]int{}, failed: map[string]int{}, placed: map[string]string{}}
}

func (w *world) run(records [][]byte) {
	w.t.Helper()
	for len(records) > 0 {
		if w.rounds++; w.rounds > 400 {
			w.t.Fatal("it never ends")
		}
		// A buffer holds less than Lambda's limit, which is the same for event and answer.
		n, size := 0, 100
		for n < len(records) && n < 40 && (n == 0 || size+len(records[n])*4/3+100 < w.limit) {
			size += len(records[n])*4/3 + 100
			n++
		}
		batch := records[:n]
		records = records[n:]
		in := event(batch...)
		w.stream.took = nil
		answer, err := w.h.Invoke(context.Background(), in)
		if err != nil {
			w.t.Fatal(err)
		}
		if len(answer) > w.limit {
			w.t.Fatalf("an answer of %d bytes, the limit is %d", len(answer), w.limit)
		}
		results := readAnswer(w.t, answer)
		if len(results) != n {
			w.t.Fatalf("%d results for %d records", len(results), n)
		}
		for i, r := range results {
			if r.RecordID != fmt.Sprintf("r%d", i) {
				w.t.Fatalf("result %d is for %s", i, r.RecordID)
			}
			switch r.Result {
			case "Ok":
				for _, e := range readLines(w.t, r.Data, "") {
					w.delivered[e.id]++
					if r.Metadata != nil {
						w.placed[e.id] = r.Metadata.PartitionKeys["hour"]
					}
				}
			case "ProcessingFailed":
				if !bytes.Equal(r.Data, batch[i]) {
					w.t.Fatalf("record %d failed, and its data is not the record", i)
				}
				events, err := refRead(batch[i], "")
				if err != nil {
					w.failed[string(batch[i])]++
				}
				for _, e := range events {
					w.failed[e.id]++
				}
			}
		}
		for _, r := range w.stream.took {
			w.maxCount = max(w.maxCount, reingestions(r))
		}
		records = append(records, w.stream.took...)
	}
}

// exactlyOnce checks that each id has been delivered or has failed, once.
func (w *world) exactlyOnce(ids []string) {
	w.t.Helper()
	for _, id := range ids {
		if w.delivered[id]+w.failed[id] != 1 {
			w.t.Fatalf("event %s: delivered %d times, failed %d times", id, w.delivered[id], w.failed[id])
		}
	}
	if n := len(w.delivered) + len(w.failed); n != len(ids) {
		w.t.Fatalf("%d events came out of %d", n, len(ids))
	}
}

// batchOf makes records of random events with unique ids.
func batchOf(r *rand.Rand, records int) (packed [][]byte, ids []string) {
	const hour = 3_600_000
	for range records {
		var text strings.Builder
		for range 1 + r.IntN(10)/9 {
			at := int64(1_795_244_400_000) + r.Int64N(3)*hour
			fmt.Fprintf(&text, `{"messageType":"DATA_MESSAGE","owner":"%d","logGroup":"/g/%d","logStream":"s","logEvents":[`, 1+r.IntN(2), r.IntN(2))
			n := 1 + r.IntN(12)
			for k := range n {
				id := fmt.Sprintf("%q", fmt.Sprintf("%056d", len(ids)))
				ids = append(ids, id)
				if k > 0 {
					text.WriteByte(',')
				}
				size := r.IntN(200)
				if r.IntN(40) == 0 {
					size = r.IntN(8000)
				}
				if r.IntN(12) == 0 {
					at += hour / 2
				}
				fmt.Fprintf(&text, `{"id":%s,"timestamp":%d,"message":"%s"}`, id, at+int64(k), strings.Repeat("x", size))
			}
			text.WriteString("]}")
		}
		packed = append(packed, zip(text.String()))
	}
	return packed, ids
}

// What was sent is delivered, or fails: everything, once, whatever the sizes and however often the stream refuses.
func TestSentIsDeliveredOrFailed(t *testing.T) {
	t.Parallel()
	r := seeded(t, 4)
	splits, refusals := 0, 0
	for round := range 60 * long() {
		cfg := Defaults()
		cfg.MaxResponseBytes = 8_000 + r.IntN(40_000)
		cfg.MaxReingestions = r.IntN(12)
		if r.IntN(2) == 0 {
			cfg.Partition = []string{"account", "logGroup", "hour"}
		}
		rate := r.Float64() * 1.5
		w := newWorld(t, cfg, func() bool {
			ok := r.Float64() >= rate-0.5
			if !ok {
				refusals++
			}
			return ok
		})
		packed, ids := batchOf(r, 1+r.IntN(60))
		w.run(packed)
		w.exactlyOnce(ids)
		if w.maxCount > cfg.MaxReingestions {
			t.Fatalf("round %d: a record was put back %d times, allowed are %d", round, w.maxCount, cfg.MaxReingestions)
		}
		splits += w.maxCount
	}
	if splits == 0 || refusals == 0 {
		t.Errorf("the test has tested nothing: %d, %d", splits, refusals)
	}
}

// With a stream that takes everything back, nothing fails and every event is in its own hour.
func TestEventsReachTheirHour(t *testing.T) {
	t.Parallel()
	r := seeded(t, 5)
	for range 15 * long() {
		cfg := Defaults()
		cfg.MaxResponseBytes = 40_000 + r.IntN(40_000)
		cfg.Partition = []string{"hour", "account", "logGroup"}
		w := newWorld(t, cfg, nil)
		packed, ids := batchOf(r, 1+r.IntN(60))
		want := map[string]string{}
		for _, p := range packed {
			events, err := refRead(p, "")
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				at, _ := millis([]byte(e.timestamp))
				want[e.id] = digits(int(at/3_600_000%24), 2)
			}
		}
		w.run(packed)
		w.exactlyOnce(ids)
		if len(w.failed) != 0 {
			t.Fatalf("%d events failed", len(w.failed))
		}
		for id, hour := range w.placed {
			if hour != want[id] {
				t.Fatalf("event %s is in hour %s, belongs to %s", id, hour, want[id])
			}
		}
	}
}

// A record of more hours than it is spread into at once takes two rounds; every event reaches its hour.
func TestMoreHoursThanParts(t *testing.T) {
	t.Parallel()
	const hours = maxParts + 20
	var text strings.Builder
	var ids []string
	for i := range hours {
		text.WriteString(strings.Replace(message("g", int64(i)*3_600_000, `"m"`), `"id":"00`, fmt.Sprintf(`"id":"%02d`, i), 1))
		ids = append(ids, fmt.Sprintf(`"%02d%054d"`, i, 0))
	}
	cfg := Defaults()
	cfg.Partition = []string{"hour"}
	w := newWorld(t, cfg, nil)
	w.run([][]byte{zip(text.String())})
	w.exactlyOnce(ids)
	for i, id := range ids {
		if want := digits(i%24, 2); w.placed[id] != want {
			t.Errorf("event %d is in hour %s, belongs to %s", i, w.placed[id], want)
		}
	}
	if w.maxCount != 2 {
		t.Errorf("put back %d times", w.maxCount)
	}
	// At the limit of returns everything is delivered, under the first event's hour.
	cfg.MaxReingestions = 0
	w = newWorld(t, cfg, nil)
	w.run([][]byte{zip(text.String())})
	w.exactlyOnce(ids)
	if len(w.delivered) != hours || w.placed[ids[30]] != "00" || w.stream.calls != 0 {
		t.Errorf("%d delivered, hour %s", len(w.delivered), w.placed[ids[30]])
	}
}

func TestWithoutAStreamNothingIsDropped(t *testing.T) {
	t.Parallel()
	r := seeded(t, 6)
	cfg := Defaults()
	cfg.MaxResponseBytes = 20_000
	w := newWorld(t, cfg, nil)
	w.h.stream = nil
	packed, ids := batchOf(r, 60)
	w.run(packed)
	w.exactlyOnce(ids)
	if len(w.failed) == 0 {
		t.Error("nothing failed: the limit was not reached")
	}
}

// Each side of every limit: one record whose answer is just as large as allowed, one byte more, and so on.
func TestAtTheLimit(t *testing.T) {
	t.Parallel()
	one := zip(message("g", 1, `"`+strings.Repeat("a", 5000)+`"`))
	answer, err := New(Defaults(), Options{}).Invoke(context.Background(), event(one))
	if err != nil {
		t.Fatal(err)
	}
	exact := len(answer) + 1 // the comma behind a result is counted for the last one, too
	for _, tc := range []struct {
		limit     int
		delivered int
		put       int
	}{{exact + 1, 1, 0}, {exact, 1, 0}, {exact - 1, 0, 0}} {
		cfg := Defaults()
		cfg.MaxResponseBytes = tc.limit
		w := newWorld(t, cfg, nil)
		w.run([][]byte{one})
		if len(w.delivered) != tc.delivered {
			t.Errorf("limit %d: %d delivered, %d failed", tc.limit, len(w.delivered), len(w.failed))
		}
	}
	// Two records of which only one fits: the other goes back, and is delivered in the next round.
	cfg := Defaults()
	cfg.MaxResponseBytes = 2*exact - 100
	two := zip(strings.Replace(message("g", 1, `"`+strings.Repeat("b", 5000)+`"`), `"id":"0`, `"id":"1`, 1))
	w := newWorld(t, cfg, nil)
	w.run([][]byte{one, two})
	if len(w.delivered) != 2 || w.rounds != 2 || w.maxCount != 1 {
		t.Errorf("%d delivered in %d rounds, count %d", len(w.delivered), w.rounds, w.maxCount)
	}
}

// A record that fits no answer is divided; an event that fits none alone fails, and only it.
func TestARecordThatNeverFits(t *testing.T) {
	t.Parallel()
	var messages []string
	for i := range 30 {
		size := 900
		if i == 7 {
			size = 30_000
		}
		messages = append(messages, `"`+strings.Repeat("c", size)+`"`)
	}
	cfg := Defaults()
	cfg.MaxResponseBytes = 12_000
	w := newWorld(t, cfg, nil)
	w.run([][]byte{zip(message("g", 1, messages...))})
	if len(w.delivered) != 29 || len(w.failed) != 1 {
		t.Errorf("%d delivered, %d failed", len(w.delivered), len(w.failed))
	}
	if w.failed[fmt.Sprintf(`"%056d"`, 7)] != 1 {
		t.Errorf("failed: %v", w.failed)
	}
	// When the stream refuses the rest, nothing of the record is delivered.
	w = newWorld(t, cfg, func() bool { return false })
	w.run([][]byte{zip(message("g", 1, messages...))})
	if len(w.delivered) != 0 || len(w.failed) != 30 {
		t.Errorf("refused: %d delivered, %d failed", len(w.delivered), len(w.failed))
	}
}

func TestPutBackAsManyTimesAsAllowed(t *testing.T) {
	t.Parallel()
	big := zip(message("g", 1, `"`+strings.Repeat("a", 6000)+`"`))
	cfg := Defaults()
	cfg.MaxResponseBytes = 12_000
	cfg.MaxReingestions = 3
	for count := range 6 {
		again, ok := withReingestions(big, count)
		if !ok || reingestions(again) != count || unzip(t, again) != unzip(t, big) {
			t.Fatalf("count %d: %d", count, reingestions(again))
		}
		s := &fakeStream{}
		// The one with the higher count finds room first.
		other, _ := withReingestions(big, 5)
		got := invoke(t, New(cfg, Options{Stream: s}), event(again, other))
		want := "Dropped"
		if count >= 3 {
			want = "ProcessingFailed"
		}
		if count == 5 {
			if got[0].Result != "Ok" || got[1].Result != want {
				t.Errorf("equal counts: %s, %s", got[0].Result, got[1].Result)
			}
		} else if got[1].Result != "Ok" || got[0].Result != want {
			t.Errorf("count %d: %s, %s", count, got[0].Result, got[1].Result)
		}
		if want == "Dropped" && (len(s.took) != 1 || reingestions(s.took[0]) != count+1) {
			t.Errorf("count %d: put back %d records", count, len(s.took))
		}
	}
}

// An event larger than the answer may be can't be given back whole: its failures come without their data.
func TestFailuresThatDoNotFit(t *testing.T) {
	t.Parallel()
	cfg := Defaults()
	cfg.MaxResponseBytes = 500
	answer, err := New(cfg, Options{}).Invoke(context.Background(), event(bytes.Repeat([]byte("x"), 400), bytes.Repeat([]byte("y"), 400)))
	if err != nil || len(answer) > 500 {
		t.Errorf("%d bytes, %v", len(answer), err)
	}
	for _, r := range readAnswer(t, answer) {
		if r.Result != "ProcessingFailed" || r.Data != nil {
			t.Errorf("%+v", r)
		}
	}
}

func TestAKinesisSourceCannotBePutTo(t *testing.T) {
	t.Parallel()
	cfg := Defaults()
	cfg.MaxResponseBytes = 12_000
	s := &fakeStream{}
	big := zip(message("g", 1, `"`+strings.Repeat("a", 6000)+`"`))
	in := bytes.Replace(event(big, big), []byte(`"region"`), []byte(`"sourceKinesisStreamArn":"arn:x","region"`), 1)
	got := invoke(t, New(cfg, Options{Stream: s}), in)
	if s.calls != 0 || got[0].Result != "Ok" || got[1].Result != "ProcessingFailed" {
		t.Errorf("%d calls, %s, %s", s.calls, got[0].Result, got[1].Result)
	}
}

func TestHeadersOfPutBackRecords(t *testing.T) {
	t.Parallel()
	body := zip("text")[10:]
	tests := []struct {
		name string
		head []byte
		ok   bool
	}{
		{"plain", []byte{0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 0, 255}, true},
		{"name", append([]byte{0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 255}, "file\x00"...), true},
		{"name, comment", append([]byte{0x1f, 0x8b, 8, 24, 0, 0, 0, 0, 0, 255}, "file\x00note\x00"...), true},
		{"other subfields", append([]byte{0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 9, 0}, "XY\x01\x00zLA\x00\x00"...), true},
		{"broken subfield", append([]byte{0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 5, 0}, "XY\x09\x00z"...), true},
		{"not gzip", []byte{0x1f, 0x8b, 9, 0, 0, 0, 0, 0, 0, 255}, false},
		{"extra field cut off", []byte{0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 255, 255}, false},
		{"name without an end", append([]byte{0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 255}, bytes.Repeat([]byte("a"), 20)...), false},
	}
	for _, tc := range tests {
		packed := append(bytes.Clone(tc.head), body...)
		if !tc.ok {
			packed = tc.head
		}
		again, ok := withReingestions(packed, 7)
		if ok != tc.ok {
			t.Errorf("%s: %v", tc.name, ok)
			continue
		}
		if !ok {
			continue
		}
		if reingestions(again) != 7 || unzip(t, again) != "text" {
			t.Errorf("%s: count %d", tc.name, reingestions(again))
		}
		twice, _ := withReingestions(again, 8)
		if len(twice) != len(again) || reingestions(twice) != 8 {
			t.Errorf("%s: the second time it has %d bytes, %d before", tc.name, len(twice), len(again))
		}
		if tc.name == "other subfields" && !bytes.Contains(again, []byte("XY\x01\x00z")) {
			t.Errorf("%s: lost", tc.name)
		}
	}
	crc := append([]byte{0x1f, 0x8b, 8, 2, 0, 0, 0, 0, 0, 255, 0x1d, 0x26}, body...)
	if again, ok := withReingestions(crc, 1); !ok || unzip(t, again) != "text" {
		t.Error("a header with a checksum")
	}
}

// A record that PutRecordBatch can't take, because the count makes it too long, fails rather than being lost.
func TestARecordTooLargeToPutBack(t *testing.T) {
	t.Parallel()
	r := seeded(t, 7)
	raw := make([]byte, 760_000)
	for i := range raw {
		raw[i] = "0123456789abcdef"[r.IntN(16)]
	}
	big := zip(message("g", 1, `"`+string(raw)+`"`, `"`+strings.Repeat(string(raw), 2)+`"`))
	cfg := Defaults()
	cfg.MaxResponseBytes = 2_000_000
	s := &fakeStream{}
	if len(big) <= putback.MaxRecordBytes {
		t.Fatalf("%d bytes are not enough", len(big))
	}
	got := invoke(t, New(cfg, Options{Stream: s}), event(zip(message("g", 1, `"m"`)), big))
	if got[0].Result != "Ok" || got[1].Result != "ProcessingFailed" || s.calls != 0 || !bytes.Equal(got[1].Data, big) {
		t.Errorf("%s, %s, %d calls", got[0].Result, got[1].Result, s.calls)
	}
}
