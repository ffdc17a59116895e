package incident

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

func voted(at int, plan *responders.Plan, says Voice, person string, groups ...string) Record {
	return Record{Kind: Voted, At: after(at), Ballot: &Ballot{Person: person, Groups: groups, Says: says, Plan: plan.Digest}}
}

func after(s int) time.Time { return t0.Add(time.Duration(s) * time.Second) }

func at(s int, rec Record) Record {
	rec.At = after(s)
	return rec
}

// asking is an incident that people are asked about since second 0: one of sre within ten minutes, then also the leads.
func asking(p *responders.Plan) []Record {
	return []Record{record(Opened), at(0, decided(PhaseRecover, policies.Ask, p))}
}

func agreedOn(at int, p *responders.Plan) Record {
	rec := decided(PhaseRecover, policies.Ask, p)
	rec.At, rec.Decided.Agreed = after(at), true
	return rec
}

func TestWhatPeopleSay(t *testing.T) {
	p, other := testPlan("recover"), testPlan("other")
	less := lesser(p)
	escalated := at(600, record(Escalated))
	for name, c := range map[string]struct {
		then []Record
		want State
		why  string // the last record is refused with this
	}{
		"approved":                              {[]Record{voted(5, p, Approve, "ada", "sre")}, Deciding, ""},
		"approved, then begun":                  {[]Record{voted(5, p, Approve, "ada", "sre"), agreedOn(6, p)}, Acting, ""},
		"begun though only a part is left":      {[]Record{voted(5, p, Approve, "ada", "sre"), agreedOn(6, less)}, Acting, ""},
		"begun without consent":                 {[]Record{agreedOn(6, p)}, Awaiting, "does not fit"},
		"begun with more than was approved of":  {[]Record{at(1, decided(PhaseRecover, policies.Ask, less)), voted(5, less, Approve, "ada", "sre"), agreedOn(6, p)}, Deciding, "does not fit"},
		"begun too late":                        {[]Record{voted(5, p, Approve, "ada", "sre"), agreedOn(605, p)}, Deciding, "does not fit"},
		"begun twice by one consent":            {[]Record{voted(5, p, Approve, "ada", "sre"), agreedOn(6, p), at(7, stepped(Intent, PhaseRecover, p, 0)), at(8, stepped(Failed, PhaseRecover, p, 0)), agreedOn(9, p)}, HandedOver, "does not fit"},
		"approved by somebody who is not asked": {[]Record{voted(5, p, Approve, "eve", "dev")}, Awaiting, "does not fit"},
		"approved by nobody":                    {[]Record{voted(5, p, Approve, "", "sre")}, Awaiting, "does not fit"},
		"approved of another plan":              {[]Record{voted(5, other, Approve, "ada", "sre")}, Awaiting, "does not fit"},
		"approved too late":                     {[]Record{voted(600, p, Approve, "ada", "sre")}, Awaiting, "does not fit"},
		"rejected":                              {[]Record{voted(5, p, Reject, "ada", "sre")}, HandedOver, ""},
		"approved after it was rejected":        {[]Record{voted(5, p, Reject, "ada", "sre"), voted(6, p, Approve, "bob", "sre")}, HandedOver, "a person has it"},
		"approved after it was approved":        {[]Record{voted(5, p, Approve, "ada", "sre"), voted(6, p, Approve, "bob", "sre")}, Deciding, "no plan"},
		"held, then approved late":              {[]Record{voted(5, p, Hold, "ada", "sre"), voted(1400, p, Approve, "bob", "sre")}, Deciding, ""},
		"held twice":                            {[]Record{voted(5, p, Hold, "ada", "sre"), voted(6, p, Hold, "bob", "sre")}, Awaiting, "does not fit"},
		"says what nobody knows":                {[]Record{voted(5, p, "maybe", "ada", "sre")}, Awaiting, "does not fit"},
		"escalated":                             {[]Record{escalated, voted(700, p, Approve, "lea", "leads")}, Deciding, ""},
		"a lead before it is escalated":         {[]Record{voted(5, p, Approve, "lea", "leads")}, Awaiting, "does not fit"},
		"escalated before the time is over":     {[]Record{at(599, record(Escalated))}, Awaiting, "does not fit"},
		"escalated twice":                       {[]Record{escalated, at(1200, record(Escalated))}, Awaiting, "does not fit"},
		"expired while others are left":         {[]Record{at(600, record(Expired))}, Awaiting, "does not fit"},
		"expired":                               {[]Record{escalated, at(1200, record(Expired))}, HandedOver, ""},
		"expired before the time is over":       {[]Record{escalated, at(1199, record(Expired))}, Awaiting, "does not fit"},
		"reminded twice":                        {[]Record{at(300, record(Reminded)), at(301, record(Reminded))}, Awaiting, "does not fit"},
		"gone":                                  {[]Record{at(5, record(Cleared)), voted(6, p, Approve, "ada", "sre")}, Clearing, "not seen"},
		"held back by a brake meanwhile":        {[]Record{voted(5, p, Approve, "ada", "sre"), at(6, decided(PhaseRecover, policies.Deny, p)), agreedOn(60, p)}, Acting, ""},
		"asked anew: older votes do not count":  {[]Record{at(6, decided(PhaseRecover, policies.Ask, other)), voted(7, p, Approve, "ada", "sre")}, Awaiting, "does not fit"},
		"another occurrence is another consent": {[]Record{voted(5, p, Approve, "ada", "sre"), at(6, record(Cleared)), at(7, record(Recurred)), at(30, record(Confirmed)), agreedOn(31, p)}, Deciding, "does not fit"},
	} {
		t.Run(name, func(t *testing.T) {
			inc, err := Fold(sequence(asking(p)))
			for n, rec := range c.then {
				if err != nil {
					t.Fatal(err)
				}
				if lead, cannot := inc.Leads(rec); cannot == nil && n == len(c.then)-1 && lead != c.want {
					t.Errorf("it would lead to %s", lead)
				}
				err = inc.Apply(sequenced(rec, n+2))
			}
			if c.why == "" && err != nil || c.why != "" && (err == nil || !strings.Contains(err.Error(), c.why)) {
				t.Errorf("error %v, want one with %q", err, c.why)
			}
			if inc.State != c.want {
				t.Errorf("it is %s, want %s", inc.State, c.want)
			}
		})
	}
}

