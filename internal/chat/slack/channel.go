package slack

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/salvor-io/salvor/internal/card"
	"github.com/salvor-io/salvor/internal/chat"
	"github.com/salvor-io/salvor/internal/incident"
)

// eventType names Salvor's messages in Slack's metadata, by which they are found again.
const eventType = "salvor_incident"

// Channel is one channel of the workspace.
type Channel struct {
	workspace *Workspace
	id        string
}

// Channel is the channel with an id, such as "C0123".
func (w *Workspace) Channel(id string) *Channel { return &Channel{w, id} }

// Name is unique among channels of all chats.
func (c *Channel) Name() string { return "slack:" + c.id }

// Check says why the channel cannot be reached, or nil.
func (c *Channel) Check(ctx context.Context) error { return c.workspace.Check(ctx, c.id) }

// Post shows a card in a message of its own, which mentions the groups that are asked.
func (c *Channel) Post(ctx context.Context, shown card.Card) (string, error) {
	_, at, err := c.workspace.api.PostMessageContext(ctx, c.id, c.workspace.options(shown)...)
	return at, failure(err)
}

// Edit shows the card in place of what the message shows.
func (c *Channel) Edit(ctx context.Context, message string, shown card.Card) error {
	_, _, _, err := c.workspace.api.UpdateMessageContext(ctx, c.id, message, c.workspace.options(shown)...)
	return failure(err)
}

// Tell answers in the thread of the message. Where people are called the answer is shown in the channel, too: an edit notifies nobody.
func (c *Channel) Tell(ctx context.Context, message string, a chat.Aside) error {
	opt := []slackgo.MsgOption{slackgo.MsgOptionTS(message), slackgo.MsgOptionText(escaped(summary(a)), false), slackgo.MsgOptionDisableLinkUnfurl(),
		slackgo.MsgOptionBlocks(c.workspace.aside(a)...)}
	if a.Call {
		opt = append(opt, slackgo.MsgOptionBroadcast())
	}
	_, _, err := c.workspace.api.PostMessageContext(ctx, c.id, opt...)
	return failure(err)
}

const (
	pages   = 10
	perPage = 100
)

// Find looks for the message of an incident among those that this app has posted since a time.
func (c *Channel) Find(ctx context.Context, id incident.ID, since time.Time) (string, error) {
	me, err := c.workspace.api.AuthTestContext(ctx)
	if err != nil {
		return "", failure(err)
	}
	look := slackgo.GetConversationHistoryParameters{ChannelID: c.id, IncludeAllMetadata: true, Limit: perPage, Oldest: strconv.FormatInt(since.Add(-time.Minute).Unix(), 10)}
	for range pages {
		page, err := c.workspace.api.GetConversationHistoryContext(ctx, &look)
		var refused slackgo.SlackErrorResponse
		if errors.As(err, &refused) && refused.Err == "missing_scope" {
			return "", fmt.Errorf("%w: it lacks the scope %s", chat.ErrCannotLook, refused.Needed)
		}
		if err != nil {
			return "", failure(err)
		}
		for _, m := range page.Messages {
			if m.Metadata.EventType == eventType && m.Metadata.EventPayload["incident"] == string(id) && m.BotID == me.BotID {
				return m.Timestamp, nil
			}
		}
		if look.Cursor = page.ResponseMetaData.NextCursor; look.Cursor == "" {
			break
		}
	}
	return "", nil
}

func (w *Workspace) options(shown card.Card) []slackgo.MsgOption {
	return []slackgo.MsgOption{
		slackgo.MsgOptionText(escaped(shown.Push), false), slackgo.MsgOptionBlocks(w.blocks(shown)...), slackgo.MsgOptionDisableLinkUnfurl(), slackgo.MsgOptionDisableMediaUnfurl(),
		slackgo.MsgOptionMetadata(slackgo.SlackMetadata{EventType: eventType, EventPayload: map[string]any{"incident": string(shown.Incident), "seq": strconv.FormatUint(shown.Seq, 10)}}),
	}
}

// summary is the text of an aside where blocks are not shown.
func summary(a chat.Aside) string {
	if a.Call {
		return a.Card.Push
	}
	var lines []string
	for _, l := range a.Lines {
		lines = append(lines, l.Text)
	}
	return clip(strings.Join(lines, "; "), 500)
}
