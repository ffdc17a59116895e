package oidc

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/internal/oidc/oidctest"
	"github.com/salvor-io/salvor/internal/people"
)

// desk is a provider before an issuer, with a clock of its own.
type desk struct {
	*Provider
	issuer *oidctest.Issuer
	ahead  time.Duration // of the clock
	log    bytes.Buffer
}

func newDesk(t *testing.T, with ...func(*Mapping)) *desk {
	t.Helper()
	d := &desk{issuer: oidctest.New(t)}
	directory, err := people.NewDirectory([]people.Entry{
		{Name: "ada", Role: people.Admin, Groups: []string{"leads"}, Accounts: []people.Account{{Via: people.ViaOIDC, Place: d.issuer.URL, ID: "sub-ada"}}},
		{Name: "bob", Role: people.Operator, Groups: []string{"oncall"}, TokenSHA256: people.HashToken("b"), Email: "bob@example.org"},
		{Name: "eve", Role: people.Viewer, TokenSHA256: people.HashToken("e"), Email: "two@example.org"},
		{Name: "joe", Role: people.Viewer, TokenSHA256: people.HashToken("j"), Email: "Two@example.org"},
	}, os.Getuid())
	if err != nil {
		t.Fatal(err)
	}
	m := Mapping{Issuer: d.issuer.URL, Directory: directory, GroupsClaim: "groups",
		Roles: map[people.Role][]string{people.Viewer: {"everybody"}, people.Operator: {"sre"}, people.Admin: {"chiefs"}}}
	for _, change := range with {
		change(&m)
	}
	d.Provider = NewProvider(Options{Mapping: m, ClientID: oidctest.ClientID, CLIClientID: "salvor-cli", Clock: func() time.Time { return time.Now().Add(d.ahead) },
		Log: slog.New(slog.NewTextHandler(&d.log, nil))})
	return d
}

func byEmail(m *Mapping) { m.MatchEmail = true }

