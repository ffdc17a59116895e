package card

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

var update = flag.Bool("update", false, "write what is said as what is wanted")

// life is the history of one incident, as the engine would write it.
type life struct {
	t       *testing.T
	now     time.Time
	id      incident.ID
	history []incident.Sequenced
}

func newLife(t *testing.T, f *classifiers.Fault) *life {
	l := &life{t: t, now: time.Date(2026, 3, 1, 3, 11, 4, 0, time.UTC)}
	key := incident.KeyOf(*f)
	l.id = incident.IDOf(key, 41)
	return l.add(incident.Record{Kind: incident.Opened, Key: &key, Fault: f, Text: f.Sentence})
}

func (l *life) add(rec incident.Record) *life {
	rec.Schema, rec.Incident, rec.At, rec.Writer = incident.Schema, l.id, l.now, "salvor-0"
	l.history = append(l.history, incident.Sequenced{Record: rec, Seq: uint64(100 + len(l.history)), StoredAt: l.now})
	l.now = l.now.Add(10 * time.Second)
	return l
}

func (l *life) inc() *incident.Incident {
	l.t.Helper()
	inc, err := incident.Fold(l.history)
	if err != nil {
		l.t.Fatal(err)
	}
	return inc
}

func node() *classifiers.Fault {
	return &classifiers.Fault{Kind: classifiers.KindNode, Cluster: "prod-eu", Anchor: classifiers.Anchor{Kind: "node", Name: "worker-7", UID: "9b1c"},
		Signals:  []classifiers.Signal{{Name: "lease", Asked: true, Agrees: true, Detail: "not renewed for 26s"}, {Name: "ready condition", Asked: true}},
		Sentence: "worker-7 is silent: its Lease was not renewed for 26s"}
}

func zone() *classifiers.Fault {
	return &classifiers.Fault{Kind: classifiers.KindZone, Cluster: "prod-eu", Anchor: classifiers.Anchor{Kind: "zone", Name: "eu-west-1b"},
		Signals:  []classifiers.Signal{{Name: "leases", Asked: true, Agrees: true}, {Name: "witness", Asked: true, Agrees: true}},
		Sentence: "7 of 7 nodes of eu-west-1b are silent since 03:10; other zones 14 of 14 well"}
}

func planOfSteps(runbook string, class policies.Class) *responders.Plan {
	step := func(name, will string, class policies.Class) responders.Step {
		return responders.Step{Name: name, Change: responders.Change{Responder: "node." + name, Class: class, Will: []string{will}, DurationS: 30,
			Targets: []policies.Target{{Kind: "Node", Name: "worker-7", UID: "9b1c"}}}}
	}
	plan := responders.Plan{Runbook: runbook, Cluster: "prod-eu", Digest: "4f2a91c0ffee", Steps: []responders.Step{
		step("cordon", "worker-7 takes no new pods", policies.Reversible), step("fence", "the power switch turns worker-7 off", class)},
		Checks: []responders.Check{{Name: "available", SettleS: 15, Change: responders.Change{Will: []string{"3 workloads are available again"}}}}}
	if class >= policies.Destructive {
		plan.Steps[1].Change.DataLoss = "writes of 2 volumes since the node fell silent"
		plan.Steps[1].Change.Warnings = []string{"if worker-7 still runs, both copies may write to 2 volumes"}
	}
	return &plan
}

func (l *life) decided(plan *responders.Plan, answer policies.Decision, agreed bool, worse ...string) *life {
	return l.add(incident.Record{Kind: incident.Decided, Text: "as decided", Decided: &incident.Decision{Phase: incident.PhaseRecover, Plan: plan, Answer: answer, Agreed: agreed, Worse: worse}})
}

func asking(votes int) policies.Decision {
	return policies.Decision{Verdict: policies.Ask, Would: policies.Act, Reasons: []policies.Reason{{Text: "a node is at stake", Rule: "node.rego:3"}},
		Asks: &policies.Asks{Needs: []policies.Need{{Groups: []string{"sre-oncall"}, Votes: votes, EscalateTo: []string{"sre-leads"}}}, Votes: votes, WithinS: 600},
		Held: []policies.Reason{{Text: "the mode is ask: a person is asked first", Rule: "mode"}}}
}

func (l *life) says(person string, voice incident.Voice, via, reason string) *life {
	return l.add(incident.Record{Kind: incident.Voted, Text: fmt.Sprintf("%s says %s of plan 4f2a91", person, voice),
		Ballot: &incident.Ballot{Person: person, Groups: []string{"sre-oncall"}, Via: via, Says: voice, Plan: "4f2a91c0ffee", Reason: reason}})
}

func (l *life) step(kind incident.RecordKind, plan *responders.Plan, n int, detail ...string) *life {
	ref := &incident.StepRef{Phase: incident.PhaseRecover, Plan: plan.Digest, Index: n, Name: plan.Steps[n].Name, Deadline: l.now.Add(time.Minute)}
	if kind != incident.Intent {
		ref.TookS = 4.2
	}
	return l.add(incident.Record{Kind: kind, Step: ref, Detail: detail, Text: fmt.Sprintf("step %s: %s", plan.Steps[n].Name, kind)})
}

