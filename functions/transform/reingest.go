package transform

import (
	"bytes"
	"encoding/binary"

	"github.com/klauspost/compress/gzip"
)

// How often a record has been put back is carried by the record itself: in the extra field of its first gzip header, a
// subfield "LA" with one byte, the count (RFC 1952, section 2.3.1.1). The log data stays as it is, byte for byte, every
// gzip reader skips the field, and putting a record back needs no compression. `gzip -t` still proves the record.

const (
	gzipHeaderSize  = 10
	gzipFlagHCRC    = 1 << 1
	gzipFlagExtra   = 1 << 2
	gzipFlagName    = 1 << 3
	gzipFlagComment = 1 << 4
)

// extraField finds the extra field in the header of a gzip stream: its content and the index behind it. ok is false
// when the stream is too short or no gzip.
func extraField(gz []byte) (field []byte, end int, ok bool) {
	if len(gz) < gzipHeaderSize || gz[0] != 0x1f || gz[1] != 0x8b || gz[2] != 8 {
		return nil, 0, false
	}
	if gz[3]&gzipFlagExtra == 0 {
		return nil, gzipHeaderSize, true
	}
	if len(gz) < gzipHeaderSize+2 {
		return nil, 0, false
	}
	end = gzipHeaderSize + 2 + int(binary.LittleEndian.Uint16(gz[gzipHeaderSize:]))
	if len(gz) < end {
		return nil, 0, false
	}
	return gz[gzipHeaderSize+2 : end], end, true
}

// subfields calls f for each well-formed subfield with its two-byte name and whole bytes.
func subfields(field []byte, f func(name string, whole []byte)) {
	for len(field) >= 4 {
		size := 4 + int(binary.LittleEndian.Uint16(field[2:]))
		if size > len(field) {
			return
		}
		f(string(field[:2]), field[:size])
		field = field[size:]
	}
}

const countName = "LA"

// reingestions reads how often a record has been put back: 0 for one that never was.
func reingestions(gz []byte) int {
	field, _, ok := extraField(gz)
	if !ok || field == nil {
		return 0
	}
	count := 0
	subfields(field, func(name string, whole []byte) {
		if name == countName && len(whole) > 4 {
			count = int(whole[4])
		}
	})
	return count
}

// countField is a whole extra field that says count, at most 255.
func countField(count int) []byte {
	return []byte{countName[0], countName[1], 1, 0, byte(min(count, 255))}
}

// withReingestions copies a gzip stream with its count set. A header's checksum, which hardly anybody writes, is
// dropped, because it would no longer be right. ok is false when the stream's header can't be read.
func withReingestions(gz []byte, count int) (copied []byte, ok bool) {
	field, end, ok := extraField(gz)
	if !ok {
		return nil, false
	}
	extra := countField(count)
	subfields(field, func(name string, whole []byte) {
		if name != countName {
			extra = append(extra, whole...)
		}
	})
	if len(extra) > 0xffff {
		return nil, false
	}
	rest := end
	for _, flag := range []byte{gzipFlagName, gzipFlagComment} {
		if gz[3]&flag != 0 {
			n := bytes.IndexByte(gz[rest:], 0)
			if n < 0 {
				return nil, false
			}
			rest += n + 1
		}
	}
	text := gz[end:rest]
	if gz[3]&gzipFlagHCRC != 0 {
		if rest += 2; rest > len(gz) {
			return nil, false
		}
	}
	copied = make([]byte, 0, len(gz)+len(extra)+2)
	copied = append(copied, gz[:gzipHeaderSize]...)
	copied[3] = gz[3]&^gzipFlagHCRC | gzipFlagExtra
	copied = binary.LittleEndian.AppendUint16(copied, uint16(len(extra)))
	copied = append(copied, extra...)
	copied = append(copied, text...)
	return append(copied, gz[rest:]...), true
}

// rebuild makes a subscription record of some of a record's events: each document is copied byte for byte except for
// its logEvents array, which holds the chosen ones only, as they were. Documents without a chosen event are left out.
func (w *worker) rebuild(inflated []byte, chosen []int, count int) ([]byte, error) {
	var packed bytes.Buffer
	if w.zip == nil {
		z, err := gzip.NewWriterLevel(&packed, 6)
		if err != nil {
			return nil, err
		}
		w.zip = z
	}
	w.zip.Reset(&packed)
	w.zip.Extra = countField(count)
	text := w.text[:0]
	for k := 0; k < len(chosen); {
		d := w.docs[w.spans[chosen[k]].doc]
		of := w.spans[chosen[k]].doc
		text = append(text, inflated[d.from:d.arrayAt+1]...)
		for first := true; k < len(chosen) && w.spans[chosen[k]].doc == of; k++ {
			if !first {
				text = append(text, ',')
			}
			first = false
			text = append(text, inflated[w.spans[chosen[k]].from:w.spans[chosen[k]].to]...)
		}
		text = append(text, inflated[d.endAt:d.to]...)
	}
	w.text = text
	if _, err := w.zip.Write(text); err != nil {
		return nil, err
	}
	if err := w.zip.Close(); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}
