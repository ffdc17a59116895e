package responders

import "context"

type progressKey struct{}

// WithProgress lends ctx somebody who is told how far a call has come. The listener is called often, possibly by several goroutines at
// once, and must return at once.
func WithProgress(ctx context.Context, tell func(done, of int, what string)) context.Context {
	return context.WithValue(ctx, progressKey{}, tell)
}

// Progress says how far a call of Apply or Verify has come: "evicted 12 of 38 pods" is done 12, of 38, what "pods evicted". Where nobody
// listens it does nothing.
func Progress(ctx context.Context, done, of int, what string) {
	if tell, ok := ctx.Value(progressKey{}).(func(done, of int, what string)); ok {
		tell(done, of, what)
	}
}
