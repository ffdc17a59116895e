package alerting

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/protection"
	"github.com/salvor-io/salvor/internal/rollout"
)

var now = time.Date(2026, 11, 22, 3, 15, 0, 0, time.UTC)

func incidentAt(state incident.State, kinds ...incident.RecordKind) incident.Incident {
	inc := incident.Incident{ID: "abc-1", State: state, Key: incident.Key{Cluster: "prod-eu", Kind: "node"}, Since: now.Add(-time.Minute),
		OpenedAt: now.Add(-5 * time.Minute), Fault: classifiers.Fault{Anchor: classifiers.Anchor{Kind: "node", Name: "worker-1"}, Sentence: "worker-1 is silent"}}
	for _, kind := range kinds {
		inc.History = append(inc.History, incident.Sequenced{Record: incident.Record{Kind: kind, At: now, Standing: state == incident.Standing}})
	}
	return inc
}

// seen says that a fault has grown.
func seen(f classifiers.Fault) string { return f.Sentence + ", and more" }

// grave says that all is.
func grave(*incident.Incident) protection.Severity { return protection.Sev1 }

func TestWhatIsRaised(t *testing.T) {
	cases := []struct {
		name   string
		inc    incident.Incident
		firing []string
		ended  []string
	}{
		{"looked at", incidentAt(incident.Deciding, incident.Opened), []string{"SalvorIncident"}, nil},
		{"what stood and then changed", incidentAt(incident.Acting, incident.Recurred, incident.Confirmed), []string{"SalvorIncident"}, nil},
		{"a standing fault pages nobody", incidentAt(incident.Standing, incident.Opened), nil, nil},
		{"being repaired", incidentAt(incident.Acting, incident.Opened), []string{"SalvorIncident"}, nil},
		{"a person is needed", incidentAt(incident.HandedOver, incident.Opened, incident.Handed), []string{"SalvorIncident", "SalvorNeedsPerson"}, nil},
		{"a person was needed", incidentAt(incident.Acting, incident.Opened, incident.Failed), []string{"SalvorIncident"}, []string{"SalvorNeedsPerson"}},
		{"closed lately", incidentAt(incident.Ended, incident.Opened, incident.Closed), nil, []string{"SalvorIncident"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			n := New(Options{Incidents: func() []incident.Incident { return []incident.Incident{c.inc} }, Sentence: seen, Severity: grave, Link: "http://salvor", Clock: func() time.Time { return now }})
			want := map[string]bool{}
			for _, name := range c.firing {
				want[name] = true
			}
			for _, name := range c.ended {
				want[name] = false
			}
			got := n.alerts()
			for _, a := range got {
				if a.GeneratorURL != "http://salvor/incidents/abc-1" {
					t.Errorf("it leads to %s", a.GeneratorURL)
				}
				firing, known := want[a.Labels["alertname"]]
				want := c.inc.Fault.Sentence
				if c.inc.Live() {
					want += ", and more"
				}
				if a.Annotations["sev"] != "SEV1" {
					t.Errorf("it is a %q", a.Annotations["sev"])
				}
				if a.Annotations["description"] != want {
					t.Errorf("described as %q", a.Annotations["description"])
				}
				if !known || firing != a.EndsAt.After(now) {
					t.Errorf("%s ends %s, want %v", a.Labels["alertname"], a.EndsAt, want)
				}
			}
			if len(got) != len(want) {
				t.Errorf("%d alerts, want %v", len(got), want)
			}
		})
	}
}

