package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/klauspost/compress/gzip"
)

// Flush lets the time pass that the buffers wait for, and delivers them: what was acknowledged before is in the bucket
// then. It moves the clock from one buffer's time to the next, so that every object is of the time that it would be of. A
// buffer that can't be delivered stays as it is; the error has a [*Refusal] for each, and the others are delivered all
// the same.
func (d *Delivery) Flush(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.hold(); err != nil {
		return err
	}
	now, err := d.clock.Follow()
	if err != nil {
		return err
	}
	if _, err := d.allBuffers(); err != nil {
		return err
	}
	failed, stuck := map[*buffer]bool{}, map[versionKey]bool{}
	var problems error
	for {
		var next *time.Time
		for _, b := range d.buffers { // a function's work adds some
			if b.feed.empty() || failed[b] {
				continue
			}
			if due := d.due(b, now); next == nil || due.Before(*next) {
				next = &due
			}
		}
		if due, ok, err := d.replicationDue(stuck); err != nil {
			return errors.Join(problems, err)
		} else if ok && (next == nil || due.Before(*next)) {
			next = &due
		}
		if next == nil {
			if err := d.deliverDigests(ctx); err != nil {
				return errors.Join(problems, err)
			}
			if _, ok, err := d.replicationDue(stuck); err != nil || !ok {
				return errors.Join(problems, err)
			}
			continue // a digest is to be replicated
		}
		if now, err = d.clock.AdvanceTo(*next); err != nil {
			return errors.Join(problems, err)
		}
		if _, err := d.deliverDue(ctx, now, failed); err != nil {
			problems = errors.Join(problems, err)
		}
		if err := d.replicateDue(ctx, now, stuck); err != nil {
			problems = errors.Join(problems, err)
		}
		if ctx.Err() != nil {
			return problems
		}
	}
}

// due is when a buffer that isn't empty must be delivered. One whose owner is gone is due at once: trying says so.
func (d *Delivery) due(b *buffer, now time.Time) time.Time {
	switch b.class {
	case flowLogBuffers:
		return b.feed.oldest.Truncate(flowWindow).Add(flowWindow)
	case accessBuffers:
		return b.feed.oldest.Truncate(accessWindow).Add(accessWindow)
	case fileBuffers:
		if f, err := d.fileOf(b); err == nil {
			return b.feed.oldest.Add(f.interval)
		}
		return now
	}
	s, err := d.stream(b)
	if err != nil {
		return now
	}
	if b.class == streamBuffers && s.processor != nil {
		return b.feed.oldest.Add(s.processor.interval)
	}
	return b.feed.oldest.Add(s.interval)
}

// deliverDue delivers from the open buffers what is due. Buffers in failed are left out, and those that fail are added;
// with nil, those that failed a short while ago are left out.
func (d *Delivery) deliverDue(ctx context.Context, now time.Time, failed map[*buffer]bool) ([]ObjectRef, error) {
	var written []ObjectRef
	var problems error
	for _, dir := range slices.Sorted(maps.Keys(d.buffers)) {
		b := d.buffers[dir]
		if b == nil {
			continue // its partition is done
		}
		resting := failed == nil && b.failure != nil && now.Before(b.failure.At.Add(retryAfter))
		for !b.feed.empty() && !failed[b] && !resting {
			step, err := d.deliverNext(ctx, b, now)
			if ctx.Err() != nil {
				return written, errors.Join(problems, ctx.Err())
			}
			if noteErr := errors.Join(d.note(b, now, err), d.measure(attempted(b, now, step.object != nil, err)...)); noteErr != nil {
				return written, errors.Join(problems, err, noteErr)
			}
			if err != nil {
				problems = errors.Join(problems, fmt.Errorf("%s: %w", b.label(), err))
				if failed != nil {
					failed[b] = true
				}
				break
			}
			problems = errors.Join(problems, step.refused)
			if !step.done {
				break
			}
			if step.object != nil {
				written = append(written, refTo(*step.object, step.object.Records))
			}
			// A function may have taken its time.
			if later := d.clock.Now(); later.After(now) {
				now = later
			}
		}
	}
	return written, problems
}

func refTo(o StoredObject, lines int) ObjectRef {
	return ObjectRef{Bucket: o.Bucket, Key: o.Key, VersionID: o.VersionID, Size: o.Size, Lines: lines}
}

// delivered is what a step has done.
type delivered struct {
	done   bool          // something was due, and has left the buffer
	object *StoredObject // was written; nil when the step led to another buffer
	// refused are hops that were refused, and that have led what was delivered to the error prefix.
	refused error
}

