package tests

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestOwnPulumiCLI is the user with a Pulumi CLI of their own: `sandbox serve` in one terminal, `eval "$(sandbox env)"` and
// `pulumi up` in another. It runs the project's main.go, not an inline program.
func TestOwnPulumiCLI(t *testing.T) {
	t.Parallel()
	dir := project(t)
	// The program is compiled where its module is.
	for _, name := range []string{"main.go", "go.mod", "go.sum"} {
		link(t, filepath.Join(root, name), filepath.Join(dir, name))
	}
	for _, room := range []string{"stacks", "components", "functions", "partition", "policy", "graph", "catalog", "verify"} {
		if _, err := os.Stat(filepath.Join(root, room)); err == nil {
			link(t, filepath.Join(root, room), filepath.Join(dir, room))
		}
	}

	serve := command(t, dir, "sandbox", "serve")
	stdout, err := serve.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	serve.Stderr = &stderr
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() || !strings.Contains(lines.Text(), "serving the sandbox") {
		t.Fatalf("serve said %q\n%s", lines.Text(), stderr.String())
	}
	go func() {
		for lines.Scan() {
		}
	}()

	binary, err := built()
	if err != nil {
		t.Fatal(err)
	}
	env := `eval "$("` + binary + `" sandbox env 2>/dev/null)" && `
	shell := func(script string) string {
		t.Helper()
		cmd := exec.Command("bash", "-c", env+script)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", script, err, out)
		}
		return string(out)
	}
	// The file backend writes the whole state at every step otherwise.
	first := shell("PULUMI_SKIP_CHECKPOINTS=true pulumi up --stack beijing --yes --non-interactive")
	if !strings.Contains(first, "created") {
		t.Errorf("the first up created nothing:\n%s", first)
	}
	second := shell("pulumi up --stack beijing --yes --non-interactive")
	if strings.Contains(second, "created") || strings.Contains(second, "updated") || !strings.Contains(second, "unchanged") {
		t.Errorf("the second up isn't without changes:\n%s", second)
	}
	if got := shell("pulumi stack output --stack beijing --json"); !strings.Contains(got, "cn-northwest-1") {
		t.Errorf("outputs don't name the archive's region:\n%s", got)
	}

	if err := serve.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- serve.Wait() }()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatal("serve didn't end when it was interrupted")
	}
	if r := run(t, dir, "sandbox", "env"); r.code == 0 || !strings.Contains(r.stderr, "sandbox serve") {
		t.Errorf("env without serve ended with %d: %s", r.code, r.stderr)
	}
}

func link(t *testing.T, from, to string) {
	t.Helper()
	absolute, err := filepath.Abs(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(absolute, to); err != nil {
		t.Fatal(err)
	}
}
