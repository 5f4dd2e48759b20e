// Package inflate decompresses gzip data (RFC 1952, RFC 1951) that is wholly in memory, into memory. It knows the
// whole input and the whole output, so it needs no window, no copying out of it, and no interface call per block:
// that makes it several times as fast as a streaming decoder.
//
// It accepts what the standard library's compress/gzip accepts, and nothing else: every member of a concatenation is
// decoded, incomplete and oversubscribed codes are refused, header checksums, CRC-32 and sizes are checked, and
// anything behind the last member is an error. Tests and fuzzing compare the two.
package inflate

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// The errors. Nothing of a damaged stream's output should be used.
var (
	ErrHeader    = errors.New("inflate: no gzip header")
	ErrCorrupt   = errors.New("inflate: corrupt data")
	ErrCutOff    = errors.New("inflate: the data ends too early")
	ErrChecksum  = errors.New("inflate: wrong checksum or size")
	ErrTooLarge  = errors.New("inflate: more output than allowed")
	errMoreSpace = errors.New("more space") // internal
)

// Decoder holds the tables of the code being decoded. Its zero value is ready; it is not safe for concurrent use.
type Decoder struct {
	literals  [literalEntries]uint32
	distances [distanceSize]uint32
	codes     [lengthSize]uint32
	lengths   [maxLiterals + maxDistances + 138]uint8 // 138: the longest repetition, which may begin at the end
	fixed     bool                                    // the tables are those of the fixed code

	used [32]uint64 // for each byte, not zero if a block's code has it

	in   []byte
	pos  int    // the next byte of in to load
	buf  uint64 // loaded bits, the next one lowest
	have uint   // how many
	out  []byte
	n    int // bytes of out that are written
	from int // where in out the member begins: distances don't reach further back
	max  int // n may not exceed it
}

// slack is the room that the fast loop wants behind what it writes.
const slack = 258 + 64

// Append decompresses the gzip stream src and appends the result to dst, at most limit bytes. On an error dst comes
// back at its old length.
func (d *Decoder) Append(dst, src []byte, limit int) ([]byte, error) {
	d.in, d.pos, d.buf, d.have = src, 0, 0, 0
	d.out, d.n, d.max = dst[:cap(dst)], len(dst), len(dst)+limit
	clear(d.used[:])
	err := d.members()
	out := d.out
	d.in, d.out = nil, nil
	if err != nil {
		return out[:len(dst)], err
	}
	return out[:d.n], nil
}

// MayHold tells whether the output of the last Append may hold a byte from low to high. False is certain: no block was
// stored, and no block's code had such a byte, so that it can neither be a literal nor copied from one. It costs next
// to nothing, and spares a reader the search for bytes that his text hardly ever has.
func (d *Decoder) MayHold(low, high byte) bool {
	for c := int(low); c <= int(high); c++ {
		if c&7 == 0 && int(high)-c >= 7 {
			if d.used[c>>3] != 0 {
				return true
			}
			c += 7
		} else if d.used[c>>3]>>(c&7*8)&0xff != 0 {
			return true
		}
	}
	return false
}

// mayHoldAll notes a block that can hold any byte.
func (d *Decoder) mayHoldAll() {
	for i := range d.used {
		d.used[i] = 1<<64 - 1
	}
}

func (d *Decoder) members() error {
	if len(d.in) == 0 {
		return ErrCutOff
	}
	for d.pos < len(d.in) {
		if err := d.header(); err != nil {
			return err
		}
		d.from = d.n
		d.expect()
		if err := d.blocks(); err != nil {
			return err
		}
		if len(d.in)-d.pos < 8 {
			return ErrCutOff
		}
		sum, size := binary.LittleEndian.Uint32(d.in[d.pos:]), binary.LittleEndian.Uint32(d.in[d.pos+4:])
		d.pos += 8
		if member := d.out[d.from:d.n]; crc32.ChecksumIEEE(member) != sum || uint32(len(member)) != size {
			return ErrChecksum
		}
	}
	return nil
}

