package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
)

// serviceFile is a service that collects records and writes them as files to a bucket, under its own name: CloudTrail, AWS
// Config, GuardDuty, Route 53 Resolver. It is what the world declares of it.
type serviceFile struct {
	kind   SourceKind
	name   string // of the source
	object Object // that declares it
	label  string // "trail management"
	bucket string // ARN
	// writes are what it asks of the bucket and its key. looks are the actions with which it looks at the bucket.
	service partition.Service
	looks   []string
	// keyLooks are the actions with which it looks at the key before it says yes.
	keyLooks []string
	context  []string // pairs: what it says for whom it asks
	writer   bucketWriter
	// source is its ARN, or what stands for one.
	source string
	// interval is how long it collects records, and window the time that a file's key tells of.
	interval time.Duration
	// key returns a file's key; head is what all of its keys begin with, and wrote says whether a key is one of them.
	key   func(at time.Time, unique string) string
	head  string
	wrote func(key string) bool
	// Records are JSON objects. Those of a file are an array between open and end, or a line each where open is empty.
	open, end string
	record    func(id string, at time.Time) any
	// line finds what a record was made from.
	line  func(record json.RawMessage) string
	check func(id string) error
}

// someHour is in a key that is only tried out.
var someHour = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// fileKinds reads what the world declares of each kind.
var fileKinds = []struct {
	token string
	read  func(Resources, Object) *serviceFile
}{
	{trailToken, trailFile},
	{catalog.DeliveryChannel, configFile},
	{catalog.PublishingDestination, findingsFile},
	{catalog.QueryLogConfigAssociation, queryLogFile},
}

// buffer is the name of its buffer.
func (f *serviceFile) buffer() string {
	return string(f.kind) + fileSeparator + strings.NewReplacer("/", "_", " ", "_").Replace(f.name)
}

// serviceFiles returns those that the world declares.
func serviceFiles(world Resources) []*serviceFile {
	var all []*serviceFile
	for _, k := range fileKinds {
		for _, o := range world.List(k.token) {
			if f := k.read(world, o); f != nil {
				all = append(all, f)
			}
		}
	}
	return all
}

func (f *serviceFile) asSource(all declared) Source {
	s := Source{Kind: f.kind, Place: f.object.Place, Name: f.name, file: f}
	s.Path, s.Broken = all.bucketPath(f.bucket, f.head)
	s.Path = f.label + " -> " + s.Path
	return s
}

// bucketOf finds the bucket, and looks at it as the service does.
func (f *serviceFile) bucketOf(d *Delivery) (*archiveBucket, bucketWriter, []Hop, error) {
	w := f.writer
	b, ok := bucketByARN(d.world, f.bucket)
	if !ok {
		missing := Hop{Step: "the bucket of " + f.label + " is looked for", Action: "s3:PutObject", Resource: f.bucket, Place: f.object.Place}
		return nil, w, nil, missing.refuse("NoSuchBucket", f.bucket, "the bucket %s, which %s names, doesn't exist", f.bucket, f.label)
	}
	caller, err := serviceCaller(b.object.Place, f.service, partition.Deliver)
	if err != nil {
		return nil, w, nil, err
	}
	w.hop = Hop{Principal: caller, Place: f.object.Place}.with(f.context...).with("aws:SecureTransport", "true", "aws:RequestedRegion", string(b.object.Place.Region))
	// Without ACLs on the bucket, whether the header is sent is contested (docs/decisions.md, D4): a policy that needs it is refused.
	if !b.noACLs {
		w.hop = w.hop.with("s3:x-amz-acl", "bucket-owner-full-control")
	}
	w.who, w.whole = f.label, true
	var hops []Hop
	for _, action := range f.looks {
		look := w.hop
		look.Step, look.Action, look.Resource, look.Owner = f.label+" looks at the bucket", action, f.bucket, b.object.Place.Account
		hops = append(hops, look)
		if err := d.authorizer.Authorize(look); err != nil {
			return b, w, hops, err
		}
	}
	return b, w, hops, nil
}

// sendFile puts the records of ids into the buffer, when a file could be written now.
func (t *transfer) sendFile(f *serviceFile, ids []string) error {
	if err := checkLines(Source{ID: t.receipt.Source, Place: f.object.Place}, ids, f.check); err != nil {
		return err
	}
	b, w, hops, err := f.bucketOf(t.d)
	t.receipt.Hops = append(t.receipt.Hops, hops...)
	if err != nil {
		return err
	}
	hops, _, err = t.d.authorizeWrite(w, b, f.key(t.now, "unique"))
	t.receipt.Hops = append(t.receipt.Hops, hops...)
	if err != nil || len(ids) == 0 {
		return err
	}
	a, err := t.open(fileBuffers, f.object.Place, f.buffer())
	if err != nil {
		return err
	}
	for _, id := range ids {
		record, err := json.Marshal(f.record(id, t.now))
		if err != nil {
			return err
		}
		if err := t.add(a, 1, append(record, '\n')); err != nil {
			return err
		}
	}
	t.receipt.Selected += len(ids)
	return nil
}

