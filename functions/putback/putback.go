// Package putback puts records onto a Firehose stream without losing or doubling any that the stream answered for.
//
// PutRecordBatch takes 500 records and 4 MiB a call, 1,000 KiB a record, and may accept a part of a call: then
// FailedPutCount is not zero and each record has its own verdict. Only the refused ones are sent again, after an
// exponential backoff with full jitter, until all are accepted, the attempts are used up, the error is one that
// repeating doesn't cure, or the context's deadline is near.
// https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
//
// One thing no client can know: when a connection breaks before the answer, the stream may or may not have taken the
// call. It counts as refused, so that nothing is lost; the API has no token that would make a repetition harmless.
package putback

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/smithy-go"

	"github.com/logarchive/logarchive/functions/pause"
)

// The limits of PutRecordBatch. The request's limit is documented as 4 MB without saying whether before or after
// base64: MaxBatchBytes is compared with the size after it, which is right in both readings.
const (
	MaxRecords     = 500
	MaxRecordBytes = 1000 << 10 // before base64
	MaxBatchBytes  = 4 << 20    // after base64
)

// API is the part of the Firehose client that is used here.
type API interface {
	PutRecordBatch(context.Context, *firehose.PutRecordBatchInput, ...func(*firehose.Options)) (*firehose.PutRecordBatchOutput, error)
}

// Putter puts records onto streams. It is safe for concurrent use when its API is.
type Putter struct {
	API      API
	Attempts int           // rounds of calls; at least 1
	Base     time.Duration // the first pause is random between 0 and Base; it doubles each round
	Longest  time.Duration // no pause is longer
	Margin   time.Duration // how long before the context's deadline to give up; at most a quarter of what is left
	// Pause waits, or ends early with the context's error; nil for a real pause. Tests replace it.
	Pause func(context.Context, time.Duration) error
	// Random answers a number in [0,1); nil for a random one.
	Random func() float64
}

// Result says what became of the records.
type Result struct {
	Accepted []bool // for each record, whether the stream has it
	Calls    int    // PutRecordBatch calls made
	Retried  int    // records sent again, counted each time
	Err      error  // why the last ones were refused; nil when all were accepted
}

// ErrRecordSize is the reason for a record that PutRecordBatch can never take.
var ErrRecordSize = fmt.Errorf("a record exceeds %d bytes", MaxRecordBytes)

// Put sends the records to the stream.
func (p *Putter) Put(ctx context.Context, stream string, records [][]byte) Result {
	res := Result{Accepted: make([]bool, len(records))}
	var left []int
	for i, r := range records {
		if len(r) > MaxRecordBytes {
			res.Err = ErrRecordSize
		} else {
			left = append(left, i)
		}
	}
	tooLarge := res.Err
	if deadline, ok := ctx.Deadline(); ok && p.Margin > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-min(p.Margin, time.Until(deadline)/4)))
		defer cancel()
	}
	for round := 0; len(left) > 0; round++ {
		if round > 0 {
			if err := p.pause(ctx, round); err != nil {
				return res
			}
			res.Retried += len(left)
		}
		var refused []int
		final := false
		for len(left) > 0 {
			n := batch(records, left)
			again, err := p.call(ctx, stream, records, left[:n], res.Accepted)
			res.Calls++
			refused = append(refused, again...)
			left = left[n:]
			if err != nil {
				res.Err = err
				if !curable(err) || ctx.Err() != nil {
					refused = append(refused, left...)
					final = true
					break
				}
			}
		}
		left = refused
		if len(left) == 0 {
			res.Err = tooLarge
		}
		if final || round+1 >= max(p.Attempts, 1) {
			return res
		}
	}
	return res
}

// batch tells how many of the next records fit into one call.
func batch(records [][]byte, next []int) int {
	size := 0
	for n, i := range next {
		size += (len(records[i]) + 2) / 3 * 4
		if n == MaxRecords || size > MaxBatchBytes && n > 0 {
			return n
		}
	}
	return len(next)
}

// call makes one call and answers which records were refused, and why.
func (p *Putter) call(ctx context.Context, stream string, records [][]byte, which []int, accepted []bool) ([]int, error) {
	in := &firehose.PutRecordBatchInput{DeliveryStreamName: &stream, Records: make([]types.Record, len(which))}
	for k, i := range which {
		in.Records[k].Data = records[i]
	}
	out, err := p.API.PutRecordBatch(ctx, in)
	if err != nil {
		return which, err
	}
	failed := 0
	if out.FailedPutCount != nil {
		failed = int(*out.FailedPutCount)
	}
	if failed > 0 && len(out.RequestResponses) != len(which) {
		return which, fmt.Errorf("the stream refused %d of %d records without saying which", failed, len(which))
	}
	var refused []int
	for k, i := range which {
		if failed > 0 && out.RequestResponses[k].ErrorCode != nil {
			refused = append(refused, i)
			err = fmt.Errorf("%s: %s", value(out.RequestResponses[k].ErrorCode), value(out.RequestResponses[k].ErrorMessage))
			continue
		}
		accepted[i] = true
	}
	return refused, err
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// curable tells whether a call may succeed when it is made again: throttling, faults of the service, broken
// connections. A refusal of the request itself, such as a denied access or a stream that doesn't exist, stays one.
func curable(err error) bool {
	if errors.Is(err, context.Canceled) {
		return false
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return true
	}
	switch api.ErrorCode() {
	case "ServiceUnavailableException", "ThrottlingException", "Throttling", "ThrottledException", "LimitExceededException",
		"RequestLimitExceeded", "TooManyRequestsException", "SlowDown", "RequestTimeout", "RequestTimeoutException", "InternalFailure":
		return true
	}
	return api.ErrorFault() != smithy.FaultClient
}

func (p *Putter) pause(ctx context.Context, round int) error {
	random := p.Random
	if random == nil {
		random = rand.Float64
	}
	longest := p.Longest
	if d := p.Base << min(round-1, 20); d < longest && d > 0 {
		longest = d
	}
	d := time.Duration(random() * float64(longest))
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return context.DeadlineExceeded
	}
	if p.Pause != nil {
		return p.Pause(ctx, d)
	}
	return pause.For(ctx, d)
}
