package sandbox

import (
	"errors"
	"slices"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/partition"
)

// KeptRefusal is something that went wrong in the background, where nobody waits for an answer: it is kept until the same
// thing has gone well.
type KeptRefusal struct {
	// About is the ARN of what it happened to: a rule, a function, a queue.
	About string          `json:"about"`
	Place partition.Place `json:"place"`
	Step  string          `json:"step"`
	// Code is AWS's error code, and Reason says what is missing.
	Code     string `json:"code"`
	Reason   string `json:"reason"`
	Action   string `json:"action"`
	Resource string `json:"resource"`
	// Times it has happened, the last time At.
	Times int       `json:"times"`
	At    time.Time `json:"at"`
}

// refused keeps what was refused, and adds it to the error of the run. Anything that isn't a refusal comes back.
func (b *Background) refused(about string, place partition.Place, err error) error {
	found, rest := Refusals(err)
	for _, r := range found {
		b.failed = errors.Join(b.failed, r)
	}
	if len(found) == 0 {
		return rest
	}
	now := b.d.clock.Now()
	return errors.Join(rest, b.world.change(func() (*change, error) {
		c := &change{}
		for _, r := range found {
			o := &Object{Type: keptRefusal, ID: uuidOf(about + "\n" + r.Hop.Step + "\n" + r.Code + "\n" + r.Hop.Action + "\n" + r.Hop.Resource), Place: place, External: true, Created: now}
			times := 1.0
			if old := b.world.objects[keyOf(o)]; old != nil {
				times += numberIn(old, "times")
			}
			o.State = resource.PropertyMap{"times": resource.NewNumberProperty(times), "at": milliseconds(now)}
			for name, value := range map[string]string{
				"about": about, "step": r.Hop.Step, "code": r.Code, "reason": r.Reason, "action": r.Hop.Action, "resource": r.Hop.Resource,
			} {
				o.State[resource.PropertyKey(name)] = resource.NewStringProperty(value)
			}
			c.Put = slices.DeleteFunc(c.Put, func(earlier *Object) bool { return keyOf(earlier) == keyOf(o) })
			c.Put = append(c.Put, o)
		}
		return c, nil
	}))
}

// wentWell forgets what was refused to something.
func (b *Background) wentWell(about string) error {
	var keys []key
	visit(b.world, keptRefusal, func(o *Object) {
		if o.Text("about") == about {
			keys = append(keys, keyOf(o))
		}
	})
	if len(keys) == 0 {
		return nil
	}
	return b.world.change(func() (*change, error) { return &change{Delete: keys}, nil })
}

// Refusals takes the refusals out of an error; rest is everything else in it.
func Refusals(err error) (found []*Refusal, rest error) {
	switch e := err.(type) {
	case nil:
		return nil, nil
	case *Refusal:
		return []*Refusal{e}, nil
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			refusals, others := Refusals(inner)
			found, rest = append(found, refusals...), errors.Join(rest, others)
		}
		return found, rest
	}
	if r := (*Refusal)(nil); errors.As(err, &r) {
		return []*Refusal{r}, nil
	}
	return nil, err
}

// QueueStatus is how a queue stands that has messages.
type QueueStatus struct {
	Place partition.Place `json:"place"`
	Name  string          `json:"name"`
	ARN   string          `json:"arn"`
	// Visible messages can be received, InFlight ones were, and come back at the end of their visibility timeout.
	Visible  int `json:"visible"`
	InFlight int `json:"inFlight"`
	// Oldest is when the oldest of them was sent.
	Oldest time.Time `json:"oldest"`
	// Bodies are the oldest messages, ten at most.
	Bodies []string `json:"bodies"`
}

// BackgroundStatus is what waits, and what went wrong.
type BackgroundStatus struct {
	Queues []QueueStatus `json:"queues"`
	// Events are on their way to rules, Invocations wait to be made, perhaps again.
	Events      int           `json:"events"`
	Invocations int           `json:"invocations"`
	Refusals    []KeptRefusal `json:"refusals"`
}

// Status says what waits, and what was refused. It needs no world that can be changed.
func (b *Background) Status() BackgroundStatus {
	now := b.d.clock.Now()
	s := BackgroundStatus{
		Queues: []QueueStatus{}, Refusals: []KeptRefusal{},
		Events: len(b.world.List(pendingEvent)), Invocations: len(b.world.List(pendingInvocation)),
	}
	messages := b.world.List(queueMessage)
	slices.SortFunc(messages, inOrderSent)
	for _, queue := range b.world.List(queueToken) {
		q := QueueStatus{Place: queue.Place, Name: queue.Text("name"), ARN: queue.ARN(), Bodies: []string{}}
		for _, m := range messages {
			if m.Text("queue") != q.ARN {
				continue
			}
			if sent := timeIn(&m, "sent"); q.Oldest.IsZero() || sent.Before(q.Oldest) {
				q.Oldest = sent
			}
			if timeIn(&m, "visible").After(now) {
				q.InFlight++
			} else {
				q.Visible++
			}
			if len(q.Bodies) < 10 {
				q.Bodies = append(q.Bodies, m.Text("body"))
			}
		}
		if q.Visible+q.InFlight > 0 {
			s.Queues = append(s.Queues, q)
		}
	}
	for _, o := range b.world.List(keptRefusal) {
		s.Refusals = append(s.Refusals, KeptRefusal{
			About: o.Text("about"), Place: o.Place, Step: o.Text("step"), Code: o.Text("code"), Reason: o.Text("reason"),
			Action: o.Text("action"), Resource: o.Text("resource"), Times: int(numberIn(&o, "times")), At: timeIn(&o, "at"),
		})
	}
	slices.SortStableFunc(s.Refusals, func(a, b KeptRefusal) int { return a.At.Compare(b.At) })
	return s
}
