package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/spf13/cobra"

	"github.com/logarchive/logarchive/functions/redrive"
	"github.com/logarchive/logarchive/functions/redrive/connect"
	"github.com/logarchive/logarchive/sandbox"
)

// A receivedMessage is what "sandbox receive" prints with --json, one for each message.
type receivedMessage struct {
	ID       string            `json:"id"`
	Receives int               `json:"receives"`
	Body     string            `json:"body"`
	Objects  []receivedContent `json:"objects"`
}

type receivedContent struct {
	Object string `json:"object"`
	Bytes  int64  `json:"bytes"` // as stored
	Lines  int    `json:"lines"` // of text objects, decompressed
}

func (m *Main) receiveCommand() *cobra.Command {
	var queue, as string
	var most int
	var keep bool
	c := &cobra.Command{
		Use:   "receive --queue QUEUE",
		Short: "Receive events as a consumer of the archive, and read the objects",
		Long: `Receive the events of objects from a queue in the sandbox as its consumer does, read each object, and delete the event. The
consumer is the role that the stack's configuration names; what it may not do is refused with AWS's error code.

With --keep the events stay in the queue: they come back after the visibility timeout, and after some receives they go to the
dead letter queue. 'logarchive redrive --sandbox' moves them back.`,
		Example: `  logarchive sandbox receive --queue splunk
  logarchive sandbox receive --queue log-archive-siem-elastic --most 1 --json`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case queue == "":
				return usagef("which queue? Name it, or a part of its name, with --queue")
			case most < 1:
				return usagef("--most %d: want 1 or more", most)
			}
			return m.withArchive(func(a *archive) error { return m.receive(c.Context(), a, queue, as, most, keep) })
		},
	}
	c.Flags().StringVar(&queue, "queue", "", "the `name` of the queue, or a part of it (needed)")
	c.Flags().StringVar(&as, "as", "", "the `ARN` of the role that receives (default: the one of the stack's configuration)")
	c.Flags().IntVar(&most, "most", 10, "receive so many `events` at most")
	c.Flags().BoolVar(&keep, "keep", false, "leave the events in the queue, as a consumer that fails does")
	return c
}

func (m *Main) receive(ctx context.Context, a *archive, name, as string, most int, keep bool) error {
	queue, err := a.delivery.Queue(name)
	if err != nil {
		return &usageError{err}
	}
	consumer, err := a.delivery.Consumer(queue, as)
	if err != nil {
		return &usageError{err}
	}
	messages, err := consumer.Receive(ctx, most)
	if err != nil {
		return err
	}
	lost, err := a.store.LostEvents()
	if err != nil {
		return err
	}
	out := []receivedMessage{}
	for _, message := range messages {
		one := receivedMessage{ID: message.ID, Receives: message.Receives, Body: message.Body}
		refs, err := message.Objects()
		if err != nil {
			return err
		}
		for _, ref := range refs {
			content, err := readAs(ctx, consumer, ref)
			if err != nil {
				return err
			}
			one.Objects = append(one.Objects, content)
		}
		if !keep {
			if err := consumer.Delete(ctx, message); err != nil {
				return err
			}
		}
		out = append(out, one)
	}
	if m.json {
		return m.printJSON(out)
	}
	fmt.Fprintf(m.Stdout, "%s received %d events from %s\n", consumer.Role(), len(out), queue.Text("name"))
	for _, one := range out {
		for _, o := range one.Objects {
			fmt.Fprintf(m.Stdout, "  %s: %d bytes, %s\n", o.Object, o.Bytes, lineCount(o.Lines))
		}
	}
	for _, l := range lost {
		fmt.Fprintf(m.Stdout, "lost: the event of s3://%s/%s: %s\n", l.Bucket, l.Key, l.Reason)
	}
	return nil
}

