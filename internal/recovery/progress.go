package recovery

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/responders"
)

// tellsEvery is how long a step is not told of again after it was. That it is through is told at once.
const tellsEvery = 500 * time.Millisecond

// listening lends ctx the ear of whoever wants to know how far the step that is due has come. Nothing of that is recorded: it
// would be fifty records a second of a number that is old when it is read.
func (e *Engine) listening(ctx context.Context, inc *incident.Incident) context.Context {
	if e.Progress == nil {
		return ctx
	}
	id, step := inc.ID, inc.Next
	var mu sync.Mutex
	var last string
	var at time.Time
	return responders.WithProgress(ctx, func(done, of int, what string) {
		text := fmt.Sprintf("%d of %d %s", done, of, what)
		now := e.Clock.Now()
		mu.Lock()
		defer mu.Unlock()
		if text != last && (done >= of || now.Sub(at) >= tellsEvery) {
			last, at = text, now
			e.Progress(id, step, text)
		}
	})
}
