package rdsexports

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/logarchive/logarchive/functions/subscribe/report"
)

// Report is what became of a database.
type Report struct {
	Database string `json:"database"`
	Kind     Kind   `json:"kind"`
	// Exports are the types that are switched on, sorted.
	Exports []string `json:"exports"`
	// SwitchedOn and SwitchedOff are what this invocation did.
	SwitchedOn  []string `json:"switchedOn,omitempty"`
	SwitchedOff []string `json:"switchedOff,omitempty"`
	// Ours are the types that the tag says the function has switched on, now or earlier.
	Ours []string `json:"ours,omitempty"`
	// Gone says that there is no such database any more.
	Gone bool `json:"gone,omitempty"`
	// Findings are parameters and options without which exported logs lack something.
	Findings []Finding `json:"findings,omitempty"`
}

// Pauses between two looks at a database, and what is kept of an invocation's time to end it in order.
const (
	firstPause, longestPause = 3 * time.Second, 20 * time.Second
	reserve                  = 10 * time.Second
	// patience is how long a denial is taken for one of a policy that isn't effective yet: the role is made just before
	// (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency).
	patience = 45 * time.Second
)

// ErrNotYet is the error for a database that couldn't be changed, or hadn't taken the change, when the time was used up.
var ErrNotYet = errors.New("run `pulumi up` again: it goes on where this ended")

// switchOn makes sure that the wanted types are exported, and reports what the logs need besides.
func (h *Handler) switchOn(ctx context.Context, w *Wanted) (*Report, error) {
	r := &Report{Database: w.Identifier, Kind: w.kind()}
	d, err := h.settle(ctx, w, r, func(d *Database, ours []string) (enable, disable []string) {
		if h.cfg.Restore {
			disable = without(both(ours, d.on()), w.LogTypes)
		}
		return without(w.LogTypes, d.on()), disable
	})
	if err != nil {
		return nil, err
	}
	r.Findings, err = h.findings(ctx, w, d, groups{})
	if err != nil {
		return nil, fmt.Errorf("%v: the parameters that its logs need can't be read: %w", w, err)
	}
	h.log.Event(map[string]any{"level": "info", "code": "SwitchedOn", "report": r})
	return r, nil
}

// remove is the end of a database in the program.
func (h *Handler) remove(ctx context.Context, w *Wanted) (*Report, error) {
	r := &Report{Database: w.Identifier, Kind: w.kind()}
	if !h.cfg.Restore {
		h.log.Event(map[string]any{"level": "info", "code": "Kept", "database": w.Identifier, "message": "the exports stay as they are"})
		return r, nil
	}
	// Its engine doesn't matter any more.
	last := &Wanted{Identifier: w.Identifier, Cluster: w.Cluster}
	_, err := h.settle(ctx, last, r, func(d *Database, ours []string) (enable, disable []string) { return nil, both(ours, d.on()) })
	if notFound(err) {
		r.Gone = true
		return r, nil
	}
	return r, err
}

