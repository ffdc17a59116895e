package sim

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/approval"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ingest"
	"github.com/salvor-io/salvor/internal/judging"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/internal/people"
	"github.com/salvor-io/salvor/internal/pipeline"
	"github.com/salvor-io/salvor/internal/recovery"
	"github.com/salvor-io/salvor/policies"
)

// Bug is a mistake that is planted, to see that the oracle finds it.
type Bug string

// The bugs. NoBug is Salvor as it is.
const (
	NoBug           Bug = ""
	BugStale        Bug = "acts on stale data"
	BugNoBudget     Bug = "counts without what is in flight"
	BugEarlyAck     Bug = "acknowledges before it writes"
	BugOneWitness   Bug = "trusts one witness"
	BugScopeID      Bug = "makes the id of the scope"
	BugHasty        Bug = "waits for no window"
	BugNoTimers     Bug = "forgets to look again"
	BugNoUndo       Bug = "takes nothing back"
	BugUnguarded    Bug = "asks no guard before a write"
	BugBlindHands   Bug = "does not look before it does"
	BugDeafToPauses Bug = "does not hear pauses"
	BugBlindIsGone  Bug = "takes what it cannot see for gone"
	BugNoBrakes     Bug = "lets rules pass the brakes"
	BugNarrow       Bug = "knows no zones"
	BugStranger     Bug = "counts the vote of a stranger"
	BugTwice        Bug = "counts one person twice"
	BugAnyPlan      Bug = "counts a vote for any plan"
	BugNoNo         Bug = "takes a rejection for consent"
	BugSilence      Bug = "takes silence for consent"
	BugNoStop       Bug = "says that it stops, and goes on"
)

// Bugs are all that can be planted.
func Bugs() []Bug {
	return []Bug{BugStale, BugNoBudget, BugEarlyAck, BugOneWitness, BugScopeID, BugHasty, BugNoTimers, BugNoUndo, BugUnguarded, BugBlindHands, BugDeafToPauses,
		BugBlindIsGone, BugNoBrakes, BugNarrow, BugStranger, BugTwice, BugAnyPlan, BugNoNo, BugSilence, BugNoStop}
}

// judges are the judges with the bug.
func (b Bug) judges(all *judging.Judgement) *judging.Judgement {
	mine := *all
	mine.Classifiers = slices.Clone(all.Classifiers)
	for i, c := range mine.Classifiers {
		switch c.(type) {
		case classifiers.Region:
			if b == BugOneWitness {
				mine.Classifiers[i] = gullible{}
			}
		case classifiers.Zone:
			if b == BugScopeID {
				mine.Classifiers[i] = scoped{c}
			}
			if b == BugNarrow {
				mine.Classifiers[i] = nothing{}
			}
		}
	}
	if b == BugHasty {
		for i, c := range mine.Classifiers {
			mine.Classifiers[i] = hurried{c}
		}
	}
	if b == BugNoBrakes {
		mine.Decider = brakeless{all.Decider}
	}
	return &mine
}

// gullible finds a region lost when one witness does not reach it.
type gullible struct{}

// Classify implements classifiers.Classifier.
func (gullible) Classify(v *classifiers.View) []classifiers.Finding {
	var out []classifiers.Finding
	for name, c := range v.Clusters {
		for _, p := range c.Probes {
			if p.Witness && !p.Up {
				out = append(out, classifiers.Finding{Window: 15 * time.Second, Fault: classifiers.Fault{Kind: classifiers.KindRegion, Cluster: name,
					Anchor: classifiers.Anchor{Kind: "region", Name: name}, Since: p.Since, Sentence: "one witness says so"}})
				break
			}
		}
	}
	return out
}

// scoped anchors what it finds at the set of what is broken.
type scoped struct{ classifiers.Classifier }

// Classify implements classifiers.Classifier.
func (s scoped) Classify(v *classifiers.View) []classifiers.Finding {
	out := s.Classifier.Classify(v)
	for i := range out {
		out[i].Anchor.UID = strings.Join(out[i].Scope.Nodes, ",")
	}
	return out
}

// hurried takes what it sees for what lasts.
type hurried struct{ classifiers.Classifier }

// Classify implements classifiers.Classifier.
func (h hurried) Classify(v *classifiers.View) []classifiers.Finding {
	out := h.Classifier.Classify(v)
	for i := range out {
		out[i].Window = 0
	}
	return out
}

type nothing struct{}

// Classify implements classifiers.Classifier.
func (nothing) Classify(*classifiers.View) []classifiers.Finding { return nil }