// bearer sends a token and says who it is of.
func (d *desk) bearer(token string) (people.Person, error) {
	r := httptest.NewRequest(http.MethodGet, "/v1/me", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return d.Identify(r)
}

type said = map[string]any

// with are claims of somebody who has a role, changed.
func with(changes said) said {
	all := said{"sub": "s-1", "email": "ann@example.org", "email_verified": true, "groups": []string{"sre", "db"}}
	maps.Copy(all, changes)
	return all
}

func TestWhoSomebodyIs(t *testing.T) {
	plain, emails := newDesk(t), newDesk(t, byEmail)
	named := newDesk(t, func(m *Mapping) { m.NameClaim, m.GroupsClaim = "login", "realm/roles" })
	for name, c := range map[string]struct {
		desk   *desk
		claims said
		want   people.Person
		why    string
	}{
		"listed":                        {plain, with(said{"sub": "sub-ada"}), people.Person{Name: "ada", Role: people.Admin, Groups: []string{"leads"}, Via: "oidc"}, ""},
		"by groups":                     {plain, with(nil), people.Person{Name: "ann@example.org", Role: people.Operator, Groups: []string{"sre", "db"}, Via: "oidc", Subject: "s-1"}, ""},
		"the most powerful role":        {plain, with(said{"groups": []string{"everybody", "chiefs"}}), people.Person{Name: "ann@example.org", Role: people.Admin, Groups: []string{"everybody", "chiefs"}, Via: "oidc", Subject: "s-1"}, ""},
		"one group":                     {plain, with(said{"groups": "everybody"}), people.Person{Name: "ann@example.org", Role: people.Viewer, Groups: []string{"everybody"}, Via: "oidc", Subject: "s-1"}, ""},
		"a name that is not verified":   {plain, with(said{"email_verified": false, "preferred_username": "ann"}), people.Person{Name: "ann", Role: people.Operator, Groups: []string{"sre", "db"}, Via: "oidc", Subject: "s-1"}, ""},
		"claims of other names":         {named, with(said{"login": "annie", "groups": "chiefs", "realm/roles": "everybody"}), people.Person{Name: "annie", Role: people.Viewer, Groups: []string{"everybody"}, Via: "oidc", Subject: "s-1"}, ""},
		"an email that is matched":      {emails, with(said{"email": "BOB@example.org", "groups": nil}), people.Person{Name: "bob", Role: people.Operator, Groups: []string{"oncall"}, Via: "oidc"}, ""},
		"an email that is written true": {emails, with(said{"email": "bob@example.org", "email_verified": "true"}), people.Person{Name: "bob", Role: people.Operator, Groups: []string{"oncall"}, Via: "oidc"}, ""},
		"the subject before the email":  {emails, with(said{"sub": "sub-ada", "email": "bob@example.org"}), people.Person{Name: "ada", Role: people.Admin, Groups: []string{"leads"}, Via: "oidc"}, ""},

		"emails are not matched":      {plain, with(said{"email": "bob@example.org", "groups": nil}), people.Person{}, "no group of yours has a role"},
		"an email nobody verified":    {emails, with(said{"email": "bob@example.org", "email_verified": false, "groups": nil}), people.Person{}, "no group of yours has a role"},
		"an email without a word":     {emails, with(said{"email": "bob@example.org", "email_verified": nil, "groups": nil}), people.Person{}, "no group of yours has a role"},
		"an email of bob, by groups":  {plain, with(said{"email": "Bob@example.org"}), people.Person{}, "the address of somebody who is listed"},
		"that nobody verified":        {emails, with(said{"email": "bob@example.org", "email_verified": false, "preferred_username": "bobby"}), people.Person{}, "the address of somebody who is listed"},
		"an email of two, of neither": {plain, with(said{"email": "two@example.org"}), people.Person{}, "the address of somebody who is listed"},
		"an email of two":             {emails, with(said{"email": "two@example.org"}), people.Person{}, "more than one person"},
		"no group with a role":        {plain, with(said{"groups": []string{"SRE", "sre "}}), people.Person{}, "no group of yours has a role"},
		"the name of ada":             {plain, with(said{"email_verified": false, "preferred_username": "ADA"}), people.Person{}, "the name of somebody who is listed"},
		"the name of root":            {plain, with(said{"email_verified": false, "preferred_username": "root"}), people.Person{}, "the name of somebody who is listed"},
		"a name like ada":             {plain, with(said{"email_verified": false, "preferred_username": "аda"}), people.Person{}, "no name that can be used"}, // the first letter is Cyrillic
		"a name of two lines":         {plain, with(said{"email_verified": false, "preferred_username": "x\nada approved"}), people.Person{}, "no name that can be used"},
		"no name":                     {plain, with(said{"email": nil}), people.Person{}, "no name that can be used"},
		"groups elsewhere": {plain, with(said{"groups": nil, "_claim_names": said{"groups": "src1"}, "_claim_sources": said{"src1": said{"endpoint": "http://127.0.0.1:1/"}}}),
			people.Person{}, "there are too many"},
		"groups that are left out": {plain, with(said{"groups": nil, "hasgroups": true}), people.Person{}, "there are too many"},
		"far too many groups":      {plain, with(said{"groups": append(make([]string, 0, 202), strings.Split(strings.Repeat("g,", 200)+"sre", ",")...)}), people.Person{}, "201 groups"},
		"groups of another form":   {plain, with(said{"groups": said{"sre": true}}), people.Person{}, "no list of groups"},
		"an endless group":         {plain, with(said{"groups": []string{"sre", strings.Repeat("x", 129)}}), people.Person{}, "no list of groups"},
		"no subject":               {plain, with(said{"sub": nil}), people.Person{}, "does not say whose it is"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.desk.bearer(c.desk.issuer.Token(c.claims))
			if diff := cmp.Diff(c.want, got); diff != "" || (err == nil) != (c.why == "") {
				t.Errorf("they are %+v, %v\n%s", got, err, diff)
			}
			if err != nil && !strings.Contains(err.Error(), c.why) {
				t.Errorf("they are told %q, want %q", err, c.why)
			}
		})
	}
}

