package forgery

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/oidc/oidctest"
	"github.com/salvor-io/salvor/internal/people"
)

// attempt is one case: what somebody tries, and part of the sentence that they are told.
type attempt struct {
	name string
	try  func(h *house) answer
	told string
	note bool // it is recorded with the incident, and not in the log alone: it is known who it was
}

// least is how many cases there are at least.
const least = 60

// TestForgeries: none is accepted, each is recorded, each is answered in one clear sentence.
func TestForgeries(t *testing.T) {
	issuer := oidctest.New(t)
	all := append(bearers(), append(tokens(t), append(votes(), append(pages(), presses()...)...)...)...)
	for _, a := range all {
		t.Run(a.name, func(t *testing.T) { a.run(newHouse(t, issuer)) })
	}
	if len(all) < least {
		t.Errorf("%d cases, want at least %d", len(all), least)
	}
}

func (a attempt) run(h *house) {
	h.t.Helper()
	h.issuer.Tamper(nil)
	before := h.count(incident.Voted)
	got := a.try(h)
	if accepted := h.count(incident.Voted) - before; accepted != h.rightly || got.status < http.StatusBadRequest {
		h.t.Errorf("it is answered %d %q, and %d are accepted, of which %d rightly", got.status, got.text, accepted, h.rightly)
	}
	if !strings.Contains(got.text, a.told) || strings.ContainsAny(got.text, "\n<>") || len(got.text) > 300 || inside(got.text) {
		h.t.Errorf("they are told %q, want one sentence with %q", got.text, a.told)
	}
	if h.logged() == "" {
		h.t.Error("it is not in the log")
	}
	if noted := h.count(incident.Noted) == 1; noted != a.note {
		h.t.Errorf("that it is noted with the incident is %v, want %v", noted, a.note)
	}
}

// inside says that a sentence tells of what is inside Salvor.
func inside(text string) bool {
	for _, word := range []string{".go:", "nil", "oidc:", "json:", "panic", "0x", "jose"} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

var voices = []incident.Voice{incident.Approve, incident.Reject, incident.Hold}

// bearers are tokens that are nobody's, for each verb.
func bearers() []attempt {
	var all []attempt
	for _, voice := range voices {
		for name, header := range map[string][]string{
			"without a token": nil, "a token of nobody": {"Bearer x"}, "somebody's name": {"Bearer ADA"}, "a password": {"Basic YWRhOmFkYQ=="}, "two tokens": {"Bearer eve", "Bearer ada"},
		} {
			all = append(all, attempt{name: fmt.Sprintf("%s: %s", voice, name), told: "token", try: func(h *house) answer {
				return h.posts(fmt.Sprintf(`{"says":%q,"plan":%q,"reason":"because"}`, voice, h.plan()), header...)
			}})
		}
	}
	return all
}

// of are claims of somebody on call who is not listed, changed.
func of(name string, changes ...any) map[string]any {
	all := map[string]any{"sub": "sub-" + name, "email": name + "@example.org", "email_verified": true, "groups": []string{"oncall"}}
	for n := 0; n+1 < len(changes); n += 2 {
		all[changes[n].(string)] = changes[n+1]
	}
	return all
}

// tokens are ID tokens that the provider did not sign for this person, for Salvor, for now.
func tokens(t *testing.T) []attempt {
	another, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	signed := func(algorithm jose.SignatureAlgorithm, key func(h *house) any) func(h *house) string {
		return func(h *house) string {
			_, kid := h.issuer.PublicKey()
			claims := of("ada", "iss", h.issuer.URL, "aud", oidctest.ClientID, "exp", time.Now().Add(time.Hour).Unix())
			return oidctest.Sign(jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: key(h), KeyID: kid}}, claims)
		}
	}
	claimed := func(claims map[string]any) func(h *house) string {
		return func(h *house) string { return h.issuer.Token(claims) }
	}
	var all []attempt
	for name, c := range map[string]struct {
		token func(h *house) string
		told  string
	}{
		"of another issuer":       {claimed(of("ada", "iss", "https://idp.example.org")), "has signed"},
		"for another application": {claimed(of("ada", "aud", "grafana")), "another application"},
		"for several":             {claimed(of("ada", "aud", []string{"salvor", "grafana"})), "another application"},
		"over":                    {claimed(of("ada", "exp", time.Now().Add(-time.Minute).Unix())), "is over since"},
		"not yet":                 {claimed(of("ada", "nbf", time.Now().Add(time.Hour).Unix())), "has signed"},
		"unsigned":                {func(h *house) string { return h.issuer.Unsigned(of("ada")) }, "has signed"},
		"signed by somebody":      {signed(jose.RS256, func(*house) any { return another }), "has signed"},
		"signed by the public key": {signed(jose.HS256, func(h *house) any {
			public, _ := h.issuer.PublicKey()
			text, err := x509.MarshalPKIXPublicKey(public)
			h.must(err)
			return text
		}), "has signed"},
		"of two tokens": {func(h *house) string {
			eve, ada := strings.Split(h.issuer.Token(of("eve")), "."), strings.Split(h.issuer.Token(of("ada")), ".")
			return eve[0] + "." + ada[1] + "." + eve[2]
		}, "has signed"},
		"the name of ada":      {claimed(of("eve", "email_verified", false, "preferred_username", "Ada")), "the name of somebody who is listed"},
		"a name like ada":      {claimed(of("eve", "email_verified", false, "preferred_username", "аda")), "no name that can be used"},
		"the email of nobody":  {claimed(of("eve", "email", "<!channel>@example.org")), "no name that can be used"},
		"without groups":       {claimed(of("eve", "groups", nil)), "no group of yours"},
		"with too many groups": {claimed(of("eve", "groups", nil, "hasgroups", true)), "too many"},
		"of no subject":        {claimed(of("ada", "sub", nil)), "does not say whose"},
	} {
		all = append(all, attempt{name: "an ID token " + name, told: c.told, try: func(h *house) answer { return h.says(c.token(h), incident.Approve, h.plan()) }})
	}
	return all
}