// lesser does a part of a plan: its first step is done already.
func lesser(p *responders.Plan) *responders.Plan {
	less := *p
	less.Steps = slices.Clone(p.Steps)
	less.Steps[0].Change.Nothing, less.Steps[0].Change.Class = true, policies.Observe
	less, err := less.Seal()
	if err != nil {
		panic(err)
	}
	return &less
}

// TestLookingChangesNothing: who only asks where a record would lead leaves the ballots alone.
func TestLookingChangesNothing(t *testing.T) {
	p := testPlan("recover")
	records := asking(p)
	records[1].Decided.Answer.Asks.Votes = 3
	inc, err := Fold(sequence(append(records, voted(3, p, Approve, "ada", "sre"))))
	if err != nil {
		t.Fatal(err)
	}
	before := *inc.Approval
	for _, rec := range []Record{voted(4, p, Approve, "bob", "sre"), voted(4, p, Hold, "bob", "sre"), at(4, record(Reminded)), at(600, record(Escalated))} {
		if err := inc.Admits(rec); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(before, *inc.Approval); diff != "" {
		t.Errorf("looking changed it: %s", diff)
	}
}

func TestMovesWhilePeopleAreAsked(t *testing.T) {
	terms := Terms{Retry: 15 * time.Second, Healthy: time.Minute, Attempts: 3, Flaps: 3}
	p := testPlan("recover")
	found := &classifiers.Finding{Fault: *record(Opened).Fault}
	reminded, escalated := at(300, record(Reminded)), at(600, record(Escalated))
	for name, c := range map[string]struct {
		then   []Record
		now    int
		looked int
		do     Doing
		kind   RecordKind
		until  int
	}{
		"waits for the next look":                 {nil, 5, 0, Wait, "", 15},
		"looks again":                             {nil, 20, 0, Decide, "", 0},
		"waits for the reminder":                  {nil, 290, 290, Wait, "", 300},
		"reminds":                                 {nil, 300, 290, Append, Reminded, 0},
		"reminds once":                            {[]Record{reminded}, 301, 300, Wait, "", 315},
		"waits for the end of the time":           {[]Record{reminded}, 595, 595, Wait, "", 600},
		"escalates":                               {[]Record{reminded}, 600, 595, Append, Escalated, 0},
		"reminds those too whom it escalated to":  {[]Record{reminded, escalated}, 900, 890, Append, Reminded, 0},
		"expires":                                 {[]Record{reminded, escalated, at(900, record(Reminded))}, 1200, 1190, Append, Expired, 0},
		"does not look while somebody is on it":   {[]Record{voted(10, p, Hold, "ada", "sre"), reminded}, 400, 0, Wait, "", 910},
		"looks when they should have come to it":  {[]Record{voted(10, p, Hold, "ada", "sre"), at(750, record(Reminded))}, 910, 0, Decide, "", 0},
		"gives who is on it more time":            {[]Record{voted(10, p, Hold, "ada", "sre"), at(750, record(Reminded))}, 1499, 1495, Wait, "", 1500},
		"looks whether what was refused is worse": {[]Record{voted(10, p, Reject, "ada", "sre")}, 60, 0, Decide, "", 0},
		"decides at once what was approved of":    {[]Record{voted(10, p, Approve, "ada", "sre")}, 10, 0, Decide, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			inc, err := Fold(sequence(append(asking(p), c.then...)))
			if err != nil {
				t.Fatal(err)
			}
			got := inc.Upcoming(Sight{Now: after(c.now), Looked: after(c.looked), Finding: found}, terms)
			if got.Do != c.do || got.Record.Kind != c.kind || c.until > 0 && !got.Until.Equal(after(c.until)) {
				t.Errorf("move %d %s until %s, want %d %s until %s", got.Do, got.Record.Kind, got.Until, c.do, c.kind, after(c.until))
			}
			if got.Do == Append {
				got.Record.At = after(c.now)
				if err := inc.Admits(got.Record); err != nil {
					t.Errorf("the move is refused: %v", err)
				}
			}
		})
	}
}

