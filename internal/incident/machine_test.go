package incident

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

func TestTableHasNoHole(t *testing.T) {
	for _, state := range States() {
		for _, kind := range RecordKinds() {
			cell, ok := table[state][kind]
			if !ok {
				t.Errorf("no cell for %s in state %q", kind, state)
				continue
			}
			filled := 0
			for _, is := range []bool{cell.to != "", cell.by != nil, cell.deny != ""} {
				if is {
					filled++
				}
			}
			if filled != 1 {
				t.Errorf("the cell for %s in state %q says %d things, want one", kind, state, filled)
			}
		}
	}
	if len(table) != len(States()) {
		t.Errorf("the table has %d rows, there are %d states", len(table), len(States()))
	}
}

func TestEveryStateButTheEndCanBeLeftAndReached(t *testing.T) {
	reached := map[State]bool{Unopened: true}
	left := map[State]bool{}
	for _, walk := range lives() {
		inc := &Incident{}
		for n, rec := range walk.records {
			before := inc.State
			if err := inc.Apply(sequenced(rec, n)); err != nil {
				t.Fatalf("%s: %v", walk.name, err)
			}
			reached[inc.State] = true
			if inc.State != before {
				left[before] = true
			}
		}
		if inc.State != walk.ends {
			t.Errorf("%s ends at %s, want %s", walk.name, inc.State, walk.ends)
		}
	}
	for _, state := range States() {
		if !reached[state] {
			t.Errorf("no life reaches %s", state)
		}
		if !left[state] && state != Ended {
			t.Errorf("no life leaves %s", state)
		}
	}
}

type life struct {
	name    string
	records []Record
	ends    State
}

// lives are whole histories, one for each way an incident can go.
func lives() []life {
	p, u := testPlan("recover"), testPlan("undo")
	opened := record(Opened)
	act, undo := decided(PhaseRecover, policies.Act, p), decided(PhaseUndo, policies.Act, u)
	ran := func(phase Phase, plan *responders.Plan) []Record {
		var out []Record
		for n := range plan.Steps {
			out = append(out, stepped(Intent, phase, plan, n), stepped(Done, phase, plan, n))
		}
		return out
	}
	verified := Record{Kind: Checked, Outcome: responders.OutcomeVerified}
	standing := record(Opened)
	standing.Standing = true
	return []life{
		{"withdrawn", []Record{opened, record(Cleared), record(Closed)}, Ended},
		{"recovered and restored", join([]Record{opened, act}, ran(PhaseRecover, p), []Record{verified, record(Cleared), undo}, ran(PhaseUndo, u), []Record{record(Closed)}), Ended},
		{"held, then asked, then done", join([]Record{opened, decided(PhaseRecover, policies.Deny, p), decided(PhaseRecover, policies.Ask, p), act}, ran(PhaseRecover, p), []Record{verified}), Recovered},
		{"back in mid-plan", []Record{opened, act, stepped(Intent, PhaseRecover, p, 0), stepped(Done, PhaseRecover, p, 0), record(Cleared), undo}, Restoring},
		{"gone in mid-step", []Record{opened, act, stepped(Intent, PhaseRecover, p, 0), record(Cleared), undo}, Restoring},
		{"taken over", []Record{opened, act, stepped(Intent, PhaseRecover, p, 0), stepped(TookOver, PhaseRecover, p, 0), stepped(Done, PhaseRecover, p, 0)}, Acting},
		{"failed and tried again", []Record{opened, act, stepped(Intent, PhaseRecover, p, 0), stepped(Failed, PhaseRecover, p, 0), act}, Acting},
		{"not verified", join([]Record{opened, act}, ran(PhaseRecover, p), []Record{{Kind: Checked, Outcome: responders.OutcomePartly}}), HandedOver},
		{"standing, then it changes", []Record{standing, record(Recurred), record(Confirmed)}, Deciding},
		{"standing, then well", []Record{standing, record(Cleared)}, Clearing},
		{"flaps", []Record{opened, record(Cleared), record(Recurred), record(Confirmed), record(Handed)}, HandedOver},
		{"stopped in mid-step", []Record{opened, act, stepped(Intent, PhaseRecover, p, 0), halted(p, false), record(Cleared), record(Closed)}, Ended},
		{"stopped and taken back", join([]Record{opened, act, stepped(Intent, PhaseRecover, p, 0), halted(p, true), undo}, ran(PhaseUndo, u)), HandedOver},
		{"broken again while restored", join([]Record{opened, act}, ran(PhaseRecover, p), []Record{verified, record(Cleared), undo, record(Recurred)}), Suspected},
	}
}

