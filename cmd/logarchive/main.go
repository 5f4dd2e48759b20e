package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/mattn/go-isatty"
)

func main() {
	ctx, stop := context.WithCancel(context.Background())
	kill, killNow := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 3)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		fmt.Fprintln(os.Stderr, "\ninterrupted: what has been begun is finished; interrupt again to stop at once")
		stop()
		<-signals
		fmt.Fprintln(os.Stderr, "\nstopping at once: the next operation puts in order what is left")
		killNow()
		<-signals
		os.Exit(exitFailed)
	}()
	dir, err := os.Getwd()
	if err != nil {
		fmt.Fprintln(os.Stderr, "logarchive:", err)
		os.Exit(exitFailed)
	}
	m := &Main{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Dir: dir, Kill: kill,
		Rewrite: isatty.IsTerminal(os.Stderr.Fd()),
	}
	os.Exit(m.Run(ctx, os.Args[1:]))
}
