package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/people"
	"github.com/salvor-io/salvor/policies"
)

// The bounds of a pause.
const (
	maxPause  = 30 * 24 * time.Hour
	maxReason = 500 // characters
)

// PauseRequest asks for a pause. An empty scope field means every one.
type PauseRequest struct {
	Cluster string `json:"cluster,omitempty"`
	Kind    string `json:"kind,omitempty"`
	Target  string `json:"target,omitempty"` // "node/worker-1"
	For     string `json:"for"`              // a duration such as "2h"
	Reason  string `json:"reason"`
}

func (a *API) listPauses(w http.ResponseWriter, r *http.Request) error {
	list, err := a.Pauses.Pauses(r.Context())
	if err != nil {
		return err
	}
	if list == nil {
		list = []policies.Pause{}
	}
	a.write(w, r, http.StatusOK, list)
	return nil
}

// setPause throws a switch in the name of the caller.
func (a *API) setPause(w http.ResponseWriter, r *http.Request) error {
	asked, err := readBody[PauseRequest](w, r)
	if err != nil {
		return badPause(err)
	}
	pause, err := a.pauseOf(asked, people.From(r.Context()))
	if err != nil {
		return badPause(err)
	}
	if err := a.Pauses.SetPause(r.Context(), pause); err != nil {
		return err
	}
	a.Log.InfoContext(r.Context(), "paused", "scope", pause.Scope(), "person", pause.Owner, "until", pause.Until, "reason", pause.Reason)
	a.write(w, r, http.StatusCreated, pause)
	return nil
}

// endPause ends the pause of the scope that the query names.
func (a *API) endPause(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	scope := policies.Pause{Cluster: q.Get("cluster"), Kind: q.Get("kind"), Target: q.Get("target"), Owner: people.From(r.Context()).Name}
	err := a.Pauses.EndPause(r.Context(), scope)
	if errors.Is(err, a.Missing) {
		return &Refusal{http.StatusNotFound, "resume " + scope.Scope(), "nothing of exactly that scope is paused", "list the pauses: salvor pauses"}
	}
	if err != nil {
		return err
	}
	a.Log.InfoContext(r.Context(), "resumed", "scope", scope.Scope(), "person", scope.Owner)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// readBody reads one JSON object, and nothing but what it has a place for.
func readBody[T any](w http.ResponseWriter, r *http.Request) (T, error) {
	var asked T
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, 16<<10))
	body.DisallowUnknownFields()
	if err := body.Decode(&asked); err != nil {
		return asked, err
	}
	if _, err := body.Token(); !errors.Is(err, io.EOF) {
		return asked, errors.New("something follows the JSON object")
	}
	return asked, nil
}

func badPause(err error) error {
	return &Refusal{http.StatusBadRequest, "pause", err.Error(), "give for (such as 2h) and reason, and cluster, kind and target where the pause is for less than all"}
}

// reasonOf is what a person wrote, without the credentials that they may have pasted.
func reasonOf(text string) string { return policies.MaskedText(strings.TrimSpace(text)) }

// targetName is a target as people name it: kind/name or kind/namespace/name.
var targetName = regexp.MustCompile(`^[a-z]+(/[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?){1,2}$`)

// pauseOf checks a request: one that misses its mark would hold nothing back, and nobody would know. Its reason is masked before it is
// stored, recorded, logged or shown: all who may read see it.
func (a *API) pauseOf(asked PauseRequest, by people.Person) (policies.Pause, error) {
	length, err := time.ParseDuration(asked.For)
	kinds := classifiers.Kinds()
	reason := reasonOf(asked.Reason)
	switch {
	case err != nil:
		return policies.Pause{}, fmt.Errorf("for is %q, want a duration such as 2h", asked.For)
	case length < time.Second || length > maxPause:
		return policies.Pause{}, fmt.Errorf("for is %s, want between 1s and %s", length, maxPause)
	case reason == "":
		return policies.Pause{}, errors.New("no reason is given, and the next person has to know why")
	case len([]rune(reason)) > maxReason:
		return policies.Pause{}, fmt.Errorf("the reason has more than %d characters", maxReason)
	case asked.Cluster != "" && !slices.Contains(a.Clusters, asked.Cluster):
		return policies.Pause{}, fmt.Errorf("no cluster is named %q, the configured ones are %v", asked.Cluster, a.Clusters)
	case asked.Kind != "" && !slices.Contains(kinds, classifiers.Kind(asked.Kind)):
		return policies.Pause{}, fmt.Errorf("no kind of fault is named %q, they are %v", asked.Kind, kinds)
	case asked.Target != "" && !targetName.MatchString(asked.Target):
		return policies.Pause{}, fmt.Errorf("target is %q, want kind/name such as node/worker-1", asked.Target)
	}
	now := a.Clock().UTC()
	return policies.Pause{Cluster: asked.Cluster, Kind: asked.Kind, Target: asked.Target, Owner: by.Name, Reason: reason,
		Since: now, Until: now.Add(length)}, nil
}
