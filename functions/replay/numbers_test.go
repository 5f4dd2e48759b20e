package replay

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestNumbersAreASet(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		var s numbers
		plain := map[int]bool{}
		for range r.IntN(200) {
			n := r.IntN(100)
			s.add(n)
			plain[n] = true
		}
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var read numbers
		if err := json.Unmarshal(text, &read); err != nil || !slices.Equal(s, read) {
			t.Fatalf("seed %d: %s: %v", seed, text, err)
		}
		for n := -1; n <= 101; n++ {
			if s.has(n) != plain[n] {
				t.Fatalf("seed %d: %d in %v: %v", seed, n, s, s.has(n))
			}
		}
	}
	for _, bad := range []string{`[[1,1]]`, `[[2,1]]`, `[[-1,2]]`, `[[0,5],[4,6]]`, `[[0,5],[5,6]]`, `[[5,6],[0,1]]`, `{}`} {
		if err := json.Unmarshal([]byte(bad), new(numbers)); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}
