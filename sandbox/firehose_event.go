package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// The results that a function may give a record:
// https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html
const (
	resultOk      = "Ok"
	resultDropped = "Dropped"
	resultFailed  = "ProcessingFailed"
)

// processingFailed is the type of error in keys of what could not be transformed.
const processingFailed = "processing-failed"

// transformEvent is what Firehose invokes a function with. Record ids are the same in each attempt, the invocation's isn't.
// See https://docs.aws.amazon.com/lambda/latest/dg/services-kinesisfirehose.html
func transformEvent(s *stream, invocationID string, records []transformRecord) []byte {
	size := eventBase
	for _, r := range records {
		size += eventBytes(len(r.payload))
	}
	b := make([]byte, 0, size)
	b = append(b, `{"invocationId":`...)
	b = strconv.AppendQuote(b, invocationID)
	b = append(b, `,"deliveryStreamArn":`...)
	b = strconv.AppendQuote(b, s.arn)
	b = append(b, `,"region":`...)
	b = strconv.AppendQuote(b, string(s.object.Place.Region))
	b = append(b, `,"records":[`...)
	for i, r := range records {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"recordId":`...)
		b = strconv.AppendQuote(b, r.id)
		b = append(b, `,"approximateArrivalTimestamp":`...)
		b = strconv.AppendInt(b, r.arrival.UnixMilli(), 10)
		b = append(b, `,"data":"`...)
		b = base64.StdEncoding.AppendEncode(b, r.payload)
		b = append(b, `"}`...)
	}
	return append(b, `]}`...)
}

// eventBase and eventBytes are how long an event becomes at most, without records and for each record.
const eventBase = 500

func eventBytes(payload int) int { return 160 + base64.StdEncoding.EncodedLen(payload) }

// transformRecord is a record on its way through a function.
type transformRecord struct {
	feedRecord
	id      string
	payload []byte
	// What became of it: lines (with keys), nothing (dropped), or a failure.
	data    []byte
	keys    map[string]string
	dropped bool
	failure *functionFailure
}

// transformAnswer is what a function answers.
type transformAnswer struct {
	Records []struct {
		RecordID string  `json:"recordId"`
		Result   string  `json:"result"`
		Data     *string `json:"data"`
		Metadata struct {
			PartitionKeys map[string]string `json:"partitionKeys"`
		} `json:"metadata"`
	} `json:"records"`
}

// Failures of single records. What is in an answer is final: Firehose doesn't ask again.
var (
	failedRecord     = &functionFailure{"Lambda.ProcessingFailedStatus", "ProcessingFailed status set for record", false}
	missingRecord    = &functionFailure{"Lambda.MissingRecordId", "One or more record Ids were not returned. Ensure that the Lambda function returns all received record Ids.", false}
	duplicatedRecord = &functionFailure{"Lambda.DuplicatedRecordId", "Multiple records were returned with the same record Id. Ensure that the Lambda function returns a unique record Id for each record.", false}
	emptyRecord      = &functionFailure{"Lambda.InvalidReturnFormat", "The data field cannot be null when the processing result is Ok.", false}
)

// settle gives each record the result that an answer has for it. An id that isn't there, or is there twice, fails its own
// record, and an id that wasn't asked for is passed over: that is how AWS was seen to do it, the documentation only says
// that a mismatch is a failure. A result that doesn't exist, and data that isn't base64, fail all of them.
func settle(records []transformRecord, answer []byte) *functionFailure {
	var a transformAnswer
	if err := json.Unmarshal(answer, &a); err != nil {
		return failedAnswer
	}
	const none, twice = -1, -2
	found := make(map[string]int, len(a.Records))
	for i, r := range a.Records {
		if _, ok := found[r.RecordID]; ok {
			i = twice
		}
		found[r.RecordID] = i
	}
	for i := range records {
		r := &records[i]
		at, ok := found[r.id]
		if !ok {
			at = none
		}
		switch at {
		case none:
			r.failure = missingRecord
			continue
		case twice:
			r.failure = duplicatedRecord
			continue
		}
		switch result := a.Records[at]; {
		case result.Result == resultDropped:
			r.dropped = true
		case result.Result == resultFailed:
			r.failure = failedRecord
		case result.Result != resultOk:
			return failedAnswer
		case result.Data == nil:
			r.failure = emptyRecord
		default:
			data, err := base64.StdEncoding.DecodeString(*result.Data)
			if err != nil {
				return failedInvalidB64
			}
			r.data, r.keys = data, result.Metadata.PartitionKeys
		}
	}
	return nil
}

// failedLine is a record in the error prefix, as AWS was seen to write it (the documentation has lambdaArn, and texts in
// place of numbers): https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html
type failedLine struct {
	RawData                []byte `json:"rawData"` // base64
	ErrorCode              string `json:"errorCode"`
	ErrorMessage           string `json:"errorMessage"`
	AttemptsMade           int    `json:"attemptsMade"`
	ArrivalTimestamp       int64  `json:"arrivalTimestamp"`
	AttemptEndingTimestamp int64  `json:"attemptEndingTimestamp"`
	LambdaARN              string `json:"lambdaARN"`
}

// errorLine is the line of a record that failed.
func (r *transformRecord) errorLine(p *processor, attempts int, ended time.Time) ([]byte, error) {
	line, err := json.Marshal(failedLine{
		RawData: r.payload, ErrorCode: r.failure.code, ErrorMessage: r.failure.message, AttemptsMade: attempts,
		ArrivalTimestamp: r.arrival.UnixMilli(), AttemptEndingTimestamp: ended.UnixMilli(), LambdaARN: p.function,
	})
	return append(line, '\n'), err
}

// recordID is a record's id, opaque and as long as Firehose's.
func recordID(feed string, r feedRecord) string {
	sum := uuidOf(feed)
	high, err := strconv.ParseUint(sum[:8], 16, 64)
	if err != nil {
		high = 0 // a UUID has hexadecimal digits
	}
	return fmt.Sprintf("49%034d%020d", high, r.begin)
}