func TestRefusedRecordsChangeNothing(t *testing.T) {
	p := testPlan("recover")
	other := testPlan("other")
	acting := []Record{record(Opened), decided(PhaseRecover, policies.Act, p)}
	cases := []struct {
		name   string
		before []Record
		rec    Record
		want   string
	}{
		{"second opening", []Record{record(Opened), record(Cleared), record(Recurred)}, record(Opened), "not confirmed"},
		{"effect without decision", acting[:1], stepped(Intent, PhaseRecover, p, 0), "no plan is being carried out"},
		{"decided while acting", acting, decided(PhaseRecover, policies.Act, p), "being carried out"},
		{"skipped step", acting, stepped(Intent, PhaseRecover, p, 1), "does not fit"},
		{"step of another plan", acting, stepped(Intent, PhaseRecover, other, 0), "does not fit"},
		{"result without intent", acting, stepped(Done, PhaseRecover, p, 0), "does not fit"},
		{"second intent", append(acting[:2:2], stepped(Intent, PhaseRecover, p, 0)), stepped(Intent, PhaseRecover, p, 0), "does not fit"},
		{"act without a plan", acting[:1], decided(PhaseRecover, policies.Act, nil), "does not fit"},
		{"undo before the fault cleared", acting[:1], decided(PhaseUndo, policies.Act, p), "does not fit"},
		{"stop of another plan", acting, halted(other, false), "does not fit"},
		{"stop of what is only held", []Record{record(Opened), decided(PhaseRecover, policies.Deny, p)}, halted(p, false), "does not fit"},
		{"stop of what has stopped", append(acting[:2:2], halted(p, false)), halted(p, false), "does not fit"},
		{"nothing was done, and is taken back", append(acting[:2:2], halted(p, true)), decided(PhaseUndo, policies.Act, other), "does not fit"},
		{"taken back twice", append(acting[:2:2], stepped(Intent, PhaseRecover, p, 0), halted(p, true)), halted(p, true), "does not fit"},
		{"a step after a stop", append(acting[:2:2], stepped(Intent, PhaseRecover, p, 0), halted(p, false)), stepped(Done, PhaseRecover, p, 0), "no done record in state handed_over"},
		{"anything after the end", []Record{record(Opened), record(Cleared), record(Closed)}, record(Noted), "closed"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inc, err := Fold(sequence(c.before))
			if err != nil {
				t.Fatal(err)
			}
			state, seq := inc.State, inc.Seq
			err = inc.Apply(sequenced(c.rec, 99))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("Apply = %v, want a refusal that says %q", err, c.want)
			}
			if inc.State != state || inc.Seq != seq {
				t.Errorf("the refused record moved the incident to %s (seq %d)", inc.State, inc.Seq)
			}
		})
	}
}

func TestUnknownSchemaMeansHandsOff(t *testing.T) {
	rec := sequenced(record(Opened), 1)
	rec.Schema = 2
	if _, err := Fold([]Sequenced{rec}); err == nil {
		t.Fatal("a record of schema 2 was folded")
	}
}

func TestFlapsCount(t *testing.T) {
	recs := []Record{record(Opened)}
	for range 4 {
		recs = append(recs, record(Cleared), record(Recurred))
	}
	inc, err := Fold(sequence(recs))
	if err != nil {
		t.Fatal(err)
	}
	if inc.Count != 5 {
		t.Errorf("count = %d, want 5", inc.Count)
	}
}

func TestNamesAreStableAndShort(t *testing.T) {
	id := IDOf(Key{"prod-eu", "node", "node/uid-1"}, 42)
	if got := id.Name(); got != id.Name() || len(got) != 8 || !strings.HasPrefix(got, "inc-") {
		t.Errorf("name = %q", got)
	}
	if IDOf(Key{"prod-eu", "node", "node/uid-1"}, 43) == id {
		t.Error("two openings of one key share an id")
	}
}

var t0 = time.Date(2026, 11, 22, 3, 11, 4, 0, time.UTC)

