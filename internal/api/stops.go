package api

import (
	"errors"
	"net/http"

	"github.com/salvor-io/salvor/internal/approval"
	"github.com/salvor-io/salvor/internal/people"
)

// StopRequest is that the caller stops the plan that is worked on.
type StopRequest struct {
	Plan   string `json:"plan"`           // its digest, or the first digits of it
	Undo   bool   `json:"undo,omitempty"` // what was done is taken back now
	Reason string `json:"reason,omitempty"`
}

// stopPlan stops the plan of an incident in the caller's name.
func (a *API) stopPlan(w http.ResponseWriter, r *http.Request) error {
	halt, err := readBody[StopRequest](w, r)
	if err != nil {
		return &Refusal{http.StatusBadRequest, "stop it", err.Error(), `give plan and, to have what was done taken back, "undo": true`}
	}
	found, err := a.load(r)
	if err != nil {
		return err
	}
	who := people.From(r.Context())
	inc, err := a.Approvals.Stop(r.Context(), who, found.ID, approval.Halt{Plan: halt.Plan, Undo: halt.Undo, Reason: halt.Reason})
	var refused *approval.Refusal
	if errors.As(err, &refused) {
		return &Refusal{StatusOf(refused.Cause), "stop " + found.Name(), refused.Why, refused.Do}
	}
	if err != nil {
		return err
	}
	a.write(w, r, http.StatusOK, SaidAnswer{inc.ID, inc.Name(), inc.State, inc.Why, approvalOf(inc, who)})
	return nil
}
