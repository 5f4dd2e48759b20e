package rdsexports

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/functions/subscribe/report"
)

// Summary is what a check found.
type Summary struct {
	Checked     int     `json:"checked"`
	Drifted     []Drift `json:"drifted,omitempty"`
	Mended      []Drift `json:"mended,omitempty"`
	Unreachable []Drift `json:"unreachable,omitempty"`
	Findings    int     `json:"findings"`
}

// Drift is a database that isn't as the program wants it.
type Drift struct {
	Database string   `json:"database"`
	Missing  []string `json:"missing,omitempty"`
	Why      string   `json:"why,omitempty"`
}

var errTime = errors.New("the function's time was used up before")

// check compares the databases with what is wanted. One that can't be read doesn't stop the others. Nothing is an error of
// the invocation: Lambda would check everything again, and count it twice.
func (h *Handler) check(ctx context.Context, list []Wanted) *Summary {
	s, read := &Summary{}, groups{}
	for i := range list {
		w := &list[i]
		if err := h.checkOne(ctx, w, s, read); err != nil {
			s.Unreachable = append(s.Unreachable, Drift{Database: w.Identifier, Why: err.Error()})
			h.log.Failed("Unreachable", err, map[string]any{"database": w.Identifier})
		}
	}
	if h.cfg.Metrics {
		h.log.Metrics(h.Now(), report.Metrics{Namespace: Namespace, Dimension: "FunctionName", Value: h.cfg.Name, Counts: map[string]int{
			"Checked": s.Checked, "Drifted": len(s.Drifted), "Mended": len(s.Mended), "Unreachable": len(s.Unreachable), "Findings": s.Findings,
		}})
	}
	return s
}

func (h *Handler) checkOne(ctx context.Context, w *Wanted, s *Summary, read groups) error {
	if deadline, ok := ctx.Deadline(); ok && deadline.Sub(h.Now()) < reserve {
		return errTime
	}
	d, err := h.describe(ctx, w)
	if err != nil {
		return err
	}
	s.Checked++
	if missing := without(w.LogTypes, d.on()); len(missing) > 0 {
		drift := Drift{Database: w.Identifier, Missing: missing}
		if h.mend(ctx, w, d, &drift) {
			s.Mended = append(s.Mended, drift)
			h.log.Event(map[string]any{"level": "warning", "code": "Mended", "database": w.Identifier, "missing": missing})
		} else {
			s.Drifted = append(s.Drifted, drift)
			h.log.Event(map[string]any{"level": "warning", "code": "Drifted", "database": w.Identifier, "missing": missing, "why": drift.Why,
				"message": fmt.Sprintf("%v doesn't export %s any more: somebody has switched it off", w, strings.Join(missing, ", "))})
		}
	}
	found, err := h.findings(ctx, w, d, read)
	if err != nil {
		return fmt.Errorf("the parameters that its logs need can't be read: %w", err)
	}
	s.Findings += len(found)
	for _, f := range found {
		h.log.Event(map[string]any{"level": "warning", "code": "Finding", "database": w.Identifier, "finding": f})
	}
	return nil
}

// mend switches on what is missing, without waiting for it; the next check sees whether it is so.
func (h *Handler) mend(ctx context.Context, w *Wanted, d *Database, drift *Drift) bool {
	if !h.cfg.Mend {
		return false
	}
	if advice := hopeless[d.Status]; advice != "" {
		drift.Why = "it is " + d.Status + ": " + advice
		return false
	}
	ours := readOurs(d.Tags[h.cfg.TagKey])
	if err := h.apply(ctx, w, d, &Report{}, slices.Sorted(slices.Values(ours)), drift.Missing, nil); err != nil {
		drift.Why = err.Error()
		return false
	}
	return true
}