func record(kind RecordKind) Record {
	fault := classifiers.Fault{Kind: classifiers.KindNode, Cluster: "prod-eu", Anchor: classifiers.Anchor{Kind: "node", Name: "worker-1", UID: "uid-1"}}
	rec := Record{Kind: kind}
	switch kind {
	case Opened:
		key := KeyOf(fault)
		rec.Key, rec.Fault, rec.Incident = &key, &fault, IDOf(key, 1)
	case Recurred, Confirmed:
		rec.Fault, rec.WindowS = &fault, 15
	}
	return rec
}

func decided(phase Phase, v policies.Verdict, plan *responders.Plan) Record {
	answer := policies.Decision{Verdict: v}
	if v == policies.Ask {
		answer.Asks = &policies.Asks{Needs: []policies.Need{{Groups: []string{"sre"}, Votes: 1, EscalateTo: []string{"leads"}}}, Votes: 1, WithinS: 600, OnTimeout: "escalate", EscalateTo: []string{"leads"}}
	}
	return Record{Kind: Decided, Decided: &Decision{Phase: phase, Plan: plan, Answer: answer}}
}

func stepped(kind RecordKind, phase Phase, plan *responders.Plan, n int) Record {
	return Record{Kind: kind, Writer: "a", Nonce: fmt.Sprint(n), Step: &StepRef{Phase: phase, Plan: plan.Digest, Index: n, Name: plan.Steps[n].Name}}
}

func halted(plan *responders.Plan, undo bool) Record {
	return Record{Kind: Halted, Halt: &Halt{Person: "ada", Plan: plan.Digest, Undo: undo}}
}

func testPlan(name string) *responders.Plan {
	plan, err := responders.Plan{Runbook: name, Steps: []responders.Step{
		{Name: "first", Change: responders.Change{Class: policies.Reversible}},
		{Name: "second", Change: responders.Change{Class: policies.Disruptive}},
	}}.Seal()
	if err != nil {
		panic(err)
	}
	return &plan
}

func sequence(recs []Record) []Sequenced {
	var out []Sequenced
	for n, rec := range recs {
		out = append(out, sequenced(rec, n))
	}
	return out
}

func sequenced(rec Record, n int) Sequenced {
	rec.Schema = Schema
	if rec.At.IsZero() {
		rec.At = t0.Add(time.Duration(n) * time.Second)
	}
	return Sequenced{Record: rec, Seq: uint64(n + 1), StoredAt: rec.At}
}