// fileOf finds what a buffer belongs to.
func (d *Delivery) fileOf(b *buffer) (*serviceFile, error) {
	for _, f := range serviceFiles(d.world) {
		if f.object.Place == b.place && f.buffer() == b.name {
			return f, nil
		}
	}
	return nil, fmt.Errorf("sandbox: %s doesn't exist any more: its buffer can't be delivered", b.label())
}

// deliverFile writes the next file of a buffer, if one is due. It returns no object when none is.
func (d *Delivery) deliverFile(ctx context.Context, b *buffer, now time.Time) (*StoredObject, error) {
	f, err := d.fileOf(b)
	if err != nil {
		return nil, err
	}
	end, due := b.dueEnd(d.fileBytes, f.interval, now)
	if !due {
		return nil, nil
	}
	part, err := b.feed.cut(d.fileBytes, func(r feedRecord) bool { return r.arrival.Before(end) })
	if err != nil || (!part.full && now.Before(end)) {
		return nil, err
	}
	bucket, w, _, err := f.bucketOf(d)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", b.feed.id, part.begin))
	key := f.key(part.origin, base32.StdEncoding.EncodeToString(sum[:])[:16])
	_, encryption, err := d.authorizeWrite(w, bucket, key)
	if err != nil {
		return nil, err
	}
	return d.write(ctx, b, part, bucket, StoredObject{
		Key: key, LastModified: now, ContentType: "application/json", ContentEncoding: "gzip", Encryption: encryption, Source: f.source,
	}, func(to io.Writer) error {
		packed := gzip.NewWriter(to)
		return errors.Join(f.write(ctx, b, part, packed), packed.Close())
	})
}

// write writes the records of a part as a file has them.
func (f *serviceFile) write(ctx context.Context, b *buffer, part feedPart, to io.Writer) error {
	if f.open == "" {
		return b.feed.copy(ctx, part, to)
	}
	if _, err := io.WriteString(to, f.open); err != nil {
		return err
	}
	first := true
	err := b.feed.each(ctx, part, func(record []byte) error {
		if !first {
			if _, err := io.WriteString(to, ","); err != nil {
				return err
			}
		}
		first = false
		_, err := to.Write(bytes.TrimSuffix(record, []byte{'\n'}))
		return err
	})
	if err != nil {
		return err
	}
	_, err = io.WriteString(to, f.end)
	return err
}

// serviceFiles reads the files that a service has written.
func (f *finder) serviceFiles() error {
	from := f.source.file
	arn, _ := kept(f.d.world, from.bucket)
	bucket := arn[strings.LastIndexByte(arn, ':')+1:]
	return f.d.eachObject(f.ctx, []*finder{f}, bucket, from.head, from.wrote, func(file *os.File, _ StoredObject) error {
		unpacked, err := gzip.NewReader(file)
		if err != nil {
			return err
		}
		return from.each(unpacked, func(record json.RawMessage) { f.lines = append(f.lines, from.line(record)) })
	})
}

// each reads the records of a file: a JSON object with one array, or a JSON object for each.
func (f *serviceFile) each(from io.Reader, record func(json.RawMessage)) error {
	decoder := json.NewDecoder(bufio.NewReader(from))
	for {
		var value json.RawMessage
		switch err := decoder.Decode(&value); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("it isn't a sequence of JSON values: %w", err)
		}
		if f.open == "" {
			record(value)
			continue
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(value, &members); err != nil {
			return err
		}
		for _, member := range members {
			var records []json.RawMessage
			if json.Unmarshal(member, &records) != nil {
				continue // a member of another kind
			}
			for _, r := range records {
				record(r)
			}
		}
	}
}

// anyText refuses what a JSON text can't have.
func anyText(id string) error {
	if id == "" {
		return errors.New("it is empty")
	}
	if strings.ToValidUTF8(id, "") != id {
		return errors.New("it isn't UTF-8")
	}
	return nil
}

// bucketARNOf is the ARN of a bucket that an object's property names, in the object's partition.
func bucketARNOf(o Object, property string) string {
	return partition.BucketARN(o.Place.Partition(), o.Text(property)).String()
}

// joined puts a prefix, whose slash the service adds, in front of a key.
func joined(prefix, key string) string {
	if prefix = strings.Trim(prefix, "/"); prefix == "" {
		return key
	}
	return prefix + "/" + key
}

// member reads a text in a JSON object, by the names that lead to it.
func member(record json.RawMessage, names ...string) string {
	for _, name := range names[:len(names)-1] {
		var object map[string]json.RawMessage
		if json.Unmarshal(record, &object) != nil {
			return ""
		}
		record = object[name]
	}
	var object map[string]any
	_ = json.Unmarshal(record, &object) // no object: nothing to find
	text, _ := object[names[len(names)-1]].(string)
	return text
}

func flag(o Object, name string) bool { return boolean(o.State, name) }
