package oidc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/salvor-io/salvor/internal/people"
)

const (
	askWithin  = 10 * time.Second // one request to the provider
	askApart   = 5 * time.Second  // between two tries to reach one that did not answer
	keysApart  = 10 * time.Second // between two looks for its keys, whatever tokens are sent
	maxAnswer  = 1 << 20          // bytes of an answer of it
	greetEvery = time.Minute      // until one that was not reached at the start is tried again
)

// Options are what a Provider is made of. All but the last four are needed.
type Options struct {
	Mapping
	ClientID string
	Clock    func() time.Time
	Log      *slog.Logger

	ClientSecret string         // "": a public client
	CLIClientID  string         // whose tokens count, too
	CA           *x509.CertPool // who signs its certificate; nil: those that the system trusts
}

// Provider is the identity provider. It is asked where things are when that is first needed, and may be down at the start. It is safe for
// concurrent use.
type Provider struct {
	Options
	http      *http.Client
	strangers people.Sparing

	mu      sync.Mutex
	found   *found
	tried   time.Time // when it was looked for last
	missing error     // what came of that
}

// found is what is known of a provider that was reached.
type found struct {
	*oidc.Provider
	algorithms []string
	scopes     []string
	namesSelf  bool // its answers to a login say whose they are
	keys       oidc.KeySet
}

// NewProvider makes a provider. Nothing is asked yet.
func NewProvider(opt Options) *Provider {
	return &Provider{Options: opt, http: bounded(opt.CA)}
}

// bounded is a client whose requests take no longer, and whose answers are no larger, than can be waited for.
func bounded(ca *x509.CertPool) *http.Client {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: askWithin, IdleConnTimeout: time.Minute,
		TLSClientConfig: &tls.Config{RootCAs: ca, MinVersion: tls.VersionTLS12}}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &http.Client{Transport: frugal{transport}, Timeout: askWithin, CheckRedirect: stay}
}

// ErrDown is wrapped by the error where the provider did not answer.
var ErrDown = errors.New("the identity provider does not answer")

// discover finds out where things are, once.
func (p *Provider) discover(ctx context.Context) (*found, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	if now := p.Clock(); p.missing == nil || now.Sub(p.tried) >= askApart {
		p.tried = now
		p.found, p.missing = find(context.WithoutCancel(ctx), p.http, p.Issuer, p.Clock)
	}
	return p.found, p.missing
}

// safeAlgorithms are those by which only the provider can sign. With any other, whoever knows its public keys could.
var safeAlgorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA}

func find(ctx context.Context, by *http.Client, issuer string, now func() time.Time) (*found, error) {
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, by), askWithin)
	defer cancel()
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDown, err)
	}
	var more struct {
		Keys       string   `json:"jwks_uri"`
		Algorithms []string `json:"id_token_signing_alg_values_supported"`
		Scopes     []string `json:"scopes_supported"`
		NamesSelf  bool     `json:"authorization_response_iss_parameter_supported"`
	}
	if err := provider.Claims(&more); err != nil {
		return nil, fmt.Errorf("read what %s says of itself: %w", issuer, err)
	}
	unsafe := func(algorithm string) bool { return !slices.Contains(safeAlgorithms, algorithm) }
	f := &found{Provider: provider, algorithms: slices.DeleteFunc(more.Algorithms, unsafe), scopes: more.Scopes, namesSelf: more.NamesSelf}
	rare := *by
	rare.Transport = &seldom{next: by.Transport, apart: keysApart, now: now}
	f.keys = oidc.NewRemoteKeySet(oidc.ClientContext(context.WithoutCancel(ctx), &rare), more.Keys)
	return f, nil
}

// wanted are the scopes to ask for: those that a token needs to say who somebody is, and others where the provider has them.
func (f *found) wanted(others ...string) []string {
	scopes := []string{oidc.ScopeOpenID, "profile", "email"}
	for _, other := range append(others, "groups") {
		if slices.Contains(f.scopes, other) {
			scopes = append(scopes, other)
		}
	}
	return scopes
}

