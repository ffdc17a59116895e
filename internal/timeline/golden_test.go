package timeline

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

var update = flag.Bool("update", false, "write what is rendered as what is wanted")

// stories are histories as they happen, each rendered into testdata/<name>.txtar.
var stories = map[string]func(*story){
	"suspected": func(s *story) {
		s.opened().after(10 * time.Second).add(incident.Record{Kind: incident.Cleared, Text: "not seen any more, before anything was done"})
		f := s.after(20 * time.Second).fault("worker-7")
		s.add(incident.Record{Kind: incident.Recurred, Fault: f, WindowS: 15, Text: f.Sentence})
	},
	"recovered_and_closed": func(s *story) {
		s.recovers().checked(responders.OutcomeVerified)
		s.after(20 * time.Hour).add(incident.Record{Kind: incident.Cleared, Text: "node/worker-7 is back, or its object is gone"})
		undo := s.undo()
		s.after(2*time.Minute).decided(incident.Decision{Phase: incident.PhaseUndo, Plan: undo,
			Answer: policies.Decision{Verdict: policies.Act, Would: policies.Act, Reasons: []policies.Reason{{Text: "what Salvor did may be taken back", Rule: "undo.rego:5"}}}}, s.question(policies.ModeAct))
		s.does(undo, incident.PhaseUndo, 0, 300*time.Millisecond)
		s.after(time.Second).add(incident.Record{Kind: incident.Closed, Outcome: responders.OutcomeVerified, Text: "recovered, and nothing is left to take back"})
	},
	"partly": func(s *story) {
		s.recovers().checked(responders.OutcomePartly, "deployment/shop/orders: 1 of 3 replicas available", "statefulset/shop/db: 0 of 1 replicas available")
	},
	"held_by_mode": func(s *story) {
		s.opened().after(time.Second).decided(incident.Decision{Phase: incident.PhaseRecover, Plan: s.plan(), Answer: policies.Decision{
			Verdict: policies.Deny, Would: policies.Act, Reasons: []policies.Reason{actReason},
			Held: []policies.Reason{{Text: "the mode is observe: nothing is done", Rule: "mode"}}}}, s.question(policies.ModeObserve))
	},
	"held_by_pause": func(s *story) {
		q := s.question(policies.ModeAct)
		q.Pauses = []policies.Pause{
			{Cluster: "other", Owner: "bob", Until: s.now.Add(time.Hour)},
			{Cluster: "prod-eu", Kind: "node", Owner: "alice", Reason: "kernel upgrade", Since: s.now.Add(-time.Minute), Until: s.now.Add(time.Hour)},
		}
		s.opened().after(time.Second).decided(incident.Decision{Phase: incident.PhaseRecover, Plan: s.plan(), Answer: policies.Decision{
			Verdict: policies.Deny, Would: policies.Act, Reasons: []policies.Reason{actReason},
			Held: []policies.Reason{{Text: "paused (cluster prod-eu, kind node) by alice until 04:11:04 UTC: kernel upgrade", Rule: "pause"},
				{Text: "1 of at most 1 nodes of zone eu-west-1b are being repaired", Rule: "budget"}}}}, q)
	},
	"denied_by_rules": func(s *story) {
		s.opened().after(time.Second).decided(incident.Decision{Phase: incident.PhaseRecover, Plan: s.plan(), Answer: policies.Decision{
			Verdict: policies.Deny, Would: policies.Deny, Reasons: []policies.Reason{
				{Text: "fewer than two healthy control planes", Rule: "node.rego:30"}, {Text: "it is Friday", Rule: "own.rego:3"}}}}, s.question(policies.ModeAct))
	},
	"awaiting": func(s *story) {
		plan := s.plan()
		plan.Steps[2].Change.Class = policies.Destructive
		plan.Steps[2].Change.DataLoss = "writes of 2 volumes since the node fell silent"
		plan.Steps[2].Change.Warnings = []string{"if worker-7 still runs, both copies may write to 2 volumes"}
		s.opened().after(time.Second).decided(incident.Decision{Phase: incident.PhaseRecover, Plan: plan, Answer: policies.Decision{
			Verdict: policies.Ask, Would: policies.Ask, Revision: "41",
			Asks:    &policies.Asks{Needs: []policies.Need{{Groups: []string{"sre-oncall"}, Votes: 1}, {Groups: []string{"dba", "storage"}, Votes: 1}}, Votes: 2},
			Reasons: []policies.Reason{{Text: "the plan is destructive: one person is asked", Rule: "class"}}}}, s.question(policies.ModeAct))
	},
	"approved": func(s *story) {
		s.asks(2).after(time.Minute).says(incident.Ballot{Person: "alice", Groups: []string{"sre-oncall"}, Via: "token", Says: incident.Hold})
		s.after(time.Minute).says(incident.Ballot{Person: "alice", Groups: []string{"sre-oncall"}, Via: "token", Says: incident.Approve, Reason: "it burns"})
	},
	"approved_and_begun": func(s *story) {
		s.asks(1).after(time.Minute).says(incident.Ballot{Person: "alice", Groups: []string{"sre-oncall"}, Via: "token", Says: incident.Approve})
		s.after(time.Second).decided(incident.Decision{Phase: incident.PhaseRecover, Plan: s.plan(), Answer: askAnswer(1), Agreed: true}, s.question(policies.ModeAsk))
		s.intends(s.plan(), incident.PhaseRecover, 0)
	},
	"stopped": func(s *story) {
		plan := s.plan()
		s.opened().acts().does(plan, incident.PhaseRecover, 0, 400*time.Millisecond)
		s.intends(plan, incident.PhaseRecover, 1).after(3 * time.Second)
		s.add(incident.Record{Kind: incident.Halted, Halt: &incident.Halt{Person: "ada", Via: "token", Plan: plan.Digest, Reason: "it comes back"},
			Text: "ada stopped plan 4f2a91 in step 2 of 3, and what was done stays: it comes back"})
	},
	"rejected": func(s *story) {
		s.asks(1).after(time.Minute).says(incident.Ballot{Person: "bob", Groups: []string{"sre-oncall"}, Via: "token", Says: incident.Reject, Reason: "the rack is being moved"})
	},
	"nobody_answers": func(s *story) {
		s.asks(1).after(15 * time.Minute).add(incident.Record{Kind: incident.Reminded, Text: "15m0s are left to decide"})
		s.after(15 * time.Minute).add(incident.Record{Kind: incident.Escalated, Text: "nobody has decided within 30m0s: sre-leads is asked, too"})
		s.after(30 * time.Minute).add(incident.Record{Kind: incident.Expired, Text: "nobody has decided within 30m0s, so nothing is done: a person goes on"})
	},
	"no_plan": func(s *story) {
		s.opened().after(time.Second).decided(incident.Decision{Phase: incident.PhaseRecover, Answer: policies.Decision{
			Held: []policies.Reason{{Text: "no plan could be made: runbook node-failure: step fence: node worker-7 is not there", Rule: "runbook"}}}}, s.question(policies.ModeAct))
	},
	"running_after_takeover": func(s *story) {
		plan := s.plan()
		s.opened().acts().does(plan, incident.PhaseRecover, 0, 400*time.Millisecond)
		s.intends(plan, incident.PhaseRecover, 1).after(3 * time.Minute)
		ref := s.ref(plan, incident.PhaseRecover, 1)
		ref.Deadline = s.now.Add(2 * time.Minute)
		s.add(incident.Record{Kind: incident.TookOver, Writer: "salvor-1", Step: ref, Text: "goes on with step displace; its writer was lost or held"})
		s.after(time.Second).add(incident.Record{Kind: incident.Noted, Text: "the next step waits: deny: paused (the whole fleet) by bob until 09:00:00 UTC: drill"})
	},
	"failed": func(s *story) {
		plan := s.plan()
		s.opened().acts().does(plan, incident.PhaseRecover, 0, 400*time.Millisecond)
		s.does(plan, incident.PhaseRecover, 1, 11*time.Second)
		s.fails(plan, 2, 2*time.Minute, "step fence: see worker-7 off: its power switch took the request but never said that it is off: context deadline exceeded",
			"worker-7 is not known to be off")
	},
	"flaps": func(s *story) {
		s.opened()
		for range 2 {
			s.after(10 * time.Second).add(incident.Record{Kind: incident.Cleared, Text: "not seen any more, before anything was done"})
			f := s.after(20 * time.Second).fault("worker-7")
			s.add(incident.Record{Kind: incident.Recurred, Fault: f, WindowS: 15, Text: f.Sentence}).confirmed()
		}
		s.after(time.Second).add(incident.Record{Kind: incident.Handed, Text: "the fault came back 2 times; it flaps, and repairing it again would not end that"})
	},
	"standing": func(s *story) {
		key, f := s.key, s.fault("worker-7")
		s.add(incident.Record{Kind: incident.Opened, Key: &key, Fault: f, Standing: true, Text: f.Sentence})
	},
	"older_record": func(s *story) { // without what the events said, and without misses
		key, f := s.key, s.fault("worker-7")
		f.Told, f.Misses = nil, nil
		s.add(incident.Record{Kind: incident.Opened, Key: &key, Fault: f, Text: f.Sentence})
	},
	"grown_since": func(s *story) {
		s.opened()
		f := s.history[0].Fault
		f.Evidence[0] = "lease/4e61da6a-4dc2-438b-84c4-249ed2adeb53/392/stale"
		f.Told[0].ID = f.Evidence[0]
		s.misses = s.fault("worker-7").Misses
		s.misses[0] = classifiers.Miss{Rule: "zone", Have: 3, Need: 4, Unit: "nodes", Text: "3 of 7 nodes of eu-west-1b lost within 1m, 4 would make it a zone"}
	},
	"claims_and_more": func(s *story) {
		s.key.Kind, s.key.Anchor = "data", "namespace/shop"
		key := s.key
		f := &classifiers.Fault{Kind: classifiers.KindData, Cluster: s.key.Cluster, Anchor: classifiers.Anchor{Kind: "namespace", Name: "shop"}, Since: s.now,
			Sentence: "4 claims of shop were deleted within 3s"}
		s.add(incident.Record{Kind: incident.Opened, Key: &key, Fault: f, Text: f.Sentence})
		s.seen = "212 claims of shop were deleted within 1m4s"
	},
	"gone": func(s *story) {
		s.opened().after(5 * time.Second).add(incident.Record{Kind: incident.Cleared, Text: "not seen any more, before anything was done"})
		s.after(2 * time.Minute).add(incident.Record{Kind: incident.Closed, Text: "gone before anything was done"})
	},
	"hostile": func(s *story) {
		key := s.key
		f := s.fault("worker\x1b[2J\r\n7; rm -rf ~")
		f.Signals = append(f.Signals, classifiers.Signal{Name: "alert\x07", Asked: true, Agrees: true,
			Detail: "<script>alert(1)</script> [pay](http://evil) ![x](y) | a | @everyone `code` \u202etxt \xff\u200b"})
		f.Evidence = []string{"a`b``c", "`", "c", "d"}
		f.Told = []classifiers.Told{{ID: "`", At: s.now, Text: "node \x1b[2J: <b> | \n| `x`"}}
		f.Misses = []classifiers.Miss{{Rule: "zone\x1b[1m", Text: "1 of 3 nodes of </b>\r\n| \u202e @everyone lost"}}
		f.Sentence = "# not a heading\n- nor a list <b>"
		s.add(incident.Record{Kind: incident.Opened, Key: &key, Fault: f, Standing: true, Text: f.Sentence})
	},
}

