package rig

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/salvor-io/salvor/test/slackd"
)

// The ids of a Workspace.
const (
	Channel = "C0INCIDENTS"
	Alice   = "U0ALICE"
	Oncall  = "S0ONCALL" // the user group of sre-oncall
)

// Workspace is a stand-in of Slack where Salvor asks alice, as the configuration names it all.
type Workspace struct{ *slackd.Server }

// Workspace starts a stand-in of Slack, and writes down the tokens by which Salvor is let in. It ends by Close.
func (r *Rig) Workspace() (*Workspace, error) {
	secrets := map[string]string{}
	for _, kind := range []string{"bot", "app"} {
		file := "slack-" + kind + ".token"
		token, err := r.token(file)
		if err != nil {
			return nil, err
		}
		secrets[kind] = "xo" + kind[:1] + "-" + token
		if err := os.WriteFile(filepath.Join(r.Dir, file), []byte(secrets[kind]), 0o600); err != nil {
			return nil, fmt.Errorf("write the %s token of Slack: %w", kind, err)
		}
	}
	server, err := slackd.Start(slackd.Options{Workspace: "T0DEMO", BotToken: secrets["bot"], AppToken: secrets["app"], Channels: []string{Channel},
		Names: map[string]string{Oncall: "sre-oncall", Channel: "incidents"}})
	if err != nil {
		return nil, err
	}
	return &Workspace{server}, nil
}

// Page is the address of what everybody sees there, for a browser.
func (w *Workspace) Page() string { return strings.TrimSuffix(w.URL, "api/") }

// Card is the first message whose push text has a part.
func (w *Workspace) Card(part string) (slackd.Message, bool) {
	for _, m := range w.Messages(Channel) {
		if m.Thread == "" && strings.Contains(Text(m), part) {
			return m, true
		}
	}
	return slackd.Message{}, false
}

// Await waits for a message that has a part, and, where buttons are named, a button that begins with each.
func (w *Workspace) Await(ctx context.Context, within time.Duration, part string, buttons ...string) (m slackd.Message, err error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	err = w.Until(ctx, func() (found bool) {
		m, found = w.Card(part)
		for _, label := range buttons {
			found = found && hasButton(m, label)
		}
		return found
	})
	if err != nil {
		return m, fmt.Errorf("wait for a message that says %q, with buttons %q: %w; it says %s", part, buttons, err, Text(m))
	}
	return m, nil
}

func hasButton(m slackd.Message, label string) bool {
	for _, b := range m.Buttons() {
		if strings.HasPrefix(b.Label, label) {
			return true
		}
	}
	return false
}
