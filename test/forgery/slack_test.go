package forgery

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/salvor-io/salvor/internal/card"
	"github.com/salvor-io/salvor/internal/chat"
	"github.com/salvor-io/salvor/internal/chat/slack"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/people"
	"github.com/salvor-io/salvor/test/slackd"
)

const workspace = "T1"

// inSlack is an account of the workspace.
func inSlack(user string) people.Account {
	return people.Account{Via: people.ViaSlack, Place: workspace, ID: user}
}

// Those who press. Fay has ada's id in a workspace of her own, and shares the channel.
var (
	ada  = slackd.Somebody{User: "U1"}
	bob  = slackd.Somebody{User: "U2"}
	eve  = slackd.Somebody{User: "U3"}
	vera = slackd.Somebody{User: "U4"}
	joe  = slackd.Somebody{User: "U9"}
	fay  = slackd.Somebody{User: "U1", Team: "T2"}
)

// wire is the way from Slack to the house: presses are posted and signed.
type wire struct {
	*slackd.Server
	h *house
}

func (h *house) wire() wire {
	h.t.Helper()
	server, err := slackd.Start(slackd.Options{Workspace: workspace, BotToken: "xoxb-1", SigningSecret: "secret", Interactivity: h.site.URL + slack.Path, Channels: []string{"C1"}, Burst: 50})
	h.must(err)
	h.t.Cleanup(server.Close)
	log := slog.New(slog.NewTextHandler(h, nil))
	h.mux.Handle("POST "+slack.Path, slack.New(slack.Options{Workspace: workspace, BotToken: "xoxb-1", SigningSecret: "secret", APIURL: server.URL, Link: h.site.URL, Clock: time.Now, Log: log,
		Reception: &chat.Reception{People: h.people, Desk: h.desk, Incident: h.Load, Log: log}}))
	return wire{server, h}
}

// until waits for what people see.
func (w wire) until(so func() bool) {
	w.h.t.Helper()
	bounded, cancel := context.WithTimeout(w.h.t.Context(), 10*time.Second)
	defer cancel()
	if err := w.Until(bounded, so); err != nil {
		w.h.t.Fatalf("%v; logged:\n%s", err, w.h.logged())
	}
}

// presses has somebody press a button about a plan, type a reason where one is asked for, and says what they alone are told.
func (w wire) presses(who slackd.Somebody, verb card.Verb, plan string) answer {
	w.h.t.Helper()
	value, err := json.Marshal(map[string]string{"i": string(w.h.id), "p": plan, "v": string(verb)})
	w.h.must(err)
	before := len(w.Private(who.User))
	answered := func() bool { return len(w.Private(who.User)) > before }
	w.h.must(w.PressButton(w.h.t.Context(), who, slackd.Message{Channel: "C1", TS: "1.1"}, slackd.Button{Action: "salvor:" + string(verb), Value: string(value)}))
	w.until(func() bool { return answered() || len(w.Views(who.User)) > 0 })
	if len(w.Views(who.User)) > 0 {
		_, err := w.Submit(w.h.t.Context(), who, map[string]string{"reason": "because"})
		w.h.must(err)
		w.until(answered)
	}
	text := w.Private(who.User)[before]
	if strings.HasPrefix(text, "Not counted: ") {
		return answer{http.StatusForbidden, text}
	}
	return answer{http.StatusOK, text}
}

// body is what Slack posts when somebody approves.
func (w wire) body(who slackd.Somebody) string {
	w.h.t.Helper()
	value, err := json.Marshal(map[string]string{"i": string(w.h.id), "p": w.h.plan(), "v": string(card.Approve)})
	w.h.must(err)
	payload, err := json.Marshal(map[string]any{"type": "block_actions", "team": map[string]any{"id": workspace}, "user": map[string]any{"id": who.User, "team_id": workspace},
		"channel": map[string]any{"id": "C1"}, "container": map[string]any{"type": "message", "channel_id": "C1", "message_ts": "1.1"},
		"actions": []any{map[string]any{"type": "button", "action_id": "salvor:approve", "block_id": "verbs", "value": string(value)}}})
	w.h.must(err)
	return url.Values{"payload": {string(payload)}}.Encode()
}