func TestStories(t *testing.T) {
	for name, write := range stories {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			write(s)
			compare(t, filepath.Join("testdata", name+".txtar"), renderAll(s))
		})
	}
}

func renderAll(s *story) *txtar.Archive {
	c := s.fold()
	var lines strings.Builder
	var stream Lines
	for _, rec := range s.history {
		lines.WriteString(stream.Line("prod-eu", "node/worker-7", rec) + "\n")
	}
	out := &txtar.Archive{Comment: []byte("Written by: go test ./internal/timeline -update\n"), Files: []txtar.File{
		{Name: "show", Data: []byte(Show(c))},
		{Name: "lines", Data: []byte(lines.String())},
	}}
	if plan, d := lastPlan(c.Incident); plan != nil {
		planned := Plan(Planned{Incident: c.Incident.Name(), Anchor: "node/worker-7", Cluster: "prod-eu", Phase: d.Phase, Plan: *plan, Answer: d.Answer,
			InForce: c.Incident.State == incident.Acting, Done: c.Incident.Next})
		out.Files = append(out.Files, txtar.File{Name: "plan", Data: []byte(planned)})
	}
	out.Files = append(out.Files, txtar.File{Name: "report", Data: []byte(Report(c))})
	return out
}

func compare(t *testing.T, path string, got *txtar.Archive) {
	t.Helper()
	text := txtar.Format(got)
	if *update {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(text)); diff != "" {
		t.Errorf("rendered differently (-want +got):\n%s", diff)
	}
}

