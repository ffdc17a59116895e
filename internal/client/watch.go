package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/clock"
)

const (
	silentAfter = 45 * time.Second // three heartbeats that are missing
	maxEvent    = 8 << 20          // bytes
	againAfter  = time.Second
	againMost   = 30 * time.Second
)

// Watch calls each for every record from now on, in order, until ctx ends (it returns nil), each returns an error (it returns
// that), or the server cannot be reached at first or refuses. A connection that is lost later is made anew, going on where it
// was; lost says why, each time.
func (c *Client) Watch(ctx context.Context, each func(api.Moved) error, lost func(error)) error {
	return c.watch(ctx, watch{client: c, each: each, lost: lost, again: againAfter})
}

func (c *Client) watch(ctx context.Context, w watch) error {
	for wait := w.again; ; wait = min(2*wait, againMost) {
		before := w.last
		err := w.read(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case w.final(err):
			return err
		case w.last != before:
			wait = w.again
		}
		w.lost(err)
		if !clock.Sleep(ctx, wait) {
			return nil
		}
	}
}

// stopError is an error of each, which ends the watching.
type stopError struct{ error }

func (e stopError) Unwrap() error { return e.error }

type watch struct {
	client *Client
	each   func(api.Moved) error
	lost   func(error)
	again  time.Duration // before a lost connection is made anew, at first
	last   string        // id of the last event that was taken, or where the stream began; "" before that
	begun  bool          // the server answered once
}

// final says that an error ends the watching: what it tells would be so again.
func (w *watch) final(err error) bool {
	var refused *api.Refusal
	var stop stopError
	return !w.begun || errors.As(err, &stop) || errors.As(err, &refused) && refused.Status < http.StatusInternalServerError
}

// read reads one connection to its end. It always returns an error.
func (w *watch) read(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := w.client.request(ctx, request{Method: http.MethodGet, Path: "/v1/stream"})
	if err != nil {
		return err
	}
	if w.last != "" {
		req.Header.Set("Last-Event-ID", w.last)
	}
	resp, err := w.client.send(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	w.begun = true
	silence := time.AfterFunc(silentAfter, cancel)
	defer silence.Stop()
	return w.events(resp.Body, func() { silence.Reset(silentAfter) })
}

// events takes events until the body ends. An event counts as taken at the empty line behind it, so that one that is cut off is
// sent again.
func (w *watch) events(body io.Reader, heard func()) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, maxEvent)
	id, data := w.last, ""
	for lines.Scan() {
		heard()
		if lines.Text() == "" {
			if err := w.take(data); err != nil {
				return stopError{err}
			}
			w.last, data = id, ""
			continue
		}
		switch name, value, _ := strings.Cut(lines.Text(), ": "); name {
		case "id":
			id = value
		case "data":
			data = value
		}
	}
	err := lines.Err()
	if err == nil {
		err = errors.New("it ended the stream")
	}
	return fmt.Errorf("stream from %s: %w: %w", w.client.place, ErrUnreachable, err)
}

func (w *watch) take(data string) error {
	if data == "" {
		return nil
	}
	var moved api.Moved
	if err := json.Unmarshal([]byte(data), &moved); err != nil {
		return fmt.Errorf("read the stream of %s: %w", w.client.place, err)
	}
	return w.each(moved)
}
