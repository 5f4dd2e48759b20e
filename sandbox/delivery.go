package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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
		buffers: map[string]*buffer{}, disturb: map[Disturbance]int{}, fileBytes: flowFileBytes,
	}
	for _, option := range options {
		option(d)
	}
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
	streamBuffers  = "firehose"
	flowLogBuffers = "flow-log"
)

// buffer is the feed of a Firehose stream or of a flow log to S3.
type buffer struct {
	class string // firehose or flow-log
	place partition.Place
	name  string // of the stream, or the flow log's id
	feed  *feed
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
	if b.class == streamBuffers {
		return "Firehose stream " + b.name
	}
	return "flow log " + b.name
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
	if b.feed, err = openFeed(dir, d.store.delivered); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(dir, failureName))
	if err == nil {
		err = json.Unmarshal(data, &b.failure)
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sandbox: %w", err), b.feed.close())
	}
	d.buffers[b.dir()] = b
	return b, nil
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
		return os.Remove(path)
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
