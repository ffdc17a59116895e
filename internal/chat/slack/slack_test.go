package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/approval"
	"github.com/salvor-io/salvor/internal/card"
	"github.com/salvor-io/salvor/internal/chat"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/internal/ledger/memory"
	"github.com/salvor-io/salvor/internal/people"
	"github.com/salvor-io/salvor/internal/recovery"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/test/slackd"
)

// places keeps where messages are.
type places struct {
	mu   sync.Mutex
	kept map[string]json.RawMessage
	at   map[string]uint64
}

func (p *places) ChatPlace(_ context.Context, id incident.ID, channel string) (json.RawMessage, uint64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kept[string(id)+channel], p.at[string(id)+channel], nil
}

func (p *places) KeepChatPlace(_ context.Context, id incident.ID, channel string, after uint64, place json.RawMessage) (uint64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := string(id) + channel
	if p.at[key] != after {
		return 0, ledger.ErrLost
	}
	p.kept[key], p.at[key] = place, after+1
	return after + 1, nil
}

// office is a workspace before a stand-in of Slack, with a desk and one incident.
type office struct {
	*slackd.Server
	t      *testing.T
	store  *memory.Store
	id     incident.ID
	space  *Workspace
	poster *chat.Poster
	places *places
	class  policies.Class
	logs   *strings.Builder
}

func (o *office) Authorize(_ context.Context, inc *incident.Incident, p policies.Person) (recovery.Stored, uint64, error) {
	q := policies.Question{About: policies.AboutAuthorize, Now: time.Now(), Person: p}
	return recovery.Stored{Question: q, Decision: policies.Settle(policies.Said{}, q)}, inc.ViewSeq, nil
}

func (*office) Signer() string { return "" }

// syncWriter lets several write logs.
type syncWriter struct {
	mu  sync.Mutex
	out *strings.Builder
}

func (w *syncWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.Write(b)
}

// open opens an office; over says whether presses come over a socket or by HTTP.
func open(t *testing.T, socket bool, class policies.Class) *office {
	t.Helper()
	o := &office{t: t, class: class, store: memory.New(memory.Options{Now: time.Now}), places: &places{kept: map[string]json.RawMessage{}, at: map[string]uint64{}}, logs: &strings.Builder{}}
	opt := slackd.Options{Workspace: "T1", BotToken: "xoxb-1", AppToken: "xapp-1", SigningSecret: "secret", Channels: []string{"C1"}, Burst: 50}
	mux := http.NewServeMux()
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	if !socket {
		opt.Interactivity = web.URL + Path
	}
	var err error
	if o.Server, err = slackd.Start(opt); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	o.begin(socket, web, mux)
	return o
}

func (o *office) begin(socket bool, web *httptest.Server, mux *http.ServeMux) {
	log := slog.New(slog.NewTextHandler(&syncWriter{out: o.logs}, nil))
	desk := &approval.Desk{Ledger: o.store.Writer("desk"), Authorizer: o, Policy: o, Lost: ledger.ErrLost, Log: log}
	directory, err := people.NewDirectory([]people.Entry{account("ada", "U1", people.Operator), account("bob", "U2", people.Operator), account("vera", "U3", people.Viewer),
		{Name: "fred", Role: people.Operator, Groups: []string{"oncall"}, Accounts: []people.Account{{Via: people.ViaSlack, Place: "T2", ID: "U1"}}}}, 1)
	if err != nil {
		o.t.Fatal(err)
	}
	set := Options{Workspace: "T1", BotToken: "xoxb-1", APIURL: o.URL, Groups: map[string]string{"oncall": "S1"}, Link: web.URL, Clock: time.Now, Log: log,
		Reception: &chat.Reception{People: directory, Desk: desk, Incident: o.store.Writer("read").Load, Log: log}}
	if socket {
		set.AppToken = "xapp-1"
	} else {
		set.SigningSecret = "secret"
	}
	o.space = New(set)
	mux.Handle(Path, o.space)
	o.incident(nil)
	o.poster = o.replica("r1")
	o.runs(o.space.Run)
	o.runs(o.poster.Run)
	if socket {
		o.until("a connection", func() bool { return o.Connected() == 1 })
	}
	o.until("the message", func() bool { return len(o.Messages("C1")) > 0 })
}

func (o *office) replica(name string) *chat.Poster {
	return chat.New(chat.Options{Replica: name, Routes: []chat.Route{{Channel: o.space.Channel("C1")}}, Words: func(*incident.Incident) card.Words { return card.Words{Severity: "SEV1"} },
		Incidents: func() []incident.Incident { return []incident.Incident{*o.inc()} }, Ledger: o.places, Lost: ledger.ErrLost, Clock: time.Now, Pace: time.Millisecond, Log: slog.New(slog.DiscardHandler)})
}

