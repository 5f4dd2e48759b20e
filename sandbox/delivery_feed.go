package sandbox

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// feed is the buffer of a Firehose stream or of a flow log: a file of records, appended at the end and delivered from the
// front. What append acknowledged is on disk. How far it has been delivered isn't written here but in the store, in the
// same line that makes the objects appear (see storeChange), so that a crash can neither lose nor repeat a record.
//
// A feed that has been delivered to its end is removed, and the next one gets another id.
//
// A record is: CRC-32C of all that follows (4 bytes), length of the payload (4), arrival in Unix milliseconds (8), number
// of log events in it (4), origin in Unix milliseconds (8), after (8), payload. Numbers are big-endian. For origin and after
// see feedRecord.
//
// What is appended to a ledgered feed counts when the store's journal says so, in the same line that takes it out of the
// feed that it came from. A feed that isn't ledgered has what is on disk.
type feed struct {
	dir  string // of the stream or flow log; has one file at most
	file *os.File
	id   string // the file's name without extension; "" when there is no file

	size      int64 // bytes of whole records
	delivered int64 // bytes that have been delivered
	events    int64 // log events that haven't
	oldest    time.Time
	ledger    feedLedger
}

// feedLedger is what the store's journal knows of feeds, by their ids.
type feedLedger struct {
	// delivered is up to which byte a feed has been delivered.
	delivered func(id string) (int64, error)
	// grown is how long a feed is; nil where feeds aren't ledgered.
	grown func(id string) (int64, error)
}

// feedRecord is a record in a feed. end is the feed's position behind it.
type feedRecord struct {
	arrival time.Time // in this feed
	origin  time.Time // in the stream, when that is another time
	// after makes a record count only once its own feed has been delivered up to there: it was put back while that was
	// being processed. 0 for all others.
	after  int64
	events int
	size   int // of the payload
	begin  int64
	end    int64
}

const (
	feedExtension = ".feed"
	feedHeader    = 36
)

// openFeed opens the feed in a directory, which need not exist.
func openFeed(dir string, ledger feedLedger) (*feed, error) {
	f := &feed{dir: dir, ledger: ledger}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	for _, entry := range entries {
		if id, ok := strings.CutSuffix(entry.Name(), feedExtension); ok {
			if err := f.open(id); err != nil {
				return nil, err
			}
		}
	}
	return f, nil
}

