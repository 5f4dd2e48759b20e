package transform

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"github.com/segmentio/asm/ascii"
)

// A scanner walks over JSON text (RFC 8259) without building anything: its methods take the index where something
// begins and answer the index behind it, or -1 when the text is not valid JSON there. It accepts exactly what
// encoding/json accepts; like encoding/json it doesn't insist on valid UTF-8 inside strings, whose bytes are carried
// on as they are.
type scanner struct {
	b []byte
	// clean says that no byte is below 0x20: then no string can hold a forbidden control character, and the check
	// falls away for each single string. It is true of everything CloudWatch Logs writes.
	clean bool
	// plain says that there is no backslash: then a string ends at the next quote.
	plain bool
}

// maxDepth is encoding/json's limit of nesting.
const maxDepth = 10000

func newScanner(b []byte) scanner {
	return scanner{b: b, clean: ascii.ValidPrint(b) || !hasControl(b)}
}

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// hasControl tells whether any byte is below 0x20.
func hasControl(b []byte) bool {
	for ; len(b) >= 32; b = b[32:] {
		w, x := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
		y, z := binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint64(b[24:])
		if ((w-0x20*lowBits)&^w|(x-0x20*lowBits)&^x|(y-0x20*lowBits)&^y|(z-0x20*lowBits)&^z)&highBits != 0 {
			return true
		}
	}
	for _, c := range b {
		if c < 0x20 {
			return true
		}
	}
	return false
}

// space skips whitespace.
func (s *scanner) space(i int) int {
	for i < len(s.b) {
		switch s.b[i] {
		case ' ', '\t', '\n', '\r':
			i++
		default:
			return i
		}
	}
	return i
}

// at tells the byte at i, 0 behind the end.
func (s *scanner) at(i int) byte {
	if uint(i) < uint(len(s.b)) {
		return s.b[i]
	}
	return 0
}

// text reads the rest of a string whose opening quote is before i, and answers the index behind the closing quote.
func (s *scanner) text(i int) int {
	n := bytes.IndexByte(s.b[i:], '"')
	if n < 0 {
		return -1
	}
	if s.plain && s.clean {
		return i + n + 1
	}
	body := s.b[i : i+n]
	if !s.clean && hasControl(body) {
		return -1
	}
	if e := bytes.IndexByte(body, '\\'); e >= 0 {
		return s.escaped(i + e)
	}
	return i + n + 1
}

// shortText is text for strings of a few dozen bytes, where calls cost more than the bytes do.
func (s *scanner) shortText(i int) int {
	if !s.clean {
		return s.text(i)
	}
	b := s.b
	for len(b)-i >= 8 {
		if m := special(binary.LittleEndian.Uint64(b[i:])); m != 0 {
			i += bits.TrailingZeros64(m) >> 3
			if b[i] == '"' {
				return i + 1
			}
			return s.escaped(i)
		}
		i += 8
	}
	return s.text(i)
}

// id is shortText for an event's id, which in CloudWatch Logs' own events is 56 digits.
func (s *scanner) id(i int) int {
	const size = 56
	if len(s.b)-i <= size || s.b[i+size] != '"' {
		return s.shortText(i)
	}
	b := (*[size]byte)(s.b[i:])
	// A digit xor '0' is at most 9; adding 0x76 to anything above, below 0x80, sets the top bit.
	const zero, over = '0' * lowBits, 0x76 * lowBits
	w0, w1 := binary.LittleEndian.Uint64(b[0:8])^zero, binary.LittleEndian.Uint64(b[8:16])^zero
	w2, w3 := binary.LittleEndian.Uint64(b[16:24])^zero, binary.LittleEndian.Uint64(b[24:32])^zero
	w4, w5 := binary.LittleEndian.Uint64(b[32:40])^zero, binary.LittleEndian.Uint64(b[40:48])^zero
	w6 := binary.LittleEndian.Uint64(b[48:56]) ^ zero
	if (w0|w1|w2|w3|w4|w5|w6)&highBits != 0 ||
		((w0+over)|(w1+over)|(w2+over)|(w3+over)|(w4+over)|(w5+over)|(w6+over))&highBits != 0 {
		return s.shortText(i)
	}
	return i + size + 1
}

// special marks the bytes of w that are a quote or a backslash, by their top bits. Marks above the lowest one may be
// wrong (a borrow), so only the lowest may be used.
func special(w uint64) uint64 {
	q, e := w^('"'*lowBits), w^('\\'*lowBits)
	return ((q-lowBits)&^q | (e-lowBits)&^e) & highBits
}

