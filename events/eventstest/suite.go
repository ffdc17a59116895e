// Package eventstest is the conformance suite of [events.Log]: what the contract promises, each promise with the test that
// fails when it is broken. Every Log passes it.
package eventstest

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/events"
)

// patience bounds each wait of the suite. It is long, since a loaded machine is slow and only a broken Log waits it out.
const patience = time.Minute

// Fixture gives a Store that holds nothing. It is called once for each test, and ends the Store by t.Cleanup.
type Fixture func(t *testing.T) *Store

// Store is one Log and what the suite can do to it from behind. A nil function is something this kind of Log does not
// have, and the tests of it are left out.
type Store struct {
	Log    events.Log
	Dead   func(t *testing.T) []Letter                     // the dead letters so far
	Close  func(t *testing.T)                              // closes the Log
	Reopen func(t *testing.T) events.Log                   // closes the Log and opens it on what is kept
	Put    func(t *testing.T, subject string, data []byte) // records bytes that are no event, past the Log
	// LoseAck makes the outcome of what append does unknown to it, though the Log gets it.
	LoseAck func(t *testing.T, append func(context.Context) error)
	Restart func(t *testing.T) // restarts what is behind the open Log
	Full    *Full              // a disk that can be filled
}

// Full is a disk under the Log that the suite fills and frees.
type Full struct {
	Fill    func(t *testing.T)
	Free    func(t *testing.T)
	Healthy func() error
}

// Letter is a dead letter.
type Letter struct {
	Subject string
	Reason  string
	Data    string
}

// Run runs the whole suite, its tests beside each other.
func Run(t *testing.T, fixture Fixture) {
	for _, part := range []struct {
		name string
		test func(*testing.T, *Store)
	}{
		{"Append/order", order},
		{"Append/every attribute comes back", attributes},
		{"Append/concurrently", concurrently},
		{"Append/equal ids are one event", equalIDs},
		{"Append/equal ids from many at once", sameFromMany},
		{"Append/duplicates among many new", duplicatesAmongNew},
		{"Append/keeps 8 of a subject", keepsEight},
		{"Append/invalid events are refused before anything is recorded", refusesInvalid},
		{"Append/nothing", appendsNothing},
		{"Append/caller goes away", callerGoesAway},
		{"Append/lost acknowledgement", lostAck},
		{"Append/closed", closedAppend},
		{"Follow/history and future", historyAndFuture},
		{"Follow/after a place", afterAPlace},
		{"Follow/an error of fold ends it", foldError},
		{"Follow/empty log is caught up", emptyIsCaughtUp},
		{"Follow/after the end", afterTheEnd},
		{"Follow/closed", closedFollow},
		{"Follow/what is no event is dead-lettered", undecodable},
		{"Subscribe/each event once per name", oncePerName},
		{"Subscribe/shared by its subscribers", shared},
		{"Subscribe/redelivers what failed", redelivers},
		{"Subscribe/dead letter on a permanent error", permanent},
		{"Subscribe/dead letter on a panic", panics},
		{"Subscribe/a slow handler holds up no other", slowHandler},
		{"Subscribe/ends after the handler in flight", closeInMidHandler},
		{"Subscribe/an interrupted event is not lost", interrupted},
		{"Subscribe/closed", closedSubscribe},
		{"Restart/keeps all", restartKeepsAll},
		{"Restart/recognises duplicates", restartDuplicates},
		{"Restart/subscription goes on", restartSubscription},
		{"Restart/under an open log", restartUnderneath},
		{"Full disk", fullDisk},
	} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			part.test(t, fixture(t))
		})
	}
}

// Main runs the tests of a package whose tests run this suite, and then looks for goroutines that a Log left behind. It
// gives the exit code.
func Main(m *testing.M) int {
	code := m.Run()
	var left []string
	for begin := time.Now(); code == 0; time.Sleep(10 * time.Millisecond) {
		left = slices.DeleteFunc(stacks(), func(stack string) bool {
			return !strings.Contains(stack, "salvor/events/") || strings.Contains(stack, "eventstest.Main(")
		})
		if len(left) == 0 {
			break
		}
		if time.Since(begin) > patience {
			fmt.Fprintln(os.Stderr, "goroutines still run:\n"+strings.Join(left, "\n\n"))
			code = 1
		}
	}
	return code
}
