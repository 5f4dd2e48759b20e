package automation

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// clockTicks is USER_HZ, the unit of times in /proc: 100 a second on every architecture that Go runs Linux on.
const clockTicks = 100

// processStart says whether a process with this id runs on this host, and since when, to about a second (the zero time
// when that can't be told). A process that has ended and isn't reaped (init is missing in many containers) doesn't run.
func processStart(pid int) (time.Time, bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return time.Time{}, processAlive(pid)
	}
	// The second field is the command in parentheses and may contain anything. After it: the state, and as 22nd field of
	// the line the start, in ticks since the machine was booted. See proc(5).
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 20 {
		return time.Time{}, true
	}
	if fields[0] == "Z" || fields[0] == "X" {
		return time.Time{}, false
	}
	ticks, err := strconv.ParseInt(fields[19], 10, 64)
	boot, ok := bootTime()
	if err != nil || !ok {
		return time.Time{}, true
	}
	return boot.Add(time.Duration(ticks) * time.Second / clockTicks), true
}

// bootTime is when the machine was booted.
func bootTime() (time.Time, bool) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return time.Time{}, false
	}
	for line := range strings.Lines(string(stat)) {
		if seconds, ok := strings.CutPrefix(line, "btime "); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(seconds), 10, 64)
			return time.Unix(n, 0), err == nil
		}
	}
	return time.Time{}, false
}