// expect makes room for the size that the stream's last member declares. It is only a guess: the stream may have
// more members, or lie; deflate can't make more than 1,032 times the input.
func (d *Decoder) expect() {
	declared := int(binary.LittleEndian.Uint32(d.in[max(0, len(d.in)-4):][:4]))
	declared = min(declared, (len(d.in)-d.pos)*1032, d.max-d.n)
	if len(d.out)-d.n < declared+slack {
		d.grow(declared + slack)
	}
}

func (d *Decoder) grow(n int) {
	grown := make([]byte, max(d.n+n, 2*d.n))
	copy(grown, d.out[:d.n])
	d.out = grown
}

const (
	flagHCRC    = 1 << 1
	flagExtra   = 1 << 2
	flagName    = 1 << 3
	flagComment = 1 << 4
)

// header reads a member's header as compress/gzip does: reserved flags are passed over, a name or comment has at most
// 511 bytes, and a header checksum must be right.
func (d *Decoder) header() error {
	b := d.in[d.pos:]
	if len(b) < 10 {
		return ErrCutOff
	}
	if b[0] != 0x1f || b[1] != 0x8b || b[2] != 8 {
		return ErrHeader
	}
	flags, n := b[3], 10
	if flags&flagExtra != 0 {
		if len(b) < n+2 {
			return ErrCutOff
		}
		if n += 2 + int(binary.LittleEndian.Uint16(b[n:])); len(b) < n {
			return ErrCutOff
		}
	}
	for _, flag := range []byte{flagName, flagComment} {
		if flags&flag == 0 {
			continue
		}
		end := bytes.IndexByte(b[n:min(len(b), n+512)], 0)
		if end < 0 {
			return ErrHeader
		}
		n += end + 1
	}
	if flags&flagHCRC != 0 {
		if len(b) < n+2 {
			return ErrCutOff
		}
		if binary.LittleEndian.Uint16(b[n:]) != uint16(crc32.ChecksumIEEE(b[:n])) {
			return ErrHeader
		}
		n += 2
	}
	d.pos += n
	return nil
}

// blocks decodes a member's deflate stream and leaves pos behind it.
func (d *Decoder) blocks() error {
	d.buf, d.have = 0, 0
	for {
		if !d.need(3) {
			return ErrCutOff
		}
		final, kind := d.take(1), d.take(2)
		var err error
		switch kind {
		case 0:
			err = d.stored()
		case 1:
			d.fixedCode()
			before := d.n
			if err = d.block(); d.n > before {
				d.mayHoldAll()
			}
		case 2:
			if err = d.dynamicCode(); err == nil {
				err = d.block()
			}
		default:
			err = ErrCorrupt
		}
		if err != nil {
			return err
		}
		if final == 1 {
			d.pos -= int(d.have >> 3)
			d.buf, d.have = 0, 0
			return nil
		}
	}
}

// need loads bits until there are n, and tells whether the input had them. Bits of buf at have and above are zero.
func (d *Decoder) need(n uint) bool {
	for d.have < n {
		if d.pos >= len(d.in) {
			return false
		}
		d.buf |= uint64(d.in[d.pos]) << (d.have & 63)
		d.pos++
		d.have += 8
	}
	return true
}

// take removes n bits, which must be there.
func (d *Decoder) take(n uint) uint64 {
	v := d.buf & (1<<(n&63) - 1)
	d.buf >>= n & 63
	d.have -= n
	return v
}

// stored copies a block that isn't compressed.
func (d *Decoder) stored() error {
	d.pos -= int(d.have >> 3) // whole bytes go back; the rest of the byte is skipped
	d.buf, d.have = 0, 0
	if len(d.in)-d.pos < 4 {
		return ErrCutOff
	}
	n, check := int(binary.LittleEndian.Uint16(d.in[d.pos:])), binary.LittleEndian.Uint16(d.in[d.pos+2:])
	d.pos += 4
	if uint16(n) != ^check {
		return ErrCorrupt
	}
	if len(d.in)-d.pos < n {
		return ErrCutOff
	}
	if n > d.max-d.n {
		return ErrTooLarge
	}
	if n > 0 { // Go's compressor ends every stream with an empty stored block
		d.mayHoldAll()
	}
	if len(d.out)-d.n < n {
		d.grow(n + slack)
	}
	copy(d.out[d.n:], d.in[d.pos:d.pos+n])
	d.pos += n
	d.n += n
	return nil
}

