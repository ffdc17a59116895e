package api

import (
	"errors"
	"net/http"

	"github.com/salvor-io/salvor/internal/approval"
	"github.com/salvor-io/salvor/internal/people"
)

// BreakRequest is that the caller wants the plan that is held back to run, for want of policy.
type BreakRequest struct {
	Plan   string `json:"plan"` // its digest, or the first digits of it
	Reason string `json:"reason"`
}

// breakGlass has the plan of an incident run without policy, once two people say so.
func (a *API) breakGlass(w http.ResponseWriter, r *http.Request) error {
	said, err := readBody[BreakRequest](w, r)
	if err != nil {
		return &Refusal{http.StatusBadRequest, "break the glass", err.Error(), "give plan and reason"}
	}
	found, err := a.load(r)
	if err != nil {
		return err
	}
	who := people.From(r.Context())
	inc, err := a.Approvals.BreakGlass(r.Context(), who, found.ID, approval.Break{Plan: said.Plan, Reason: said.Reason})
	var refused *approval.Refusal
	if errors.As(err, &refused) {
		return &Refusal{StatusOf(refused.Cause), "break the glass for " + found.Name(), refused.Why, refused.Do}
	}
	if err != nil {
		return err
	}
	a.write(w, r, http.StatusOK, SaidAnswer{inc.ID, inc.Name(), inc.State, inc.Why, approvalOf(inc, who)})
	return nil
}