func join(parts ...[]Record) []Record {
	var out []Record
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func TestUpcomingMoves(t *testing.T) {
	terms := Terms{Retry: 15 * time.Second, Healthy: 2 * time.Minute, Attempts: 3, Flaps: 3}
	found := &classifiers.Finding{Fault: *record(Opened).Fault, Window: 15 * time.Second}
	anew := &classifiers.Finding{Fault: found.Fault, Window: time.Hour}
	anew.Since = t0
	p := testPlan("recover")
	at := func(s int) time.Time { return t0.Add(time.Duration(s) * time.Second) }
	opened := record(Opened)
	again := []Record{opened, record(Cleared), record(Recurred)}
	act := decided(PhaseRecover, policies.Act, p)
	done := []Record{opened, act, stepped(Intent, PhaseRecover, p, 0), stepped(Done, PhaseRecover, p, 0)}
	u := testPlan("undo")
	undoFails := []Record{record(Cleared), decided(PhaseUndo, policies.Act, u), stepped(Intent, PhaseUndo, u, 0), stepped(Failed, PhaseUndo, u, 0)}
	undone := join(done, undoFails)
	thrice := join(undone, undoFails, undoFails)
	cases := []struct {
		name    string
		history []Record
		sight   Sight
		do      Doing
		kind    RecordKind
		phase   Phase
	}{
		{"waits for the window", again, Sight{Now: at(5), Finding: found}, Wait, "", ""},
		{"confirms after the window", again, Sight{Now: at(17), Finding: found}, Append, Confirmed, ""},
		{"does not confirm what it cannot see", again, Sight{Now: at(17), Blind: true}, Wait, "", ""},
		{"clears before the window ends", again, Sight{Now: at(5)}, Append, Cleared, ""},
		{"decides", []Record{opened}, Sight{Now: at(20), Finding: found}, Decide, "", PhaseRecover},
		{"does not decide while its window begins anew", []Record{opened}, Sight{Now: at(20), Finding: anew}, Wait, "", ""},
		{"nor upon what was held", []Record{opened, decided(PhaseRecover, policies.Deny, p)}, Sight{Now: at(30), Finding: anew}, Wait, "", ""},
		{"nor begins a step", done, Sight{Now: at(9), Finding: anew}, Wait, "", ""},
		{"does not decide blind", []Record{opened}, Sight{Now: at(20), Blind: true}, Wait, "", ""},
		{"held plans wait", []Record{opened, decided(PhaseRecover, policies.Deny, p)}, Sight{Now: at(5), Finding: found}, Wait, "", ""},
		{"held plans are looked at again", []Record{opened, decided(PhaseRecover, policies.Deny, p)}, Sight{Now: at(30), Finding: found}, Decide, "", PhaseRecover},
		{"steps", done, Sight{Now: at(9), Finding: found}, Step, "", ""},
		{"does not step when the fault is gone", done, Sight{Now: at(9)}, Append, Cleared, ""},
		{"resumes an open intent", done[:3], Sight{Now: at(9), Finding: found}, Resume, "", ""},
		{"gone after a step: waits the healthy delay", append(done[:4:4], record(Cleared)), Sight{Now: at(60)}, Wait, "", ""},
		{"then takes back what was done", append(done[:4:4], record(Cleared)), Sight{Now: at(300)}, Decide, "", PhaseUndo},
		{"nothing done: closes", []Record{opened, record(Cleared)}, Sight{Now: at(300)}, Append, Closed, ""},
		{"does not close blind", []Record{opened, record(Cleared)}, Sight{Now: at(300), Blind: true}, Wait, "", ""},
		{"stopped: rests", append(done[:4:4], halted(p, false)), Sight{Now: at(5), Finding: found}, Wait, "", ""},
		{"stopped, and gone", append(done[:4:4], halted(p, false)), Sight{Now: at(60)}, Append, Cleared, ""},
		{"stopped and gone: closes with what was done", append(done[:4:4], halted(p, false), record(Cleared)), Sight{Now: at(300)}, Append, Closed, ""},
		{"stopped, to be taken back: at once", append(done[:4:4], halted(p, true)), Sight{Now: at(5), Finding: found}, Decide, "", PhaseUndo},
		{"refused to take it back: later again", append(done[:4:4], halted(p, true), decided(PhaseUndo, policies.Deny, u)), Sight{Now: at(7), Finding: found}, Wait, "", ""},
		{"and then", append(done[:4:4], halted(p, true), decided(PhaseUndo, policies.Deny, u)), Sight{Now: at(30), Finding: found}, Decide, "", PhaseUndo},
		{"takes it back though it is seen", append(done[:4:4], halted(p, true), decided(PhaseUndo, policies.Act, u)), Sight{Now: at(7), Finding: found}, Step, "", ""},
		{"back again", []Record{opened, record(Cleared)}, Sight{Now: at(3), Finding: found}, Append, Recurred, ""},
		{"a failed plan is tried again later", append(done[:3:3], stepped(Failed, PhaseRecover, p, 0)), Sight{Now: at(60), Finding: found}, Decide, "", PhaseRecover},
		{"an undo that failed waits", undone, Sight{Now: at(10)}, Wait, "", ""},
		{"and is tried again", undone, Sight{Now: at(40)}, Append, Cleared, ""},
		{"ever less often", thrice, Sight{Now: at(15 + 59)}, Wait, "", ""},
		{"but without end", thrice, Sight{Now: at(15 + 61)}, Append, Cleared, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inc, err := Fold(sequence(c.history))
			if err != nil {
				t.Fatal(err)
			}
			got := inc.Upcoming(c.sight, terms)
			if diff := cmp.Diff([]any{c.do, c.kind, c.phase}, []any{got.Do, got.Record.Kind, got.Phase}); diff != "" {
				t.Errorf("move from %s (-want +got):\n%s", inc.State, diff)
			}
			if got.Do == Append {
				if err := inc.Admits(got.Record); err != nil {
					t.Errorf("the move is refused: %v", err)
				}
			}
			if got.Record.Fault != nil && !inc.Retells() {
				t.Errorf("%s records the fault, and nobody was told that it may", inc.State)
			}
			if got.Do == Wait && !got.Until.After(c.sight.Now) {
				t.Errorf("waits until %s, which is past", got.Until)
			}
		})
	}
}

