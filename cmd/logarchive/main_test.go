package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/spf13/cobra"
)

// repository is the folder of this repository.
var repository = filepath.Join("..", "..")

// A safeBuffer may be read while a command writes into it.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// outcome is what a command line did.
type outcome struct {
	code           int
	stdout, stderr string
}

// run runs a command line in dir, in this process.
func run(t *testing.T, dir string, args ...string) outcome {
	t.Helper()
	return runWith(t, dir, "", args...)
}

// runWith is run with a standard input.
func runWith(t *testing.T, dir, stdin string, args ...string) outcome {
	t.Helper()
	var stdout, stderr safeBuffer
	m := &Main{Stdin: strings.NewReader(stdin), Stdout: &stdout, Stderr: &stderr, Dir: dir}
	code := m.Run(context.Background(), args)
	return outcome{code, stdout.String(), stderr.String()}
}

// must runs a command line that has to succeed.
func must(t *testing.T, dir string, args ...string) outcome {
	t.Helper()
	o := run(t, dir, args...)
	if o.code != exitOK {
		t.Fatalf("logarchive %s: exit code %d\n%s%s", strings.Join(args, " "), o.code, o.stdout, o.stderr)
	}
	return o
}

// testProject is a folder with copies of the example stacks, in which a sandbox can be made.
func testProject(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"Pulumi.yaml", "Pulumi.beijing.yaml", "Pulumi.global.yaml"} {
		data, err := os.ReadFile(filepath.Join(repository, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// edit replaces text in a project's file.
func edit(t *testing.T, dir, name, old, replacement string) {
	t.Helper()
	path := filepath.Join(dir, name)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), old) {
		t.Fatalf("%s has no %q", name, old)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(data), old, replacement, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// untouched fails the test when anything but the project's files is in dir.
func untouched(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), "Pulumi.") {
			t.Errorf("%s was made", entry.Name())
		}
	}
}

func TestBadUsage(t *testing.T) {
	t.Parallel()
	dir := testProject(t)
	for line, want := range map[string]string{
		"upp":                              `there is no command "upp" in "logarchive"; did you mean "up"?`,
		"sandbox lss":                      `there is no command "lss" in "logarchive sandbox"; did you mean "ls"?`,
		"up --stack beijing --checkpoints": "--checkpoints is for --sandbox",
		"up":                               "which stack? Name it with --stack: beijing, global",
		"up --sandbox":                     "which stack?",
		"up --stack tokyo --sandbox":       "there is no stack tokyo (no file Pulumi.tokyo.yaml); stacks: beijing, global",
		"up --stack ../beijing":            "is not a stack name",
		"up beijing":                       `"logarchive up" takes no arguments, but was given "beijing"`,
		"up --stak beijing":                "unknown flag: --stak",
		"up --stack beijing --parallel x":  `invalid argument "x"`,
		"up --stack beijing --parallel -1": "--parallel -1: a number of resources",
		"destroy --stack beijing --unprotect --exclude-protected": "contradict each other",
		"graph --stack beijing --format svg":                      `--format "svg" is not one of json, mermaid, golden`,
		"graph":                                                   "which stack?",
		"preview --stack beijing --project no":                    "--project no: there is no Pulumi.yaml",
		"version now":                                             "takes no arguments",
	} {
		o := run(t, dir, strings.Fields(line)...)
		if o.code != exitUsage || o.stdout != "" || strings.Count(o.stderr, want) != 1 || !strings.HasPrefix(o.stderr, "logarchive: ") {
			t.Errorf("%s: exit code %d, want 2 and %q once\n%s%s", line, o.code, want, o.stdout, o.stderr)
		}
	}
	untouched(t, dir)

	empty := t.TempDir()
	if o := run(t, empty, "up", "--stack", "beijing"); o.code != exitUsage || !strings.Contains(o.stderr, "there is no Pulumi.yaml in "+empty) {
		t.Errorf("outside of a project: %+v", o)
	}
	below := filepath.Join(dir, "Pulumi.below", "deep")
	if err := os.MkdirAll(below, 0o755); err != nil {
		t.Fatal(err)
	}
	must(t, below, "graph", "--stack", "beijing")
}

