// Package all makes the channels that a configuration names.
package all

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/salvor-io/salvor/internal/chat"
	"github.com/salvor-io/salvor/internal/chat/slack"
	"github.com/salvor-io/salvor/internal/chat/webhook"
	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/link"
)

// Chats are the channels of a configuration, and what takes presses.
type Chats struct {
	Routes []chat.Route
	Slack  *slack.Workspace // nil without Slack
	Links  link.Signer      // checks the links of webhooks
	log    *slog.Logger
}

// Open reads the secrets and makes the channels. It calls nobody. Without a reception the channels only show.
func Open(cfg *config.Config, reception *chat.Reception, log *slog.Logger) (*Chats, error) {
	c := &Chats{Links: link.Signer{Base: cfg.ExternalURL}, log: log}
	if path := cfg.Chat.LinkSecretFile; path != "" {
		secret, err := config.Secret(path)
		if err != nil {
			return nil, fmt.Errorf("read the secret of chat.link_secret_file: %w", err)
		}
		c.Links.Secret = []byte(secret)
	}
	if cfg.Chat.Slack != nil {
		var err error
		if c.Slack, err = openSlack(cfg, reception, log); err != nil {
			return nil, err
		}
	}
	for _, to := range cfg.Chat.Channels {
		channel, err := c.channel(cfg, to)
		if err != nil {
			return nil, err
		}
		route := chat.Route{Channel: channel, Clusters: to.Clusters}
		for _, kind := range to.Kinds {
			route.Kinds = append(route.Kinds, string(kind))
		}
		c.Routes = append(c.Routes, route)
	}
	return c, nil
}

func openSlack(cfg *config.Config, reception *chat.Reception, log *slog.Logger) (*slack.Workspace, error) {
	s := cfg.Chat.Slack
	opt := slack.Options{Workspace: s.Workspace, APIURL: s.APIURL, Groups: s.Groups, Link: cfg.ExternalURL, Reception: reception, Clock: time.Now, Log: log}
	for _, f := range []struct {
		path string
		into *string
	}{{s.BotTokenFile, &opt.BotToken}, {s.AppTokenFile, &opt.AppToken}, {s.SigningSecretFile, &opt.SigningSecret}} {
		if f.path == "" {
			continue
		}
		var err error
		if *f.into, err = config.Secret(f.path); err != nil {
			return nil, fmt.Errorf("read the secrets of chat.slack: %w", err)
		}
	}
	return slack.New(opt), nil
}

func (c *Chats) channel(cfg *config.Config, to config.ChatChannel) (chat.Channel, error) {
	via, id := to.Via()
	if via == "slack" && c.Slack != nil {
		return c.Slack.Channel(id), nil
	}
	for _, hook := range cfg.Chat.Webhooks {
		if via == "webhook" && hook.Name == id {
			return c.webhook(hook)
		}
	}
	return nil, fmt.Errorf("open channel %s: it is configured nowhere", to.To)
}

func (c *Chats) webhook(hook config.Webhook) (chat.Channel, error) {
	secret, err := config.Secret(hook.SecretFile)
	if err != nil {
		return nil, fmt.Errorf("read the secret of webhook %s: %w", hook.Name, err)
	}
	opt := webhook.Options{Label: hook.Name, URL: hook.URL, Secret: []byte(secret), Links: c.Links, Clock: time.Now}
	if hook.TemplateFile != "" {
		text, err := os.ReadFile(hook.TemplateFile)
		if err != nil {
			return nil, fmt.Errorf("read the template of webhook %s: %w", hook.Name, err)
		}
		if opt.Template, err = webhook.ParseTemplate(hook.Name, string(text)); err != nil {
			return nil, fmt.Errorf("open webhook %s: %s: %w", hook.Name, hook.TemplateFile, err)
		}
	}
	return webhook.New(opt), nil
}

// checkWithin bounds how long one channel is tried.
const checkWithin = 10 * time.Second

// Check tries each channel, and tells which can be reached and why others cannot.
func (c *Chats) Check(ctx context.Context, tell func(channel string, err error)) {
	for _, route := range c.Routes {
		bounded, cancel := context.WithTimeout(ctx, checkWithin)
		err := errors.New("nobody knows how to try it")
		if tried, ok := route.Channel.(interface{ Check(context.Context) error }); ok {
			err = tried.Check(bounded)
		}
		cancel()
		tell(route.Channel.Name(), err)
	}
}

// Report logs which channels can be reached: a channel that cannot never keeps Salvor from starting.
func (c *Chats) Report(ctx context.Context) {
	c.Check(ctx, func(channel string, err error) {
		switch {
		case ctx.Err() != nil:
		case err != nil:
			c.log.Error("people do not hear of incidents in a channel", "channel", channel, "error", err)
		default:
			c.log.Info("incidents are shown in a channel", "channel", channel)
		}
	})
}
