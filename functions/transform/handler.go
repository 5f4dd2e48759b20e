package transform

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/logarchive/logarchive/functions/inflate"
	"github.com/logarchive/logarchive/functions/putback"
)

// Stream puts records back onto a delivery stream, as *putback.Putter does.
type Stream interface {
	Put(ctx context.Context, stream string, records [][]byte) putback.Result
}

// Handler is the function. It implements lambda.Handler of aws-lambda-go and is safe for concurrent use.
type Handler struct {
	// ReuseResponse lets Invoke answer in the memory of the call before it: right for a caller that is done with an
	// answer before it makes the next call, as Lambda's runtime loop with one invocation at a time is.
	ReuseResponse bool
	// Now is the clock of metrics; tests replace it.
	Now func() time.Time

	cfg       Config
	stream    Stream
	gunzip    Gunzip
	log       *logger
	constants []byte       // members of every line that are constant: `,"site":"beijing"`
	copied    []string     // names of the members that are copied
	extraKeys [][]byte     // `,"name":` for each of them
	ownGroup  string       // this function's own log group as JSON, "" when unknown
	workers   chan *worker // those that are free; not a sync.Pool, which loses its buffers to the garbage collector
	count     atomic.Uint64
}

// Options are what a Handler needs from its surroundings.
type Options struct {
	Stream   Stream    // nil: nothing is ever put back; what doesn't fit fails
	Log      io.Writer // one JSON object a line; nil for none
	OwnGroup string    // the log group that Log ends up in, so that it can't feed back
	Gunzip   Gunzip    // nil for package inflate; the benchmarks compare others
}

// Gunzip appends the decompressed src to dst, at most limit bytes; more is inflate.ErrTooLarge.
type Gunzip func(dst, src []byte, limit int) ([]byte, error)

// New makes a handler. The configuration comes from Defaults or FromEnviron.
func New(cfg Config, o Options) *Handler {
	h := &Handler{cfg: cfg, stream: o.Stream, gunzip: o.Gunzip, Now: time.Now, log: &logger{to: o.Log}, workers: make(chan *worker, maxFree)}
	if o.OwnGroup != "" {
		h.ownGroup = string(quoted(o.OwnGroup))
	}
	for _, f := range cfg.Extra {
		key := append(append([]byte{','}, quoted(f.Name)...), ':')
		if f.Value != nil {
			h.constants = append(append(h.constants, key...), quoted(*f.Value)...)
			continue
		}
		h.copied = append(h.copied, f.Name)
		h.extraKeys = append(h.extraKeys, key)
	}
	return h
}

// maxFree is how many workers are kept between invocations. Lambda runs one at a time, unless told otherwise.
const maxFree = 8

func (h *Handler) take() *worker {
	select {
	case w := <-h.workers:
		return w
	default:
		return &worker{h: h, extraNames: h.copied, timed: h.cfg.splits()}
	}
}

func (h *Handler) give(w *worker) {
	select {
	case h.workers <- w:
	default:
	}
}

// A worker is the memory of one invocation at a time. Every buffer in it is used again.
type worker struct {
	h   *Handler
	inv invocation
	tally
	stats stats

	packed   []byte // a record's bytes: gzip
	inflated []byte // decompressed
	out      []byte // lines
	response []byte
	ordered  []byte
	results  []result
	pending  []pending
	order    []int
	counts   []int
	limit    int  // of all results together
	free     int  // of it, what is neither used nor kept for failures
	used     bool // whether anything has been delivered yet
	line     []byte

	common      []byte // what all lines of a document end with
	commonExtra int    // where in common the extra members begin
	extraNames  []string
	extraValues [][]byte
	eventExtra  [][]byte
	timed       bool // events' times are needed, for partition keys
	otherGroup  bool // the document's events belong to another group than the record's first

	tracking bool
	docs     []document
	spans    []span
	text     []byte
	decoder  inflate.Decoder
	zip      *gzip.Writer

	keys               []byte // the last metadata, and what it was made for
	keyOwner, keyGroup []byte
	keyLow             int64
	keyRegion          string
}

// Invoke answers a Firehose transformation event: exactly one result per recordId, in the order of the event. See the
// package comment for what the results are. An error means that the event itself can't be understood.
func (h *Handler) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	start := h.Now()
	w := h.take()
	defer h.give(w)
	if !h.ReuseResponse {
		w.response, w.ordered = nil, nil
	}
	inv, err := parseInvocation(event, w.inv.records)
	w.inv = inv
	if err != nil {
		h.log.event(map[string]any{"level": "error", "code": "invocation", "message": err.Error(), "bytes": len(event)})
		return nil, err
	}
	w.stats = stats{records: len(inv.records), bytesIn: len(event)}
	w.transform()
	w.putBack(ctx)
	answer := w.assemble()
	w.pending = w.pending[:0]
	w.stats.bytesOut = len(answer)
	w.report(start)
	return answer, nil
}

// inflate decompresses w.packed into w.inflated.
func (w *worker) inflate() problem {
	gunzip := w.h.gunzip
	if gunzip == nil {
		gunzip = w.decoder.Append
	}
	b, err := gunzip(w.inflated[:0], w.packed, w.h.cfg.MaxInflatedBytes)
	w.inflated = b
	switch {
	case err == nil:
		return ""
	case errors.Is(err, inflate.ErrTooLarge):
		return problemTooLarge
	default:
		return problemGzip
	}
}
