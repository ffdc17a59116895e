// Package alerting raises incidents as alerts at Alertmanager's API, so that whoever was paged before is still paged, by the
// pager they have.
//
// Two alerts stand for one incident: SalvorIncident while it lives, and SalvorNeedsPerson while it cannot go on without one. Both carry the
// label salvor_incident, as does SalvorBreakGlass, which is raised while a plan runs without policy and for half an hour after. Three stand for
// policy: SalvorPolicyHeld while one waits for a person, SalvorPolicyRefused while what the source of a replica holds cannot be used, and
// SalvorPolicyMissing while a replica decides nothing for want of one. Four stand for a promise: SalvorProtectionLate while what could be
// restored is older than was promised, SalvorProtectionOverdue while it is twice as old, SalvorUnprotected while it could not be restored, and
// SalvorProtectionUnknown while that has been unknown for long.
//
// What is raised follows from the incidents, and from how policy and promises stand, alone: posting again changes nothing, any replica may
// post, and a death loses nothing. An alert that comes back through the intake names no fault that a classifier listens to, so that no loop can
// arise.
package alerting

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/protection"
	"github.com/salvor-io/salvor/internal/rollout"
)

const (
	resend     = 30 * time.Second // Alertmanager forgets what is not sent again
	coalesce   = time.Second      // changes within it are sent together
	postWithin = 5 * time.Second
	resolved   = 10 * time.Minute // how long the end of an incident is told
)

// Target is one Alertmanager. All replicas of a cluster of them are to be listed: they do not forward alerts.
type Target struct {
	URL   string // base URL, without /api/v2
	Token string // bearer token, or ""
}

// Options are the parts of a Notifier.
type Options struct {
	Targets   []Target
	Incidents func() []incident.Incident     // all that are known
	Sentence  func(classifiers.Fault) string // what is seen of a fault now, "" when nothing is
	Severity  func(*incident.Incident) protection.Severity
	Policy    func() rollout.Status
	Troubles  func() []protection.Trouble // promises that are not kept
	Link      string                      // base URL of Salvor, for links
	Clock     func() time.Time
	Log       *slog.Logger
}

// Notifier keeps Alertmanager up with the incidents.
type Notifier struct {
	Options
	client *http.Client
	wake   chan struct{}
}

// New makes a Notifier. Without targets it does nothing.
func New(opt Options) *Notifier {
	return &Notifier{Options: opt, client: &http.Client{Timeout: postWithin}, wake: make(chan struct{}, 1)}
}

// Wake says that an incident, or policy, has changed. It never blocks.
func (n *Notifier) Wake() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// Run posts at each change and every 30 s until ctx ends. An Alertmanager that is away is told the next time.
func (n *Notifier) Run(ctx context.Context) error {
	if len(n.Targets) == 0 {
		<-ctx.Done()
		return nil
	}
	again := time.NewTicker(resend)
	defer again.Stop()
	for {
		n.post(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
		case <-n.wake:
			select {
			case <-time.After(coalesce):
			case <-ctx.Done():
				return nil
			}
		}
	}
}

func (n *Notifier) post(ctx context.Context) {
	alerts := slices.Concat(n.alerts(), n.aboutPolicy(), n.aboutProtection())
	if len(alerts) == 0 {
		return
	}
	body, err := json.Marshal(alerts)
	if err != nil {
		n.Log.Error("alerts not rendered", "error", err)
		return
	}
	for _, target := range n.Targets {
		if err := n.send(ctx, target, body); err != nil && ctx.Err() == nil {
			n.Log.Warn("incidents not raised as alerts, will try again", "alertmanager", target.URL, "error", err)
		}
	}
}

func (n *Notifier) send(ctx context.Context, target Target, body []byte) error {
	url := strings.TrimSuffix(target.URL, "/") + "/api/v2/alerts"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("post alerts: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	if target.Token != "" {
		req.Header.Set("Authorization", "Bearer "+target.Token)
	}
	resp, err := n.client.Do(req)
	if err != nil {
		return fmt.Errorf("post alerts: %w", err)
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("post alerts: %s: %s", resp.Status, strings.TrimSpace(string(said)))
	}
	return nil
}