func fold(t *testing.T, recs ...Record) *Incident {
	t.Helper()
	inc, err := Fold(sequence(recs))
	if err != nil {
		t.Fatal(err)
	}
	return inc
}

// askingFor asks so many of sre, about a plan that goes beyond the one before in some way, or not.
func askingFor(s, votes int, p *responders.Plan, worse ...string) Record {
	rec := at(s, decided(PhaseRecover, policies.Ask, p))
	asks := *rec.Decided.Answer.Asks
	asks.Votes, asks.Needs = votes, []policies.Need{{Groups: []string{"sre"}, Votes: votes, EscalateTo: []string{"leads"}}}
	rec.Decided.Answer.Asks, rec.Decided.Worse = &asks, worse
	return rec
}

func TestPolicyChangesItsMind(t *testing.T) {
	p := testPlan("recover")
	ada := voted(5, p, Approve, "ada", "sre")
	if inc := fold(t, record(Opened), askingFor(0, 2, p), ada, askingFor(6, 1, p)); inc.State != Deciding || inc.Consent == nil || inc.Rounds != 1 {
		t.Errorf("%s in round %d: one is enough by now, and has approved", inc.State, inc.Rounds)
	}
	if inc := fold(t, record(Opened), askingFor(0, 1, p), ada, askingFor(6, 2, p)); inc.State != Awaiting || len(inc.Approval.Ballots) != 1 || inc.Rounds != 1 {
		t.Errorf("%s in round %d: another one has to approve, and what was said counts", inc.State, inc.Rounds)
	}
	if inc := fold(t, record(Opened), askingFor(0, 1, p), ada, askingFor(605, 1, p)); inc.State != Awaiting || len(inc.Approval.Ballots) != 0 {
		t.Errorf("%s: a consent that is over is asked for again", inc.State)
	}
	if inc := fold(t, record(Opened), askingFor(0, 2, p), ada, askingFor(6, 2, testPlan("worse"), "it is worse")); inc.Rounds != 2 || len(inc.Approval.Ballots) != 0 {
		t.Errorf("round %d with %d ballots: what is worse was not approved of", inc.Rounds, len(inc.Approval.Ballots))
	}
}