// votes are by people who are known, and do not count.
func votes() []attempt {
	var all []attempt
	add := func(name, told string, note bool, try func(h *house) answer) {
		all = append(all, attempt{name: name, told: told, note: note, try: try})
	}
	for _, voice := range voices {
		add(fmt.Sprintf("%s: a stranger", voice), "eve is not one of those who are asked", true, func(h *house) answer { return h.says("eve", voice, h.plan()) })
		add(fmt.Sprintf("%s: a viewer", voice), "vera is viewer", true, func(h *house) answer { return h.says("vera", voice, h.plan()) })
		add(fmt.Sprintf("%s: an old plan", voice), "is asked about by now", true, func(h *house) answer {
			h.ask("second")
			return h.says("ada", voice, h.plan())
		})
		add(fmt.Sprintf("%s: too late", voice), "the time to answer was over", true, func(h *house) answer {
			h.now = h.now.Add(11 * time.Minute)
			return h.says("ada", voice, h.plan())
		})
		add(fmt.Sprintf("%s: after a rejection", voice), "bob rejected plan", true, func(h *house) answer {
			h.rights(h.says("bob", incident.Reject, h.plan()))
			return h.says("ada", voice, h.plan())
		})
	}
	again := func(second func(h *house) answer) func(h *house) answer {
		return func(h *house) answer {
			h.rights(h.says("ada", incident.Approve, h.plan()))
			return second(h)
		}
	}
	add("who declared it", "ada has declared the fault", true, func(h *house) answer {
		h.declared = "Ada"
		return h.says("ada", incident.Approve, h.plan())
	})
	add("who declared it, under another name", "has declared the fault", true, func(h *house) answer {
		h.declared, h.subject = "ann@example.org", "sub-ann"
		return h.says(h.issuer.Token(of("ann", "email", "anna@example.org")), incident.Approve, h.plan())
	})
	add("policy denies", "not on Fridays", true, func(h *house) answer {
		h.deny = "not on Fridays"
		return h.says("ada", incident.Approve, h.plan())
	})
	add("who signed the rules", "ada signed", true, func(h *house) answer {
		h.signer = "ada"
		return h.says("ada", incident.Approve, h.plan())
	})
	add("twice", "ada has approved already", true, again(func(h *house) answer { return h.says("ada", incident.Approve, h.plan()) }))
	add("twice, by an ID token", "ada has approved already", true, again(func(h *house) answer {
		return h.says(h.issuer.Token(map[string]any{"sub": "sub-ada"}), incident.Approve, h.plan())
	}))
	add("twice, under another name", "has approved already", true, func(h *house) answer {
		h.rights(h.says(h.issuer.Token(of("ann")), incident.Approve, h.plan()))
		return h.says(h.issuer.Token(of("ann", "email", "anna@example.org")), incident.Approve, h.plan())
	})
	add("a group like the one that is asked", "is viewer", true, func(h *house) answer {
		return h.says(h.issuer.Token(of("sue", "groups", []string{"everybody", "ONCALL"})), incident.Approve, h.plan())
	})
	add("no plan is named", "which plan is meant", false, func(h *house) answer { return h.says("ada", incident.Approve, "") })
	add("any plan is meant", "which plan is meant", false, func(h *house) answer { return h.says("ada", incident.Approve, h.plan()[:3]) })
	add("a rejection without a reason", "needs a reason", false, func(h *house) answer {
		return h.posts(fmt.Sprintf(`{"says":"reject","plan":%q}`, h.plan()), "Bearer ada")
	})
	add("a word nobody knows", "nobody knows what it means", false, func(h *house) answer { return h.says("ada", "approved", h.plan()) })
	add("a reason without end", "more than 500 characters", false, func(h *house) answer {
		return h.posts(fmt.Sprintf(`{"says":"reject","plan":%q,"reason":%q}`, h.plan(), strings.Repeat("x", 501)), "Bearer ada")
	})
	return all
}

