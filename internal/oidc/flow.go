package oidc

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Flow gets an ID token for somebody at a terminal, as a public client, which is another than that of the
// console: a secret cannot be on every laptop.
type Flow struct {
	Issuer   string
	ClientID string
	Clock    func() time.Time
}

// Tokens are what somebody holds after a login. They are secret.
type Tokens struct {
	ID      string    `json:"id_token"`
	Refresh string    `json:"refresh_token,omitempty"`
	Expires time.Time `json:"expires"` // when ID is over
}

// find finds the provider out, and how to ask it.
func (f Flow) find(ctx context.Context) (*found, *http.Client, error) {
	by := bounded(nil)
	provider, err := find(ctx, by, f.Issuer, f.Clock)
	return provider, by, err
}

// Browser logs in by a browser on this machine, which show is given the address for. It waits for the browser to come back to an address of
// this machine alone, at most ten minutes.
func (f Flow) Browser(ctx context.Context, show func(address string) error) (Tokens, error) {
	ctx, cancel := context.WithTimeout(ctx, loginWithin)
	defer cancel()
	provider, by, err := f.find(ctx)
	if err != nil {
		return Tokens{}, err
	}
	back, err := newReturn()
	if err != nil {
		return Tokens{}, err
	}
	defer back.close()
	as := provider.config(f.ClientID, "", back.address, provider.wanted(oidc.ScopeOfflineAccess))
	state, nonce, verifier := rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	if err := show(as.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier))); err != nil {
		return Tokens{}, err
	}
	answer, err := back.wait(ctx, state)
	if err != nil {
		return Tokens{}, err
	}
	if err := provider.complete(answer); err != nil {
		return Tokens{}, err
	}
	got, err := as.Exchange(oidc.ClientContext(ctx, by), answer.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		return Tokens{}, fmt.Errorf("get the token: %w", err)
	}
	return f.take(ctx, provider, got, nonce)
}

// Device logs in by a browser of any machine: show is given the address to open there, and the code to type. It waits at most ten minutes.
func (f Flow) Device(ctx context.Context, show func(address, code string) error) (Tokens, error) {
	ctx, cancel := context.WithTimeout(ctx, loginWithin)
	defer cancel()
	provider, by, err := f.find(ctx)
	if err != nil {
		return Tokens{}, err
	}
	as := provider.config(f.ClientID, "", "", provider.wanted(oidc.ScopeOfflineAccess))
	if as.Endpoint.DeviceAuthURL == "" {
		return Tokens{}, refused("the identity provider offers no login for devices: leave --device out")
	}
	ctx = oidc.ClientContext(ctx, by)
	device, err := as.DeviceAuth(ctx)
	if err != nil {
		return Tokens{}, fmt.Errorf("ask for a device code: %w", err)
	}
	if err := show(device.VerificationURI, device.UserCode); err != nil {
		return Tokens{}, err
	}
	got, err := as.DeviceAccessToken(ctx, device)
	if err != nil {
		return Tokens{}, fmt.Errorf("wait for the login: %w", err)
	}
	return f.take(ctx, provider, got, "")
}

// ErrOver says that tokens are over and cannot be renewed.
var ErrOver = errors.New("the login is over")

// Renew gets new tokens for those that are over. ErrOver is wrapped where the provider does not give any.
func (f Flow) Renew(ctx context.Context, old Tokens) (Tokens, error) {
	if old.Refresh == "" {
		return Tokens{}, ErrOver
	}
	provider, by, err := f.find(ctx)
	if err != nil {
		return Tokens{}, err
	}
	as := provider.config(f.ClientID, "", "", nil)
	got, err := as.TokenSource(oidc.ClientContext(ctx, by), &oauth2.Token{RefreshToken: old.Refresh}).Token()
	switch {
	case errors.Is(err, ErrDown):
		return Tokens{}, err
	case err != nil:
		return Tokens{}, fmt.Errorf("%w: %w", ErrOver, err)
	}
	return f.take(ctx, provider, got, "")
}

// take checks a token before it is kept: that it is of the provider, for this client and, where there was a nonce, of this login.
func (f Flow) take(ctx context.Context, provider *found, got *oauth2.Token, nonce string) (Tokens, error) {
	text, err := idToken(got)
	if err != nil {
		return Tokens{}, err
	}
	verified, _, err := provider.verify(ctx, text, f.Clock, f.ClientID)
	if err != nil {
		return Tokens{}, err
	}
	if nonce != "" && verified.Nonce != nonce {
		return Tokens{}, refused("the ID token is of another login: begin it again")
	}
	return Tokens{ID: text, Refresh: got.RefreshToken, Expires: verified.Expiry}, nil
}

// back is where the browser comes back to: a server on an address of this machine alone, for one answer.
type back struct {
	address string
	server  *http.Server
	answers chan url.Values
	ended   chan struct{}
}

func newReturn() (*back, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the browser: %w", err)
	}
	b := &back{address: "http://" + l.Addr().String() + "/", answers: make(chan url.Values), ended: make(chan struct{})}
	b.server = &http.Server{Handler: http.HandlerFunc(b.answered), ReadHeaderTimeout: askWithin}
	go func() {
		defer close(b.ended)
		_ = b.server.Serve(l) // until it is closed
	}()
	return b, nil
}

// answered hands over what the browser brings.
func (b *back) answered(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodGet || r.URL.Path != "/" || !r.URL.Query().Has("state") {
		http.NotFound(w, r)
		return
	}
	select {
	case b.answers <- r.URL.Query():
		_, _ = fmt.Fprintln(w, "Go back to the terminal: you can close this page.")
	case <-r.Context().Done():
	}
}

// wait waits for the answer with a state. Others are of nobody who was asked.
func (b *back) wait(ctx context.Context, state string) (url.Values, error) {
	for {
		select {
		case answer := <-b.answers:
			if answer.Get("state") == state {
				return answer, nil
			}
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the browser: %w", ctx.Err())
		}
	}
}

// goodbyeWithin is how long the browser has to read the last page.
const goodbyeWithin = time.Second

func (b *back) close() {
	ctx, cancel := context.WithTimeout(context.Background(), goodbyeWithin)
	defer cancel()
	if b.server.Shutdown(ctx) != nil {
		_ = b.server.Close()
	}
	<-b.ended
}
