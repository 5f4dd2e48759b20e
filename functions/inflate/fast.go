package inflate

// The margins of the fast loop. At the beginning of each turn pos is at most len(in)-inMargin and n at most
// len(out)-slack. From one such check to the next 8 bytes are loaded at most 3 times, with at most 7 bytes' advance
// after each: it reads below pos+22. It writes at most 3 literals, or 2 and a match of at most 258 bytes in steps of 16:
// below n+2+272. Matches begin at or behind from. So every load64, put and copy is within its slice; see access_unsafe.go for why that matters.
const inMargin = 22

// fast decodes while input and output are far from their ends. It answers true at the end of the block.
//
// The loop is that of libdeflate: refill without a branch, look the next symbol up before the copy of a match, at most
// three literals a turn. Only the lowest 6 bits of have count in it, so that an entry can be subtracted as it is.
func (d *Decoder) fast() (end bool, err error) {
	in, out := d.in, d.out
	pos, n := d.pos, d.n
	buf, have := d.buf, uint32(d.have)
	lastIn, lastOut, from := len(in)-inMargin, len(out)-slack, d.from
	if pos > lastIn || n > lastOut {
		return false, nil
	}
	literals, distances := &d.literals, &d.distances

	buf |= load64(in, pos) << (have & 63)
	pos += 7 - int(have>>3&7)
	have |= 56
	e := literals[buf&(1<<literalRoot-1)]
	for {
		saved := buf
		buf >>= e & 63
		have -= e
		if e&isLiteral != 0 {
			put(out, n, byte(e>>16))
			e = literals[buf&(1<<literalRoot-1)]
			saved = buf
			buf >>= e & 63
			have -= e
			n++
			if e&isLiteral != 0 {
				put(out, n, byte(e>>16))
				e = literals[buf&(1<<literalRoot-1)]
				saved = buf
				buf >>= e & 63
				have -= e
				n++
				if e&isLiteral != 0 {
					put(out, n, byte(e>>16))
					n++
					if pos > lastIn || n > lastOut {
						break
					}
					buf |= load64(in, pos) << (have & 63)
					pos += 7 - int(have>>3&7)
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
			have -= e
			if e&isLiteral != 0 {
				put(out, n, byte(e>>16))
				n++
				if pos > lastIn || n > lastOut {
					break
				}
				buf |= load64(in, pos) << (have & 63)
				pos += 7 - int(have>>3&7)
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

		if have&63 < maxBits+13 {
			buf |= load64(in, pos) << (have & 63)
			pos += 7 - int(have>>3&7)
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
		have -= e
		if distance > n-from {
			return false, ErrCorrupt
		}

		// The next entry is looked up before the copy, so that its load overlaps with it.
		buf |= load64(in, pos) << (have & 63)
		pos += 7 - int(have>>3&7)
		have |= 56
		e = literals[buf&(1<<literalRoot-1)]

		if distance >= 16 {
			copy16(out, n, distance) // most matches in logs are longer than 16 bytes, and few than 32
			copy16(out, n+16, distance)
			for k := 32; k < length; k += 16 {
				copy16(out, n+k, distance)
			}
		} else {
			// Eight bytes are written at a time, of which distance are right, or all.
			for k := 0; k < length; k += min(distance, 8) {
				copy8(out, n+k, distance)
			}
		}
		n += length
		if pos > lastIn || n > lastOut {
			break
		}
	}
	have &= 63
	d.pos, d.n = pos, n
	d.buf, d.have = buf&(1<<have-1), uint(have)
	return end, nil
}