// noting notes what came of looking for keys, which the verifier tells as text.
type noting struct {
	oidc.KeySet
	err error
}

// VerifySignature implements oidc.KeySet.
func (n *noting) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := n.KeySet.VerifySignature(ctx, jwt)
	n.err = err
	return payload, err
}

// verify checks a token that is for one of clients, and returns it with what it claims. A *Refused says why it does not count.
func (f *found) verify(ctx context.Context, token string, now func() time.Time, clients ...string) (*oidc.IDToken, claims, error) {
	keys := &noting{KeySet: f.keys}
	issuer := f.issuer()
	verified, err := oidc.NewVerifier(issuer, keys, &oidc.Config{SkipClientIDCheck: true, SupportedSigningAlgs: f.algorithms, Now: now}).Verify(ctx, token)
	var over *oidc.TokenExpiredError
	switch {
	case errors.Is(keys.err, ErrDown):
		return nil, nil, fmt.Errorf("%w: %w", refused("%v, and whether your token is its own cannot be seen without it", ErrDown), keys.err)
	case errors.As(err, &over):
		return nil, nil, refused("your ID token is over since %s: log in again", over.Expiry.UTC().Format("2006-01-02 15:04:05 UTC"))
	case err != nil:
		return nil, nil, fmt.Errorf("%w: %w", refused("the ID token is not one that %s has signed", issuer), err)
	}
	var said claims
	if err := verified.Claims(&said); err != nil {
		return nil, nil, fmt.Errorf("read the claims: %w", err)
	}
	if !isFor(verified, said, clients) {
		return nil, nil, refused("the ID token is for another application, and not for Salvor")
	}
	if verified.Subject == "" {
		return nil, nil, refused("the ID token does not say whose it is")
	}
	return verified, said, nil
}

func (f *found) issuer() string {
	var said struct {
		Issuer string `json:"issuer"`
	}
	_ = f.Claims(&said) // was read before
	return said.Issuer
}

// isFor says whether a token was issued to one of clients. One for several applications says to which of them.
func isFor(token *oidc.IDToken, said claims, clients []string) bool {
	for _, client := range clients {
		party := said.text("azp")
		if client != "" && slices.Contains(token.Audience, client) && (party == client || party == "" && len(token.Audience) == 1) {
			return true
		}
	}
	return false
}

// Person is who a token is about. A *Refused says why it lets nobody in.
func (p *Provider) Person(ctx context.Context, token string) (people.Person, error) {
	who, _, err := p.read(ctx, token, p.ClientID, p.CLIClientID)
	return who, err
}

func (p *Provider) read(ctx context.Context, token string, clients ...string) (people.Person, *oidc.IDToken, error) {
	f, err := p.discover(ctx)
	if err != nil {
		return people.Person{}, nil, fmt.Errorf("%w: %w", refused("%v, and nobody can be known by it", ErrDown), err)
	}
	verified, said, err := f.verify(ctx, token, p.Clock, clients...)
	if err != nil {
		return people.Person{}, nil, err
	}
	who, err := p.person(verified.Subject, said)
	return who, verified, err
}

// config is how a client of this provider asks.
func (f *found) config(client, secret, redirect string, scopes []string) *oauth2.Config {
	return &oauth2.Config{ClientID: client, ClientSecret: secret, RedirectURL: redirect, Endpoint: f.Endpoint(), Scopes: scopes}
}

// Greet looks for the provider until it is found, and says in the log what keeps it from that.
func (p *Provider) Greet(ctx context.Context) {
	for {
		_, err := p.discover(ctx)
		if err == nil {
			return
		}
		p.Log.WarnContext(ctx, "nobody can be known by the identity provider", "issuer", p.Issuer, "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(greetEvery):
		}
	}
}
