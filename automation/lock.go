package automation

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A Lock is what the engine leaves in a do-it-yourself backend (a folder or a bucket) while it works on a stack.
type Lock struct {
	Path  string    `json:"path"` // of the lock file, a URL in a bucket
	PID   int       `json:"pid"`
	User  string    `json:"username"`
	Host  string    `json:"hostname"`
	Since time.Time `json:"timestamp"`
}

func (l Lock) String() string {
	return fmt.Sprintf("process %d of %s on %s since %s (%s)", l.PID, l.User, l.Host, l.Since.UTC().Format(time.RFC3339), l.Path)
}

// Stale reports whether the lock's process is known to be dead: it ran on this host, and no process has its id, or one
// that was started after the lock was made.
func (l Lock) Stale() bool {
	host, err := os.Hostname()
	if err != nil || host != l.Host {
		return false // what runs on another host can't be known
	}
	started, runs := processStart(l.PID)
	return !runs || started.After(l.Since.Add(2*time.Second)) // the start is known to about a second
}

// A LockedError says that another operation works on the stack, or seems to.
type LockedError struct {
	Stack string
	Locks []Lock // empty for Pulumi Cloud, which doesn't say whose
}

func (e *LockedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "stack %s is locked by another operation", e.Stack)
	for _, lock := range e.Locks {
		fmt.Fprintf(&b, "\n  %v", lock)
	}
	b.WriteString("\nWait for it to end. If it is certain that it doesn't run any more, release the lock with --force-unlock.")
	return b.String()
}

// stackLocks reads the locks of a stack from a file backend; none when the backend isn't a folder of this machine.
func stackLocks(backendURL, project, stack string) ([]Lock, error) {
	root, ok := backendFolder(backendURL)
	if !ok {
		return nil, nil
	}
	// The layout of Pulumi's pkg/backend/diy: .pulumi/locks/organization/<project>/<stack>/<id>.json
	dir := filepath.Join(root, ".pulumi", "locks", "organization", project, stack)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var locks []Lock
	for _, entry := range entries {
		if entry.IsDir() || filepath.Ext(entry.Name()) != ".json" {
			continue
		}
		path := filepath.Join(dir, entry.Name())
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // released in this moment
		}
		if err != nil {
			return nil, err
		}
		lock, err := parseLock(data)
		if err != nil {
			return nil, fmt.Errorf("the lock file %s: %w; delete it if nothing works on stack %s", path, err, stack)
		}
		lock.Path = path
		locks = append(locks, lock)
	}
	return locks, nil
}

func parseLock(data []byte) (Lock, error) {
	var lock Lock
	if err := json.Unmarshal(data, &lock); err != nil {
		return Lock{}, err
	}
	if lock.PID <= 0 || lock.Host == "" || lock.Since.IsZero() {
		return Lock{}, errors.New("it doesn't name a process, a host and a time")
	}
	return lock, nil
}

// backendFolder is the folder of a file:// backend.
func backendFolder(backendURL string) (string, bool) {
	u, err := url.Parse(backendURL)
	if err != nil || u.Scheme != "file" {
		return "", false
	}
	path := filepath.FromSlash(u.Host + u.Path)
	if rest, ok := strings.CutPrefix(path, "~"); ok {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", false
		}
		path = filepath.Join(home, rest)
	}
	return path, path != ""
}

// lockLine is how the CLI names a lock in its message: "<url>: created by <user>@<host> (pid <pid>) at <time>".
var lockLine = regexp.MustCompile(`(\S+): created by (\S+)@(\S+) \(pid (\d+)\) at (\S+)`)

// locksInMessage finds the locks that the CLI names when it refuses to work on a locked stack; locked is false when the
// message is about something else.
func locksInMessage(message string) (locks []Lock, locked bool) {
	if !strings.Contains(message, "the stack is currently locked by") &&
		!strings.Contains(message, "[409] Conflict: Another update is currently in progress") {
		return nil, false
	}
	for _, m := range lockLine.FindAllStringSubmatch(message, -1) {
		lock := Lock{Path: m[1], User: m[2], Host: m[3]}
		lock.PID, _ = strconv.Atoi(m[4])
		lock.Since, _ = time.Parse(time.RFC3339, m[5])
		locks = append(locks, lock)
	}
	return locks, true
}
