package sandbox

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A feed keeps what was committed, in order, through reopening, torn writes and partial deliveries.
func TestFeed(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 2))
	dir := filepath.Join(t.TempDir(), "feed")
	positions := map[string]int64{}
	delivered := func(id string) (int64, error) { return positions[id], nil }
	f, err := openFeed(dir, feedLedger{delivered: delivered})
	if err != nil {
		t.Fatal(err)
	}
	var want []string // not delivered yet
	n, at := 0, someTime
	for range 300 {
		switch random.IntN(6) {
		case 0, 1:
			a, err := f.begin()
			if err != nil {
				t.Fatal(err)
			}
			var added []string
			for range random.IntN(5) {
				n++
				at = at.Add(time.Second)
				payload := fmt.Sprint(n, strings.Repeat("x", random.IntN(3000)))
				if err := a.add(at, 2, []byte(payload)); err != nil {
					t.Fatal(err)
				}
				added = append(added, payload)
			}
			if random.IntN(4) == 0 {
				_ = a.out.Flush()
				err = a.rollback()
			} else {
				err = a.commit()
				want = append(want, added...)
			}
			if err != nil {
				t.Fatal(err)
			}
		case 2: // deliver some
			take, position := random.IntN(len(want)+1), f.delivered
			left := take
			err := f.scan(f.delivered, func(r feedRecord) (bool, error) {
				if left == 0 {
					return false, nil
				}
				left--
				position = r.end
				return true, nil
			})
			if err != nil || left != 0 {
				t.Fatal(err, left)
			}
			if f.file == nil {
				continue
			}
			positions[f.id] = position
			if err := f.deliveredTo(position, int64(2*take)); err != nil {
				t.Fatal(err)
			}
			want = want[take:]
		case 3, 4: // kill -9, perhaps in the middle of a write
			if err := f.close(); err != nil {
				t.Fatal(err)
			}
			if f.file != nil && random.IntN(2) == 0 {
				tail, err := os.OpenFile(f.file.Name(), os.O_WRONLY|os.O_APPEND, 0)
				if err != nil {
					t.Fatal(err)
				}
				junk := make([]byte, random.IntN(60))
				for i := range junk {
					junk[i] = byte(random.IntN(3))
				}
				if _, err := tail.Write(junk); err != nil {
					t.Fatal(err)
				}
				_ = tail.Close()
			}
			if f, err = openFeed(dir, feedLedger{delivered: delivered}); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		var buffer []byte
		err := f.scan(f.delivered, func(r feedRecord) (bool, error) {
			var err error
			if buffer, err = f.payload(r, buffer); err == nil {
				got = append(got, string(buffer))
			}
			if len(got) == 1 && !r.arrival.Equal(f.oldest) {
				t.Errorf("the oldest record is of %s, not of %s", r.arrival, f.oldest)
			}
			return true, err
		})
		if diff := cmp.Diff(want, got); (diff != "" && len(want)+len(got) > 0) || err != nil {
			t.Fatalf("%v (-want +got):\n%s", err, diff)
		}
		if f.events != int64(2*len(want)) || f.empty() != (len(want) == 0) {
			t.Fatalf("%d events, empty %t, want %d records", f.events, f.empty(), len(want))
		}
	}
	if err := f.close(); err != nil {
		t.Fatal(err)
	}
}
