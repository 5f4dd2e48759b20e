// Package pause waits between attempts. A function that is told to end, or out of time, doesn't wait any longer.
package pause

import (
	"context"
	"time"
)

// For waits for d, or until the context ends; then its error is the context's.
func For(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
