// Package slackd is a stand-in for Slack: it speaks the part of Slack's Web API and of Socket Mode that Salvor uses, refuses what Slack refuses,
// and limits calls as Slack does. Its people press buttons of messages that are there to be pressed, and the presses travel as Slack sends them:
// over the socket, or in signed requests. It shares no code with the product.
package slackd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Options say which workspace it is.
type Options struct {
	Workspace     string // team id
	BotToken      string
	AppToken      string // for Socket Mode
	SigningSecret string // for presses by HTTP
	Interactivity string // where presses are posted; "" while they go over the socket
	Channels      []string
	Address       string            // 127.0.0.1:0 when empty
	Burst         float64           // so many times as many calls at once as Slack lets through; 1 when 0
	Names         map[string]string // of user groups and channels, for the page
}

// Message is one message as it stands.
type Message struct {
	Channel  string           `json:"channel"`
	TS       string           `json:"ts"`
	Thread   string           `json:"thread_ts,omitempty"`
	User     string           `json:"-"` // who alone sees it, "" for everybody
	Text     string           `json:"text"`
	Blocks   []map[string]any `json:"blocks"`
	Metadata json.RawMessage  `json:"metadata,omitempty"`
	Edits    int              `json:"-"`
	Loud     bool             `json:"-"` // an answer that the channel sees, too
}

// View is a dialog that is open before somebody.
type View struct {
	ID   string
	User string
	Body map[string]any
}

// Server is the stand-in.
type Server struct {
	Options
	URL string // of the Web API, ends with /api/

	mu       sync.Mutex
	messages []Message
	views    []View
	triggers map[string]string // user, by trigger id
	tickets  map[string]bool
	conns    []*conn
	waiting  map[string]chan json.RawMessage // acknowledgements, by envelope id
	buckets  map[string]*bucket
	edits    []time.Time
	limited  int
	down     bool
	count    int
	changed  chan struct{}

	server *http.Server
	ended  chan struct{}
}

// Start begins to serve.
func Start(opt Options) (*Server, error) {
	if opt.Address == "" {
		opt.Address = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", opt.Address)
	if err != nil {
		return nil, fmt.Errorf("start the stand-in of Slack: %w", err)
	}
	s := &Server{Options: opt, URL: "http://" + l.Addr().String() + "/api/", triggers: map[string]string{}, tickets: map[string]bool{},
		waiting: map[string]chan json.RawMessage{}, buckets: map[string]*bucket{}, changed: make(chan struct{}), ended: make(chan struct{})}
	s.server = &http.Server{Handler: s.routes(), ReadHeaderTimeout: 5 * time.Second}
	go func() { defer close(s.ended); _ = s.server.Serve(l) }()
	return s, nil
}

// Close ends it and all connections.
func (s *Server) Close() {
	s.mu.Lock()
	conns := s.conns
	s.mu.Unlock()
	for _, c := range conns {
		_ = c.ws.Close()
	}
	_ = s.server.Close()
	<-s.ended
}

// Down has it answer every call with 503, or no more.
func (s *Server) Down(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// Messages are the messages of a channel that everybody sees, with their threads, in the order in which they were posted.
func (s *Server) Messages(channel string) []Message {
	return s.those(func(m Message) bool { return m.Channel == channel && m.User == "" })
}

// Private are the texts that one person alone was shown.
func (s *Server) Private(user string) []string {
	var out []string
	for _, m := range s.those(func(m Message) bool { return m.User == user }) {
		out = append(out, m.Text)
	}
	return out
}

// Views are the dialogs that are open before somebody.
func (s *Server) Views(user string) []View {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []View
	for _, v := range s.views {
		if v.User == user {
			out = append(out, v)
		}
	}
	return out
}

// Edits are when messages were edited, and how many calls were refused because there were too many.
func (s *Server) Edits() (at []time.Time, refused int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]time.Time(nil), s.edits...), s.limited
}

func (s *Server) those(which func(Message) bool) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Message
	for _, m := range s.messages {
		if which(m) {
			out = append(out, m)
		}
	}
	return out
}

// Until waits until something is so.
func (s *Server) Until(ctx context.Context, so func() bool) error {
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if so() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("what was waited for did not come: %w", ctx.Err())
		}
	}
}

// notify says that something has changed. The caller holds the lock.
func (s *Server) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// next is an id that was not given before. The caller holds the lock.
func (s *Server) next(prefix string) string {
	s.count++
	return fmt.Sprintf("%s%06d", prefix, s.count)
}

var errNoSocket = errors.New("no connection is open")

// bucket lets a few calls through at once, and one a second.
type bucket struct {
	left float64
	at   time.Time
}

func (b *bucket) take(now time.Time, burst float64) bool {
	if b.at.IsZero() {
		b.left = burst
	} else {
		b.left = min(burst, b.left+now.Sub(b.at).Seconds())
	}
	b.at = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}
