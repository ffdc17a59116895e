package api

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/salvor-io/salvor/internal/people"
)

// Logins makes the keys of one-time links to the console.
type Logins interface {
	Link(p people.Person) (key string, err error)
}

// LoginLink leads to the console, as somebody.
type LoginLink struct {
	URL   string    `json:"url"`
	Until time.Time `json:"until"` // it is good until then, and once
}

// LoginURL is the address of the page that a key opens.
func LoginURL(console, key string) string {
	return strings.TrimSuffix(console, "/") + "/login?" + url.Values{"key": {key}}.Encode()
}

// makeLogin answers with a link by which the caller is logged in to the console as who they are here.
func (a *API) makeLogin(w http.ResponseWriter, r *http.Request) error {
	key, err := a.Logins.Link(people.From(r.Context()))
	if err != nil {
		return err
	}
	a.write(w, r, http.StatusCreated, LoginLink{LoginURL(a.Console, key), a.Clock().Add(a.LoginLasts).UTC()})
	return nil
}
