package app

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/oidc"
	"github.com/salvor-io/salvor/internal/people"
)

// knowing is how people are known: those who are listed, and whoever an identity provider knows.
type knowing struct {
	*people.Directory
	provider *oidc.Provider // nil: there is none
	config   *config.OIDC
}

func openPeople(a *App) (*knowing, error) {
	directory, err := openDirectory(a.cfg)
	if err != nil {
		return nil, fmt.Errorf("know the people: %w", err)
	}
	k := &knowing{Directory: directory, config: a.cfg.OIDC}
	if k.config == nil {
		return k, nil
	}
	opt := oidc.Options{ClientID: k.config.ClientID, CLIClientID: k.config.CLIClientID, Clock: time.Now, Log: a.opt.Log.With("part", "oidc"),
		Mapping: oidc.Mapping{Issuer: k.config.Issuer, Directory: directory, NameClaim: k.config.NameClaim, GroupsClaim: k.config.GroupsClaim, MatchEmail: k.config.MatchEmail,
			Roles: map[people.Role][]string{people.Viewer: k.config.Roles.Viewer, people.Operator: k.config.Roles.Operator, people.Admin: k.config.Roles.Admin}}}
	if file := k.config.ClientSecretFile; file != "" {
		if opt.ClientSecret, err = config.Secret(file); err != nil {
			return nil, fmt.Errorf("read the secret of %s at %s: %w", k.config.ClientID, k.config.Issuer, err)
		}
	}
	if opt.CA, err = certificates(k.config.CAFile); err != nil {
		return nil, err
	}
	k.provider = oidc.NewProvider(opt)
	return k, nil
}

func openDirectory(cfg *config.Config) (*people.Directory, error) {
	var entries []people.Entry
	for _, p := range cfg.People {
		entry := people.Entry{Name: p.Name, Role: p.Role, Groups: p.Groups, Email: p.Email}
		if p.TokenFile != "" {
			token, err := config.Secret(p.TokenFile)
			if err != nil {
				return nil, fmt.Errorf("read the token of %s: %w", p.Name, err)
			}
			entry.TokenSHA256 = people.HashToken(token)
		}
		if p.PasswordFile != "" { // which makes them known, and is checked by the console
			entry.Accounts = append(entry.Accounts, people.Account{Via: people.ViaWeb, ID: p.Name})
		}
		if p.Slack != nil {
			entry.Accounts = append(entry.Accounts, people.Account{Via: people.ViaSlack, Place: p.Slack.Workspace, ID: p.Slack.User})
		}
		if p.Subject != "" {
			entry.Accounts = append(entry.Accounts, people.Account{Via: people.ViaOIDC, Place: cfg.OIDC.Issuer, ID: p.Subject})
		}
		entries = append(entries, entry)
	}
	return people.NewDirectory(entries, os.Getuid())
}

// certificates are those of a file, nil where none is named: the system's.
func certificates(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read certificates: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("read certificates: %s holds none", file)
	}
	return pool, nil
}

// Identify implements people.Identifier.
func (k *knowing) Identify(r *http.Request) (people.Person, error) {
	if k.provider == nil {
		return k.Directory.Identify(r)
	}
	return people.Chain{k.Directory, k.provider}.Identify(r)
}

// role is what groups of the identity provider give somebody.
func (k *knowing) role(groups []string) people.Role {
	if k.provider == nil {
		return people.Nobody
	}
	return k.provider.Role(groups)
}

// login is where salvor login asks, nil where nobody can.
func (k *knowing) login() *api.Login {
	switch {
	case k.config == nil:
		return nil
	case k.config.CLIClientID != "":
		return &api.Login{Issuer: k.config.Issuer, ClientID: k.config.CLIClientID}
	case k.config.ClientSecretFile == "":
		return &api.Login{Issuer: k.config.Issuer, ClientID: k.config.ClientID}
	}
	return nil
}

// signOn is where one logs in to the console by the identity provider, "" where there is none.
func (k *knowing) signOn() string {
	if k.provider == nil {
		return ""
	}
	return oidc.LoginPath
}

// greet says in the log what keeps the identity provider from being asked.
func (k *knowing) greet(ctx context.Context) {
	if k.provider != nil {
		k.provider.Greet(ctx)
	}
}
