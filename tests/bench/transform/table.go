package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/logarchive/logarchive/tests/bench/corpus"
)

type table struct {
	peers []*peer
	speed map[string][]float64 // by peer, one for each cell
}

func newTable(peers []*peer) *table {
	fmt.Printf("%-12s", "corpus")
	for _, p := range peers {
		fmt.Printf(" %*s", width(p), p.name)
	}
	fmt.Println()
	return &table{peers: peers, speed: map[string][]float64{}}
}

func width(p *peer) int { return max(len(p.name), 7) }

// turn is the CPU time that one measurement takes at least.
const turn = 100 * time.Millisecond

// measure runs a cell: every peer once to warm up and to have its answer compared, then in turn.
func (t *table) measure(dir, cell string, inv corpus.Invocation, rounds int) error {
	path := filepath.Join(dir, cell+".json")
	if err := os.WriteFile(path, inv.Event, 0o600); err != nil {
		return err
	}
	defer os.Remove(path)
	var want uint64
	for _, p := range t.peers {
		answerPath := ""
		if !p.bound {
			answerPath = filepath.Join(dir, "answer.json")
		}
		if _, err := p.call(path, answerPath); err != nil {
			return err
		}
		if p.bound {
			continue
		}
		sum, err := meaning(answerPath)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		if want == 0 {
			want = sum
		}
		if sum != want {
			return fmt.Errorf("%s and %s make different lines", p.name, t.peers[0].name)
		}
	}
	times := map[string][]float64{}
	for range rounds {
		for _, p := range t.peers {
			// As many calls as take a while, so that what the turns before have left in the caches doesn't count.
			var used time.Duration
			calls := 0
			for ; used < turn; calls++ {
				cpu, err := p.call(path, "")
				if err != nil {
					return err
				}
				used += cpu
			}
			times[p.key] = append(times[p.key], float64(calls*inv.Decompressed)/used.Seconds()/1e6)
		}
	}
	fmt.Printf("%-12s", cell)
	for _, p := range t.peers {
		slices.Sort(times[p.key])
		median := times[p.key][len(times[p.key])/2]
		t.speed[p.key] = append(t.speed[p.key], median)
		fmt.Printf(" %*.0f", width(p), median)
	}
	fmt.Println()
	return nil
}

// meaning is a hash of what an answer says, whatever its JSON looks like.
func meaning(path string) (uint64, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	var answer struct {
		Records []struct{ RecordID, Result, Data string }
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		return 0, err
	}
	sum := fnv.New64a()
	for _, r := range answer.Records {
		data, err := base64.StdEncoding.DecodeString(r.Data)
		if err != nil {
			return 0, err
		}
		fmt.Fprintln(sum, r.RecordID, r.Result)
		for line := range bytes.Lines(data) {
			var e struct {
				ID                                  string
				Timestamp                           int64
				Message, LogGroup, LogStream, Owner string
			}
			if err := json.Unmarshal(line, &e); err != nil {
				return 0, err
			}
			fmt.Fprintf(sum, "%+v\n", e)
		}
	}
	return sum.Sum64(), nil
}

// summary prints the ratios that the project has set itself.
func (t *table) summary() {
	fmt.Println()
	t.ratio("klauspost", "node", 7)
	t.ratio("ours", "node", 15)
	t.ratio("ours", "python", 0)
	t.ratio("ours", "libdeflate", 0.65)
}

func (t *table) ratio(a, b string, goal float64) {
	x, y := t.speed[a], t.speed[b]
	if len(x) == 0 || len(x) != len(y) {
		fmt.Printf("%s / %s: NOT MEASURED, a peer is missing\n", name(a), name(b))
		return
	}
	logs, worst := 0.0, math.Inf(1)
	for i := range x {
		logs += math.Log(x[i] / y[i])
		worst = min(worst, x[i]/y[i])
	}
	fmt.Printf("%s / %s: %.2f (worst cell %.2f)", name(a), name(b), math.Exp(logs/float64(len(x))), worst)
	if goal > 0 {
		fmt.Printf(", goal %.2f", goal)
	}
	fmt.Println()
}

func name(key string) string {
	for _, p := range all {
		if p.key == key {
			return p.name
		}
	}
	return key
}
