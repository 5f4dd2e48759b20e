package replay

import (
	"encoding/json"
	"errors"
	"slices"
)

// numbers is a set of record numbers: half-open ranges in order that don't touch. An object whose records all went
// through in their order is one range, however many they are.
type numbers [][2]int

func (s numbers) has(n int) bool {
	at, found := s.find(n)
	return found || at > 0 && n < s[at-1][1]
}

// find answers the first range that begins at n or later, and whether it begins at n.
func (s numbers) find(n int) (int, bool) {
	return slices.BinarySearchFunc(s, n, func(r [2]int, n int) int { return r[0] - n })
}

func (s *numbers) add(n int) {
	if s.has(n) {
		return
	}
	at, _ := s.find(n)
	before := at > 0 && (*s)[at-1][1] == n
	behind := at < len(*s) && (*s)[at][0] == n+1
	switch {
	case before && behind:
		(*s)[at-1][1] = (*s)[at][1]
		*s = slices.Delete(*s, at, at+1)
	case before:
		(*s)[at-1][1]++
	case behind:
		(*s)[at][0]--
	default:
		*s = slices.Insert(*s, at, [2]int{n, n + 1})
	}
}

// UnmarshalJSON accepts what is a set only: a damaged marker must not make records look delivered.
func (s *numbers) UnmarshalJSON(b []byte) error {
	var got [][2]int
	if err := json.Unmarshal(b, &got); err != nil {
		return err
	}
	last := -1
	for _, r := range got {
		if r[0] <= last || r[1] <= r[0] {
			return errors.New("ranges of records that are not in order")
		}
		last = r[1]
	}
	*s = got
	return nil
}
