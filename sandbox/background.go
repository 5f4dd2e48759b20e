package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/catalog"
)

// The types of what waits in the world for its time. They are no resource types of AWS: no stack has them.
const (
	pendingEvent      = "sandbox:events/event:Event"           // on its way to the rules
	pendingInvocation = "sandbox:lambda/invocation:Invocation" // asynchronous, of a function
	queueMessage      = "sandbox:sqs/message:Message"
	firedSchedule     = "sandbox:events/schedule:Schedule" // when a rule came due last
	keptRefusal       = "sandbox:index/refusal:Refusal"    // what went wrong, for whoever looks
)

const (
	ruleToken       = catalog.EventRule
	targetToken     = "aws:cloudwatch/eventTarget:EventTarget"
	queueToken      = catalog.Queue
	mappingToken    = "aws:lambda/eventSourceMapping:EventSourceMapping"
	permissionToken = catalog.Permission
	queuePolicy     = "aws:sqs/queuePolicy:QueuePolicy"
)

// Background is what goes on in AWS by itself: an event reaches the rules that match it and their targets, a schedule comes
// due, a queue hands its messages to a function, and functions run, each in its role. All that waits is in the world, so
// that a process that is killed loses nothing: what it had begun happens again, as at AWS, where everything happens at
// least once.
type Background struct {
	world *World
	d     *Delivery
	// failed is what was refused since the last call.
	failed error
}

// NewBackground returns the background of a world, of which the delivery delivers. What runs in it may change the world.
func NewBackground(w *World, d *Delivery) *Background {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writable = w
	return &Background{world: w, d: d}
}

// Run does what is due, and what follows from it at once. It doesn't wait for anything: see [Background.Wait]. The error
// has a [*Refusal] for each thing that was refused on the way; the rest is done all the same.
func (b *Background) Run(ctx context.Context) error {
	b.d.mu.Lock()
	defer b.d.mu.Unlock()
	if _, err := b.d.clock.Follow(); err != nil {
		return err
	}
	return b.settle(ctx)
}

// Wait lets time pass: it moves the clock from one thing that comes due to the next, and does each at its time, the
// deliveries from buffers included. Its error is that of Run and of [Delivery.Flush].
func (b *Background) Wait(ctx context.Context, span time.Duration) error {
	b.d.mu.Lock()
	defer b.d.mu.Unlock()
	if err := b.d.hold(); err != nil {
		return err
	}
	now, err := b.d.clock.Follow()
	if err != nil {
		return err
	}
	end := now.Add(span)
	problems := b.settle(ctx)
	for {
		now = b.d.clock.Now()
		next, err := b.nextAfter(now)
		if err != nil {
			return errors.Join(problems, err)
		}
		if next.IsZero() || next.After(end) {
			break
		}
		if now, err = b.d.clock.AdvanceTo(next); err != nil {
			return errors.Join(problems, err)
		}
		problems = errors.Join(problems, b.settle(ctx))
		_, err = b.d.deliverDue(ctx, now, nil)
		problems = errors.Join(problems, err, ctx.Err())
		if ctx.Err() != nil {
			return problems
		}
	}
	_, err = b.d.clock.AdvanceTo(end)
	return errors.Join(problems, err)
}

// settle does what is due at the clock's time until nothing is.
func (b *Background) settle(ctx context.Context) error {
	b.failed = nil
	for {
		done := 0
		for _, step := range []func(context.Context) (int, error){b.runSchedules, b.routeEvents, b.runInvocations, b.pollQueues} {
			n, err := step(ctx)
			if err = errors.Join(err, ctx.Err()); err != nil {
				return errors.Join(b.failed, err)
			}
			done += n
		}
		if done == 0 {
			return b.failed
		}
	}
}

// Due says whether something waits whose time has come. It needs no world that can be changed.
func (b *Background) Due() (bool, error) {
	at, err := b.next(time.Time{})
	if err != nil || at.IsZero() {
		return false, err
	}
	now, err := b.d.clock.Peek()
	return err == nil && !at.After(now), err
}

// nextAfter is when the next thing comes due after now, deliveries from buffers included; the zero time for nothing.
func (b *Background) nextAfter(now time.Time) (time.Time, error) {
	next, err := b.next(now)
	if err != nil {
		return next, err
	}
	all, err := b.d.allBuffers()
	if err != nil {
		return next, err
	}
	for _, buffer := range all {
		if buffer.feed.empty() {
			continue
		}
		due := b.d.due(buffer, now)
		if f := buffer.failure; f != nil && due.Before(f.At.Add(retryAfter)) {
			due = f.At.Add(retryAfter)
		}
		next = earlier(next, due, now)
	}
	return next, nil
}

// earlier is the earlier of a time and another one, if that is after now.
func earlier(next, other, now time.Time) time.Time {
	if other.After(now) && (next.IsZero() || other.Before(next)) {
		return other
	}
	return next
}

// next is when the next of what waits in the world comes due after now.
func (b *Background) next(now time.Time) (time.Time, error) {
	var next time.Time
	for _, token := range []string{pendingEvent, pendingInvocation} {
		visit(b.world, token, func(o *Object) { next = earlier(next, timeIn(o, "due"), now) })
	}
	read := b.readQueues()
	visit(b.world, queueMessage, func(o *Object) {
		if read[o.Text("queue")] {
			next = earlier(next, timeIn(o, "visible"), now)
		}
	})
	var problems error
	for _, rule := range b.world.List(ruleToken) {
		due, ok, err := b.scheduled(rule)
		problems = errors.Join(problems, err)
		if ok {
			next = earlier(next, due, now)
		}
	}
	return next, problems
}

// readQueues are the ARNs of the queues that a function reads.
func (b *Background) readQueues() map[string]bool {
	read := map[string]bool{}
	visit(b.world, mappingToken, func(o *Object) {
		if mappingEnabled(*o) {
			read[o.Text("eventSourceArn")] = true
		}
	})
	return read
}

// timeIn is a time in an object's state, in Unix milliseconds.
func timeIn(o *Object, property string) time.Time {
	return time.UnixMilli(int64(numberIn(o, property))).UTC()
}

func numberIn(o *Object, property string) float64 {
	if v := o.State[resource.PropertyKey(property)]; v.IsNumber() {
		return v.NumberValue()
	}
	return 0
}

// waiting are the objects of a type whose time has come, the oldest first.
func (b *Background) waiting(token, property string) []Object {
	now := b.d.clock.Now()
	var due []Object
	visit(b.world, token, func(o *Object) {
		if !timeIn(o, property).After(now) {
			due = append(due, *o)
		}
	})
	slices.SortFunc(due, func(a, b Object) int {
		return cmp.Or(cmp.Compare(numberIn(&a, "order"), numberIn(&b, "order")), cmp.Compare(a.ID, b.ID))
	})
	return due
}

// mostNumbers is how many things one change of the world can number.
const mostNumbers = 1000

// numbered makes the n-th object of a change that waits in the world. Its id and its place in the order follow from the
// number of the change, which is never used twice.
func (w *World) numbered(o Object, n int, state resource.PropertyMap) *Object {
	seq := w.journal.next()
	o.ID = uuidOf(fmt.Sprint(o.Type, " ", seq, " ", n))
	o.External = true
	o.Created = w.now().UTC()
	o.State = state
	o.State["order"] = resource.NewNumberProperty(float64(seq)*mostNumbers + float64(n))
	return &o
}

func milliseconds(t time.Time) resource.PropertyValue {
	return resource.NewNumberProperty(float64(t.UnixMilli()))
}
