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
	"slices"
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
	found, err := d.FindAll(ctx, []Source{source})
	if err != nil {
		return nil, nil, err
	}
	return found[0].Lines, found[0].Objects, nil
}

// Found is what was found of a source. Lines of an object count for it in its ObjectRef.
type Found struct {
	Source  string // its id
	Lines   []string
	Objects []ObjectRef
}

// FindAll does for many sources what Find does for one, and reads each object only once.
func (d *Delivery) FindAll(ctx context.Context, sources []Source) ([]Found, error) {
	finders := make([]*finder, len(sources))
	var streams []string
	byStream := map[string][]*finder{}
	for i, source := range sources {
		s, err := d.resolve(source.ID)
		if err != nil {
			return nil, err
		}
		f := &finder{d: d, ctx: ctx, source: s}
		finders[i] = f
		var destinations []string
		switch {
		case s.flowLog != nil && s.flowLog.to == flowToS3:
			if err := f.flowFiles(); err != nil {
				return nil, err
			}
		case s.file != nil:
			if err := f.serviceFiles(); err != nil {
				return nil, err
			}
		case s.flowLog != nil && s.flowLog.to == flowToFirehose:
			destinations = []string{s.flowLog.destination}
		case s.access != nil:
			if err := f.accessFiles(); err != nil {
				return nil, err
			}
		case s.collectors != nil:
			destinations = []string{s.collectors.stream}
		case s.group != "":
			for _, filter := range filtersOf(d.world, s.Place, s.group) {
				destinations = append(destinations, targetOf(d.world, filter.Text("destinationArn")))
			}
		default:
			return nil, errors.New("sandbox: " + s.ID + ": " + s.Broken)
		}
		slices.Sort(destinations)
		for _, arn := range slices.Compact(destinations) {
			if byStream[arn] == nil {
				streams = append(streams, arn)
			}
			byStream[arn] = append(byStream[arn], f)
		}
	}
	for _, arn := range streams {
		if err := d.streamObjects(ctx, arn, byStream[arn]); err != nil {
			return nil, err
		}
	}
	found := make([]Found, len(finders))
	for i, f := range finders {
		found[i] = Found{f.source.ID, f.lines, f.refs}
	}
	return found, nil
}

// finder collects the lines of a source.
type finder struct {
	d      *Delivery
	ctx    context.Context
	source Source
	lines  []string
	refs   []ObjectRef
}

// eachObject opens the objects of a bucket below a prefix that match, has them read, and notes which finders found
// something in them.
func (d *Delivery) eachObject(ctx context.Context, finders []*finder, bucket, prefix string, match func(key string) bool, read func(*os.File, StoredObject) error) error {
	objects, err := d.store.List(bucket, prefix)
	if err != nil {
		return err
	}
	before := make([]int, len(finders))
	for _, o := range objects {
		if !match(o.Key) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		file, o, err := d.store.Open(o.Bucket, o.Key)
		if err != nil {
			return err
		}
		for i, f := range finders {
			before[i] = len(f.lines)
		}
		if err := errors.Join(read(file, o), file.Close()); err != nil {
			return fmt.Errorf("sandbox: s3://%s/%s: %w", o.Bucket, o.Key, err)
		}
		for i, f := range finders {
			if n := len(f.lines) - before[i]; n > 0 {
				f.refs = append(f.refs, refTo(o, n))
			}
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
	arn, _ = kept(f.d.world, arn)
	bucket := arn[strings.LastIndexByte(arn, ':')+1:]
	return f.d.eachObject(f.ctx, []*finder{f}, bucket, flow.key.head(), flow.key.matches, func(file *os.File, o StoredObject) error {
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

// streamObjects reads what a stream has written, for those whose lines it carries.
func (d *Delivery) streamObjects(ctx context.Context, arn string, finders []*finder) error {
	o, ok := d.world.ByARN(arn)
	if !ok || o.Type != streamToken {
		return fmt.Errorf("sandbox: %s: %s isn't a Firehose stream that exists", finders[0].source.ID, arn)
	}
	s, err := streamOf(o)
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	bucket, err := partition.ParseARN(s.bucket)
	if err != nil {
		return fmt.Errorf("sandbox: stream %s: bucketArn: %w", s.name, err)
	}
	// What has no log group was put by the log delivery service.
	of := map[[2]string][]*finder{}
	for _, f := range finders {
		from := [2]string{string(f.source.Place.Account), f.source.group}
		if f.source.group == "" {
			from = [2]string{}
		}
		of[from] = append(of[from], f)
	}
	return d.eachObject(ctx, finders, bucket.Resource, s.prefix.literalHead(), s.wrote, func(file *os.File, o StoredObject) error {
		if o.Source != s.arn {
			return nil // a stream of the same name in another region, with the same prefix
		}
		return readEvents(file, func(e archivedEvent) {
			for _, f := range of[[2]string{e.Owner, e.LogGroup}] {
				f.addEvent(e)
			}
		})
	})
}

// wrote says whether a key is that of an object of the stream, in any version of it: stream-version-yyyy-….
func (s *stream) wrote(key string) bool {
	rest, ok := strings.CutPrefix(key[strings.LastIndexByte(key, '/')+1:], s.name+"-")
	version, _, dash := strings.Cut(rest, "-")
	return ok && dash && version != "" && strings.Trim(version, "0123456789") == ""
}

// archivedEvent is a value in an object that a pipeline wrote: a batch of CloudWatch Logs, a log event that the transform
// took out of one, or a record of the log delivery service.
type archivedEvent struct {
	MessageType string              `json:"messageType"`
	Owner       string              `json:"owner"`
	LogGroup    string              `json:"logGroup"`
	LogStream   string              `json:"logStream"`
	LogEvents   []subscriptionEvent `json:"logEvents"`
	Message     *string             `json:"message"`
}

// addEvent adds the messages of a value that is of the source's log group, and of its log stream where the value says which.
func (f *finder) addEvent(e archivedEvent) {
	if e.LogStream != "" && e.LogStream != f.source.logStream {
		return
	}
	add := func(message string) {
		if f.source.flowLog != nil {
			f.addFlowText(message)
		} else {
			f.lines = append(f.lines, message)
		}
	}
	if e.Message != nil {
		add(*e.Message) // whatever else the function was told to put into its lines
		return
	}
	if e.MessageType == dataMessage {
		for _, event := range e.LogEvents {
			add(event.Message)
		}
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
