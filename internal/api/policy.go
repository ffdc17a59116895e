package api

import (
	"errors"
	"net/http"

	"github.com/salvor-io/salvor/internal/people"
	"github.com/salvor-io/salvor/internal/rollout"
)

// ActivateRequest asks that the held policy is in force.
type ActivateRequest struct {
	Revision string `json:"revision"`
	Reason   string `json:"reason,omitempty"`
}

// policy answers with how it stands with policy.
func (a *API) policy(w http.ResponseWriter, r *http.Request) error {
	a.write(w, r, http.StatusOK, a.Policy.Status())
	return nil
}

// activatePolicy brings the held policy into force in the name of the caller.
func (a *API) activatePolicy(w http.ResponseWriter, r *http.Request) error {
	asked, err := readBody[ActivateRequest](w, r)
	what := "activate policy"
	switch {
	case err != nil:
		return &Refusal{http.StatusBadRequest, what, err.Error(), "give revision, and reason if there is one"}
	case asked.Revision == "":
		return &Refusal{http.StatusBadRequest, what, "no revision is given", "see which one is held: salvor policy status"}
	case len([]rune(asked.Reason)) > maxReason:
		return &Refusal{http.StatusBadRequest, what, "the reason is too long", "say it in at most 500 characters"}
	}
	standing, err := a.Policy.Activate(r.Context(), people.From(r.Context()).Name, asked.Revision, reasonOf(asked.Reason))
	switch {
	case errors.Is(err, rollout.ErrNotHeld):
		return &Refusal{http.StatusNotFound, what, err.Error(), "see which one is held: salvor policy status"}
	case errors.Is(err, rollout.ErrAuthor):
		return &Refusal{http.StatusForbidden, what, err.Error(), "have another admin look at it: salvor policy status"}
	case err != nil:
		return err
	}
	a.write(w, r, http.StatusOK, standing)
	return nil
}
