package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/logarchive/logarchive/partition"
)

// Find reads back all lines of a source from the bucket where its path ends, in the order of the objects' keys, and the
// objects that hold them. It reads the objects' bytes as a stranger would, who knows the declared resources, the objects'
// keys and AWS's formats: gzip files of several members, CloudWatch Logs' batches, JSON lines, text with a header line,
// Parquet.
//
// A line that arrived twice is there twice. What is still in a buffer isn't found: see [Delivery.Flush].
func (d *Delivery) Find(ctx context.Context, source Source) ([]string, []ObjectRef, error) {
	s, err := d.Source(source.ID)
	if err != nil {
		return nil, nil, err
	}
	f := &finder{d: d, ctx: ctx, source: s}
	switch {
	case s.flowLog != nil && s.flowLog.to == flowToS3:
		err = f.flowFiles()
	case s.flowLog != nil && s.flowLog.to == flowToFirehose:
		err = f.streamObjects(s.flowLog.destination)
	case s.group != "":
		seen := map[string]bool{}
		for _, filter := range readDeclared(d.world).filters[groupKey(s.Place, s.group)] {
			if arn := filter.Text("destinationArn"); !seen[arn] && err == nil {
				seen[arn] = true
				err = f.streamObjects(arn)
			}
		}
	default:
		err = errors.New("sandbox: " + s.ID + ": " + s.Broken)
	}
	return f.lines, f.refs, err
}

// finder collects the lines of a source.
type finder struct {
	d      *Delivery
	ctx    context.Context
	source Source
	lines  []string
	refs   []ObjectRef
}

// each opens the objects of a bucket below a prefix that match, has them read, and notes those with lines of the source.
func (f *finder) each(bucket, prefix string, match func(key string) bool, read func(*os.File, StoredObject) error) error {
	objects, err := f.d.store.List(bucket, prefix)
	if err != nil {
		return err
	}
	for _, o := range objects {
		if !match(o.Key) {
			continue
		}
		if err := f.ctx.Err(); err != nil {
			return err
		}
		file, o, err := f.d.store.Open(o.Bucket, o.Key)
		if err != nil {
			return err
		}
		before := len(f.lines)
		if err := errors.Join(read(file, o), file.Close()); err != nil {
			return fmt.Errorf("sandbox: s3://%s/%s: %w", o.Bucket, o.Key, err)
		}
		if n := len(f.lines) - before; n > 0 {
			f.refs = append(f.refs, refTo(o, n))
		}
	}
	return nil
}

// flowFiles reads the files of a flow log to S3.
func (f *finder) flowFiles() error {
	flow := f.source.flowLog
	arn, err := flow.bucket()
	if err != nil {
		return err
	}
	bucket := arn[strings.LastIndexByte(arn, ':')+1:]
	return f.each(bucket, flow.key.head(), flow.key.matches, func(file *os.File, o StoredObject) error {
		if strings.HasSuffix(o.Key, ".parquet") {
			return readParquet(file, o.Size, func(value func(string) string) error {
				f.addFlow(value, true)
				return nil
			})
		}
		return f.flowText(file)
	})
}

// flowText reads a text file: a line of field names, then a line for each record.
func (f *finder) flowText(file io.Reader) error {
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	in := bufio.NewReader(unpacked)
	var names map[string]int
	for {
		line, err := in.ReadString('\n')
		if errors.Is(err, io.EOF) && line == "" {
			return nil
		}
		if err != nil {
			return err
		}
		values := strings.Fields(line)
		if names == nil {
			names = map[string]int{}
			for i, name := range values {
				names[name] = i
			}
			continue
		}
		f.addFlow(func(field string) string {
			if i, ok := names[field]; ok && i < len(values) {
				return values[i]
			}
			return ""
		}, true)
	}
}

// addFlow adds the id that a record of the flow log was made from. A record that wasn't made from one is added as it is
// when it must be the flow log's own.
func (f *finder) addFlow(value func(field string) string, own bool) {
	codec := f.source.flowLog.codec
	if id, ok := codec.id(value); ok {
		f.lines = append(f.lines, id)
	} else if own {
		row := make([]string, len(codec.fields))
		for i, field := range codec.fields {
			row[i] = value(field.name)
		}
		f.lines = append(f.lines, strings.Join(row, " "))
	}
}

// addFlowText adds a record that is a line of text in the flow log's format.
func (f *finder) addFlowText(record string) {
	values := strings.Fields(record)
	index := f.source.flowLog.codec.index
	f.addFlow(func(field string) string {
		if i, ok := index[field]; ok && i < len(values) {
			return values[i]
		}
		return ""
	}, false)
}

// streamObjects reads what a stream has written.
func (f *finder) streamObjects(arn string) error {
	o, ok := f.d.world.ByARN(arn)
	if !ok || o.Type != streamToken {
		return fmt.Errorf("sandbox: %s: %s isn't a Firehose stream that exists", f.source.ID, arn)
	}
	s, err := streamOf(o)
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	bucket, err := partition.ParseARN(s.bucket)
	if err != nil {
		return fmt.Errorf("sandbox: Firehose stream %s: bucketArn: %w", s.name, err)
	}
	return f.each(bucket.Resource, s.prefix.literalHead(), s.wrote, func(file *os.File, o StoredObject) error {
		if o.Source != s.arn {
			return nil // a stream of the same name in another region, with the same prefix
		}
		return readEvents(file, f.addEvent)
	})
}

// wrote says whether a key is that of an object of the stream, in any version of it: stream-version-yyyy-….
func (s *stream) wrote(key string) bool {
	rest, ok := strings.CutPrefix(key[strings.LastIndexByte(key, '/')+1:], s.name+"-")
	version, _, dash := strings.Cut(rest, "-")
	return ok && dash && version != "" && strings.Trim(version, "0123456789") == ""
}

// archivedEvent is a value in an object that a pipeline wrote: a batch of CloudWatch Logs, a log event that was taken out
// of one, or a record of the log delivery service.
type archivedEvent struct {
	subscriptionData
	Message *string `json:"message"`
}

func (f *finder) addEvent(e archivedEvent) {
	add := func(message string) {
		if f.source.flowLog != nil {
			f.addFlowText(message)
		} else {
			f.lines = append(f.lines, message)
		}
	}
	mine := e.Owner == string(f.source.Place.Account) && e.LogGroup == f.source.group
	switch {
	case e.MessageType == dataMessage && mine:
		for _, event := range e.LogEvents {
			add(event.Message)
		}
	case e.MessageType == "" && e.Message != nil && (mine || e.LogGroup == "" && f.source.group == ""):
		add(*e.Message)
	}
}

// readEvents reads the JSON values of an object, however often it is compressed.
func readEvents(from io.Reader, event func(archivedEvent)) error {
	in := bufio.NewReaderSize(from, 64<<10)
	for {
		magic, err := in.Peek(2)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
			break
		}
		unpacked, err := gzip.NewReader(in)
		if err != nil {
			return err
		}
		in = bufio.NewReaderSize(unpacked, 64<<10)
	}
	decoder := json.NewDecoder(in)
	for {
		var e archivedEvent
		switch err := decoder.Decode(&e); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("it isn't a sequence of JSON values: %w", err)
		}
		event(e)
	}
}
