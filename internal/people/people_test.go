package people

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func directory(t *testing.T) *Directory {
	t.Helper()
	d, err := NewDirectory([]Entry{
		{Name: "vera", Role: Viewer, TokenSHA256: HashToken("v-token")},
		{Name: "otto", Role: Operator, Groups: []string{"sre-oncall"}, TokenSHA256: HashToken("o-token")},
		{Name: "ada", Role: Admin, TokenSHA256: HashToken("a-token")},
	}, os.Getuid())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestMay(t *testing.T) {
	for _, c := range []struct {
		role                         Role
		read, pause, resume, declare bool
	}{
		{Nobody, false, false, false, false},
		{Viewer, true, false, false, false},
		{Operator, true, true, true, true},
		{Admin, true, true, true, true},
	} {
		p := Person{Name: "x", Role: c.role}
		got := [...]bool{p.May(Read) == nil, p.May(Pause) == nil, p.May(Resume) == nil, p.May(Declare) == nil}
		if want := [...]bool{c.read, c.pause, c.resume, c.declare}; got != want {
			t.Errorf("%s may read, pause, resume, declare: %v, want %v", c.role, got, want)
		}
		if p.May("explode") == nil {
			t.Errorf("%s may do what nobody knows", c.role)
		}
	}
	var forbidden *ForbiddenError
	if err := (Person{Name: "vera", Role: Viewer}).May(Pause); !errors.As(err, &forbidden) || forbidden.Needs != Operator {
		t.Errorf("a viewer who pauses gets %v", err)
	}
}

func TestIdentifyByToken(t *testing.T) {
	d := directory(t)
	for _, c := range []struct {
		name    string
		headers []string
		want    Person
		err     error
	}{
		{"viewer", []string{"Bearer v-token"}, Person{Name: "vera", Role: Viewer, Via: "token"}, nil},
		{"groups", []string{"bearer  o-token "}, Person{Name: "otto", Role: Operator, Groups: []string{"sre-oncall"}, Via: "token"}, nil},
		{"last", []string{"Bearer a-token"}, Person{Name: "ada", Role: Admin, Via: "token"}, nil},
		{"none", nil, Person{}, ErrNoToken},
		{"unknown", []string{"Bearer x"}, Person{}, ErrUnknownToken},
		{"hash", []string{"Bearer " + string(make([]byte, 32))}, Person{}, ErrUnknownToken},
		{"empty", []string{"Bearer "}, Person{}, ErrBadHeader},
		{"basic", []string{"Basic v-token"}, Person{}, ErrBadHeader},
		{"two", []string{"Bearer v-token", "Bearer a-token"}, Person{}, ErrBadHeader},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			for _, h := range c.headers {
				r.Header.Add("Authorization", h)
			}
			got, err := d.Identify(r)
			if diff := cmp.Diff(c.want, got); diff != "" || !errors.Is(err, c.err) {
				t.Errorf("Identify: %v\n%s", err, diff)
			}
		})
	}
}

func TestNewDirectoryRefuses(t *testing.T) {
	one := Entry{Name: "a", Role: Viewer, TokenSHA256: HashToken("1")}
	for name, entries := range map[string][]Entry{
		"no name":     {{Role: Viewer, TokenSHA256: HashToken("1")}},
		"no role":     {{Name: "a", TokenSHA256: HashToken("1")}},
		"no token":    {{Name: "a", Role: Viewer}},
		"empty token": {{Name: "a", Role: Viewer, TokenSHA256: HashToken("")}},
		"same name":   {one, {Name: "a", Role: Admin, TokenSHA256: HashToken("2")}},
		"same token":  {one, {Name: "b", Role: Admin, TokenSHA256: HashToken("1")}},
	} {
		if _, err := NewDirectory(entries, 1); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// serveUnix serves d over a Unix socket, as the API is served, and returns a client of it.
func serveUnix(t *testing.T, d *Directory) *http.Client {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{ConnContext: ConnContext, Handler: Known(d,
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			p := From(r.Context())
			_, _ = w.Write([]byte(p.Name + " " + p.Role.String() + " " + p.Via))
		}),
		func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, err.Error(), http.StatusUnauthorized)
		})}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close(); <-ended })
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	transport := &http.Transport{DialContext: dial}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestIdentifyBySocket(t *testing.T) {
	me := userName(os.Getuid())
	for _, c := range []struct {
		name, header string
		status       int
		body         string
	}{
		{"owner", "", http.StatusOK, me + " admin socket"},
		{"token counts more", "Bearer v-token", http.StatusOK, "vera viewer token"},
		{"a wrong token is not made up for", "Bearer x", http.StatusUnauthorized, ErrUnknownToken.Error() + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, body := ask(t, serveUnix(t, directory(t)), c.header)
			if resp.StatusCode != c.status || body != c.body {
				t.Errorf("answer %d %q, want %d %q", resp.StatusCode, body, c.status, c.body)
			}
		})
	}
}

func TestSocketOfOthers(t *testing.T) {
	if os.Getuid() == 0 {
		d, err := NewDirectory(nil, 4711)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := d.byUser(4712); ok {
			t.Error("any user is let in")
		}
		return
	}
	d, err := NewDirectory(nil, os.Getuid()+1)
	if err != nil {
		t.Fatal(err)
	}
	if resp, body := ask(t, serveUnix(t, d), ""); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("another user is let in as %s", body)
	}
}

