// Command transform is the benchmark of the transform function: one table with all peers side by side, each cell
// measured in turn, then the function's cold start and the size of its zip. `make bench-transform` runs it.
//
// Figures are MB/s of decompressed log data per second of CPU time, the garbage collector's and the compiler's threads
// included, every peer bound to one core where `taskset` is there. They drift by tens of per cent on a shared machine,
// the ratios hardly do. Peers that aren't on the machine (node, python3, libdeflate) are named as missing, here and on standard error.
package main

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/logarchive/logarchive/tests/bench/corpus"
)

func main() {
	rounds := flag.Int("rounds", 5, "measurements of each cell; the median counts")
	size := flag.Int("bytes", 5_000_000, "decompressed bytes of an invocation")
	corpora := flag.String("corpora", strings.Join(corpus.Names(), ","), "which corpora")
	perRecord := flag.String("events", "10,100,2000", "log events per record")
	only := flag.String("peers", "", "which peers, separated by commas; all when empty")
	seed := flag.Uint64("seed", 1, "seed of the corpora")
	cold := flag.Int("cold", 15, "cold starts to measure; 0 for none")
	flag.Parse()
	if err := run(*rounds, *size, *corpora, *perRecord, *only, *seed, *cold); err != nil {
		fmt.Fprintln(os.Stderr, "bench-transform:", err)
		os.Exit(1)
	}
}

func run(rounds, size int, corpora, perRecord, only string, seed uint64, cold int) error {
	dir, err := os.MkdirTemp("", "bench-transform")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	peers, err := startPeers(dir, only)
	if err != nil {
		return err
	}
	defer stopPeers(peers)

	fmt.Printf("transform: MB/s of decompressed log data per CPU second, median of %d rounds in turn, seed %d\n\n", rounds, seed)
	t := newTable(peers)
	for name := range strings.SplitSeq(corpora, ",") {
		for count := range strings.SplitSeq(perRecord, ",") {
			n, err := strconv.Atoi(count)
			if err != nil {
				return fmt.Errorf("-events: %w", err)
			}
			inv, err := corpus.Build(name, n, size, seed)
			if err != nil {
				return err
			}
			cell := fmt.Sprintf("%s-%d", name, n)
			if err := t.measure(dir, cell, inv, rounds); err != nil {
				return fmt.Errorf("%s: %w", cell, err)
			}
		}
	}
	t.summary()
	if err := fullBuffer(max(rounds, 5), seed); err != nil {
		return err
	}
	if cold > 0 {
		return coldStart(dir, cold)
	}
	return nil
}
