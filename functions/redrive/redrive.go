// Package redrive moves messages from a dead letter queue back to the queue that they came from, once what failed to handle
// them is repaired. It needs nothing but the messages themselves, where SQS's own StartMessageMoveTask isn't known to exist.
//
// A message is deleted from the dead letter queue after the queue has taken it, and only then: a run that is killed in between
// leaves it in both, so that it is delivered at least once. A run that is repeated moves what is left. It moves as many as were
// there when it began, so that it ends, also when the messages fail again meanwhile and come back.
package redrive

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Message is a message as SQS gives it.
type Message struct {
	ID, Body string
	// Handle is what it is deleted by.
	Handle string
	// Attributes are its message attributes, which move with it.
	Attributes map[string]Attribute
}

// Attribute is a message attribute: a text or bytes.
type Attribute struct {
	Type  string // String, Number or Binary, with a custom label or without
	Text  string
	Bytes []byte
}

// Queues is what is needed of SQS. Queues are named by their URLs.
type Queues interface {
	// DeadLetters returns the dead letter queue that the queue's redrive policy names.
	DeadLetters(ctx context.Context, queue string) (string, error)
	// Waiting returns about how many messages can be received.
	Waiting(ctx context.Context, queue string) (int, error)
	// Receive returns up to 10 messages; none when the queue seems empty. They are hidden for a while.
	Receive(ctx context.Context, queue string, most int) ([]Message, error)
	// Send puts a message.
	Send(ctx context.Context, queue string, m Message) error
	// Delete takes a received message away.
	Delete(ctx context.Context, queue string, m Message) error
}

// Options are those of [Run].
type Options struct {
	// Queue is the URL of the queue that messages go back to.
	Queue string
	// Most is how many messages are moved at most; 0 means as many as are there at the beginning.
	Most int
	// DryRun says only how many there are.
	DryRun bool
	// Pause is how long to wait after each batch, so that the consumer isn't flooded.
	Pause time.Duration
}

// Summary is what a run has done.
type Summary struct {
	DeadLetterQueue string `json:"deadLetterQueue"`
	// Waiting is about how many messages there were at the beginning.
	Waiting int `json:"waiting"`
	Moved   int `json:"moved"`
	// Failed is how many stay, with the reasons in the error.
	Failed int `json:"failed"`
}

// batch is how many messages SQS gives at a time.
const batch = 10

// emptyAnswers is how many answers without a message end a run: a short poll asks some of SQS's servers only.
const emptyAnswers = 3

// Run moves messages back. Its error has a reason for each message that stays, and comes with the summary of what was done.
func Run(ctx context.Context, q Queues, o Options) (Summary, error) {
	var s Summary
	var err error
	if s.DeadLetterQueue, err = q.DeadLetters(ctx, o.Queue); err != nil {
		return s, err
	}
	if s.Waiting, err = q.Waiting(ctx, s.DeadLetterQueue); err != nil || o.DryRun {
		return s, err
	}
	most := o.Most
	if most == 0 {
		most = s.Waiting
	}
	var problems error
	for empty := 0; s.Moved+s.Failed < most && empty < emptyAnswers; {
		received, err := q.Receive(ctx, s.DeadLetterQueue, min(batch, most-s.Moved-s.Failed))
		if err != nil {
			return s, errors.Join(problems, err)
		}
		if len(received) == 0 {
			empty++
			continue
		}
		empty = 0
		for _, m := range received {
			if err := move(ctx, q, s.DeadLetterQueue, o.Queue, m); err != nil {
				problems = errors.Join(problems, fmt.Errorf("message %s: %w", m.ID, err))
				s.Failed++
			} else {
				s.Moved++
			}
		}
		if err := pause(ctx, o.Pause); err != nil {
			return s, errors.Join(problems, err)
		}
	}
	return s, problems
}

// move puts a message, and then takes it away: in this order, so that it is never nowhere.
func move(ctx context.Context, q Queues, from, to string, m Message) error {
	if err := q.Send(ctx, to, m); err != nil {
		return err
	}
	if err := q.Delete(ctx, from, m); err != nil {
		return fmt.Errorf("it is in both queues now: %w", err)
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