func ask(t *testing.T, c *http.Client, header string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://salvor/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if header != "" {
		req.Header.Set("Authorization", header)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body := make([]byte, 1024)
	n, _ := resp.Body.Read(body)
	return resp, string(body[:n])
}

func TestFromNobody(t *testing.T) {
	p := From(t.Context())
	if p.May(Read) == nil {
		t.Error("somebody who never identified may read")
	}
}

// TestAccounts: an id of another system stands for one person, and only in the place that it is of.
func TestAccounts(t *testing.T) {
	slack := Account{Via: ViaSlack, Place: "T1", ID: "U1"}
	d, err := NewDirectory([]Entry{{Name: "otto", Role: Operator, Accounts: []Account{slack}}}, os.Getuid())
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := d.ByAccount(slack); !ok || p.Name != "otto" || p.Via != ViaSlack {
		t.Errorf("it is %+v, %v", p, ok)
	}
	for _, other := range []Account{{ViaSlack, "T2", "U1"}, {ViaSlack, "T1", "U2"}, {ViaWeb, "T1", "U1"}, {}} {
		if p, ok := d.ByAccount(other); ok {
			t.Errorf("%+v is taken for %s", other, p.Name)
		}
	}
	if _, ok := d.byToken(""); ok {
		t.Error("no token is taken for somebody who has none")
	}
	for _, twice := range [][]Entry{
		{{Name: "a", Role: Viewer, Accounts: []Account{slack}}, {Name: "b", Role: Viewer, Accounts: []Account{slack}}},
		{{Name: "a", Role: Viewer, Accounts: []Account{{Via: ViaSlack, Place: "T1"}}}}, {{Name: "a", Role: Viewer}},
	} {
		if _, err := NewDirectory(twice, 0); err == nil {
			t.Errorf("%+v are let in", twice)
		}
	}
}

func TestNamesAndEmails(t *testing.T) {
	token := func(name string) [32]byte { return HashToken(name) }
	d, err := NewDirectory([]Entry{
		{Name: "Ada", Role: Admin, TokenSHA256: token("a"), Email: "ada@example.org"},
		{Name: "bob", Role: Viewer, Groups: []string{"dev"}, Email: "Bob@example.org"},
		{Name: "eve", Role: Viewer, TokenSHA256: token("e"), Email: "both@example.org"},
		{Name: "joe", Role: Viewer, TokenSHA256: token("j"), Email: "BOTH@example.org"},
		{Name: "liz", Role: Viewer, TokenSHA256: token("l")},
	}, os.Getuid())
	if err != nil {
		t.Fatal(err)
	}
	for email, want := range map[string]string{"ADA@example.org": "Ada false", "bob@example.org": "bob false", "both@example.org": " true", "x@example.org": " false", "": " false"} {
		p, found, ambiguous := d.ByEmail(email)
		if got := fmt.Sprint(p.Name, " ", ambiguous); got != want || found != (p.Name != "") {
			t.Errorf("%q is of %q, want %q", email, got, want)
		}
	}
	if p, ok := d.ByName("bob"); !ok || p.Role != Viewer || p.Groups[0] != "dev" || p.Via != "" {
		t.Errorf("bob is %+v", p)
	}
	if p, ok := d.ByName("ada"); ok {
		t.Errorf("ada, in another case, is taken for %s", p.Name)
	}
	for name, want := range map[string]bool{"ada": true, "BOB": true, "root": true, userName(os.Getuid()): true, "ann": false, "": false} {
		if d.Names(name) != want {
			t.Errorf("that %q is somebody's name is not %v", name, want)
		}
	}
}

// answers is an Identifier that always says the same.
type answers struct {
	Person
	error
}

func (a answers) Identify(*http.Request) (Person, error) { return a.Person, a.error }

func TestChain(t *testing.T) {
	down, ada := answers{error: errors.New("down")}, answers{Person: Person{Name: "ada"}}
	unknown := answers{error: fmt.Errorf("asked: %w", ErrUnknownToken)}
	for _, c := range []struct {
		chain Chain
		name  string
		err   error
	}{
		{Chain{unknown, ada}, "ada", nil}, {Chain{ada, down}, "ada", nil}, {Chain{unknown, down, ada}, "", down.error},
		{Chain{unknown, unknown}, "", ErrUnknownToken}, {Chain{}, "", ErrUnknownToken}, {Chain{answers{error: ErrNoToken}, ada}, "", ErrNoToken},
	} {
		if p, err := c.chain.Identify(httptest.NewRequest(http.MethodGet, "/", nil)); p.Name != c.name || !errors.Is(err, c.err) {
			t.Errorf("%v know %q, %v", c.chain, p.Name, err)
		}
	}
}

func TestStrangersDoNotFillTheLog(t *testing.T) {
	s, now := Sparing{}, time.Date(2026, 11, 27, 3, 0, 0, 0, time.UTC)
	told, untold := 0, 0
	for range 1000 {
		now = now.Add(10 * time.Millisecond)
		left, speaks := s.Speaks(now)
		if untold += left; speaks {
			told++
		}
	}
	if left, speaks := s.Speaks(now.Add(time.Hour)); !speaks || told+untold+left != 1000 || told < 20 || told > 40 {
		t.Errorf("of 1000 in ten seconds %d are told of, %d are counted, then %d, %v", told, untold, left, speaks)
	}
}