// escaped goes on with a string at its first backslash, at i. JSON within JSON, which services like to log, is full of
// \", so those must cost nothing: of eight bytes at a time, and the same eight with the one before, it wants each quote
// to follow a backslash and each backslash to be followed by a quote. Where that is not so, the string ends, or there
// is another escape.
func (s *scanner) escaped(i int) int {
	b, from := s.b, i
	free := uint64(0x80) // set when the byte before i escapes nothing, whatever it is
	for len(b)-i >= 8 {
		odd := (unlike(b[i:], '"') ^ (unlike(b[i-1:], '\\') | free)) & highBits
		free = 0
		// Four at a time, where nothing is odd: that is most of a long message.
		for odd == 0 && len(b)-i >= 8+4*8 {
			i += 8
			w := b[i-1 : i+4*8]
			odd = (unlike(w[1:], '"') ^ unlike(w, '\\')) & highBits
			odd1 := (unlike(w[9:], '"') ^ unlike(w[8:], '\\')) & highBits
			odd2 := (unlike(w[17:], '"') ^ unlike(w[16:], '\\')) & highBits
			odd3 := (unlike(w[25:], '"') ^ unlike(w[24:], '\\')) & highBits
			if odd|odd1|odd2|odd3 == 0 {
				i += 3 * 8
				continue
			}
			for _, next := range [...]uint64{odd1, odd2, odd3} {
				if odd != 0 {
					break
				}
				i, odd = i+8, next
			}
		}
		if odd == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(odd) >> 3
		switch c := b[i]; {
		case c == '"':
			return s.checked(from, i)
		case c == '\\':
			free = 0x80
		case simpleEscape[c]:
		case c == 'u' && s.hex4(i+1):
			i += 4
		default:
			return -1
		}
		i++
	}
	// The rest, byte by byte.
	if b[i-1] == '\\' && free == 0 {
		i--
	}
	for ; i < len(b); i++ {
		switch b[i] {
		case '"':
			return s.checked(from, i)
		case '\\':
			i++
			if c := s.at(i); !simpleEscape[c] && (c != 'u' || !s.hex4(i+1)) {
				return -1
			}
		}
	}
	return -1
}

// checked answers the index behind a string's end, unless there is a control character between from and the end.
func (s *scanner) checked(from, end int) int {
	if !s.clean && hasControl(s.b[from:end]) {
		return -1
	}
	return end + 1
}

// unlike sets the top bit of each of the first eight bytes of b that is not c; the other bits are of no use.
func unlike(b []byte, c byte) uint64 {
	return differ(binary.LittleEndian.Uint64(b) ^ uint64(c)*lowBits)
}

// differ sets the top bit of each byte of w that is not zero; the other bits are of no use.
func differ(w uint64) uint64 {
	const d = 0x7f * lowBits
	return w&d + d | w
}

// simpleEscape holds what may follow a backslash, except for u.
var simpleEscape = [256]bool{'"': true, '\\': true, '/': true, 'b': true, 'f': true, 'n': true, 'r': true, 't': true}

func (s *scanner) hex4(i int) bool {
	return i+4 <= len(s.b) && isHex(s.b[i]) && isHex(s.b[i+1]) && isHex(s.b[i+2]) && isHex(s.b[i+3])
}

func isHex(c byte) bool {
	return c-'0' < 10 || c|0x20-'a' < 6
}

// number reads a number that begins at i. integer is false when it has a fraction or an exponent.
func (s *scanner) number(i int) (end int, integer bool) {
	if s.at(i) == '-' {
		i++
	}
	switch c := s.at(i); {
	case c == '0':
		i++
	case c-'1' < 9:
		for s.at(i)-'0' < 10 {
			i++
		}
	default:
		return -1, false
	}
	integer = true
	if s.at(i) == '.' {
		integer = false
		if i++; s.at(i)-'0' >= 10 {
			return -1, false
		}
		for s.at(i)-'0' < 10 {
			i++
		}
	}
	if s.at(i)|0x20 == 'e' {
		integer = false
		i++
		if c := s.at(i); c == '+' || c == '-' {
			i++
		}
		if s.at(i)-'0' >= 10 {
			return -1, false
		}
		for s.at(i)-'0' < 10 {
			i++
		}
	}
	return i, integer
}

// value reads any value that begins at i, inside depth open objects and arrays.
func (s *scanner) value(i, depth int) int {
	switch c := s.at(i); c {
	case '"':
		return s.text(i + 1)
	case '{', '[':
		return s.nested(i, depth)
	case 't':
		return s.literal(i, "true")
	case 'f':
		return s.literal(i, "false")
	case 'n':
		return s.literal(i, "null")
	default:
		i, _ = s.number(i)
		return i
	}
}

func (s *scanner) literal(i int, word string) int {
	if len(s.b)-i >= len(word) && string(s.b[i:i+len(word)]) == word {
		return i + len(word)
	}
	return -1
}

// nested reads an object or array that begins at i.
func (s *scanner) nested(i, depth int) int {
	if depth >= maxDepth {
		return -1
	}
	open := s.b[i]
	end := open + 2 // '}' is '{'+2, ']' is '['+2
	if i = s.space(i + 1); s.at(i) == end {
		return i + 1
	}
	for {
		if open == '{' {
			if _, i = s.key(i); i < 0 {
				return -1
			}
		}
		if i = s.value(i, depth+1); i < 0 {
			return -1
		}
		i = s.space(i)
		switch s.at(i) {
		case ',':
			i = s.space(i + 1)
		case end:
			return i + 1
		default:
			return -1
		}
	}
}

// key reads an object's key that begins at i, and the colon, and answers the key's text between its quotes and the
// index where the value begins.
func (s *scanner) key(i int) (name []byte, value int) {
	if s.at(i) != '"' {
		return nil, -1
	}
	end := s.shortText(i + 1)
	if end < 0 {
		return nil, -1
	}
	name = s.b[i+1 : end-1]
	if bytes.IndexByte(name, '\\') >= 0 {
		name = unescape(name)
	}
	if i = s.space(end); s.at(i) != ':' {
		return nil, -1
	}
	return name, s.space(i + 1)
}
