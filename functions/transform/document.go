package transform

import (
	"bytes"
	"encoding/binary"
	"math"
)

// A problem says in a word why a record can't be transformed: it is a metric's property and a log line's code.
type problem string

const (
	problemBase64     problem = "base64"      // data is missing or not base64
	problemGzip       problem = "gzip"        // not gzip, damaged, or cut off
	problemTooLarge   problem = "inflated"    // more than Config.MaxInflatedBytes when decompressed
	problemJSON       problem = "json"        // not JSON
	problemMessage    problem = "message"     // JSON, but no subscription data: unknown messageType, a field missing or of another type
	problemEvent      problem = "event-size"  // one log event alone exceeds the response limit
	problemResponse   problem = "response"    // does not fit and may not be put back: no stream, or put back too often
	problemPutBack    problem = "put-back"    // does not fit, and the stream did not take it back
	problemRecordSize problem = "record-size" // does not fit, and is too large for PutRecordBatch
)

// An envelope holds what a subscription document says about all its events: raw JSON values, nil when absent.
type envelope struct {
	kind, owner, group, stream []byte
	extra                      [][]byte // values of Config.Extra's copied fields, in their order
	from, to                   int      // the logEvents array, from its '[' to behind its ']'; to is 0 when absent
}

// A document is one JSON text of a record. A span is one event in it and the line made of it.
type (
	document struct {
		from, to       int // in the inflated record
		arrayAt, endAt int // where logEvents' '[' is, and its ']'
		owner, group   []byte
	}
	span struct {
		doc              int   // index into worker.docs
		from, to         int   // the event's JSON in the inflated record
		lineFrom, lineTo int   // its line in worker.out
		at               int64 // timestamp, milliseconds since 1970
	}
)

// tally is what reading a record has found so far.
type tally struct {
	events   int
	controls int
	own      int  // events of this function's own log group
	mixed    bool // events of more than one partition
	// The first event's partition: raw owner and group, and its time bucket [low, low+width].
	owner, group []byte
	low          int64
	width        uint64
	at           int64 // first event's timestamp
}

// lines appends to w.out one line per log event of all documents in the inflated record b. With w.tracking it also
// notes where each event and its line are, for splitting.
func (w *worker) lines(b []byte) problem {
	w.tally = tally{}
	w.docs, w.spans = w.docs[:0], w.spans[:0]
	var s scanner
	if w.h.gunzip == nil && !w.decoder.MayHold(0, 0x1f) {
		s = scanner{b: b, clean: true, plain: !w.decoder.MayHold('\\', '\\')}
	} else {
		s = newScanner(b)
	}
	i := s.space(0)
	if i == len(b) {
		return problemJSON
	}
	for i < len(b) {
		end, p := w.document(&s, i)
		if p != "" {
			return p
		}
		i = s.space(end)
	}
	return ""
}

// document reads the document that begins at i. Events are written as soon as logEvents is met, if all that the lines
// need has come before, as it does in CloudWatch Logs' own order; should a key that matters still follow, the lines
// are taken back and made again from the last values, as a JSON parser would do.
func (w *worker) document(s *scanner, i int) (int, problem) {
	if s.at(i) != '{' {
		return -1, w.notAnObject(s, i)
	}
	env := envelope{extra: w.extraValues[:0]}
	for range w.extraNames {
		env.extra = append(env.extra, nil)
	}
	w.extraValues = env.extra
	before, outBefore, spansBefore := w.tally, len(w.out), len(w.spans)
	written, stale := false, false
	var found problem
	end, _ := s.object(i, 0, func(key []byte, at int) (int, error) {
		var field *[]byte
		switch string(key) {
		case "messageType":
			field = &env.kind
		case "owner":
			field = &env.owner
		case "logGroup":
			field = &env.group
		case "logStream":
			field = &env.stream
		case "logEvents":
			stale = stale || written
			env.from = at
			if !stale && env.complete() && s.at(at) == '[' {
				written = true
				env.to, found = w.events(s, at, &env)
				return env.to, nil
			}
			env.to = s.value(at, 1)
			return env.to, nil
		}
		end := s.value(at, 1)
		if end < 0 {
			return -1, nil
		}
		if field != nil {
			*field = s.b[at:end]
			stale = stale || written
		}
		for k, name := range w.extraNames {
			if string(key) == name {
				env.extra[k] = s.b[at:end]
				stale = stale || written
			}
		}
		return end, nil
	})
	if end < 0 {
		return -1, problemJSON
	}
	if written && !stale && found == "" {
		w.noteDocument(i, end, &env)
		return end, ""
	}
	w.tally, w.out, w.spans = before, w.out[:outBefore], w.spans[:spansBefore]
	switch string(env.kind) {
	case `"CONTROL_MESSAGE"`:
		w.controls++
		return end, ""
	case `"DATA_MESSAGE"`:
	default:
		return -1, problemMessage
	}
	if !env.complete() || env.to == 0 || s.at(env.from) != '[' {
		return -1, problemMessage
	}
	if _, found = w.events(s, env.from, &env); found != "" {
		return -1, found
	}
	w.noteDocument(i, end, &env)
	return end, ""
}

