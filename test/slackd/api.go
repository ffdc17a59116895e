package slackd

import (
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

// call is one method of the Web API: what it is asked, and what it answers beside "ok".
type call func(form url.Values) (map[string]any, *refusal)

// refusal is an answer that is not ok.
type refusal struct {
	code string
	why  []string
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	for name, do := range map[string]call{
		"auth.test": s.authTest, "conversations.info": s.info, "conversations.history": s.history, "chat.postMessage": s.post,
		"chat.update": s.update, "chat.postEphemeral": s.ephemeral, "views.open": s.openView,
	} {
		mux.HandleFunc("/api/"+name, s.method(name, s.BotToken, do))
	}
	mux.HandleFunc("/api/apps.connections.open", s.method("apps.connections.open", s.AppToken, s.connections))
	mux.HandleFunc("/socket", s.socket)
	mux.HandleFunc("GET /{$}", s.page)
	return mux
}

// limits are the methods that are limited, for each channel, and how many calls are let through at once.
var limits = map[string]float64{"chat.postMessage": 5, "chat.update": 3}

func (s *Server) method(name, token string, do call) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		form, err := read(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case s.down:
			http.Error(w, "away", http.StatusServiceUnavailable)
		case tokenOf(r, form) != token || token == "":
			reply(w, nil, &refusal{code: "invalid_auth"})
		case !s.within(name, form.Get("channel")):
			s.limited++
			w.Header().Set("Retry-After", "1")
			http.Error(w, `{"ok":false,"error":"ratelimited"}`, http.StatusTooManyRequests)
		default:
			answer, refused := do(form)
			reply(w, answer, refused)
			s.notify()
		}
	}
}

func (s *Server) within(name, channel string) bool {
	burst, limited := limits[name]
	if !limited {
		return true
	}
	b := s.buckets[name+channel]
	if b == nil {
		b = &bucket{}
		s.buckets[name+channel] = b
	}
	return b.take(time.Now(), burst*max(1, s.Burst))
}

// read takes a form, or JSON whose values become a form's.
func read(r *http.Request) (url.Values, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		form, err := url.ParseQuery(string(body))
		for key, values := range r.URL.Query() {
			form[key] = values
		}
		return form, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil && len(body) > 0 {
		return nil, err
	}
	form := url.Values{}
	for key, raw := range fields {
		var text string
		if json.Unmarshal(raw, &text) != nil {
			text = string(raw)
		}
		form.Set(key, text)
	}
	return form, nil
}

func tokenOf(r *http.Request, form url.Values) string {
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return bearer
	}
	return form.Get("token")
}

