package inflate

import (
	"bytes"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/logarchive/logarchive/tests/bench/corpus"
)

// standard is compress/gzip, the reference.
func standard(src []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(src))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

const limit = 64 << 20

// same compares with compress/gzip: both accept with the same output, or both refuse.
func same(t testing.TB, d *Decoder, src []byte) {
	t.Helper()
	want, refused := standard(src)
	got, err := d.Append(nil, src, limit)
	if (refused == nil) != (err == nil) {
		t.Fatalf("compress/gzip: %v (%d bytes), inflate: %v\n%x", refused, len(want), err, src[:min(len(src), 200)])
	}
	if refused == nil && !bytes.Equal(got, want) {
		t.Fatalf("different output: %d bytes, want %d", len(got), len(want))
	}
}

func packAt(level int, text []byte) []byte {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, level)
	if err != nil {
		panic(err)
	}
	if _, err := z.Write(text); err != nil {
		panic(err)
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func TestAgainstGzip(t *testing.T) {
	t.Parallel()
	const seed = 1
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var d Decoder
	for round := range 600 * long() {
		var text []byte
		switch round % 4 {
		case 0: // noise of few or many symbols
			text = make([]byte, r.IntN(5000))
			symbols := 1 + r.IntN(256)
			for i := range text {
				text[i] = byte(r.IntN(symbols))
			}
		case 1: // repetitions at all distances
			for len(text) < r.IntN(100_000) {
				if len(text) > 0 && r.IntN(3) > 0 {
					from := len(text) - 1 - r.IntN(min(len(text), 1<<r.IntN(16)))
					for range 3 + r.IntN(300) {
						text = append(text, text[from])
						from++
					}
				} else {
					text = append(text, byte(r.IntN(256)))
				}
			}
		case 2: // text
			text = corpus.Document(r, corpus.Kinds()[r.IntN(4)], 1+r.IntN(50))
		case 3: // symbols of very different frequency: long codes
			for i := range 1 + r.IntN(30) {
				text = append(text, bytes.Repeat([]byte{byte(i)}, 1<<min(i, 14))...)
			}
			r.Shuffle(len(text), func(i, j int) { text[i], text[j] = text[j], text[i] })
		}
		same(t, &d, packAt(r.IntN(12)-2, text))
	}
}

// long multiplies the rounds of random tests when LOGARCHIVE_LONG is set, as `make test-long` does.
func long() int {
	if os.Getenv("LOGARCHIVE_LONG") != "" {
		return 20
	}
	return 1
}
