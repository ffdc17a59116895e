package approval

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/people"
	"github.com/salvor-io/salvor/internal/recovery"
	"github.com/salvor-io/salvor/policies"
)

// Ledger loads incidents and appends to them. An append that another came before is the error that Lost finds.
type Ledger interface {
	Load(ctx context.Context, id incident.ID) (*incident.Incident, error)
	Append(ctx context.Context, inc *incident.Incident, rec incident.Record) (uint64, error)
	AppendAsked(ctx context.Context, inc *incident.Incident, rec incident.Record, doc any) (uint64, error)
	AppendReleasing(ctx context.Context, inc *incident.Incident, rec incident.Record) (uint64, error)
	Keep(ctx context.Context, inc *incident.Incident, docs ...any) ([]incident.Asked, error)
}

// Authorizer asks policy whether a person may say something about what people are asked, and says at which event that was.
type Authorizer interface {
	Authorize(ctx context.Context, inc *incident.Incident, person policies.Person) (recovery.Stored, uint64, error)
}

// Policy is the policy in force.
type Policy interface {
	Signer() string // who signed it, "" where nobody has
}

// Desk is where people say what they want. All of it is needed. It is safe for concurrent use.
type Desk struct {
	Ledger     Ledger
	Authorizer Authorizer
	Policy     Policy
	Breakers   []string // who may have a plan run without policy
	Lost       error    // what an append wraps that another came before
	Log        *slog.Logger
}

// Said is what a person says.
type Said struct {
	Voice  incident.Voice
	Plan   string // the digest of the plan that they were shown, or its first digits: at least four
	Reason string
}

// tries bounds how often the desk looks again because others spoke at the same moment.
const tries = 8

// Say records what a person says about the plan that is asked about, and returns the incident after it. A *Refusal says why it does not
// count. It may be repeated: who has said so before is told so.
func (d *Desk) Say(ctx context.Context, who people.Person, id incident.ID, said Said) (*incident.Incident, error) {
	for range tries {
		inc, err := d.Ledger.Load(ctx, id)
		if err != nil {
			return nil, err
		}
		err = d.say(ctx, who, inc, said)
		switch {
		case err == nil:
			d.Log.InfoContext(ctx, "a person has spoken", "incident", inc.Name(), "person", who.Name, "says", said.Voice, "state", inc.State)
			return inc, nil
		case !errors.Is(err, d.Lost):
			d.note(ctx, who, inc, string(said.Voice), err)
			return nil, err
		}
	}
	return nil, fmt.Errorf("record what %s says: others write about %s all the time", who.Name, id.Name())
}

// note records that what a known person said does not count, once for each person, verb and cause. While a plan is worked on only its steps
// are recorded: a note between a step and its result would have it begun again. What is not recorded is in the log.
func (d *Desk) note(ctx context.Context, who people.Person, inc *incident.Incident, verb string, err error) {
	var why *Refusal
	if !errors.As(err, &why) {
		return
	}
	d.Log.WarnContext(ctx, "what a person says does not count", "incident", inc.Name(), "person", who.Name, "says", verb, "cause", why.Cause, "why", why.Why)
	if why.Cause == Incomplete || !inc.Live() || inc.Working() {
		return
	}
	begins := fmt.Sprintf("%s wanted to %s, which does not count (%s): ", who.Name, verb, why.Cause)
	if slices.ContainsFunc(inc.History, func(rec incident.Sequenced) bool { return strings.HasPrefix(rec.Text, begins) }) {
		return
	}
	rec := incident.Record{Kind: incident.Noted, At: inc.History[len(inc.History)-1].At, ViewSeq: inc.ViewSeq, Text: begins + why.Why}
	if _, err := d.Ledger.Append(ctx, inc, rec); err != nil {
		d.Log.InfoContext(ctx, "that it does not count is not recorded", "incident", inc.Name(), "error", err)
	}
}
