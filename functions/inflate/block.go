package inflate

// block decodes the symbols of one block up to its end.
func (d *Decoder) block() error {
	for {
		end, err := d.fast()
		if d.n > d.max {
			return ErrTooLarge
		}
		if end || err != nil {
			return err
		}
		if err = d.careful(); err != errMoreSpace {
			return err
		}
		d.grow(min(max(d.n, 64<<10), d.max-d.n) + slack)
	}
}

// careful decodes symbol by symbol where the fast loop may not: near the ends of input and output. It answers nil at
// the end of the block, and errMoreSpace, with the symbol still to be read, when the output is full.
func (d *Decoder) careful() error {
	for {
		d.fillBits()
		buf, have := d.buf, d.have
		e := d.literals[buf&(1<<literalRoot-1)]
		if e&(isLiteral|isSpecial|isLink) == isSpecial|isLink {
			if have < literalRoot {
				return ErrCutOff
			}
			buf >>= literalRoot
			have -= literalRoot
			e = d.literals[(uint64(e>>16)+buf&(1<<(e>>8&15)-1))&(literalEntries-1)]
		}
		n := uint(e & 0xff)
		if n > have {
			return ErrCutOff
		}
		switch {
		case e&isLiteral != 0:
			if d.n >= d.max {
				return ErrTooLarge
			}
			if d.n >= len(d.out) {
				return errMoreSpace
			}
			d.out[d.n] = byte(e >> 16)
			d.n++
			d.buf, d.have = buf>>(n&63), have-n
			continue
		case e&(isSpecial|isEnd) == isSpecial|isEnd:
			d.buf, d.have = buf>>(n&63), have-n
			return nil
		case e&isSpecial != 0:
			return ErrCorrupt
		}
		length := int(e>>16) + int(buf&(1<<(n&63)-1)>>(e>>8&15))
		if length > d.max-d.n {
			return ErrTooLarge
		}
		if length > len(d.out)-d.n {
			return errMoreSpace
		}
		buf >>= n & 63
		have -= n

		e = d.distances[buf&(1<<distanceRoot-1)]
		if e&(isSpecial|isLink) == isSpecial|isLink {
			if have < distanceRoot {
				return ErrCutOff
			}
			buf >>= distanceRoot
			have -= distanceRoot
			e = d.distances[(uint64(e>>16)+buf&(1<<(e>>8&15)-1))&(distanceSize-1)]
		}
		if e&isSpecial != 0 {
			return ErrCorrupt
		}
		if n = uint(e & 0xff); n > have {
			return ErrCutOff
		}
		distance := int(e>>16) + int(buf&(1<<(n&63)-1)>>(e>>8&15))
		if distance > d.n-d.from {
			return ErrCorrupt
		}
		d.buf, d.have = buf>>(n&63), have-n
		for to := d.n + length; d.n < to; d.n++ {
			d.out[d.n] = d.out[d.n-distance]
		}
	}
}