// pages are what is sent to the console by whom it is not meant for, and logins that were not meant for this browser.
func pages() []attempt {
	ada := people.Person{Name: "ada", Role: people.Operator, Groups: []string{"oncall"}, Via: people.ViaWeb}
	eve := people.Person{Name: "eve", Role: people.Operator, Groups: []string{"dev"}, Via: people.ViaWeb}
	form := func(h *house, token string, changes ...string) url.Values {
		f := url.Values{"says": {"approve"}, "plan": {h.plan()}, "token": {token}, "seq": {fmt.Sprint(h.inc().Seq)}}
		for n := 0; n+1 < len(changes); n += 2 {
			f.Set(changes[n], changes[n+1])
		}
		return f
	}
	return []attempt{
		{name: "a form of nobody", told: "not logged in", try: func(h *house) answer { return h.sends(h.browser(), form(h, "x")) }},
		{name: "a session of one's own", told: "not logged in", try: func(h *house) answer {
			return h.sends(h.browser(), form(h, "x"), "Cookie", "salvor=eyJuYW1lIjoiYWRhIn0.c2VhbA")
		}},
		{name: "a session that may be closed", told: "cannot be read now", try: func(h *house) answer {
			by := h.browser(ada)
			filled := form(h, h.token(by))
			h.down = errors.New("no route to the store")
			return h.sends(by, filled)
		}},
		{name: "a form without its token", told: "earlier session", try: func(h *house) answer { return h.sends(h.browser(ada), form(h, "")) }},
		{name: "the token of somebody else", told: "earlier session", try: func(h *house) answer {
			return h.sends(h.browser(ada), form(h, h.token(h.browser(eve))))
		}},
		{name: "another site", told: "another site", try: func(h *house) answer {
			by := h.browser(ada)
			return h.sends(by, form(h, h.token(by)), "Origin", "https://evil.example.org", "Sec-Fetch-Site", "cross-site")
		}},
		{name: "a stranger's form", told: "Eve is not one of those who are asked", note: true, try: func(h *house) answer {
			by := h.browser(eve)
			return h.sends(by, form(h, h.token(by)))
		}},
		{name: "an old page", told: "is asked about by now", note: true, try: func(h *house) answer {
			by := h.browser(ada)
			f := form(h, h.token(by))
			h.ask("second")
			return h.sends(by, f)
		}},
		{name: "twice, by the page", told: "has approved already", note: true, try: func(h *house) answer {
			h.rights(h.says("ada", incident.Approve, h.plan()))
			by := h.browser(ada)
			return h.sends(by, form(h, h.token(by)))
		}},
		{name: "a login of another browser", told: "not begun in this browser", try: func(h *house) answer {
			return h.lands(h.browser(), h.goes(h.browser()))
		}},
		{name: "a login of another provider", told: "not one of the identity provider", try: func(h *house) answer {
			by := h.browser()
			at := h.goes(by)
			q := at.Query()
			q.Set("iss", "https://evil.example.org")
			at.RawQuery = q.Encode()
			return h.lands(by, at)
		}},
		{name: "a login with a foreign nonce", told: "of another login", try: func(h *house) answer {
			h.issuer.As(of("ann"))
			h.issuer.Tamper(func(claims map[string]any) { claims["nonce"] = "another" })
			by := h.browser()
			return h.lands(by, h.goes(by))
		}},
		{name: "a login of somebody without a role", told: "no group of yours", try: func(h *house) answer {
			h.issuer.As(of("sue", "groups", nil))
			by := h.browser()
			return h.lands(by, h.goes(by))
		}},
	}
}

