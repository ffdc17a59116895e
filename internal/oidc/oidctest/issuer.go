// Package oidctest is an identity provider for tests: OpenID Connect with the code flow, refresh and the device flow, in this process.
package oidctest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// ClientID is the client that tokens are for.
const ClientID = "salvor"

// Issuer is the provider. Whoever comes is logged in at once, as Claims say. Its fields may be changed between calls.
type Issuer struct {
	*httptest.Server

	mu      sync.Mutex
	key     *rsa.PrivateKey
	kid     string
	claims  map[string]any
	tamper  func(claims map[string]any)
	down    bool
	asked   map[string]int // by path
	granted map[string]grant
	devices map[string]bool // by code, whether somebody has agreed
}

// grant is what a code or a refresh token stands for.
type grant struct {
	client, redirect, challenge, nonce string
	refresh                            bool
}

// New starts a provider, which ends with the test. Nobody is logged in before As.
func New(t testing.TB) *Issuer {
	i := &Issuer{asked: map[string]int{}, granted: map[string]grant{}, devices: map[string]bool{}}
	mux := http.NewServeMux()
	for pattern, serve := range map[string]http.HandlerFunc{
		"GET /.well-known/openid-configuration": i.discovery, "GET /keys": i.keys, "GET /authorize": i.authorize, "POST /token": i.token, "POST /device": i.device,
	} {
		mux.HandleFunc(pattern, serve)
	}
	i.Server = httptest.NewServer(i.counted(mux))
	t.Cleanup(i.Close)
	i.Rotate()
	return i
}

// As says who logs in from now on.
func (i *Issuer) As(claims map[string]any) { i.set(func() { i.claims = claims }) }

// Tamper changes the claims of tokens that are issued from now on.
func (i *Issuer) Tamper(f func(claims map[string]any)) { i.set(func() { i.tamper = f }) }

// Down has the provider answer that it is broken.
func (i *Issuer) Down(down bool) { i.set(func() { i.down = down }) }

// Rotate has it sign with another key, and forget the one before.
func (i *Issuer) Rotate() {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	i.set(func() { i.key, i.kid = key, rand.Text() })
}

func (i *Issuer) set(f func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	f()
}

// Asked is how often a path was asked for.
func (i *Issuer) Asked(path string) (n int) {
	i.set(func() { n = i.asked[path] })
	return n
}

// Token is a token with claims, over those that every token has.
func (i *Issuer) Token(claims map[string]any) string {
	var key jose.SigningKey
	i.set(func() { key = jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: i.key, KeyID: i.kid}} })
	return Sign(key, i.whole(claims))
}

// PublicKey is what it signs can be checked with, and the id of that key.
func (i *Issuer) PublicKey() (key *rsa.PublicKey, kid string) {
	i.set(func() { key, kid = &i.key.PublicKey, i.kid })
	return key, kid
}

// whole are claims of a token that counts now.
func (i *Issuer) whole(claims map[string]any) map[string]any {
	now := time.Now()
	all := map[string]any{"iss": i.URL, "aud": ClientID, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	maps.Copy(all, claims)
	for name, value := range all {
		if value == nil {
			delete(all, name)
		}
	}
	return all
}

// Sign signs claims with any key.
func Sign(key jose.SigningKey, claims map[string]any) string {
	signer, err := jose.NewSigner(key, nil)
	if err != nil {
		panic(err)
	}
	text, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	signed, err := signer.Sign(text)
	if err != nil {
		panic(err)
	}
	out, err := signed.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return out
}

// Unsigned is a token that claims to need no signature.
func (i *Issuer) Unsigned(claims map[string]any) string {
	text, err := json.Marshal(i.whole(claims))
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString(text) + "."
}

func (i *Issuer) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		down := false
		i.set(func() { i.asked[r.URL.Path]++; down = i.down })
		if down {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // whoever asked has gone
}

func (i *Issuer) discovery(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusOK, map[string]any{"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token", "jwks_uri": i.URL + "/keys",
		"device_authorization_endpoint": i.URL + "/device", "id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"},
		"scopes_supported": []string{"openid", "email", "groups", "offline_access"}, "authorization_response_iss_parameter_supported": true})
}

func (i *Issuer) keys(w http.ResponseWriter, _ *http.Request) {
	key, kid := i.PublicKey()
	write(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key, KeyID: kid, Algorithm: "RS256", Use: "sig"}}})
}

// authorize logs somebody in and sends the browser back.
func (i *Issuer) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" || q.Get("nonce") == "" || q.Get("state") == "" || q.Get("response_type") != "code" {
		http.Error(w, "want PKCE, a nonce and a state", http.StatusBadRequest)
		return
	}
	code := i.grant(grant{client: q.Get("client_id"), redirect: q.Get("redirect_uri"), challenge: q.Get("code_challenge"), nonce: q.Get("nonce")})
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {i.URL}}.Encode(), http.StatusFound)
}

func (i *Issuer) grant(g grant) (code string) {
	code = rand.Text()
	i.set(func() { i.granted[code] = g })
	return code
}

func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	client := r.FormValue("client_id")
	if name, _, ok := r.BasicAuth(); ok {
		client = name
	}
	switch r.FormValue("grant_type") {
	case "authorization_code":
		g, ok := i.redeem(r.FormValue("code"))
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		if !ok || g.refresh || g.client != client || g.redirect != r.FormValue("redirect_uri") || g.challenge != base64.RawURLEncoding.EncodeToString(sum[:]) {
			write(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
			return
		}
		i.issue(w, client, g.nonce)
	case "refresh_token":
		if g, ok := i.redeem(r.FormValue("refresh_token")); !ok || !g.refresh || g.client != client {
			write(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
			return
		}
		i.issue(w, client, "")
	case "urn:ietf:params:oauth:grant-type:device_code":
		known := false
		i.set(func() { known = i.devices[r.FormValue("device_code")] })
		if !known {
			write(w, http.StatusBadRequest, map[string]string{"error": "authorization_pending"})
			return
		}
		i.issue(w, client, "")
	default:
		write(w, http.StatusBadRequest, map[string]string{"error": "unsupported_grant_type"})
	}
}

// redeem takes a code or a refresh token, once.
func (i *Issuer) redeem(code string) (g grant, ok bool) {
	i.set(func() { g, ok = i.granted[code]; delete(i.granted, code) })
	return g, ok
}

func (i *Issuer) issue(w http.ResponseWriter, client, nonce string) {
	claims := map[string]any{"aud": client}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	var tamper func(map[string]any)
	i.set(func() { maps.Copy(claims, i.claims); tamper = i.tamper })
	if tamper != nil {
		tamper(claims)
	}
	write(w, http.StatusOK, map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": i.Token(claims), "refresh_token": i.grant(grant{client: client, refresh: true})})
}

// device begins a login of a device, to which somebody agrees at once.
func (i *Issuer) device(w http.ResponseWriter, _ *http.Request) {
	code := rand.Text()
	i.set(func() { i.devices[code] = true })
	write(w, http.StatusOK, map[string]any{"device_code": code, "user_code": "ABCD-EFGH", "verification_uri": i.URL + "/activate", "expires_in": 60, "interval": 1})
}
