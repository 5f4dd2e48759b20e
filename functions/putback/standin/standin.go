// Package standin takes records in Firehose's place: it is the other side of package putback, for whoever runs the
// functions without AWS.
package standin

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/smithy-go"

	"github.com/logarchive/logarchive/functions/putback"
)

// Stream takes the records of one call, all of which are within the limits of PutRecordBatch. It answers why it refuses
// them, each by its index, nil for one that it has taken; with no refusals at all it may answer nothing. An error refuses
// the call; see [Refuse] for one with a code of AWS's.
type Stream func(ctx context.Context, name string, records [][]byte) (refused []error, err error)

// Refuse is an error that Firehose answers a call with. A client's fault isn't worth repeating.
func Refuse(code, message string, client bool) error {
	fault := smithy.FaultServer
	if client {
		fault = smithy.FaultClient
	}
	return &smithy.GenericAPIError{Code: code, Message: message, Fault: fault}
}

var _ putback.API = Stream(nil)

// PutRecordBatch does what Firehose does with a call: it refuses one that exceeds the limits, and answers for each record.
// https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
func (s Stream) PutRecordBatch(ctx context.Context, in *firehose.PutRecordBatchInput, _ ...func(*firehose.Options)) (*firehose.PutRecordBatchOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if in.DeliveryStreamName == nil {
		return nil, Refuse("ValidationException", "DeliveryStreamName is missing", true)
	}
	if n := len(in.Records); n == 0 || n > putback.MaxRecords {
		return nil, Refuse("ValidationException", fmt.Sprintf("%d records: 1 to %d are allowed", n, putback.MaxRecords), true)
	}
	records, size := make([][]byte, len(in.Records)), 0
	for i, r := range in.Records {
		if len(r.Data) > putback.MaxRecordBytes {
			return nil, Refuse("ValidationException", fmt.Sprintf("record %d has %d bytes: %d are allowed", i, len(r.Data), putback.MaxRecordBytes), true)
		}
		size += len(r.Data)
		records[i] = r.Data
	}
	if size > putback.MaxBatchBytes {
		return nil, Refuse("InvalidArgumentException", fmt.Sprintf("the records have %d bytes: %d are allowed", size, putback.MaxBatchBytes), true)
	}
	refused, err := s(ctx, *in.DeliveryStreamName, records)
	if err != nil {
		return nil, err
	}
	out := &firehose.PutRecordBatchOutput{FailedPutCount: new(int32), RequestResponses: make([]types.PutRecordBatchResponseEntry, len(records))}
	for i := range records {
		if i >= len(refused) || refused[i] == nil {
			id := fmt.Sprintf("%056d", i)
			out.RequestResponses[i].RecordId = &id
			continue
		}
		*out.FailedPutCount++
		code, message := "InternalFailure", refused[i].Error()
		if api := smithy.APIError(nil); errors.As(refused[i], &api) {
			code, message = api.ErrorCode(), api.ErrorMessage()
		}
		out.RequestResponses[i].ErrorCode, out.RequestResponses[i].ErrorMessage = &code, &message
	}
	return out, nil
}
