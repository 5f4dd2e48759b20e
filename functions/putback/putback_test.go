package putback

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/smithy-go"
)

// fake is a stream that refuses as it is told, and checks every limit of the API.
type fake struct {
	mu     sync.Mutex
	t      *testing.T
	got    map[string]int
	refuse func(call int, record []byte) bool
	fail   func(call int) error
	calls  int
	sizes  []int
}

func (f *fake) PutRecordBatch(_ context.Context, in *firehose.PutRecordBatchInput, _ ...func(*firehose.Options)) (*firehose.PutRecordBatchOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	f.sizes = append(f.sizes, len(in.Records))
	size := 0
	for _, r := range in.Records {
		size += (len(r.Data) + 2) / 3 * 4
		if len(r.Data) > 1_024_000 {
			f.t.Errorf("a record of %d bytes was sent", len(r.Data))
		}
	}
	if len(in.Records) == 0 || len(in.Records) > 500 || size > 4<<20 {
		f.t.Errorf("a call with %d records, %d bytes", len(in.Records), size)
	}
	if f.fail != nil {
		if err := f.fail(f.calls); err != nil {
			return nil, err
		}
	}
	out := &firehose.PutRecordBatchOutput{FailedPutCount: new(int32)}
	for _, r := range in.Records {
		var entry types.PutRecordBatchResponseEntry
		if f.refuse != nil && f.refuse(f.calls, r.Data) {
			code := "ServiceUnavailableException"
			entry.ErrorCode = &code
			*out.FailedPutCount++
		} else {
			f.got[string(r.Data)]++
		}
		out.RequestResponses = append(out.RequestResponses, entry)
	}
	return out, nil
}

func newFake(t *testing.T) *fake { return &fake{t: t, got: map[string]int{}} }

func putter(f *fake, attempts int) (*Putter, *[]time.Duration) {
	var pauses []time.Duration
	return &Putter{API: f, Attempts: attempts, Base: 100 * time.Millisecond, Longest: time.Second,
		Random: func() float64 { return 0.5 },
		Pause:  func(_ context.Context, d time.Duration) error { pauses = append(pauses, d); return nil }}, &pauses
}

func TestOnlyTheRefusedAreSentAgain(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.refuse = func(call int, r []byte) bool { return call < 3 && r[0] == 'b' }
	p, pauses := putter(f, 5)
	res := p.Put(t.Context(), "s", [][]byte{[]byte("a1"), []byte("b1"), []byte("a2"), []byte("b2")})
	if res.Err != nil || res.Calls != 3 || res.Retried != 4 {
		t.Errorf("result %+v", res)
	}
	for _, r := range []string{"a1", "a2", "b1", "b2"} {
		if f.got[r] != 1 {
			t.Errorf("%s arrived %d times", r, f.got[r])
		}
	}
	if len(*pauses) != 2 || (*pauses)[0] != 50*time.Millisecond || (*pauses)[1] != 100*time.Millisecond {
		t.Errorf("pauses %v", *pauses)
	}
}

func TestLimitsOfACall(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		records [][]byte
		calls   []int
	}{
		{"nothing", nil, nil},
		{"500 records", make([][]byte, 500), []int{500}},
		{"501 records", make([][]byte, 501), []int{500, 1}},
		{"the largest record three times", [][]byte{make([]byte, MaxRecordBytes), make([]byte, MaxRecordBytes), make([]byte, MaxRecordBytes), make([]byte, MaxRecordBytes)}, []int{3, 1}},
		{"four MiB exactly", [][]byte{make([]byte, 917_502), make([]byte, 917_502), make([]byte, 917_502), make([]byte, 393_222)}, []int{4}},
		{"four MiB and one byte", [][]byte{make([]byte, 917_502), make([]byte, 917_502), make([]byte, 917_502), make([]byte, 393_223)}, []int{3, 1}},
	}
	for _, tc := range tests {
		f := newFake(t)
		p, _ := putter(f, 1)
		res := p.Put(t.Context(), "s", tc.records)
		if res.Err != nil {
			t.Errorf("%s: %v", tc.name, res.Err)
		}
		if len(f.sizes) != len(tc.calls) {
			t.Errorf("%s: calls of %v records, want %v", tc.name, f.sizes, tc.calls)
			continue
		}
		for i := range f.sizes {
			if f.sizes[i] != tc.calls[i] {
				t.Errorf("%s: calls of %v records, want %v", tc.name, f.sizes, tc.calls)
			}
		}
	}
}

