package automation

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
)

// A command runs the Pulumi CLI for the Automation API. It replaces the SDK's own runner, which kills the CLI ten
// seconds after a cancellation (a Firehose stream takes longer than that to be created, and would be orphaned), lets a
// terminal's Ctrl-C reach the CLI twice, and leaves it running when this process dies.
type command struct {
	engine *Engine
	unset  []string        // variables of this process's environment that the CLI mustn't see
	kill   context.Context // done: the CLI is killed, not asked
	grace  time.Duration   // from the interrupt to the kill
	inside bool            // the provider is served by this process

	died atomic.Bool // the CLI was killed in the middle of something
}

var _ auto.PulumiCommand = (*command)(nil)

// Version is the CLI's version.
func (c *command) Version() semver.Version { return c.engine.Version }

// Run runs the CLI with args in workdir and returns what it wrote, its exit code (-2 when it had none) and an error
// unless the code was 0. When ctx ends the CLI is interrupted, and killed after the grace period.
func (c *command) Run(ctx context.Context, workdir string, stdin io.Reader, stdouts, stderrs []io.Writer, env []string, args ...string) (string, string, int, error) {
	if !slices.Contains(args, "--non-interactive") {
		args = append(slices.Clone(args), "--non-interactive")
	}
	cmd := exec.CommandContext(ctx, c.engine.Path, args...)
	cmd.Dir = workdir
	cmd.Env = c.environment(os.Environ(), env)
	var stdout, stderr bytes.Buffer
	cmd.Stdout = io.MultiWriter(append(slices.Clone(stdouts), &stdout)...)
	cmd.Stderr = io.MultiWriter(append(slices.Clone(stderrs), &stderr)...)
	cmd.Stdin = stdin
	separate(cmd, c.inside)
	cmd.Cancel = func() error { return interrupt(cmd.Process) }
	cmd.WaitDelay = c.grace

	err := runToEnd(cmd, c.kill)
	code := -2
	var exit *exec.ExitError
	switch {
	case err == nil:
		code = 0
	case errors.As(err, &exit):
		code = exit.ExitCode()
		if code < 0 {
			c.died.Store(true)
		}
	}
	return stdout.String(), stderr.String(), code, err
}

// runToEnd starts cmd and waits for it on one operating system thread: on Linux the signal that a child gets when its
// parent dies is sent when the *thread* that started it ends, and Go ends threads that it no longer needs. When kill is
// done, cmd and what it started are killed.
func runToEnd(cmd *exec.Cmd, kill context.Context) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := cmd.Start(); err != nil {
			done <- err
			return
		}
		stop := context.AfterFunc(kill, func() { killGroup(cmd.Process) })
		defer stop()
		done <- cmd.Wait()
	}()
	return <-done
}

// environment is this process's environment without what is unset, with the caller's own last; the CLI's folder comes
// first on PATH, so that a plugin which calls "pulumi" calls the same one.
func (c *command) environment(base, own []string) []string {
	out := make([]string, 0, len(base)+len(own)+2)
	path := os.Getenv("PATH")
	for _, entry := range base {
		name, _, _ := strings.Cut(entry, "=")
		if !slices.Contains(c.unset, name) && !strings.EqualFold(name, "PATH") {
			out = append(out, entry)
		}
	}
	for _, entry := range own {
		if name, value, _ := strings.Cut(entry, "="); strings.EqualFold(name, "PATH") {
			path = value
			continue
		}
		out = append(out, entry)
	}
	path = strings.TrimSuffix(filepath.Dir(c.engine.Path)+string(os.PathListSeparator)+path, string(os.PathListSeparator))
	return append(out, "PATH="+path, "PULUMI_AUTOMATION_API=true")
}
