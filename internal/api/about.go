package api

import (
	"net/http"

	"github.com/salvor-io/salvor/internal/people"
)

// Version says which Salvor answers.
type Version struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
}

// Me is the caller, as Salvor knows them.
type Me struct {
	Name   string      `json:"name"`
	Role   people.Role `json:"role"`
	Groups []string    `json:"groups"`
	Via    string      `json:"via"` // "token" or "socket"
}

func (a *API) version(w http.ResponseWriter, r *http.Request) error {
	a.write(w, r, http.StatusOK, a.Version)
	return nil
}

func (a *API) me(w http.ResponseWriter, r *http.Request) error {
	p := people.From(r.Context())
	groups := p.Groups
	if groups == nil {
		groups = []string{}
	}
	a.write(w, r, http.StatusOK, Me{Name: p.Name, Role: p.Role, Groups: groups, Via: p.Via})
	return nil
}
