package transform

import (
	"bytes"

	"github.com/logarchive/logarchive/functions/putback"
)

// pending is a record whose result depends on what the stream takes back.
type pending struct {
	record   int
	room     int
	parts    []part
	lines    []byte // what is delivered now; nil for a record that goes back whole
	events   int    // in lines
	metadata []byte
}

// A part goes back to the stream. One with lines is delivered here when the stream refuses it; without, the record
// then fails as a whole.
type part struct {
	packed []byte
	lines  []byte
	events int
}

// maxParts bounds what one record is spread into; the last part holds all remaining partitions.
const maxParts = 48

// track reads the record once more and notes where each event is.
func (w *worker) track() {
	w.out, w.tracking = w.out[:0], true
	w.lines(w.inflated) // it was read without a problem before
	w.tracking = false
}

// split handles a record whose lines exceed any answer: as many of its events as fit are delivered now, and all others
// go back as one smaller record. One record is accepted or refused as one, so that the events delivered now and those
// put back never overlap, and when the stream refuses it the record fails whole with nothing delivered.
func (w *worker) split(i, room, count int) int {
	r := w.inv.records[i]
	w.track()
	var chosen, rest []int
	var metadata []byte
	size, smallest := 0, len(w.out)
	fits := 0
	for k, s := range w.spans {
		n := s.lineTo - s.lineFrom
		smallest = min(smallest, n)
		if len(chosen) == 0 {
			d := w.docs[s.doc]
			metadata = w.metadata(d.owner, d.group, s.at)
			fits = okRoom(r, room, len(metadata))
		}
		if size+n <= fits && (len(chosen) == 0 || w.together(chosen[0], k)) {
			chosen = append(chosen, k)
			size += n
		} else {
			rest = append(rest, k)
		}
	}
	switch {
	case len(chosen) == 0 && smallest > okRoom(r, w.limit, len(metadata)):
		return w.fail(i, room, problemEvent)
	case len(chosen) == 0:
		return w.returnWhole(i, room, count)
	}
	packed, err := w.rebuild(w.inflated, rest, count+1)
	if err != nil || len(packed) > putback.MaxRecordBytes {
		return w.fail(i, room, problemRecordSize)
	}
	w.pending = append(w.pending, pending{
		record: i, room: room, parts: []part{{packed: packed, events: len(rest)}},
		lines: w.chosenLines(chosen), events: len(chosen), metadata: bytes.Clone(metadata),
	})
	w.used = true
	w.stats.split++
	return max(okSize(r, size, len(metadata)), min(failedSize(r), room))
}

// spread handles a record that would fit, but whose events belong to several partitions, while a result has only one
// set of partition keys: those of the first event's partition are delivered now, and for each other partition a record
// of its own goes back. What the stream refuses is delivered now all the same, under the first event's keys, and
// counted as misplaced: a line in a wrong hour is found, a lost one isn't. It answers false when there is nothing to
// put back.
func (w *worker) spread(i, count int) bool {
	w.track()
	var groups [][]int
	for k := range w.spans {
		g := 0
		for g < len(groups) && !w.together(groups[g][0], k) {
			g++
		}
		switch {
		case g < len(groups):
			groups[g] = append(groups[g], k)
		case len(groups) <= maxParts:
			groups = append(groups, []int{k})
		default:
			groups[maxParts] = append(groups[maxParts], k)
		}
	}
	p := pending{record: i, lines: w.chosenLines(groups[0]), events: len(groups[0])}
	misplaced := 0
	for _, group := range groups[1:] {
		lines := w.chosenLines(group)
		packed, err := w.rebuild(w.inflated, group, count+1)
		if err != nil || len(packed) > putback.MaxRecordBytes {
			p.lines = append(p.lines, lines...)
			p.events += len(group)
			misplaced += len(group)
			continue
		}
		p.parts = append(p.parts, part{packed: packed, lines: lines, events: len(group)})
	}
	if p.parts == nil {
		return false
	}
	w.stats.misplaced += misplaced
	p.metadata = bytes.Clone(w.metadata(w.tally.owner, w.tally.group, w.at))
	w.pending = append(w.pending, p)
	w.used = true
	w.stats.spread++
	return true
}

// together tells whether two events share their partition keys.
func (w *worker) together(a, b int) bool {
	c := &w.h.cfg
	if !c.splits() {
		return true
	}
	x, y := w.spans[a], w.spans[b]
	low, _ := c.bucket(x.at)
	other, _ := c.bucket(y.at)
	dx, dy := w.docs[x.doc], w.docs[y.doc]
	return low == other && bytes.Equal(dx.owner, dy.owner) && bytes.Equal(dx.group, dy.group)
}

// otherEvents counts the events that don't belong to the first one's partition.
func (w *worker) otherEvents() int {
	w.track()
	n := 0
	for k := range w.spans {
		if !w.together(0, k) {
			n++
		}
	}
	return n
}

func (w *worker) chosenLines(chosen []int) []byte {
	n := 0
	for _, k := range chosen {
		n += w.spans[k].lineTo - w.spans[k].lineFrom
	}
	lines := make([]byte, 0, n)
	for _, k := range chosen {
		lines = append(lines, w.out[w.spans[k].lineFrom:w.spans[k].lineTo]...)
	}
	return lines
}