// TestWhatIsNoToken: none of it lets anybody in, all of it is in the log, and is answered in one sentence.
func TestWhatIsNoToken(t *testing.T) {
	d := newDesk(t)
	i := d.issuer
	if _, err := d.bearer(i.Token(with(nil))); err != nil {
		t.Fatal(err)
	}
	public, kid := i.PublicKey()
	pkix, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	another, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	whole := with(said{"iss": i.URL, "aud": "salvor", "exp": time.Now().Add(time.Hour).Unix()})
	hs := func(secret []byte) string {
		return oidctest.Sign(jose.SigningKey{Algorithm: jose.HS256, Key: jose.JSONWebKey{Key: secret, KeyID: kid}}, whole)
	}
	good := strings.Split(i.Token(with(nil)), ".")
	ada := strings.Split(i.Token(with(said{"sub": "sub-ada", "nonce": "x"})), ".")
	for name, c := range map[string]struct{ token, why string }{
		"of another issuer":         {i.Token(with(said{"iss": "https://idp.example.org"})), "has signed"},
		"for another application":   {i.Token(with(said{"aud": "grafana"})), "another application"},
		"for several, and another":  {i.Token(with(said{"aud": []string{"salvor", "grafana"}, "azp": "grafana"})), "another application"},
		"for several, and unsaid":   {i.Token(with(said{"aud": []string{"salvor", "grafana"}})), "another application"},
		"of another party":          {i.Token(with(said{"azp": "grafana"})), "another application"},
		"for nobody":                {i.Token(with(said{"aud": nil})), "another application"},
		"over":                      {i.Token(with(said{"exp": time.Now().Add(-time.Minute).Unix()})), "is over since"},
		"without an end":            {i.Token(with(said{"exp": nil})), "is over since"},
		"not yet":                   {i.Token(with(said{"nbf": time.Now().Add(time.Hour).Unix()})), "has signed"},
		"unsigned":                  {i.Unsigned(with(said{"sub": "sub-ada"})), "has signed"},
		"signed by the public key":  {hs(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkix})), "has signed"},
		"signed by the DER of it":   {hs(pkix), "has signed"},
		"signed by somebody":        {oidctest.Sign(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: another, KeyID: kid}}, whole), "has signed"},
		"signed with an own key id": {oidctest.Sign(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: another, KeyID: "mine"}}, whole), "has signed"},
		"of two tokens":             {good[0] + "." + ada[1] + "." + good[2], "has signed"},
		"without its signature":     {good[0] + "." + ada[1] + ".", "has signed"},
		"no token":                  {"a.b.c", "has signed"},
	} {
		t.Run(name, func(t *testing.T) {
			d.log.Reset()
			p, err := d.bearer(c.token)
			var why *Refused
			if !errors.As(err, &why) || !strings.Contains(why.Why, c.why) || strings.Contains(why.Why, "\n") || p.Name != "" {
				t.Errorf("it is %+v, %v", p, err)
			}
			if !strings.Contains(d.log.String(), "lets nobody in") || strings.Contains(d.log.String(), good[2]) {
				t.Errorf("the log says %q", d.log.String())
			}
		})
	}
	for _, nobodys := range []string{"x", "a.b", "a.b.c.d", "a." + strings.Repeat("b", maxToken) + ".c"} {
		if _, err := d.bearer(nobodys); !errors.Is(err, people.ErrUnknownToken) {
			t.Errorf("%.9s is %v", nobodys, err)
		}
	}
	if n := i.Asked("/keys"); n > 2 {
		t.Errorf("the provider was asked %d times for its keys", n)
	}
	if p, err := d.bearer(i.Token(with(said{"aud": []string{"salvor-cli", "x"}, "azp": "salvor-cli"}))); err != nil || p.Name == "" {
		t.Errorf("a token of salvor login is %v", err)
	}
}

// TestProviderIsDown: what is signed with known keys counts on; with others it does not, until the provider is back.
func TestProviderIsDown(t *testing.T) {
	d := newDesk(t)
	d.issuer.Down(true)
	token := d.issuer.Token(with(nil))
	for range 3 {
		if _, err := d.bearer(token); err == nil || !strings.Contains(err.Error(), "does not answer") {
			t.Fatalf("a token of a provider that was never reached: %v", err)
		}
	}
	if n := d.issuer.Asked("/.well-known/openid-configuration"); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
	d.issuer.Down(false)
	d.ahead += askApart
	if _, err := d.bearer(token); err != nil {
		t.Fatalf("once it is back: %v", err)
	}
	d.issuer.Down(true)
	d.ahead += keysApart
	if _, err := d.bearer(token); err != nil {
		t.Errorf("a key that is known does not go on: %v", err)
	}
	d.issuer.Rotate()
	if _, err := d.bearer(d.issuer.Token(with(nil))); err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("a key that is not known: %v", err)
	}
	d.issuer.Down(false)
	d.ahead += keysApart
	if _, err := d.bearer(d.issuer.Token(with(nil))); err != nil {
		t.Errorf("a new key: %v", err)
	}
	if _, err := d.bearer(token); err == nil {
		t.Error("a key that was withdrawn counts")
	}
}

