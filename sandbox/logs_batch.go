package sandbox

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"math/big"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/logarchive/logarchive/partition"
)

// subscriptionBytes is how long the JSON of a batch becomes, unless a single event is longer. CloudWatch Logs puts at
// most 1 MiB or 10,000 events into a batch of log events:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
const (
	subscriptionBytes  = 1_000_000
	subscriptionEvents = 10_000
)

// subscriptionData is what CloudWatch Logs sends to the destination of a subscription filter, compressed with gzip:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
type subscriptionData struct {
	MessageType         string              `json:"messageType"`
	Owner               string              `json:"owner"`
	LogGroup            string              `json:"logGroup"`
	LogStream           string              `json:"logStream"`
	SubscriptionFilters []string            `json:"subscriptionFilters"`
	LogEvents           []subscriptionEvent `json:"logEvents"`
	PolicyLevel         string              `json:"policyLevel,omitempty"` // that of an account's policy
}

type subscriptionEvent struct {
	ID        string `json:"id"`
	Timestamp int64  `json:"timestamp"` // Unix milliseconds
	Message   string `json:"message"`
}

const (
	dataMessage    = "DATA_MESSAGE"
	controlMessage = "CONTROL_MESSAGE"
)

// controlData is what a new filter sends first.
func controlData(at time.Time) subscriptionData {
	return subscriptionData{
		MessageType: controlMessage, Owner: "CloudwatchLogs", SubscriptionFilters: []string{},
		LogEvents: []subscriptionEvent{{Timestamp: at.UnixMilli(), Message: "CWL CONTROL MESSAGE: Checking health of destination Firehose."}},
	}
}

// subscriptionBatches puts the messages of a log stream into batches and gives each, compressed, with its number of
// events to a function. The payload is valid until that returns.
func subscriptionBatches(envelope subscriptionData, at time.Time, messages []string, region partition.Region, emit func(payload []byte, events int) error) error {
	limit, err := region.Limit(partition.FirehoseRecord)
	if err != nil {
		return err
	}
	ids := newEventIDs(at)
	writer := newBatchWriter()
	flush := func(from, to int) error {
		envelope.LogEvents = envelope.LogEvents[:0]
		for _, message := range messages[from:to] {
			envelope.LogEvents = append(envelope.LogEvents, subscriptionEvent{ids.next(), at.UnixMilli(), message})
		}
		return writer.write(envelope, limit, emit)
	}
	from, size := 0, 0
	for i, message := range messages {
		const eventOverhead = 120 // the id, the timestamp and the names
		length := len(message) + len(message)/16 + eventOverhead
		if i > from && (size+length > subscriptionBytes || i-from == subscriptionEvents) {
			if err := flush(from, i); err != nil {
				return err
			}
			from, size = i, 0
		}
		size += length
	}
	if from == len(messages) {
		return nil
	}
	return flush(from, len(messages))
}

// batchWriter keeps its buffers and its compressor from batch to batch.
type batchWriter struct {
	text, packed bytes.Buffer
	gzip         *gzip.Writer
}

func newBatchWriter() *batchWriter {
	w := &batchWriter{}
	// CloudWatch Logs compresses with level 6.
	w.gzip, _ = gzip.NewWriterLevel(&w.packed, 6)
	return w
}

// write emits one batch. One that is too large for a Firehose record goes as two.
func (w *batchWriter) write(data subscriptionData, limit int64, emit func([]byte, int) error) error {
	w.text.Reset()
	encoder := json.NewEncoder(&w.text)
	encoder.SetEscapeHTML(false) // CloudWatch Logs doesn't
	if err := encoder.Encode(data); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	w.packed.Reset()
	w.gzip.Reset(&w.packed)
	if _, err := w.gzip.Write(bytes.TrimSuffix(w.text.Bytes(), []byte{'\n'})); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	if err := w.gzip.Close(); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	n := len(data.LogEvents)
	if int64(w.packed.Len()) <= limit {
		return emit(w.packed.Bytes(), n)
	}
	if n == 1 {
		return fmt.Errorf("sandbox: InvalidArgumentException: a log event of %d bytes is %d bytes when compressed, Firehose takes %d in a record", len(data.LogEvents[0].Message), w.packed.Len(), limit)
	}
	half, rest := data, data
	half.LogEvents, rest.LogEvents = data.LogEvents[:n/2], data.LogEvents[n/2:]
	if err := w.write(half, limit, emit); err != nil {
		return err
	}
	return w.write(rest, limit, emit)
}

// eventIDs numbers log events as CloudWatch Logs does, as far as one can see: 56 digits that grow with the time, which is
// in the bits above the 144th.
type eventIDs struct {
	following *big.Int
	one       *big.Int
}

func newEventIDs(at time.Time) *eventIDs {
	id := big.NewInt(at.UnixMilli())
	id.Lsh(id, 144)
	random := make([]byte, 12)
	_, _ = rand.Read(random) // never fails
	low := new(big.Int).SetBytes(random)
	return &eventIDs{id.Or(id, low.Lsh(low, 40)), big.NewInt(1)}
}

func (e *eventIDs) next() string {
	id := e.following.String()
	e.following.Add(e.following, e.one)
	return id
}
