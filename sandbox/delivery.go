package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/logarchive/logarchive/partition"
)

// Delivery carries lines from the sources that the world declares along the declared resources into the store's buckets,
// and refuses where a link is missing. The life of a line:
//
//   - A log group gets it (from an agent, a database, or the flow log service with its role). Each subscription filter
//     that selects it has CloudWatch Logs take on the filter's role and put it, in a gzip batch, to a Firehose stream. What
//     Send acknowledges is in the stream's buffer, on disk.
//   - When the buffer is full or old enough (by the sandbox's clock), Firehose takes on its role and writes an object. What
//     it can't write stays in the buffer and is tried again; see [Delivery.Status].
//   - A stream with a Lambda processor first has its records transformed, by the very code that is deployed. What the
//     function makes of them waits in a buffer for each partition, and becomes objects; what it can't read, or all when it
//     fails for too long, is written to the stream's error prefix.
//   - A service that writes files itself (CloudTrail's trails) has a buffer for each, and a file when its time comes.
//   - A flow log to S3 has a buffer of its own, and a file every five minutes that the log delivery service writes.
//
// Every line that was acknowledged is in one object at the end, exactly once, whatever is killed in between. (AWS promises
// "at least once"; see [Delivery.Disturb].) All methods may be called concurrently. Sending takes the store's lock, so one
// process at a time does it.
type Delivery struct {
	world      Resources
	store      *Store
	clock      *Clock
	authorizer Authorizer

	mu      sync.Mutex
	buffers map[string]*buffer // by directory below the delivery's
	held    bool               // the store's lock was ours when buffers were opened
	disturb map[Disturbance]int
	// controls are the subscription filters that have sent their control message; nil until they are read.
	controls map[string]bool
	hosts    map[string]*host // by the functions' ARNs
	writable *World           // the world, where functions may change it; see [NewBackground]

	fileBytes int64 // of a flow log's file at most
}

// DeliveryOption changes how a delivery works.
type DeliveryOption func(*Delivery)

// WithAuthorizer has another authorizer decide the hops.
func WithAuthorizer(a Authorizer) DeliveryOption {
	return func(d *Delivery) { d.authorizer = a }
}

// NewDelivery returns the delivery of a world into a store. Its buffers are kept in the store's directory.
func NewDelivery(w Resources, s *Store, c *Clock, options ...DeliveryOption) *Delivery {
	d := &Delivery{
		world: w, store: s, clock: c, authorizer: NewAuthorizer(w),
		buffers: map[string]*buffer{}, disturb: map[Disturbance]int{}, hosts: map[string]*host{}, fileBytes: flowFileBytes,
	}
	for _, option := range options {
		option(d)
	}
	s.announce = d.announce
	return d
}

// Close closes the buffers. What is in them stays, and is delivered by the next Flush of any process.
func (d *Delivery) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.closeBuffers()
}

func (d *Delivery) closeBuffers() error {
	var err error
	for _, b := range d.buffers {
		err = errors.Join(err, b.feed.close())
	}
	d.buffers = map[string]*buffer{}
	return err
}

// Disturbance is something that goes wrong at AWS and that senders and readers must stand.
type Disturbance string

// The disturbances.
const (
	// DisturbDuplicate has CloudWatch Logs send a batch twice: delivery is at least once.
	DisturbDuplicate Disturbance = "duplicate"
	// DisturbSlowDown has S3 answer SlowDown (503) to a writer, which then tries again later.
	DisturbSlowDown Disturbance = "slow-down"
	// DisturbFunctionError has an invocation of a stream's function end with an error.
	DisturbFunctionError Disturbance = "function-error"
	// DisturbFunctionTimeout has an invocation take as long as it may, and end without an answer.
	DisturbFunctionTimeout Disturbance = "function-timeout"
	// DisturbFunctionThrottle has Lambda refuse an invocation: there are too many at a time.
	DisturbFunctionThrottle Disturbance = "function-throttle"
	// DisturbFunctionAnswer has a function answer with record ids that nobody asked for, and with none that was asked for.
	DisturbFunctionAnswer Disturbance = "function-answer"
	// DisturbAPIThrottle has AWS refuse a function's call: there are too many at a time.
	DisturbAPIThrottle Disturbance = "api-throttle"
	// DisturbPutRecordBatch has a stream refuse every other record of a function's PutRecordBatch call.
	DisturbPutRecordBatch Disturbance = "put-record-batch"
)

// Disturb has a disturbance happen the next so many times.
func (d *Delivery) Disturb(what Disturbance, times int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.disturb[what] += times
}

func (d *Delivery) disturbed(what Disturbance) bool {
	if d.disturb[what] == 0 {
		return false
	}
	d.disturb[what]--
	return true
}