// readAs reads an object as a consumer, and counts its lines.
func readAs(ctx context.Context, consumer *sandbox.Consumer, ref sandbox.ObjectRef) (receivedContent, error) {
	file, stored, err := consumer.Read(ctx, ref)
	if err != nil {
		return receivedContent{}, err
	}
	content := receivedContent{Object: ref.String(), Bytes: stored.Size}
	data, err := io.ReadAll(file)
	if err = errors.Join(err, file.Close()); err != nil || strings.HasSuffix(ref.Key, ".parquet") {
		return content, err
	}
	if strings.HasSuffix(ref.Key, ".gz") {
		unpacked, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return content, err
		}
		if data, err = io.ReadAll(unpacked); err != nil {
			return content, err
		}
	}
	content.Lines = bytes.Count(data, []byte("\n"))
	return content, nil
}

// A redriven is what "redrive" prints with --json.
type redriven struct {
	Queue string `json:"queue"`
	redrive.Summary
}

func (m *Main) redriveCommand() *cobra.Command {
	var o redrive.Options
	var inSandbox bool
	c := &cobra.Command{
		Use:   "redrive --queue QUEUE",
		Short: "Move messages from a dead letter queue back to its queue",
		Long: `Move the messages that a consumer failed to handle, or that SNS couldn't pass on, from the dead letter queue back to the queue:
after what failed has been repaired. The dead letter queue is the one that the queue's redrive policy names.

A message is deleted from the dead letter queue after the queue has taken it: whatever ends a run, it is delivered at least once.
A run moves as many messages as are there when it begins, and can be repeated.

In AWS, credentials are those of the environment; they must be allowed to receive and delete in the dead letter queue, to send to
the queue, and to use the queues' key: the role that deploys is.

Exit codes: 0 what was there is moved (with --dry-run: it was counted); 1 messages stay, the reasons are printed; 2 bad usage.`,
		Example: `  logarchive redrive --queue "$(pulumi stack output --json siem | jq -r .splunk.queueUrl)"
  logarchive redrive --queue splunk --sandbox --dry-run`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case o.Queue == "":
				return usagef("which queue? Name it with --queue: its URL, or in the sandbox a part of its name")
			case o.Most < 0 || o.Pause < 0:
				return usagef("--most and --pause: want 0 or more")
			case !inSandbox && !strings.HasPrefix(o.Queue, "https://"):
				return usagef("--queue %s: want the queue's URL, which begins with https://", o.Queue)
			}
			if !inSandbox {
				queues, err := connect.New(c.Context(), o.Queue)
				if err != nil {
					return err
				}
				return m.redrive(c.Context(), queues, o)
			}
			return m.withArchive(func(a *archive) error {
				queue, err := a.delivery.Queue(o.Queue)
				if err != nil {
					return &usageError{err}
				}
				o.Queue = queue.ID
				return m.redrive(c.Context(), a.delivery.RedriveQueues(), o)
			})
		},
	}
	c.Flags().StringVar(&o.Queue, "queue", "", "the `URL` of the queue, in the sandbox a part of its name (needed)")
	c.Flags().IntVar(&o.Most, "most", 0, "move so many `messages` at most; 0 for as many as are there")
	c.Flags().BoolVar(&o.DryRun, "dry-run", false, "count the messages, and move none")
	c.Flags().DurationVar(&o.Pause, "pause", 0, "wait so long after ten messages, such as `"+time.Second.String()+"`")
	c.Flags().BoolVar(&inSandbox, "sandbox", false, "work in the sandbox on this machine (.sandbox/ in the project), not in AWS")
	return c
}

func (m *Main) redrive(ctx context.Context, q redrive.Queues, o redrive.Options) error {
	s, err := redrive.Run(ctx, q, o)
	if m.json {
		return errors.Join(m.printJSON(redriven{o.Queue, s}), err)
	}
	fmt.Fprintf(m.Stdout, "%s has about %d messages; %d moved, %d stay\n", s.DeadLetterQueue, s.Waiting, s.Moved, s.Failed)
	return err
}
