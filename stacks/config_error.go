package stacks

import (
	"fmt"
	"strings"

	"github.com/logarchive/logarchive/stacks/schema"
)

// ConfigError says everything that is wrong with a stack's configuration. Nothing has been changed when it is returned.
type ConfigError struct {
	Stack    string
	Problems []schema.Problem
}

// Error returns a heading and a line for every problem: key path, value, what is accepted.
func (e *ConfigError) Error() string {
	var b strings.Builder
	noun := "problems"
	if len(e.Problems) == 1 {
		noun = "problem"
	}
	fmt.Fprintf(&b, "the configuration of stack %s has %d %s; nothing was changed:", e.Stack, len(e.Problems), noun)
	for _, p := range e.Problems {
		b.WriteString("\n  " + p.String())
	}
	return b.String()
}
