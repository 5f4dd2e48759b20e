package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/logarchive/logarchive/partition"
)

// transformNext hands the next records of a stream's buffer to its function, if they are due. What the function makes of
// them, what it puts back, and that they have left the buffer, is one step: a process that is killed has done all of it,
// or nothing.
func (d *Delivery) transformNext(ctx context.Context, b *buffer, s *stream, now time.Time) (delivered, error) {
	part, records, err := b.nextInvocation(ctx, s, now)
	if err != nil || records == nil {
		return delivered{}, err
	}
	run := &transformRun{d: d, s: s, b: b, part: part, records: records, ended: now}
	if err := run.invoke(ctx); err != nil {
		return delivered{}, err
	}
	if run.ended, err = d.clock.AdvanceTo(run.ended); err != nil {
		return delivered{}, err
	}
	if err := run.commit(); err != nil {
		return delivered{}, err
	}
	return delivered{done: true, refused: run.refused}, nil
}

// nextInvocation reads the records that the next invocation takes; none when it isn't due. It takes what the processor's
// buffer holds, and never more than Lambda takes in a request.
func (b *buffer) nextInvocation(ctx context.Context, s *stream, now time.Time) (feedPart, []transformRecord, error) {
	p := s.processor
	part := feedPart{begin: b.feed.delivered, end: b.feed.delivered}
	end, due := b.dueEnd(p.bytes, p.interval, now)
	if !due {
		return part, nil, nil
	}
	limit, err := s.object.Place.Region.Limit(partition.LambdaPayload)
	if err != nil {
		return part, nil, err
	}
	request := int64(eventBase)
	err = b.feed.scan(b.feed.delivered, func(r feedRecord) (bool, error) {
		request += int64(eventBytes(r.size))
		switch {
		case part.end == part.begin:
		case request > limit:
			part.full = true
			return false, nil
		case p.interval > 0 && !r.arrival.Before(end):
			return false, nil
		}
		part.take(r)
		part.full = part.bytes >= p.bytes
		return !part.full, nil
	})
	if err != nil || (!part.full && now.Before(end)) {
		return part, nil, err
	}
	var records []transformRecord
	err = b.feed.scan(part.begin, func(r feedRecord) (bool, error) {
		if r.begin >= part.end {
			return false, nil
		}
		payload, err := b.feed.payload(r, nil)
		records = append(records, transformRecord{feedRecord: r, id: recordID(b.feed.id, r), payload: payload})
		return true, errors.Join(err, ctx.Err())
	})
	return part, records, err
}

// transformRun is one batch of records and its invocations.
type transformRun struct {
	d       *Delivery
	s       *stream
	b       *buffer
	part    feedPart
	records []transformRecord

	attempts int
	ended    time.Time // when the last attempt ended
	returned [][]byte  // put back by the function
	refused  error
	appends  []*feedAppend
}

// invoke has the function process the records, as often as Firehose would try. Afterwards each record has a result.
func (t *transformRun) invoke(ctx context.Context) error {
	p := t.s.processor
	f, failure, err := t.reach()
	if err != nil {
		return err
	}
	for failure == nil {
		t.attempts++
		c := &invocation{function: f, stream: t.s, started: t.ended}
		id := uuidOf(fmt.Sprint(t.b.feed.id, " ", t.part.begin, " attempt ", t.attempts))
		answer, failed, err := t.d.invoke(ctx, c, transformEvent(t.s, id, t.records))
		if err == nil {
			err = c.keepLog(t.d)
		}
		if err != nil {
			return err
		}
		t.ended = c.now()
		t.refused = errors.Join(t.refused, c.refused)
		t.returned = append(t.returned, c.returned...)
		if failed == nil {
			failed = settle(t.records, answer)
			if failed == nil {
				return nil
			}
		}
		if !failed.again || t.attempts > p.retries {
			failure = failed
		}
	}
	for i := range t.records {
		r := &t.records[i]
		r.data, r.keys, r.dropped, r.failure = nil, nil, false, failure
	}
	return nil
}

