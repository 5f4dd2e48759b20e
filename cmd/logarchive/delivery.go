package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/logarchive/logarchive/sandbox"
)

// An archive is the sandbox as those see it who send and read: the world as it is, the objects, the clock.
type archive struct {
	world    *sandbox.World
	store    *sandbox.Store
	clock    *sandbox.Clock
	delivery *sandbox.Delivery
}

// openArchive opens the sandbox of a project for sending and reading. The world is only read, so it may be served by
// another process, and what is sent goes the way that is declared at this moment.
func (m *Main) openArchive() (*archive, error) {
	project, err := m.project()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(project, sandboxFolder)
	world, err := sandbox.OpenWorldReadOnly(dir)
	if err != nil {
		return nil, err
	}
	if len(world.List("")) == 0 {
		return nil, fmt.Errorf("there is nothing in the sandbox of %s yet: deploy a stack with\n  logarchive up --sandbox --stack NAME", project)
	}
	return openArchiveOf(world, dir)
}

func openArchiveOf(world *sandbox.World, dir string) (*archive, error) {
	a := &archive{world: world}
	var err error
	if a.clock, err = sandbox.OpenClock(dir); err != nil {
		return nil, err
	}
	if a.store, err = sandbox.OpenStore(dir); err != nil {
		return nil, err
	}
	a.delivery = sandbox.NewDelivery(world, a.store, a.clock)
	return a, nil
}

func (a *archive) close() error { return errors.Join(a.delivery.Close(), a.store.Close()) }

// source finds a source by its id or a part of it, or by what a flow log records.
func (a *archive) source(text string) (sandbox.Source, error) {
	s, err := a.delivery.Source(text)
	if err == nil {
		return s, nil
	}
	var found []sandbox.Source
	for _, candidate := range a.delivery.Sources() {
		if strings.Contains(sourceName(candidate), text) {
			found = append(found, candidate)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	return s, err
}

// withArchive does something with the sandbox.
func (m *Main) withArchive(do func(*archive) error) (err error) {
	a, err := m.openArchive()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	p := m.newProgress()
	defer p.end()
	return p.during("working in the sandbox", func() error { return do(a) })
}

// A sent is what "sandbox send" prints with --json.
type sent struct {
	Source   string   `json:"source"`
	Path     string   `json:"path"`
	Lines    int      `json:"lines"`
	Selected int      `json:"selected"` // by the subscription filters on the way
	Flushed  bool     `json:"flushed"`
	Objects  []string `json:"objects"` // all that hold lines of the source; empty when held back
}

func (m *Main) sendCommand() *cobra.Command {
	var source, file, event string
	var generate int
	var hold bool
	c := &cobra.Command{
		Use:   "send --source NAME [--file FILE | --generate N]",
		Short: "Send lines from a source along what is declared",
		Long: `Send lines from a source in the sandbox: each hop on the way to the bucket is taken as it is declared, and refused with AWS's
error code where a link is missing or a policy doesn't allow it.

The lines come from standard input, one each. A source is named by any part of its id that no other has, a flow log also by
what it records: 'logarchive sandbox ls' lists them. For a flow log, lines are ids of records, and --generate makes them.

The sandbox's clock then moves on until everything that waits in buffers is delivered; with --hold it waits.`,
		Example: `  echo 'hello, archive' | logarchive sandbox send --source /app/payments
  logarchive sandbox send --source vpc-0a1b2c3d4e5f60718 --generate 1000
  logarchive sandbox send --source billing/postgresql --file postgresql.log --json`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case source == "":
				return usagef("which source? Name it with --source; 'logarchive sandbox ls' lists them")
			case generate < 0:
				return usagef("--generate %d: a number of lines, 1 or more", generate)
			case generate > 0 && file != "":
				return usagef("--file and --generate contradict each other: give one of them")
			}
			var at time.Time
			if event != "" {
				var err error
				if at, err = time.Parse(time.RFC3339, event); err != nil {
					return usagef("--at %s: want a time such as 2026-11-21T03:00:00Z", event)
				}
			}
			if err := m.catchUp(c.Context()); err != nil {
				return err
			}
			return m.withArchive(func(a *archive) error {
				s, err := a.source(source)
				if err != nil {
					return &usageError{err}
				}
				var lines []string
				if generate > 0 {
					lines, err = a.delivery.Lines(s, runName(), generate)
				} else {
					lines, err = m.readLines(file)
				}
				if err != nil {
					return err
				}
				return m.send(c.Context(), a, s, lines, at, hold)
			})
		},
	}
	c.Flags().StringVar(&source, "source", "", "the `name` of the source, or a part of its id (needed)")
	c.Flags().StringVar(&file, "file", "", "read the lines from this `file`; - is standard input")
	c.Flags().IntVar(&generate, "generate", 0, "make this `number` of lines that look like the source's")
	c.Flags().StringVar(&event, "at", "", "the `time` of the events, when it isn't the present one of the sandbox's clock: 14 days ago at most, such as 2026-11-21T03:00:00Z")
	c.Flags().BoolVar(&hold, "hold", false, "leave the lines in the buffers; 'logarchive sandbox flush' delivers them")
	return c
}

