//go:build unix

package automation

import (
	"errors"
	"os"
	"syscall"
)

// interrupt asks the process to end in an orderly way.
func interrupt(p *os.Process) error { return p.Signal(os.Interrupt) }

// killGroup ends the process and what it started in its group.
func killGroup(p *os.Process) {
	if err := syscall.Kill(-p.Pid, syscall.SIGKILL); err != nil {
		_ = p.Kill() // it has ended already, or has no group
	}
}

// processAlive reports whether a process with this id runs on this host.
func processAlive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}
