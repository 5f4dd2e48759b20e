package subscribe

import (
	"context"
	"fmt"
	"time"

	"github.com/logarchive/logarchive/functions/subscribe/report"
)

// The metrics of retention.
const (
	retentionSet   = "RetentionSet"   // the group had none
	retentionOlder = "RetentionOlder" // it has none, and events may be in it that would be deleted at once
)

// retain sets the retention of a group that has none, if all its events would be kept by it for now.
func (h *Handler) retain(ctx context.Context, it Item, c counts) error {
	days := h.cfg.RetentionDays
	if days == 0 || it.Retained {
		return nil
	}
	var groups []Group
	err := h.again(ctx, func() (err error) {
		// Groups come ordered by name: the one whose name is the prefix itself is the first.
		groups, _, err = h.logs.Groups(ctx, it.Group, "")
		return err
	})
	switch {
	case err != nil:
		return fmt.Errorf("reading the group's retention: %w", err)
	case len(groups) == 0 || groups[0].Name != it.Group, groups[0].Retention != 0:
		return nil // it is gone, or somebody has said how long it keeps its events
	case h.Now().Sub(groups[0].Created) > time.Duration(days)*24*time.Hour:
		c[retentionOlder]++
		return nil
	}
	err = h.again(ctx, func() error { return h.logs.Retain(ctx, it.Group, days) })
	if report.Code(err) == notFound {
		return nil
	}
	if err != nil {
		return fmt.Errorf("setting the retention: %w", err)
	}
	c[retentionSet]++
	return nil
}
