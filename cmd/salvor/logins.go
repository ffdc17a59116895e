package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/oidc"
	"github.com/salvor-io/salvor/internal/timeline"
)

// login is that somebody has logged in at a server.
type login struct {
	oidc.Tokens
	Issuer   string `json:"issuer"`
	ClientID string `json:"client_id"`
}

// logins are the logins of whoever runs this, kept in a file that nobody else reads.
type logins struct{ env environment }

// spare is how long before its end a token is renewed: it has to last for a call.
const spare = 30 * time.Second

// token is the token for a server, "" where nobody has logged in there. One that is over is renewed.
func (l logins) token(ctx context.Context, server string) (string, error) {
	server = serverName(server)
	all, err := l.read()
	found, ok := all[server]
	if err != nil || !ok {
		return "", err
	}
	if l.env.now().Add(spare).Before(found.Expires) {
		return found.ID, nil
	}
	renewed, err := found.renew(ctx, l.env)
	if err != nil {
		return l.renewedMeanwhile(server, found, err)
	}
	return renewed.ID, l.keep(server, renewed)
}

func (g login) renew(ctx context.Context, env environment) (login, error) {
	got, err := oidc.Flow{Issuer: g.Issuer, ClientID: g.ClientID, Clock: env.now}.Renew(ctx, g.Tokens)
	g.Tokens = got
	return g, err
}

// renewedMeanwhile is the token that another command has got, where each can be renewed but once. Else the login is over.
func (l logins) renewedMeanwhile(server string, old login, cause error) (string, error) {
	all, err := l.read()
	if now, ok := all[server]; err == nil && ok && now.ID != old.ID {
		return now.ID, nil
	}
	return "", advisedError{fmt.Errorf("use the login at %s: %w", server, cause), "salvor login --server " + server}
}

// keep keeps a login.
func (l logins) keep(server string, got login) error {
	return l.change(func(all map[string]login) { all[server] = got })
}

// forget forgets a login, and says whether there was one.
func (l logins) forget(server string) (known bool, err error) {
	err = l.change(func(all map[string]login) {
		_, known = all[server]
		delete(all, server)
	})
	return known, err
}

func (l logins) path() string {
	dir := l.env.getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(l.env.getenv("HOME"), ".config")
	}
	return filepath.Join(dir, "salvor", "login.json")
}

func (l logins) read() (map[string]login, error) {
	all := map[string]login{}
	text, err := os.ReadFile(l.path())
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		return nil, advisedError{fmt.Errorf("read the logins: %w", err), "take " + l.path() + " away, and log in again: salvor login"}
	}
	return all, nil
}

// change writes the file anew, so that nobody reads half of it.
func (l logins) change(f func(map[string]login)) error {
	all, err := l.read()
	if err != nil {
		return err
	}
	f(all)
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("write the logins: %w", err)
	}
	dir := filepath.Dir(l.path())
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("write the logins: %w", err)
	}
	file, err := os.CreateTemp(dir, "login.*") // mode 0600
	if err != nil {
		return fmt.Errorf("write the logins: %w", err)
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), l.path())
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write the logins: %w", err), os.Remove(file.Name()))
	}
	return nil
}

// serverName is a server as it is told from others.
func serverName(server string) string { return strings.TrimRight(server, "/") }

func writeMe(w io.Writer, me api.Me) error {
	text := fmt.Sprintf("%s, %s", timeline.Plain(me.Name), me.Role)
	if len(me.Groups) > 0 {
		text += ", in " + timeline.Plain(strings.Join(me.Groups, ", "))
	}
	_, err := fmt.Fprintf(w, "%s (by %s)\n", text, me.Via)
	return err
}
