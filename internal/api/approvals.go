package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/salvor-io/salvor/internal/approval"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/people"
	"github.com/salvor-io/salvor/policies"
)

// Approvals takes what people say about what they are asked, and stops plans in their name. An *approval.Refusal says why it does not count.
type Approvals interface {
	Say(ctx context.Context, who people.Person, id incident.ID, said approval.Said) (*incident.Incident, error)
	Stop(ctx context.Context, who people.Person, id incident.ID, halt approval.Halt) (*incident.Incident, error)
	BreakGlass(ctx context.Context, who people.Person, id incident.ID, b approval.Break) (*incident.Incident, error)
}

// Approval is what people are asked about one incident, and what they said so far.
type Approval struct {
	Incident  incident.ID       `json:"incident"`
	Name      string            `json:"name"`
	Cluster   string            `json:"cluster"`
	Sentence  string            `json:"sentence"` // what is broken
	Plan      string            `json:"plan"`     // digest
	Proposal  policies.Proposal `json:"proposal"`
	Reasons   []policies.Reason `json:"reasons"` // why people are asked
	Worse     []string          `json:"worse"`   // what goes beyond what they were asked before
	Whom      string            `json:"whom"`    // in words
	Asks      policies.Asks     `json:"asks"`
	Lacks     int               `json:"lacks"` // so many people have to approve yet, at least
	Round     int               `json:"round"` // 1 at first
	Since     time.Time         `json:"since"`
	Until     time.Time         `json:"until"`
	HeldBy    string            `json:"held_by,omitempty"` // who is on it
	HeldUntil time.Time         `json:"held_until,omitzero"`
	Ballots   []incident.Ballot `json:"ballots"`
	YouMay    bool              `json:"you_may"` // the caller is one of those who are asked, and has not approved yet
}

// SayRequest is what the caller says about a plan.
type SayRequest struct {
	Says   incident.Voice `json:"says"`
	Plan   string         `json:"plan"` // its digest, or the first digits of it
	Reason string         `json:"reason,omitempty"`
}

// SaidAnswer is what became of an incident by what was said.
type SaidAnswer struct {
	Incident incident.ID    `json:"incident"`
	Name     string         `json:"name"`
	State    incident.State `json:"state"`
	Why      string         `json:"why"`
	Approval *Approval      `json:"approval"` // what is still asked, null when nothing is
}

// listApprovals answers with what people are asked now, the most urgent first.
func (a *API) listApprovals(w http.ResponseWriter, r *http.Request) error {
	list := []Approval{}
	for _, inc := range a.Index.Incidents() {
		if inc.Asking() != nil {
			list = append(list, *approvalOf(&inc, people.From(r.Context())))
		}
	}
	slices.SortStableFunc(list, func(x, y Approval) int { return x.Until.Compare(y.Until) })
	a.write(w, r, http.StatusOK, list)
	return nil
}

func approvalOf(inc *incident.Incident, who people.Person) *Approval {
	asked := inc.Asking()
	if asked == nil {
		return nil
	}
	out := &Approval{Incident: inc.ID, Name: inc.Name(), Cluster: inc.Key.Cluster, Sentence: inc.Fault.Sentence, Plan: asked.Plan.Digest, Proposal: asked.Plan.Proposal(),
		Reasons: []policies.Reason{}, Worse: []string{}, Whom: asked.Whom().Whom(), Asks: asked.Whom(), Lacks: asked.Lacks().People, Round: asked.Round, Since: asked.Since, Until: asked.Until,
		HeldBy: asked.HeldBy, HeldUntil: asked.HeldUntil, Ballots: append([]incident.Ballot{}, asked.Ballots...)}
	if d := inc.Decision; d != nil {
		out.Reasons, out.Worse = append(out.Reasons, d.Answer.Reasons...), append(out.Worse, d.Worse...)
	}
	out.YouMay = approval.May(inc, who, incident.Approve) == nil
	return out
}

// say records what the caller says about what is asked of an incident.
func (a *API) say(w http.ResponseWriter, r *http.Request) error {
	said, err := readBody[SayRequest](w, r)
	if err != nil {
		return &Refusal{http.StatusBadRequest, "say it", err.Error(), `give says ("approve", "reject" or "hold"), plan and, to reject, reason`}
	}
	found, err := a.load(r)
	if err != nil {
		return err
	}
	who := people.From(r.Context())
	inc, err := a.Approvals.Say(r.Context(), who, found.ID, approval.Said{Voice: said.Says, Plan: said.Plan, Reason: said.Reason})
	var refused *approval.Refusal
	if errors.As(err, &refused) {
		return &Refusal{StatusOf(refused.Cause), string(said.Says) + " " + found.Name(), refused.Why, refused.Do}
	}
	if err != nil {
		return err
	}
	a.write(w, r, http.StatusOK, SaidAnswer{inc.ID, inc.Name(), inc.State, inc.Why, approvalOf(inc, who)})
	return nil
}

// StatusOf tells the causes of a refusal apart, as statuses of HTTP.
func StatusOf(c approval.Cause) int {
	switch c {
	case approval.NotAuthorised:
		return http.StatusForbidden
	case approval.Incomplete:
		return http.StatusBadRequest
	case approval.PlanChanged:
		return http.StatusPreconditionFailed
	}
	return http.StatusGone // decided, too late, said before, not asked
}