// TestABrakeStopsTheClock: while something else holds the plan back nobody can answer, and what was said counts after that.
func TestABrakeStopsTheClock(t *testing.T) {
	p := testPlan("recover")
	recs := []Record{record(Opened), askingFor(0, 2, p), voted(5, p, Approve, "ada", "sre"), at(100, decided(PhaseRecover, policies.Deny, p)), at(200, decided(PhaseRecover, policies.Deny, p))}
	if inc := fold(t, recs...); inc.State != Held || inc.Asking() != nil {
		t.Errorf("%s, asking %v", inc.State, inc.Asking())
	}
	inc := fold(t, append(recs, askingFor(400, 2, p))...)
	if inc.State != Awaiting || len(inc.Approval.Ballots) != 1 || !inc.Approval.Until.Equal(after(900)) || inc.Rounds != 1 {
		t.Errorf("%s in round %d until %s with %d ballots", inc.State, inc.Rounds, inc.Approval.Until, len(inc.Approval.Ballots))
	}
}

// TestNobodyIsGivenUpUnreminded: where no replica was there at half of the time, people have as much again.
func TestNobodyIsGivenUpUnreminded(t *testing.T) {
	p := testPlan("recover")
	sight := Sight{Now: after(5000), Looked: after(5000), Finding: &classifiers.Finding{Fault: *record(Opened).Fault}}
	move := fold(t, asking(p)...).Upcoming(sight, Terms{Retry: time.Second})
	if move.Record.Kind != Reminded || move.Record.Text != "5m0s are left to decide" {
		t.Errorf("move %+v", move)
	}
	if inc := fold(t, append(asking(p), at(5000, move.Record))...); !inc.Approval.Until.Equal(after(5300)) {
		t.Errorf("until %s", inc.Approval.Until)
	}
}

// TestReminderBeforeAStop: all replicas were stopped after it. That is made up for once.
func TestReminderBeforeAStop(t *testing.T) {
	p := testPlan("recover")
	recs := append(asking(p), at(300, record(Reminded)))
	sight := Sight{Now: after(5000), Looked: after(5000), Finding: &classifiers.Finding{Fault: *record(Opened).Fault}}
	move := fold(t, recs...).Upcoming(sight, Terms{Retry: time.Second})
	recs = append(recs, at(5000, move.Record))
	inc := fold(t, recs...)
	if move.Record.Kind != Reminded || !inc.Approval.Until.Equal(after(5300)) {
		t.Fatalf("move %+v, until %s", move, inc.Approval.Until)
	}
	sight.Now = after(9000)
	if move = inc.Upcoming(sight, Terms{Retry: time.Second}); move.Record.Kind != Escalated {
		t.Errorf("the second time: %+v", move)
	}
}

// TestWhoStandsInForOthersThanWereAsked has to wait until those do not answer either.
func TestWhoStandsInForOthersThanWereAsked(t *testing.T) {
	p := testPlan("recover")
	dba := at(705, decided(PhaseRecover, policies.Ask, p))
	asks := policies.Asks{Needs: []policies.Need{{Groups: []string{"dba"}, Votes: 1, EscalateTo: []string{"leads"}}}, Votes: 1, WithinS: 600}
	dba.Decided.Answer.Asks = &asks
	recs := append(asking(p), at(600, record(Escalated)), voted(700, p, Approve, "lea", "leads"))
	if inc := fold(t, recs...); inc.State != Deciding || inc.Agreed(PhaseRecover, p, dba.Decided.Answer, after(705)) {
		t.Errorf("%s: the dba were never asked", inc.State)
	}
	inc := fold(t, append(recs, dba)...)
	if inc.State != Awaiting || inc.Approval.Lacks().People != 1 || !inc.Approval.escalates() {
		t.Errorf("%s, lacks %+v", inc.State, inc.Approval.Lacks())
	}
}

// TestConsentIsToOnePlan: what policy let run instead was not approved of.
func TestConsentIsToOnePlan(t *testing.T) {
	p, other := testPlan("recover"), testPlan("other")
	approved := append(asking(p), voted(5, p, Approve, "ada", "sre"))
	for name, c := range map[string]struct {
		start Record
		want  bool
	}{
		"the plan itself": {at(6, decided(PhaseRecover, policies.Act, p)), true}, "another": {at(6, decided(PhaseRecover, policies.Act, other)), false},
		"the plan, when consent is over": {at(700, decided(PhaseRecover, policies.Act, p)), false},
	} {
		inc := fold(t, append(approved, c.start)...)
		if got := inc.GoesOn(decided(PhaseRecover, policies.Ask, p).Decided.Answer); inc.State != Acting || got != c.want {
			t.Errorf("%s: %s, goes on where policy asks: %v, want %v", name, inc.State, got, c.want)
		}
	}
}

