package replay

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"

	"github.com/logarchive/logarchive/functions/putback"
)

// fate decides about every call to the store and the stream: before says that the call fails without an effect, after
// that its effect happens and its answer is lost.
type fate func(call string) (before, after error)

var errCrash = errors.New("crashed")

// crash lets the process die in its n-th call, before or after the call's effect. Nothing works after that.
func crash(n int, after bool) fate {
	calls := 0
	var mu sync.Mutex
	return func(string) (error, error) {
		mu.Lock()
		defer mu.Unlock()
		calls++
		switch {
		case calls > n, calls == n && !after:
			return errCrash, nil
		case calls == n:
			return nil, errCrash
		}
		return nil, nil
	}
}

// world is a bucket and a stream.
type world struct {
	mu      sync.Mutex
	t       *testing.T
	objects map[string]stored
	writes  int
	fate    fate
	calls   map[string]int
	now     time.Time
	got     map[string]int // records on the stream
	refuse  func(record []byte) bool
	clocked func() // called with every put
}

type stored struct {
	data    []byte
	version string
	at      time.Time
}

func (s stored) tag() string { return fmt.Sprintf("%q", s.version) }

func newWorld(t *testing.T) *world {
	return &world{t: t, objects: map[string]stored{}, calls: map[string]int{}, got: map[string]int{}, now: time.UnixMilli(1_795_244_400_000)}
}

// step is the beginning of every call.
func (w *world) step(ctx context.Context, call string) (before, after error) {
	if ctx.Err() != nil {
		return ctx.Err(), nil
	}
	w.calls[call]++
	if w.fate == nil {
		return nil, nil
	}
	return w.fate(call)
}

func (w *world) put(key string, data []byte) {
	w.writes++
	w.objects[key] = stored{data, fmt.Sprintf("v%d", w.writes), w.now}
}

func (w *world) List(_ context.Context, _, prefix string, f func(Object) error) error {
	w.mu.Lock()
	before, _ := w.step(context.Background(), "List")
	var found []Object
	for k, o := range w.objects {
		if strings.HasPrefix(k, prefix) {
			found = append(found, Object{Key: k, Version: o.version, Tag: o.tag(), Size: int64(len(o.data)), Modified: o.at})
		}
	}
	w.mu.Unlock()
	if before != nil {
		return before
	}
	sort.Slice(found, func(i, j int) bool { return found[i].Key < found[j].Key })
	for _, o := range found {
		if err := f(o); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) Stat(ctx context.Context, _, key, version string) (Object, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o, ok := w.objects[key]
	if before, _ := w.step(ctx, "Stat"); before != nil {
		return Object{}, before
	}
	if !ok || version != "" && version != o.version {
		return Object{}, ErrNotFound
	}
	return Object{Key: key, Version: o.version, Tag: o.tag(), Size: int64(len(o.data)), Modified: o.at}, nil
}

func (w *world) Open(ctx context.Context, _ string, obj Object) (io.ReadCloser, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before, after := w.step(ctx, "Open")
	if before != nil {
		return nil, before
	}
	o, ok := w.objects[obj.Key]
	if !ok || o.version != obj.Version {
		return nil, ErrNotFound
	}
	if after != nil {
		// The connection breaks in the middle.
		return io.NopCloser(io.MultiReader(bytes.NewReader(o.data[:len(o.data)/2]), broken{after})), nil
	}
	return io.NopCloser(bytes.NewReader(o.data)), nil
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

func (w *world) Read(ctx context.Context, _, key string) ([]byte, string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if before, after := w.step(ctx, "Read"); before != nil || after != nil {
		return nil, "", errors.Join(before, after)
	}
	o, ok := w.objects[key]
	if !ok {
		return nil, "", ErrNotFound
	}
	return o.data, o.tag(), nil
}

func (w *world) Write(ctx context.Context, _, key string, data []byte, tag string) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before, after := w.step(ctx, "Write")
	if before != nil {
		return "", before
	}
	if !strings.HasPrefix(key, DefaultReplayPrefix) {
		w.t.Errorf("%s was written", key)
	}
	if o, ok := w.objects[key]; ok != (tag != "") || ok && o.tag() != tag {
		return "", ErrConflict
	}
	w.put(key, bytes.Clone(data))
	if after != nil {
		return "", after
	}
	return w.objects[key].tag(), nil
}

func (w *world) PutRecordBatch(ctx context.Context, in *firehose.PutRecordBatchInput, _ ...func(*firehose.Options)) (*firehose.PutRecordBatchOutput, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before, after := w.step(ctx, "Put")
	if w.clocked != nil {
		w.clocked()
	}
	if before != nil {
		return nil, before
	}
	size := 0
	out := &firehose.PutRecordBatchOutput{FailedPutCount: new(int32)}
	for _, r := range in.Records {
		size += (len(r.Data) + 2) / 3 * 4
		var e types.PutRecordBatchResponseEntry
		if w.refuse != nil && w.refuse(r.Data) {
			code := "ServiceUnavailableException"
			e.ErrorCode = &code
			*out.FailedPutCount++
		} else {
			w.got[string(r.Data)]++
		}
		out.RequestResponses = append(out.RequestResponses, e)
	}
	if len(in.Records) > 500 || size > 4<<20 || *in.DeliveryStreamName != "archive" {
		w.t.Errorf("a call with %d records, %d bytes for %s", len(in.Records), size, *in.DeliveryStreamName)
	}
	if after != nil {
		return nil, after
	}
	return out, nil
}

// clients are those of a new process.
func (w *world) clients() Clients {
	pause := func(context.Context, time.Duration) error { return nil }
	return Clients{Store: w, Stream: &putback.Putter{API: w, Attempts: 3, Pause: pause}, Pause: pause,
		Now: func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now }}
}

var options = Options{Bucket: "b", Prefix: "errors/logs/", Stream: "archive"}

// run runs replay and answers the reports by key.
func (w *world) run(o Options) (map[string]Report, Summary, error) {
	reports := map[string]Report{}
	s, err := Run(context.Background(), o, w.clients(), func(r Report) {
		reports[r.Key] = r
		if r.Records != r.Before+r.Replayed+r.Failed {
			w.t.Errorf("a report that doesn't add up: %+v", r)
		}
	})
	return reports, s, err
}

// errorDocument is a document as Firehose writes them.
func errorDocument(raw []byte) string {
	doc, _ := json.Marshal(map[string]any{"attemptsMade": 4, "arrivalTimestamp": 1_795_244_400_000, "errorCode": "Lambda.FunctionError",
		"errorMessage": "the function failed", "attemptEndingTimestamp": 1_795_244_460_000, "rawData": base64.StdEncoding.EncodeToString(raw),
		"lambdaArn": "arn:transform"})
	return string(doc)
}

// records makes n different records.
func records(name string, n int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		out[i] = fmt.Appendf(nil, "%s-%06d", name, i)
	}
	return out
}

func errorObject(records [][]byte) []byte {
	var b bytes.Buffer
	for _, r := range records {
		b.WriteString(errorDocument(r) + "\n")
	}
	return b.Bytes()
}

func zipped(data []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(data); err != nil {
		panic(err)
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}