// TestHarmless holds that no byte of an untrusted text reaches a terminal that could steer it, and that nothing of it is live in
// Markdown.
func TestHarmless(t *testing.T) {
	s := newStory(t)
	stories["hostile"](s)
	c := s.fold()
	line := new(Lines).Line("prod\x1beu", "node/\u202ex", s.history[0])
	for name, text := range map[string]string{"show": Show(c), "report": Report(c), "line": line} {
		for _, r := range text {
			if r != '\n' && (r < ' ' || r == 0x7f || r == '\u202e' || r == '\u200b' || r == '\uFFFD') {
				t.Errorf("%s holds %q", name, r)
			}
		}
	}
	for _, live := range []string{"<script", "<b>", "](http", "![x]", "@everyone", "\n# not", "\n- nor"} {
		if strings.Contains(Report(c), live) {
			t.Errorf("the report holds %q", live)
		}
	}
	if strings.Count(line, "\n") != 0 {
		t.Errorf("a line is several: %q", line)
	}
}

// TestWords holds that people read their words, not those of the code.
func TestWords(t *testing.T) {
	for name, write := range stories {
		s := newStory(t)
		write(s)
		c := s.fold()
		all := strings.ToLower(Show(c) + Report(c))
		for _, word := range []string{"digest", "brake", "confidence", "responder", "not_verified", "handed_over"} {
			if strings.Contains(all, word) {
				t.Errorf("%s says %q", name, word)
			}
		}
	}
}

