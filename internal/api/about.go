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

// Login is where people can log in who want a token for the API: as this client, without a secret.
type Login struct {
	Issuer   string `json:"issuer"`
	ClientID string `json:"client_id"`
}

// login answers everybody: who wants to log in is not known yet.
func (a *API) login(w http.ResponseWriter, r *http.Request) {
	if a.Login == nil {
		a.refuse(w, r, &Refusal{http.StatusNotFound, "log in", "no identity provider is configured from which a command line gets a token",
			"use the token that salvor.yaml names for you (--token-file), or have oidc set in salvor.yaml"})
		return
	}
	a.write(w, r, http.StatusOK, a.Login)
}

// Me is the caller, as Salvor knows them.
type Me struct {
	Name   string      `json:"name"`
	Role   people.Role `json:"role"`
	Groups []string    `json:"groups"`
	Via    string      `json:"via"` // "token", "socket" or "oidc"
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
