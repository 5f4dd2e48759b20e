package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/logarchive/logarchive/partition"
)

// accessOf finds the source of a buffer of access logs.
func (d *Delivery) accessOf(b *buffer) (*accessLog, error) {
	for _, s := range accessSources(d.world) {
		if s.Place == b.place && s.access.buffer() == b.name {
			return s.access, nil
		}
	}
	return nil, fmt.Errorf("sandbox: what wrote the access logs of buffer %s doesn't write any more: it can't be delivered", b.name)
}

// deliverAccess writes the next object of a buffer of access logs, if one is due: it returns none when none is.
func (d *Delivery) deliverAccess(ctx context.Context, b *buffer, now time.Time) (*StoredObject, error) {
	a, err := d.accessOf(b)
	if err != nil {
		return nil, err
	}
	window := b.feed.oldest.Truncate(accessWindow)
	if now.Before(window.Add(accessWindow)) {
		return nil, nil
	}
	part, err := b.feed.cut(d.fileBytes, func(r feedRecord) bool { return r.arrival.Truncate(accessWindow).Equal(window) })
	if err != nil {
		return nil, err
	}
	bucket, w, err := d.accessTarget(a)
	if err != nil {
		return nil, err
	}
	o := StoredObject{
		Key:          a.key(window, crc32.Checksum(fmt.Appendf(nil, "%s %d", b.feed.id, part.begin), castagnoli)),
		LastModified: now, ContentType: "application/octet-stream", Source: a.arn,
	}
	if _, o.Encryption, err = d.authorizeWrite(w, bucket, o.Key); err != nil {
		return nil, err
	}
	return d.write(ctx, b, part, bucket, o, func(to io.Writer) error {
		if !a.packed() {
			return b.feed.copy(ctx, part, to)
		}
		packed := gzip.NewWriter(to)
		return errors.Join(b.feed.copy(ctx, part, packed), packed.Close())
	})
}

// accessFiles reads the objects of an access log from where they are kept.
func (f *finder) accessFiles() error {
	a := f.source.access
	arn, _ := kept(f.d.world, partition.BucketARN(a.object.Place.Partition(), a.bucket).String())
	bucket := arn[strings.LastIndexByte(arn, ':')+1:]
	return f.d.eachObject(f.ctx, []*finder{f}, bucket, a.head(), func(string) bool { return true }, func(file *os.File, o StoredObject) error {
		if o.Source != a.arn {
			return nil // of another load balancer
		}
		return f.accessLines(file)
	})
}

func (f *finder) accessLines(from io.Reader) error {
	in := bufio.NewReader(from)
	if magic, err := in.Peek(2); err == nil && bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		unpacked, err := gzip.NewReader(in)
		if err != nil {
			return err
		}
		in = bufio.NewReader(unpacked)
	}
	for {
		line, err := in.ReadString('\n')
		if line = strings.TrimSuffix(line, "\n"); line != "" {
			f.lines = append(f.lines, line)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
