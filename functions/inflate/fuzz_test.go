package inflate

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/tests/bench/corpus"
)

// raw decodes a deflate stream without gzip around it, and tells how much of it was used.
func (d *Decoder) raw(src []byte) (out []byte, used int, err error) {
	d.in, d.pos, d.buf, d.have = src, 0, 0, 0
	d.out, d.n, d.from, d.max = nil, 0, 0, limit
	clear(d.used[:])
	err = d.blocks()
	return d.out[:d.n], d.pos, err
}

// sameRaw compares with compress/flate, below gzip's checksum, which would hide what the decoder accepts wrongly.
func sameRaw(t testing.TB, d *Decoder, src []byte) {
	t.Helper()
	r := bytes.NewReader(src)
	want, refused := io.ReadAll(io.LimitReader(flate.NewReader(r), limit+1))
	got, used, err := d.raw(src)
	if len(want) > limit && err == ErrTooLarge {
		return
	}
	if (refused == nil) != (err == nil) {
		t.Fatalf("compress/flate: %v (%d bytes), inflate: %v\n%x", refused, len(want), err, src[:min(len(src), 300)])
	}
	if refused == nil && (!bytes.Equal(got, want) || used != len(src)-r.Len()) {
		t.Fatalf("%d bytes from %d, want %d from %d\n%x", len(got), used, len(want), len(src)-r.Len(), src[:min(len(src), 300)])
	}
	if err == nil {
		held(t, d, got)
	}
}

// held checks that every byte of an output is one that it may hold.
func held(t testing.TB, d *Decoder, out []byte) {
	t.Helper()
	var seen [256]bool
	for _, c := range out {
		seen[c] = true
	}
	for c, has := range seen {
		if has && !d.MayHold(byte(c), byte(c)) {
			t.Fatalf("MayHold denies %#x", c)
		}
	}
}

func body(packed []byte) []byte { return packed[10 : len(packed)-8] }

func FuzzGzip(f *testing.F) {
	for level := -2; level <= 9; level++ {
		f.Add(packAt(level, []byte(strings.Repeat("2 111122223333 eni-0a1b2c3d 10.0.0.1 10.0.0.2 443 ", 20))))
	}
	f.Add(append(packAt(6, []byte("one")), packAt(6, []byte("two"))...))
	f.Add(append([]byte{0x1f, 0x8b, 8, 31, 0, 0, 0, 0, 0, 255, 1, 0, 'x', 'n', 0, 'c', 0, 0, 0}, packAt(6, []byte("x"))[10:]...))
	var d Decoder
	f.Fuzz(func(t *testing.T, src []byte) { same(t, &d, src) })
}

func FuzzDeflate(f *testing.F) {
	for level := -2; level <= 9; level++ {
		f.Add(body(packAt(level, []byte(strings.Repeat("2 111122223333 eni-0a1b2c3d 10.0.0.1 10.0.0.2 443 ", 20)))))
	}
	f.Add([]byte{0x05, 0xe0, 0x81, 0x08}) // a dynamic block with hardly any codes
	var d Decoder
	f.Fuzz(func(t *testing.T, src []byte) { sameRaw(t, &d, src) })
}

// Damaged streams, many of them: bits flipped, bytes changed, inserted and removed, ends cut.
func TestDamage(t *testing.T) {
	t.Parallel()
	const seed = 2
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var sources [][]byte
	for level := -2; level <= 9; level++ {
		sources = append(sources, packAt(level, corpus.Document(r, corpus.Kinds()[r.IntN(4)], 1+r.IntN(8))))
		noise := make([]byte, 600)
		for i := range noise {
			noise[i] = byte(r.ExpFloat64() * 12)
		}
		sources = append(sources, packAt(level, noise))
	}
	var d Decoder
	accepted := 0
	for range 6_000 * long() {
		src := bytes.Clone(sources[r.IntN(len(sources))])
		for range 1 + r.IntN(2) {
			// The first bytes of a block hold its codes: damage there is the interesting one.
			at := r.IntN(len(src))
			if r.IntN(2) == 0 {
				at = 10 + r.IntN(min(80, len(src)-10))
			}
			switch r.IntN(5) {
			case 0, 1:
				src[at] ^= 1 << r.IntN(8)
			case 2:
				src[at] = byte(r.IntN(256))
			case 3:
				src = append(src[:at], append([]byte{byte(r.IntN(256))}, src[at:]...)...)
			case 4:
				src = src[:at+r.IntN(2)]
			}
			if len(src) < 19 {
				break
			}
		}
		same(t, &d, src)
		if len(src) > 18 {
			sameRaw(t, &d, src[10:])
			if _, _, err := d.raw(src[10:]); err == nil {
				accepted++
			}
		}
	}
	t.Logf("%d damaged streams decoded without an error below the checksum", accepted)
	if accepted == 0 {
		t.Error("nothing was accepted: the comparison of outputs has not been made")
	}
}

