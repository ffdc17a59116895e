package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/salvor-io/salvor/internal/people"
)

// The paths of a login in the browser, below the address by which people reach Salvor.
const (
	LoginPath    = "/login/oidc"
	CallbackPath = "/login/oidc/callback"
)

// loginWithin is how long somebody may take at the provider.
const loginWithin = 10 * time.Minute

// Opener opens a session for whoever has logged in.
type Opener interface {
	Open(w http.ResponseWriter, r *http.Request, p people.Person) error
}

// LoginOptions are what a Login is made of. All are needed.
type LoginOptions struct {
	Provider    *Provider
	Sessions    Opener
	ExternalURL string // by which people reach Salvor; the provider has to know ExternalURL + CallbackPath
	Key         []byte // seals what a browser keeps during a login: the same for all replicas
	Say         func(w http.ResponseWriter, r *http.Request, status int, sentence string)
}

// Login logs people in by the provider: the code flow with PKCE, bound to the browser that begins it. It is safe for concurrent use.
type Login struct {
	LoginOptions
	cookie cookie
	used   used
}

// NewLogin makes a Login.
func NewLogin(opt LoginOptions) *Login {
	opt.ExternalURL = strings.TrimSuffix(opt.ExternalURL, "/")
	return &Login{LoginOptions: opt, cookie: cookie{key: opt.Key, secure: strings.HasPrefix(opt.ExternalURL, "https://")}}
}

// Register adds the two paths.
func (l *Login) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET "+LoginPath, l.begin)
	mux.HandleFunc("GET "+CallbackPath, l.end)
}

// begun is a login that was begun, as the browser keeps it.
type begun struct {
	State    string    `json:"s"`
	Nonce    string    `json:"n"`
	Verifier string    `json:"v"`
	To       string    `json:"t"` // the page that was asked for
	Until    time.Time `json:"u"`
}

// begin sends the browser to the provider.
func (l *Login) begin(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	f, err := l.Provider.discover(r.Context())
	if err != nil {
		l.fail(w, r, fmt.Errorf("%w: %w", refused("%v: try again, or log in another way", ErrDown), err))
		return
	}
	b := begun{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), To: local(r.URL.Query().Get("next")), Until: l.Provider.Clock().Add(loginWithin)}
	l.cookie.set(w, b)
	http.Redirect(w, r, l.config(f).AuthCodeURL(b.State, oidc.Nonce(b.Nonce), oauth2.S256ChallengeOption(b.Verifier)), http.StatusSeeOther)
}

func (l *Login) config(f *found) *oauth2.Config {
	return f.config(l.Provider.ClientID, l.Provider.ClientSecret, l.ExternalURL+CallbackPath, f.wanted())
}

// end takes what the provider answered through the browser, and opens a session.
func (l *Login) end(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	b, err := l.begunBy(r)
	if err != nil {
		l.fail(w, r, err)
		return
	}
	l.cookie.clear(w)
	who, err := l.answered(r.Context(), r.URL.Query(), b)
	if err != nil {
		l.fail(w, r, err)
		return
	}
	who.Via = people.ViaWeb
	if err := l.Sessions.Open(w, r, who); err != nil {
		l.fail(w, r, fmt.Errorf("%w: %w", refused("you are known, and no session can be opened for you: see the log of salvor"), err))
		return
	}
	l.Provider.Log.InfoContext(r.Context(), "a person has logged in", "person", who.Name, "role", who.Role)
	http.Redirect(w, r, b.To, http.StatusSeeOther)
}

// begunBy is the login that this browser has begun and that the answer is of: each is ended once.
func (l *Login) begunBy(r *http.Request) (begun, error) {
	b, ok := l.cookie.of(r)
	now, state := l.Provider.Clock(), r.URL.Query().Get("state")
	if !ok || !now.Before(b.Until) || subtle.ConstantTimeCompare([]byte(b.State), []byte(state)) != 1 || !l.used.first(b.State, b.Until, now) {
		return begun{}, refused("this login was not begun in this browser, or is over: begin it again")
	}
	return b, nil
}

