package transform

import (
	"slices"

	"github.com/emmansun/base64"

	"github.com/logarchive/logarchive/functions/putback"
)

// What results consist of, besides recordId and data. The comma behind each result is counted with it.
const (
	open         = `{"records":[`
	closing      = `]}`
	resultOpen   = `{"recordId":`
	okData       = `,"result":"Ok","data":"`
	droppedEnd   = `,"result":"Dropped"},`
	failedResult = `,"result":"ProcessingFailed"`
	failedData   = `,"data":"`
	resultEnd    = `},`
)

func okSize(r record, lines, metadata int) int {
	return len(resultOpen) + len(r.id) + len(okData) + base64.StdEncoding.EncodedLen(lines) + len(`"`) + metadata + len(resultEnd)
}

// okRoom is how many bytes of lines fit into a result of the given size.
func okRoom(r record, size, metadata int) int {
	return max(0, (size-okSize(r, 0, metadata))/4*3)
}

func failedSize(r record) int {
	return bareSize(r) + len(failedData) + len(r.data) + len(`"`)
}

// bareSize is that of a failure without its data.
func bareSize(r record) int {
	return len(resultOpen) + len(r.id) + len(failedResult) + len(resultEnd)
}

// transform reads every record and decides about it. Room in the answer is kept at any time for every record that is
// not settled yet to fail with its data: then a failure reaches the error prefix whole, whatever comes last.
func (w *worker) transform() {
	records := w.inv.records
	w.results = slices.Grow(w.results[:0], len(records))[:len(records)]
	clear(w.results)
	w.pending = w.pending[:0]
	w.limit = w.h.cfg.MaxResponseBytes - len(open) - len(closing)
	w.free, w.used = w.limit, false
	for i := range records {
		w.free -= failedSize(records[i])
	}
	w.response = reserve(append(w.response[:0], open...), w.expected())
	for _, i := range w.sequence() {
		room := w.free + failedSize(records[i])
		w.free = room - w.decide(i, room)
	}
}

// decide settles record i, for whose result there are room bytes, and answers how many it takes at most.
func (w *worker) decide(i, room int) int {
	r := w.inv.records[i]
	var err error
	if w.packed, err = r.decode(w.packed[:0]); err != nil || r.data == nil {
		return w.fail(i, room, problemBase64)
	}
	count := reingestions(w.packed)
	mayReturn := w.h.stream != nil && w.inv.stream != "" && !w.inv.kinesis && count < w.h.cfg.MaxReingestions
	if mayReturn && w.used && okSize(r, inflatedHint(w.packed), 0) > room {
		return w.returnWhole(i, room, count) // it won't fit: not even decompressed
	}
	if p := w.inflate(); p != "" {
		return w.fail(i, room, p)
	}
	w.out, w.tracking = w.out[:0], false
	if p := w.lines(w.inflated); p != "" {
		return w.fail(i, room, p)
	}
	w.stats.inflated += len(w.inflated)
	if w.tally.events == 0 {
		return w.drop(i)
	}
	metadata := w.metadata(w.tally.owner, w.tally.group, w.at)
	switch size := okSize(r, len(w.out), len(metadata)); {
	case size > room && !mayReturn:
		return w.fail(i, room, problemResponse)
	case size > room && w.used:
		return w.returnWhole(i, room, count)
	case size > room:
		return w.split(i, room, count)
	case w.mixed && mayReturn && w.spread(i, count):
		return size
	default:
		w.stats.own += w.own
		if w.mixed {
			w.stats.misplaced += w.otherEvents()
		}
		w.ok(i, w.tally.events, metadata, w.out)
		return size
	}
}

// expected estimates the size of the answer from the decompressed sizes that the records declare.
func (w *worker) expected() int {
	size := len(closing)
	var tail [64]byte
	for _, r := range w.inv.records {
		size += 256 + len(r.id)
		if n := len(r.data); n >= 8 {
			// The last two groups of base64 hold the last 4 bytes.
			if m, err := base64.StdEncoding.Decode(tail[:], r.data[n-8:]); err == nil && m >= 4 {
				size += (int(tail[m-4]) | int(tail[m-3])<<8 | int(tail[m-2])<<16 | int(tail[m-1])<<24) * 2
			}
		}
		if size > w.limit {
			return w.limit + len(closing)
		}
	}
	return size
}

// sequence is the order in which records are read: those put back before come first, the oftenest ones foremost, so
// that they find room and seldom return again.
func (w *worker) sequence() []int {
	w.order, w.counts = w.order[:0], w.counts[:0]
	mixed, most := false, 0
	for i, r := range w.inv.records {
		count := r.reingestions()
		w.order = append(w.order, i)
		w.counts = append(w.counts, count)
		mixed = mixed || count != w.counts[0]
		most = max(most, count)
		if count > 0 {
			w.stats.reingested++
		}
	}
	w.stats.maxReingestions = most
	if !mixed {
		return w.order
	}
	w.order = w.order[:0]
	for c := most; c >= 0; c-- {
		for i := range w.counts {
			if w.counts[i] == c {
				w.order = append(w.order, i)
			}
		}
	}
	return w.order
}

// reingestions reads the count in the first bytes of the record, without decoding the rest.
func (r record) reingestions() int {
	// The fifth character of base64 holds the upper six of the gzip header's flags; 'A' is none of them.
	if len(r.data) < 24 || r.data[4] == 'A' {
		return 0
	}
	var head [3*1024 + simdSlack]byte
	n, err := base64.StdEncoding.Decode(head[:], r.data[:min(len(r.data), 4*1024)/4*4])
	if err != nil {
		return 0
	}
	return reingestions(head[:n])
}

// returnWhole lets the record go back as it is, its count raised by one.
func (w *worker) returnWhole(i, room, count int) int {
	again, ok := withReingestions(w.packed, count+1)
	if !ok {
		return w.fail(i, room, problemGzip)
	}
	if len(again) > putback.MaxRecordBytes {
		return w.fail(i, room, problemRecordSize)
	}
	w.pending = append(w.pending, pending{record: i, room: room, parts: []part{{packed: again}}})
	return min(failedSize(w.inv.records[i]), room)
}
