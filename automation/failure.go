package automation

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// An OperationError says why an operation on a stack failed, in the engine's diagnostics, without the CLI's noise.
type OperationError struct {
	Operation   string // "up", "preview", ...
	Stack       string
	Diagnostics []Event // of severity [Error], in the order in which they came
	Detail      string  // the end of the CLI's standard error, when there were no diagnostics
	Interrupted bool    // the operation was asked to end before it was through
	Err         error
}

func (e *OperationError) Error() string {
	var b strings.Builder
	if e.Interrupted {
		fmt.Fprintf(&b, "%s of stack %s was interrupted", e.Operation, e.Stack)
	} else {
		fmt.Fprintf(&b, "%s of stack %s failed", e.Operation, e.Stack)
	}
	for _, d := range e.Diagnostics {
		b.WriteString("\n  ")
		if d.Name != "" {
			fmt.Fprintf(&b, "%s %s: ", d.Type, d.Name)
		}
		b.WriteString(strings.ReplaceAll(d.Message, "\n", "\n    "))
	}
	if len(e.Diagnostics) == 0 && e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	return b.String()
}

// Unwrap is what ended the operation: the context's error, or the Automation API's.
func (e *OperationError) Unwrap() error { return e.Err }

// echoes are diagnostics that repeat what another one says; they are left out when there is another one.
var echoes = []string{
	"update failed", "preview failed", "destroy failed", "refresh failed",
	"an unhandled error occurred: program exited with non-zero exit code",
}

// failure makes the error of an operation. stderr is what the CLI wrote there.
func failure(ctx context.Context, operation, stack string, events []Event, stderr string, err error) error {
	if locks, locked := locksInMessage(stderr); locked {
		return &LockedError{Stack: stack, Locks: locks}
	}
	out := &OperationError{Operation: operation, Stack: stack, Err: err}
	if ctx.Err() != nil {
		out.Interrupted = true
		out.Err = errors.Join(ctx.Err(), err)
	}
	said := map[string]bool{}
	for _, e := range events {
		e.Message = programError(strings.TrimSpace(strings.TrimPrefix(e.Message, "error: ")))
		if e.Kind != Diagnostic || e.Severity != Error || isEcho(e.Message) || said[e.URN+"\x00"+e.Message] {
			continue
		}
		said[e.URN+"\x00"+e.Message] = true
		out.Diagnostics = append(out.Diagnostics, e)
	}
	out.Detail = strings.TrimPrefix(lastLines(plain(stderr), 5), "error: ")
	if out.Detail == "" && !out.Interrupted {
		out.Detail = firstLine(err)
	}
	return out
}

// programError is what an inline program returned, without what the SDK puts in front of it when it is the only error.
func programError(message string) string {
	rest, ok := strings.CutPrefix(message, "an unhandled error occurred: 1 error occurred:")
	if !ok {
		return message
	}
	return strings.TrimPrefix(strings.TrimSpace(rest), "* ")
}

func isEcho(message string) bool {
	for _, echo := range echoes {
		if strings.HasPrefix(message, echo) {
			return true
		}
	}
	return false
}

// firstLine is an error's text up to its first line break: the Automation API's errors go on with the CLI's output.
func firstLine(err error) string {
	if err == nil {
		return ""
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// A NoStackError says that a stack which was to be worked on doesn't exist.
type NoStackError struct {
	Stack, Backend string
}

func (e *NoStackError) Error() string {
	return fmt.Sprintf("there is no stack %s in %s: nothing was ever deployed there with it", e.Stack, e.Backend)
}

// A ProtectedError says that a stack isn't destroyed because some of its resources are protected. Nothing was changed.
type ProtectedError struct {
	Stack     string
	Protected []StateResource
}

func (e *ProtectedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "stack %s wasn't destroyed, and nothing was changed: %d of its resources are protected", e.Stack, len(e.Protected))
	for _, r := range e.Protected {
		fmt.Fprintf(&b, "\n  %v", r)
		if r.Retain {
			b.WriteString(", stays in AWS even when the stack lets it go")
		}
	}
	b.WriteString("\nThey keep the archived logs and backups. Say what is meant:" +
		"\n  --exclude-protected  destroy everything else; what is protected, or would stay in AWS anyway, stays in the stack" +
		"\n  --unprotect          destroy the stack; what is marked as staying leaves the stack, stays in AWS with all its data, and costs money there")
	return b.String()
}