func TestBadConfiguration(t *testing.T) {
	t.Parallel()
	dir := testProject(t)
	edit(t, dir, "Pulumi.beijing.yaml", "log-archive:homeRegion: cn-north-1", "log-archive:homeRegion: cn-north-9")
	edit(t, dir, "Pulumi.beijing.yaml", "trafficType: REJECT", "trafficType: ALLL")
	for _, command := range []string{"up", "preview", "graph"} {
		args := []string{command, "--stack", "beijing"}
		if command != "graph" {
			args = append(args, "--sandbox")
		}
		o := run(t, dir, args...)
		if o.code != exitUsage || o.stdout != "" {
			t.Errorf("%s: exit code %d, want 2\n%s%s", command, o.code, o.stdout, o.stderr)
		}
		for _, want := range []string{"log-archive:homeRegion", `trafficType: "ALLL" is not one of ALL, ACCEPT, REJECT`} {
			if strings.Count(o.stderr, want) != 1 {
				t.Errorf("%s: %q isn't told once in\n%s", command, want, o.stderr)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "Pulumi.broken.yaml"), []byte("config: ["), 0o644); err != nil {
		t.Fatal(err)
	}
	if o := run(t, dir, "up", "--stack", "broken", "--sandbox"); o.code != exitUsage || !strings.Contains(o.stderr, "Pulumi.broken.yaml") {
		t.Errorf("a file that isn't YAML: %+v", o)
	}
	untouched(t, dir)
}

func TestGraph(t *testing.T) {
	t.Parallel()
	dir := testProject(t)
	var recorded struct {
		Resources []struct{ URN, Type string }
	}
	if err := json.Unmarshal([]byte(must(t, dir, "graph", "--stack", "beijing").stdout), &recorded); err != nil {
		t.Fatal(err)
	}
	if len(recorded.Resources) < 50 {
		t.Errorf("%d resources", len(recorded.Resources))
	}
	if text := must(t, dir, "graph", "-s", "global", "--format", "mermaid").stdout; !strings.HasPrefix(text, "flowchart") {
		t.Errorf("mermaid: %.100s", text)
	}
	if text := must(t, dir, "graph", "-s", "global", "--format", "golden").stdout; !strings.Contains(text, "LogArchiveBucket") {
		t.Errorf("golden: %.100s", text)
	}
	untouched(t, dir)
}

func TestVersion(t *testing.T) {
	t.Parallel()
	if text := must(t, t.TempDir(), "version").stdout; !strings.HasPrefix(text, "logarchive ") {
		t.Errorf("%q", text)
	}
	var version struct {
		Go     string
		Engine struct{ Minimum string }
	}
	if err := json.Unmarshal([]byte(must(t, t.TempDir(), "version", "--json").stdout), &version); err != nil || version.Engine.Minimum == "" || version.Go == "" {
		t.Errorf("%+v, %v", version, err)
	}
}

// TestHelp holds every command to a short text, a long one or arguments of its own, and an example that begins with the
// program's name.
func TestHelp(t *testing.T) {
	t.Parallel()
	m := &Main{Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: short text %q", c.CommandPath(), c.Short)
		}
		if !strings.Contains(c.Example, "logarchive") {
			t.Errorf("%s has no example", c.CommandPath())
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(m.command())
	for _, args := range [][]string{nil, {"--help"}, {"sandbox"}, {"up", "--help"}} {
		o := must(t, t.TempDir(), args...)
		if !strings.Contains(o.stdout, "Examples:") || o.stderr != "" {
			t.Errorf("help of %v: %+v", args, o)
		}
	}
	if o := must(t, t.TempDir(), "--help"); !strings.Contains(o.stdout, "Exit codes: 0 done; 1 failed") {
		t.Errorf("the help doesn't tell the exit codes:\n%s", o.stdout)
	}
}

func TestCredentialsOfStacksThatDisagree(t *testing.T) {
	t.Parallel()
	dir := testProject(t)
	beijing, _, err := spec(dir, "beijing")
	if err != nil {
		t.Fatal(err)
	}
	other := *beijing
	other.Home.Account = "999999999999"
	global, _, err := spec(dir, "global")
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(credentials(beijing, &other, global))
	if want := fmt.Sprintf("map[%s:%s]", global.Home.Partition(), global.Home.Account); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
