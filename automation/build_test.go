package automation

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestPinnedFilesAreThoseOfTools(t *testing.T) {
	t.Parallel()
	for name, pinned := range map[string][]byte{"go.mod": pinnedMod, "go.sum": pinnedSum} {
		data, err := os.ReadFile(filepath.Join("..", "tools", name))
		if err != nil {
			t.Fatal(err)
		}
		if string(data) != string(pinned) {
			t.Errorf("automation/pinned/tools.%s differs from tools/%s: run go generate ./automation", strings.TrimPrefix(name, "go."), name)
		}
	}
	if !strings.Contains(string(pinnedMod), "github.com/pulumi/pulumi/pkg/v3 "+PinnedVersion) {
		t.Errorf("tools/go.mod doesn't require pulumi/pkg %s", PinnedVersion)
	}
}

// fakeBuilder is a builder whose compiler writes a file.
func fakeBuilder(t *testing.T, root string, compile func(ctx context.Context, output string) error) (*builder, *[]string) {
	t.Helper()
	var mu sync.Mutex
	var lines []string
	return &builder{
		root: root,
		progress: func(line string) {
			mu.Lock()
			defer mu.Unlock()
			lines = append(lines, line)
		},
		goCommand: func() (string, error) { return "go", nil },
		compile: func(ctx context.Context, _, moduleDir, output string, compiled *atomic.Int64) error {
			if _, err := os.Stat(filepath.Join(moduleDir, "go.mod")); err != nil {
				t.Error(err)
			}
			compiled.Add(7)
			return compile(ctx, output)
		},
		every: 10 * time.Millisecond,
	}, &lines
}

func writeBinary(output string) error {
	return errors.Join(os.MkdirAll(filepath.Dir(output), 0o755), os.WriteFile(output, []byte("cli"), 0o755))
}

func TestBuildOnce(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	var compilations atomic.Int64
	slow := func(_ context.Context, output string) error {
		compilations.Add(1)
		time.Sleep(60 * time.Millisecond)
		return writeBinary(output)
	}
	var group sync.WaitGroup
	var builds atomic.Int64
	for range 4 {
		group.Go(func() {
			b, lines := fakeBuilder(t, root, slow)
			path, built, err := b.ensure(context.Background())
			if err != nil {
				t.Error(err)
				return
			}
			if built {
				builds.Add(1)
			}
			if data, err := os.ReadFile(path); err != nil || string(data) != "cli" {
				t.Errorf("the CLI reads %q, %v", data, err)
			}
			if text := strings.Join(*lines, "\n"); !strings.Contains(text, "7 packages compiled") && !strings.Contains(text, "another process is building") {
				t.Errorf("no progress was told: %q", text)
			}
		})
	}
	group.Wait()
	if compilations.Load() != 1 || builds.Load() != 1 {
		t.Errorf("%d compilations, %d of 4 callers say that they built; want 1 and 1", compilations.Load(), builds.Load())
	}
}

func TestBuildAfterAKilledOne(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	// What a process leaves that is killed while it compiles.
	left := filepath.Join(root, "building-123", "bin")
	if err := errors.Join(os.MkdirAll(left, 0o755), os.WriteFile(filepath.Join(left, "pulumi"), []byte("half"), 0o755)); err != nil {
		t.Fatal(err)
	}
	b, _ := fakeBuilder(t, root, func(_ context.Context, output string) error { return writeBinary(output) })
	path, built, err := b.ensure(context.Background())
	if err != nil || !built {
		t.Fatalf("built %v, %v", built, err)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "cli" {
		t.Errorf("the CLI reads %q, %v", data, err)
	}
	if left, _ := filepath.Glob(filepath.Join(root, "building-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, built, err := b.ensure(context.Background()); built || err != nil {
		t.Errorf("the second time: built %v, %v", built, err)
	}
}

func TestBuildErrors(t *testing.T) {
	t.Parallel()
	t.Run("the compiler fails", func(t *testing.T) {
		t.Parallel()
		root := t.TempDir()
		b, _ := fakeBuilder(t, root, func(context.Context, string) error { return errors.New("no space left on device") })
		if _, _, err := b.ensure(context.Background()); err == nil || !strings.Contains(err.Error(), "no space left on device") {
			t.Errorf("%v", err)
		}
		if left, _ := filepath.Glob(filepath.Join(root, "*pulumi-*")); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
	})
	t.Run("no Go", func(t *testing.T) {
		t.Parallel()
		b, _ := fakeBuilder(t, t.TempDir(), func(context.Context, string) error { return nil })
		b.goCommand = func() (string, error) { return "", errors.New("no Go command") }
		if _, _, err := b.ensure(context.Background()); err == nil || !strings.Contains(err.Error(), "no Go command") {
			t.Errorf("%v", err)
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(context.Background())
		b, _ := fakeBuilder(t, t.TempDir(), func(ctx context.Context, _ string) error {
			cancel()
			<-ctx.Done()
			return ctx.Err()
		})
		if _, _, err := b.ensure(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
	t.Run("interrupted while another one builds", func(t *testing.T) {
		t.Parallel()
		root := t.TempDir()
		building, finish := make(chan struct{}), make(chan struct{})
		first, _ := fakeBuilder(t, root, func(_ context.Context, output string) error {
			close(building)
			<-finish
			return writeBinary(output)
		})
		done := make(chan error, 1)
		go func() {
			_, _, err := first.ensure(context.Background())
			done <- err
		}()
		<-building
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
		defer cancel()
		second, _ := fakeBuilder(t, root, func(context.Context, string) error { return errors.New("built twice") })
		if _, _, err := second.ensure(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		close(finish)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestAcceptVersion(t *testing.T) {
	t.Parallel()
	for printed, ok := range map[string]bool{
		"v3.226.0": true, "3.226.0": true, "v3.226.1": true, "v3.300.0": true, "v3.226.0-alpha.1+dirty": true,
		"v3.225.9": false, "v2.99.0": false, "v4.0.0": false, "": false, "unknown": false,
	} {
		if _, err := acceptVersion(printed); (err == nil) != ok {
			t.Errorf("%q: %v, want accepted %v", printed, err, ok)
		}
	}
}

// TestOldCLIOnPathIsNotUsed doesn't run in parallel: it sets PATH.
func TestOldCLIOnPathIsNotUsed(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "pulumi"), []byte("#!/bin/sh\necho v3.100.0\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	t.Setenv("HOME", "")
	t.Setenv("XDG_CACHE_HOME", "")
	var lines []string
	_, err := FindEngine(context.Background(), func(line string) { lines = append(lines, line) })
	if err == nil || !strings.Contains(err.Error(), "HOME") || !strings.Contains(err.Error(), MinimumVersion) {
		t.Errorf("without HOME: %v", err)
	}
	if len(lines) != 1 || !strings.Contains(lines[0], "version v3.100.0, needed is at least v3.226.0") {
		t.Errorf("told %q", lines)
	}
	if err := os.WriteFile(filepath.Join(dir, "pulumi"), []byte("#!/bin/sh\necho v3.230.1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	engine, err := FindEngine(context.Background(), nil)
	if err != nil || engine.Path != filepath.Join(dir, "pulumi") || engine.Version.String() != "3.230.1" || engine.Built {
		t.Errorf("%+v, %v", engine, err)
	}
}