// settle looks at a database and changes its exports until there is nothing left to change and RDS has done it, or the
// time is used up.
func (h *Handler) settle(ctx context.Context, w *Wanted, r *Report, change func(d *Database, ours []string) (enable, disable []string)) (*Database, error) {
	pause, last, begun := firstPause, error(nil), h.Now()
	for {
		d, err := h.describe(ctx, w)
		switch {
		case err == nil:
			var enable, disable []string
			ours := readOurs(d.Tags[h.cfg.TagKey])
			enable, disable = change(d, ours)
			if len(enable)+len(disable) == 0 && len(d.Enabling)+len(d.Disabling) == 0 {
				r.Exports, r.Ours = slices.Sorted(slices.Values(d.Exports)), ours
				return d, nil
			}
			if advice := hopeless[d.Status]; advice != "" {
				return nil, fmt.Errorf("%v is %s, so its exports can't be changed: %s", w, d.Status, advice)
			}
			if len(enable)+len(disable) > 0 {
				err = h.apply(ctx, w, d, r, ours, enable, disable)
			}
			last = fmt.Errorf("%v is %s; %s", w, d.Status, waitingFor(enable, disable, d))
		case notFound(err):
			return nil, fmt.Errorf("there is no %v in this region: %w", w, err)
		}
		if err != nil {
			if !curable(err) && !(denied(err) && h.Now().Sub(begun) < patience) {
				return nil, fmt.Errorf("%v: %w", w, err)
			}
			last = fmt.Errorf("%v: %w", w, err)
		}
		if deadline, ok := ctx.Deadline(); ok && deadline.Sub(h.Now()) < pause+reserve {
			return nil, fmt.Errorf("%w. The function's time is used up: %w", last, ErrNotYet)
		}
		if err := h.Pause(ctx, pause); err != nil {
			return nil, fmt.Errorf("%w. The function's time is used up: %w", last, ErrNotYet)
		}
		pause = min(2*pause, longestPause)
	}
}

func waitingFor(enable, disable []string, d *Database) string {
	var parts []string
	if on := append(enable, d.Enabling...); len(on) > 0 {
		parts = append(parts, "to be switched on: "+strings.Join(on, ", "))
	}
	if off := append(disable, d.Disabling...); len(off) > 0 {
		parts = append(parts, "to be switched off: "+strings.Join(off, ", "))
	}
	return strings.Join(parts, "; ")
}

// describe looks at a database, which must be of the engine that the log types were chosen for, if one is named.
func (h *Handler) describe(ctx context.Context, w *Wanted) (*Database, error) {
	d, err := h.rds.Describe(ctx, w.kind(), w.Identifier)
	if err != nil {
		return nil, err
	}
	if w.Engine != "" && d.Engine != w.Engine {
		return nil, &engineError{fmt.Sprintf("its engine is %s, and not %s as the configuration has it", d.Engine, w.Engine)}
	}
	return &d, nil
}

// engineError can't be cured by trying again.
type engineError struct{ message string }

func (e *engineError) Error() string     { return e.message }
func (e *engineError) ErrorCode() string { return "EngineMismatch" }

// apply changes the exports, and then remembers what is ours.
func (h *Handler) apply(ctx context.Context, w *Wanted, d *Database, r *Report, ours, enable, disable []string) error {
	if err := h.rds.Export(ctx, w.kind(), w.Identifier, enable, disable); err != nil {
		return err
	}
	r.SwitchedOn, r.SwitchedOff = append(r.SwitchedOn, enable...), append(r.SwitchedOff, disable...)
	now := without(append(without(ours, enable), enable...), disable)
	slices.Sort(now)
	if slices.Equal(now, ours) {
		return nil
	}
	var err error
	if len(now) == 0 {
		err = h.rds.Untag(ctx, d.ARN, h.cfg.TagKey)
	} else {
		err = h.rds.Tag(ctx, d.ARN, h.cfg.TagKey, strings.Join(now, " "))
	}
	if err != nil && !curable(err) {
		return &tagError{h.cfg.TagKey, err}
	}
	if err != nil { // the next round finds nothing to switch on, so it is now or never
		h.log.Failed("Forgotten", err, map[string]any{"database": w.Identifier, "types": enable})
	}
	return nil
}

// denied says whether a call was denied, and nothing was changed.
func denied(err error) bool {
	var tag *tagError
	return !errors.As(err, &tag) && strings.HasPrefix(report.Code(err), "AccessDenied")
}

// tagError says that exports were changed and that it couldn't be noted.
type tagError struct {
	key string
	err error
}

func (e *tagError) Error() string {
	return fmt.Sprintf("its exports were changed, but tag %s, which remembers by whom, couldn't be written (they will stay on for ever): %v", e.key, e.err)
}
func (e *tagError) Unwrap() error { return e.err }

// readOurs reads the tag. Values of tags have no commas.
func readOurs(tag string) []string { return strings.Fields(tag) }
