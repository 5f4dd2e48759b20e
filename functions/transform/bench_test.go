package transform

import (
	"context"
	"testing"

	"github.com/logarchive/logarchive/tests/bench/corpus"
)

// One core, everything answered. The table that compares with others is `make bench-transform`.
func BenchmarkInvoke(b *testing.B) {
	for _, cell := range []struct {
		name   string
		events int
	}{{"mixed", 10}, {"mixed", 100}, {"mixed", 2000}, {"vpc", 10}, {"app", 100}} {
		inv, err := corpus.Build(cell.name, cell.events, 5_000_000, 1)
		if err != nil {
			b.Fatal(err)
		}
		cfg := Defaults()
		cfg.MaxResponseBytes = 1 << 30
		h := New(cfg, Options{})
		h.ReuseResponse = true
		b.Run(cell.name, func(b *testing.B) {
			b.SetBytes(int64(inv.Decompressed))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := h.Invoke(context.Background(), inv.Event); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