// browser is a browser before a Salvor that logs people in.
type browser struct {
	*http.Client
	desk   *desk
	site   *httptest.Server
	opened []people.Person
	fails  error
}

func (b *browser) Open(_ http.ResponseWriter, _ *http.Request, p people.Person) error {
	b.opened = append(b.opened, p)
	return b.fails
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	b := &browser{desk: newDesk(t)}
	b.desk.issuer.As(with(nil))
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "page ", r.URL.RequestURI()) })
	b.site = httptest.NewServer(mux)
	t.Cleanup(b.site.Close)
	NewLogin(LoginOptions{Provider: b.desk.Provider, Sessions: b, ExternalURL: b.site.URL + "/", Key: []byte("key"),
		Say: func(w http.ResponseWriter, _ *http.Request, status int, sentence string) {
			http.Error(w, sentence, status)
		}}).Register(mux)
	b.Client = b.another()
	return b
}

// another is a browser of somebody else. It stops before it leaves the provider, and says where it would go.
func (b *browser) another() *http.Client {
	jar, _ := cookiejar.New(nil)
	return &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.Path, CallbackPath) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
}

// begin goes to the provider and logs in there; what it answers is the address that the browser is sent to.
func (b *browser) begin(t *testing.T, by *http.Client, to string) *url.URL {
	t.Helper()
	resp, err := by.Get(b.site.URL + LoginPath + "?next=" + url.QueryEscape(to))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	back, err := resp.Location()
	if err != nil {
		t.Fatalf("%s: %v", resp.Status, err)
	}
	return back
}

