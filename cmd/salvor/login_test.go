package main

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/oidc"
	"github.com/salvor-io/salvor/internal/oidc/oidctest"
	"github.com/salvor-io/salvor/internal/people"
)

// laptop is a machine of somebody who logs in, at a server that knows people by an identity provider.
type laptop struct {
	t      *testing.T
	issuer *oidctest.Issuer
	api    *api.API
	server string
	home   string
	ahead  time.Duration // of the clock
}

func newLaptop(t *testing.T) *laptop {
	t.Helper()
	l := &laptop{t: t, issuer: oidctest.New(t), home: t.TempDir()}
	directory, err := people.NewDirectory(nil, os.Getuid())
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	provider := oidc.NewProvider(oidc.Options{ClientID: "salvor", CLIClientID: "salvor-cli", Clock: l.now, Log: quiet,
		Mapping: oidc.Mapping{Issuer: l.issuer.URL, Directory: directory, GroupsClaim: "groups", Roles: map[people.Role][]string{people.Operator: {"sre"}}}})
	l.api = api.New(api.Options{People: people.Chain{directory, provider}, Login: &api.Login{Issuer: l.issuer.URL, ClientID: "salvor-cli"}, Missing: errMissing, Clock: l.now, Log: quiet})
	srv := httptest.NewServer(l.api.Handler())
	t.Cleanup(srv.Close)
	l.server = srv.URL
	l.issuer.As(map[string]any{"sub": "s-1", "email": "ann@example.org", "email_verified": true, "groups": []string{"sre"}})
	return l
}

func (l *laptop) now() time.Time { return time.Now().Add(l.ahead) }

// browser opens what is printed.
type browser struct{ bytes.Buffer }

func (b *browser) Write(p []byte) (int, error) {
	if address, ok := strings.CutPrefix(string(p), "open "); ok && !strings.Contains(address, " and type ") {
		go func() {
			if resp, err := http.Get(strings.TrimSpace(address)); err == nil {
				_ = resp.Body.Close()
			}
		}()
	}
	return b.Buffer.Write(p)
}

func (l *laptop) salvor(args ...string) result {
	var out bytes.Buffer
	var talked browser
	env := map[string]string{"HOME": l.home}
	root := newRootCommand(environment{getenv: func(name string) string { return env[name] }, now: l.now})
	root.SetOut(&out)
	root.SetErr(io.Writer(&talked))
	root.SetArgs(append(args, "--server", l.server+"/"))
	return result{conclude(root.ExecuteContext(l.t.Context()), &talked), out.String(), talked.String()}
}

// TestLoginAtAServer: logged in, renewed, logged in by a device, logged out; what is kept is for one person alone.
func TestLoginAtAServer(t *testing.T) {
	l := newLaptop(t)
	want := func(what, out string, code int, args ...string) {
		t.Helper()
		if got := l.salvor(args...); got.code != code || got.out != out {
			t.Fatalf("%s: %+v", what, got)
		}
	}
	const ann = "ann@example.org, operator, in sre (by oidc)\n"
	want("before", "", exitNotAuthorised, "whoami")
	want("login", ann, exitOK, "login")
	want("whoami", ann, exitOK, "whoami")
	path := filepath.Join(l.home, ".config", "salvor", "login.json")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("what is kept is %v, %v", info, err)
	}
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	l.ahead = 2 * time.Hour
	l.issuer.Tamper(func(claims map[string]any) { claims["exp"] = l.now().Add(time.Hour).Unix() })
	want("renewed", ann, exitOK, "whoami")
	if now, err := os.ReadFile(path); err != nil || bytes.Equal(now, old) {
		t.Errorf("what was renewed is not kept: %v", err)
	}
	if err := os.WriteFile(path, old, 0o600); err != nil { // its refresh token was used
		t.Fatal(err)
	}
	if got := l.salvor("whoami"); got.code != exitError || !strings.Contains(got.talked, "the login is over") || !strings.HasSuffix(got.talked, "next: salvor login --server "+l.server+"\n") {
		t.Errorf("over: %+v", got)
	}
	if got := l.salvor("login", "--device"); got.out != ann || !strings.Contains(got.talked, "and type ABCD-EFGH") {
		t.Errorf("by a device: %+v", got)
	}
	want("logout", "logged out of "+l.server+"\n", exitOK, "logout")
	want("once more", "nobody was logged in at "+l.server+"\n", exitOK, "logout")
	want("after", "", exitNotAuthorised, "whoami")
}

func TestLoginIsRefused(t *testing.T) {
	l := newLaptop(t)
	l.issuer.As(map[string]any{"sub": "s-2", "email": "eve@example.org", "email_verified": true})
	if got := l.salvor("login"); got.code != exitNotAuthorised || !strings.Contains(got.talked, "no group of yours has a role") {
		t.Errorf("without a role: %+v", got)
	}
	l.api.Login = nil
	if got := l.salvor("login"); got.code != exitNotFound || !strings.Contains(got.talked, "--token-file") {
		t.Errorf("nowhere: %+v", got)
	}
	for _, server := range []string{"http://salvor.example.org", "salvor", ""} {
		l.server = server
		if got := l.salvor("login"); got.code != exitUsage {
			t.Errorf("at %q: %+v", server, got)
		}
	}
}

// TestALoginIsForOneServer: a token goes nowhere but to the server it was got for.
func TestALoginIsForOneServer(t *testing.T) {
	l := newLaptop(t)
	if got := l.salvor("login"); got.code != exitOK {
		t.Fatalf("%+v", got)
	}
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("another server is sent the token")
		}
	}))
	defer other.Close()
	l.server = other.URL
	l.salvor("whoami")
}