func reply(w http.ResponseWriter, answer map[string]any, refused *refusal) {
	if answer == nil {
		answer = map[string]any{}
	}
	if answer["ok"] = refused == nil; refused != nil {
		answer["error"] = refused.code
		answer["response_metadata"] = map[string]any{"messages": refused.why}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

const botID = "B0SALVOR"

func (s *Server) authTest(url.Values) (map[string]any, *refusal) {
	return map[string]any{"team_id": s.Workspace, "team": "stand-in", "user_id": "U0SALVOR", "bot_id": botID, "url": "https://stand-in.example/"}, nil
}

func (s *Server) info(form url.Values) (map[string]any, *refusal) {
	id := form.Get("channel")
	if !slices.Contains(s.Channels, id) {
		return nil, &refusal{code: "channel_not_found"}
	}
	return map[string]any{"channel": map[string]any{"id": id, "name": strings.ToLower(id), "is_member": true, "is_channel": true}}, nil
}

// history gives the messages of a channel, the newest first, one page of them; what is in threads is not among them.
func (s *Server) history(form url.Values) (map[string]any, *refusal) {
	oldest, _ := strconv.ParseFloat(form.Get("oldest"), 64)
	limit, _ := strconv.Atoi(form.Get("limit"))
	skip, _ := strconv.Atoi(form.Get("cursor"))
	var all []map[string]any
	for _, m := range slices.Backward(s.messages) {
		at, _ := strconv.ParseFloat(m.TS, 64)
		if m.Channel != form.Get("channel") || m.User != "" || m.Thread != "" || at < oldest {
			continue
		}
		out := map[string]any{"type": "message", "ts": m.TS, "text": m.Text, "bot_id": botID}
		if all := form.Get("include_all_metadata"); (all == "1" || all == "true") && m.Metadata != nil {
			out["metadata"] = m.Metadata
		}
		all = append(all, out)
	}
	page, next := all[min(skip, len(all)):], ""
	if limit > 0 && len(page) > limit {
		page, next = page[:limit], strconv.Itoa(skip+limit)
	}
	return map[string]any{"messages": page, "has_more": next != "", "response_metadata": map[string]any{"next_cursor": next}}, nil
}

func (s *Server) post(form url.Values) (map[string]any, *refusal) {
	m, refused := s.message(form)
	if refused != nil {
		return nil, refused
	}
	s.count++
	m.TS = fmt.Sprintf("%d.%06d", time.Now().Unix(), s.count)
	m.Thread, m.Loud = form.Get("thread_ts"), form.Get("reply_broadcast") == "true"
	s.messages = append(s.messages, m)
	return map[string]any{"channel": m.Channel, "ts": m.TS}, nil
}

func (s *Server) update(form url.Values) (map[string]any, *refusal) {
	m, refused := s.message(form)
	if refused != nil {
		return nil, refused
	}
	for i := range s.messages {
		old := &s.messages[i]
		if old.Channel == m.Channel && old.TS == form.Get("ts") && old.User == "" {
			s.edits = append(s.edits, time.Now())
			old.Text, old.Blocks, old.Edits = m.Text, m.Blocks, old.Edits+1
			if m.Metadata != nil {
				old.Metadata = m.Metadata
			}
			return map[string]any{"channel": m.Channel, "ts": old.TS, "text": m.Text}, nil
		}
	}
	return nil, &refusal{code: "message_not_found"}
}

func (s *Server) ephemeral(form url.Values) (map[string]any, *refusal) {
	m, refused := s.message(form)
	if refused != nil {
		return nil, refused
	}
	m.TS, m.User, m.Thread = s.next("9999999999."), form.Get("user"), form.Get("thread_ts")
	s.messages = append(s.messages, m)
	return map[string]any{"message_ts": m.TS}, nil
}

// message reads what is to be shown, and refuses what Slack would.
func (s *Server) message(form url.Values) (Message, *refusal) {
	m := Message{Channel: form.Get("channel"), Text: form.Get("text")}
	if !slices.Contains(s.Channels, m.Channel) {
		return m, &refusal{code: "channel_not_found"}
	}
	if blocks := form.Get("blocks"); blocks != "" {
		if err := json.Unmarshal([]byte(blocks), &m.Blocks); err != nil {
			return m, &refusal{"invalid_blocks_format", []string{err.Error()}}
		}
	}
	if wrong := wrongBlocks(m.Blocks); len(wrong) > 0 {
		return m, &refusal{"invalid_blocks", wrong}
	}
	if m.Text == "" && len(m.Blocks) == 0 {
		return m, &refusal{code: "no_text"}
	}
	if meta := form.Get("metadata"); meta != "" {
		m.Metadata = json.RawMessage(meta)
	}
	return m, nil
}

func (s *Server) openView(form url.Values) (map[string]any, *refusal) {
	user, known := s.triggers[form.Get("trigger_id")]
	if !known {
		return nil, &refusal{code: "expired_trigger_id"}
	}
	delete(s.triggers, form.Get("trigger_id"))
	v := View{ID: s.next("V"), User: user}
	if err := json.Unmarshal([]byte(form.Get("view")), &v.Body); err != nil {
		return nil, &refusal{"invalid_arguments", []string{err.Error()}}
	}
	if wrong := wrongView(v.Body); len(wrong) > 0 {
		return nil, &refusal{"invalid_arguments", wrong}
	}
	s.views = append(s.views, v)
	return map[string]any{"view": map[string]any{"id": v.ID}}, nil
}
