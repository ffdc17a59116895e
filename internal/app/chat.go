package app

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/salvor-io/salvor/internal/approval"
	"github.com/salvor-io/salvor/internal/chat"
	"github.com/salvor-io/salvor/internal/chat/all"
	"github.com/salvor-io/salvor/internal/chat/slack"
	"github.com/salvor-io/salvor/internal/httpserver"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/internal/people"
)

// chats is what a replica shows in chat, and hears from there.
type chats struct {
	*all.Chats
	poster *chat.Poster
}

func openChats(a *App, desk *approval.Desk, directory *people.Directory, meter chat.Meter) (*chats, error) {
	log := a.opt.Log.With("part", "chat")
	reception := &chat.Reception{People: directory, Desk: desk, Incident: a.store.ledger.Load, Log: log}
	opened, err := all.Open(a.cfg, reception, log)
	if err != nil {
		return nil, err
	}
	return &chats{opened, chat.New(chat.Options{Replica: a.opt.Life, Alone: a.store.conn.Embedded(), Routes: opened.Routes, Incidents: a.pipeline.Incidents, Words: a.words, Ledger: a.store.ledger, Lost: ledger.ErrLost,
		Clock: time.Now, Meter: meter, Log: log})}, nil
}

// mounts are where chats post what people press.
func (c *chats) mounts() []httpserver.Mount {
	if c.Slack == nil || c.Slack.SigningSecret == "" {
		return nil
	}
	return []httpserver.Mount{{Pattern: "POST " + slack.Path, Handler: c.Slack}}
}

// run shows and hears until ctx ends. Chat that is away ends nothing.
func (c *chats) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { c.Report(ctx); return nil })
	group.Go(func() error { return c.poster.Run(ctx) })
	if c.Slack != nil {
		group.Go(func() error { return c.Slack.Run(ctx) })
	}
	return group.Wait()
}
