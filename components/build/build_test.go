package build

import (
	"archive/zip"
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// checkout writes a module under this module's name, with functions that compile in a moment.
func checkout(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "go.mod", "module "+module+"\n\ngo 1.26.0\n")
	write(t, dir, "functions/hello/hello.go", "package hello\n\nfunc Say() { println(\"hello\") }\n")
	write(t, dir, "functions/hello/cmd/main.go", "package main\n\nimport \""+module+"/functions/hello\"\n\nfunc main() { hello.Say() }\n")
	write(t, dir, "functions/other/cmd/main.go", "package main\n\nfunc main() {}\n")
	write(t, dir, "functions/broken/cmd/main.go", "package main\n\nfunc main() { nowhere() }\n")
	return dir
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// counted is the toolchain, with the number of compilations.
func counted(builds *atomic.Int64) toolchain {
	return toolchain{find: findGo, run: func(ctx context.Context, cmd *exec.Cmd) ([]byte, error) {
		if cmd.Args[1] == "build" {
			builds.Add(1)
		}
		return runGo(ctx, cmd)
	}}
}

func made(t *testing.T, o Options) (Zip, []byte) {
	t.Helper()
	z, err := Function(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(z.Path)
	if err != nil {
		t.Fatal(err)
	}
	return z, data
}

// TestReproducible: two checkouts in two folders with two caches make the same bytes, which Lambda can start.
func TestReproducible(t *testing.T) {
	t.Parallel()
	options := func() Options {
		return Options{Function: "hello", Architecture: ARM64, Source: checkout(t), Cache: t.TempDir()}
	}
	first, data := made(t, options())
	second, again := made(t, options())
	if !bytes.Equal(data, again) || first.CodeHash() != second.CodeHash() || !first.Built || !second.Built {
		t.Errorf("%d and %d bytes, %s and %s: want the same, built twice", len(data), len(again), first.CodeHash(), second.CodeHash())
	}
	if first.Bytes != int64(len(data)) || len(first.CodeHash()) != 44 {
		t.Errorf("%d bytes, hash %q", first.Bytes, first.CodeHash())
	}
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if len(archive.File) != 1 || archive.File[0].Name != "bootstrap" || archive.File[0].Mode() != 0o755 || archive.File[0].Modified.Year() != 1980 {
		t.Fatalf("the zip has %+v", archive.File[0].FileHeader)
	}
	opened, err := archive.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := io.ReadAll(opened)
	if err != nil {
		t.Fatal(err)
	}
	program, err := elf.NewFile(bytes.NewReader(binary))
	if err != nil {
		t.Fatal(err)
	}
	if program.Machine != elf.EM_AARCH64 || program.Section(".symtab") != nil {
		t.Errorf("the binary is for %s", program.Machine)
	}
	if libraries, err := program.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("the binary needs %v (%v)", libraries, err)
	}
	for _, dir := range []string{filepath.Dir(first.Path), os.TempDir()} {
		if bytes.Contains(binary, []byte(dir)) {
			t.Errorf("the binary names %s", dir)
		}
	}
}

// TestCache: what a function doesn't depend on leaves its zip alone, and everything else makes a new one.
func TestCache(t *testing.T) {
	t.Parallel()
	var builds atomic.Int64
	o := Options{Function: "hello", Architecture: X8664, Source: checkout(t), Cache: t.TempDir()}
	build := func() Zip {
		z, err := function(t.Context(), o, counted(&builds))
		if err != nil {
			t.Fatal(err)
		}
		return z
	}
	first := build()
	old := time.Now().Add(-2 * unused)
	for _, name := range []string{"hello-x86_64-0.zip", "hello-x86_64-0.zip.new", "building-0/bootstrap", "other-x86_64-0.zip"} {
		write(t, o.Cache, name, "")
		top, _, _ := strings.Cut(name, "/")
		if err := os.Chtimes(filepath.Join(o.Cache, top), old, old); err != nil {
			t.Fatal(err)
		}
	}
	write(t, o.Source, "functions/other/cmd/main.go", "package main\n\nfunc main() { println() }\n")
	write(t, o.Source, "functions/hello/hello_test.go", "package hello\n")
	if again := build(); again.Built || again.Path != first.Path || again.SHA256 != first.SHA256 || builds.Load() != 1 {
		t.Errorf("built %d times: %+v, then %+v", builds.Load(), first, again)
	}
	write(t, o.Source, "functions/hello/hello.go", "package hello\n\nfunc Say() { println(\"good bye\") }\n")
	changed := build()
	if !changed.Built || changed.Path == first.Path || changed.SHA256 == first.SHA256 {
		t.Errorf("another source: %+v, then %+v", first, changed)
	}
	left, err := filepath.Glob(filepath.Join(o.Cache, "*"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{first.Path: true, changed.Path: true, filepath.Join(o.Cache, "other-x86_64-0.zip"): true, filepath.Join(o.Cache, "hello-x86_64.lock"): true}
	for _, path := range left {
		if !want[path] {
			t.Errorf("%s is left", path)
		}
		delete(want, path)
	}
	for path := range want {
		t.Errorf("%s is gone", path)
	}
}

func TestParallelBuildsBuildOnce(t *testing.T) {
	t.Parallel()
	var builds atomic.Int64
	o := Options{Function: "other", Architecture: ARM64, Source: checkout(t), Cache: t.TempDir()}
	var wait sync.WaitGroup
	hashes := make([]string, 6)
	for i := range hashes {
		wait.Go(func() {
			z, err := function(t.Context(), o, counted(&builds))
			if err != nil {
				t.Error(err)
			}
			hashes[i] = z.CodeHash()
		})
	}
	wait.Wait()
	for _, h := range hashes {
		if h != hashes[0] {
			t.Errorf("hashes %q", hashes)
		}
	}
	if builds.Load() != 1 {
		t.Errorf("built %d times", builds.Load())
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	source := checkout(t)
	good := Options{Function: "other", Architecture: ARM64, Source: source, Cache: t.TempDir()}
	tools := toolchain{find: findGo, run: runGo}
	for name, test := range map[string]struct {
		change func(*Options, *toolchain)
		want   string
	}{
		"function":     {func(o *Options, _ *toolchain) { o.Function = "../x" }, "not the name of a function"},
		"architecture": {func(o *Options, _ *toolchain) { o.Architecture = "amd64" }, "want arm64 or x86_64"},
		"no Go":        {func(_ *Options, t *toolchain) { t.find = func() (string, error) { return "", ErrNoGo } }, "install Go (https://go.dev/dl), or give"},
		"no source":    {func(o *Options, _ *toolchain) { o.Source = o.Cache }, "Set LOGARCHIVE_SOURCE to a checkout"},
		"no function":  {func(o *Options, _ *toolchain) { o.Function = "nothing" }, "has no such function"},
		"broken":       {func(o *Options, _ *toolchain) { o.Function = "broken" }, "undefined: nowhere"},
		"too large":    {func(o *Options, _ *toolchain) { o.MaxBytes = 1000 }, "the limit is 1000"},
	} {
		o, with := good, tools
		test.change(&o, &with)
		if _, err := function(t.Context(), o, with); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	if left, err := filepath.Glob(filepath.Join(good.Cache, "*.zip*")); err != nil || len(left) > 0 {
		t.Errorf("failed builds leave %q (%v)", left, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := function(ctx, good, tools); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of its context: %v", err)
	}
}

func TestWhereTheSourceIs(t *testing.T) {
	t.Parallel()
	here, nowhere := checkout(t), t.TempDir()
	other := t.TempDir()
	write(t, other, "go.mod", "module example.com/other\n")
	failing := func(string) (string, error) { return "", errors.New("no network") }
	found := func(string) (string, error) { return here, nil }
	for name, test := range map[string]struct {
		f    finder
		want string // the folder, or what the error says
	}{
		"variable":        {finder{variable: here, start: nowhere}, here},
		"wrong variable":  {finder{variable: other, start: here}, "LOGARCHIVE_SOURCE: " + other + " is module example.com/other"},
		"above":           {finder{start: filepath.Join(here, "functions", "hello")}, here},
		"compiled":        {finder{start: nowhere, compiled: here}, here},
		"another module":  {finder{start: other, compiled: here}, here},
		"version":         {finder{start: nowhere, compiled: nowhere, version: "v1.2.3", download: found}, here},
		"no such version": {finder{start: nowhere, version: "v1.2.3", download: failing}, "version v1.2.3, of which this program was built: no network"},
		"nothing":         {finder{start: nowhere, compiled: nowhere}, "wasn't built of a published version"},
	} {
		dir, err := test.f.find("hello")
		if err != nil {
			dir = err.Error()
		}
		if dir != test.want && (err == nil || !strings.Contains(dir, test.want)) {
			t.Errorf("%s: %s, want %s", name, dir, test.want)
		}
	}
	// The tests run within the module.
	dir, err := locate(t.Context(), "go", "transform")
	if err != nil || holds(dir, "transform") != nil {
		t.Errorf("of this module: %s, %v", dir, err)
	}
}

// TestTransformFits builds the function that is deployed. What is large starts slowly.
func TestTransformFits(t *testing.T) {
	t.Parallel()
	z, _ := made(t, Options{Function: "transform", Architecture: ARM64, Cache: t.TempDir(), MaxBytes: 8 << 20})
	t.Logf("%d bytes", z.Bytes)
}