// deliverNext delivers the next part of a buffer, if one is due.
func (d *Delivery) deliverNext(ctx context.Context, b *buffer, now time.Time) (delivered, error) {
	switch b.class {
	case flowLogBuffers:
		object, err := d.deliverFlow(ctx, b, now)
		return delivered{done: object != nil, object: object}, err
	case accessBuffers:
		object, err := d.deliverAccess(ctx, b, now)
		return delivered{done: object != nil, object: object}, err
	case fileBuffers:
		object, err := d.deliverFile(ctx, b, now)
		return delivered{done: object != nil, object: object}, err
	}
	s, err := d.stream(b)
	if err != nil {
		return delivered{}, err
	}
	if b.class == streamBuffers && s.processor != nil {
		return d.transformNext(ctx, b, s, now)
	}
	object, err := d.deliverStream(ctx, b, s, now)
	if err == nil && b.keys != nil && b.feed.empty() {
		err = d.closePartition(b)
	}
	return delivered{done: object != nil, object: object}, err
}

// stream finds the stream of a buffer.
func (d *Delivery) stream(b *buffer) (*stream, error) {
	o, ok := find(d.world, streamToken, func(o *Object) bool { return o.Place == b.place && o.Text("name") == b.stream() })
	if !ok {
		return nil, fmt.Errorf("sandbox: Firehose stream %s doesn't exist any more: its buffer can't be delivered", b.stream())
	}
	return streamOf(o)
}

// closePartition removes the empty buffer of a partition: most will never get another record.
func (d *Delivery) closePartition(b *buffer) error {
	delete(d.buffers, b.dir())
	return errors.Join(b.feed.close(), os.RemoveAll(filepath.Join(d.store.Dir(), deliveryRoot, b.dir())))
}

// dueEnd is the time before which a record must have come to belong to the next part of a buffer that collects so many
// bytes, or for so long, and whether that part is due.
func (b *buffer) dueEnd(bytes int64, interval time.Duration, now time.Time) (end time.Time, due bool) {
	end = b.feed.oldest.Add(interval)
	return end, b.feed.size-b.feed.delivered >= bytes || !now.Before(end)
}

// deliverStream writes the next object of a stream's buffer, if one is due: its records, one after the other.
func (d *Delivery) deliverStream(ctx context.Context, b *buffer, s *stream, now time.Time) (*StoredObject, error) {
	end, due := b.dueEnd(s.bytes, s.interval, now)
	if !due {
		return nil, nil // without looking at each record
	}
	part, err := b.feed.cut(s.bytes, func(r feedRecord) bool { return s.interval == 0 || r.arrival.Before(end) })
	if err != nil || (!part.full && now.Before(end)) {
		return nil, err
	}
	assume, err := s.assumeHop()
	if err != nil {
		return nil, err
	}
	if err := d.authorizer.Authorize(assume); err != nil {
		return nil, err
	}
	w, err := s.writer()
	if err != nil {
		return nil, err
	}
	identity := fmt.Sprint(b.feed.id, " ", part.begin)
	packs, object := s.gzip, StoredObject{LastModified: now, ContentType: "application/octet-stream", Source: s.arn}
	if b.class == failedBuffers {
		// Firehose compresses no errors.
		packs = false
		object.Key, err = s.keyBelow(s.errorPrefix, prefixValues{at: part.origin, errorType: processingFailed}, identity, "")
	} else {
		object.Key, err = s.keyBelow(s.prefix, prefixValues{at: part.origin, keys: b.keys}, identity, s.extension)
	}
	if err != nil {
		return nil, err
	}
	bucket, ok := bucketByARN(d.world, s.bucket)
	if !ok {
		missing := w.hop
		missing.Step, missing.Action, missing.Resource = w.who+" writes an object", "s3:PutObject", s.bucket+"/"+object.Key
		return nil, missing.refuse("NoSuchBucket", s.bucket, "the bucket %s, which the stream's bucketArn names, doesn't exist", s.bucket)
	}
	if _, object.Encryption, err = d.authorizeWrite(w, bucket, object.Key); err != nil {
		return nil, err
	}
	if packs {
		object.ContentEncoding = "gzip"
	}
	return d.write(ctx, b, part, bucket, object, func(to io.Writer) error {
		if !packs {
			return b.feed.copy(ctx, part, to)
		}
		packed := gzip.NewWriter(to)
		return errors.Join(b.feed.copy(ctx, part, packed), packed.Close())
	})
}

// write writes an object of a part of a buffer, and in the same step takes the part out of the buffer.
func (d *Delivery) write(ctx context.Context, b *buffer, part feedPart, bucket *archiveBucket, o StoredObject, body func(io.Writer) error) (*StoredObject, error) {
	if d.disturbed(DisturbSlowDown) {
		hop := Hop{Step: b.label() + " writes an object", Action: "s3:PutObject", Resource: bucket.arn + "/" + o.Key, Place: b.place}
		return nil, hop.refuse("SlowDown", bucket.arn, "Please reduce your request rate.")
	}
	o.Bucket, o.Records = bucket.name, int(part.events)
	o = bucket.arriving(o)
	batch, err := d.store.Begin()
	if err != nil {
		return nil, err
	}
	w, err := batch.Create(o, bucket.versioned)
	if err == nil {
		err = body(w)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, errors.Join(err, batch.Abort())
	}
	done, err := batch.Commit(b.feed.id, part.end)
	if err != nil {
		return nil, err
	}
	return &done[0], b.feed.deliveredTo(part.end, part.events)
}
