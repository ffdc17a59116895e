package session

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/internal/people"
)

// house is two replicas with one key, of one directory.
type house struct {
	*Sessions
	other *Sessions
	named map[string]people.Person
	ended sync.Map
	now   time.Time
	down  error                  // why the store does not answer
	roles map[string]people.Role // of groups of a provider
}

func (h *house) ByName(name string) (people.Person, bool) { p, ok := h.named[name]; return p, ok }

func (h *house) Names(name string) bool {
	for one := range h.named {
		if strings.EqualFold(one, name) {
			return true
		}
	}
	return false
}

func (h *house) role(groups []string) (best people.Role) {
	for _, group := range groups {
		best = max(best, h.roles[group])
	}
	return best
}

func (h *house) End(_ context.Context, id string, until time.Time) (bool, error) {
	_, before := h.ended.LoadOrStore(id, until)
	return !before, nil
}

func (h *house) HasEnded(_ context.Context, id string) (bool, error) {
	_, ended := h.ended.Load(id)
	return ended, h.down
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{now: time.Date(2026, 11, 27, 3, 0, 0, 0, time.UTC), named: map[string]people.Person{"ada": {Name: "ada", Role: people.Operator, Groups: []string{"sre"}}}, roles: map[string]people.Role{"dev": people.Viewer}}
	opt := Options{Key: []byte(strings.Repeat("k", 32)), People: h, Ended: h, Role: h.role, Clock: func() time.Time { return h.now }, Log: slog.New(slog.DiscardHandler)}
	var err error
	if h.Sessions, err = New(opt); err != nil {
		t.Fatal(err)
	}
	h.other, _ = New(opt)
	return h
}

// opened is a request by whoever a session was opened for.
func (h *house) opened(t *testing.T, p people.Person, target string) *http.Request {
	t.Helper()
	w := httptest.NewRecorder()
	if err := h.Open(w, httptest.NewRequest(http.MethodPost, target, nil), p); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for _, c := range w.Result().Cookies() {
		r.AddCookie(c)
	}
	return r
}

func ada() people.Person {
	return people.Person{Name: "ada", Role: people.Operator, Groups: []string{"sre"}, Via: people.ViaToken}
}

func TestWhoASessionIsOf(t *testing.T) {
	claimed := people.Person{Name: "olga@example.org", Role: people.Viewer, Groups: []string{"dev"}, Via: "oidc", Subject: "s-1"}
	root := people.Person{Name: "ada", Role: people.Admin, Via: people.ViaSocket}
	for name, c := range map[string]struct {
		opened, want people.Person
		known        bool
		then         func(h *house)
	}{
		"listed":             {ada(), people.Person{Name: "ada", Role: people.Operator, Groups: []string{"sre"}, Via: people.ViaWeb}, true, func(*house) {}},
		"has another role":   {ada(), people.Person{Name: "ada", Role: people.Viewer, Via: people.ViaWeb}, true, func(h *house) { h.named["ada"] = people.Person{Name: "ada", Role: people.Viewer} }},
		"was removed":        {ada(), people.Person{}, false, func(h *house) { delete(h.named, "ada") }},
		"of a provider":      {claimed, people.Person{Name: claimed.Name, Role: people.Viewer, Groups: claimed.Groups, Via: people.ViaWeb, Subject: "s-1"}, true, func(*house) {}},
		"its name was taken": {claimed, people.Person{}, false, func(h *house) { h.named[claimed.Name] = people.Person{Name: claimed.Name, Role: people.Admin} }},
		"so, in other case": {claimed, people.Person{}, false, func(h *house) {
			h.named["Olga@example.org"] = people.Person{Name: "Olga@example.org", Role: people.Admin}
		}},
		"its group has another role":     {claimed, people.Person{Name: claimed.Name, Role: people.Operator, Groups: claimed.Groups, Via: people.ViaWeb, Subject: "s-1"}, true, func(h *house) { h.roles["dev"] = people.Operator }},
		"its group has no role any more": {claimed, people.Person{}, false, func(h *house) { delete(h.roles, "dev") }},
		"over the socket":                {root, root, true, func(*house) {}},
		"is over":                        {ada(), people.Person{}, false, func(h *house) { h.now = h.now.Add(12 * time.Hour) }},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			r := h.opened(t, c.opened, "http://salvor/")
			c.then(h)
			got, known := h.other.Person(r)
			if diff := cmp.Diff(c.want, got); known != c.known || diff != "" && known {
				t.Errorf("known %v\n%s", known, diff)
			}
		})
	}
}

