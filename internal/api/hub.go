package api

import (
	"sync"

	"github.com/salvor-io/salvor/internal/incident"
)

// The bounds of streaming.
const (
	maxListeners = 64
	maxBehind    = 256 // records that a client may be behind before it is dropped
)

// hub hands records to those who listen. It never waits for one of them.
type hub struct {
	mu        sync.Mutex
	listeners map[chan incident.Sequenced]struct{}
	closed    bool
}

func newHub() *hub { return &hub{listeners: map[chan incident.Sequenced]struct{}{}} }

// listen adds a listener. Its channel is closed when it fell behind, when leave is called, and when the hub closes. It
// returns false when there are too many, or the hub has closed.
func (h *hub) listen() (records chan incident.Sequenced, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.listeners) >= maxListeners {
		return nil, false
	}
	records = make(chan incident.Sequenced, maxBehind)
	h.listeners[records] = struct{}{}
	return records, true
}

func (h *hub) leave(records chan incident.Sequenced) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop(records)
}

func (h *hub) publish(rec incident.Sequenced) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for records := range h.listeners {
		select {
		case records <- rec:
		default:
			h.drop(records)
		}
	}
}

func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for records := range h.listeners {
		h.drop(records)
	}
}

// drop ends a listener. The caller holds the lock.
func (h *hub) drop(records chan incident.Sequenced) {
	if _, listens := h.listeners[records]; listens {
		delete(h.listeners, records)
		close(records)
	}
}