func TestWhoIsOnePerson(t *testing.T) {
	p := testPlan("recover")
	socket := func(s int, name string) Record {
		rec := voted(s, p, Approve, name, "sre")
		rec.Ballot.Via = "socket"
		return rec
	}
	inc := fold(t, record(Opened), askingFor(0, 2, p), socket(1, "root"))
	for _, again := range []Record{socket(2, "salvor"), voted(2, p, Approve, "ROOT", "sre")} {
		if err := inc.Admits(again); err == nil {
			t.Errorf("%s counts beside root", again.Ballot.Person)
		}
	}
	if err := inc.Admits(voted(2, p, Approve, "ada", "sre")); err != nil {
		t.Error(err)
	}
}

func TestWhatIsTakenBack(t *testing.T) {
	p, u := testPlan("recover"), testPlan("undo")
	undo := decided(PhaseUndo, policies.Ask, u)
	undo.Decided.Agreed = true
	run := append(asking(p), voted(5, p, Approve, "ada", "sre"), agreedOn(6, p), at(7, stepped(Intent, PhaseRecover, p, 0)), at(8, stepped(Done, PhaseRecover, p, 0)))
	flapped := join(run, []Record{at(9, record(Cleared)), at(10, record(Recurred)), at(11, record(Cleared))})
	if inc := fold(t, append(flapped, at(12, undo))...); inc.State != Restoring {
		t.Errorf("%s: they approved of what is taken back", inc.State)
	}
	asks := policies.Asks{Needs: []policies.Need{{Groups: []string{"dba"}, Votes: 1}}, Votes: 1}
	more := testPlan("undo")
	more.Steps[0].Change.Targets = []policies.Target{{Kind: "Node", Name: "another"}}
	for why, change := range map[string]func(d *Decision){
		"the dba were not asked": func(d *Decision) { d.Answer.Asks = &asks }, "it touches more than they approved of": func(d *Decision) { d.Plan = more },
	} {
		rec, d := at(12, undo), *undo.Decided
		change(&d)
		rec.Decided = &d
		inc := fold(t, flapped...)
		if err := inc.Admits(rec); err == nil {
			t.Errorf("taken back by a consent though %s", why)
		}
		d.Agreed = false
		if err := inc.Apply(sequenced(rec, 99)); err != nil || inc.State != Clearing || !inc.NeedsPerson() {
			t.Errorf("%s: %v, %s, needs a person: %v", why, err, inc.State, inc.NeedsPerson())
		}
	}
}

func TestWorse(t *testing.T) {
	target := func(name string) policies.Target {
		return policies.Target{Kind: "Node", Name: name, UID: "uid-" + name}
	}
	base := func() *responders.Plan {
		p := *testPlan("recover")
		p.Steps = slices.Clone(p.Steps)
		p.Steps[0].Change.Targets, p.Steps[0].OnFailure = []policies.Target{target("a"), target("b")}, responders.OnFailureStop
		p.Checks = []responders.Check{{Name: "available", Change: responders.Change{Responder: "workload.available"}}}
		return &p
	}
	for want, change := range map[string]func(p *responders.Plan){
		"": func(p *responders.Plan) {
			p.Steps[0].Change.Targets = p.Steps[0].Change.Targets[:1]
			p.Steps[1].Change.Class = policies.Observe
		},
		"targets of step first: 1 more: node/c (uid-c)": func(p *responders.Plan) { p.Steps[0].Change.Targets = []policies.Target{target("a"), target("c")} },
		"targets of step first: 1 more: node/a (other)": func(p *responders.Plan) {
			p.Steps[0].Change.Targets = []policies.Target{{Kind: "Node", Name: "a", UID: "other"}}
		},
		"step second is destructive now, and was disruptive":         func(p *responders.Plan) { p.Steps[1].Change.Class = policies.Destructive },
		"data loss of step second: all of today (was: none)":         func(p *responders.Plan) { p.Steps[1].Change.DataLoss = "all of today" },
		"warnings of step second: 1 more: beware":                    func(p *responders.Plan) { p.Steps[1].Change.Warnings = []string{"beware"} },
		"the plan goes on when step first fails, and stopped before": func(p *responders.Plan) { p.Steps[0].OnFailure = responders.OnFailureContinue },
		"1 steps instead of 2":                                       func(p *responders.Plan) { p.Steps = p.Steps[1:] },
		"another step: second () instead of first ()":                func(p *responders.Plan) { p.Steps[0], p.Steps[1] = p.Steps[1], p.Steps[0] },
		"available is not checked at its end any more":               func(p *responders.Plan) { p.Checks = nil },
		"another runbook: other instead of recover":                  func(p *responders.Plan) { p.Runbook = "other" },
	} {
		p := base()
		change(p)
		got := Worse(p, base())
		if want == "" && len(got) > 0 || want != "" && (len(got) == 0 || got[0] != want) {
			t.Errorf("worse in %v, want %q", got, want)
		}
	}
}