// lives are histories; what is said at their end is testdata/<name>.txt.
var lives = map[string]func(t *testing.T) *life{
	"confirmed": func(t *testing.T) *life { return newLife(t, node()) },
	"held": func(t *testing.T) *life {
		return newLife(t, node()).decided(planOfSteps("node-failure", policies.Disruptive), policies.Decision{Would: policies.Act,
			Held: []policies.Reason{{Text: "the mode is observe: nothing is done", Rule: "mode"}}}, false)
	},
	"asks": func(t *testing.T) *life {
		return newLife(t, node()).decided(planOfSteps("node-failure", policies.Disruptive), asking(1), false)
	},
	"asks_facts": func(t *testing.T) *life {
		plan := planOfSteps("zone-failure", policies.Disruptive)
		plan.Steps[0].Change.Facts = []responders.Fact{{Label: "Moves", Count: 2, Lines: []string{"deployment/shop/web: 3 pods", "deployment/shop/api: 2 pods"}},
			{Label: "Stays down", Count: 1, Lines: []string{"statefulset/shop/db: its volume is bound to eu-west-1b"}, Grave: true}}
		plan.Checks[0].Change.Facts = []responders.Fact{{Label: "Room left", Lines: []string{"61% of CPU"}}, {Label: "No\x1b[1m room", Grave: true, Count: 1}}
		return newLife(t, zone()).decided(plan, asking(1), false)
	},
	"asks_worse": func(t *testing.T) *life {
		return newLife(t, zone()).decided(planOfSteps("zone-failure", policies.Disruptive), asking(1), false).
			decided(planOfSteps("zone-failure", policies.Destructive), asking(1), false, "step fence is destructive now, and was disruptive")
	},
	"irreversible_half": func(t *testing.T) *life {
		return newLife(t, zone()).decided(planOfSteps("own-runbook", policies.Irreversible), asking(2), false).says("alice", incident.Hold, "slack", "").says("alice", incident.Approve, "slack", "it burns")
	},
	"rejected": func(t *testing.T) *life {
		return newLife(t, node()).decided(planOfSteps("node-failure", policies.Disruptive), asking(1), false).says("bob", incident.Reject, "token", "the rack is being moved")
	},
	"approved": func(t *testing.T) *life {
		return newLife(t, node()).decided(planOfSteps("node-failure", policies.Disruptive), asking(1), false).says("alice", incident.Approve, "slack", "")
	},
	"running": running,
	"failed": func(t *testing.T) *life {
		return running(t).step(incident.Failed, planOfSteps("node-failure", policies.Disruptive), 1, "worker-7 is not known to be off")
	},
	"partly": func(t *testing.T) *life {
		plan := planOfSteps("node-failure", policies.Disruptive)
		return running(t).step(incident.Done, plan, 1).add(incident.Record{Kind: incident.Checked, Outcome: responders.OutcomePartly, Text: "1 check of plan 4f2a91", Detail: []string{"deployment/shop/orders: 1 of 3 replicas available"}})
	},
	"recovered": func(t *testing.T) *life {
		plan := planOfSteps("node-failure", policies.Disruptive)
		return running(t).step(incident.Done, plan, 1).add(incident.Record{Kind: incident.Checked, Outcome: responders.OutcomeVerified})
	},
	"hostile": func(t *testing.T) *life {
		f := node()
		f.Anchor.Name = "<!channel> *bold* <https://evil|x>\n\u202eworker" + strings.Repeat("z", 5000)
		f.Cluster, f.Sentence = "prod\x1b[2J", "<script>alert(1)</script>\r\n@everyone"
		plan := planOfSteps("node-failure", policies.Destructive)
		plan.Steps[0].Change.Will = []string{"`code` & <b>\u200b " + strings.Repeat("y", 9000)}
		for i := range 50 {
			plan.Steps[1].Change.Warnings = append(plan.Steps[1].Change.Warnings, strings.Repeat("w", 400+i))
		}
		return newLife(t, f).decided(plan, asking(1), false)
	},
}

func running(t *testing.T) *life {
	plan := planOfSteps("node-failure", policies.Disruptive)
	return newLife(t, node()).decided(plan, asking(1), false).says("alice", incident.Approve, "slack", "").decided(plan, asking(1), true).
		step(incident.Intent, plan, 0).step(incident.Done, plan, 0).step(incident.Intent, plan, 1)
}

func TestOf(t *testing.T) {
	for name, write := range lives {
		t.Run(name, func(t *testing.T) {
			got := text(Of(write(t).inc(), Words{Severity: "SEV1", Progress: "1 of 3 machines"}))
			path := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("it says something else (-want +got):\n%s", diff)
			}
		})
	}
}

// TestNoButtonSurvives: at each record of each life verbs are there exactly while they may be said, and of the plan that is asked about.
func TestNoButtonSurvives(t *testing.T) {
	for name, write := range lives {
		whole := write(t).history
		for n := range whole {
			inc, err := incident.Fold(whole[:n+1])
			if err != nil {
				t.Fatal(err)
			}
			c := Of(inc, Words{})
			if votable := len(c.Verbs) > 0 && c.Verbs[0] == Approve; votable != (inc.Asking() != nil) || (c.Ask != nil) != votable {
				t.Errorf("%s at record %d (%s): verbs %v", name, n, inc.State, c.Verbs)
			}
			if inc.Asking() != nil && c.Plan != inc.Approval.Plan.Digest {
				t.Errorf("%s at record %d: verbs are about plan %s", name, n, c.Plan)
			}
		}
	}
}

// TestBounded: whatever labels hold, a card is one that can be set.
func TestBounded(t *testing.T) {
	for _, r := range text(Of(lives["hostile"](t).inc(), Words{})) {
		if r != '\n' && (r < ' ' || r == '\u202e' || r == '\u200b') {
			t.Errorf("it holds %q", r)
		}
	}
	c := Of(lives["hostile"](t).inc(), Words{})
	for _, f := range c.Facts {
		if len(f.Lines) > maxLines {
			t.Errorf("%s has %d lines", f.Label, len(f.Lines))
		}
		for _, l := range f.Lines {
			if n := len([]rune(l)); n > maxText {
				t.Errorf("%s has a line of %d characters", f.Label, n)
			}
		}
	}
}
