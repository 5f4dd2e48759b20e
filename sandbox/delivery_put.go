package sandbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/logarchive/logarchive/functions/putback"
	"github.com/logarchive/logarchive/functions/putback/standin"
	"github.com/logarchive/logarchive/partition"
)

// Records is the sandbox's side of PutRecordBatch for whoever puts records onto a stream at a place themselves, such as a
// replay of the error prefix. The caller is an administrator, whom the sandbox doesn't ask. What was answered for is on
// disk.
func (d *Delivery) Records(place partition.Place) putback.API {
	return standin.Stream(func(ctx context.Context, name string, records [][]byte) ([]error, error) {
		return d.putRecordBatch(ctx, place, name, records)
	})
}

func (d *Delivery) putRecordBatch(ctx context.Context, place partition.Place, name string, records [][]byte) ([]error, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.putHeld(ctx, place, name, records, nil)
}

// putHeld does it for who holds the lock, if the stream lets the caller: ask is nil for one whom nobody asks.
func (d *Delivery) putHeld(ctx context.Context, place partition.Place, name string, records [][]byte, ask func(stream Object) error) ([]error, error) {
	if err := d.hold(); err != nil {
		return nil, err
	}
	o, ok := find(d.world, streamToken, func(o *Object) bool { return o.Place == place && o.Text("name") == name })
	if !ok {
		return nil, standin.Refuse("ResourceNotFoundException", fmt.Sprintf("Firehose %s under account %s not found.", name, place.Account), true)
	}
	if ask != nil {
		if err := ask(o); err != nil {
			return nil, standin.Refuse("AccessDeniedException", err.Error(), true)
		}
	}
	if _, err := d.streamByARN(Hop{Step: "records are put to stream " + name, Place: place}, o.ARN()); err != nil {
		return nil, standin.Refuse("InvalidArgumentException", err.Error(), true)
	}
	now, err := d.clock.Follow()
	if err != nil {
		return nil, err
	}
	t := &transfer{d: d, ctx: ctx, now: now, receipt: &Receipt{}}
	a, err := t.open(streamBuffers, place, name)
	refused := make([]error, len(records))
	partly := d.disturbed(DisturbPutRecordBatch)
	for i, r := range records {
		if partly && i%2 == 0 {
			refused[i] = standin.Refuse("ServiceUnavailableException", "Slow down.", false)
		} else if err == nil {
			err = t.add(a, eventsIn(r), r)
		}
	}
	if err = t.end(err); err != nil {
		return nil, err
	}
	// The records are safe. Whether an object can be written now is the buffer's business.
	_, err = d.deliverNow(ctx, now)
	if refusal := (*Refusal)(nil); errors.As(err, &refusal) {
		err = nil
	}
	return refused, err
}
