package supervisor

import (
	"context"
	"fmt"
	"time"

	"github.com/salvor-io/salvor/test/stack/internal/process"
)

// poll is how often a condition that cannot be waited for otherwise is looked at.
const poll = 50 * time.Millisecond

// await returns when check succeeds. It gives up after startLimit, or when one of the processes it depends on ends, and then
// says what the log of that process says.
func await(ctx context.Context, what string, check func(context.Context) error, on ...*process.Process) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		for _, p := range on {
			if p.Err() != nil {
				return fmt.Errorf("wait for %s: %w", what, p.Err())
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w (%w)%s", what, ctx.Err(), err, tails(on))
		}
	}
}

func tails(processes []*process.Process) string {
	var text string
	for _, p := range processes {
		text += fmt.Sprintf("\nthe end of the log of %s:\n%s", p.Name, p.Tail())
	}
	return text
}
