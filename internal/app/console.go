package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/approval"
	"github.com/salvor-io/salvor/internal/card"
	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/console"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/oidc"
	"github.com/salvor-io/salvor/internal/password"
	"github.com/salvor-io/salvor/internal/people"
	"github.com/salvor-io/salvor/internal/session"
)

// sessionKeyName is the file in the data directory with the key of a replica's own sessions.
const sessionKeyName = "console.key"

// sessionKey is the key that the configuration names, or that of this replica alone. First says that this one was made just now.
func sessionKey(cfg *config.Config) (key []byte, first bool, err error) {
	if file := cfg.Console.SessionKeyFile; file != "" {
		text, err := config.Secret(file)
		return []byte(text), false, err
	}
	path := filepath.Join(cfg.DataDir, sessionKeyName)
	_, err = os.Stat(path)
	first = errors.Is(err, fs.ErrNotExist)
	key, err = session.Key(path)
	return key, first, err
}

// passwords are those of the people whom the configuration names.
type passwords struct {
	*password.Book
	directory *people.Directory
}

func openPasswords(cfg *config.Config, directory *people.Directory) (passwords, error) {
	hashes := map[string]string{}
	for _, p := range cfg.People {
		if p.PasswordFile == "" {
			continue
		}
		hash, err := config.Secret(p.PasswordFile)
		if err != nil {
			return passwords{}, fmt.Errorf("read the password of %s: %w", p.Name, err)
		}
		hashes[p.Name] = hash
	}
	book, err := password.NewBook(hashes, time.Now)
	return passwords{book, directory}, err
}

// Check implements console.Passwords.
func (p passwords) Check(ctx context.Context, name, from, password string) (people.Person, bool) {
	if !p.Book.Check(ctx, name, from, password) {
		return people.Person{}, false
	}
	return p.directory.ByName(name)
}

// openToPeople opens what people come by: the API, and the console. Who they are, and chat, which links to the console, are open by then.
func (f *front) openToPeople(a *App, desk *approval.Desk) error {
	key, first, err := sessionKey(a.cfg)
	if err != nil {
		return fmt.Errorf("read the key of sessions: %w", err)
	}
	sessions, err := session.New(session.Options{Key: key, People: f.people, Ended: a.store.ledger, Role: f.people.role, Secure: strings.HasPrefix(a.cfg.ExternalURL, "https://"), Clock: time.Now,
		Log: a.opt.Log.With("part", "session")})
	if err != nil {
		return err
	}
	f.api = openAPI(a, f.people, desk, sessions)
	if f.console, err = openConsole(a, f, desk, sessions); err != nil {
		return err
	}
	f.pages = f.paged(a, key, sessions)
	if first && f.people.provider == nil {
		return welcome(a, sessions)
	}
	return nil
}

// paged are the console, and where one logs in by the identity provider. What a browser keeps meanwhile is sealed with a key of its own, so
// that it can never be taken for a session.
func (f *front) paged(a *App, key []byte, sessions *session.Sessions) http.Handler {
	pages := http.NewServeMux()
	pages.Handle("/", f.console.Handler())
	if f.people.provider != nil {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte("salvor login by an identity provider"))
		oidc.NewLogin(oidc.LoginOptions{Provider: f.people.provider, Sessions: sessions, ExternalURL: a.cfg.ExternalURL, Key: mac.Sum(nil), Say: f.console.Say}).Register(pages)
	}
	return pages
}

func openConsole(a *App, f *front, desk *approval.Desk, sessions *session.Sessions) (*console.Console, error) {
	words, err := openPasswords(a.cfg, f.people.Directory)
	if err != nil {
		return nil, err
	}
	sentence := func(inc *incident.Incident) card.Card {
		return card.Of(inc, a.words(inc))
	}
	c, err := console.New(console.Options{Index: a.pipeline, Finder: f.api, Desk: desk, Card: sentence, Sessions: sessions, Passwords: words, SignOn: f.people.signOn(), Address: a.cfg.ExternalURL, Links: f.chats.Links,
		Clock: time.Now, Log: a.opt.Log.With("part", "console")})
	if err != nil {
		return nil, fmt.Errorf("open the console: %w", err)
	}
	return c, nil
}

// welcome prints a one-time link to the console, at the first start of a Salvor to which nobody can log in otherwise: whoever can read what
// this process prints is taken for the user that it runs as.
func welcome(a *App, sessions *session.Sessions) error {
	for _, p := range a.cfg.People {
		if p.PasswordFile != "" {
			return nil
		}
	}
	name := fmt.Sprint("uid ", os.Getuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	key, err := sessions.Link(people.Person{Name: name, Role: people.Admin, Via: people.ViaSocket})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.opt.Welcome, "open %s within %d minutes; later: salvor console\n", api.LoginURL(a.cfg.ExternalURL, key), session.LinkLasts/time.Minute)
	return err
}