// end goes to an address and says what is answered, and where that ends.
func (b *browser) end(t *testing.T, by *http.Client, at *url.URL) (int, string) {
	t.Helper()
	plain := *by
	plain.CheckRedirect = nil
	resp, err := plain.Get(at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body bytes.Buffer
	_, _ = body.ReadFrom(resp.Body)
	return resp.StatusCode, body.String()
}

func TestLogin(t *testing.T) {
	b := newBrowser(t)
	if status, page := b.end(t, b.Client, b.begin(t, b.Client, "/incidents/inc-7k3d?plan=4f2a")); status != http.StatusOK || page != "page /incidents/inc-7k3d?plan=4f2a" {
		t.Errorf("%d %s", status, page)
	}
	want := []people.Person{{Name: "ann@example.org", Role: people.Operator, Groups: []string{"sre", "db"}, Via: people.ViaWeb, Subject: "s-1"}}
	if diff := cmp.Diff(want, b.opened); diff != "" {
		t.Errorf("sessions differ:\n%s", diff)
	}
	for _, foreign := range []string{"https://evil.example.org/", "//evil.example.org", `/\evil.example.org`, "/\t/evil", "javascript:alert(1)", "evil", "", "/" + strings.Repeat("x", 2000), "/%2f/../\n"} {
		if got := local(foreign); got != "/" {
			t.Errorf("%q leads to %q", foreign, got)
		}
	}
}

// TestLoginsThatLetNobodyIn: the answer of the provider was not meant for this browser, this login or this provider.
func TestLoginsThatLetNobodyIn(t *testing.T) {
	edit := func(u *url.URL, name, value string) *url.URL {
		out, q := *u, u.Query()
		q.Set(name, value)
		if value == "" {
			q.Del(name)
		}
		out.RawQuery = q.Encode()
		return &out
	}
	for name, c := range map[string]struct {
		try  func(t *testing.T, b *browser) (int, string)
		want string
	}{
		"in another browser": {func(t *testing.T, b *browser) (int, string) {
			return b.end(t, b.another(), b.begin(t, b.Client, "/"))
		}, "not begun in this browser"},
		"the answer to another's login": {func(t *testing.T, b *browser) (int, string) {
			theirs := b.begin(t, b.another(), "/")
			b.begin(t, b.Client, "/")
			return b.end(t, b.Client, theirs)
		}, "not begun in this browser"},
		"once more": {func(t *testing.T, b *browser) (int, string) {
			at := b.begin(t, b.Client, "/")
			site, _ := url.Parse(b.site.URL)
			kept := b.Jar.Cookies(site)
			if status, page := b.end(t, b.Client, at); status != http.StatusOK {
				t.Fatal(page)
			}
			b.opened = nil
			b.Jar.SetCookies(site, kept)
			return b.end(t, b.Client, at)
		}, "is over"},
		"too late": {func(t *testing.T, b *browser) (int, string) {
			at := b.begin(t, b.Client, "/")
			b.desk.ahead = loginWithin
			return b.end(t, b.Client, at)
		}, "is over"},
		"with a cookie of one's own": {func(t *testing.T, b *browser) (int, string) {
			at := b.begin(t, b.Client, "/")
			site, _ := url.Parse(b.site.URL)
			forged := cookie{key: []byte("other")}
			w := httptest.NewRecorder()
			forged.set(w, begun{State: at.Query().Get("state"), Until: time.Now().Add(time.Hour)})
			b.Jar.SetCookies(site, w.Result().Cookies())
			return b.end(t, b.Client, at)
		}, "not begun in this browser"},
		"a foreign nonce": {func(t *testing.T, b *browser) (int, string) {
			b.desk.issuer.Tamper(func(claims map[string]any) { claims["nonce"] = "another" })
			return b.end(t, b.Client, b.begin(t, b.Client, "/"))
		}, "of another login"},
		"no nonce": {func(t *testing.T, b *browser) (int, string) {
			b.desk.issuer.Tamper(func(claims map[string]any) { delete(claims, "nonce") })
			return b.end(t, b.Client, b.begin(t, b.Client, "/"))
		}, "of another login"},
		"a token of salvor login": {func(t *testing.T, b *browser) (int, string) {
			b.desk.issuer.Tamper(func(claims map[string]any) { claims["aud"] = "salvor-cli" })
			return b.end(t, b.Client, b.begin(t, b.Client, "/"))
		}, "for another application"},
		"a code of another login": {func(t *testing.T, b *browser) (int, string) {
			theirs := b.begin(t, b.another(), "/")
			return b.end(t, b.Client, edit(b.begin(t, b.Client, "/"), "code", theirs.Query().Get("code")))
		}, "does not take the answer"},
		"another provider's answer": {func(t *testing.T, b *browser) (int, string) {
			return b.end(t, b.Client, edit(b.begin(t, b.Client, "/"), "iss", "https://evil.example.org"))
		}, "not one of the identity provider"},
		"an answer of nobody": {func(t *testing.T, b *browser) (int, string) {
			return b.end(t, b.Client, edit(b.begin(t, b.Client, "/"), "iss", ""))
		}, "not one of the identity provider"},
		"no code": {func(t *testing.T, b *browser) (int, string) {
			return b.end(t, b.Client, edit(b.begin(t, b.Client, "/"), "code", ""))
		}, "is incomplete"},
		"refused there": {func(t *testing.T, b *browser) (int, string) {
			return b.end(t, b.Client, edit(b.begin(t, b.Client, "/"), "error", "<script>alert(1)</script>"))
		}, "did not let you in"},
		"somebody who has no role": {func(t *testing.T, b *browser) (int, string) {
			b.desk.issuer.As(with(said{"groups": nil}))
			return b.end(t, b.Client, b.begin(t, b.Client, "/"))
		}, "no group of yours has a role"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBrowser(t)
			status, page := c.try(t, b)
			if status != http.StatusForbidden || !strings.Contains(page, c.want) || strings.Contains(page, "script") || len(b.opened) > 0 {
				t.Errorf("%d %s, sessions of %+v", status, page, b.opened)
			}
			if !strings.Contains(b.desk.log.String(), "a login lets nobody in") {
				t.Errorf("the log says %q", b.desk.log.String())
			}
		})
	}
}