func (f *feed) open(id string) error {
	if f.file != nil {
		return fmt.Errorf("sandbox: %s has two feeds, %s and %s: one of them was copied there", f.dir, f.id, id)
	}
	file, err := os.OpenFile(filepath.Join(f.dir, id+feedExtension), os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	f.id, f.file = id, file
	if f.delivered, err = f.ledger.delivered(id); err != nil {
		return err
	}
	limit := int64(math.MaxInt64)
	if f.ledger.grown != nil {
		if limit, err = f.ledger.grown(id); err != nil {
			return err
		}
	}
	return f.verify(limit)
}

// empty says whether everything has been delivered.
func (f *feed) empty() bool { return f.size == f.delivered }

// scan gives the records from a position on to a function until that returns false. It doesn't read their payloads.
func (f *feed) scan(from int64, each func(feedRecord) (bool, error)) error {
	var header [feedHeader]byte
	for at := from; at < f.size; {
		if _, err := f.file.ReadAt(header[:], at); err != nil {
			return fmt.Errorf("sandbox: the feed %s can't be read: %w", f.file.Name(), err)
		}
		r := parseFeedHeader(header, at)
		at = r.end
		if more, err := each(r); !more || err != nil {
			return err
		}
	}
	return nil
}

// verify finds the whole records behind what has been delivered, up to a limit. What follows the last of them is the rest
// of a write that was never acknowledged.
func (f *feed) verify(limit int64) error {
	f.size = f.delivered
	if _, err := f.file.Seek(f.delivered, io.SeekStart); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	in := bufio.NewReaderSize(f.file, 64<<10)
	for f.size < limit {
		var header [feedHeader]byte
		payload := crc32.New(castagnoli)
		_, err := io.ReadFull(in, header[:])
		r := parseFeedHeader(header, f.size)
		if err == nil {
			_, err = io.CopyN(payload, in, int64(r.size))
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return fmt.Errorf("sandbox: the feed %s can't be read: %w", f.file.Name(), err)
		case binary.BigEndian.Uint32(header[:]) != crc32.Checksum(header[4:], castagnoli)^payload.Sum32(), r.after > f.delivered:
			return nil
		}
		f.grow(r.arrival, int64(r.events), r.end)
	}
	return nil
}

func parseFeedHeader(header [feedHeader]byte, at int64) feedRecord {
	size := int(binary.BigEndian.Uint32(header[4:]))
	return feedRecord{
		arrival: time.UnixMilli(int64(binary.BigEndian.Uint64(header[8:]))).UTC(),
		events:  int(binary.BigEndian.Uint32(header[16:])),
		origin:  time.UnixMilli(int64(binary.BigEndian.Uint64(header[20:]))).UTC(),
		after:   int64(binary.BigEndian.Uint64(header[28:])),
		size:    size, begin: at, end: at + feedHeader + int64(size),
	}
}

// grow counts records in, of which the first arrived at a time, up to a new size.
func (f *feed) grow(first time.Time, events, size int64) {
	if f.empty() {
		f.oldest = first
	}
	f.events += events
	f.size = size
}

// payload reads a record's payload into buffer, which it returns, grown if need be.
func (f *feed) payload(r feedRecord, buffer []byte) ([]byte, error) {
	if cap(buffer) < r.size {
		buffer = make([]byte, r.size)
	}
	buffer = buffer[:r.size]
	if _, err := f.file.ReadAt(buffer, r.begin+feedHeader); err != nil {
		return nil, fmt.Errorf("sandbox: a feed can't be read: %w", err)
	}
	return buffer, nil
}

// feedPart is consecutive records from the front of a feed.
type feedPart struct {
	begin, end int64
	bytes      int64 // of the payloads
	events     int64
	full       bool      // it has as many bytes as it may
	origin     time.Time // the earliest of its records
}

// take adds the next record.
func (p *feedPart) take(r feedRecord) {
	if p.end == p.begin || r.origin.Before(p.origin) {
		p.origin = r.origin
	}
	p.end = r.end
	p.bytes += int64(r.size)
	p.events += int64(r.events)
}

// cut returns the records at the front that belong together: as long as same says so, until they have limit bytes.
func (f *feed) cut(limit int64, same func(feedRecord) bool) (feedPart, error) {
	part := feedPart{begin: f.delivered, end: f.delivered}
	err := f.scan(f.delivered, func(r feedRecord) (bool, error) {
		if part.end > part.begin && !same(r) {
			return false, nil
		}
		part.take(r)
		part.full = part.bytes >= limit
		return !part.full, nil
	})
	return part, err
}

// each gives the payloads of a part to a function, which must not keep them.
func (f *feed) each(ctx context.Context, part feedPart, payload func([]byte) error) error {
	var buffer []byte
	return f.scan(part.begin, func(r feedRecord) (bool, error) {
		if r.begin >= part.end {
			return false, nil
		}
		if err := ctx.Err(); err != nil {
			return false, err
		}
		var err error
		if buffer, err = f.payload(r, buffer); err == nil {
			err = payload(buffer)
		}
		return true, err
	})
}

// copy writes the payloads of a part one after the other.
func (f *feed) copy(ctx context.Context, part feedPart, to io.Writer) error {
	return f.each(ctx, part, func(payload []byte) error {
		_, err := to.Write(payload)
		return err
	})
}

// feedAppend is records that are being appended: all become part of the feed by commit, or none.
type feedAppend struct {
	feed   *feed
	out    *bufio.Writer
	size   int64
	first  time.Time // when the first record arrived
	events int64
}

// begin starts appending. Every append must end with commit or rollback.
func (f *feed) begin() (*feedAppend, error) {
	if f.file != nil {
		// Behind the last whole record may be what a killed process had not finished. It must not come to life behind a
		// shorter record.
		if err := f.file.Truncate(f.size); err != nil {
			return nil, fmt.Errorf("sandbox: %w", err)
		}
	} else {
		if err := os.MkdirAll(f.dir, 0o755); err != nil {
			return nil, fmt.Errorf("sandbox: %w", err)
		}
		id := strings.ToLower(rand.Text())
		file, err := os.OpenFile(filepath.Join(f.dir, id+feedExtension), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
		if err != nil {
			return nil, fmt.Errorf("sandbox: %w", err)
		}
		*f = feed{dir: f.dir, ledger: f.ledger, file: file, id: id}
	}
	out := io.NewOffsetWriter(f.file, f.size)
	return &feedAppend{feed: f, out: bufio.NewWriterSize(out, 256<<10), size: f.size}, nil
}

// add appends a record of a number of log events.
func (a *feedAppend) add(arrival time.Time, events int, payload []byte) error {
	return a.addRecord(feedRecord{arrival: arrival, origin: arrival, events: events}, payload)
}

// addRecord appends a record with the times, the number of events and the condition of r.
func (a *feedAppend) addRecord(r feedRecord, payload []byte) error {
	var header [feedHeader]byte
	binary.BigEndian.PutUint32(header[4:], uint32(len(payload)))
	binary.BigEndian.PutUint64(header[8:], uint64(r.arrival.UnixMilli()))
	binary.BigEndian.PutUint32(header[16:], uint32(r.events))
	binary.BigEndian.PutUint64(header[20:], uint64(r.origin.UnixMilli()))
	binary.BigEndian.PutUint64(header[28:], uint64(r.after))
	binary.BigEndian.PutUint32(header[:], crc32.Checksum(header[4:], castagnoli)^crc32.Checksum(payload, castagnoli))
	if _, err := a.out.Write(header[:]); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	if _, err := a.out.Write(payload); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	if a.size == a.feed.size {
		a.first = r.arrival
	}
	a.events += int64(r.events)
	a.size += feedHeader + int64(len(payload))
	return nil
}

// commit makes the records durable and part of the feed.
func (a *feedAppend) commit() error {
	if err := a.prepare(); err != nil {
		return errors.Join(err, a.rollback())
	}
	a.finish()
	return nil
}

// prepare makes the records durable.
func (a *feedAppend) prepare() error {
	f := a.feed
	err := a.out.Flush()
	if err == nil {
		err = f.file.Sync()
	}
	if err == nil && f.size == 0 {
		err = syncDir(f.dir)
	}
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	return nil
}

// finish makes prepared records part of the feed.
func (a *feedAppend) finish() { a.feed.grow(a.first, a.events, a.size) }

// rollback forgets what was added.
func (a *feedAppend) rollback() error { return a.feed.file.Truncate(a.feed.size) }

// deliveredTo notes that the feed has been delivered up to a position, with a number of log events. A feed that has
// nothing left is removed.
func (f *feed) deliveredTo(position, events int64) error {
	f.delivered = position
	f.events -= events
	if f.empty() {
		err := errors.Join(f.file.Close(), os.Remove(f.file.Name()))
		*f = feed{dir: f.dir, ledger: f.ledger}
		return err
	}
	return f.scan(position, func(r feedRecord) (bool, error) {
		f.oldest = r.arrival
		return false, nil
	})
}

func (f *feed) close() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}
