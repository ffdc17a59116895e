package e2e

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/test/rig"
	"github.com/salvor-io/salvor/test/slackd"
)

// briskZone is the shipped runbook with shorter times.
const briskZone = `apiVersion: salvor.io/v1
kind: Runbook
metadata: {name: zone-failure}
spec:
  fault: zone
  order: 10
  steps:
    - {name: cordon, use: node.cordon, with: {zone: "${fault.zone}"}, deadline: 15s}
    - {name: displace, use: workload.displace, with: {nodes: "${fault.nodes}", only: stateless}, deadline: 30s, onFailure: continue}
    - {name: fence, use: node.fence, with: {nodes: "${fault.nodes}"}, deadline: 30s, onFailure: continue}
    - {name: release, use: node.release, with: {nodes: "${fault.nodes}", outOf: "${fault.zone}"}, deadline: 90s, onFailure: continue}
  verify:
    - {use: workload.relocated, with: {zone: "${fault.zone}", nodes: "${fault.nodes}"}, settle: 3s, deadline: 2m}
    - {use: probe.http, settle: 3s, deadline: 2m}
  undo: zone-return
`

// TestEvacuation: a zone dies, and people are asked in chat. A stranger's press does not count; alice approves in a browser, the server is killed with
// kill -9 right after, and the zone is left once: what moves serves elsewhere, what is bound to the zone stays down and is named. When the zone
// is well again it is given back.
func TestEvacuation(t *testing.T) {
	r := shared(t)
	settings := patient("evacuated")
	e, err := r.Evacuation(context.Background(), webs-2)
	if err != nil {
		t.Fatal(err)
	}
	e.Configure(&settings)
	s := begin(t, r, settings, briskZone)
	t.Cleanup(func() { s.check(e.End(context.Background())) })
	s.must(e.Strike(s.ctx))
	s.asked(e)
	inc := s.reachesAt("zone/"+rig.DeadZone, time.Second, incident.Awaiting)
	s.strangerIsRefused(e)
	s.nothingWritten()
	s.picture(e.Slack.Page(), "card", "")

	told := s.approvesInBrowser(inc)
	s.must(s.Kill())
	if !strings.Contains(told, "lice approved plan") {
		t.Errorf("the page tells %q", told)
	}
	s.must(s.Start())
	inc = s.reachesAt("zone/"+rig.DeadZone, 3*time.Minute, incident.Recovered)
	if inc.Outcome != responders.OutcomeVerified {
		t.Errorf("outcome %s, want verified", inc.Outcome)
	}
	s.left(e, inc.Name)
	link, err := s.CLI(s.ctx, "console")
	s.must(err)
	s.picture(s.URL("/incidents/"+string(inc.ID)), "recovered", link)
	s.picture(e.Slack.Page(), "thread", "")

	s.must(e.Heal(s.ctx))
	s.reachesAt("zone/"+rig.DeadZone, 2*time.Minute, incident.Ended)
	s.must(e.Untouched(s.ctx))
	s.onceEach()
	if list, err := s.Incidents(s.ctx); err != nil || slices.ContainsFunc(list, func(i api.Summary) bool { return i.State != incident.Ended }) {
		t.Errorf("incidents are open: %+v, %v", list, err)
	}
}

// asked waits for the card, and sees that it says what people have to know.
func (s *scene) asked(e *rig.Evacuation) {
	s.t.Helper()
	m, err := e.Slack.Await(s.ctx, 90*time.Second, "APPROVE?", "Approve", "Reject", "I'm on it", "Details")
	s.must(err)
	text := rig.Text(m)
	s.t.Log(text)
	for _, want := range []string{"zone " + rig.DeadZone, "deployment/shop/web", "statefulset/shop/ledger-db", "newest snapshot", "@sre-oncall", "salvor approve"} {
		if !strings.Contains(text, want) {
			s.t.Errorf("the card does not say %q", want)
		}
	}
}

// strangerIsRefused has somebody press whom nobody knows.
func (s *scene) strangerIsRefused(e *rig.Evacuation) {
	s.t.Helper()
	m, _ := e.Slack.Card("APPROVE?")
	s.must(e.Slack.Press(s.ctx, slackd.Somebody{User: "U0STRANGER"}, m, "Approve"))
	ctx, cancel := context.WithTimeout(s.ctx, 10*time.Second)
	defer cancel()
	s.must(e.Slack.Until(ctx, func() bool { return len(e.Slack.Private("U0STRANGER")) > 0 }))
	s.t.Log(e.Slack.Private("U0STRANGER"))
}

// picture keeps pictures of a page where they are asked for.
func (s *scene) picture(page, name, link string) {
	s.t.Helper()
	if *shots == "" {
		return
	}
	_, err := s.rig.Visit(s.ctx, rig.Visit{Page: page, Link: strings.TrimSpace(link), Shots: *shots, Name: name})
	s.check(err)
}

// approvesInBrowser has alice approve on the page of the incident, as the link of the command salvor console lets her in. Where there is no browser, and neither CI nor SALVOR_BROWSER says
// that there has to be one, she approves by command.
func (s *scene) approvesInBrowser(inc api.Incident) (told string) {
	s.t.Helper()
	link, err := s.CLI(s.ctx, "console")
	s.must(err)
	told, err = s.rig.Visit(s.ctx, rig.Visit{Page: s.URL("/incidents/" + string(inc.ID)), Link: strings.TrimSpace(link), Press: "approve", Shots: *shots, Name: "asked"})
	if errors.Is(err, rig.ErrNoBrowser) && os.Getenv("SALVOR_BROWSER") == "" && os.Getenv("CI") == "" {
		s.t.Log(err)
		told, err = s.CLI(s.ctx, "approve", inc.Name)
	}
	s.must(err)
	return told
}

// left sees that what moves has moved and serves, that what stays down is named, and that nothing can be pressed any more.
func (s *scene) left(e *rig.Evacuation, name string) {
	s.t.Helper()
	ok, err := s.rig.Available(s.ctx, webs, dbs)
	if err != nil || !ok {
		s.t.Errorf("salvor says verified, the API server does not: %v", err)
	}
	for _, node := range rig.DeadNodes() {
		pods, err := s.rig.PodsOn(s.ctx, node)
		s.must(err)
		for pod, p := range pods {
			if pod != rig.Bound+"-0" && p.DeletionTimestamp == nil {
				s.t.Errorf("%s is still on %s", pod, node)
			}
		}
	}
	ctx, cancel := context.WithTimeout(s.ctx, 20*time.Second)
	defer cancel()
	m, _ := e.Slack.Card(rig.DeadZone)
	err = e.Slack.Until(ctx, func() bool {
		m, _ = e.Slack.Card(rig.DeadZone)
		return len(m.Buttons()) == 1 && strings.Contains(m.Text, "; stays down: 1")
	})
	s.check(err)
	if text := rig.Text(m); !strings.Contains(text, rig.Bound) {
		s.t.Errorf("the last word does not name what stays down: %s", text)
	}
	show, err := s.CLI(s.ctx, "incidents", "show", name)
	s.must(err)
	if !strings.Contains(show, "STAYS DOWN  statefulset/shop/"+rig.Bound) {
		s.t.Errorf("incidents show does not name what stays down:\n%s", show)
	}
	s.onceEach()
}
