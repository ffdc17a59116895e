package api

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/people"
)

// The bounds of a declaration beside those of classifiers.
const (
	minDeclare   = time.Minute
	maxNamed     = 320         // bytes of the name of what is declared
	repeatWithin = time.Minute // the same call within it changes nothing; later it lets the declaration stand for longer
)

// DeclareRequest declares that something is broken. Who declares it is who calls.
type DeclareRequest struct {
	Cluster string `json:"cluster"`
	Kind    string `json:"kind"`           // of the fault: "zone"
	Name    string `json:"name,omitempty"` // see classifiers.ReadAnchor; of a region it may be left out
	For     string `json:"for"`            // how long it stands unless it is taken back, a duration such as "4h"
	Reason  string `json:"reason"`
	Since   string `json:"since,omitempty"` // when it went wrong, if that was before: a duration such as "2h", or a time as RFC 3339
}

// Declaration is what a person declared, as it stands.
type Declaration struct {
	ID      string `json:"id"` // of the event that says so
	Cluster string `json:"cluster"`
	events.Declared
	At time.Time `json:"at"` // when it was declared; since is when it went wrong
}

// declare records a declaration in the name of the caller.
func (a *API) declare(w http.ResponseWriter, r *http.Request) error {
	asked, err := readBody[DeclareRequest](w, r)
	if err != nil {
		return badDeclaration(err)
	}
	return a.declares(w, r, asked, "")
}

// declares records a declaration, of what is to be recovered by a runbook alone where one is named.
func (a *API) declares(w http.ResponseWriter, r *http.Request, asked DeclareRequest, runbook string) error {
	length, err := asked.check()
	if err != nil {
		return badDeclaration(err)
	}
	about, err := a.about(asked.Cluster, asked.Kind, asked.Name, true)
	if err != nil {
		return err
	}
	now := a.Clock().UTC()
	since, err := asked.since(now)
	if err != nil {
		return badDeclaration(err)
	}
	who := people.From(r.Context())
	said := events.Declared{Kind: asked.Kind, Anchor: about.anchor.Kind, Name: about.anchor.Name, UID: about.uid,
		By: who.Name, Subject: who.Subject, Reason: reasonOf(asked.Reason), Until: now.Add(length), Since: since, Runbook: runbook}
	if about.stands && about.last.Until.After(said.Until) {
		said.Until = about.last.Until // to shorten it there is its end
	}
	if err := a.taken(about, runbook); err != nil {
		return err
	}
	if about.repeated(said) {
		a.write(w, r, http.StatusOK, Declaration{about.last.Evidence, about.cluster, about.last.Declared, about.last.At})
		return nil
	}
	if !about.stands && len(about.others) >= classifiers.MaxDeclared {
		return &Refusal{http.StatusConflict, "declare " + about.String(), fmt.Sprintf("%d declarations of %s stand already", len(about.others), about.cluster),
			"take some back: salvor declare --end KIND NAME --cluster " + about.cluster + "; there are " + few(about.others)}
	}
	id, err := a.record(r, about, said, now, asked.For)
	if err != nil {
		return err
	}
	a.Log.InfoContext(r.Context(), "declared", "cluster", about.cluster, "fault", about.String(), "person", said.By, "until", said.Until, "reason", said.Reason, "runbook", runbook)
	a.write(w, r, http.StatusCreated, Declaration{id, about.cluster, said, now})
	return nil
}

// longestSince bounds how long ago something can have gone wrong: what is older than most backups is nothing to go back to.
const longestSince = 400 * 24 * time.Hour

// since is when it went wrong, to the second; zero where that is not said.
func (asked DeclareRequest) since(now time.Time) (time.Time, error) {
	if asked.Since == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, asked.Since)
	if ago, bad := time.ParseDuration(asked.Since); err != nil && bad == nil {
		at, err = now.Add(-ago), nil
	}
	if ago := now.Sub(at); err != nil || ago < 0 || ago > longestSince {
		return time.Time{}, fmt.Errorf("since is %.40q, want how long ago it went wrong, as 2h, or when, as %s", asked.Since, now.Add(-2*time.Hour).Format(time.RFC3339))
	}
	return at.UTC().Truncate(time.Second), nil
}

// takeBack ends the declaration that the query names.
func (a *API) takeBack(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	about, err := a.about(q.Get("cluster"), q.Get("kind"), q.Get("name"), false)
	if err != nil {
		return err
	}
	if !about.stands {
		do := "see what there is: salvor incidents --cluster " + about.cluster
		if len(about.others) > 0 {
			do = "take back one of those that stand, as salvor declare --end takes them: " + few(about.others)
		}
		return &Refusal{http.StatusNotFound, "take back " + about.String(), "nobody declared that of " + about.cluster + ", or it is over", do}
	}
	said := events.Declared{Kind: about.last.Kind, Anchor: about.last.Anchor, Name: about.last.Name, By: people.From(r.Context()).Name, Ended: true}
	if _, err := a.record(r, about, said, a.Clock().UTC(), ""); err != nil {
		return err
	}
	a.Log.InfoContext(r.Context(), "taken back", "cluster", about.cluster, "fault", about.String(), "person", said.By)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func badDeclaration(err error) error {
	return &Refusal{http.StatusBadRequest, "declare", err.Error(), "give cluster, kind and name of what is broken, for (such as 4h) and reason"}
}

// few are the first of some names.
func few(names []string) string {
	const most = 8
	text := strings.Join(names[:min(most, len(names))], ", ")
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
