package slackd

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Somebody is who presses.
type Somebody struct {
	User string
	Team string // of the user; the workspace's when empty
}

// Button is a button of a message, as it can be pressed.
type Button struct {
	Label, Action, Value, Block string
}

// Buttons are those of a message.
func (m Message) Buttons() []Button {
	var out []Button
	for _, b := range m.Blocks {
		if b["type"] != "actions" {
			continue
		}
		block, _ := b["block_id"].(string)
		for _, e := range list(b["elements"]) {
			label, _ := e["text"].(map[string]any)["text"].(string)
			action, _ := e["action_id"].(string)
			value, _ := e["value"].(string)
			out = append(out, Button{label, action, value, block})
		}
	}
	return out
}

// Press presses the button of a message whose label begins with some text, if it is there. It returns once the app has acknowledged.
func (s *Server) Press(ctx context.Context, who Somebody, m Message, label string) error {
	for _, b := range m.Buttons() {
		if strings.HasPrefix(b.Label, label) {
			return s.PressButton(ctx, who, m, b)
		}
	}
	return fmt.Errorf("the message has no button %q", label)
}

// PressButton presses a button that the message has or once had.
func (s *Server) PressButton(ctx context.Context, who Somebody, m Message, b Button) error {
	s.mu.Lock()
	trigger := s.next("trigger")
	s.triggers[trigger] = who.User
	s.mu.Unlock()
	_, err := s.deliver(ctx, map[string]any{
		"type": "block_actions", "trigger_id": trigger, "api_app_id": "A0SALVOR",
		"team": map[string]any{"id": s.Workspace}, "user": s.user(who), "channel": map[string]any{"id": m.Channel},
		"container": map[string]any{"type": "message", "message_ts": m.TS, "channel_id": m.Channel}, "message": map[string]any{"ts": m.TS, "text": m.Text},
		"actions": []any{map[string]any{"type": "button", "action_id": b.Action, "block_id": b.Block, "value": b.Value,
			"text": map[string]any{"type": "plain_text", "text": b.Label}, "action_ts": strconv.FormatInt(time.Now().Unix(), 10)}},
	})
	return err
}

// Submit submits the last dialog that is open before somebody, with what they typed into the blocks. The errors are those that the app shows in
// it; without any the dialog is closed.
func (s *Server) Submit(ctx context.Context, who Somebody, typed map[string]string) (errors map[string]string, err error) {
	open := s.Views(who.User)
	if len(open) == 0 {
		return nil, fmt.Errorf("no dialog is open before %s", who.User)
	}
	view := open[len(open)-1]
	values := map[string]any{}
	for _, b := range list(view.Body["blocks"]) {
		if element, ok := b["element"].(map[string]any); ok {
			id, _ := b["block_id"].(string)
			values[id] = map[string]any{element["action_id"].(string): map[string]any{"type": "plain_text_input", "value": typed[id]}}
		}
	}
	reply, err := s.deliver(ctx, map[string]any{
		"type": "view_submission", "team": map[string]any{"id": s.Workspace}, "user": s.user(who),
		"view": map[string]any{"id": view.ID, "type": "modal", "callback_id": view.Body["callback_id"], "private_metadata": view.Body["private_metadata"],
			"blocks": view.Body["blocks"], "state": map[string]any{"values": values}},
	})
	if err != nil {
		return nil, err
	}
	var answer struct {
		Errors map[string]string `json:"errors"`
	}
	if len(bytes.TrimSpace(reply)) > 0 {
		if err := json.Unmarshal(reply, &answer); err != nil {
			return nil, fmt.Errorf("read the answer to a dialog: %w", err)
		}
	}
	if len(answer.Errors) == 0 {
		s.closeView(view.ID)
	}
	return answer.Errors, nil
}

func (s *Server) closeView(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.views = slices.DeleteFunc(s.views, func(v View) bool { return v.ID == id })
	s.notify()
}

func (s *Server) user(who Somebody) map[string]any {
	team := who.Team
	if team == "" {
		team = s.Workspace
	}
	return map[string]any{"id": who.User, "team_id": team, "name": strings.ToLower(who.User)}
}

func (s *Server) deliver(ctx context.Context, payload any) (json.RawMessage, error) {
	if s.Interactivity == "" {
		return s.envelope(ctx, payload)
	}
	raw, err := json.Marshal(payload)
	if err != nil {
		return nil, err
	}
	body := url.Values{"payload": {string(raw)}}.Encode()
	return s.Send(ctx, s.Sign(time.Now(), body), body)
}

// Sign are the headers with which Slack would send a body at a time.
func (s *Server) Sign(at time.Time, body string) http.Header {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(s.SigningSecret))
	_, _ = mac.Write([]byte("v0:" + stamp + ":" + body))
	return http.Header{"X-Slack-Request-Timestamp": {stamp}, "X-Slack-Signature": {"v0=" + hex.EncodeToString(mac.Sum(nil))},
		"Content-Type": {"application/x-www-form-urlencoded"}}
}

// Send posts a body with headers to where presses go. An answer that is not 200 is an error.
func (s *Server) Send(ctx context.Context, header http.Header, body string) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, ackWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Interactivity, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = header
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("answered %s: %s", resp.Status, answer)
	}
	return answer, err
}