func account(name, user string, role people.Role) people.Entry {
	return people.Entry{Name: name, Role: role, Groups: []string{"oncall"}, Accounts: []people.Account{{Via: people.ViaSlack, Place: "T1", ID: user}}}
}

// runs runs something until the end of the test.
func (o *office) runs(run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); <-ended })
	o.t.Cleanup(stop)
	return stop
}

func (o *office) until(what string, so func() bool) {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := o.Until(ctx, so); err != nil {
		o.t.Fatalf("%s: %v; logged:\n%s", what, err, o.logs)
	}
}

func planOf(name string, class policies.Class, will string) *responders.Plan {
	p, err := responders.Plan{Runbook: "node-failure", Steps: []responders.Step{{Name: name, Change: responders.Change{Class: class, Will: []string{will}}}}}.Seal()
	if err != nil {
		panic(err)
	}
	return &p
}

// incident opens the incident, of a fault that may be otherwise than usual, and asks one of those on call.
func (o *office) incident(hostile func(*classifiers.Fault)) {
	f := classifiers.Fault{Kind: classifiers.KindNode, Cluster: "prod-eu", Anchor: classifiers.Anchor{Kind: "node", Name: "w1", UID: "uid-1"}, Sentence: "w1 is silent"}
	if hostile != nil {
		hostile(&f)
	}
	key := incident.KeyOf(f)
	inc, err := o.store.Writer("engine").OpenIncident(o.t.Context(), incident.Record{Kind: incident.Opened, At: time.Now(), Key: &key, Fault: &f}, 0)
	if err != nil {
		o.t.Fatal(err)
	}
	o.id = inc.ID
	o.ask(planOf("cordon", o.class, "w1 takes no pods"))
}

func (o *office) ask(p *responders.Plan) {
	o.t.Helper()
	votes := 1
	if p.Class() >= policies.Irreversible {
		votes = 2
	}
	o.add(incident.Record{Kind: incident.Decided, Decided: &incident.Decision{Phase: incident.PhaseRecover, Plan: p, Answer: policies.Decision{Verdict: policies.Ask, Would: policies.Ask,
		Asks: &policies.Asks{Needs: []policies.Need{{Groups: []string{"oncall"}, Votes: votes}}, Votes: votes, WithinS: 600}}}})
}

func (o *office) add(rec incident.Record) {
	o.t.Helper()
	rec.At = time.Now()
	if _, err := o.store.Writer("engine").Append(o.t.Context(), o.inc(), rec); err != nil {
		o.t.Fatal(err)
	}
	if o.poster != nil {
		o.poster.Wake()
	}
}

func (o *office) inc() *incident.Incident {
	inc, err := o.store.Writer("read").Load(context.Background(), o.id)
	if err != nil {
		panic(err)
	}
	return inc
}

func (o *office) message() slackd.Message { return o.Messages("C1")[0] }

func (o *office) press(user, label string) {
	o.t.Helper()
	if err := o.Press(o.t.Context(), slackd.Somebody{User: user}, o.message(), label); err != nil {
		o.t.Fatal(err)
	}
}

// told waits until somebody is told something privately.
func (o *office) told(user, what string) {
	o.t.Helper()
	o.until(user+" is told "+what, func() bool {
		return slices.ContainsFunc(o.Private(user), func(text string) bool { return strings.Contains(text, what) })
	})
}

func (o *office) noButtons() {
	o.t.Helper()
	o.poster.Wake()
	o.until("the buttons are gone", func() bool { b := o.message().Buttons(); return len(b) == 1 && b[0].Label == "Details" })
}

// TestApprove: over either road a press counts once, is answered privately, and the buttons go.
func TestApprove(t *testing.T) {
	for _, socket := range []bool{true, false} {
		t.Run(fmt.Sprint("socket ", socket), func(t *testing.T) {
			o := open(t, socket, policies.Disruptive)
			o.press("U1", "Approve")
			o.told("U1", "Your approval counts")
			if b := o.inc().Consent; b == nil || b.Ballots[0].Person != "ada" || b.Ballots[0].Via != people.ViaSlack {
				t.Errorf("consent is %+v", b)
			}
			o.poster.Wake()
			o.until("nobody can approve any more", func() bool { return o.message().Buttons()[0].Label == "Stop here" })
		})
	}
}