func TestWorseByRecoveryPoint(t *testing.T) {
	at := func(minute int, loss string) *responders.Plan {
		p := *testPlan("recover")
		p.Steps = slices.Clone(p.Steps)
		p.Steps[1].Change.Point = &responders.RecoveryPoint{Kind: "Backup", Name: fmt.Sprint("nightly-", minute), At: time.Date(2026, 3, 2, 2, minute, 0, 0, time.UTC)}
		p.Steps[1].Change.DataLoss = loss
		return &p
	}
	none, loses := testPlan("recover"), *testPlan("recover")
	loses.Steps = slices.Clone(loses.Steps)
	loses.Steps[1].Change.DataLoss = "a day"
	for _, c := range []struct {
		name      string
		now, then *responders.Plan
		want      string
	}{
		{"the same, later", at(10, "62 min"), at(10, "61 min"), ""},
		{"a newer one", at(20, "62 min"), at(10, "61 min"), ""},
		{"an older one", at(10, "61 min"), at(20, "61 min"), "step second leads back to 2026-03-02 02:10:00 UTC (nightly-10) instead of 2026-03-02 02:20:00 UTC (nightly-20)"},
		{"one where there was none", at(10, ""), none, "step second leads back to 2026-03-02 02:10:00 UTC (nightly-10), and led back to nothing before"},
		{"none where there was one", none, at(10, "61 min"), ""},
		{"a loss by nothing that is brought back", &loses, at(10, "61 min"), "data loss of step second: a day (was: 61 min)"},
	} {
		if got := strings.Join(Worse(c.now, c.then), "; "); got != c.want {
			t.Errorf("%s: worse in %q, want %q", c.name, got, c.want)
		}
	}
}

func TestWorseByWhatPeopleKnow(t *testing.T) {
	plan := func(facts ...responders.Fact) *responders.Plan {
		p := *testPlan("recover")
		p.Checks = []responders.Check{{Name: "available", Change: responders.Change{Responder: "x", Facts: facts}}}
		return &p
	}
	down := func(lines ...string) responders.Fact { return responders.FactOf("Stays down", true, lines) }
	many := make([]string, 40)
	for i := range many {
		many[i] = fmt.Sprintf("w%d: bound to the zone", i)
	}
	for _, c := range []struct {
		now, then *responders.Plan
		want      string
	}{
		{plan(down("db: snapshot 02:00")), plan(down("db: snapshot 01:00", "web: no snapshot")), ""},
		{plan(down("db: x", "web: y")), plan(down("db: x")), "stays down: 1 more: web"},
		{plan(down("web: y")), plan(down("db: x")), "stays down: 1 more: web"},
		{plan(down("db: x")), plan(), "stays down: 1 more: db"},
		{plan(down(many...)), plan(down(many[:30]...)), "stays down: 40 instead of 30"},
		{plan(down(many[:30]...)), plan(down(many...)), ""},
		{plan(responders.FactOf("Moves", false, many)), plan(), ""},
	} {
		got := Worse(c.now, c.then)
		if c.want == "" && len(got) > 0 || c.want != "" && !slices.Equal(got, []string{c.want}) {
			t.Errorf("worse in %q, want %q", got, c.want)
		}
	}
}
