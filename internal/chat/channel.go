package chat

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/salvor-io/salvor/internal/card"
	"github.com/salvor-io/salvor/internal/incident"
)

// Channel is one place where cards are shown. Its calls end with ctx. An error that is an *Unwell is about the chat as a whole; any other is about
// this one message.
type Channel interface {
	// Name is unique among the channels of a configuration, and stays the same over restarts.
	Name() string
	// Post shows a card for the first time, calls those who are asked, and says how the message is found again.
	Post(ctx context.Context, c card.Card) (message string, err error)
	// Edit shows the card in place of what the message shows. It notifies nobody.
	Edit(ctx context.Context, message string, c card.Card) error
	// Tell adds to what is said beside the message.
	Tell(ctx context.Context, message string, a Aside) error
	// Find is the message that shows an incident and was posted since a time, "" when there is none.
	Find(ctx context.Context, id incident.ID, since time.Time) (message string, err error)
}

// Aside is what is said beside a message: what has happened since, oldest first, and who is called.
type Aside struct {
	Lines []card.Line
	Call  bool // those whom the card asks are called: they are asked now, once more, or others beside them
	Card  card.Card
}

// Unwell says that a chat takes nothing now: it is away, or wants less.
type Unwell struct {
	Err   error
	After time.Duration // it said to come back after so long; 0 when it said nothing
}

func (u *Unwell) Error() string {
	if u.After > 0 {
		return fmt.Sprintf("it wants nothing for %s: %v", u.After, u.Err)
	}
	return u.Err.Error()
}

func (u *Unwell) Unwrap() error { return u.Err }

// ErrCannotLook is what Find fails with where it will never be let look: a message is posted then though there may be one, since two messages
// are better than none.
var ErrCannotLook = errors.New("the chat does not let Salvor look for its own messages")

// Route says which incidents a channel shows.
type Route struct {
	Channel  Channel
	Clusters []string // empty: all
	Kinds    []string // of fault; empty: all
}

func (r Route) takes(inc *incident.Incident) bool {
	return listed(r.Clusters, inc.Key.Cluster) && listed(r.Kinds, inc.Key.Kind)
}
