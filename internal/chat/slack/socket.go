package slack

import (
	"context"
	"time"

	slackgo "github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/salvor-io/salvor/internal/clock"
)

const (
	firstDial = time.Second
	lastDial  = time.Minute
)

// Run takes presses over a connection that it opens and keeps open, until ctx ends; it returns nil then. Without an app token it only waits for
// what HTTP has taken. Slack that is away is called again.
func (w *Workspace) Run(ctx context.Context) error {
	defer w.working.Wait()
	if w.AppToken == "" {
		<-ctx.Done()
		return nil
	}
	wait := firstDial
	for ctx.Err() == nil {
		began := w.Clock()
		err := w.listen(ctx)
		if ctx.Err() != nil {
			break
		}
		if w.Clock().Sub(began) > lastDial {
			wait = firstDial
		}
		w.Log.Warn("Slack's connection for buttons has ended, and is opened again", "after", wait, "error", err)
		clock.Sleep(ctx, wait)
		wait = min(2*wait, lastDial)
	}
	return nil
}

// listen opens one client, which connects again by itself as Slack asks it to, and takes what comes until it gives up.
func (w *Workspace) listen(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client := socketmode.New(w.api)
	ended := make(chan error, 1)
	go func() { ended <- client.RunContext(ctx) }()
	for {
		select {
		case err := <-ended:
			return err
		case ev := <-client.Events:
			w.heard(ctx, client, ev)
		}
	}
}

// trouble is what is wrong with a connection, as far as it is said.
func trouble(ev socketmode.Event) error {
	if failed, ok := ev.Data.(*slackgo.ConnectionErrorEvent); ok {
		return failure(failed.ErrorObj)
	}
	return nil
}

// heard acknowledges each envelope, whatever it holds, but for a press that is not taken: Slack sends again what is not acknowledged within three seconds.
func (w *Workspace) heard(ctx context.Context, client *socketmode.Client, ev socketmode.Event) {
	switch ev.Type {
	case socketmode.EventTypeConnected:
		w.Log.Info("Slack's connection for buttons is open")
	case socketmode.EventTypeConnectionError, socketmode.EventTypeInvalidAuth, socketmode.EventTypeIncomingError:
		w.Log.Warn("Slack's connection for buttons has trouble", "event", ev.Type, "error", trouble(ev))
	}
	if ev.Request == nil || ev.Request.EnvelopeID == "" {
		return
	}
	var payload []any
	if cb, ok := ev.Data.(slackgo.InteractionCallback); ok && ev.Type == socketmode.EventTypeInteractive {
		reply, taken := w.take(ctx, cb)
		if !taken {
			return
		}
		if reply != nil {
			payload = append(payload, reply)
		}
	}
	if err := client.Ack(*ev.Request, payload...); err != nil {
		w.Log.Warn("a press is not acknowledged", "error", err)
	}
}
