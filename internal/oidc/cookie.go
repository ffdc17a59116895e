package oidc

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
)

// cookie keeps a login that was begun in the browser that has begun it, sealed.
type cookie struct {
	key    []byte
	secure bool // people reach Salvor by https
}

// name binds the cookie to this host, where browsers can: no other host of the domain can set it.
func (c cookie) name() string {
	if c.secure {
		return "__Host-salvor-login"
	}
	return "salvor-login"
}

func (c cookie) set(w http.ResponseWriter, b begun) {
	text, err := json.Marshal(b)
	if err != nil {
		return // no begun cannot be written; without its cookie the login ends nowhere
	}
	payload := base64.RawURLEncoding.EncodeToString(text)
	c.write(w, payload+"."+c.seal(payload), int(loginWithin.Seconds()))
}

func (c cookie) clear(w http.ResponseWriter) { c.write(w, "", -1) }

func (c cookie) write(w http.ResponseWriter, value string, age int) {
	http.SetCookie(w, &http.Cookie{Name: c.name(), Value: value, Path: "/", MaxAge: age, Secure: c.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

func (c cookie) seal(payload string) string {
	mac := hmac.New(sha256.New, c.key)
	_, _ = mac.Write([]byte("salvor oidc login\x00" + payload)) // never fails
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// of is the login that a request's browser has begun.
func (c cookie) of(r *http.Request) (b begun, ok bool) {
	kept, err := r.Cookie(c.name())
	if err != nil {
		return begun{}, false
	}
	payload, seal, _ := strings.Cut(kept.Value, ".")
	if !hmac.Equal([]byte(seal), []byte(c.seal(payload))) {
		return begun{}, false
	}
	text, err := base64.RawURLEncoding.DecodeString(payload)
	return b, err == nil && json.Unmarshal(text, &b) == nil
}
