package console

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
)

// The bounds of streams.
const (
	maxWatching = 256
	beatEvery   = 15 * time.Second       // a comment that keeps the connection known to live
	atMostEvery = 500 * time.Millisecond // news of one page
	sendWithin  = 10 * time.Second       // for a client to take one event, before it is dropped
)

// watch tells pages that they are old. It says no more than that, so what a page misses it does not miss for long.
type watch struct {
	mu      sync.Mutex
	waiting map[chan struct{}]incident.ID // "" waits for any incident
	closed  bool
}

func newWatch() *watch { return &watch{waiting: map[chan struct{}]incident.ID{}} }

// join adds a page. Its channel is closed when no more is told. It returns false when there are too many, or nothing is told any more.
func (w *watch) join(id incident.ID) (news chan struct{}, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || len(w.waiting) >= maxWatching {
		return nil, false
	}
	news = make(chan struct{}, 1)
	w.waiting[news] = id
	return news, true
}

func (w *watch) leave(news chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.waiting, news)
}

func (w *watch) moved(id incident.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for news, of := range w.waiting {
		if of != "" && of != id {
			continue
		}
		select {
		case news <- struct{}{}:
		default: // it knows already
		}
	}
}

func (w *watch) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for news := range w.waiting {
		delete(w.waiting, news)
		close(news)
	}
}

// stream tells a page that it is old, as server-sent events, whenever it is. A page joins before it is told that it is current, so that it
// misses nothing in between.
func (c *Console) stream(w http.ResponseWriter, r *http.Request) {
	var of incident.ID
	if text := r.PathValue("id"); text != "" {
		inc, err := c.Finder.Find(r.Context(), text)
		if err != nil {
			http.Error(w, "no such incident", http.StatusNotFound)
			return
		}
		of = inc.ID
	}
	news, ok := c.watch.join(of)
	if !ok {
		http.Error(w, "too many pages wait for news, or salvor is stopping: load the page anew", http.StatusServiceUnavailable)
		return
	}
	defer c.watch.leave(news)
	out := telling{w, http.NewResponseController(w)}
	if out.begin(c.seqOf(of)) == nil {
		out.relay(r, news)
	}
}

// seqOf is the last record of an incident, or of all.
func (c *Console) seqOf(id incident.ID) uint64 {
	var last uint64
	for _, inc := range c.Index.Incidents() {
		if id == "" || inc.ID == id {
			last = max(last, inc.Seq)
		}
	}
	return last
}

// telling writes events.
type telling struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (t telling) begin(seq uint64) error {
	t.w.Header().Set("Content-Type", "text/event-stream")
	t.w.Header().Set("X-Accel-Buffering", "no") // proxies are not to hold events back
	// The server's deadline for reading a request would end the stream.
	if err := t.control.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	return t.send(fmt.Sprintf("retry: 2000\nevent: current\ndata: %d\n\n", seq))
}

func (t telling) send(text string) error {
	if err := t.control.SetWriteDeadline(time.Now().Add(sendWithin)); err != nil {
		return err
	}
	if _, err := fmt.Fprint(t.w, text); err != nil {
		return err
	}
	return t.control.Flush()
}

// relay sends what comes, until the page is gone or nothing is told any more.
func (t telling) relay(r *http.Request, news <-chan struct{}) {
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	pace := time.NewTicker(atMostEvery)
	defer pace.Stop()
	for {
		text := ": alive\n\n"
		select {
		case <-r.Context().Done():
			return
		case <-beat.C:
		case _, more := <-news:
			if !more {
				return
			}
			text = "event: moved\ndata:\n\n"
		}
		if t.send(text) != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-pace.C:
		}
	}
}
