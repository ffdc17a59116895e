package ledger

import (
	"context"
	"sync"

	"github.com/salvor-io/salvor/internal/incident"
)

// turns lets one at a time work on an incident in this process. The zero value is ready.
type turns struct {
	mu   sync.Mutex
	busy map[incident.ID]chan struct{} // closed when the turn ends
}

// take waits until nobody else works on the incident and returns what ends the turn.
func (t *turns) take(ctx context.Context, id incident.ID) (end func(), err error) {
	for {
		taken := t.claim(id)
		if taken == nil {
			return func() { t.free(id) }, nil
		}
		select {
		case <-taken:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// claim takes the turn and returns nil, or returns what is closed at the end of another's.
func (t *turns) claim(id incident.ID) chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if taken, ok := t.busy[id]; ok {
		return taken
	}
	if t.busy == nil {
		t.busy = map[incident.ID]chan struct{}{}
	}
	t.busy[id] = make(chan struct{})
	return nil
}

func (t *turns) free(id incident.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.busy[id])
	delete(t.busy, id)
}

// Alone calls f while no move, no timer and no other f for the same incident runs in this process. Other processes are not
// kept out: that is what the ledger's compare-and-set is for. It must not be called from within a move or a timer of that
// incident.
func (l *Ledger) Alone(ctx context.Context, id incident.ID, f func(context.Context) error) error {
	end, err := l.moves.take(ctx, id)
	if err != nil {
		return err
	}
	defer end()
	return f(ctx)
}
