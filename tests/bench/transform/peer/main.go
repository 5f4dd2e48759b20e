// Command peer runs one of the Go implementations that the benchmark compares, named by its argument. See the
// protocol in ../peers/blueprint.js.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// peers maps names to functions from a Firehose event to an answer. The answer may be in memory that the next call
// uses again.
var peers = map[string]func([]byte) ([]byte, error){
	"naive":     naive,
	"klauspost": klauspostScanner,
	"ours":      ours,
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 || peers[os.Args[1]] == nil {
		return fmt.Errorf("want the name of a peer, got %q", os.Args[1:])
	}
	peer := peers[os.Args[1]]
	files := map[string][]byte{}
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		path, answerPath, _ := strings.Cut(in.Text(), "\t")
		if files[path] == nil {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			files[path] = b
		}
		wall, cpu := time.Now(), cpuTime()
		answer, err := peer(files[path])
		used, took := cpuTime()-cpu, time.Since(wall)
		if err != nil {
			return err
		}
		if answerPath != "" {
			if err := os.WriteFile(answerPath, answer, 0o600); err != nil {
				return err
			}
		}
		fmt.Println(used.Nanoseconds(), took.Nanoseconds(), len(answer))
	}
	return in.Err()
}

// cpuTime is what the whole process has used, its garbage collector included.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
