package timeline

import (
	"testing"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// story writes the history of one incident, record by record, as the engine would.
type story struct {
	t       *testing.T
	now     time.Time
	key     incident.Key
	id      incident.ID
	history []incident.Sequenced
	asked   map[string]policies.Question
	seen    string             // now
	misses  []classifiers.Miss // now; those last recorded when nil
}

func newStory(t *testing.T) *story {
	key := incident.Key{Cluster: "prod-eu", Kind: "node", Anchor: "node/9b1c"}
	return &story{t: t, now: time.Date(2026, 3, 1, 3, 11, 4, 0, time.UTC), key: key, id: incident.IDOf(key, 41),
		asked: map[string]policies.Question{}}
}

func (s *story) after(d time.Duration) *story {
	s.now = s.now.Add(d)
	return s
}

func (s *story) add(rec incident.Record) *story {
	rec.Schema, rec.Incident, rec.At = incident.Schema, s.id, s.now
	if rec.Writer == "" {
		rec.Writer = "salvor-0"
	}
	s.history = append(s.history, incident.Sequenced{Record: rec, Seq: uint64(100 + 3*len(s.history)), StoredAt: s.now.Add(200 * time.Millisecond)})
	return s
}

func (s *story) fold() Case {
	s.t.Helper()
	inc, err := incident.Fold(s.history)
	if err != nil {
		s.t.Fatal(err)
	}
	if s.misses == nil && inc.Live() {
		s.misses = lastFault(inc).Misses
	}
	return Case{Incident: inc, Asked: s.asked, Seen: s.seen, Misses: s.misses, Now: s.now.Add(30 * time.Second)}
}

func (s *story) fault(name string) *classifiers.Fault {
	return &classifiers.Fault{
		Kind: classifiers.KindNode, Cluster: "prod-eu", Anchor: classifiers.Anchor{Kind: "node", Name: name, UID: "9b1c"},
		Scope: classifiers.Scope{Nodes: []string{name}, Zones: []string{"eu-west-1b"}, Regions: []string{"eu-west-1"}},
		Signals: []classifiers.Signal{
			{Name: "lease", Asked: true, Agrees: true, Detail: "not renewed for 26s"},
			{Name: "ready condition", Asked: true, Detail: "Ready is True for 3h2m0s"},
			{Name: "alert", Detail: "no alert speaks of it"},
		},
		Evidence: []string{"lease/9b1c/7731/stale", "node/9b1c/7702"},
		Told: []classifiers.Told{{ID: "lease/9b1c/7731/stale", At: s.now.Add(-2 * time.Second), Text: "node " + name + ": its Lease is stale"},
			{ID: "node/9b1c/7702", At: s.now.Add(-7 * time.Hour), Text: "node " + name + ": Ready is True"}},
		Misses: []classifiers.Miss{
			{Rule: "zone", Have: 1, Need: 4, Unit: "nodes", Text: "1 of 7 nodes of eu-west-1b lost within 1m, 4 would make it a zone"},
			{Rule: "storm", Have: 1, Need: 5, Unit: "nodes", Text: "1 of 21 nodes lost within 1m, 5 would be a storm"},
			{Rule: "region", Have: 1, Need: 2, Unit: "witnesses", Text: "1 of 3 witnesses cannot reach the API server of prod-eu, 2 would be needed"}},
		Sentence: name + " is silent: its Lease was not renewed for 26s",
		Since:    s.now.Add(-2 * time.Second),
	}
}

func (s *story) opened() *story {
	key := s.key
	f := s.fault("worker-7")
	f.Since = s.now.Add(-15 * time.Second)
	return s.add(incident.Record{Kind: incident.Opened, Key: &key, Fault: f, Text: f.Sentence + "; seen without a break for 15s"})
}

func (s *story) confirmed() *story {
	f := s.fault("worker-7")
	f.Signals[0].Detail = "not renewed for 41s"
	f.Signals[1] = classifiers.Signal{Name: "ready condition", Asked: true, Agrees: true, Detail: "Ready is Unknown for 1s"}
	f.Sentence = "worker-7 is silent and not ready: Lease not renewed for 41s, Ready is Unknown for 1s"
	return s.after(15 * time.Second).add(incident.Record{Kind: incident.Confirmed, Fault: f, Text: f.Sentence + "; seen without a break for 15s"})
}

func (s *story) plan() *responders.Plan {
	node := []policies.Target{{Kind: "Node", Name: "worker-7", UID: "9b1c", Zone: "eu-west-1b"}}
	step := func(name, use string, class policies.Class, seconds float64, will, command string) responders.Step {
		return responders.Step{Name: name, DeadlineS: 120, OnFailure: responders.OnFailureStop, Change: responders.Change{
			Responder: use, Class: class, Targets: node, Will: []string{will}, DurationS: seconds, Command: command}}
	}
	plan := responders.Plan{Runbook: "node-failure", Cluster: "prod-eu", Steps: []responders.Step{
		step("cordon", "node.cordon", policies.Reversible, 1, "worker-7 takes no new pods", "kubectl cordon worker-7"),
		step("displace", "workload.displace", policies.Disruptive, 10, "12 pods leave worker-7", "kubectl delete pod -n shop web-0\nkubectl delete pod -n shop web-1"),
		step("fence", "node.fence", policies.Disruptive, 60, "the power switch turns worker-7 off", "switch the machine of worker-7 off, and see that it is off"),
	}, Checks: []responders.Check{{Name: "available", SettleS: 15, DeadlineS: 300,
		Change: responders.Change{Responder: "workload.available", Will: []string{"3 workloads are available again"}}}}}
	plan.Digest = "4f2a91c0ffee"
	return &plan
}

func (s *story) undo() *responders.Plan {
	plan := responders.Plan{Runbook: "node-failure", Cluster: "prod-eu", Steps: []responders.Step{{Name: "restore", DeadlineS: 60, Change: responders.Change{
		Responder: "node.restore", Class: policies.Reversible, Targets: []policies.Target{{Kind: "Node", Name: "worker-7", UID: "9b1c"}},
		Will: []string{"worker-7 takes pods again"}, DurationS: 1, Command: "kubectl uncordon worker-7"}}}}
	plan.Digest = "a1b2c3d4e5f6"
	return &plan
}

func (s *story) question(mode policies.Mode) policies.Question {
	return policies.Question{
		Schema: 1, Now: s.now, Mode: mode, Cluster: policies.ClusterFacts{Name: "prod-eu"},
		Fault:    policies.FaultFacts{Kind: "node", Anchor: "node/worker-7", Zones: []string{"eu-west-1b"}},
		Limits:   policies.Limits{NodesPerZone: 1, FleetShare: 0.1, StormNodes: 3, StormShare: 0.2, Attempts: 3},
		InFlight: policies.InFlight{Zones: map[string]int{}},
		View: policies.ViewFacts{Nodes: 21, Broken: 1, LostTogether: 1, LostOf: 21, Zones: map[string]policies.Zone{
			"eu-west-1a": {Nodes: 7}, "eu-west-1b": {Nodes: 7, Broken: 1}, "eu-west-1c": {Nodes: 7}}},
	}
}

func (s *story) decided(d incident.Decision, q policies.Question) *story {
	d.Ref = string(s.id) + "/9"
	if d.Answer.Revision == "" {
		d.Answer.Revision = "0123456789abcdef0123"
	}
	if d.Plan != nil {
		q.Plan = d.Plan.Proposal()
	}
	s.asked[d.Ref] = q
	return s.add(incident.Record{Kind: incident.Decided, Decided: &d, Text: "as decided"})
}

// askAnswer asks so many people of those on call.
func askAnswer(votes int) policies.Decision {
	return policies.Decision{Verdict: policies.Ask, Would: policies.Act, Reasons: []policies.Reason{actReason},
		Asks: &policies.Asks{Needs: []policies.Need{{Groups: []string{"sre-oncall"}, Votes: votes, EscalateTo: []string{"sre-leads"}}}, Votes: votes, OnTimeout: "escalate", EscalateTo: []string{"sre-leads"}},
		Held: []policies.Reason{{Text: "the mode is ask: a person is asked first", Rule: "mode"}}}
}

func (s *story) asks(votes int) *story {
	return s.opened().after(time.Second).decided(incident.Decision{Phase: incident.PhaseRecover, Plan: s.plan(), Answer: askAnswer(votes)}, s.question(policies.ModeAsk))
}

func (s *story) says(b incident.Ballot) *story {
	b.Plan = s.plan().Digest
	return s.add(incident.Record{Kind: incident.Voted, Ballot: &b, Text: b.Person + " has spoken"})
}

var actReason = policies.Reason{Text: "stateless pods of one dead node", Rule: "node.rego:14"}

func (s *story) acts() *story {
	return s.after(time.Second).decided(incident.Decision{Phase: incident.PhaseRecover, Plan: s.plan(),
		Answer: policies.Decision{Verdict: policies.Act, Would: policies.Act, Reasons: []policies.Reason{actReason}}}, s.question(policies.ModeAct))
}

func (s *story) ref(plan *responders.Plan, phase incident.Phase, index int) *incident.StepRef {
	return &incident.StepRef{Phase: phase, Plan: plan.Digest, Index: index, Name: plan.Steps[index].Name}
}

func (s *story) intends(plan *responders.Plan, phase incident.Phase, index int) *story {
	ref := s.ref(plan, phase, index)
	ref.Deadline = s.now.Add(2 * time.Minute)
	return s.add(incident.Record{Kind: incident.Intent, Step: ref, Text: plan.Steps[index].Change.Will[0]})
}

func (s *story) does(plan *responders.Plan, phase incident.Phase, index int, took time.Duration) *story {
	s.intends(plan, phase, index).after(took)
	ref := s.ref(plan, phase, index)
	ref.TookS = took.Seconds()
	return s.add(incident.Record{Kind: incident.Done, Step: ref})
}

func (s *story) fails(plan *responders.Plan, index int, took time.Duration, why string, detail ...string) *story {
	s.intends(plan, incident.PhaseRecover, index).after(took)
	ref := s.ref(plan, incident.PhaseRecover, index)
	ref.TookS = took.Seconds()
	return s.add(incident.Record{Kind: incident.Failed, Step: ref, Text: why, Detail: detail})
}

func (s *story) checked(outcome responders.Outcome, detail ...string) *story {
	return s.after(20 * time.Second).add(incident.Record{Kind: incident.Checked, Outcome: outcome, Detail: detail, Text: "1 check of plan " + s.plan().ShortDigest()})
}

// recovers is the whole plan, done.
func (s *story) recovers() *story {
	plan := s.plan()
	s.opened().acts()
	s.does(plan, incident.PhaseRecover, 0, 400*time.Millisecond)
	s.does(plan, incident.PhaseRecover, 1, 12*time.Second)
	return s.does(plan, incident.PhaseRecover, 2, 281*time.Second)
}