// posts posts what says that it is of Slack.
func (w wire) posts(header http.Header, body string) answer {
	w.h.t.Helper()
	req, err := http.NewRequestWithContext(w.h.t.Context(), http.MethodPost, w.Interactivity, strings.NewReader(body))
	w.h.must(err)
	req.Header = header
	resp, err := http.DefaultClient.Do(req)
	w.h.must(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	w.h.must(err)
	return answer{resp.StatusCode, strings.TrimSpace(string(text))}
}

// presses are buttons of Slack that do not count, and requests that Slack has not sent.
func presses() []attempt {
	all := unsigned()
	add := func(name, told string, try func(w wire) answer) {
		all = append(all, attempt{name: "slack: " + name, told: told, note: true, try: func(h *house) answer { return try(h.wire()) }})
	}
	for _, verb := range []card.Verb{card.Approve, card.Reject, card.Hold, card.Stop, card.StopAndUndo} {
		add(fmt.Sprintf("%s: a stranger", verb), "does not know your account (U9 of T1)", func(w wire) answer { return w.presses(joe, verb, w.h.plan()) })
		add(fmt.Sprintf("%s: another workspace", verb), "does not know your account (U1 of T2)", func(w wire) answer { return w.presses(fay, verb, w.h.plan()) })
		add(fmt.Sprintf("%s: a viewer", verb), "vera is viewer", func(w wire) answer { return w.presses(vera, verb, w.h.plan()) })
	}
	for _, verb := range []card.Verb{card.Approve, card.Reject, card.Hold} {
		add(fmt.Sprintf("%s: somebody who is not asked", verb), "eve is not one of those who are asked", func(w wire) answer { return w.presses(eve, verb, w.h.plan()) })
		add(fmt.Sprintf("%s: an old plan", verb), "is asked about by now", func(w wire) answer {
			w.h.ask("second")
			return w.presses(ada, verb, w.h.plan())
		})
		add(fmt.Sprintf("%s: too late", verb), "the time to answer was over", func(w wire) answer {
			w.h.now = w.h.now.Add(11 * time.Minute)
			return w.presses(ada, verb, w.h.plan())
		})
		add(fmt.Sprintf("%s: after a rejection", verb), "bob rejected plan", func(w wire) answer {
			w.h.rights(w.presses(bob, card.Reject, w.h.plan()))
			return w.presses(ada, verb, w.h.plan())
		})
	}
	add("who declared it", "ada has declared the fault", func(w wire) answer {
		w.h.declared = "ada"
		return w.presses(ada, card.Approve, w.h.plan())
	})
	add("twice", "ada has approved already", func(w wire) answer {
		w.h.rights(w.presses(ada, card.Approve, w.h.plan()))
		return w.presses(ada, card.Approve, w.h.plan())
	})
	add("after the command line", "ada has approved already", func(w wire) answer {
		w.h.rights(w.h.says("ada", incident.Approve, w.h.plan()))
		return w.presses(ada, card.Approve, w.h.plan())
	})
	return all
}

// unsigned are requests that Slack has not signed for this, for now, or for the first time.
func unsigned() []attempt {
	var all []attempt
	for name, header := range map[string]func(w wire, body string) http.Header{
		"without a signature":      func(wire, string) http.Header { return http.Header{} },
		"signed six minutes ago":   func(w wire, body string) http.Header { return w.Sign(time.Now().Add(-6*time.Minute), body) },
		"signed in six minutes":    func(w wire, body string) http.Header { return w.Sign(time.Now().Add(6*time.Minute), body) },
		"the signature of another": func(w wire, _ string) http.Header { return w.Sign(time.Now(), w.body(bob)) },
		"another time": func(w wire, body string) http.Header {
			header := w.Sign(time.Now().Add(-time.Minute), body)
			header.Set("X-Slack-Request-Timestamp", fmt.Sprint(time.Now().Unix()))
			return header
		},
		"signed by somebody": func(w wire, body string) http.Header {
			header := w.Sign(time.Now(), body)
			header.Set("X-Slack-Signature", "v0="+strings.Repeat("0", 64))
			return header
		},
		"sent before": func(w wire, body string) http.Header {
			header := w.Sign(time.Now(), body)
			got := w.posts(header.Clone(), body)
			w.until(func() bool { return len(w.Private(ada.User)) == 1 })
			w.h.rights(got)
			return header
		},
	} {
		all = append(all, attempt{name: "slack: " + name, told: "not signed by Slack, or not lately", try: func(h *house) answer {
			w := h.wire()
			body := w.body(ada)
			return w.posts(header(w, body), body)
		}})
	}
	return all
}
