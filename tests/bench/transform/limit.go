package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"syscall"
	"time"

	"github.com/logarchive/logarchive/functions/putback"
	"github.com/logarchive/logarchive/functions/transform"
	"github.com/logarchive/logarchive/tests/bench/corpus"
)

// taker is a stream that takes everything at once.
type taker struct{ records int }

// Put counts the records.
func (t *taker) Put(_ context.Context, _ string, records [][]byte) putback.Result {
	t.records += len(records)
	res := putback.Result{Accepted: make([]bool, len(records))}
	for i := range res.Accepted {
		res.Accepted[i] = true
	}
	return res
}

// fullBuffer measures an invocation with the real response limit and a buffer of 1 MB of gzip, whose lines exceed it:
// what fits is answered, and the rest goes back.
func fullBuffer(rounds int, seed uint64) error {
	inv, err := corpus.Build("mixed", 100, 7_400_000, seed)
	if err != nil {
		return err
	}
	var stream taker
	h := transform.New(transform.Defaults(), transform.Options{Stream: &stream, Log: io.Discard})
	h.ReuseResponse = true
	var took []time.Duration
	size := 0
	for range rounds {
		stream.records = 0
		start := processTime()
		answer, err := h.Invoke(context.Background(), inv.Event)
		if err != nil {
			return err
		}
		took = append(took, processTime()-start)
		size = len(answer)
	}
	slices.Sort(took)
	fmt.Printf("\nfull buffer, mixed-100, %.1f MB decompressed, the real response limit: %.1f ms, answer %.2f MB, %d of %d records put back\n",
		float64(inv.Decompressed)/1e6, float64(took[len(took)/2].Microseconds())/1000, float64(size)/1e6, stream.records, inv.Records)
	return nil
}

func processTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
