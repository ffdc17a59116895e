package witness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/events/cloudevents"
	"github.com/salvor-io/salvor/events/probe"
	"github.com/salvor-io/salvor/internal/clock"
	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/ingest"
)

const (
	postWithin = 3 * time.Second // one post to one Salvor
	maxAnswer  = 16 << 10        // bytes read of an answer
	maxPost    = 256             // probes in a post: well below the body that an intake takes
)

// courier takes probes to whichever Salvor takes them.
type courier struct {
	box  *outbox
	urls []string // of the intakes; the one that took the last post comes first
	way  http.RoundTripper
	log  *slog.Logger

	failing bool // the last round ended without an intake that took all
}

func newCourier(s config.Salvor, agent string, log *slog.Logger) (*courier, error) {
	secure, err := probe.Secure{CAFile: s.CAFile, CertFile: s.CertFile, KeyFile: s.KeyFile}.Config()
	if err != nil {
		return nil, fmt.Errorf("report to Salvor: %w", err)
	}
	c := &courier{box: newOutbox(), log: log, way: caller{next: probe.Transport(secure), agent: agent, tokenFile: s.TokenFile}}
	for _, base := range s.URLs {
		c.urls = append(c.urls, strings.TrimSuffix(base, "/")+ingest.EventsPath)
	}
	return c, nil
}

// run sends until ctx ends. Between rounds that fail it pauses, ever longer up to 5 s.
func (c *courier) run(ctx context.Context) {
	const least, most = 250 * time.Millisecond, 5 * time.Second
	pause := least
	for ctx.Err() == nil {
		sent, err := c.round(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			c.fails(err)
			clock.Sleep(ctx, pause/2+rand.N(pause))
			pause = min(2*pause, most)
		case sent:
			c.works()
			pause = least
		default:
			select {
			case <-ctx.Done():
			case <-c.box.wake:
			}
		}
	}
}

// round offers what is fresh to one Salvor after the other until one takes it. It says whether there was anything.
func (c *courier) round(ctx context.Context) (sent bool, err error) {
	var all []error
	for i, to := range c.urls {
		evs, dropped := c.box.fresh(time.Now())
		if dropped > 0 {
			c.log.Warn("probes dropped: no Salvor took them in time", "probes", dropped)
		}
		if len(evs) == 0 {
			return false, errors.Join(all...)
		}
		evs = evs[:min(len(evs), maxPost)]
		err := c.post(ctx, to, evs)
		if err == nil {
			c.box.taken(evs)
			c.urls[0], c.urls[i] = c.urls[i], c.urls[0]
			return true, nil
		}
		all = append(all, err)
	}
	return false, errors.Join(all...)
}

// post sends probes to one Salvor. Only an answer 200 says that it has them.
func (c *courier) post(ctx context.Context, to string, evs []events.Event) error {
	body, err := cloudevents.Encode(evs...)
	if err != nil {
		return fmt.Errorf("report to %s: %w", to, err)
	}
	ctx, cancel := context.WithTimeout(ctx, postWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("report to %s: %w", to, err)
	}
	req.Header.Set("Content-Type", cloudevents.BatchType)
	resp, err := c.way.RoundTrip(req) // follows no redirect, which would take the token elsewhere
	if err != nil {
		return fmt.Errorf("report to %s: %w", to, err)
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // the status counts; what is cut short says less
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("report to %s: it answers %s: %.300s", to, resp.Status, bytes.TrimSpace(said))
	}
	c.heed(to, said)
	return nil
}

// heed says when a Salvor took a post and could not read all of it, which no repetition mends.
func (c *courier) heed(to string, said []byte) {
	var tally ingest.Tally
	if err := json.Unmarshal(said, &tally); err == nil && tally.Dead > 0 {
		c.log.Error("probes were not understood: are this witness and Salvor of one version?", "salvor", to, "probes", tally.Dead)
	}
}

func (c *courier) fails(err error) {
	if !c.failing {
		c.log.Warn("no Salvor takes reports, trying again", "error", err)
	}
	c.failing = true
}

func (c *courier) works() {
	if c.failing {
		c.log.Info("reports are taken again")
	}
	c.failing = false
}