func TestARecordAboveTheLimitIsRefusedAlone(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	p, _ := putter(f, 3)
	res := p.Put(t.Context(), "s", [][]byte{[]byte("small"), make([]byte, MaxRecordBytes+1)})
	if !res.Accepted[0] || res.Accepted[1] || !errors.Is(res.Err, ErrRecordSize) || f.calls != 1 {
		t.Errorf("result %+v after %d calls", res, f.calls)
	}
}

func TestErrorsOfTheWholeCall(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		err   error
		calls int
	}{
		{"throttled", &smithy.GenericAPIError{Code: "ThrottlingException", Fault: smithy.FaultClient}, 4},
		{"unavailable", &types.ServiceUnavailableException{}, 4},
		{"broken connection", errors.New("connection reset by peer"), 4},
		{"fault of the service", &smithy.GenericAPIError{Code: "Strange", Fault: smithy.FaultServer}, 4},
		{"denied", &smithy.GenericAPIError{Code: "AccessDeniedException", Fault: smithy.FaultClient}, 1},
		{"no such stream", &types.ResourceNotFoundException{}, 1},
		{"cancelled", context.Canceled, 1},
	}
	for _, tc := range tests {
		f := newFake(t)
		f.fail = func(int) error { return tc.err }
		p, _ := putter(f, 4)
		res := p.Put(t.Context(), "s", [][]byte{[]byte("a")})
		if res.Calls != tc.calls || res.Accepted[0] || !errors.Is(res.Err, tc.err) {
			t.Errorf("%s: %+v, want %d calls", tc.name, res, tc.calls)
		}
	}
}

func TestItEndsBeforeTheDeadline(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.refuse = func(int, []byte) bool { return true }
	p, pauses := putter(f, 100)
	p.Margin = time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), 800*time.Millisecond)
	defer cancel()
	p.Base, p.Longest = 2*time.Second, 2*time.Second // a pause of one second
	res := p.Put(ctx, "s", [][]byte{[]byte("a")})
	if res.Accepted[0] || res.Err == nil || len(*pauses) != 0 || f.calls != 1 {
		t.Errorf("%+v after %d calls, pauses %v", res, f.calls, *pauses)
	}
}

// Whatever the stream does, a record is on it exactly when Accepted says so, and once.
func TestAcceptedIsTheTruth(t *testing.T) {
	t.Parallel()
	const seed = 4
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 200 {
		f := newFake(t)
		rate := r.Float64()
		f.refuse = func(int, []byte) bool { return r.Float64() < rate }
		f.fail = func(int) error {
			if r.IntN(5) == 0 {
				return errors.New("broken connection")
			}
			return nil
		}
		records := make([][]byte, r.IntN(1200))
		for i := range records {
			records[i] = []byte{byte(i), byte(i >> 8), 'x'}
		}
		p, _ := putter(f, 1+r.IntN(6))
		res := p.Put(t.Context(), "s", records)
		missing := 0
		for i, rec := range records {
			want := 0
			if res.Accepted[i] {
				want = 1
			} else {
				missing++
			}
			if f.got[string(rec)] != want {
				t.Fatalf("record %d arrived %d times, accepted %v", i, f.got[string(rec)], res.Accepted[i])
			}
		}
		if (missing > 0) != (res.Err != nil) {
			t.Fatalf("%d missing, error %v", missing, res.Err)
		}
	}
}