func (m *Main) send(ctx context.Context, a *archive, s sandbox.Source, lines []string, at time.Time, hold bool) error {
	receipt, err := a.delivery.SendAt(ctx, s, lines, at)
	if err != nil {
		return err
	}
	out := sent{Source: s.ID, Path: s.Path, Lines: receipt.Lines, Selected: receipt.Selected, Objects: []string{}}
	if !hold {
		if err := a.delivery.Flush(ctx); err != nil {
			return fmt.Errorf("the lines are in the buffers, and can't be delivered from there:\n%w", err)
		}
		out.Flushed = true
		_, refs, err := a.delivery.Find(ctx, s)
		if err != nil {
			return err
		}
		for _, ref := range refs {
			out.Objects = append(out.Objects, ref.String())
		}
	}
	if m.json {
		return m.printJSON(out)
	}
	fmt.Fprintf(m.Stdout, "%s\n%s\nsent %s, %s on the way\n", s.ID, s.Path, lineCount(out.Lines), lineCount(out.Selected))
	if hold {
		fmt.Fprintln(m.Stdout, "they wait in the buffers: deliver them with 'logarchive sandbox flush'")
	}
	if n := len(out.Objects); n > 0 {
		fmt.Fprintf(m.Stdout, "the newest of %d objects with lines of it: %s\n", n, out.Objects[n-1])
	}
	return nil
}

// lineCount is "1 line", "2 lines".
func lineCount(n int) string {
	if n == 1 {
		return "1 line"
	}
	return fmt.Sprintf("%d lines", n)
}

// readLines reads the lines of a file, or of standard input.
func (m *Main) readLines(file string) ([]string, error) {
	in := m.Stdin
	if file != "" && file != "-" {
		if !filepath.IsAbs(file) {
			file = filepath.Join(m.Dir, file)
		}
		f, err := os.Open(file)
		if err != nil {
			return nil, usagef("--file: %w", err)
		}
		defer f.Close()
		in = f
	}
	var lines []string
	reader := bufio.NewReader(in)
	for {
		line, err := reader.ReadString('\n')
		if line != "" {
			lines = append(lines, strings.TrimRight(line, "\r\n"))
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	if len(lines) == 0 {
		return nil, usagef("there are no lines to send: standard input was empty; give --file or --generate")
	}
	return lines, nil
}

func (m *Main) replicateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "replicate BUCKET",
		Short: "Replicate again what failed, as a batch replication does",
		Long: `Replicate the objects of a bucket again whose replication failed: S3 itself never tries again. Mend the cause first;
'logarchive sandbox ls' says what it was.`,
		Example: "  logarchive sandbox replicate example-log-landing-222233334444-beijing",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("which bucket? One; 'logarchive sandbox ls' lists those with replications")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			return m.withArchive(func(a *archive) error {
				if _, err := knownBucket(a, args[0]); err != nil {
					return &usageError{err}
				}
				n, err := a.store.Retry(args[0])
				if err == nil {
					err = a.delivery.Flush(c.Context())
				}
				if err != nil {
					return err
				}
				if m.json {
					return m.printJSON(map[string]any{"bucket": args[0], "replicated": n})
				}
				_, err = fmt.Fprintf(m.Stdout, "%d objects of %s were replicated again\n", n, args[0])
				return err
			})
		},
	}
}

func (m *Main) flushCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "flush",
		Short:   "Move the sandbox's clock on until nothing waits in buffers",
		Long:    "Do what is due (events, schedules, queues), then move the sandbox's clock on until every buffer was delivered (Firehose's, flow\nlogs'), and tell of those that can't be.",
		Example: "  logarchive sandbox send --source vpc-0a1b2c3d4e5f60718 --generate 10 --hold\n  logarchive sandbox flush",
		Args:    noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := m.catchUp(c.Context()); err != nil {
				return err
			}
			return m.withArchive(func(a *archive) error {
				if err := a.delivery.Flush(c.Context()); err != nil {
					return err
				}
				if m.json {
					return m.printJSON(map[string]any{"clock": a.clock.Now()})
				}
				_, err := fmt.Fprintf(m.Stdout, "nothing waits; the sandbox's clock is at %s\n", a.clock.Now().Format("2006-01-02 15:04:05 MST"))
				return err
			})
		},
	}
}