// reach takes the hops to the function. When it can't be reached, Firehose gives up after its retries: the failure says
// so. An error means that the records stay where they are.
func (t *transformRun) reach() (*function, *functionFailure, error) {
	s, p := t.s, t.s.processor
	as := *s
	if p.role != (partition.ARN{}) {
		as.role = p.role
	}
	assume, err := as.assumeHop()
	if err != nil {
		return nil, nil, err
	}
	if err := t.d.authorizer.Authorize(assume); err != nil {
		return nil, nil, err // Firehose couldn't write to the error prefix either
	}
	writer, err := as.writer()
	if err != nil {
		return nil, nil, err
	}
	f, ok, err := functionByARN(t.d.world, p.function)
	if err != nil {
		return nil, nil, fmt.Errorf("sandbox: %w", err)
	}
	if !ok {
		missing := writer.hop
		missing.Step, missing.Action, missing.Resource = "Firehose invokes the function of stream "+s.name, "lambda:InvokeFunction", p.function
		t.refused = errors.Join(t.refused, missing.refuse("ResourceNotFoundException", p.function, "Function not found: %s", p.function))
		t.attempts = p.retries + 1
		return nil, failedMissing, nil
	}
	hops, err := f.invokeHops(writer.hop, p.function)
	if err != nil {
		return nil, nil, err
	}
	for _, hop := range hops {
		err := t.d.authorizer.Authorize(hop)
		if refusal := (*Refusal)(nil); errors.As(err, &refusal) {
			t.refused = errors.Join(t.refused, err)
			t.attempts = p.retries + 1
			return f, failedAccess, nil
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return f, nil, nil
}

// commit puts the results where they belong, and takes the records out of the stream's buffer, in one step.
func (t *transformRun) commit() error {
	err := t.distribute()
	grown := map[string]int64{}
	for _, a := range t.appends {
		if err == nil {
			err = a.prepare()
		}
		if a.feed != t.b.feed {
			grown[a.feed.id] = a.size
		}
	}
	var batch *Batch
	if err == nil {
		batch, err = t.d.store.Begin()
	}
	if err == nil {
		_, err = batch.commit(storeChange{Feed: t.b.feed.id, Upto: t.part.end, Grown: grown})
	}
	if err != nil {
		for _, a := range t.appends {
			err = errors.Join(err, a.rollback())
		}
		return err
	}
	for _, a := range t.appends {
		a.finish()
	}
	return t.b.feed.deliveredTo(t.part.end, t.part.events)
}

// begin appends to a buffer; all appends of a run are committed together.
func (t *transformRun) begin(b *buffer) (*feedAppend, error) {
	for _, a := range t.appends {
		if a.feed == b.feed {
			return a, nil
		}
	}
	a, err := b.feed.begin()
	if err == nil {
		t.appends = append(t.appends, a)
	}
	return a, err
}

// distribute appends what became of the records to the buffers.
func (t *transformRun) distribute() error {
	for i := range t.records {
		r := &t.records[i]
		if r.dropped {
			continue
		}
		class, name, payload, events := outputBuffers, t.s.name, r.data, bytes.Count(r.data, []byte{'\n'})
		var b *buffer
		var err error
		if t.s.dynamic && r.failure == nil {
			b, r.failure, err = t.partition(r.keys)
		}
		if err == nil && r.failure != nil {
			class, events = failedBuffers, r.events
			payload, err = r.errorLine(t.s.processor, t.attempts, t.ended)
		}
		if err == nil && b == nil {
			b, err = t.d.buffer(class, t.b.place, name)
		}
		var a *feedAppend
		if err == nil {
			a, err = t.begin(b)
		}
		if err == nil {
			err = a.addRecord(feedRecord{arrival: t.ended, origin: r.arrival, events: events}, payload)
		}
		if err != nil {
			return err
		}
	}
	for _, payload := range t.returned {
		a, err := t.begin(t.b)
		if err == nil {
			err = a.addRecord(feedRecord{arrival: t.ended, origin: t.ended, after: t.part.end, events: eventsIn(payload)}, payload)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// What Firehose calls a record that it can't partition, AWS doesn't document.
var (
	missingKey        = &functionFailure{"DynamicPartitioning.MetadataExtractionFailed", "A partition key that the prefix needs was not returned, or was empty.", false}
	tooManyPartitions = &functionFailure{"DynamicPartitioning.ActivePartitionsLimitExceeded", "The limit of active partitions was exceeded.", false}
)

// partition opens the buffer of the partition with the keys, or says why there can be none.
func (t *transformRun) partition(given map[string]string) (*buffer, *functionFailure, error) {
	keys := map[string]string{}
	for _, name := range t.s.prefix.keys() {
		if given[name] == "" {
			return nil, missingKey, nil
		}
		keys[name] = given[name]
	}
	text, err := json.Marshal(keys)
	if err != nil {
		return nil, nil, err
	}
	name := t.s.name + partitionSeparator + uuidOf(string(text))
	known := &buffer{class: outputBuffers, place: t.b.place, name: name}
	if b := t.d.buffers[known.dir()]; b != nil && (!b.feed.empty() || t.appendsTo(b)) {
		return b, nil, nil
	}
	all, err := t.d.allBuffers()
	if err != nil {
		return nil, nil, err
	}
	limit, err := t.b.place.Region.Limit(partition.FirehosePartitions)
	if err != nil {
		return nil, nil, err
	}
	for _, b := range all {
		mine := b.class == outputBuffers && b.place == t.b.place && b.stream() == t.s.name
		if mine && b.name != name && (!b.feed.empty() || t.appendsTo(b)) {
			limit--
		}
	}
	if limit <= 0 {
		return nil, tooManyPartitions, nil
	}
	dir := filepath.Join(t.d.store.Dir(), deliveryRoot, known.dir())
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, nil, fmt.Errorf("sandbox: %w", err)
	}
	if err := replaceFile(filepath.Join(dir, partitionName), text); err != nil {
		return nil, nil, fmt.Errorf("sandbox: %w", err)
	}
	b, err := t.d.buffer(outputBuffers, t.b.place, name)
	if err == nil {
		b.keys = maps.Clone(keys)
	}
	return b, nil, err
}

func (t *transformRun) appendsTo(b *buffer) bool {
	for _, a := range t.appends {
		if a.feed == b.feed {
			return true
		}
	}
	return false
}

// eventsIn counts the log events of a record, as far as it can be read.
func eventsIn(payload []byte) int {
	n := 0
	// What can't be read has none.
	_ = readEvents(bytes.NewReader(payload), func(e archivedEvent) {
		if e.MessageType == dataMessage {
			n += len(e.LogEvents)
		}
	})
	return n
}