// TestReject asks for a reason in a dialog, and takes none that is empty.
func TestReject(t *testing.T) {
	o := open(t, true, policies.Disruptive)
	o.press("U1", "Reject")
	o.until("the dialog", func() bool { return len(o.Views("U1")) == 1 })
	if wrong, err := o.Submit(t.Context(), slackd.Somebody{User: "U1"}, map[string]string{"reason": "  "}); err != nil || wrong["reason"] == "" {
		t.Fatalf("an empty reason is taken: %v %v", wrong, err)
	}
	if wrong, err := o.Submit(t.Context(), slackd.Somebody{User: "U1"}, map[string]string{"reason": "the rack is moved"}); err != nil || len(wrong) > 0 {
		t.Fatalf("%v %v", wrong, err)
	}
	o.told("U1", "You have rejected the plan")
	if inc := o.inc(); inc.State != incident.HandedOver || inc.History[len(inc.History)-1].Ballot.Reason != "the rack is moved" {
		t.Errorf("it is %s", inc.State)
	}
	o.noButtons()
}

// TestIrreversible: there is no button that approves; the cluster's name has to be typed, and a press that goes around the dialog does not
// count.
func TestIrreversible(t *testing.T) {
	o := open(t, true, policies.Irreversible)
	if b := o.message().Buttons()[0]; b.Label != "Approve…" {
		t.Fatalf("the first button is %q", b.Label)
	}
	around := o.message().Buttons()[0]
	around.Value = strings.Replace(around.Value, `,"k":"prod-eu"`, "", 1)
	if err := o.PressButton(t.Context(), slackd.Somebody{User: "U2"}, o.message(), around); err != nil {
		t.Fatal(err)
	}
	o.told("U2", "has to be typed")
	o.press("U1", "Approve…")
	o.until("the dialog", func() bool { return len(o.Views("U1")) == 1 })
	if wrong, err := o.Submit(t.Context(), slackd.Somebody{User: "U1"}, map[string]string{"typed": "prod"}); err != nil || wrong["typed"] == "" {
		t.Fatalf("a wrong name is taken: %v %v", wrong, err)
	}
	if wrong, err := o.Submit(t.Context(), slackd.Somebody{User: "U1"}, map[string]string{"typed": "prod-eu"}); err != nil || len(wrong) > 0 {
		t.Fatalf("%v %v", wrong, err)
	}
	o.told("U1", "it takes 1 more")
}

