package ledger

import (
	"context"
	"fmt"

	"github.com/salvor-io/salvor/internal/incident"
)

// Work calls move for each incident whose history was added to, closed ones included, until ctx ends; it returns nil then,
// after moves in flight have returned. The name is that of the subscription: each delivery goes to one process of those that use
// it, and again, to any of them, when that process died.
//
// What move returns decides: nil ends it until the next record; an error, or a panic, brings the incident again after one
// second, later after up to thirty. Of several records only the last is worth a move; deliveries of the others are dropped.
//
// In this process at most 64 incidents are moved at once, and one incident by one move at a time. A move may take as long as
// it needs, no other incident waits for it, and other processes are told that it goes on; but it must not wait for people or
// for time to pass: that is what SetTimer is for. It may be called again for the same record, since an answer may be lost, and
// it must return soon after its ctx ends.
func (l *Ledger) Work(ctx context.Context, name string, move func(context.Context, incident.ID) error) error {
	return l.feed(IncidentsStream, name, anyIncident, func(ctx context.Context, msg stored) error {
		id := incident.ID(lastToken(msg.Subject))
		return l.Alone(ctx, id, func(ctx context.Context) error {
			last, err := l.last(ctx, msg.Subject)
			if err != nil {
				return fmt.Errorf("look whether a delivery is the last: %w", err)
			}
			if last == nil || last.Seq > msg.Seq {
				return nil
			}
			return move(ctx, id)
		})
	}).run(ctx)
}
