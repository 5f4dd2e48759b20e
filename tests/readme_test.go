package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadme runs the README's commands, in its order, in a fresh clone with an empty home (only Go's caches are shared). What
// would run this test again is only looked at: `make test` must be a target.
func TestReadme(t *testing.T) {
	t.Parallel()
	blocks := shellBlocks(t, filepath.Join(root, "README.md"))
	if len(blocks) < 3 {
		t.Fatalf("the README has %d blocks of commands, want its examples", len(blocks))
	}
	clone := filepath.Join(t.TempDir(), "clone")
	output(t, root, nil, "git", "clone", "-q", ".", clone)
	overlay(t, clone)
	home := t.TempDir()
	env := append(os.Environ(), "HOME="+home, "XDG_CACHE_HOME="+cacheHome(t))
	for _, name := range []string{"GOCACHE", "GOMODCACHE"} {
		env = append(env, name+"="+strings.TrimSpace(output(t, root, nil, "go", "env", name)))
	}
	for _, block := range blocks {
		for line := range strings.Lines(block) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), " #")
			line = strings.TrimSpace(line)
			if line == "" {
				continue
			}
			if line == "make test" {
				line = "make --dry-run test"
			}
			t.Logf("$ %s", line)
			got := output(t, clone, env, "bash", "-euo", "pipefail", "-c", line)
			if line == "make demo" && !strings.Contains(got, "each exactly once") {
				t.Errorf("make demo doesn't say that every line arrived exactly once:\n%s", got)
			}
		}
	}
	if dirty := output(t, clone, nil, "git", "status", "--porcelain", "--", "Pulumi.yaml", "Pulumi.beijing.yaml", "Pulumi.global.yaml"); dirty != overlayStatus(t) {
		t.Errorf("the commands changed the user's files:\n%s", dirty)
	}
}

// shellBlocks are the ```sh blocks of a Markdown file.
func shellBlocks(t *testing.T, file string) []string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, part := range strings.Split(string(data), "\n```sh\n")[1:] {
		block, _, ok := strings.Cut(part, "\n```")
		if !ok {
			t.Fatalf("%s: a block of commands doesn't end", file)
		}
		blocks = append(blocks, block)
	}
	return blocks
}

// overlay puts what isn't committed yet into the clone, so that the test is about the working tree.
func overlay(t *testing.T, clone string) {
	t.Helper()
	for name := range strings.Lines(output(t, root, nil, "git", "ls-files", "--modified", "--others", "--exclude-standard")) {
		name = strings.TrimSpace(name)
		data, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			_ = os.Remove(filepath.Join(clone, name))
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(clone, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(clone, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func overlayStatus(t *testing.T) string {
	t.Helper()
	return output(t, root, nil, "git", "status", "--porcelain", "--", "Pulumi.yaml", "Pulumi.beijing.yaml", "Pulumi.global.yaml")
}

// cacheHome is the user's cache directory, where the Pulumi CLI may have been built already.
func cacheHome(t *testing.T) string {
	t.Helper()
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// output runs a command and returns what it prints; a failure ends the test.
func output(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, env
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s%s", name, args, err, out, stderr.String())
	}
	return string(out)
}