// fixedCode sets the tables of RFC 1951, section 3.2.6.
func (d *Decoder) fixedCode() {
	if d.fixed {
		return
	}
	var lengths [288]uint8
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	build(d.literals[:], literalRoot, lengths[:], counts(lengths[:]), literalSymbols[:])
	for i := range lengths[:32] {
		lengths[i] = 5
	}
	build(d.distances[:], distanceRoot, lengths[:32], counts(lengths[:32]), distanceSymbols[:])
	d.fixed = true
}

var codeOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// dynamicCode reads a block's codes (RFC 1951, section 3.2.7) and builds their tables.
func (d *Decoder) dynamicCode() error {
	if !d.need(14) {
		return ErrCutOff
	}
	literals, distances, codes := int(d.take(5))+257, int(d.take(5))+1, int(d.take(4))+4
	if literals > maxLiterals || distances > maxDistances {
		return ErrCorrupt
	}
	var lengths [19]uint8
	for i := range codes {
		if !d.need(3) {
			return ErrCutOff
		}
		lengths[codeOrder[i]] = uint8(d.take(3))
	}
	if !build(d.codes[:], lengthRoot, lengths[:], counts(lengths[:]), lengthSymbols[:]) {
		return ErrCorrupt
	}
	d.fixed = false
	clear(d.lengths[:]) // so that repeated zeros need no writing
	total := literals + distances
	for i := 0; i < total; {
		if d.have < lengthRoot+7 {
			d.fillBits()
		}
		e := d.codes[d.buf&(lengthSize-1)]
		n := uint(e & 0xff)
		symbol := e >> 16
		switch {
		case e == noCode:
			return ErrCorrupt
		case n > d.have:
			return ErrCutOff
		case symbol < 16:
			d.buf >>= n & 63
			d.have -= n
			d.lengths[i] = uint8(symbol)
			i++
			continue
		}
		d.take(n)
		extra, repeat := uint(7), 11
		switch symbol {
		case 16:
			extra, repeat = 2, 3
		case 17:
			extra, repeat = 3, 3
		}
		if d.have < extra {
			return ErrCutOff
		}
		repeat += int(d.take(extra))
		if i+repeat > total {
			return ErrCorrupt
		}
		if symbol == 16 {
			if i == 0 {
				return ErrCorrupt
			}
			value := d.lengths[i-1]
			for k := range repeat {
				d.lengths[i+k] = value
			}
		}
		i += repeat
	}
	for i := range d.used {
		d.used[i] |= binary.LittleEndian.Uint64(d.lengths[8*i:])
	}
	a, b := d.lengths[:literals], d.lengths[literals:total]
	if !build(d.literals[:], literalRoot, a, counts(a), literalSymbols[:]) ||
		!build(d.distances[:], distanceRoot, b, counts(b), distanceSymbols[:]) {
		return ErrCorrupt
	}
	return nil
}

// counts tells how many of the lengths there are of each.
func counts(lengths []uint8) *[maxBits + 1]uint16 {
	var count [maxBits + 1]uint16
	for i := 0; i < len(lengths); i++ {
		for len(lengths)-i >= 8 && binary.LittleEndian.Uint64(lengths[i:]) == 0 {
			i += 8
		}
		if i == len(lengths) {
			break
		}
		count[lengths[i]&15]++
	}
	return &count
}

// fillBits loads as many bits as there is input and room for, at least 56 when the input has them.
func (d *Decoder) fillBits() {
	if len(d.in)-d.pos >= 8 {
		d.buf |= binary.LittleEndian.Uint64(d.in[d.pos:]) << (d.have & 63)
		d.pos += int((63 - d.have) >> 3)
		d.have |= 56
		d.buf &= 1<<(d.have&63) - 1
		return
	}
	for d.have <= 56 && d.pos < len(d.in) {
		d.buf |= uint64(d.in[d.pos]) << (d.have & 63)
		d.pos++
		d.have += 8
	}
}
