package sandbox

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/logarchive/logarchive/functions/rdsexports"
)

// exportsCall is one call of the function that switches exports on, with what it takes from its surroundings. Time passes when
// it waits, not while a person does.
type exportsCall struct {
	log       io.Writer
	until     time.Time
	now       func() time.Time
	pause     func(context.Context, time.Duration) error
	authorize func(Hop) error
}

// until is a context whose deadline is on another clock than the machine's.
type until struct {
	context.Context
	at time.Time
}

func (u until) Deadline() (time.Time, bool) { return u.at, true }

// runExports is functions/rdsexports with its command's settings, and the world in RDS's place.
func (w *World) runExports(ctx context.Context, f *function, call exportsCall, payload []byte) ([]byte, error) {
	config, err := rdsexports.FromEnviron(append(slices.Clone(f.environ), "AWS_LAMBDA_FUNCTION_NAME="+f.name))
	if err != nil {
		return nil, err
	}
	h := rdsexports.New(config, w.rdsOf(f, call.authorize), call.log)
	h.Now, h.Pause = call.now, call.pause
	return h.Invoke(until{ctx, call.until}, payload)
}

// exportsHost is the function as schedules call it.
type exportsHost struct {
	f *function
	h *host
}

func newExports(f *function, h *host) (invoker, error) { return exportsHost{f, h}, nil }

// Invoke runs the function once.
func (e exportsHost) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	c, d := e.h.call, e.h.d
	if d.writable == nil {
		return nil, errors.New("the sandbox's world can only be read here")
	}
	return d.writable.runExports(ctx, e.f, exportsCall{
		log: logWriter{e.h}, until: c.started.Add(c.limit), now: c.now, pause: c.wait,
		authorize: func(hop Hop) error {
			err := d.authorizer.Authorize(hop)
			if refusal := (*Refusal)(nil); errors.As(err, &refusal) {
				c.refused = errors.Join(c.refused, err)
			}
			return err
		},
	}, event)
}
