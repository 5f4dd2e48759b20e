//go:build !unix

package automation

import (
	"os"
	"os/exec"
)

// separate leaves cmd in this process's group: there are no process groups here.
func separate(cmd *exec.Cmd, inside bool) {}

// interrupt ends the process: it can't be asked here.
func interrupt(p *os.Process) error { return p.Kill() }

// killGroup ends the process.
func killGroup(p *os.Process) { _ = p.Kill() }

// processAlive reports whether a process with this id runs on this host.
func processAlive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	_ = p.Release()
	return true
}
