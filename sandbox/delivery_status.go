package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/logarchive/logarchive/partition"
)

// BufferStatus is how a buffer stands.
type BufferStatus struct {
	// Kind is "firehose" for a stream's buffer, "flow-log" for that of a flow log to S3, "access-log" for access logs, "service-file" for that of another service
	// that writes files itself. A stream with a function has a
	// second one for each partition, "firehose-output", and "firehose-failed" for what goes to its error prefix.
	Kind  string          `json:"kind"`
	Place partition.Place `json:"place"`
	Name  string          `json:"name"` // of the stream, or the flow log's id
	// Partition are the partition keys of a "firehose-output".
	Partition map[string]string `json:"partition,omitempty"`
	// Lines wait in the buffer, in so many Bytes; the oldest came at Oldest, and all are due at Due. The times are those of
	// the sandbox's clock.
	Lines  int64     `json:"lines"`
	Bytes  int64     `json:"bytes"`
	Oldest time.Time `json:"oldest,omitzero"`
	Due    time.Time `json:"due,omitzero"`
	// Attempts failed since the last success; Code and Reason are those of the last, which was at FailedAt.
	Attempts int       `json:"attempts,omitempty"`
	FailedAt time.Time `json:"failedAt,omitzero"`
	Code     string    `json:"code,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	// Overdue says that the oldest line has waited for more than 24 hours: Firehose would have discarded it. The sandbox
	// keeps it.
	Overdue bool `json:"overdue,omitempty"`
}

// Status returns how the buffers stand that have something in them, ordered by kind, place, name and partition. It doesn't need the store's lock.
func (d *Delivery) Status() ([]BufferStatus, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.store.holding() {
		// Another process may be delivering: look at what is on disk now, and keep nothing.
		d.held = false
		if err := d.closeBuffers(); err != nil {
			return nil, err
		}
	}
	all, err := d.allBuffers()
	if err != nil {
		return nil, err
	}
	now := d.clock.Now()
	var found []BufferStatus
	for _, b := range all {
		s := BufferStatus{Kind: b.class, Place: b.place, Name: b.stream(), Partition: b.keys}
		if !b.feed.empty() {
			s.Lines, s.Bytes, s.Oldest, s.Due = b.feed.events, b.feed.size-b.feed.delivered, b.feed.oldest, d.due(b, now)
			s.Overdue = b.class != flowLogBuffers && b.class != fileBuffers && b.class != accessBuffers && now.After(s.Oldest.Add(keepFor))
		}
		// A process that was killed had no time to say that the last attempt went well.
		if f := b.failure; f != nil && !b.feed.empty() {
			s.Attempts, s.FailedAt, s.Code, s.Reason = f.Attempts, f.At, f.Code, f.Reason
		}
		if s.Bytes > 0 {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b BufferStatus) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Place.String(), b.Place.String()), cmp.Compare(a.Name, b.Name), cmp.Compare(fmt.Sprint(a.Partition), fmt.Sprint(b.Partition)))
	})
	if !d.store.holding() {
		err = errors.Join(err, d.closeBuffers())
	}
	return found, err
}
