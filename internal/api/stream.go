package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
)

const (
	heartbeatEvery = 15 * time.Second // a comment that keeps the connection known to live
	sendWithin     = 10 * time.Second // for a client to take one event, before it is dropped
)

// Moved is one event of the stream: a record, and the incident it belongs to.
type Moved struct {
	Name    string `json:"name"`
	Cluster string `json:"cluster"`
	Anchor  string `json:"anchor"`
	Record  Record `json:"record"`
}

// stream sends records as server-sent events, the sequence being the id: those after Last-Event-ID, or from now on without
// one. A client that falls behind is dropped and goes on by Last-Event-ID.
func (a *API) stream(w http.ResponseWriter, r *http.Request) error {
	after, err := a.afterOf(r)
	if err != nil {
		return err
	}
	records, ok := a.hub.listen()
	if !ok {
		return &Refusal{http.StatusServiceUnavailable, "stream", fmt.Sprintf("%d clients stream already, or salvor is stopping", maxListeners), "try again later"}
	}
	defer a.hub.leave(records)
	out := &sse{w: w, control: http.NewResponseController(w), last: after}
	if err := out.begin(); err != nil {
		return nil // the client is gone, and nobody is left to tell
	}
	names := a.namesOf()
	for _, rec := range a.since(after) {
		if err := out.send(names.moved(rec)); err != nil {
			return nil
		}
	}
	a.relay(r, out, records, names)
	return nil
}

// relay sends what comes, until the client is gone or dropped, or is not known any more, as with a token that is over.
func (a *API) relay(r *http.Request, out *sse, records <-chan incident.Sequenced, names names) {
	beat := time.NewTicker(heartbeatEvery)
	defer beat.Stop()
	for {
		var err error
		select {
		case <-r.Context().Done():
			return
		case <-beat.C:
			if _, err = a.People.Identify(r); err == nil {
				err = out.comment("alive")
			}
		case rec, listens := <-records:
			if !listens {
				return
			}
			err = out.send(names.moved(rec))
		}
		if err != nil {
			return
		}
	}
}

// afterOf is the sequence after which the client wants records. Without one that is the last there is.
func (a *API) afterOf(r *http.Request) (uint64, error) {
	text := cmp.Or(r.Header.Get("Last-Event-ID"), r.URL.Query().Get("after"))
	if text == "" {
		var last uint64
		for _, inc := range a.Index.Incidents() {
			last = max(last, inc.Seq)
		}
		return last, nil
	}
	after, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, &Refusal{http.StatusBadRequest, "stream", fmt.Sprintf("the place to go on from is %q", text), "give the id of the last event seen, a whole number"}
	}
	return after, nil
}

// since are the records after a sequence, in order.
func (a *API) since(after uint64) []incident.Sequenced {
	var out []incident.Sequenced
	for _, inc := range a.Index.Incidents() {
		for _, rec := range inc.History {
			if rec.Seq > after {
				out = append(out, rec)
			}
		}
	}
	slices.SortFunc(out, func(x, y incident.Sequenced) int { return cmp.Compare(x.Seq, y.Seq) })
	return out
}

// names knows what incidents are about, as records but the first do not say it.
type names map[incident.ID]Moved

func (a *API) namesOf() names {
	known := names{}
	for _, inc := range a.Index.Incidents() {
		known[inc.ID] = Moved{Name: inc.Name(), Cluster: inc.Key.Cluster, Anchor: inc.Fault.Anchor.String()}
	}
	return known
}

func (n names) moved(rec incident.Sequenced) Moved {
	if rec.Kind == incident.Opened && rec.Fault != nil && rec.Key != nil {
		n[rec.Incident] = Moved{Name: rec.Incident.Name(), Cluster: rec.Key.Cluster, Anchor: rec.Fault.Anchor.String()}
	}
	out := n[rec.Incident]
	out.Name, out.Record = rec.Incident.Name(), recordOf(rec)
	return out
}

// sse writes server-sent events.
type sse struct {
	w       http.ResponseWriter
	control *http.ResponseController
	last    uint64
}

func (s *sse) begin() error {
	s.w.Header().Set("Content-Type", "text/event-stream")
	s.w.Header().Set("Cache-Control", "no-store")
	s.w.Header().Set("X-Accel-Buffering", "no") // proxies are not to hold events back
	s.w.WriteHeader(http.StatusOK)
	// The server's deadline for reading a request would end the stream.
	if err := s.control.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	// An id without data: whoever loses the connection before the first record goes on from here.
	return s.write(fmt.Sprintf("id: %d\n\n", s.last))
}

// send writes one record, unless it was sent before.
func (s *sse) send(m Moved) error {
	if m.Record.Seq <= s.last {
		return nil
	}
	s.last = m.Record.Seq
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return s.write(fmt.Sprintf("id: %d\nevent: record\ndata: %s\n\n", m.Record.Seq, body))
}

func (s *sse) comment(text string) error { return s.write(": " + text + "\n\n") }

func (s *sse) write(text string) error {
	if err := s.control.SetWriteDeadline(time.Now().Add(sendWithin)); err != nil {
		return err
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.control.Flush()
}