// bitWriter makes deflate streams by hand.
type bitWriter struct {
	b    []byte
	have uint
}

func (w *bitWriter) put(v, n uint) {
	for range n {
		if w.have%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[len(w.b)-1] |= byte(v&1) << (w.have % 8)
		v >>= 1
		w.have++
	}
}

// dynamic begins a dynamic block with the given code lengths, written without repetition by a code of 16 times 4 bits.
func (w *bitWriter) dynamic(literals, distances []uint8) {
	w.put(1, 1)
	w.put(2, 2)
	w.put(uint(len(literals)-257), 5)
	w.put(uint(len(distances)-1), 5)
	w.put(15, 4)
	for _, symbol := range codeOrder {
		n := uint(4)
		if symbol > 15 {
			n = 0
		}
		w.put(n, 3)
	}
	for _, n := range append(append([]uint8{}, literals...), distances...) {
		for bit := 3; bit >= 0; bit-- { // a code's bits come highest first
			w.put(uint(n)>>bit&1, 1)
		}
	}
}

// Codes of every shape, complete or not: random lengths with all Kraft sums around 1, then random bits.
func TestCodes(t *testing.T) {
	t.Parallel()
	const seed = 3
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var d Decoder
	accepted, refused := 0, 0
	code := func(symbols, used int) []uint8 {
		lengths := make([]uint8, symbols)
		// Split leaves of a complete tree, then perhaps spoil it.
		leaves := []uint8{0}
		for len(leaves) < used {
			i := r.IntN(len(leaves))
			if r.IntN(3) == 0 {
				i = len(leaves) - 1
			}
			if leaves[i] == 15 {
				break
			}
			leaves[i]++
			leaves = append(leaves, leaves[i])
		}
		if used == 1 {
			leaves[0] = uint8(1 + r.IntN(15)*r.IntN(2))
		}
		if used == 0 {
			leaves = nil
		}
		if len(leaves) > 0 && r.IntN(3) == 0 {
			i := r.IntN(len(leaves))
			leaves[i] = uint8(r.IntN(16))
		}
		for _, n := range leaves {
			lengths[r.IntN(symbols)] = n // two may meet: then the code is incomplete
		}
		if r.IntN(3) > 0 && len(leaves) > 0 {
			for i := range lengths {
				lengths[i] = 0
			}
			for i, at := range r.Perm(symbols)[:min(symbols, len(leaves))] {
				lengths[at] = leaves[i]
			}
		}
		return lengths
	}
	for range 15_000 * long() {
		var w bitWriter
		w.dynamic(code(257+r.IntN(32), r.IntN(60)*r.IntN(6)+r.IntN(3)), code(1+r.IntN(32), r.IntN(31)))
		for range r.IntN(120) {
			w.put(uint(r.IntN(256)), 8)
		}
		sameRaw(t, &d, w.b)
		if _, _, err := d.raw(w.b); err == nil {
			accepted++
		} else if errors.Is(err, ErrCorrupt) {
			refused++
		}
	}
	t.Logf("%d accepted, %d corrupt", accepted, refused)
	if accepted < 50 || refused < 100 {
		t.Errorf("%d accepted, %d corrupt: the codes are not varied enough", accepted, refused)
	}
}

