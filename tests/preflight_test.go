package tests

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/logarchive/logarchive/sandbox"
)

// shortRetention has stack beijing keep its logs for less time than they must be kept, and says what the preflight does
// about it.
func shortRetention(t *testing.T, dir, mode string) {
	t.Helper()
	replaceIn(t, dir, "Pulumi.beijing.yaml", "log-archive:minimumRetentionDays: 180", "log-archive:minimumRetentionDays: 3650")
	replaceIn(t, dir, "Pulumi.beijing.yaml", "log-archive:preflight: enforce", "log-archive:preflight: "+mode)
}

// shortage is what the preflight says about it.
const shortage = `rule "expire" expires after 1827 days; the minimum is 3650`

// made counts what an engine made in a project's sandbox.
func made(t *testing.T, dir string) int {
	t.Helper()
	world, err := sandbox.OpenWorldReadOnly(filepath.Join(dir, ".sandbox"))
	if err != nil {
		t.Fatal(err)
	}
	defer world.Close()
	n := 0
	for _, o := range world.List("") {
		if !o.External {
			n++
		}
	}
	return n
}

// TestPreflightStopsTheEngine: a stack that violates a rule isn't deployed, and not in part either.
func TestPreflightStopsTheEngine(t *testing.T) {
	t.Parallel()
	dir := project(t)
	shortRetention(t, dir, "enforce")
	for _, operation := range []string{"preview", "up"} {
		r := run(t, dir, operation, "--stack", "beijing", "--sandbox")
		if r.code != 1 || r.stdout != "" {
			t.Errorf("%s ended with %d, want 1\n%s%s", operation, r.code, r.stdout, r.stderr)
		}
		for _, want := range []string{
			"the preflight of stack beijing found 1 violation, and nothing was registered",
			"lifecycle-retention: archive (aws:s3/bucketV2:BucketV2)", shortage, "remedy: ",
			"log-archive:waivers", "log-archive:preflight: warn",
		} {
			if strings.Count(r.stderr, want) != 1 {
				t.Errorf("%s doesn't say %q once:\n%s", operation, want, r.stderr)
			}
		}
		if n := made(t, dir); n > 0 {
			t.Errorf("%s made %d resources", operation, n)
		}
	}
}

// TestPreflightLetsTheEngineGoOn, with a warning or without a word.
func TestPreflightLetsTheEngineGoOn(t *testing.T) {
	t.Parallel()
	for mode, warnings := range map[string]int{"warn": 1, "off": 0} {
		dir := project(t)
		shortRetention(t, dir, mode)
		r := must(t, dir, "preview", "--stack", "beijing", "--sandbox")
		if got := strings.Count(r.stderr, shortage); got != warnings || !strings.Contains(r.stdout, "aws:s3/bucketV2:BucketV2 archive") {
			t.Errorf("%s: %d warnings, want %d\n%s%s", mode, got, warnings, r.stdout, r.stderr)
		}
	}
}

// TestPreflightOfTheLanguageHost is the user's own `pulumi preview` and `pulumi up` of main.go.
func TestPreflightOfTheLanguageHost(t *testing.T) {
	t.Parallel()
	dir := project(t)
	shortRetention(t, dir, "enforce")
	for _, name := range []string{"main.go", "go.mod", "go.sum", "stacks", "components", "partition", "policy", "graph", "catalog", "verify"} {
		link(t, filepath.Join(root, name), filepath.Join(dir, name))
	}
	serve := command(t, dir, "sandbox", "serve")
	ready := &firstLine{got: make(chan string, 1)}
	serve.Stdout = ready
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(serve.Process.Signal(syscall.SIGINT), serve.Wait()); err != nil {
			t.Log(err) // interrupted, as it was asked to be
		}
	}()
	select {
	case <-ready.got:
	case <-time.After(time.Minute):
		t.Error("the sandbox isn't served within a minute")
	}
	for _, operation := range []string{"preview", "up --yes"} {
		cmd := exec.Command("bash", "-c", `eval "$("$0" sandbox env 2>/dev/null)" && pulumi `+operation+" --stack beijing --non-interactive", serve.Path)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if text := string(out); err == nil || !strings.Contains(text, shortage) || strings.Contains(text, "aws:kms") || strings.Contains(text, "pulumi:providers:aws") {
			t.Errorf("pulumi %s: %v\n%s", operation, err, text)
		}
	}
	if n := made(t, dir); n > 0 {
		t.Errorf("%d resources were made", n)
	}
}

// firstLine tells when something was written.
type firstLine struct {
	got  chan string
	once sync.Once
}

func (f *firstLine) Write(p []byte) (int, error) {
	f.once.Do(func() { f.got <- string(p) })
	return len(p), nil
}
