package inflate

import "encoding/binary"

// The margins of the fast loop: in one turn it loads at most 3 times 8 bytes ahead, and writes 3 literals and a match
// in steps of 16 bytes.
const (
	inMargin  = 32
	outMargin = slack
)

// fast decodes while input and output are far from their ends. It answers true at the end of the block.
func (d *Decoder) fast() (end bool, err error) {
	in, out := d.in, d.out
	pos, n := d.pos, d.n
	buf, have := d.buf, uint64(d.have)
	lastIn, lastOut, from := len(in)-inMargin, len(out)-outMargin, d.from
	if pos > lastIn || n > lastOut {
		return false, nil
	}
	literals, distances := &d.literals, &d.distances

	buf |= binary.LittleEndian.Uint64(in[pos:]) << (have & 63)
	pos += int((63 - have) >> 3)
	have |= 56
	e := literals[buf&(1<<literalRoot-1)]
	for {
		saved := buf
		buf >>= e & 63
		have -= uint64(e & 63)
		if e&isLiteral != 0 {
			out[n] = byte(e >> 16)
			e = literals[buf&(1<<literalRoot-1)]
			saved = buf
			buf >>= e & 63
			have -= uint64(e & 63)
			n++
			if e&isLiteral != 0 {
				out[n] = byte(e >> 16)
				e = literals[buf&(1<<literalRoot-1)]
				saved = buf
				buf >>= e & 63
				have -= uint64(e & 63)
				n++
				if e&isLiteral != 0 {
					out[n] = byte(e >> 16)
					n++
					if pos > lastIn || n > lastOut {
						break
					}
					buf |= binary.LittleEndian.Uint64(in[pos:]) << (have & 63)
					pos += int((63 - have) >> 3)
					have |= 56
					e = literals[buf&(1<<literalRoot-1)]
					continue
				}
			}
		}
		if e&isSpecial != 0 {
			if e&isLink == 0 {
				if e&isEnd == 0 {
					return false, ErrCorrupt
				}
				end = true
				break
			}
			e = literals[(uint64(e>>16)+buf&(1<<(e>>8&15)-1))&(literalEntries-1)]
			saved = buf
			buf >>= e & 63
			have -= uint64(e & 63)
			if e&isLiteral != 0 {
				out[n] = byte(e >> 16)
				n++
				if pos > lastIn || n > lastOut {
					break
				}
				buf |= binary.LittleEndian.Uint64(in[pos:]) << (have & 63)
				pos += int((63 - have) >> 3)
				have |= 56
				e = literals[buf&(1<<literalRoot-1)]
				continue
			}
			if e&isSpecial != 0 {
				if e&isEnd == 0 {
					return false, ErrCorrupt
				}
				end = true
				break
			}
		}
		length := int(e>>16) + int(saved&(1<<(e&63)-1)>>(e>>8&15))

		if have < maxBits+13 {
			buf |= binary.LittleEndian.Uint64(in[pos:]) << (have & 63)
			pos += int((63 - have) >> 3)
			have |= 56
		}
		e = distances[buf&(1<<distanceRoot-1)]
		if e&isSpecial != 0 {
			if e&isLink == 0 {
				return false, ErrCorrupt
			}
			buf >>= distanceRoot
			have -= distanceRoot
			e = distances[(uint64(e>>16)+buf&(1<<(e>>8&15)-1))&(distanceSize-1)]
			if e&isSpecial != 0 {
				return false, ErrCorrupt
			}
		}
		distance := int(e>>16) + int(buf&(1<<(e&63)-1)>>(e>>8&15))
		buf >>= e & 63
		have -= uint64(e & 63)
		if distance > n-from {
			return false, ErrCorrupt
		}

		// The next entry is looked up before the copy, so that its load overlaps with it.
		buf |= binary.LittleEndian.Uint64(in[pos:]) << (have & 63)
		pos += int((63 - have) >> 3)
		have |= 56
		e = literals[buf&(1<<literalRoot-1)]

		to := n + length
		if distance >= 16 {
			for {
				copy(out[n:n+16], out[n-distance:n-distance+16])
				n += 16
				if n >= to {
					break
				}
			}
		} else if distance >= 8 {
			for {
				binary.LittleEndian.PutUint64(out[n:], binary.LittleEndian.Uint64(out[n-distance:]))
				n += 8
				if n >= to {
					break
				}
			}
		} else {
			for ; n < to; n++ {
				out[n] = out[n-distance]
			}
		}
		n = to
		if pos > lastIn || n > lastOut {
			break
		}
	}
	d.pos, d.n = pos, n
	d.buf, d.have = buf&(1<<(have&63)-1), uint(have)
	return end, nil
}