// The directories below the store's, and the classes of buffers.
const (
	deliveryRoot   = "delivery"
	failureName    = "failure.json"
	partitionName  = "partition.json"
	streamBuffers  = "firehose"
	outputBuffers  = "firehose-output" // what a stream's function has made of records
	failedBuffers  = "firehose-failed" // what goes to a stream's error prefix
	flowLogBuffers = "flow-log"
	accessBuffers  = "access-log"
	fileBuffers    = "service-file" // of services that write files themselves
)

// partitionSeparator is between a stream's name and its partition in the name of a buffer. No stream's name has it.
const partitionSeparator = "@"

// fileSeparator is between the kind and the name of what writes files itself, in the name of its buffer.
const fileSeparator = "="

// buffer is the feed of a Firehose stream or of a flow log to S3.
type buffer struct {
	class string // one of the classes above
	place partition.Place
	name  string // of the stream, perhaps with a partition; the flow log's id; or a source's kind and name
	feed  *feed
	keys  map[string]string // of its partition
	// failure is the last failed attempt to deliver; nil when the last one went well.
	failure *failure
}

// failure is what is kept of an attempt to deliver that failed.
type failure struct {
	At       time.Time `json:"at"`
	Attempts int       `json:"attempts"`
	Code     string    `json:"code,omitempty"`
	Reason   string    `json:"reason"`
	err      error
}

// retryAfter is how long a stream waits after a failure. (AWS doesn't say; it tries for 24 hours.)
const (
	retryAfter = time.Minute
	keepFor    = 24 * time.Hour
)

func (b *buffer) dir() string {
	return filepath.Join(b.class, string(b.place.Account), string(b.place.Region), b.name)
}

// label says which buffer it is.
func (b *buffer) label() string {
	switch b.class {
	case flowLogBuffers:
		return "flow log " + b.name
	case accessBuffers:
		return "access logs " + b.name
	case fileBuffers:
		return strings.ReplaceAll(b.name, fileSeparator, " ")
	}
	return "Firehose stream " + b.stream()
}

// stream is the name of the stream.
func (b *buffer) stream() string {
	name, _, _ := strings.Cut(b.name, partitionSeparator)
	return name
}

// hold makes this process the one that delivers. Buffers that were opened before another process had the store are opened
// again.
func (d *Delivery) hold() error {
	fresh, err := d.store.hold()
	if err != nil {
		return err
	}
	if fresh || !d.held {
		d.controls = nil
		if err := d.closeBuffers(); err != nil {
			return err
		}
	}
	d.held = true
	return nil
}

// buffer opens a buffer.
func (d *Delivery) buffer(class string, place partition.Place, name string) (*buffer, error) {
	b := &buffer{class: class, place: place, name: name}
	if known := d.buffers[b.dir()]; known != nil {
		return known, nil
	}
	dir := filepath.Join(d.store.Dir(), deliveryRoot, b.dir())
	var err error
	ledger := feedLedger{delivered: d.store.delivered}
	if class == outputBuffers || class == failedBuffers {
		ledger.grown = d.store.grown
	}
	if b.feed, err = openFeed(dir, ledger); err != nil {
		return nil, err
	}
	if err := errors.Join(readIfThere(filepath.Join(dir, failureName), &b.failure), readIfThere(filepath.Join(dir, partitionName), &b.keys)); err != nil {
		return nil, errors.Join(fmt.Errorf("sandbox: %w", err), b.feed.close())
	}
	d.buffers[b.dir()] = b
	return b, nil
}

// readIfThere reads a JSON file into a value, which stays as it is when there is no file.
func readIfThere(path string, into any) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

// allBuffers opens every buffer on disk.
func (d *Delivery) allBuffers() ([]*buffer, error) {
	found, err := filepath.Glob(filepath.Join(d.store.Dir(), deliveryRoot, "*", "*", "*", "*"))
	if err != nil {
		return nil, err
	}
	var all []*buffer
	for _, dir := range found {
		parts := make([]string, 4)
		for i := 3; i >= 0; i-- {
			parts[i] = filepath.Base(dir)
			dir = filepath.Dir(dir)
		}
		place := partition.Place{Account: partition.Account(parts[1]), Region: partition.Region(parts[2])}
		b, err := d.buffer(parts[0], place, parts[3])
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, nil
}

// note keeps the outcome of an attempt to deliver: a failure, or nil.
func (d *Delivery) note(b *buffer, now time.Time, err error) error {
	path := filepath.Join(d.store.Dir(), deliveryRoot, b.dir(), failureName)
	if err == nil {
		if b.failure == nil {
			return nil
		}
		b.failure = nil
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil // it went with the partition
	}
	f := &failure{At: now, Attempts: 1, Reason: err.Error(), err: err}
	if b.failure != nil {
		f.Attempts += b.failure.Attempts
	}
	if refusal := (*Refusal)(nil); errors.As(err, &refusal) {
		f.Code = refusal.Code
	}
	b.failure = f
	data, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return replaceFile(path, data)
}
