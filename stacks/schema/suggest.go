package schema

import "strings"

// Closest returns the candidate that wanted was most probably meant to be, or "" when none is near. Upper and lower
// case, hyphens, underscores and dots don't count, so that slow-query finds slowquery and vpc_id finds vpcId; beyond
// that, about one mistake in three letters is forgiven. Of equally near candidates the first is returned.
func Closest(wanted string, candidates []string) string {
	best, bestDistance := "", -1
	plain := fold(wanted)
	if len(plain) > maxShown {
		return ""
	}
	for _, c := range candidates {
		folded := fold(c)
		d := distance(plain, folded)
		allowed := max(1, min(len(plain), len(folded))/3)
		if d <= allowed && (bestDistance < 0 || d < bestDistance) {
			best, bestDistance = c, d
		}
	}
	return best
}

// DidYouMean returns "; did you mean X?" for the closest candidate, to be put behind a message, or "".
func DidYouMean(wanted string, candidates []string) string {
	if near := Closest(wanted, candidates); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

var folding = strings.NewReplacer("-", "", "_", "", ".", "", " ", "")

func fold(s string) string { return folding.Replace(strings.ToLower(s)) }

// distance is the number of letters to insert, delete, replace or swap with their neighbour that turns a into b
// (optimal string alignment).
func distance(a, b string) int {
	ra, rb := []rune(a), []rune(b)
	before, prev, row := make([]int, len(rb)+1), make([]int, len(rb)+1), make([]int, len(rb)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(ra); i++ {
		row[0] = i
		for j := 1; j <= len(rb); j++ {
			cost := 1
			if ra[i-1] == rb[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && ra[i-1] == rb[j-2] && ra[i-2] == rb[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev, row = prev, row, before
	}
	return prev[len(rb)]
}