func TestLoginWhileTheProviderIsDown(t *testing.T) {
	b := newBrowser(t)
	at := b.begin(t, b.Client, "/")
	b.desk.issuer.Down(true)
	if status, page := b.end(t, b.Client, at); status != http.StatusServiceUnavailable || !strings.Contains(page, "does not answer") || len(b.opened) > 0 {
		t.Errorf("%d %s", status, page)
	}
}

func TestCookieIsBoundToItsHost(t *testing.T) {
	w := httptest.NewRecorder()
	cookie{key: []byte("k"), secure: true}.set(w, begun{State: "s"})
	c := w.Result().Cookies()[0]
	if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 600 {
		t.Errorf("the cookie is %+v", c)
	}
}

// TestFlow logs in at a terminal, and renews that.
func TestFlow(t *testing.T) {
	d := newDesk(t)
	d.issuer.As(with(nil))
	flow := Flow{Issuer: d.issuer.URL, ClientID: "salvor-cli", Clock: time.Now}
	first, err := flow.Browser(t.Context(), func(address string) error {
		u, err := url.Parse(address)
		if err != nil {
			return err
		}
		back := u.Query().Get("redirect_uri")
		if scopes := u.Query().Get("scope"); !strings.HasPrefix(back, "http://127.0.0.1:") || scopes != "openid profile email offline_access groups" {
			t.Errorf("%s %s", back, scopes)
		}
		go func() { // the browser of somebody
			for _, page := range []string{back + "?state=forged&code=evil", back + "favicon.ico", address} {
				if resp, err := http.Get(page); err == nil {
					resp.Body.Close()
				}
			}
		}()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if p, err := d.bearer(first.ID); err != nil || p.Name != "ann@example.org" || first.Expires.Before(time.Now()) {
		t.Errorf("the token is of %+v, %v until %s", p, err, first.Expires)
	}
	second, err := flow.Renew(t.Context(), first)
	if err != nil || second.Refresh == "" || second.Refresh == first.Refresh {
		t.Errorf("renewed: %+v, %v", second, err)
	}
	if _, err := flow.Renew(t.Context(), first); !errors.Is(err, ErrOver) {
		t.Errorf("a refresh token that was used: %v", err)
	}
	if _, err := flow.Renew(t.Context(), Tokens{}); !errors.Is(err, ErrOver) {
		t.Errorf("no refresh token: %v", err)
	}
	third, err := flow.Device(t.Context(), func(address, code string) error {
		if address == "" || code == "" {
			t.Errorf("shown %q %q", address, code)
		}
		return nil
	})
	if err != nil || third.ID == "" {
		t.Errorf("by a device: %v", err)
	}
	d.issuer.Tamper(func(claims map[string]any) { claims["aud"] = "salvor" })
	if _, err := flow.Renew(t.Context(), second); err == nil || !strings.Contains(err.Error(), "another application") {
		t.Errorf("a token for another client is kept: %v", err)
	}
	gone, stop := context.WithCancel(t.Context())
	if _, err := flow.Browser(gone, func(string) error { stop(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody comes: %v", err)
	}
}

// FuzzClaims holds that no claims make anybody who is listed of somebody who is not, nor give them a role that none of their groups has.
func FuzzClaims(f *testing.F) {
	f.Add(`{"groups":["sre"],"preferred_username":"ann"}`)
	f.Add(`{"groups":"sre","email":"ada@x","email_verified":"true","_claim_names":{"groups":1}}`)
	directory, err := people.NewDirectory([]people.Entry{{Name: "ada", Role: people.Admin, TokenSHA256: people.HashToken("a"), Email: "ada@x"}}, 0)
	if err != nil {
		f.Fatal(err)
	}
	m := Mapping{Issuer: "https://x", Directory: directory, GroupsClaim: "groups", Roles: map[people.Role][]string{people.Operator: {"sre"}}}
	f.Fuzz(func(t *testing.T, text string) {
		var c claims
		if json.Unmarshal([]byte(text), &c) != nil {
			return
		}
		p, err := m.person("s", c)
		if err == nil && (strings.EqualFold(p.Name, "ada") || p.Role != people.Operator || p.Name == "" || p.Subject != "s") {
			t.Errorf("they are %+v", p)
		}
	})
}
