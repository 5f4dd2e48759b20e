package automation

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// cliPackage is the Go package of the Pulumi CLI.
const cliPackage = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"

// The pinned module files. They are copies of tools/go.mod and tools/go.sum (a test compares them): a file can't be
// embedded from another module, and an installed logarchive must build the same CLI as a checkout.
//
//go:generate cp ../tools/go.mod pinned/tools.mod
//go:generate cp ../tools/go.sum pinned/tools.sum
var (
	//go:embed pinned/tools.mod
	pinnedMod []byte
	//go:embed pinned/tools.sum
	pinnedSum []byte
)

// A builder keeps CLIs below root: root/pulumi-<version>-<digest>/bin/pulumi.
type builder struct {
	root      string
	progress  func(line string)
	goCommand func() (string, error)
	compile   func(ctx context.Context, goCommand, moduleDir, output string, compiled *atomic.Int64) error
	every     time.Duration // between two progress lines
}

// ensure returns the path of the CLI in the cache, and whether this call built it.
func (b *builder) ensure(ctx context.Context) (string, bool, error) {
	digest := sha256.Sum256(append(append([]byte{}, pinnedMod...), pinnedSum...))
	home := filepath.Join(b.root, "pulumi-"+PinnedVersion+"-"+hex.EncodeToString(digest[:4]))
	binary := filepath.Join(home, "bin", executable("pulumi"))
	if _, err := os.Stat(binary); err == nil { // it was renamed into place, so it is whole
		return binary, false, nil
	}
	if err := os.MkdirAll(b.root, 0o755); err != nil {
		return "", false, fmt.Errorf("a folder for the Pulumi CLI: %w", err)
	}
	unlock, err := b.lock(ctx)
	if err != nil {
		return "", false, err
	}
	defer unlock()
	if _, err := os.Stat(binary); err == nil { // another process built it while this one waited
		return binary, false, nil
	}
	if err := b.build(ctx, home); err != nil {
		return "", false, err
	}
	return binary, true, nil
}

// lock takes the cache's file lock, which the kernel releases when its holder dies.
func (b *builder) lock(ctx context.Context) (unlock func(), err error) {
	type locked struct {
		unlock func()
		err    error
	}
	got := make(chan locked, 1)
	go func() {
		unlock, err := lockedfile.MutexAt(filepath.Join(b.root, "pulumi.lock")).Lock()
		got <- locked{unlock, err}
	}()
	began := time.Now()
	tick := time.NewTicker(b.every)
	defer tick.Stop()
	for {
		select {
		case l := <-got:
			if l.err != nil {
				return nil, fmt.Errorf("the lock of %s: %w", b.root, l.err)
			}
			return l.unlock, nil
		case <-tick.C:
			b.progress(fmt.Sprintf("another process is building the Pulumi CLI: waited %.0f s", time.Since(began).Seconds()))
		case <-ctx.Done():
			go func() { // the lock may still arrive: it mustn't stay taken
				if l := <-got; l.err == nil {
					l.unlock()
				}
			}()
			return nil, ctx.Err()
		}
	}
}

// build compiles into a folder of its own and renames it to home, so that home is whole or absent.
func (b *builder) build(ctx context.Context, home string) error {
	goCommand, err := b.goCommand()
	if err != nil {
		return err
	}
	// The lock is held: whatever else is being built here was left by a process that died.
	left, err := filepath.Glob(filepath.Join(b.root, "building-*"))
	if err != nil {
		return err
	}
	for _, dir := range append(left, home) {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp(b.root, "building-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	module := filepath.Join(dir, "module")
	err = errors.Join(
		os.MkdirAll(module, 0o755),
		os.WriteFile(filepath.Join(module, "go.mod"), pinnedMod, 0o644),
		os.WriteFile(filepath.Join(module, "go.sum"), pinnedSum, 0o644),
	)
	if err != nil {
		return err
	}
	began := time.Now()
	b.progress(fmt.Sprintf("no Pulumi CLI %s or later on PATH: building %s from its Go module, once (1 to 4 minutes, 80 MB, into %s)", MinimumVersion, PinnedVersion, b.root))
	var compiled atomic.Int64
	done := make(chan error, 1)
	go func() {
		done <- b.compile(ctx, goCommand, module, filepath.Join(dir, "bin", executable("pulumi")), &compiled)
	}()
	tick := time.NewTicker(b.every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			b.progress(fmt.Sprintf("building the Pulumi CLI: %.0f s, %d packages compiled", time.Since(began).Seconds(), compiled.Load()))
		case err := <-done:
			if err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				return fmt.Errorf("building the Pulumi CLI %s: %w", PinnedVersion, err)
			}
			if err := os.Chmod(dir, 0o755); err != nil { // MkdirTemp keeps others out
				return err
			}
			if err := os.Rename(dir, home); err != nil {
				return err
			}
			b.progress(fmt.Sprintf("built the Pulumi CLI in %.0f s", time.Since(began).Seconds()))
			return nil
		}
	}
}

// findGo returns the Go command: from PATH, or from the place where its installer puts it.
func findGo() (string, error) {
	if path, err := exec.LookPath("go"); err == nil {
		return path, nil
	}
	for _, path := range []string{"/usr/local/go/bin/go", `C:\Program Files\Go\bin\go.exe`} {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("there is no Pulumi CLI on PATH, and no Go command to build one: install Go (https://go.dev/dl/) or Pulumi %s or later (https://www.pulumi.com/docs/install/)", MinimumVersion)
}

// compileCLI runs go build in the pinned module.
func compileCLI(ctx context.Context, goCommand, moduleDir, output string, compiled *atomic.Int64) error {
	version := "-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=" + PinnedVersion
	cmd := exec.Command(goCommand, "build", "-v", "-mod=readonly", "-buildvcs=false", "-ldflags", "-s -w "+version, "-o", output, cliPackage)
	cmd.Dir = moduleDir
	// The caller's workspace file or flags belong to another module.
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=", "GO111MODULE=on")
	cmd.WaitDelay = 5 * time.Second
	separate(cmd, true) // a killed logarchive leaves no compiler running
	var log packageCounter
	log.compiled = compiled
	cmd.Stderr = &log
	if err := runToEnd(cmd, ctx); err != nil {
		return fmt.Errorf("%w\n%s", err, lastLines(log.text.String(), 15))
	}
	return nil
}

// A packageCounter counts the lines that go build -v writes, one per package that it compiles, and keeps them.
type packageCounter struct {
	compiled *atomic.Int64
	text     bytes.Buffer
}

func (c *packageCounter) Write(p []byte) (int, error) {
	c.compiled.Add(int64(bytes.Count(p, []byte("\n"))))
	return c.text.Write(p)
}

// executable is the file name of a program on this system.
func executable(name string) string {
	if runtime.GOOS == "windows" {
		return name + ".exe"
	}
	return name
}