// answered is who the provider says has logged in.
func (l *Login) answered(ctx context.Context, answer url.Values, b begun) (people.Person, error) {
	f, err := l.Provider.discover(ctx)
	if err != nil {
		return people.Person{}, fmt.Errorf("%w: %w", refused("%v: try again", ErrDown), err)
	}
	if err := f.complete(answer); err != nil {
		return people.Person{}, err
	}
	token, err := f.exchange(ctx, l.Provider.http, l.config(f), answer.Get("code"), b.Verifier)
	if err != nil {
		return people.Person{}, err
	}
	who, verified, err := l.Provider.read(ctx, token, l.Provider.ClientID)
	if err != nil {
		return people.Person{}, err
	}
	if subtle.ConstantTimeCompare([]byte(verified.Nonce), []byte(b.Nonce)) != 1 {
		return people.Person{}, refused("the ID token is of another login: begin it again")
	}
	return who, nil
}

// complete says what an answer to a login lacks.
func (f *found) complete(answer url.Values) error {
	switch {
	case answer.Has("iss") && answer.Get("iss") != f.issuer(), f.namesSelf && !answer.Has("iss"):
		return refused("the answer is not one of the identity provider that was asked: begin the login again")
	case answer.Has("error"):
		return fmt.Errorf("%w: %.100q", refused("the identity provider did not let you in"), answer.Get("error"))
	case answer.Get("code") == "":
		return refused("the answer of the identity provider is incomplete: begin the login again")
	}
	return nil
}

// exchange gets the ID token for a code.
func (f *found) exchange(ctx context.Context, by *http.Client, as *oauth2.Config, code, verifier string) (string, error) {
	got, err := as.Exchange(oidc.ClientContext(ctx, by), code, oauth2.VerifierOption(verifier))
	switch {
	case errors.Is(err, ErrDown):
		return "", fmt.Errorf("%w: %w", refused("%v: try again", ErrDown), err)
	case err != nil:
		return "", fmt.Errorf("%w: %w", refused("the identity provider does not take the answer for one of its own: begin the login again"), err)
	}
	return idToken(got)
}

func idToken(got *oauth2.Token) (string, error) {
	token, _ := got.Extra("id_token").(string)
	if token == "" {
		return "", refused("the identity provider sends no ID token: is it one of OpenID Connect?")
	}
	return token, nil
}

// fail answers that somebody is not let in.
func (l *Login) fail(w http.ResponseWriter, r *http.Request, err error) {
	if untold, speaks := l.Provider.strangers.Speaks(l.Provider.Clock()); speaks {
		l.Provider.Log.WarnContext(r.Context(), "a login lets nobody in", "from", r.RemoteAddr, "error", err, "untold", untold)
	}
	status, sentence := http.StatusForbidden, inOneSentence(err).Error()
	if errors.Is(err, ErrDown) {
		status = http.StatusServiceUnavailable
	}
	l.Say(w, r, status, sentence)
}

// local is the page to return to: one of this site, or its first.
func local(page string) string {
	u, err := url.Parse(page)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(page, "/") || strings.HasPrefix(u.Path, "//") ||
		strings.ContainsAny(page, "\\\r\n\t") || len(page) > maxPage {
		return "/"
	}
	return page
}

// maxPage bounds the page to return to, in bytes: a cookie holds it.
const maxPage = 1 << 10

// used remembers which logins have ended, for as long as they could end again.
type used struct {
	mu  sync.Mutex
	all map[string]time.Time
}

// maxUsed bounds how many are remembered. A login that is not remembered ends once, too: the provider takes each code once.
const maxUsed = 10_000

// first says whether a login ends for the first time.
func (u *used) first(state string, until, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, before := u.all[state]; before {
		return false
	}
	if u.all == nil || len(u.all) >= maxUsed {
		u.all = map[string]time.Time{}
	}
	for other, over := range u.all {
		if !now.Before(over) {
			delete(u.all, other)
		}
	}
	u.all[state] = until
	return true
}
