// Package slack shows cards in channels of Slack, and takes what people press there.
//
// A button is believed because Slack says who pressed it: over the connection that Salvor opened itself (Socket Mode), or in a request that is
// signed. Nothing of a card is markup: text from labels and alerts is set as text, so that it can neither mention anybody nor be a link.
package slack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/salvor-io/salvor/internal/chat"
	"github.com/salvor-io/salvor/internal/people"
)

// Options are the parts of a Workspace. What is about secrets is read by the caller.
type Options struct {
	Workspace     string            // its team id, "T0123": buttons that others press do not count
	BotToken      string            // xoxb-...
	AppToken      string            // xapp-..., for Socket Mode; "" where buttons come by HTTP
	SigningSecret string            // for HTTP; "" in Socket Mode
	APIURL        string            // "" for Slack's own
	Groups        map[string]string // Salvor's groups to user groups: "sre-oncall": "S0123"
	Link          string            // base URL of Salvor
	Reception     *chat.Reception
	Clock         func() time.Time
	Log           *slog.Logger
}

// Workspace is one workspace of Slack.
type Workspace struct {
	Options
	api       *slackgo.Client
	working   sync.WaitGroup // what is done for people after their press was acknowledged
	slots     chan struct{}
	seen      replays
	strangers people.Sparing
}

const (
	callWithin = 10 * time.Second
	ownAPI     = "https://slack.com/api/"
	atOnce     = 16 // presses worked on at once; Slack tells whoever presses more that it did not work
)

// New makes a workspace. It calls nobody.
func New(opt Options) *Workspace {
	if opt.APIURL == "" {
		opt.APIURL = ownAPI
	}
	if !strings.HasSuffix(opt.APIURL, "/") {
		opt.APIURL += "/"
	}
	api := slackgo.New(opt.BotToken, slackgo.OptionAPIURL(opt.APIURL), slackgo.OptionAppLevelToken(opt.AppToken), slackgo.OptionHTTPClient(&http.Client{Timeout: callWithin}))
	return &Workspace{Options: opt, api: api, slots: make(chan struct{}, atOnce)}
}

// Check says why a channel cannot be reached as the configuration has it, or nil.
func (w *Workspace) Check(ctx context.Context, channel string) error {
	who, err := w.api.AuthTestContext(ctx)
	if err != nil {
		return fmt.Errorf("ask Slack who Salvor is: %w; look at the bot token", err)
	}
	if who.TeamID != w.Workspace {
		return fmt.Errorf("the bot token is of workspace %s, and chat.slack.workspace is %s: correct one of them", who.TeamID, w.Workspace)
	}
	info, err := w.api.GetConversationInfoContext(ctx, &slackgo.GetConversationInfoInput{ChannelID: channel})
	switch {
	case err != nil:
		return fmt.Errorf("look up channel %s: %w; invite the app to it", channel, err)
	case info.IsArchived:
		return fmt.Errorf("channel %s is archived: name another", channel)
	case !info.IsMember:
		return fmt.Errorf("the app is not in channel %s: invite it", channel)
	}
	return nil
}

// ofOneMessage are the errors of Slack that are about one message. After any other the channel, or all of Slack, is tried again later.
var ofOneMessage = map[string]bool{
	"invalid_blocks": true, "invalid_blocks_format": true, "msg_too_long": true, "no_text": true, "message_not_found": true,
	"cant_update_message": true, "edit_window_closed": true, "metadata_too_large": true, "thread_not_found": true,
}

// failure is an error of a call as package chat tells them apart. What it says never holds a token.
func failure(err error) error {
	var limited *slackgo.RateLimitedError
	var refused slackgo.SlackErrorResponse
	var cut *url.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &limited):
		return &chat.Unwell{Err: errors.New("slack limits how often it is called"), After: limited.RetryAfter}
	case errors.As(err, &refused) && ofOneMessage[refused.Err]:
		return fmt.Errorf("slack refuses it: %s %s", refused.Err, strings.Join(refused.ResponseMetadata.Messages, "; "))
	case errors.As(err, &refused):
		return &chat.Unwell{Err: fmt.Errorf("slack refuses it: %s", refused.Err)}
	case errors.As(err, &cut):
		return &chat.Unwell{Err: fmt.Errorf("call slack: %w", cut.Err)}
	}
	return &chat.Unwell{Err: fmt.Errorf("call slack: %w", err)}
}
