package tests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMistakesInTheConfiguration makes several at once: all of them are named with key, value and what is accepted, the exit
// code is 2, and nothing was touched.
func TestMistakesInTheConfiguration(t *testing.T) {
	t.Parallel()
	dir := project(t)
	file := filepath.Join(dir, "Pulumi.beijing.yaml")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for _, change := range [][2]string{
		{"trafficType: REJECT", "trafficType: ALLL"},
		{"log-archive:backupRegion: cn-northwest-1", "log-archive:backupRegion: us-east-1"},
		{"logTypes: [error, general, slowquery]", "logTypes: [error, general, slow-query]"},
		{"    retentionDays: 1827", "    retentionDays: 90"},
		{"aggregationSeconds: 60", "agregationSeconds: 60"},
	} {
		if !strings.Contains(text, change[0]) {
			t.Fatalf("the example has no %q: adapt this test", change[0])
		}
		text = strings.Replace(text, change[0], change[1], 1)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"up", "--stack", "beijing", "--sandbox"},
		{"preview", "--stack", "beijing", "--sandbox"},
		{"graph", "--stack", "beijing"},
	} {
		r := run(t, dir, args...)
		if r.code != 2 {
			t.Errorf("%v ended with %d, want 2\n%s", args, r.code, r.stderr)
		}
		for _, want := range []string{
			`log-archive:flowLogs[1].trafficType: "ALLL" is not one of ALL, ACCEPT, REJECT`,
			"log-archive:backupRegion",
			"slowquery",
			"log-archive:archive.retentionDays",
			"aggregationSeconds",
		} {
			if !strings.Contains(r.stderr, want) {
				t.Errorf("%v doesn't say %q:\n%s", args, want, r.stderr)
			}
		}
		if _, err := os.Stat(filepath.Join(dir, ".sandbox")); err == nil {
			t.Errorf("%v touched the sandbox", args)
		}
	}
}

// TestUnknownStack names the stacks that there are.
func TestUnknownStack(t *testing.T) {
	t.Parallel()
	r := run(t, project(t), "up", "--stack", "bejing", "--sandbox")
	if r.code != 2 || !strings.Contains(r.stderr, "beijing") {
		t.Errorf("ended with %d: %s", r.code, r.stderr)
	}
}
