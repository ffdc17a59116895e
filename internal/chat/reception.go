package chat

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/salvor-io/salvor/internal/approval"
	"github.com/salvor-io/salvor/internal/card"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/people"
	"github.com/salvor-io/salvor/policies"
)

// Desk is where what people say counts, or does not: then an *approval.Refusal says why.
type Desk interface {
	Say(ctx context.Context, who people.Person, id incident.ID, said approval.Said) (*incident.Incident, error)
	Stop(ctx context.Context, who people.Person, id incident.ID, halt approval.Halt) (*incident.Incident, error)
	Stranger(ctx context.Context, id incident.ID, account people.Account, verb string)
}

// Press is that somebody pressed a button, and what they typed with it.
type Press struct {
	Account  people.Account // as the chat vouches for it
	Verb     card.Verb
	Incident incident.ID
	Plan     string // digest of the plan that they were shown
	Reason   string
	Typed    string // the cluster's name, where it has to be typed
}

// Reception takes what people press. All of it is needed. It is safe for concurrent use.
type Reception struct {
	People interface {
		ByAccount(people.Account) (people.Person, bool)
	}
	Desk     Desk
	Incident func(context.Context, incident.ID) (*incident.Incident, error) // as its record stands
	Log      *slog.Logger
}

// Answer does what somebody pressed where it counts, and returns one sentence for them alone: what was counted, or why it was not and what to
// do.
func (r *Reception) Answer(ctx context.Context, p Press) string {
	if sentence := r.Stranger(ctx, p); sentence != "" {
		return sentence
	}
	who, _ := r.People.ByAccount(p.Account)
	if wrong := r.Typed(ctx, p); wrong != "" {
		return wrong
	}
	inc, err := r.do(ctx, who, p)
	return r.sentence(ctx, p, who, inc, err)
}

// Stranger records that somebody pressed whom nobody knows, and returns what is said to them; "" for those who are known.
func (r *Reception) Stranger(ctx context.Context, p Press) string {
	if _, known := r.People.ByAccount(p.Account); known {
		return ""
	}
	r.Desk.Stranger(ctx, p.Incident, p.Account, string(p.Verb))
	return fmt.Sprintf("Not counted: Salvor does not know your account (%s of %s). An admin of Salvor can add it to people in salvor.yaml; until then decide on the command line.", p.Account.ID, p.Account.Place)
}

// do says or does at the desk what was pressed.
func (r *Reception) do(ctx context.Context, who people.Person, p Press) (*incident.Incident, error) {
	if p.Verb == card.Stop || p.Verb == card.StopAndUndo {
		return r.Desk.Stop(ctx, who, p.Incident, approval.Halt{Plan: p.Plan, Undo: p.Verb == card.StopAndUndo, Reason: p.Reason})
	}
	return r.Desk.Say(ctx, who, p.Incident, approval.Said{Voice: voices[p.Verb], Plan: p.Plan, Reason: p.Reason})
}

var voices = map[card.Verb]incident.Voice{card.Approve: incident.Approve, card.Reject: incident.Reject, card.Hold: incident.Hold}

// Typed says what is wrong with an approval of the riskiest class: that takes the name of the cluster, typed.
func (r *Reception) Typed(ctx context.Context, p Press) string {
	if p.Verb != card.Approve {
		return ""
	}
	inc, err := r.Incident(ctx, p.Incident)
	if err != nil {
		return r.sentence(ctx, p, people.Person{}, nil, err)
	}
	a := inc.Asking()
	if a == nil || a.Plan.Class() < policies.Irreversible || strings.TrimSpace(p.Typed) == inc.Key.Cluster {
		return ""
	}
	return fmt.Sprintf("Not counted: this plan cannot be undone, so the name of the cluster has to be typed, exactly: %s.", inc.Key.Cluster)
}

func (r *Reception) sentence(ctx context.Context, p Press, who people.Person, inc *incident.Incident, err error) string {
	var refused *approval.Refusal
	switch {
	case errors.As(err, &refused):
		return fmt.Sprintf("Not counted: %s. Next: %s.", refused.Why, refused.Do)
	case err != nil:
		r.Log.ErrorContext(ctx, "what a person says is not recorded", "incident", p.Incident.Name(), "person", who.Name, "verb", p.Verb, "error", err)
		return "Not counted: Salvor could not record it. Press again, or decide on the command line: salvor approvals."
	}
	return counted(p.Verb, inc)
}

// counted says what was counted, and what it leads to.
func counted(verb card.Verb, inc *incident.Incident) string {
	switch a := inc.Asking(); {
	case verb == card.Hold && a != nil:
		return fmt.Sprintf("You are on it until %s: nobody else is asked meanwhile.", a.HeldUntil.UTC().Format("15:04 UTC"))
	case verb == card.Approve && a != nil:
		return fmt.Sprintf("Your approval counts; it takes %d more of %s.", a.Lacks().People, a.Whom().Whom())
	case verb == card.Stop, verb == card.StopAndUndo:
		return upperFirst(inc.Why) + "."
	case verb == card.Approve:
		return "Your approval counts, and the plan begins."
	}
	return "You have rejected the plan: it is not done, and a person has to go on."
}

func upperFirst(text string) string {
	if text == "" {
		return "It is stopped"
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