// TestBrokenGlassIsRaised while its plan runs and for half an hour after, also when the incident has ended by then.
func TestBrokenGlassIsRaised(t *testing.T) {
	for name, c := range map[string]struct {
		state         incident.State
		ago           time.Duration
		later         *incident.Decision
		raised, fires bool
	}{
		"while it runs":            {incident.Acting, time.Hour, nil, true, true},
		"after it":                 {incident.HandedOver, 29 * time.Minute, nil, true, true},
		"though all is well":       {incident.Ended, 29 * time.Minute, nil, true, true},
		"then it ends":             {incident.HandedOver, 31 * time.Minute, nil, true, false},
		"and is not told any more": {incident.HandedOver, 41 * time.Minute, nil, false, false},
		"another plan runs":        {incident.Acting, 41 * time.Minute, &incident.Decision{}, false, false},
	} {
		inc := incidentAt(c.state, incident.Opened)
		inc.Since = now.Add(-c.ago)
		inc.History = append(inc.History, incident.Sequenced{Record: incident.Record{Kind: incident.Decided, At: now.Add(-c.ago), Decided: &incident.Decision{Broken: true}}})
		if c.later != nil {
			inc.History = append(inc.History, incident.Sequenced{Record: incident.Record{Kind: incident.Decided, At: now, Decided: c.later}})
		}
		n := New(Options{Incidents: func() []incident.Incident { return []incident.Incident{inc} }, Sentence: seen, Severity: grave, Clock: func() time.Time { return now }})
		raised, fires := false, false
		for _, a := range n.alerts() {
			if a.Labels["alertname"] == "SalvorBreakGlass" {
				raised, fires = true, a.EndsAt.After(now) && a.Labels["severity"] == "critical"
			}
		}
		if raised != c.raised || fires != c.fires {
			t.Errorf("%s: raised %v, firing %v", name, raised, fires)
		}
	}
}

func TestPostsAgainAfterAFailure(t *testing.T) {
	var posts atomic.Int32
	got := make(chan []alert, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if posts.Add(1) == 1 {
			http.Error(w, "not yet", http.StatusServiceUnavailable)
			return
		}
		var alerts []alert
		if err := json.NewDecoder(r.Body).Decode(&alerts); err != nil || r.URL.Path != "/api/v2/alerts" || r.Header.Get("Authorization") != "Bearer t" {
			t.Errorf("post to %s as %q: %v", r.URL.Path, r.Header.Get("Authorization"), err)
		}
		got <- alerts
	}))
	defer server.Close()
	n := New(Options{Targets: []Target{{server.URL + "/", "t"}}, Troubles: func() []protection.Trouble { return nil }, Sentence: seen, Severity: grave, Policy: func() rollout.Status { return rollout.Status{Serving: rollout.Serving{Revision: "abc"}} }, Clock: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler), Link: "http://salvor",
		Incidents: func() []incident.Incident {
			return []incident.Incident{incidentAt(incident.Acting, incident.Opened)}
		}})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	n.Wake()
	select {
	case alerts := <-got:
		if len(alerts) != 1 || alerts[0].Labels["salvor_incident"] == "" {
			t.Errorf("posted %+v", alerts)
		}
	case <-ctx.Done():
		t.Error("not posted again")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestWhatPolicyRaises(t *testing.T) {
	offer := rollout.Offer{Revision: "def", Source: "/etc/rules", Author: "ann", Replica: "one"}
	well := rollout.Serving{Replica: "one", Revision: "abc"}
	for name, c := range map[string]struct {
		status rollout.Status
		want   map[string]string // what the summary of each alert says
	}{
		"all is well":     {rollout.Status{Serving: well}, map[string]string{}},
		"one is held":     {rollout.Status{Serving: well, Held: &rollout.Standing{Offer: offer, Report: &rollout.Report{}}}, map[string]string{"SalvorPolicyHeld": "another person than ann"}},
		"nobody wrote it": {rollout.Status{Serving: well, Held: &rollout.Standing{Report: &rollout.Report{}}}, map[string]string{"SalvorPolicyHeld": "held until it is signed, or a file of it is changed"}},
		"one is refused":  {rollout.Status{Serving: well, Refused: &rollout.Refusal{Offer: offer, Problems: []string{"x", "y"}}}, map[string]string{"SalvorPolicyRefused": "/etc/rules"}},
		"there is none":   {rollout.Status{Serving: rollout.Serving{Replica: "one", Why: "gone"}}, map[string]string{"SalvorPolicyMissing": "decides nothing"}},
		"refused at last": {rollout.Status{Refused: &rollout.Refusal{Offer: offer}}, map[string]string{"SalvorPolicyRefused": "", "SalvorPolicyMissing": ""}},
	} {
		n := New(Options{Policy: func() rollout.Status { return c.status }, Clock: func() time.Time { return now }})
		got := map[string]bool{}
		for _, a := range n.aboutPolicy() {
			got[a.Labels["alertname"]] = true
			if want, wanted := c.want[a.Labels["alertname"]]; !wanted || !strings.Contains(a.Annotations["summary"], want) || !a.EndsAt.After(now) {
				t.Errorf("%s: raised %+v", name, a)
			}
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: raised %v", name, got)
		}
	}
}