// noteDocument notes where a document is, for splitting.
func (w *worker) noteDocument(from, to int, env *envelope) {
	if w.tracking {
		w.docs = append(w.docs, document{from: from, to: to, arrayAt: env.from, endAt: env.to - 1, owner: env.owner, group: env.group})
	}
}

// notAnObject tells JSON of another shape from text that isn't JSON.
func (w *worker) notAnObject(s *scanner, i int) problem {
	if s.value(i, 0) < 0 {
		return problemJSON
	}
	return problemMessage
}

// complete tells whether all that a line needs is there, and the document carries events.
func (e *envelope) complete() bool {
	return string(e.kind) == `"DATA_MESSAGE"` && isText(e.owner) && isText(e.group) && isText(e.stream)
}

func isText(raw []byte) bool { return len(raw) > 0 && raw[0] == '"' }

// events writes the lines of the array that begins at i. A problem with one event's fields doesn't end the reading:
// the text may still turn out not to be JSON.
func (w *worker) events(s *scanner, i int, env *envelope) (end int, found problem) {
	w.prepare(env)
	own := string(env.group) == w.h.ownGroup
	if i = s.space(i + 1); s.at(i) == ']' {
		return i + 1, ""
	}
	for {
		lineFrom := len(w.out)
		end, at := w.plainEvent(s, i)
		if end < 0 {
			var p problem
			if end, at, p = w.anyEvent(s, i, env); end < 0 {
				return -1, problemJSON
			} else if p != "" {
				found = p
			}
		}
		if w.tally.events == 0 {
			w.first(env, at)
		} else if uint64(at-w.low) > w.width || w.otherGroup {
			w.mixed = true
		}
		w.tally.events++
		if own {
			w.own++
		}
		if w.tracking {
			w.spans = append(w.spans, span{doc: len(w.docs), from: i, to: end, lineFrom: lineFrom, lineTo: len(w.out), at: at})
		}
		i = end
		// CloudWatch Logs writes no whitespace; then the comma and the next event follow at once.
		if s.at(i) != ',' {
			i = s.space(i)
		}
		switch s.at(i) {
		case ',':
			i = s.space(i + 1)
		case ']':
			return i + 1, found
		default:
			return -1, problemJSON
		}
	}
}

// first notes the partition of the record's first event.
func (w *worker) first(env *envelope, at int64) {
	w.tally.owner, w.tally.group = env.owner, env.group
	w.at = at
	w.low, w.width = w.h.cfg.bucket(at)
}

// prepare makes what all lines of a document have in common.
func (w *worker) prepare(env *envelope) {
	w.otherGroup = w.h.cfg.splits() && w.tally.events > 0 &&
		(!bytes.Equal(env.owner, w.tally.owner) || !bytes.Equal(env.group, w.tally.group))
	b := append(w.common[:0], `,"logGroup":`...)
	b = append(b, env.group...)
	b = append(b, `,"logStream":`...)
	b = append(b, env.stream...)
	b = append(b, `,"owner":`...)
	b = append(b, env.owner...)
	w.commonExtra = len(b)
	for k, raw := range env.extra {
		b = w.appendExtra(b, k, raw)
	}
	b = append(b, w.h.constants...)
	w.common = append(b, "}\n"...)
}

// appendExtra writes a copied field. Inside a JSON value a line break can only be whitespace, and a line has none.
func (w *worker) appendExtra(b []byte, k int, raw []byte) []byte {
	if raw == nil {
		return b
	}
	b = append(b, w.h.extraKeys[k]...)
	if bytes.IndexByte(raw, '\n') < 0 && bytes.IndexByte(raw, '\r') < 0 {
		return append(b, raw...)
	}
	for _, c := range raw {
		if c != '\n' && c != '\r' {
			b = append(b, c)
		}
	}
	return b
}

const (
	plainStart     = `{"id":"`
	plainTimestamp = `,"timestamp":`
	plainMessage   = `,"message":"`
)