// rights is a vote that counts, after which something is tried. What it has in the log does not count for that.
func (h *house) rights(got answer) {
	h.t.Helper()
	if got.status != http.StatusOK {
		h.t.Fatalf("a vote that counts is answered %+v", got)
	}
	h.rightly++
	h.mu.Lock()
	defer h.mu.Unlock()
	h.log = bytes.Buffer{}
}

// goes begins a login and comes back from the provider, up to the address at Salvor.
func (h *house) goes(by *http.Client) *url.URL {
	h.t.Helper()
	at, err := url.Parse(h.site.URL + "/login/oidc")
	h.must(err)
	for range 2 {
		resp, err := by.Get(at.String())
		h.must(err)
		h.must(resp.Body.Close())
		at, err = resp.Location()
		h.must(err)
	}
	return at
}

func (h *house) lands(by *http.Client, at *url.URL) answer {
	h.t.Helper()
	return told(h.page(by.Get(at.String())))
}

// TestLogoutWhileTheStoreIsDown: the browser is logged out all the same, and is told that a copy may be good yet.
func TestLogoutWhileTheStoreIsDown(t *testing.T) {
	h := newHouse(t, oidctest.New(t))
	by := h.browser(people.Person{Name: "ada", Role: people.Operator, Groups: []string{"oncall"}})
	form := url.Values{"token": {h.token(by)}}
	h.down = errors.New("no route to the store")
	got := h.page(by.PostForm(h.site.URL+"/logout", form))
	if site, _ := url.Parse(h.site.URL); got.status != http.StatusServiceUnavailable || !strings.Contains(got.text, "This browser is logged out") || len(by.Jar.Cookies(site)) != 0 {
		t.Errorf("it is answered %d %s, and the browser keeps %v", got.status, got.text, by.Jar.Cookies(site))
	}
}

var signOn = regexp.MustCompile(`href="([^"]*/login/oidc[^"]*)"`)

// TestLoginLeadsBack: whoever asked for a page comes to it by a login at the provider, and to no other site.
func TestLoginLeadsBack(t *testing.T) {
	h := newHouse(t, oidctest.New(t))
	h.issuer.As(of("ann"))
	for asked, want := range map[string]string{"/incidents/" + string(h.id): "/incidents/" + string(h.id), "/login?next=//evil.example": "/", "/login?next=/%5Cevil.example": "/",
		"/login?next=https://evil.example/incidents/x": "/", "/login?next=/incidents/..//evil.example": "/evil.example"} {
		by := h.browser()
		at, err := url.Parse(h.site.URL + asked)
		h.must(err)
		for range 8 {
			resp, err := by.Get(at.String())
			h.must(err)
			text, err := io.ReadAll(resp.Body)
			h.must(errors.Join(err, resp.Body.Close()))
			next := resp.Header.Get("Location")
			if found := signOn.FindStringSubmatch(string(text)); resp.StatusCode == http.StatusOK && found != nil {
				next = html.UnescapeString(found[1])
			}
			at, err = at.Parse(next)
			h.must(err)
			if at.Path == want && at.Host == strings.TrimPrefix(h.site.URL, "http://") {
				break
			}
		}
		if at.String() != h.site.URL+want {
			t.Errorf("%s leads to %s", asked, at)
		}
	}
}