// TestTwoPeoplePressAtOnce: one of them decides, the other is told who did.
func TestTwoPeoplePressAtOnce(t *testing.T) {
	o := open(t, true, policies.Disruptive)
	m := o.message()
	var both sync.WaitGroup
	for i, user := range []string{"U1", "U2"} {
		both.Go(func() {
			time.Sleep(time.Duration(i) * 50 * time.Millisecond)
			if err := o.Press(context.Background(), slackd.Somebody{User: user}, m, "Approve"); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	o.until("both are answered", func() bool { return len(o.Private("U1")) == 1 && len(o.Private("U2")) == 1 })
	all := strings.Join(append(o.Private("U1"), o.Private("U2")...), "\n")
	if !strings.Contains(all, "Your approval counts") || !strings.Contains(all, "it is decided since") {
		t.Errorf("they are told:\n%s", all)
	}
}

// TestWhoIsNotListenedTo: strangers and people of other workspaces are told so alone, and it is recorded, once each.
func TestWhoIsNotListenedTo(t *testing.T) {
	o := open(t, true, policies.Disruptive)
	m := o.message()
	for _, who := range []slackd.Somebody{{User: "U9"}, {User: "U9"}, {User: "U1", Team: "T2"}} {
		for _, label := range []string{"Approve", "Reject", "I'm on it"} {
			if err := o.Press(t.Context(), who, m, label); err != nil {
				t.Fatal(err)
			}
		}
	}
	o.until("all are answered", func() bool { return len(o.Private("U9")) == 6 && len(o.Private("U1")) == 3 })
	if n := len(o.Views("U9")) + len(o.Views("U1")); n != 0 {
		t.Errorf("%d dialogs are opened", n)
	}
	o.press("U3", "Approve")
	o.told("U3", "vera is viewer")
	notes, votes := 0, 0
	for _, rec := range o.inc().History {
		switch rec.Kind {
		case incident.Noted:
			notes++
		case incident.Voted:
			votes++
		}
	}
	if notes != 3 || votes != 0 {
		t.Errorf("%d notes and %d votes, want one note for each of three and no vote", notes, votes)
	}
}

// TestStop: while a plan is worked on it can be stopped, by a button that asks once more, and the buttons are gone after it.
func TestStop(t *testing.T) {
	o := open(t, true, policies.Disruptive)
	o.press("U1", "Approve")
	o.told("U1", "Your approval counts")
	consent := o.inc().Consent
	o.add(incident.Record{Kind: incident.Decided, Decided: &incident.Decision{Phase: incident.PhaseRecover, Plan: consent.Plan, Agreed: true, Answer: policies.Decision{Verdict: policies.Ask,
		Asks: &policies.Asks{Needs: []policies.Need{{Groups: []string{"oncall"}, Votes: 1}}, Votes: 1}}}})
	o.until("the buttons that stop it", func() bool { b := o.message().Buttons(); return len(b) > 1 && b[0].Label == "Stop here" })
	o.press("U2", "Stop here")
	o.told("U2", "Bob stopped plan")
	if inc := o.inc(); inc.State != incident.HandedOver {
		t.Errorf("it is %s", inc.State)
	}
	o.noButtons()
}

// TestStaleButton: what was on the screen before the plan changed does not count for the new one.
func TestStaleButton(t *testing.T) {
	o := open(t, true, policies.Disruptive)
	m := o.message()
	o.ask(planOf("cordon", policies.Disruptive, "w2 takes no pods"))
	if err := o.Press(t.Context(), slackd.Somebody{User: "U1"}, m, "Approve"); err != nil {
		t.Fatal(err)
	}
	o.told("U1", "is asked about by now")
	if o.inc().State != incident.Awaiting {
		t.Errorf("it is %s", o.inc().State)
	}
}

// TestDecidedElsewhere: the buttons go when somebody decides on the command line, and those whom it asks no more can still press in vain.
func TestDecidedElsewhere(t *testing.T) {
	o := open(t, true, policies.Disruptive)
	m := o.message()
	if _, err := o.space.Reception.Desk.Say(t.Context(), people.Person{Name: "ada", Role: people.Operator, Groups: []string{"oncall"}, Via: "token"}, o.id,
		approval.Said{Voice: incident.Reject, Plan: o.inc().Approval.Plan.Digest, Reason: "no"}); err != nil {
		t.Fatal(err)
	}
	o.noButtons()
	if err := o.Press(t.Context(), slackd.Somebody{User: "U2"}, m, "Approve"); err != nil {
		t.Fatal(err)
	}
	o.told("U2", "it is decided since")
}

// TestRestart posts no second message, and connects again when Slack asks for it.
func TestRestart(t *testing.T) {
	o := open(t, true, policies.Disruptive)
	o.Refresh()
	o.until("a connection anew", func() bool { return o.Connected() == 1 })
	o.places.mu.Lock()
	for key := range o.places.kept { // it died after it had posted, before it could say where
		o.places.kept[key] = json.RawMessage(`{"holder":"r0","until":"2020-01-01T00:00:00Z","seq":1}`)
		o.places.at[key]++
	}
	o.places.mu.Unlock()
	o.runs(o.replica("r2").Run)
	o.until("it is edited", func() bool { return o.message().Edits > 0 })
	for _, m := range o.Messages("C1")[1:] {
		if m.Thread == "" {
			t.Errorf("there is a second message: %s", m.Text)
		}
	}
	o.press("U1", "Approve")
	o.told("U1", "Your approval counts")
}

// TestForgeries: nothing of it is taken, all of it is logged.
func TestForgeries(t *testing.T) {
	o := open(t, false, policies.Disruptive)
	b := o.message().Buttons()[0]
	raw, err := json.Marshal(map[string]any{"type": "block_actions", "team": map[string]any{"id": "T1"}, "user": map[string]any{"id": "U1", "team_id": "T1"}, "channel": map[string]any{"id": "C1"},
		"actions": []any{map[string]any{"type": "button", "action_id": b.Action, "block_id": b.Block, "value": b.Value}}})
	if err != nil {
		t.Fatal(err)
	}
	body := url.Values{"payload": {string(raw)}}.Encode()
	other := &slackd.Server{Options: slackd.Options{SigningSecret: "guess"}}
	good := o.Sign(time.Now(), body)
	for name, header := range map[string]http.Header{
		"no signature": {}, "another secret": other.Sign(time.Now(), body), "old": o.Sign(time.Now().Add(-6*time.Minute), body), "of tomorrow": o.Sign(time.Now().Add(6*time.Minute), body),
		"of another body": o.Sign(time.Now(), body+"&x=1"), "no time": {"X-Slack-Signature": good["X-Slack-Signature"]},
		"another time":    {"X-Slack-Signature": good["X-Slack-Signature"], "X-Slack-Request-Timestamp": {fmt.Sprint(time.Now().Unix() + 60)}},
		"another version": {"X-Slack-Signature": {"v1" + good.Get("X-Slack-Signature")[2:]}, "X-Slack-Request-Timestamp": good["X-Slack-Request-Timestamp"]},
	} {
		if _, err := o.Send(t.Context(), header, body); err == nil || !strings.Contains(err.Error(), "401") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(o.inc().Approval.Ballots) != 0 {
		t.Fatal("a forgery counts")
	}
	if _, err := o.Send(t.Context(), o.Sign(time.Now(), strings.Repeat("x", maxBody+1)), strings.Repeat("x", maxBody+1)); err == nil || !strings.Contains(err.Error(), "413") {
		t.Errorf("too large: %v", err)
	}
	if _, err := o.Send(t.Context(), good, body); err != nil {
		t.Fatal(err)
	}
	o.told("U1", "Your approval counts")
	loud := good.Clone()
	loud.Set("X-Slack-Signature", "v0="+strings.ToUpper(good.Get("X-Slack-Signature")[3:]))
	for name, again := range map[string]http.Header{"replayed": good, "replayed in capitals": loud} {
		if _, err := o.Send(t.Context(), again, body); err == nil || !strings.Contains(err.Error(), "401") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestHostileLabels: whatever labels hold, Slack takes the message, and nothing of it is markup.
func TestHostileLabels(t *testing.T) {
	nasty := "<!channel> <@U1> *bold* <https://evil|x> @here &amp; `code` " + strings.Repeat("z", 2000)
	o := open(t, true, policies.Destructive)
	o.store = memory.New(memory.Options{Now: time.Now})
	o.incident(func(f *classifiers.Fault) { f.Anchor.Name, f.Sentence, f.Cluster = nasty, nasty, nasty })
	plan := planOf("cordon", policies.Destructive, nasty)
	for range 40 {
		step := plan.Steps[0]
		step.Change.Warnings, step.Change.DataLoss = []string{nasty + fmt.Sprint(len(plan.Steps))}, nasty
		plan.Steps = append(plan.Steps, step)
	}
	o.ask(plan)
	channel := o.space.Channel("C1")
	c := card.Of(o.inc(), card.Words{Severity: nasty})
	c.Ask.Worse, c.Ask.Groups = []string{nasty}, []string{nasty, "oncall"}
	at, err := channel.Post(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := channel.Tell(t.Context(), at, chat.Aside{Lines: c.Log, Call: true, Card: c}); err != nil {
		t.Fatal(err)
	}
	for _, m := range o.Messages("C1") {
		if m.TS != at && m.Thread != at {
			continue
		}
		live := m.Text + marked(m.Blocks)
		live = strings.ReplaceAll(live, "<!subteam^S1>", "")
		for _, bad := range []string{"<!channel", "<@", "<https", "<!subteam"} {
			if strings.Contains(live, bad) {
				t.Errorf("%q is live in %.200s", bad, live)
			}
		}
	}
}

// marked is all text of blocks that Slack reads as markup.
func marked(v any) (all string) {
	switch v := v.(type) {
	case []map[string]any:
		for _, b := range v {
			all += marked(b)
		}
	case []any:
		for _, b := range v {
			all += marked(b)
		}
	case map[string]any:
		if v["type"] == "mrkdwn" {
			all += fmt.Sprint(v["text"])
		}
		for _, inner := range v {
			all += marked(inner)
		}
	}
	return all
}

// TestCheck says in plain words why a channel cannot be reached.
func TestCheck(t *testing.T) {
	o := open(t, true, policies.Disruptive)
	if err := o.space.Channel("C1").Check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := o.space.Channel("C2").Check(t.Context()); err == nil || !strings.Contains(err.Error(), "channel_not_found; invite the app to it") {
		t.Errorf("%v", err)
	}
	o.Down(true)
	var away *chat.Unwell
	if _, err := o.space.Channel("C1").Post(t.Context(), card.Of(o.inc(), card.Words{})); !errors.As(err, &away) {
		t.Errorf("%v", err)
	}
}

// TestTooManyAtOnce: whoever presses while too much else is done is not left to think that it counts.
func TestTooManyAtOnce(t *testing.T) {
	for _, socket := range []bool{false, true} {
		o := open(t, socket, policies.Disruptive)
		for range atOnce {
			o.space.slots <- struct{}{}
		}
		bounded, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		if err := o.Press(bounded, slackd.Somebody{User: "U1"}, o.message(), "Approve"); err == nil {
			t.Errorf("socket %v: Slack is told that it was taken", socket)
		}
		cancel()
		for range atOnce {
			<-o.space.slots
		}
		o.press("U1", "Approve")
		o.told("U1", "Your approval counts")
	}
}