// plainEvent writes the line of an event that has exactly the members id, timestamp and message, in this order and
// without whitespace, as CloudWatch Logs writes it: then the event's own text is the line's beginning. It answers -1,
// having written nothing, for every other event. The timestamp is only read when it decides about partition keys.
func (w *worker) plainEvent(s *scanner, i int) (end int, at int64) {
	b := s.b
	if len(b)-i < 64 || string(b[i:i+len(plainStart)]) != plainStart {
		return -1, 0
	}
	j := s.id(i + len(plainStart))
	if j < 0 || len(b)-j < 48 || string(b[j:j+len(plainTimestamp)]) != plainTimestamp {
		return -1, 0
	}
	j += len(plainTimestamp)
	// A timestamp has 13 digits until the year 2286: two overlapping words of 8 show that they are digits.
	if b[j] == '0' || !eightDigits(b[j:]) || !eightDigits(b[j+5:]) || string(b[j+13:j+13+len(plainMessage)]) != plainMessage {
		return -1, 0
	}
	if w.timed {
		for _, d := range b[j : j+13] {
			at = at*10 + int64(d-'0')
		}
	}
	j = s.text(j + 13 + len(plainMessage))
	if j < 0 || s.at(j) != '}' {
		return -1, 0
	}
	w.out = reserve(w.out, j-i+len(w.common))
	n := len(w.out)
	out := w.out[:n+j-i+len(w.common)]
	copy(out[n:], b[i:j])
	copy(out[n+j-i:], w.common)
	w.out = out
	return j + 1, at
}

// eightDigits tells whether b begins with eight digits.
func eightDigits(b []byte) bool {
	v := binary.LittleEndian.Uint64(b)
	// The upper half of each byte is 3, and still is when 6 has been added: that is '0' to '9'.
	return v&(0xf0*lowBits)|(v+6*lowBits)&(0xf0*lowBits)>>4 == 0x33*lowBits
}

// anyEvent writes the line of an event of any layout.
func (w *worker) anyEvent(s *scanner, i int, env *envelope) (end int, at int64, found problem) {
	if s.at(i) != '{' {
		return s.value(i, 2), 0, problemMessage
	}
	var id, timestamp, message []byte
	values := w.eventExtra[:0]
	for range w.extraNames {
		values = append(values, nil)
	}
	w.eventExtra = values
	integer := false
	end, _ = s.object(i, 2, func(key []byte, from int) (int, error) {
		to := s.value(from, 3)
		if to < 0 {
			return -1, nil
		}
		raw := s.b[from:to]
		switch string(key) {
		case "id":
			id = raw
		case "timestamp":
			timestamp = raw
			_, integer = s.number(from)
		case "message":
			message = raw
		}
		for k, name := range w.extraNames {
			if string(key) == name {
				values[k] = raw
			}
		}
		return to, nil
	})
	if end < 0 {
		return -1, 0, problemJSON
	}
	at, ok := millis(timestamp)
	if !ok || !integer || !isText(id) || !isText(message) {
		return end, 0, problemMessage
	}
	b := append(w.out, `{"id":`...)
	b = append(b, id...)
	b = append(b, `,"timestamp":`...)
	b = append(b, timestamp...)
	b = append(b, `,"message":`...)
	b = append(b, message...)
	b = append(b, w.common[:w.commonExtra]...)
	for k, raw := range values {
		if raw == nil {
			raw = env.extra[k]
		}
		b = w.appendExtra(b, k, raw)
	}
	b = append(b, w.h.constants...)
	w.out = append(b, "}\n"...)
	return end, at, ""
}

// millis reads an integer of at most 64 bits.
func millis(raw []byte) (int64, bool) {
	negative := len(raw) > 0 && raw[0] == '-'
	digits := raw
	if negative {
		digits = raw[1:]
	}
	if len(digits) == 0 || len(digits) > 19 {
		return 0, false
	}
	var v uint64
	for _, c := range digits {
		if c-'0' > 9 {
			return 0, false
		}
		v = v*10 + uint64(c-'0')
	}
	if v > math.MaxInt64 {
		return 0, false
	}
	if negative {
		return -int64(v), true
	}
	return int64(v), true
}

// inflatedHint is the decompressed size that a gzip stream's last member declares, modulo 2^32.
func inflatedHint(gz []byte) int {
	if len(gz) < 18 {
		return 0
	}
	return int(binary.LittleEndian.Uint32(gz[len(gz)-4:]))
}
