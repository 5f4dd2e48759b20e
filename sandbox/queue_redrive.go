package sandbox

import (
	"context"
	"fmt"

	moving "github.com/logarchive/logarchive/functions/redrive"
)

// RedriveQueues is what package redrive needs of SQS, in the sandbox. Nobody is asked whether the caller may do it.
func (d *Delivery) RedriveQueues() moving.Queues { return redriveQueues{d} }

type redriveQueues struct{ d *Delivery }

// DeadLetters returns the URL of the queue's dead letter queue.
func (q redriveQueues) DeadLetters(_ context.Context, queue string) (string, error) {
	o, err := q.d.Queue(queue)
	if err != nil {
		return "", err
	}
	policy, _, err := redriveOf(o)
	dead, ok := q.d.world.ByARN(policy.Target)
	if err != nil || !ok {
		return "", fmt.Errorf("queue %s has no dead letter queue: its redrive policy is %q", o.Text("name"), o.Text("redrivePolicy"))
	}
	return dead.ID, nil
}

// Waiting counts the messages that can be received.
func (q redriveQueues) Waiting(_ context.Context, queue string) (int, error) {
	o, err := q.d.Queue(queue)
	if err != nil {
		return 0, err
	}
	messages, err := q.d.store.queued(o.ARN())
	n, now := 0, q.d.clock.Now()
	for _, m := range messages {
		if !m.Visible.After(now) {
			n++
		}
	}
	return n, err
}

// Receive hides messages, as any consumer's call does.
func (q redriveQueues) Receive(_ context.Context, queue string, most int) ([]moving.Message, error) {
	o, err := q.d.Queue(queue)
	if err != nil {
		return nil, err
	}
	q.d.mu.Lock()
	defer q.d.mu.Unlock()
	received, change, err := q.d.receive(o, q.d.clock.Now(), most)
	if err != nil {
		return nil, err
	}
	messages := make([]moving.Message, len(received))
	for i, m := range received {
		messages[i] = moving.Message{ID: m.ID, Body: m.Body, Handle: m.ID}
	}
	return messages, q.d.store.changeQueues(change)
}

// Send makes a new message, as SQS does.
func (q redriveQueues) Send(_ context.Context, queue string, m moving.Message) error {
	o, err := q.d.Queue(queue)
	if err != nil {
		return err
	}
	now := q.d.clock.Now()
	id := uuidOf(fmt.Sprint(o.ARN(), " again ", m.ID))
	return q.d.store.changeQueues(&queueChange{Put: []QueuedMessage{{ID: id, Queue: o.ARN(), Body: m.Body, Sent: now, Visible: now}}})
}

// Delete takes a message away.
func (q redriveQueues) Delete(_ context.Context, _ string, m moving.Message) error {
	return q.d.store.changeQueues(&queueChange{Delete: []string{m.Handle}})
}
