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

// writeStack replaces the beijing stack's file by one with these values in some keys; the other keys stay.
func writeStack(t testing.TB, dir string, values map[string]any) {
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
	for key, value := range values {
		if stack.Config["log-archive:"+key] = value; value == nil {
			delete(stack.Config, "log-archive:"+key)
		}
	}
	if data, err = yaml.Marshal(stack); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// withAccounts are n accounts with a number of log groups each, and a VPC's flow log. The replay function is left out: with it,
// the archive's policy has room for fewer accounts (docs/decisions.md, D22).
func withAccounts(n, groups int, via string) map[string]any {
	var accounts []any
	for i := range n {
		var names []any
		for g := range groups {
			names = append(names, map[string]any{"name": fmt.Sprintf("/growth/service-%d", g)})
		}
		accounts = append(accounts, map[string]any{
			"account": fmt.Sprintf("%012d", 700000000000+i), "role": "LogArchiveDeployer", "externalId": "growth", "via": via, "logGroups": names,
			"flowLogs": []any{map[string]any{"name": "main", "vpcId": fmt.Sprintf("vpc-%017x", i), "method": "s3"}},
		})
	}
	return map[string]any{"accounts": accounts, "replay": nil}
}

// BenchmarkSandboxUp is `up --sandbox` of the beijing example with more and more log groups, as a whole process: time per log
// group, and the largest resident memory of the engine and of logarchive with the stand-in in it (Linux only).
func BenchmarkSandboxUp(b *testing.B) {
	for _, n := range []int{250, 1000, 2000} {
		var groups []any
		if err := json.Unmarshal([]byte(withLogGroups(b, n)["log-archive:logGroups"]), &groups); err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) { benchmarkUp(b, n, map[string]any{"logGroups": groups}) })
	}
}

// BenchmarkSandboxUpAccounts is the same with more and more source accounts of 20 log groups each, by their own streams and by a
// destination in the archive's account: time per account.
func BenchmarkSandboxUpAccounts(b *testing.B) {
	for _, via := range []string{"destination", "streams"} {
		for _, n := range []int{50, 100, 200} {
			b.Run(fmt.Sprintf("%s/%d", via, n), func(b *testing.B) { benchmarkUp(b, n, withAccounts(n, 20, via)) })
		}
	}
}

// benchmarkUp runs up with these values in the stack's file, of which n are of what grows.
func benchmarkUp(b *testing.B, n int, values map[string]any) {
	if _, err := built(); err != nil {
		b.Fatal(err)
	}
	var engine, stand float64
	for b.Loop() {
		dir := project(b)
		writeStack(b, dir, values)
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
	b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N)/float64(n), "ms/each")
	b.ReportMetric(engine, "engine-MiB")
	b.ReportMetric(stand, "logarchive-MiB")
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
