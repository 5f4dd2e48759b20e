// Package environ reads the configuration of a Lambda function from environment variables, strictly: a wrong value, a
// misspelt name and a missing one are all reported at once, each with its name, its value and what is accepted.
package environ

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Setting is one environment variable.
type Setting struct {
	Name     string // without the function's prefix
	Accepts  string // for whoever has to correct it
	Required bool
	Read     func(value string) bool // keeps the value; false when it isn't accepted
}

// An Error names every wrong environment variable.
type Error struct {
	Function string
	Problems []string
}

func (e *Error) Error() string {
	return "configuration of the " + e.Function + " function:\n  " + strings.Join(e.Problems, "\n  ")
}

// Read gives each variable prefix+Name of an environment in the form of os.Environ to its setting. A variable set to
// nothing counts as absent. Unknown names with the prefix are refused, since they are misspelt ones. Further problems,
// which only the values together show, come from check, which is called only when every value alone is right. The error is
// an *Error with all problems.
func Read(function, prefix string, environ []string, settings []Setting, check func() []string) error {
	var problems []string
	missing := map[string]Setting{}
	for _, s := range settings {
		if s.Required {
			missing[s.Name] = s
		}
	}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		short, ours := strings.CutPrefix(name, prefix)
		if !ours || value == "" {
			continue
		}
		at := slices.IndexFunc(settings, func(s Setting) bool { return s.Name == short })
		if at < 0 {
			var known []string
			for _, s := range settings {
				known = append(known, prefix+s.Name)
			}
			problems = append(problems, fmt.Sprintf("%s: unknown; known are %s", name, strings.Join(known, ", ")))
			continue
		}
		delete(missing, short)
		if !settings[at].Read(value) {
			problems = append(problems, fmt.Sprintf("%s: %q is not accepted; accepted: %s", name, value, settings[at].Accepts))
		}
	}
	for name, s := range missing {
		problems = append(problems, fmt.Sprintf("%s%s: missing; accepted: %s", prefix, name, s.Accepts))
	}
	if problems == nil && check != nil {
		problems = check()
	}
	if problems == nil {
		return nil
	}
	slices.SortFunc(problems, cmp.Compare[string])
	return &Error{Function: function, Problems: problems}
}

// Whole accepts a whole number in its plainest form.
func Whole(low, high int, to *int) func(string) bool {
	return func(v string) bool {
		n, err := strconv.Atoi(v)
		if err != nil || n < low || n > high || strconv.Itoa(n) != v {
			return false
		}
		*to = n
		return true
	}
}

// Switch accepts true and false, and nothing that only looks like them.
func Switch(to *bool) func(string) bool {
	return func(v string) bool {
		*to = v == "true"
		return v == "true" || v == "false"
	}
}

// List accepts values separated by commas, each once, each accepted by ok.
func List(to *[]string, ok func(string) bool) func(string) bool {
	return func(v string) bool {
		var got []string
		for part := range strings.SplitSeq(v, ",") {
			part = strings.TrimSpace(part)
			if !ok(part) || slices.Contains(got, part) {
				return false
			}
			got = append(got, part)
		}
		*to = got
		return true
	}
}
