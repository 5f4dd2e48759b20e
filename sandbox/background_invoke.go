package sandbox

import (
	"context"
	"fmt"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/catalog"
)

const functionToken = catalog.Function

// What Lambda does with an asynchronous invocation that fails: it tries twice again, after one and after two minutes; one
// that is throttled it tries for six hours.
//
// See https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
var asyncPauses = []time.Duration{time.Minute, 2 * time.Minute}

const asyncAge = 6 * time.Hour

// runInvocations makes the asynchronous invocations that are due.
func (b *Background) runInvocations(ctx context.Context) (int, error) {
	due := b.waiting(pendingInvocation, "due")
	for _, o := range due {
		if err := b.runInvocation(ctx, o); err != nil {
			return 0, err
		}
	}
	return len(due), nil
}

func (b *Background) runInvocation(ctx context.Context, o Object) error {
	arn := o.Text("function")
	f, ok, err := functionByARN(b.world, arn)
	failed := failedMissing
	switch {
	case err != nil:
		return fmt.Errorf("sandbox: %w", err)
	case ok:
		if _, failed, err = b.call(ctx, f, []byte(o.Text("payload"))); err != nil {
			return err
		}
	}
	if failed == nil {
		return b.world.change(func() (*change, error) { return &change{Delete: []key{keyOf(&o)}}, nil })
	}
	now := b.d.clock.Now()
	attempts := int(numberIn(&o, "attempts"))
	again := now
	switch {
	case failed == failedThrottle && now.Before(timeIn(&o, "since").Add(asyncAge)):
		again = now.Add(time.Minute)
	case failed != failedThrottle && failed != failedMissing && attempts < len(asyncPauses):
		again = now.Add(asyncPauses[attempts])
		attempts++
	default:
		hop := Hop{Step: "Lambda gives up an event for function " + arn, Action: "lambda:InvokeFunction", Resource: arn, Owner: o.Place.Account, Place: o.Place}
		if err := b.refused(arn, o.Place, hop.refuse(failed.code, arn, "%s It was tried %d times, and is dropped: %.300s", failed.message, attempts+1, o.Text("payload"))); err != nil {
			return err
		}
		return b.world.change(func() (*change, error) { return &change{Delete: []key{keyOf(&o)}}, nil })
	}
	o.State = o.State.Copy()
	o.State["due"], o.State["attempts"] = milliseconds(again), resource.NewNumberProperty(float64(attempts))
	return b.world.Put(o)
}

// call runs a function once in its role, and keeps what it wrote and what it was refused. failed says why it gave no answer.
func (b *Background) call(ctx context.Context, f *function, event []byte) (answer []byte, failed *functionFailure, err error) {
	assume, err := f.assumeHop()
	if err != nil {
		return nil, nil, err
	}
	if err := b.d.authorizer.Authorize(assume); err != nil {
		return nil, failedAccess, b.refused(f.arn, f.object.Place, err)
	}
	c := &invocation{function: f, started: b.d.clock.Now()}
	// The function looks at the time that it has left.
	limited, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	if answer, failed, err = b.d.invoke(limited, c, event); err == nil {
		err = c.keepLog(b.d)
	}
	if err != nil {
		return nil, nil, err
	}
	if _, err = b.d.clock.AdvanceTo(c.now()); err != nil {
		return nil, nil, err
	}
	if failed != nil && c.refused == nil {
		c.refused = assume.refuse(failed.code, f.arn, "%s", failed.message)
	}
	if c.refused == nil {
		return answer, nil, b.wentWell(f.arn)
	}
	return answer, failed, b.refused(f.arn, f.object.Place, c.refused)
}
