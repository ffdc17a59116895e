package slackd

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// conn is one connection in Socket Mode.
type conn struct {
	ws *websocket.Conn
	mu sync.Mutex // one writes at a time
}

func (c *conn) send(v any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.ws.SetWriteDeadline(time.Now().Add(time.Second))
	return c.ws.WriteJSON(v)
}

// connections gives the address of a socket, good for one connection.
func (s *Server) connections(url.Values) (map[string]any, *refusal) {
	ticket := s.next("ticket")
	s.tickets[ticket] = true
	base := strings.TrimSuffix(strings.Replace(s.URL, "http", "ws", 1), "/api/")
	return map[string]any{"url": base + "/socket?ticket=" + ticket}, nil
}

func (s *Server) socket(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	ticket := r.URL.Query().Get("ticket")
	known := s.tickets[ticket]
	delete(s.tickets, ticket)
	s.mu.Unlock()
	if !known {
		http.Error(w, "the ticket is not known", http.StatusForbidden)
		return
	}
	ws, err := (&websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer ws.Close()
	c := &conn{ws: ws}
	hello := map[string]any{"type": "hello", "num_connections": 1, "debug_info": map[string]any{"host": "stand-in"}, "connection_info": map[string]any{"app_id": "A0SALVOR"}}
	if c.send(hello) != nil {
		return
	}
	s.mu.Lock()
	s.conns = append(s.conns, c)
	s.notify()
	s.mu.Unlock()
	s.listen(c)
}

// listen takes acknowledgements until the connection ends.
func (s *Server) listen(c *conn) {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.conns = slices.DeleteFunc(s.conns, func(o *conn) bool { return o == c })
		s.notify()
	}()
	for {
		var ack struct {
			EnvelopeID string          `json:"envelope_id"`
			Payload    json.RawMessage `json:"payload"`
		}
		if c.ws.ReadJSON(&ack) != nil {
			return
		}
		s.mu.Lock()
		waits := s.waiting[ack.EnvelopeID]
		delete(s.waiting, ack.EnvelopeID)
		s.mu.Unlock()
		if waits != nil {
			waits <- ack.Payload
		}
	}
}

// Refresh asks the app to connect anew, as Slack does every few hours, and ends the connection.
func (s *Server) Refresh() {
	s.mu.Lock()
	conns := slices.Clone(s.conns)
	s.mu.Unlock()
	for _, c := range conns {
		_ = c.send(map[string]any{"type": "disconnect", "reason": "refresh_requested"})
		_ = c.ws.Close()
	}
}

// Connected says how many connections are open.
func (s *Server) Connected() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

const ackWithin = 3 * time.Second

// envelope sends a payload over a connection and waits for what it is acknowledged with.
func (s *Server) envelope(ctx context.Context, payload any) (json.RawMessage, error) {
	s.mu.Lock()
	if len(s.conns) == 0 {
		s.mu.Unlock()
		return nil, errNoSocket
	}
	c := s.conns[s.count%len(s.conns)]
	id, waits := s.next("envelope"), make(chan json.RawMessage, 1)
	s.waiting[id] = waits
	s.mu.Unlock()
	if err := c.send(map[string]any{"type": "interactive", "envelope_id": id, "accepts_response_payload": true, "payload": payload}); err != nil {
		return nil, fmt.Errorf("send an envelope: %w", err)
	}
	select {
	case reply := <-waits:
		return reply, nil
	case <-time.After(ackWithin):
		return nil, fmt.Errorf("%s was not acknowledged within %s", id, ackWithin)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
