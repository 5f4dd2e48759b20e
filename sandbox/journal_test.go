package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// memoryDisk is a file whose synced bytes survive. What was only written may be lost, wholly or in part.
type memoryDisk struct {
	mu      sync.Mutex
	written []byte
	synced  int
	syncs   int
	fail    func(op string) error
}

func (d *memoryDisk) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fail != nil {
		if err := d.fail("write"); err != nil {
			d.written = append(d.written, p[:len(p)/2]...)
			return len(p) / 2, err
		}
	}
	d.written = append(d.written, p...)
	return len(p), nil
}

func (d *memoryDisk) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fail != nil {
		if err := d.fail("sync"); err != nil {
			return err
		}
	}
	d.syncs++
	d.synced = len(d.written)
	time.Sleep(time.Millisecond / 2)
	return nil
}

func (d *memoryDisk) Close() error { return nil }

func (d *memoryDisk) durable() []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return bytes.Clone(d.written[:d.synced])
}

func headerLine() []byte { return appendLine(nil, 0, 0, []byte(journalHeader)) }

func payloadsOf(t *testing.T, data []byte) ([]string, journalState) {
	t.Helper()
	var payloads []string
	state, err := readJournal(data, "test", func(_ uint64, p []byte) error {
		payloads = append(payloads, string(p))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return payloads, state
}

func TestJournalSharesCommits(t *testing.T) {
	t.Parallel()
	disk := &memoryDisk{written: headerLine()}
	j := newJournal(disk, "test", 0, int64(len(disk.written)))
	const writers, each = 16, 40
	var wg sync.WaitGroup
	for writer := range writers {
		wg.Go(func() {
			for i := range each {
				payload := fmt.Sprintf(`{"writer":%d,"i":%d}`, writer, i)
				seq, err := j.append([]byte(payload))
				if err == nil {
					err = j.wait(seq)
				}
				if err != nil {
					t.Error(err)
					return
				}
				if !bytes.Contains(disk.durable(), []byte(payload)) {
					t.Errorf("%s was acknowledged and is not on disk", payload)
				}
			}
		})
	}
	wg.Wait()
	payloads, state := payloadsOf(t, disk.durable())
	if len(payloads) != writers*each || state.seq != writers*each || state.torn != 0 {
		t.Errorf("read %d payloads, state %+v", len(payloads), state)
	}
	if disk.syncs > writers*each/2 {
		t.Errorf("%d entries took %d syncs: commits are not shared", writers*each, disk.syncs)
	}
}

func TestJournalStopsAfterFailure(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"write", "sync"} {
		full := errors.New("no space left")
		failing := false
		disk := &memoryDisk{written: headerLine()}
		disk.fail = func(now string) error {
			if failing && now == op {
				return full
			}
			return nil
		}
		j := newJournal(disk, "test", 0, int64(len(disk.written)))
		put := func(payload string) error {
			seq, err := j.append([]byte(payload))
			if err != nil {
				return err
			}
			return j.wait(seq)
		}
		if err := put(`{"n":1}`); err != nil {
			t.Fatal(err)
		}
		failing = true
		if err := put(`{"n":2}`); !errors.Is(err, full) {
			t.Errorf("%s: got %v, want the disk's error", op, err)
		}
		failing = false
		if err := put(`{"n":3}`); !errors.Is(err, full) {
			t.Errorf("%s: a later change got %v, want the same error: the journal's end is unknown", op, err)
		}
		if payloads, _ := payloadsOf(t, disk.durable()); len(payloads) != 1 {
			t.Errorf("%s: on disk: %q", op, payloads)
		}
		if err := j.close(); !errors.Is(err, full) {
			t.Errorf("%s: close: %v", op, err)
		}
	}
}

// sample returns a journal of n entries that were synced one by one, and where each line ends.
func sample(n int) (data []byte, ends []int) {
	data = headerLine()
	for i := range n {
		data = appendLine(data, uint64(i+1), int64(len(data)), []byte(fmt.Sprintf(`{"entry":%d}`, i+1)))
		ends = append(ends, len(data))
	}
	return data, ends
}

func TestJournalToleratesATornTailAtEveryByte(t *testing.T) {
	t.Parallel()
	const seed = 7
	random := rand.New(rand.NewPCG(seed, seed))
	data, ends := sample(20)
	for cut := range len(data) + 1 {
		for _, garbage := range [][]byte{nil, make([]byte, 64), noise(random, 80)} {
			if cut < len(headerLine()) && garbage != nil {
				continue // the header is renamed into place with its file, so nothing else can follow it
			}
			whole := 0
			for whole < len(ends) && ends[whole] <= cut {
				whole++
			}
			payloads, state := payloadsOf(t, append(bytes.Clone(data[:cut]), garbage...))
			if len(payloads) != whole {
				t.Fatalf("cut at %d (seed %d): %d entries, want %d", cut, seed, len(payloads), whole)
			}
			if want := int64(cut + len(garbage)); state.size+state.torn != want {
				t.Fatalf("cut at %d: size %d and torn %d don't add up to %d", cut, state.size, state.torn, want)
			}
		}
	}
}

func noise(random *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return b
}

// A machine that loses power may keep later pages of an unsynced write and lose earlier ones.
func TestJournalToleratesAHoleInTheLastWrite(t *testing.T) {
	t.Parallel()
	data, _ := sample(3)
	synced := int64(len(data))
	hole := len(data) + 15
	for i := range 4 { // one write of four lines: all of them know of the same synced bytes
		data = appendLine(data, uint64(4+i), synced, []byte(`{"unacknowledged":true}`))
	}
	data[hole] ^= 0xff
	payloads, state := payloadsOf(t, data)
	if len(payloads) != 3 || state.size != synced {
		t.Errorf("got %q, state %+v", payloads, state)
	}
}

func TestJournalRefusesDamageToWhatWasAcknowledged(t *testing.T) {
	t.Parallel()
	data, ends := sample(10)
	for at := len(headerLine()); at < ends[8]-1; at++ {
		damaged := bytes.Clone(data)
		damaged[at] ^= 0x20
		_, err := readJournal(damaged, "world.journal", func(uint64, []byte) error { return nil })
		if err == nil || !strings.Contains(err.Error(), "corrupt") {
			t.Fatalf("byte %d changed: error %v, want one that says corrupt", at, err)
		}
	}
	without := append(bytes.Clone(data[:ends[3]]), data[ends[4]:]...)
	if _, err := readJournal(without, "world.journal", func(uint64, []byte) error { return nil }); err == nil || !strings.Contains(err.Error(), "entry 6 follows entry 4") {
		t.Errorf("a line is gone: error %v", err)
	}
}

func TestJournalRefusesOtherFiles(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ data, want string }{
		"something else": {"my diary\nof 2026\n", "not a journal"},
		"short":          {"x", "not a journal"},
		"newer":          {string(appendLine(nil, 0, 0, []byte(`{"journal":"logarchive sandbox","version":2}`))), "another version"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, journalName)
		if err := os.WriteFile(path, []byte(tc.data), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenWorld(dir); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want %q", name, err, tc.want)
		}
		if left, _ := os.ReadFile(path); string(left) != tc.data {
			t.Errorf("%s: the file was changed to %q", name, left)
		}
	}
}
