package inflate

import (
	"encoding/binary"
	"math/bits"
)

// A table decodes a Huffman code by the next bits of the stream. Its first part is indexed by rootBits bits; a longer
// code leads to a subtable behind it. An entry is 32 bits:
//
//	literal    bit 31 set, 16-23 the byte
//	length     16-30 the base length, 0-7 bits to take altogether, 8-11 of them the code's
//	distance   16-30 the base distance, 0-7 and 8-11 alike
//	end        isSpecial and isEnd
//	subtable   isSpecial and isLink, 16-30 where it begins, 8-11 the bits that index it
//	no code    isSpecial alone
//
// In every entry bits 0-7 are how many bits of the stream it uses up.
const (
	isLiteral = 1 << 31
	isSpecial = 1 << 15
	isLink    = 1 << 14
	isEnd     = 1 << 13

	noCode = isSpecial
)

// The sizes. A literal/length code has at most 286 used symbols of at most 15 bits, a distance code 30; the most
// entries that a complete code of that kind can need, with the given number of root bits, are those of zlib's program
// "enough": 2342 for (288, 11, 15), 402 for (32, 8, 15). Rounded up to powers of two, an index that is masked needs
// no check.
const (
	maxBits        = 15
	literalRoot    = 11
	distanceRoot   = 8
	lengthRoot     = 7
	literalEntries = 4096
	distanceSize   = 512
	lengthSize     = 128

	maxLiterals  = 286
	maxDistances = 30
)

var (
	literalSymbols  = makeLiteralSymbols()
	distanceSymbols = makeDistanceSymbols()
	lengthSymbols   = makeLengthSymbols()
)

// makeLiteralSymbols makes the part of an entry that depends on the symbol (RFC 1951, section 3.2.5). The symbols 286
// and 287, which the fixed code has but no stream may use, decode to no code.
func makeLiteralSymbols() (s [288]uint32) {
	for i := range 256 {
		s[i] = isLiteral | uint32(i)<<16
	}
	s[256] = isSpecial | isEnd
	base, extra := uint32(3), uint32(0)
	for i := 257; i < 285; i++ {
		s[i] = base<<16 | extra
		base += 1 << extra
		if i >= 264 && i%4 == 0 {
			extra++
		}
	}
	s[285] = 258 << 16
	s[286], s[287] = noCode, noCode
	return s
}

func makeDistanceSymbols() (s [32]uint32) {
	base, extra := uint32(1), uint32(0)
	for i := range maxDistances {
		s[i] = base<<16 | extra
		base += 1 << extra
		if i >= 3 && i%2 == 1 {
			extra++
		}
	}
	s[30], s[31] = noCode, noCode
	return s
}

func makeLengthSymbols() (s [19]uint32) {
	for i := range s {
		s[i] = uint32(i) << 16
	}
	return s
}

// build fills a table for the code with the given lengths of each symbol's code, of which count holds how many there
// are of each, and tells whether it is one that compress/flate accepts: complete, or a single symbol of one bit, or
// empty. Every entry of the root and of every subtable is filled.
func build(table []uint32, root int, lengths []uint8, count *[maxBits + 1]uint16, symbols []uint32) bool {
	count[0] = 0
	longest := maxBits
	for longest > 0 && count[longest] == 0 {
		longest--
	}
	if longest == 0 {
		for k := range 1 << root {
			table[k] = noCode
		}
		return true
	}
	// The offsets of each length's symbols among those sorted by length; and the sum of all codes' shares of the
	// code space, which a complete code fills exactly.
	var offset [maxBits + 2]uint16
	space := 0
	for n := 1; n <= longest; n++ {
		offset[n+1] = offset[n] + count[n]
		space = space<<1 + int(count[n])
	}
	if space != 1<<longest {
		if space != 1 || longest != 1 {
			return false
		}
		for i, n := range lengths {
			if n == 1 {
				for k := 0; k < 1<<root; k += 2 {
					table[k], table[k+1] = entry(symbols[i], 1), noCode
				}
			}
		}
		return true
	}
	var sorted [512]uint16 // indexed by 9 bits
	for i := 0; i < len(lengths); i++ {
		// Most of a code's symbols are not used, and stand together.
		for len(lengths)-i >= 8 && binary.LittleEndian.Uint64(lengths[i:]) == 0 {
			i += 8
		}
		if i == len(lengths) {
			break
		}
		if n := lengths[i] & 15; n != 0 {
			sorted[offset[n]&511] = uint16(i)
			offset[n]++
		}
	}

	// Codes of growing length, bit-reversed as they appear in the stream. The root grows by doubling: what is filled
	// for n bits is copied for the other value of the next bit.
	next := 0
	code := 0
	n := 1
	for count[n] == 0 {
		n++
	}
	size := 1 << n
	for n <= root {
		for range count[n] {
			table[code] = entry(symbols[sorted[next]], uint32(n))
			next++
			if code == size-1 {
				for ; size < 1<<root; size <<= 1 {
					copy(table[size:2*size], table[:size])
				}
				return true
			}
			code = following(code, size)
		}
		for n++; ; n++ {
			if n <= root {
				copy(table[size:2*size], table[:size])
				size <<= 1
			}
			if count[n] != 0 {
				break
			}
		}
	}

	// Longer codes, a subtable for each value of the first root bits.
	end := 1 << root
	prefix, start := -1, 0
	for {
		if code&(1<<root-1) != prefix {
			prefix, start = code&(1<<root-1), end
			more := n - root
			for used := int(count[n]); used < 1<<more; {
				more++
				used = used<<1 + int(count[root+more])
			}
			end = start + 1<<more
			table[prefix] = isSpecial | isLink | uint32(start)<<16 | uint32(more)<<8 | uint32(root)
		}
		e := entry(symbols[sorted[next]], uint32(n-root))
		next++
		for k := start + code>>root; k < end; k += 1 << (n - root) {
			table[k] = e
		}
		if code == 1<<n-1 {
			return true
		}
		code = following(code, 1<<n)
		count[n]--
		for count[n] == 0 {
			n++
		}
	}
}

// entry adds a code's length to a symbol's part.
func entry(symbol, n uint32) uint32 { return symbol + n<<8 + n }

// following is the next bit-reversed code of the same length: size is 1<<length.
func following(code, size int) int {
	bit := 1 << (bits.Len(uint(code^(size-1))) - 1)
	return code&(bit-1) | bit
}
