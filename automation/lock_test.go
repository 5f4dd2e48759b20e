package automation

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// deadProcess is the id of a process that has ended.
func deadProcess(t *testing.T) int {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}

func TestStale(t *testing.T) {
	t.Parallel()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	dead := deadProcess(t)
	for _, test := range []struct {
		name string
		lock Lock
		want bool
	}{
		{"this process, now", Lock{PID: os.Getpid(), Host: host, Since: time.Now()}, false},
		{"a dead process", Lock{PID: dead, Host: host, Since: time.Now().Add(-time.Minute)}, true},
		{"a dead process of another host", Lock{PID: dead, Host: host + "-other", Since: time.Now()}, false},
		{"a process that has got the id of one before the last boot", Lock{PID: os.Getpid(), Host: host, Since: time.Now().AddDate(-1, 0, 0)}, true},
	} {
		if got := test.lock.Stale(); got != test.want {
			t.Errorf("%s: stale %v, want %v", test.name, got, test.want)
		}
	}
}

func TestStackLocks(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	dir := filepath.Join(root, ".pulumi", "locks", "organization", "log-archive", "beijing")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	url := "file://" + filepath.ToSlash(root)
	if locks, err := stackLocks(url+"?no_tmp_dir=true", "log-archive", "beijing"); err != nil || len(locks) != 0 {
		t.Errorf("an unlocked stack: %v, %v", locks, err)
	}
	path := filepath.Join(dir, "0d5b7e2c.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"pid":4711,"username":"ops","hostname":"builder","timestamp":"2026-11-21T03:04:05Z"}`)
	if err := os.WriteFile(path+".attrs", []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	locks, err := stackLocks(url, "log-archive", "beijing")
	want := []Lock{{Path: path, PID: 4711, User: "ops", Host: "builder", Since: time.Date(2026, 11, 21, 3, 4, 5, 0, time.UTC)}}
	if err != nil || !cmp.Equal(locks, want) {
		t.Errorf("%v, %v", cmp.Diff(want, locks), err)
	}
	for _, other := range []string{"global", "none"} {
		if locks, err := stackLocks(url, "log-archive", other); err != nil || len(locks) != 0 {
			t.Errorf("stack %s: %v, %v", other, locks, err)
		}
	}
	for _, remote := range []string{"s3://bucket", "https://api.pulumi.com", ""} {
		if locks, err := stackLocks(remote, "log-archive", "beijing"); err != nil || len(locks) != 0 {
			t.Errorf("%s: %v, %v", remote, locks, err)
		}
	}
	for _, damaged := range []string{"", "{", "{}", `{"pid":0,"hostname":"h","timestamp":"2026-11-21T03:04:05Z"}`} {
		write(damaged)
		if _, err := stackLocks(url, "log-archive", "beijing"); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("a lock file with %q: %v, want an error that names the file", damaged, err)
		}
	}
}

func TestLocksInMessage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		message string
		want    []Lock
		locked  bool
	}{
		{"error: no stack named 'x' found", nil, false},
		{"error: [409] Conflict: Another update is currently in progress.", nil, true},
		{"error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the lock file with `pulumi cancel`.\n" +
			"  s3://state/.pulumi/locks/organization/log-archive/beijing/0d5b.json: created by ops@builder (pid 4711) at 2026-11-21T03:04:05Z",
			[]Lock{{Path: "s3://state/.pulumi/locks/organization/log-archive/beijing/0d5b.json", PID: 4711, User: "ops", Host: "builder", Since: time.Date(2026, 11, 21, 3, 4, 5, 0, time.UTC)}}, true},
	} {
		locks, locked := locksInMessage(test.message)
		if locked != test.locked || !cmp.Equal(locks, test.want) {
			t.Errorf("%q: %v, %v", test.message, locks, locked)
		}
	}
}

func TestMendAttributes(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	files := map[string]string{ // path: content
		"stacks/p/s.json": "{}", "stacks/p/s.json.attrs": "", "stacks/p/s.json.bak.attrs": "", "stacks/p/other.json.attrs": "",
		"history/p/s/s-1.history.json.attrs": "", "history/p/s/s-2.history.json.attrs": "{}",
	}
	for name, text := range files {
		path := filepath.Join(root, ".pulumi", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := mendAttributes("file://"+filepath.ToSlash(root), "p", "s"); err != nil {
		t.Fatal(err)
	}
	for name, stays := range map[string]bool{
		"stacks/p/s.json": true, "stacks/p/s.json.attrs": false, "stacks/p/s.json.bak.attrs": false, "stacks/p/other.json.attrs": true,
		"history/p/s/s-1.history.json.attrs": false, "history/p/s/s-2.history.json.attrs": true,
	} {
		if _, err := os.Stat(filepath.Join(root, ".pulumi", filepath.FromSlash(name))); (err == nil) != stays {
			t.Errorf("%s: %v, want it there %v", name, err, stays)
		}
	}
	if err := mendAttributes("s3://bucket", "p", "s"); err != nil {
		t.Error(err)
	}
}
