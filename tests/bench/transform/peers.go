package main

import (
	"bufio"
	"embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

//go:embed peers
var scripts embed.FS

// A peer is a running process of one implementation.
type peer struct {
	name  string // as the table shows it
	key   string
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	bound bool // its result isn't a transformation, only a floor
}

// all are the implementations, in the table's order.
var all = []struct{ key, name string }{
	{"python", "Python"}, {"node", "Node blueprint"}, {"naive", "Go encoding/json"},
	{"klauspost", "Go klauspost"}, {"ours", "Go ours"}, {"libdeflate", "floor: libdeflate"},
}

// startPeers builds and starts what the machine has.
func startPeers(dir, only string) ([]*peer, error) {
	for _, script := range []string{"blueprint.js", "transform.py"} {
		b, err := scripts.ReadFile("peers/" + script)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, script), b, 0o600); err != nil {
			return nil, err
		}
	}
	goPeer := filepath.Join(dir, "peer")
	if out, err := command(exec.Command("go", "build", "-o", goPeer, "./tests/bench/transform/peer")); err != nil {
		return nil, fmt.Errorf("building the Go peers (run this in the module's root): %w\n%s", err, out)
	}
	floor := filepath.Join(dir, "floor")
	build := exec.Command("go", "build", "-tags", "libdeflate", "-o", floor, "./tests/bench/transform/peer")
	build.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := command(build); err != nil {
		missing("the libdeflate floor", firstLine(out)+"; install gcc and libdeflate-dev, see tests/bench/transform/run.sh")
		floor = ""
	}
	var peers []*peer
	for _, p := range all {
		if only != "" && !slices.Contains(strings.Split(only, ","), p.key) {
			continue
		}
		var args []string
		switch p.key {
		case "python":
			args = []string{"python3", filepath.Join(dir, "transform.py")}
		case "node":
			args = []string{"node", filepath.Join(dir, "blueprint.js")}
		case "libdeflate":
			args = []string{floor, p.key}
		default:
			args = []string{goPeer, p.key}
		}
		if args[0] == "" {
			continue
		}
		if _, err := exec.LookPath(args[0]); err != nil {
			missing(p.name, err.Error()+"; install it and run this again")
			continue
		}
		if taskset, err := exec.LookPath("taskset"); err == nil {
			args = append([]string{taskset, "-c", "0"}, args...)
		}
		started, err := start(p.key, p.name, args)
		if err != nil {
			stopPeers(peers)
			return nil, err
		}
		peers = append(peers, started)
	}
	return peers, nil
}

// missing says, in both outputs, that the table lacks a peer, so that nobody takes it for the whole one.
func missing(name, why string) {
	fmt.Printf("MISSING PEER: %s (%s)\n", name, why)
	fmt.Fprintf(os.Stderr, "bench-transform: MISSING PEER: %s (%s)\n", name, why)
}

func command(c *exec.Cmd) ([]byte, error) { return c.CombinedOutput() }

func firstLine(b []byte) string {
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			return line
		}
	}
	return "it doesn't build"
}

func start(key, name string, args []string) (*peer, error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	return &peer{name: name, key: key, cmd: cmd, in: in, out: bufio.NewReader(out), bound: key == "libdeflate"}, nil
}

// call runs one invocation and answers the CPU time that it took.
func (p *peer) call(path, answerPath string) (time.Duration, error) {
	line := path
	if answerPath != "" {
		line += "\t" + answerPath
	}
	if _, err := fmt.Fprintln(p.in, line); err != nil {
		return 0, fmt.Errorf("%s: %w", p.name, err)
	}
	answer, err := p.out.ReadString('\n')
	if err != nil {
		return 0, fmt.Errorf("%s: %w", p.name, err)
	}
	var cpu, wall int64
	var size int
	if _, err := fmt.Sscan(answer, &cpu, &wall, &size); err != nil {
		return 0, fmt.Errorf("%s answered %q: %w", p.name, answer, err)
	}
	return time.Duration(cpu), nil
}

func stopPeers(peers []*peer) {
	for _, p := range peers {
		_ = p.in.Close()
		_ = p.cmd.Wait()
	}
}
