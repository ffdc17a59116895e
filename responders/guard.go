package responders

import (
	"context"
	"errors"
)

// ErrUnguarded is returned by Guard when nobody vouches for a write.
var ErrUnguarded = errors.New("write refused: no step holds the right to write here")

type guardKey struct{}

// WithGuard lends ctx the right to write: guard is called right before each write to the world and refuses by returning
// an error, for example since another replica took the step over, its deadline passed, or somebody paused it.
func WithGuard(ctx context.Context, guard func(context.Context) error) context.Context {
	return context.WithValue(ctx, guardKey{}, guard)
}

// Guard asks whether one write may be made now. It refuses with ErrUnguarded when ctx was lent no right to write, so that
// Preview and Verify cannot write by mistake.
func Guard(ctx context.Context) error {
	guard, ok := ctx.Value(guardKey{}).(func(context.Context) error)
	if !ok {
		return ErrUnguarded
	}
	return guard(ctx)
}