func TestFlappingEndsWithAPerson(t *testing.T) {
	recs := []Record{record(Opened)}
	for range 4 {
		recs = append(recs, record(Cleared), record(Recurred))
	}
	inc, err := Fold(sequence(append(recs, record(Confirmed))))
	if err != nil {
		t.Fatal(err)
	}
	found := &classifiers.Finding{Fault: *record(Opened).Fault}
	got := inc.Upcoming(Sight{Now: t0.Add(time.Hour), Finding: found}, Terms{Flaps: 3, Attempts: 3})
	if got.Do != Append || got.Record.Kind != Handed {
		t.Errorf("move = %+v, want a person to go on", got)
	}
}

// TestAfterFlappingFurtherReturnsLeaveNoRecord: who was told that it flaps keeps it until it has stayed away.
func TestAfterFlappingFurtherReturnsLeaveNoRecord(t *testing.T) {
	terms := Terms{Retry: 15 * time.Second, Healthy: 2 * time.Minute, Flaps: 1, Attempts: 3}
	flapped := []Record{record(Opened), record(Cleared), record(Recurred), record(Confirmed), record(Handed)}
	gone := append(flapped[:5:5], record(Cleared))
	tried := append([]Record{record(Opened), decided(PhaseRecover, policies.Act, testPlan("recover")), stepped(Intent, PhaseRecover, testPlan("recover"), 0),
		stepped(Failed, PhaseRecover, testPlan("recover"), 0)}, flapped[1:]...)
	found := &classifiers.Finding{Fault: *record(Opened).Fault}
	now := t0.Add(time.Hour)
	for _, c := range []struct {
		name    string
		history []Record
		sight   Sight
		do      Doing
		kind    RecordKind
	}{
		{"seen again", flapped, Sight{Now: now, Finding: found}, Rest, ""},
		{"seen again, and tried before", tried, Sight{Now: now, Finding: found}, Rest, ""},
		{"nobody sees", flapped, Sight{Now: now, Blind: true}, Rest, ""},
		{"gone, for how long is not known", flapped, Sight{Now: now}, Wait, ""},
		{"gone for a minute", flapped, Sight{Now: now, Away: now.Add(-time.Minute)}, Wait, ""},
		{"gone for two", flapped, Sight{Now: now, Away: now.Add(-2 * time.Minute)}, Append, Cleared},
		{"then it closes at once", gone, Sight{Now: t0.Add(6 * time.Second), Away: t0.Add(-2 * time.Minute)}, Append, Closed},
	} {
		inc, err := Fold(sequence(c.history))
		if err != nil {
			t.Fatal(err)
		}
		if got := inc.Upcoming(c.sight, terms); got.Do != c.do || got.Record.Kind != c.kind {
			t.Errorf("%s: %+v, want %v %s", c.name, got, c.do, c.kind)
		}
	}
}

// Without a window there is nothing to wait for, and taking back what was done is no attempt at a recovery.
func TestDecidingAtOnceAndCountingAttempts(t *testing.T) {
	p, u := testPlan("recover"), testPlan("undo")
	opened := record(Opened)
	inc, err := Fold(sequence([]Record{opened, decided(PhaseRecover, policies.Act, p), record(Cleared), decided(PhaseUndo, policies.Act, u)}))
	if err != nil {
		t.Fatal(err)
	}
	if inc.Attempts != 1 || inc.State != Restoring {
		t.Errorf("%d attempts in state %s, want 1 in %s", inc.Attempts, inc.State, Restoring)
	}
}

// TestWhatAPlanDidIsNotForgotten: of an incident that is held after a plan failed nobody is told that nothing was done.
func TestWhatAPlanDidIsNotForgotten(t *testing.T) {
	p := testPlan("recover")
	held := decided(PhaseRecover, policies.Deny, p)
	for want, history := range map[string][]Record{
		"not seen any more, before anything was done": {record(Opened), held},
		"not seen any more":                           {record(Opened), decided(PhaseRecover, policies.Act, p), stepped(Intent, PhaseRecover, p, 0), stepped(Failed, PhaseRecover, p, 0), held},
	} {
		inc, err := Fold(sequence(history))
		if err != nil {
			t.Fatal(err)
		}
		if got := inc.Upcoming(Sight{Now: t0.Add(time.Hour)}, Terms{}); got.Record.Kind != Cleared || got.Record.Text != want {
			t.Errorf("got %+v, want %q", got, want)
		}
	}
}
