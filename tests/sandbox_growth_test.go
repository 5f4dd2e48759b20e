package tests

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

// writeLogGroups replaces the beijing stack's file by one with n more log groups, which exist already.
func writeLogGroups(t testing.TB, dir string, n int) {
	t.Helper()
	file := filepath.Join(dir, "Pulumi.beijing.yaml")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var stack struct {
		Config map[string]any `yaml:"config"`
	}
	if err := yaml.Unmarshal(data, &stack); err != nil {
		t.Fatal(err)
	}
	var groups []any
	if err := json.Unmarshal([]byte(withLogGroups(t, n)["log-archive:logGroups"]), &groups); err != nil {
		t.Fatal(err)
	}
	stack.Config["log-archive:logGroups"] = groups
	if data, err = yaml.Marshal(stack); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkSandboxUp is `up --sandbox` of the beijing example with more and more log groups, as a whole process: time per log
// group, and the largest resident memory of the engine and of logarchive with the stand-in in it (Linux only).
func BenchmarkSandboxUp(b *testing.B) {
	if _, err := built(); err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{250, 1000, 2000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var engine, stand float64
			for b.Loop() {
				dir := project(b)
				writeLogGroups(b, dir, n)
				cmd := command(b, dir, "up", "--stack", "beijing", "--sandbox")
				var output bytes.Buffer
				cmd.Stdout, cmd.Stderr = &output, &output
				if err := cmd.Start(); err != nil {
					b.Fatal(err)
				}
				ended := make(chan error, 1)
				go func() { ended <- cmd.Wait() }()
				for running := true; running; {
					select {
					case err := <-ended:
						if err != nil {
							b.Fatalf("%v\n%s", err, output.String())
						}
						running = false
					case <-time.After(50 * time.Millisecond):
						stand = max(stand, peakMiB(cmd.Process.Pid))
						for _, child := range children(cmd.Process.Pid) {
							engine = max(engine, peakMiB(child))
						}
					}
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/up")
			b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N)/float64(n), "ms/group")
			b.ReportMetric(engine, "engine-MiB")
			b.ReportMetric(stand, "logarchive-MiB")
		})
	}
}

// peakMiB is the largest resident memory that a process has had; 0 where it can't be told.
func peakMiB(pid int) float64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kib / 1024
		}
	}
	return 0
}

// children are the processes that a process has started.
func children(pid int) []int {
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return nil
	}
	var out []int
	for _, list := range lists {
		data, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		for _, field := range strings.Fields(string(data)) {
			if child, err := strconv.Atoi(field); err == nil {
				out = append(out, child)
			}
		}
	}
	return out
}
