//go:build !unix

package sandbox

import (
	"errors"
	"os"
	"strconv"
	"strings"
)

// lockFile takes the lock that keeps a second process from changing the same world. Where there is no flock, the file
// is opened so that nobody else can remove it while this process lives: a lock whose process is gone can be removed,
// and is. The error names the process that holds it.
func lockFile(path string) (*os.File, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		holder, _ := os.ReadFile(path)
		pid, _ := strconv.Atoi(strings.TrimSpace(string(holder)))
		return nil, &InUseError{Path: path, PID: pid}
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err := file.WriteString(strconv.Itoa(os.Getpid()) + "\n"); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}
