package console

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/approval"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/people"
)

// say takes what somebody says about the plan that their page showed.
func (c *Console) say(w http.ResponseWriter, r *http.Request) {
	said := approval.Said{Voice: incident.Voice(r.PostForm.Get("says")), Plan: r.PostForm.Get("plan"), Reason: r.PostForm.Get("reason")}
	c.take(w, r, func(inc *incident.Incident, who people.Person) (*incident.Incident, error) {
		if err := c.meant(inc, r.PostForm); err != nil {
			return nil, err
		}
		return c.Desk.Say(r.Context(), who, inc.ID, said)
	})
}

// stop takes that somebody stops the plan that their page showed at work.
func (c *Console) stop(w http.ResponseWriter, r *http.Request) {
	halt := approval.Halt{Plan: r.PostForm.Get("plan"), Undo: r.PostForm.Get("undo") == "yes", Reason: r.PostForm.Get("reason")}
	c.take(w, r, func(inc *incident.Incident, who people.Person) (*incident.Incident, error) {
		return c.Desk.Stop(r.Context(), who, inc.ID, halt)
	})
}

// take does what somebody wants of an incident, and leads them back to its page, where they are told what became of it: done, so that loading
// that page again does nothing; or refused, with what has changed since they were shown it.
func (c *Console) take(w http.ResponseWriter, r *http.Request, do func(*incident.Incident, people.Person) (*incident.Incident, error)) {
	found, err := c.Finder.Find(r.Context(), r.PathValue("id"))
	if err != nil {
		c.refuse(w, r, c.refusalOf(r, err))
		return
	}
	who := people.From(r.Context())
	became, err := do(found, who)
	var why *approval.Refusal
	switch {
	case errors.As(err, &why):
		c.refused(w, r, found.ID, why)
	case err != nil:
		c.refuse(w, r, c.refusalOf(r, err))
	default:
		if err := c.Sessions.Tell(w, r, toldOf(became)); err != nil {
			c.Log.DebugContext(r.Context(), "what became of it is not told", "error", err)
		}
		http.Redirect(w, r, "/incidents/"+url.PathEscape(string(became.ID)), http.StatusSeeOther)
	}
}

// back leads to the page of an incident from the address of one of its forms, which is where a refusal was shown.
func (c *Console) back(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/incidents/"+url.PathEscape(r.PathValue("id")), http.StatusSeeOther)
}

// meant says what is missing until an approval can be taken for meant: what has to be typed, and, where the plan had changed while they
// looked, that they have looked at the new one. Of another plan than the one that is asked about the desk says more.
func (c *Console) meant(inc *incident.Incident, form url.Values) error {
	shown := c.Card(inc)
	plan := form.Get("plan")
	switch {
	case form.Get("says") != string(incident.Approve) || shown.Ask == nil || !strings.HasPrefix(shown.Plan, plan):
		return nil
	case form.Get("was") != "" && form.Get("looked") != shown.Plan:
		return &approval.Refusal{Cause: approval.Incomplete, Why: fmt.Sprintf("you have not said that you looked at plan %s, which is another than you were shown", shortOf(plan)),
			Do: "look at it, tick that you have, and approve again"}
	case shown.Ask.Type != "" && strings.TrimSpace(form.Get("typed")) != shown.Ask.Type:
		return &approval.Refusal{Cause: approval.Incomplete, Why: fmt.Sprintf("to approve of this, the name of the cluster has to be typed: %s", shown.Ask.Type),
			Do: "type it exactly, and approve again"}
	}
	return nil
}

// refused answers with the page as it is by now, why what they wanted does not count, and nothing filled in.
func (c *Console) refused(w http.ResponseWriter, r *http.Request, id incident.ID, why *approval.Refusal) {
	now, err := c.Finder.Find(r.Context(), string(id))
	if err != nil {
		c.refuse(w, r, c.refusalOf(r, err))
		return
	}
	s := c.sheet(now, people.From(r.Context()))
	s.Refused = &refusal{api.StatusOf(why.Cause), sentence(why.Why), sentence(why.Do)}
	s.shown(cmp.Or(r.PostForm.Get("was"), r.PostForm.Get("plan")))
	if seq, err := strconv.ParseUint(r.PostForm.Get("seq"), 10, 64); err == nil {
		s.since(seq)
	}
	c.renderSheet(w, r, s.Refused.Status, s)
}

// toldOf is what became of an incident by what somebody did.
func toldOf(inc *incident.Incident) string {
	text := inc.Why
	if asked := inc.Asking(); asked != nil && asked.Lacks().People > 0 {
		text += fmt.Sprintf("; %d more to approve, of %s", asked.Lacks().People, asked.Whom().Whom())
	}
	return sentence(text)
}