// TestLinesInMidstream holds that a record whose plan was decided before the stream began is told, with what it holds itself.
func TestLinesInMidstream(t *testing.T) {
	s := newStory(t)
	s.recovers().checked(responders.OutcomeVerified)
	name := s.id.Name()
	var got []string
	for _, rec := range s.history[len(s.history)-2:] {
		got = append(got, new(Lines).Line("prod-eu", "node/worker-7", rec))
	}
	want := []string{
		"03:15:58 " + name + " prod-eu node/worker-7 step 3 fence 4m41s done",
		"03:16:18 " + name + " prod-eu node/worker-7 verified 1 check of plan " + s.plan().ShortDigest(),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines differ (-want +got):\n%s", diff)
	}
}

func TestLasting(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0.0s", 0: "0.0s", 400 * time.Millisecond: "0.4s", 9900 * time.Millisecond: "9.9s", 10 * time.Second: "10s",
		59900 * time.Millisecond: "59s", time.Minute: "1m00s", 281 * time.Second: "4m41s", 779 * time.Second: "12m59s",
		2*time.Hour + 3*time.Minute: "2h03m", 49 * time.Hour: "49h00m",
	} {
		if got := Lasting(d); got != want {
			t.Errorf("%d lasts %q, want %q", d, got, want)
		}
	}
}

func TestWord(t *testing.T) {
	for text, want := range map[string]string{"worker-7": "worker-7", "a b": "'a b'", "x;rm": "'x;rm'", "it's": `'it'\''s'`, "": "''", "$(id)": "'$(id)'", "a\nb": `'a\nb'`} {
		if got := word(text); got != want {
			t.Errorf("word(%q) = %s, want %s", text, got, want)
		}
	}
}

func TestResume(t *testing.T) {
	if got := Resume(policies.Pause{}); got != "salvor resume" {
		t.Errorf("fleet: %s", got)
	}
	if got := Resume(policies.Pause{Cluster: "prod-eu", Kind: "node", Target: "node/x"}); got != "salvor resume --cluster prod-eu --kind node --target node/x" {
		t.Errorf("scoped: %s", got)
	}
}
