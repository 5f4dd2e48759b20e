package schema

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Problem is one mistake in the configuration.
type Problem struct {
	// Path is the key, from the namespace on: log-archive:flowLogs[1].trafficType.
	Path string
	// Message has the value and what is accepted.
	Message string
}

// String returns "path: message", one line.
func (p Problem) String() string { return p.Path + ": " + p.Message }

// Report collects problems. The zero value is ready for use.
type Report struct {
	problems []Problem
	paths    map[string]bool
}

// Add records a problem at the path. A path is reported once: what follows from the first mistake would be noise.
func (r *Report) Add(path, format string, args ...any) {
	if r.paths[path] {
		return
	}
	if r.paths == nil {
		r.paths = map[string]bool{}
	}
	r.paths[path] = true
	message := format
	if len(args) > 0 {
		message = fmt.Sprintf(format, args...)
	}
	// A problem is one line, whatever the value contains.
	r.problems = append(r.problems, Problem{path, strings.ReplaceAll(message, "\n", `\n`)})
}

// Problems returns what was reported, in the order of the fields at the top level and of the paths below.
func (r *Report) Problems(namespace string, fields []Field) []Problem {
	order := map[string]int{}
	for i := range fields {
		order[fields[i].Key] = i
	}
	rank := func(p Problem) int {
		key := strings.TrimPrefix(p.Path, namespace+":")
		if i := strings.IndexAny(key, ".["); i >= 0 {
			key = key[:i]
		}
		if n, ok := order[key]; ok {
			return n
		}
		return len(fields)
	}
	sorted := slices.Clone(r.problems)
	slices.SortStableFunc(sorted, func(a, b Problem) int {
		if n := rank(a) - rank(b); n != 0 {
			return n
		}
		return comparePaths(a.Path, b.Path)
	})
	return sorted
}

// comparePaths orders paths so that [2] comes before [10].
func comparePaths(a, b string) int {
	for a != "" && b != "" {
		na, restA := leadingNumber(a)
		nb, restB := leadingNumber(b)
		switch {
		case na >= 0 && nb >= 0 && na != nb:
			return na - nb
		case na >= 0 && nb >= 0:
			a, b = restA, restB
		case a[0] != b[0]:
			return int(a[0]) - int(b[0])
		default:
			a, b = a[1:], b[1:]
		}
	}
	return len(a) - len(b)
}

// leadingNumber returns the number that s starts with and the rest, or -1.
func leadingNumber(s string) (int, string) {
	i := 0
	for i < len(s) && i < 9 && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	if i == 0 {
		return -1, s
	}
	n, _ := strconv.Atoi(s[:i])
	return n, s[i:]
}

// Child returns the path of a key below a path: path.key, or path["odd key"].
func Child(path, key string) string {
	if plain := plainKey(key); plain == key {
		return path + "." + key
	}
	return path + "[" + Quote(key) + "]"
}

// plainKey returns the key as it is, or quoted when it has characters that would make a path hard to read.
func plainKey(key string) string {
	for _, c := range key {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return Quote(key)
		}
	}
	if key == "" {
		return Quote(key)
	}
	return key
}

// maxShown is how much of a value is put into a message.
const maxShown = 100

// Quote returns a string as it is shown in messages: quoted, and cut when it is long.
func Quote(s string) string { return strconv.Quote(cut(s)) }

func cut(s string) string {
	if len(s) <= maxShown {
		return s
	}
	end := maxShown
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}