func TestNobodyBecomesSomebodyElse(t *testing.T) {
	h := newHouse(t)
	for name, p := range map[string]people.Person{
		"the name of another":             {Name: "ada", Role: people.Admin, Via: "oidc"},
		"groups of their own":             {Name: "ada", Role: people.Operator, Groups: []string{"leads"}, Via: "oidc"},
		"that, in other case":             {Name: "Ada", Role: people.Operator, Groups: []string{"sre"}, Via: "oidc"},
		"more groups than a cookie holds": {Name: "max@example.org", Role: people.Viewer, Groups: slices.Repeat([]string{strings.Repeat("g", 100)}, 50), Via: "oidc"},
		"no name":                         {Role: people.Admin}, "no role": {Name: "eve"},
	} {
		if err := h.Open(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil), p); err == nil {
			t.Errorf("%s: it was opened", name)
		}
	}
	good := h.opened(t, ada(), "http://salvor/")
	value := good.Cookies()[0].Value
	link, err := h.Link(ada())
	if err != nil {
		t.Fatal(err)
	}
	text, sum, _ := strings.Cut(value, ".")
	for name, forged := range map[string]string{
		"another text": text[:len(text)-4] + "AAAA." + sum, "another sum": text + "." + strings.Repeat("A", len(sum)), "none": text, "empty": "", "a dot": ".", "a link": link,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.AddCookie(&http.Cookie{Name: plainCookie, Value: forged})
		if p, known := h.Person(r); known {
			t.Errorf("%s: taken for %s", name, p.Name)
		}
	}
}

func TestCloseEndsItEverywhere(t *testing.T) {
	h := newHouse(t)
	r := h.opened(t, ada(), "http://salvor/")
	w := httptest.NewRecorder()
	if err := h.Close(w, r); err != nil {
		t.Fatal(err)
	}
	if _, known := h.other.Person(r); known {
		t.Error("who keeps the cookie is let in after it was closed")
	}
	if c := w.Result().Cookies()[0]; c.MaxAge >= 0 || c.Value != "" {
		t.Errorf("the cookie stays: %v", c)
	}
}

func TestCookie(t *testing.T) {
	h := newHouse(t)
	for target, secure := range map[string]bool{"http://salvor/": false, "https://salvor/": true} {
		r := h.opened(t, ada(), target)
		name := map[bool]string{false: "salvor", true: "__Host-salvor"}[secure]
		if _, err := r.Cookie(name); err != nil {
			t.Errorf("%s: no %s", target, name)
		}
		if _, known := h.Person(r); !known {
			t.Errorf("%s: not known", target)
		}
		if c := h.cookie(r, "x", 1); c.Secure != secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("%s: %v", target, c)
		}
	}
}

func TestTokensAreOfOneSession(t *testing.T) {
	h := newHouse(t)
	a, b := h.opened(t, ada(), "/"), h.opened(t, ada(), "/")
	nobody := httptest.NewRequest(http.MethodGet, "/", nil)
	if !h.other.Holds(a, h.Token(a)) || h.Holds(b, h.Token(a)) || h.Holds(a, "") || h.Holds(nobody, h.Token(nobody)) {
		t.Error("a token is good for another session, or not for its own")
	}
}

func TestLinks(t *testing.T) {
	h := newHouse(t)
	key, err := h.Link(ada())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // a preview looks, too
		if p, err := h.Linked(t.Context(), key); err != nil || p.Name != "ada" {
			t.Fatalf("%v %v", p, err)
		}
	}
	if p, err := h.other.UseLink(t.Context(), key); err != nil || p.Name != "ada" || p.Via != people.ViaWeb {
		t.Errorf("%v %v", p, err)
	}
	_, again := h.UseLink(t.Context(), key)
	_, look := h.Linked(t.Context(), key)
	late, _ := h.Link(ada())
	session := h.opened(t, ada(), "/").Cookies()[0].Value
	_, asKey := h.UseLink(t.Context(), session)
	h.now = h.now.Add(LinkLasts)
	_, over := h.UseLink(t.Context(), late)
	got := []error{again, look, asKey, over}
	for i, want := range []error{ErrLinkUsed, ErrLinkUsed, ErrLinkBad, ErrLinkOver} {
		if got[i] == nil || got[i].Error() != want.Error() {
			t.Errorf("%d: %v, want %v", i, got[i], want)
		}
	}
}

func TestKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "console.key")
	keys := make([]string, 8)
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() {
			key, err := Key(path)
			if err != nil {
				t.Error(err)
			}
			keys[i] = string(key)
		})
	}
	all.Wait()
	for _, key := range keys {
		if key != keys[0] || len(key) != leastKey {
			t.Error("two keys of one file differ")
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	left, _ := os.ReadDir(filepath.Dir(path))
	if len(left) != 1 {
		t.Errorf("%d files are left", len(left))
	}
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Key(path); err == nil {
		t.Error("a short key is taken")
	}
}

// TestWhoLooksWhileTheStoreIsDown: a session that may have been closed shows pages, and does nothing.
func TestWhoLooksWhileTheStoreIsDown(t *testing.T) {
	h := newHouse(t)
	r := h.opened(t, ada(), "http://salvor/")
	h.down = errors.New("no route to the store")
	for method, want := range map[string]bool{http.MethodGet: true, http.MethodHead: true, http.MethodPost: false, http.MethodDelete: false} {
		r.Method = method
		if _, known := h.Person(r); known != want {
			t.Errorf("%s: known %v, want %v", method, known, want)
		}
	}
}
