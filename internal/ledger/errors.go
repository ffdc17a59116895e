package ledger

import (
	"errors"
	"fmt"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
)

var (
	// ErrAlreadyOpen is returned, with the id in its text, when the fault has an open incident.
	ErrAlreadyOpen = errors.New("the fault has an open incident")
	// ErrLost is returned when another record was appended since the incident was loaded. Nothing was written.
	ErrLost = errors.New("another record was appended meanwhile")
	// ErrNotFound is returned when there is no such incident, decision or pause.
	ErrNotFound = errors.New("not found")
	// ErrNewer is returned for what a newer version wrote. It is left as it is.
	ErrNewer = errors.New("written by another version of salvor: leave it alone, run the same version everywhere")
	// ErrOverBudget is returned, with the reason, when the limits do not admit a claim. Nothing was written.
	ErrOverBudget = errors.New("over budget")

	// errRefused says that the store plainly refused a write because of an expected sequence.
	errRefused = errors.New("refused: the expected sequence is not the last")
)

// TargetHeldError says that another incident holds a target. Nothing was written.
type TargetHeldError struct {
	Target string // as people read it: "node/worker-1"
	By     incident.ID
}

func (e *TargetHeldError) Error() string {
	return fmt.Sprintf("%s is held by incident %s", e.Target, e.By.Name())
}

// unavailable marks an error after which nothing is known about what was written.
func unavailable(err error) error {
	if errors.Is(err, events.ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %w", events.ErrUnavailable, err)
}