// brakeless lets pass what the rules let pass.
type brakeless struct{ policies.Decider }

// Decide implements policies.Decider.
func (b brakeless) Decide(ctx context.Context, q policies.Question) (policies.Decision, error) {
	d, err := b.Decider.Decide(ctx, q)
	d.Verdict = d.Would
	return d, err
}

// claim is what is taken.
func (b Bug) claim(c *ledger.Claim) *ledger.Claim {
	if c == nil {
		return nil
	}
	mine := *c
	if b == BugNoBudget {
		mine.Admit = nil
	}
	return &mine
}

// budget is what is known to be in flight.
func (b Bug) budget(now ledger.Budget) ledger.Budget {
	if b == BugNoBudget {
		return ledger.Budget{}
	}
	return now
}

// sights are what the engine sees.
func (b Bug) sights(r *run) func(recovery.Sights) recovery.Sights {
	switch b {
	case BugStale:
		return func(s recovery.Sights) recovery.Sights { return timeless{s, r} }
	case BugBlindIsGone:
		return func(s recovery.Sights) recovery.Sights { return sure{s} }
	}
	return nil
}

// timeless takes what it knows for what is now.
type timeless struct {
	recovery.Sights
	run *run
}

// Look implements recovery.Sights.
func (t timeless) Look(inc *incident.Incident) pipeline.Look {
	look := t.Sights.Look(inc)
	look.Sight.Now = t.run.clock.Now()
	look.Seq = max(look.Seq, inc.ViewSeq)
	return look
}

// sure sees everything.
type sure struct{ recovery.Sights }

// Look implements recovery.Sights.
func (s sure) Look(inc *incident.Incident) pipeline.Look {
	look := s.Sights.Look(inc)
	look.Sight.Blind = false
	return look
}

// intake is the log as the intake reaches it.
func (b Bug) intake(r *run) ingest.Appender {
	if b == BugEarlyAck {
		return hasty{r}
	}
	return r.log
}

// hasty says that it has recorded, and does so later.
type hasty struct{ run *run }

// Append implements ingest.Appender.
func (h hasty) Append(_ context.Context, evs ...events.Event) ([]events.Receipt, error) {
	h.run.later(10*time.Second, func() { h.run.log.offer(evs...) })
	return make([]events.Receipt, len(evs)), nil
}

// tick is the event of a second that has passed.
func (r *run) tick(now time.Time) events.Event {
	return r.event(fmt.Sprintf("tick/%d", now.Unix()), events.TypeTick, events.Fleet, "tick/clock", events.Tick{Second: now.Unix()})
}

// result asks the oracle.
func (r *run) result() Result {
	r.oracle.ends()
	out := Result{Seed: r.seed, FalseWide: r.falseWide, Seen: Matrix{}, Duties: Duties{}, Events: len(r.log.events), Effects: len(r.oracle.done), Incidents: len(r.oracle.order)}
	out.Missed = r.recall.judge(out.Seen, out.Duties)
	out.Wrong = r.oracle.wrong
	for _, p := range r.replicas {
		out.Lives += p.lives
	}
	return out
}

// ofPeople says that a bug shows only where people are asked.
func (b Bug) ofPeople() bool {
	return slices.Contains([]Bug{BugStranger, BugTwice, BugAnyPlan, BugNoNo, BugSilence}, b)
}

// takenFor is who somebody is taken for who says something for the nth time, and what they are taken to say. A plan is asked about now.
func (b Bug) takenFor(what said, nth int, now string) (people.Person, approval.Said) {
	who, told := what.soul.person(), approval.Said{Voice: what.voice, Plan: what.plan, Reason: "sim"}
	switch {
	case b == BugStranger:
		who.Role, who.Groups = people.Operator, []string{"sre-oncall", "owners"}
	case b == BugTwice && nth > 0:
		who.Name = "U-" + who.Name
	case b == BugAnyPlan:
		told.Plan = now
	case b == BugNoNo && what.voice == incident.Reject:
		told.Voice = incident.Approve
	}
	return who, told
}

// hears is what is recorded of what an engine would have recorded.
func (b Bug) hears(inc *incident.Incident, rec incident.Record) incident.Record {
	if b != BugSilence || rec.Kind != incident.Reminded || inc.Approval == nil {
		return rec
	}
	ballot := &incident.Ballot{Person: "salvor", Groups: []string{"sre-oncall", "owners"}, Says: incident.Approve, Plan: inc.Approval.Plan.Digest}
	rec.Kind, rec.Ballot = incident.Voted, ballot
	return rec
}
