package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/logarchive/logarchive/automation"
)

// A progress tells a person what goes on: on a terminal in one line that is rewritten, elsewhere in a line per resource.
type progress struct {
	out     io.Writer
	rewrite bool
	began   time.Time

	planning bool // nothing is done: a preview

	mu      sync.Mutex
	width   int            // of the line that can be rewritten; 0 when there is none
	running map[string]int // URNs that are being worked on
	last    string
	done    int
	stop    chan struct{}
	stopped sync.WaitGroup
}

// newProgress begins to tell; end must be called. On a terminal the elapsed time moves on by itself.
func (m *Main) newProgress() *progress {
	p := &progress{out: m.Stderr, rewrite: m.Rewrite, began: time.Now(), running: map[string]int{}, stop: make(chan struct{})}
	if p.rewrite {
		p.stopped.Go(func() {
			tick := time.NewTicker(time.Second)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					p.mu.Lock()
					if p.width > 0 {
						p.draw()
					}
					p.mu.Unlock()
				case <-p.stop:
					return
				}
			}
		})
	}
	return p
}

// end takes the rewritten line away.
func (p *progress) end() {
	close(p.stop)
	p.stopped.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}

// say writes a line that stays.
func (p *progress) say(format string, args ...any) {
	p.pause(func() { fmt.Fprintf(p.out, format+"\n", args...) })
}

// pause takes the rewritten line away while something else is written.
func (p *progress) pause(write func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	write()
}

// during tells what goes on while do takes longer than a second.
func (p *progress) during(what string, do func() error) error {
	began := time.Now()
	done := make(chan error, 1)
	go func() { done <- do() }()
	wait := time.NewTimer(time.Second)
	defer wait.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-wait.C:
			p.say("%s: %.0f s", what, time.Since(began).Seconds())
			wait.Reset(5 * time.Second)
		}
	}
}

// clear takes the rewritten line away. The lock is held.
func (p *progress) clear() {
	if p.width > 0 {
		fmt.Fprint(p.out, "\r"+strings.Repeat(" ", p.width)+"\r")
		p.width = 0
	}
}

// draw rewrites the line. The lock is held.
func (p *progress) draw() {
	line := fmt.Sprintf("%4.0f s  %d done, %d under way  %s", time.Since(p.began).Seconds(), p.done, len(p.running), p.last)
	if runes := []rune(line); len(runes) > 100 {
		line = string(runes[:100])
	}
	width := utf8.RuneCountInString(line)
	fmt.Fprint(p.out, "\r"+line+strings.Repeat(" ", max(0, p.width-width)))
	p.width = width
}

// past tells what was done to a resource.
var past = map[automation.Op]string{
	automation.Create: "created", automation.Update: "updated", automation.Delete: "deleted", automation.Replace: "replaced",
	automation.Import: "imported", "create-replacement": "created (replacement)", "delete-replaced": "deleted (replaced)",
}

// event is an [automation.Options] callback.
func (p *progress) event(e automation.Event) {
	switch e.Kind {
	case automation.Started:
		p.mu.Lock()
		defer p.mu.Unlock()
		p.running[e.URN]++
		p.last = e.Name
		if p.rewrite {
			p.draw()
		}
	case automation.Done, automation.Failed:
		p.mu.Lock()
		delete(p.running, e.URN)
		p.done++
		p.last = e.Name
		if p.rewrite {
			p.draw()
		}
		p.mu.Unlock()
		verb := past[e.Op]
		if verb != "" && p.planning {
			verb = "would be " + verb
		}
		if e.Kind == automation.Failed {
			verb = "failed to " + string(e.Op)
		}
		if verb == "" || p.rewrite && e.Kind == automation.Done {
			return
		}
		p.say("  %s %s %s", verb, e.Type, e.Name)
	case automation.Recovered:
		p.say("  %s", e.Message)
	case automation.Diagnostic:
		// Errors are told by the operation's own error, once.
		if e.Severity == automation.Warning || e.Severity == automation.Info && e.URN != "" {
			p.say("  %s: %s", e.Severity, strings.TrimPrefix(e.Message, "warning: "))
		}
	}
}
