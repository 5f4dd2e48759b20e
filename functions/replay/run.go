package replay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Options say what is brought back, and where to.
type Options struct {
	Bucket string
	Prefix string // an error prefix, or a part of one
	Stream string // the name of the delivery stream
	// ReplayPrefix is where the markers are; DefaultReplayPrefix when it is "". It ends with a slash.
	ReplayPrefix string
	// DryRun reads and reports, and writes nothing at all.
	DryRun bool
	// MinAge leaves younger objects alone.
	MinAge time.Duration
	// Lease is how long a claim holds after its last sign of life; DefaultLease when it is 0. At least a minute.
	Lease time.Duration
	// BytesPerSecond bounds the pace, so that what comes in live isn't throttled; 0 for none. In China a stream takes
	// 1 MiB a second unless its quota has been raised.
	BytesPerSecond int
}

// The defaults.
const (
	DefaultReplayPrefix = "replay/"
	DefaultLease        = 15 * time.Minute

	slowest = 1 << 16 // bytes a second; a batch then takes a minute
)

// Summary adds up a run.
type Summary struct {
	Objects  map[Outcome]int `json:"objects"`
	Records  int             `json:"records"`
	Before   int             `json:"before"`
	Replayed int             `json:"replayed"`
	Failed   int             `json:"failed"`
	Bytes    int64           `json:"bytes"`
	InDoubt  int             `json:"inDoubt"`
	Ended    bool            `json:"ended"` // every object was looked at, before the time was used up
}

// Complete tells whether nothing is left to do: every record of every object is on the stream.
func (s Summary) Complete() bool {
	return s.Ended && s.Objects[Open]+s.Objects[Busy]+s.Objects[Young]+s.Objects[Dry] == 0
}

func (s *Summary) add(r Report) {
	s.Objects[r.Outcome]++
	s.Records += r.Records
	s.Before += r.Before
	s.Replayed += r.Replayed
	s.Failed += r.Failed
	s.Bytes += r.Bytes
	s.InDoubt += r.InDoubt
}

// ErrStreamRefuses ends a run early: the stream took no record of several objects in a row.
var ErrStreamRefuses = errors.New("the stream takes nothing")

// An OptionsError names everything that is wrong with Options.
type OptionsError struct{ Problems []string }

func (e *OptionsError) Error() string { return "replay:\n  " + strings.Join(e.Problems, "\n  ") }

func (o *Options) complete() error {
	if o.ReplayPrefix == "" {
		o.ReplayPrefix = DefaultReplayPrefix
	}
	if o.Lease == 0 {
		o.Lease = DefaultLease
	}
	var problems []string
	refuse := func(wrong bool, format string, values ...any) {
		if wrong {
			problems = append(problems, fmt.Sprintf(format, values...))
		}
	}
	refuse(o.Bucket == "", "bucket: missing; accepted: the name of the bucket with the error objects")
	refuse(o.Prefix == "", "prefix: missing; accepted: the error prefix of a stream, such as errors/logs/: without one, the whole archive would be read")
	refuse(o.Stream == "", "stream: missing; accepted: the name of the delivery stream that the records go to")
	refuse(!strings.HasSuffix(o.ReplayPrefix, "/") || o.ReplayPrefix == "/", "replay prefix: %q is not accepted; accepted: a prefix of keys that ends with a slash", o.ReplayPrefix)
	refuse(o.Prefix != "" && strings.HasPrefix(o.Prefix, o.ReplayPrefix), "prefix: %q lies where the markers are (%q); accepted: an error prefix", o.Prefix, o.ReplayPrefix)
	refuse(o.Lease < time.Minute, "lease: %v is not accepted; accepted: a minute or more", o.Lease)
	refuse(o.MinAge < 0, "minimum age: %v is not accepted; accepted: 0 or more", o.MinAge)
	refuse(o.BytesPerSecond != 0 && o.BytesPerSecond < slowest, "bytes per second: %d is not accepted; accepted: 0 (no bound), or 65536 or more", o.BytesPerSecond)
	if problems != nil {
		return &OptionsError{problems}
	}
	return nil
}

// refusals is how many objects the stream may refuse whole, one after the other.
const refusals = 3

// Run brings back every error object under the prefix and reports each. It ends in order before the context's deadline;
// then Summary.Ended is false, and another run goes on where it ended. Its error is an *OptionsError, ErrStreamRefuses,
// or why the bucket can't be listed; records that are still missing are no error but in the reports.
func Run(ctx context.Context, o Options, c Clients, report func(Report)) (Summary, error) {
	s := Summary{Objects: map[Outcome]int{}}
	if err := o.complete(); err != nil {
		return s, err
	}
	inARow, pace := 0, &pacer{rate: o.BytesPerSecond}
	err := c.Store.List(ctx, o.Bucket, o.Prefix, func(obj Object) error {
		if strings.HasPrefix(obj.Key, o.ReplayPrefix) {
			return nil
		}
		if short(ctx, 2*reserve) {
			return errStop
		}
		r := replayObject(ctx, o, c, obj, pace)
		s.add(r)
		if report != nil {
			report(r)
		}
		if r.timeOver {
			return errStop
		}
		if !r.refused {
			inARow = 0
		} else if inARow++; inARow == refusals {
			return fmt.Errorf("%w: %s", ErrStreamRefuses, r.Problem)
		}
		return nil
	})
	switch {
	case err == nil:
		s.Ended = true
	case errors.Is(err, errStop):
		err = ctx.Err()
		if errors.Is(err, context.DeadlineExceeded) {
			err = nil
		}
	case !errors.Is(err, ErrStreamRefuses):
		err = fmt.Errorf("listing %s/%s: %w", o.Bucket, o.Prefix, err)
	}
	return s, err
}

// One brings back one object, whose version may be unknown ("").
func One(ctx context.Context, o Options, c Clients, key, version string) (Report, error) {
	if o.Prefix == "" {
		o.Prefix = key
	}
	if err := o.complete(); err != nil {
		return Report{}, err
	}
	obj, err := c.Store.Stat(ctx, o.Bucket, key, version)
	if err != nil {
		return Report{}, fmt.Errorf("finding %s: %w", key, err)
	}
	return replayObject(ctx, o, c, obj, &pacer{rate: o.BytesPerSecond}), nil
}
