//go:build unix

package sandbox

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// How long a lock is waited for that this process itself has held, in steps.
const (
	lockPatience = 500 * time.Millisecond
	lockPause    = 5 * time.Millisecond
)

// lockFile takes the lock that keeps a second process from changing the same world. The operating system gives it up
// when the process ends, however it ends; the file itself stays. The error names the process that holds it.
func lockFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for waited := time.Duration(0); ; waited += lockPause {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			break
		}
		holder, _ := os.ReadFile(path)
		pid, _ := strconv.Atoi(strings.TrimSpace(string(holder)))
		if errors.Is(err, syscall.EWOULDBLOCK) && pid == os.Getpid() && waited < lockPatience {
			// We may have given it up ourselves: a process that another goroutine is just starting has our open files until
			// it runs its own program.
			time.Sleep(lockPause)
			continue
		}
		_ = file.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("sandbox: cannot lock %s: %w", path, err)
		}
		return nil, &InUseError{Path: path, PID: pid}
	}
	if err := file.Truncate(0); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if _, err := file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}
