package transform

import (
	"context"

	"github.com/emmansun/base64"
)

// A result is where a record's result is in worker.response, with its comma.
type result struct{ from, to int }

// ok writes an Ok result: lines in base64, straight into the answer.
func (w *worker) ok(i, events int, metadata, lines []byte) {
	from := len(w.response)
	r := w.inv.records[i]
	b := reserve(w.response, okSize(r, len(lines), len(metadata))+simdSlack)
	b = append(b, resultOpen...)
	b = append(b, r.id...)
	b = append(b, okData...)
	n, m := len(b), base64.StdEncoding.EncodedLen(len(lines))
	b = b[:n+m]
	base64.StdEncoding.Encode(b[n:n+m:n+m], lines)
	b = append(b, '"')
	b = append(b, metadata...)
	w.response = append(b, resultEnd...)
	w.results[i] = result{from, len(w.response)}
	w.used = true
	w.stats.events += events
	w.stats.lines += len(lines)
	w.stats.ok++
}

// drop writes a Dropped result and answers its size.
func (w *worker) drop(i int) int {
	from := len(w.response)
	b := append(w.response, resultOpen...)
	b = append(b, w.inv.records[i].id...)
	w.response = append(b, droppedEnd...)
	w.results[i] = result{from, len(w.response)}
	w.stats.dropped++
	return len(w.response) - from
}

// fail writes a ProcessingFailed result with the record's data as it came, and answers its size. Should the data not
// fit, which takes an event larger than the answer may be, the result goes without: Firehose has the record itself.
func (w *worker) fail(i, room int, p problem) int {
	from := len(w.response)
	r := w.inv.records[i]
	b := append(w.response, resultOpen...)
	b = append(b, r.id...)
	b = append(b, failedResult...)
	if r.data != nil && failedSize(r) <= room {
		b = append(b, failedData...)
		b = append(b, r.data...)
		b = append(b, '"')
	}
	w.response = append(b, resultEnd...)
	w.results[i] = result{from, len(w.response)}
	w.stats.fail(p, r.id)
	return len(w.response) - from
}

// putBack sends everything that has to go back, and settles the records that wait for it.
func (w *worker) putBack(ctx context.Context) {
	if len(w.pending) == 0 {
		return
	}
	var records [][]byte
	for _, p := range w.pending {
		for _, part := range p.parts {
			records = append(records, part.packed)
		}
	}
	res := w.h.stream.Put(ctx, w.inv.stream, records)
	w.stats.putCalls, w.stats.putRetried = res.Calls, res.Retried
	if res.Err != nil {
		w.stats.putError = res.Err.Error()
	}
	next := 0
	for _, p := range w.pending {
		refused := false
		for _, part := range p.parts {
			if next < len(res.Accepted) && res.Accepted[next] {
				w.stats.putBack++
			} else {
				w.stats.putRefused++
				if part.lines == nil {
					refused = true
				} else {
					p.lines = append(p.lines, part.lines...)
					p.events += part.events
					w.stats.misplaced += part.events
				}
			}
			next++
		}
		switch {
		case refused:
			w.fail(p.record, p.room, problemPutBack)
		case p.lines == nil:
			w.drop(p.record)
		default:
			w.ok(p.record, p.events, p.metadata, p.lines)
		}
	}
}

// assemble closes the answer. Results stand in the order of the event: usually they were written so; otherwise they
// are copied into that order.
func (w *worker) assemble() []byte {
	next := len(open)
	inOrder := true
	for _, r := range w.results {
		inOrder = inOrder && r.from == next
		next = r.to
	}
	b := w.response
	if !inOrder {
		w.ordered = append(reserve(w.ordered[:0], len(b)+len(closing)), open...)
		for _, r := range w.results {
			w.ordered = append(w.ordered, b[r.from:r.to]...)
		}
		b = w.ordered
	}
	if len(w.results) > 0 {
		b = b[:len(b)-1] // the last comma
	}
	b = append(b, closing...)
	if inOrder {
		w.response = b
	} else {
		w.ordered = b
	}
	return b
}
