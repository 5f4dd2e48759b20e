package sandbox

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// QueuedMessage is a message in a queue. Like the objects that it tells of it is kept in the store's journal: the line that
// makes an object appear has its messages, too, so that no process that is killed leaves an object without its event.
type QueuedMessage struct {
	ID    string `json:"id"`
	Queue string `json:"queue"` // ARN
	Body  string `json:"body"`
	// Sent is when it came into the queue, Visible when it can be received (again); by the sandbox's clock.
	Sent     time.Time `json:"sent"`
	Visible  time.Time `json:"visible"`
	Receives int       `json:"receives,omitempty"`
}

// LostEvent is an event that reached no queue: nobody gets it any more, and at AWS nobody is told.
type LostEvent struct {
	Bucket string    `json:"bucket"`
	Key    string    `json:"key"`
	At     time.Time `json:"at"`
	Code   string    `json:"code"`
	Reason string    `json:"reason"`
}

// queueChange is what a line of the journal says of queues: messages that are put, in a new state or for the first time, and
// such as are deleted.
type queueChange struct {
	Put    []QueuedMessage `json:"put,omitempty"`
	Delete []string        `json:"delete,omitempty"` // ids
	Lost   []LostEvent     `json:"lost,omitempty"`
}

func (c *queueChange) empty() bool { return c == nil || len(c.Put)+len(c.Delete)+len(c.Lost) == 0 }

// queueIndex is what the journal says of queues, in memory.
type queueIndex struct {
	messages map[string]QueuedMessage // by id
	lost     []LostEvent
}

func (x *queueIndex) apply(c *queueChange) {
	if c == nil {
		return
	}
	if x.messages == nil {
		x.messages = map[string]QueuedMessage{}
	}
	for _, m := range c.Put {
		x.messages[m.ID] = m
	}
	for _, id := range c.Delete {
		delete(x.messages, id)
	}
	x.lost = append(x.lost, c.Lost...)
}

// queued returns the messages of a queue in the order in which they came.
func (s *Store) queued(queue string) ([]QueuedMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refresh(); err != nil {
		return nil, err
	}
	var found []QueuedMessage
	for m := range maps.Values(s.index.queues.messages) {
		if m.Queue == queue {
			found = append(found, m)
		}
	}
	slices.SortFunc(found, func(a, b QueuedMessage) int { return cmp.Or(a.Sent.Compare(b.Sent), cmp.Compare(a.ID, b.ID)) })
	return found, nil
}

// LostEvents returns the events that were lost, in order.
func (s *Store) LostEvents() ([]LostEvent, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.refresh()
	return slices.Clone(s.index.queues.lost), err
}

// changeQueues makes a change of queues durable, then visible.
func (s *Store) changeQueues(c *queueChange) error {
	if c.empty() {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.writable(); err != nil {
		return err
	}
	return s.change(&storeChange{Queues: c})
}