func TestTruncation(t *testing.T) {
	t.Parallel()
	var d Decoder
	two := append(packAt(6, []byte(strings.Repeat("abc", 100))), packAt(1, []byte("second member"))...)
	two = append(two, packAt(0, []byte("stored"))...)
	for n := range len(two) + 1 {
		same(t, &d, two[:n])
	}
	for n := range 12 {
		same(t, &d, append(bytes.Clone(two), make([]byte, n)...))
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	var d Decoder
	rest := packAt(6, []byte("text"))[10:]
	for flags := range 256 {
		for _, more := range []string{"", "\x02\x00ab", "name\x00", "\x02\x00abname\x00comment\x00", "\x00\x00\x00\x00", "\x00\x00\x1d\x26", strings.Repeat("n", 511) + "\x00", strings.Repeat("n", 512) + "\x00", "\xff\xff"} {
			head := append([]byte{0x1f, 0x8b, 8, byte(flags), 1, 2, 3, 4, 5, 6}, more...)
			same(t, &d, append(head, rest...))
			same(t, &d, head)
		}
	}
	for i := range 10 {
		src := packAt(6, []byte("text"))
		src[i] ^= 0xff
		same(t, &d, src)
	}
}

// A checksum of the header that is right.
func TestHeaderChecksum(t *testing.T) {
	t.Parallel()
	head := []byte{0x1f, 0x8b, 8, 2, 0, 0, 0, 0, 0, 255}
	rest := packAt(6, []byte("text"))[10:]
	var d Decoder
	ok := 0
	for low := range 256 {
		for high := range 256 {
			src := append(append(bytes.Clone(head), byte(low), byte(high)), rest...)
			if _, err := d.Append(nil, src, limit); err == nil {
				ok++
				same(t, &d, src)
			}
		}
	}
	if ok != 1 {
		t.Errorf("%d checksums are right", ok)
	}
}

func TestLimitAndAppend(t *testing.T) {
	t.Parallel()
	var d Decoder
	for _, text := range []string{"", "x", strings.Repeat("0123456789abcdef", 5000), strings.Repeat("a", 100_000)} {
		for level := -2; level <= 9; level += 3 {
			packed := packAt(level, []byte(text))
			got, err := d.Append([]byte("before"), packed, len(text))
			if err != nil || string(got) != "before"+text {
				t.Errorf("limit %d: %d bytes, %v", len(text), len(got), err)
			}
			if len(text) == 0 {
				continue
			}
			for _, limit := range []int{0, len(text) / 2, len(text) - 1} {
				got, err := d.Append([]byte("before"), packed, limit)
				if !errors.Is(err, ErrTooLarge) || string(got) != "before" {
					t.Errorf("level %d, limit %d of %d: %d bytes, %v", level, limit, len(text), len(got), err)
				}
			}
			// A size that lies, too small and too large: memory follows what is there, not what is said.
			for _, lie := range []byte{0, 0xff} {
				wrong := bytes.Clone(packed)
				for i := len(wrong) - 4; i < len(wrong); i++ {
					wrong[i] = lie
				}
				if _, err := d.Append(nil, wrong, 1<<30); !errors.Is(err, ErrChecksum) {
					t.Errorf("a wrong size: %v", err)
				}
			}
		}
	}
	// The memory of an earlier call is used again, and a distance doesn't reach into what was there before.
	buf := make([]byte, 0, 1<<20)
	back := []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 0x03, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	if _, err := d.Append(append(buf, "history"...), back, 100); err == nil {
		t.Error("a distance before the member's beginning was accepted")
	}
	bomb := packAt(9, make([]byte, 50<<20))
	if got, err := d.Append(buf, bomb, 1<<20); !errors.Is(err, ErrTooLarge) || cap(got) > 4<<20 {
		t.Errorf("a bomb: %v, capacity %d", err, cap(got))
	}
}

func TestRealText(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../../shared/data/loghub/*.log")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files", len(files))
	var d Decoder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, level := range []int{-2, 0, 1, 6, 9} {
			same(t, &d, packAt(level, text))
		}
	}
}

// MayHold says no only where no byte of the range is in the output, and does say so for text without it.
func TestMayHold(t *testing.T) {
	t.Parallel()
	const seed = 5
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var d Decoder
	certain := 0
	for range 600 {
		low, high := r.IntN(256), r.IntN(256)
		text := make([]byte, r.IntN(3000))
		for i := range text {
			text[i] = byte(min(low, high) + r.IntN(max(low, high)-min(low, high)+1))
		}
		packed := packAt(r.IntN(11)-1, text)
		if r.IntN(4) == 0 {
			packed = append(packed, packAt(6, []byte{byte(r.IntN(256)), 'x'})...)
		}
		got, err := d.Append(nil, packed, limit)
		if err != nil {
			t.Fatal(err)
		}
		for range 40 {
			from, to := r.IntN(256), r.IntN(256)
			has := false
			for _, c := range got {
				has = has || int(c) >= from && int(c) <= to
			}
			may := d.MayHold(byte(from), byte(to))
			if has && !may {
				t.Fatalf("there are bytes from %d to %d", from, to)
			}
			if !may && from <= to {
				certain++
			}
		}
	}
	if certain < 1000 {
		t.Errorf("only %d answers were certain", certain)
	}
	if _, err := d.Append(nil, packAt(6, []byte(strings.Repeat("some text of letters, long enough for a code of its own. ", 9))), limit); err != nil {
		t.Fatal(err)
	}
	for c, want := range map[byte]bool{'a': false, 's': true, '\\': false, '\n': false, ' ': true, 0xff: false} {
		if c != 'a' && d.MayHold(c, c) != want {
			t.Errorf("%q: %v", c, !want)
		}
	}
	if d.MayHold(0, 31) || d.MayHold(128, 255) || !d.MayHold(0, 255) || !d.MayHold('t', 't') {
		t.Error("ranges")
	}
}

func TestNoAllocations(t *testing.T) {
	var d Decoder
	packed := packAt(6, []byte(strings.Repeat("0123456789abcdef", 5000)))
	buf := make([]byte, 0, 1<<20)
	if n := testing.AllocsPerRun(20, func() {
		if _, err := d.Append(buf, packed, 1<<20); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
