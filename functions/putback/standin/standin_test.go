package standin_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/smithy-go"

	"github.com/logarchive/logarchive/functions/putback"
	"github.com/logarchive/logarchive/functions/putback/standin"
)

// What exceeds a limit is refused whole, as Firehose does, and doesn't reach the stream.
func TestLimits(t *testing.T) {
	t.Parallel()
	name := "s"
	record := func(size int) types.Record { return types.Record{Data: bytes.Repeat([]byte{1}, size)} }
	many := func(n, size int) (all []types.Record) {
		for range n {
			all = append(all, record(size))
		}
		return all
	}
	for _, test := range []struct {
		what    string
		in      firehose.PutRecordBatchInput
		problem string // "" for none
	}{
		{"the most records", firehose.PutRecordBatchInput{DeliveryStreamName: &name, Records: many(500, 1)}, ""},
		{"too many records", firehose.PutRecordBatchInput{DeliveryStreamName: &name, Records: many(501, 1)}, "501 records"},
		{"no records", firehose.PutRecordBatchInput{DeliveryStreamName: &name}, "0 records"},
		{"the largest record", firehose.PutRecordBatchInput{DeliveryStreamName: &name, Records: many(1, 1000<<10)}, ""},
		{"too large a record", firehose.PutRecordBatchInput{DeliveryStreamName: &name, Records: many(2, 1000<<10+1)}, "record 0 has 1024001 bytes"},
		{"the largest batch", firehose.PutRecordBatchInput{DeliveryStreamName: &name, Records: many(8, 512<<10)}, ""},
		{"too large a batch", firehose.PutRecordBatchInput{DeliveryStreamName: &name, Records: append(many(8, 512<<10), record(1))}, "have 4194305 bytes"},
		{"no stream", firehose.PutRecordBatchInput{Records: many(1, 1)}, "DeliveryStreamName"},
	} {
		calls := 0
		stream := standin.Stream(func(context.Context, string, [][]byte) ([]error, error) {
			calls++
			return nil, nil
		})
		out, err := stream.PutRecordBatch(t.Context(), &test.in)
		if test.problem == "" {
			if err != nil || calls != 1 || *out.FailedPutCount != 0 || len(out.RequestResponses) != len(test.in.Records) {
				t.Errorf("%s: %v", test.what, err)
			}
			continue
		}
		if api := smithy.APIError(nil); calls != 0 || !errors.As(err, &api) || api.ErrorFault() != smithy.FaultClient || !strings.Contains(err.Error(), test.problem) {
			t.Errorf("%s: %v, want %q", test.what, err, test.problem)
		}
	}
}

// A putter works with it as with Firehose: what is refused for now is put again, and a client's fault is not.
func TestPutter(t *testing.T) {
	t.Parallel()
	var taken []string
	round := 0
	putter := putback.Putter{Attempts: 3, API: standin.Stream(func(_ context.Context, name string, records [][]byte) ([]error, error) {
		round++
		if name == "other" {
			return nil, standin.Refuse("ResourceNotFoundException", "there is no such stream", true)
		}
		refused := make([]error, len(records))
		for i, r := range records {
			if round == 1 && i == 1 {
				refused[i] = standin.Refuse("ServiceUnavailableException", "Slow down.", false)
				continue
			}
			taken = append(taken, string(r))
		}
		return refused, nil
	})}
	records := [][]byte{[]byte("a"), []byte("b"), []byte("c")}
	if res := putter.Put(t.Context(), "s", records); res.Err != nil || strings.Join(taken, "") != "acb" || res.Calls != 2 {
		t.Errorf("%+v, taken %q", res, taken)
	}
	round = 0
	if res := putter.Put(t.Context(), "other", records); res.Err == nil || round != 1 || res.Accepted[0] {
		t.Errorf("%+v after %d calls", res, round)
	}
}
