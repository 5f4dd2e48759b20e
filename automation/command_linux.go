package automation

import (
	"os/exec"
	"syscall"
)

// separate gives cmd a process group of its own, and has the kernel signal it when this process dies.
func separate(cmd *exec.Cmd, inside bool) {
	signal := syscall.SIGINT
	if inside {
		signal = syscall.SIGKILL
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: signal}
}
