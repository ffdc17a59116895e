package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/responders"
)

// Runbooks implements Runbooks.
func (f *fleet) Runbooks(kind classifiers.Kind) []string {
	return map[classifiers.Kind][]string{classifiers.KindNode: {"node-failure", "node-displace"}, classifiers.KindRegion: {"failover"}}[kind]
}

// IsReturn implements Runbooks.
func (f *fleet) IsReturn(name string) bool { return name == "failback" }

// TestRun: a run is a declaration by who calls of the fault that the runbook recovers, by that runbook alone.
func TestRun(t *testing.T) {
	f := sighted(t)
	_, srv := serve(t, f)
	body := `{"cluster":"prod-eu","runbook":"node-displace","with":{"node":"w-eu-1a"},"for":"1h","reason":"its disk fails"}`
	got := read[Declaration](t, call(t, srv, "operator", http.MethodPost, "/v1/runs", body))
	if told := f.declared(t); told != got.Declared || told.By != "otto" || told.Kind != "node" || told.Name != "w-eu-1a" || told.Runbook != "node-displace" {
		t.Errorf("recorded %+v of %+v", told, got)
	}
	found := (classifiers.Declared{}).Classify(f.view)
	if len(found) != 1 || found[0].Sentence != "otto runs node-displace on node w-eu-1a: its disk fails" {
		t.Errorf("found %+v", found)
	}
	before := len(f.told)
	if r := call(t, srv, "operator", http.MethodPost, "/v1/runs", body); r.Status != http.StatusOK || len(f.told) != before {
		t.Errorf("the same again: %+v, %d records more", r, len(f.told)-before)
	}
	body = strings.ReplaceAll(body, "node-displace", "node-failure")
	if r := call(t, srv, "operator", http.MethodPost, "/v1/runs", body); r.Status != http.StatusCreated || f.declared(t).Runbook != "node-failure" {
		t.Errorf("another runbook: %+v", r)
	}
}

// TestRunAfterAnother: what one runbook did stays until it is taken back, and another one would find nothing to do.
func TestRunAfterAnother(t *testing.T) {
	f := sighted(t)
	f.incidents = append(f.incidents, incident.Incident{ID: "0123456789abcdef-1", State: incident.Recovered, Key: incident.Key{Cluster: "prod-eu"},
		Fault: classifiers.Fault{Kind: classifiers.KindNode, Anchor: classifiers.Anchor{Kind: "node", Name: "w-eu-1a", UID: "uid"}}, Plan: &responders.Plan{Runbook: "node-displace"}})
	_, srv := serve(t, f)
	body := `{"cluster":"prod-eu","runbook":"node-failure","with":{"node":"w-eu-1a"},"for":"1h","reason":"its disk fails"}`
	r := call(t, srv, "operator", http.MethodPost, "/v1/runs", body)
	if r.Status != http.StatusConflict || !strings.Contains(r.Body, "has run node-displace on node/w-eu-1a of prod-eu") || !strings.Contains(r.Body, "salvor declare --end node w-eu-1a --cluster prod-eu") {
		t.Errorf("another runbook: %+v", r)
	}
	if len(f.told) > 0 && f.declared(t).Runbook == "node-failure" {
		t.Error("it is recorded all the same")
	}
	if r := call(t, srv, "operator", http.MethodPost, "/v1/runs", strings.ReplaceAll(body, "node-failure", "node-displace")); r.Status != http.StatusCreated {
		t.Errorf("the same runbook: %+v", r)
	}
}

func TestRunRefused(t *testing.T) {
	f := sighted(t)
	_, srv := serve(t, f)
	before := len(f.told)
	for body, want := range map[string]string{
		`x`: "give cluster",
		`{"cluster":"prod-eu","runbook":"node-x","with":{"node":"w-eu-1a"},"for":"1h","reason":"x"}`:                     `no runbook is named \"node-x\"","do":"run one that there is: node-failure, node-displace, failover`,
		`{"cluster":"prod-eu","runbook":"failback","with":{"region":"eu"},"for":"1h","reason":"x"}`:                      "it is only the way back from what another runbook did",
		`{"cluster":"prod-eu","runbook":"node-failure","for":"1h","reason":"x"}`:                                         "not said what it is to run on",
		`{"cluster":"prod-eu","runbook":"node-failure","with":{"node":" "},"for":"1h","reason":"x"}`:                     "not said what it is to run on",
		`{"cluster":"prod-eu","runbook":"node-failure","with":{"nodes":"w-eu-1a"},"for":"1h","reason":"x"}`:              `\"nodes\" is no argument of it`,
		`{"cluster":"prod-eu","runbook":"node-failure","with":{"node":"w-eu-1a","force":"yes"},"for":"1h","reason":"x"}`: `\"force\" is no argument of it`,
		`{"cluster":"prod-eu","runbook":"node-failure","with":{"node":"*"},"for":"1h","reason":"x"}`:                     "names more than one node",
		`{"cluster":"prod-eu","runbook":"node-failure","with":{"node":"w-eu-1a,w-eu-1b"},"for":"1h","reason":"x"}`:       "run it once for each",
		`{"cluster":"prod-eu","runbook":"node-failure","with":{"node":"w-none"},"for":"1h","reason":"x"}`:                "there is no",
		`{"cluster":"prod-eu","runbook":"node-failure","with":{"node":"w-eu-1a"},"for":"1h"}`:                            "no reason is given",
		`{"cluster":"prod-us","runbook":"node-failure","with":{"node":"w-eu-1a"},"for":"1h","reason":"x"}`:               "no cluster is named",
	} {
		if r := call(t, srv, "operator", http.MethodPost, "/v1/runs", body); r.Status/100 != 4 || !strings.Contains(r.Body, want) {
			t.Errorf("%s: %+v, want %s", body, r, want)
		}
	}
	if r := call(t, srv, "viewer", http.MethodPost, "/v1/runs", `{}`); r.Status != http.StatusForbidden {
		t.Errorf("a viewer: %+v", r)
	}
	if len(f.told) != before {
		t.Errorf("%d records more", len(f.told)-before)
	}
}
