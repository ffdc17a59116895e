// Package clock is how code waits, so that the same code can be run in the time of the wall and in a time that a simulation or a
// replay makes pass.
package clock

import (
	"context"
	"time"
)

// Clock tells the time and lets it pass.
//
// Sleep waits and says whether ctx is still alive after it. WithTimeout is a context that ends after d, with
// [context.DeadlineExceeded] as its cause.
type Clock interface {
	Now() time.Time
	Sleep(ctx context.Context, d time.Duration) bool
	WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc)
}

// Wall is the clock on the wall.
type Wall struct{}

// Now implements Clock.
func (Wall) Now() time.Time { return time.Now() }

// Sleep implements Clock.
func (Wall) Sleep(ctx context.Context, d time.Duration) bool { return Sleep(ctx, d) }

// Sleep waits by the wall clock and says whether ctx is still alive after it.
func Sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// WithTimeout implements Clock.
func (Wall) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, d)
}
