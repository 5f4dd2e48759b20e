//go:build unix && !linux

package automation

import (
	"os/exec"
	"syscall"
)

// separate gives cmd a process group of its own. There is no signal on the parent's death here: the engine ends because
// the connection to its program breaks.
func separate(cmd *exec.Cmd, inside bool) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
