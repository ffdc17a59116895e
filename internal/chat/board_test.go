package chat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/card"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

var errLost = errors.New("lost")

// places is a ledger of places in memory.
type places struct {
	mu   sync.Mutex
	seq  uint64
	kept map[string]json.RawMessage
	at   map[string]uint64
}

func newPlaces() *places {
	return &places{kept: map[string]json.RawMessage{}, at: map[string]uint64{}}
}

func (p *places) ChatPlace(_ context.Context, id incident.ID, channel string) (json.RawMessage, uint64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := string(id) + channel
	return p.kept[key], p.at[key], nil
}

func (p *places) KeepChatPlace(_ context.Context, id incident.ID, channel string, after uint64, place json.RawMessage) (uint64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := string(id) + channel
	if p.at[key] != after {
		return 0, errLost
	}
	p.seq++
	p.kept[key], p.at[key] = place, p.seq
	return p.seq, nil
}

// wall is a channel in memory.
type wall struct {
	mu      sync.Mutex
	shown   map[string]card.Card // by message
	order   []string
	asides  map[string][]Aside
	edits   []time.Time
	refuses incident.ID             // no message of it is taken
	fail    func(call string) error // before anything is done
	after   func(call string) error // after it is done: the answer is lost
}

func newWall() *wall { return &wall{shown: map[string]card.Card{}, asides: map[string][]Aside{}} }

func (*wall) Name() string { return "wall" }

func (w *wall) do(call string, f func()) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		if err := w.fail(call); err != nil {
			return err
		}
	}
	f()
	if w.after != nil {
		return w.after(call)
	}
	return nil
}

func (w *wall) Post(_ context.Context, c card.Card) (string, error) {
	if c.Incident == w.refuses {
		return "", errors.New("invalid_blocks")
	}
	name := ""
	err := w.do("post", func() {
		name = fmt.Sprint("m", len(w.order))
		w.order = append(w.order, name)
		w.shown[name] = c
	})
	return name, err
}

func (w *wall) Edit(_ context.Context, message string, c card.Card) error {
	return w.do("edit", func() {
		if old := w.shown[message]; old.Seq > c.Seq {
			panic("an older card overwrites a newer")
		}
		w.shown[message], w.edits = c, append(w.edits, time.Now())
	})
}

func (w *wall) Tell(_ context.Context, message string, a Aside) error {
	return w.do("tell", func() { w.asides[message] = append(w.asides[message], a) })
}

func (w *wall) Find(_ context.Context, id incident.ID, _ time.Time) (found string, err error) {
	err = w.do("find", func() {
		for _, m := range w.order {
			if w.shown[m].Incident == id {
				found = m
			}
		}
	})
	return found, err
}

func (w *wall) card(t *testing.T) card.Card {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.order) != 1 {
		t.Fatalf("%d messages", len(w.order))
	}
	return w.shown[w.order[0]]
}

// set says what fails from now on.
func (w *wall) set(fail, after func(string) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fail, w.after = fail, after
}

// told are the asides of the one message.
func (w *wall) told() []Aside {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]Aside(nil), w.asides["m0"]...)
}

func (w *wall) edited() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.edits)
}

// scene is one incident, and replicas that show it.
type scene struct {
	t       *testing.T
	mu      sync.Mutex
	history []incident.Sequenced
	places  *places
	wall    *wall
	words   card.Words
}

func newScene(t *testing.T) *scene {
	s := &scene{t: t, places: newPlaces(), wall: newWall()}
	f := classifiers.Fault{Kind: classifiers.KindNode, Cluster: "prod", Anchor: classifiers.Anchor{Kind: "node", Name: "w1", UID: "u1"}, Sentence: "w1 is silent"}
	key := incident.KeyOf(f)
	return s.add(incident.Record{Kind: incident.Opened, Key: &key, Fault: &f})
}

func (s *scene) add(rec incident.Record) *scene {
	s.mu.Lock()
	defer s.mu.Unlock()
	rec.Schema, rec.At = incident.Schema, time.Now()
	rec.Incident = "0123456789abcdef-1"
	s.history = append(s.history, incident.Sequenced{Record: rec, Seq: uint64(len(s.history) + 1), StoredAt: time.Now()})
	return s
}

func (s *scene) plan() *responders.Plan {
	return &responders.Plan{Runbook: "node-failure", Digest: "4f2a91c0ffee", Steps: []responders.Step{
		{Name: "cordon", Change: responders.Change{Class: policies.Reversible, Will: []string{"w1 takes no pods"}}}}}
}

func (s *scene) asks(agreed bool) *scene {
	return s.add(incident.Record{Kind: incident.Decided, Decided: &incident.Decision{Phase: incident.PhaseRecover, Plan: s.plan(), Agreed: agreed, Answer: policies.Decision{
		Verdict: policies.Ask, Asks: &policies.Asks{Needs: []policies.Need{{Groups: []string{"oncall"}, Votes: 1}}, Votes: 1}}}})
}

func (s *scene) votes(voice incident.Voice) *scene {
	return s.add(incident.Record{Kind: incident.Voted, Ballot: &incident.Ballot{Person: "ada", Groups: []string{"oncall"}, Says: voice, Plan: s.plan().Digest, Via: "token"}})
}

func (s *scene) incidents() []incident.Incident {
	s.mu.Lock()
	defer s.mu.Unlock()
	inc, err := incident.Fold(s.history)
	if err != nil {
		panic(err)
	}
	return []incident.Incident{*inc}
}

func (s *scene) records() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.history)
}

func (s *scene) replica(name string) *Poster {
	return New(Options{Replica: name, Routes: []Route{{Channel: s.wall}}, Incidents: s.incidents, Ledger: s.places, Lost: errLost, Clock: time.Now,
		Words: func(*incident.Incident) card.Words { s.mu.Lock(); defer s.mu.Unlock(); return s.words }, Log: slog.New(slog.DiscardHandler)})
}

// run runs a poster until the function it returns is called.
func run(p *Poster) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	return func() { cancel(); <-ended }
}

// TestAMessageFollowsItsRecord: it asks, and asks no more the moment that somebody has decided elsewhere.
func TestAMessageFollowsItsRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t).asks(false)
		p := s.replica("a")
		defer run(p)()
		synctest.Wait()
		if c := s.wall.card(t); c.Stage != card.Asking || len(c.Verbs) != 3 {
			t.Fatalf("it shows %s with %v", c.Stage, c.Verbs)
		}
		s.votes(incident.Reject)
		p.Wake()
		time.Sleep(2 * pace)
		synctest.Wait()
		if c := s.wall.card(t); c.Stage != card.Waiting || len(c.Verbs) != 0 {
			t.Errorf("it shows %s with %v after a rejection", c.Stage, c.Verbs)
		}
		time.Sleep(5 * pace)
		told := 0
		for _, a := range s.wall.told() {
			told += len(a.Lines)
		}
		if told != s.records() {
			t.Errorf("%d lines are told of %d records", told, s.records())
		}
	})
}

// TestOneMessage: of replicas that see the same, one posts; who goes on after its death edits what is there.
func TestOneMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t).asks(false)
		a, b, c := s.replica("a"), s.replica("b"), s.replica("c")
		stopA, stopB, stopC := run(a), run(b), run(c)
		time.Sleep(10 * pace)
		stopA()
		stopB()
		stopC()
		s.votes(incident.Hold)
		defer run(s.replica("d"))()
		time.Sleep(2 * lease)
		if c := s.wall.card(t); c.Ask.Held == "" || c.Seq != 3 {
			t.Errorf("record %d is shown", c.Seq)
		}
	})
}

// TestDiedInBetween: the message was posted, and whoever posted it died before he could say so.
func TestDiedInBetween(t *testing.T) {
	for _, posted := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			s := newScene(t).asks(false)
			died := errors.New("the process is gone")
			if posted {
				s.wall.set(nil, func(string) error { return died })
			} else {
				s.wall.set(func(string) error { return died }, nil)
			}
			stop := run(s.replica("a"))
			synctest.Wait()
			stop()
			s.wall.set(nil, nil)
			defer run(s.replica("b"))()
			time.Sleep(2 * lease)
			if c := s.wall.card(t); c.Stage != card.Asking {
				t.Errorf("it shows %s", c.Stage)
			}
		})
	}
}

// TestAnEditThatDiedIsMadeAgain: that a card was about to be shown does not mean that it is.
func TestAnEditThatDiedIsMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t).asks(false)
		p := s.replica("a")
		stop := run(p)
		time.Sleep(5 * pace)
		s.wall.set(func(string) error { return errors.New("the process is gone") }, nil)
		s.votes(incident.Reject)
		p.Wake()
		time.Sleep(pace)
		stop()
		s.wall.set(nil, nil)
		defer run(s.replica("b"))()
		time.Sleep(2 * lease)
		if c := s.wall.card(t); len(c.Verbs) != 0 {
			t.Errorf("buttons have survived: %v", c.Verbs)
		}
	})
}

// TestAloneWaitsForNobody: where nobody else can share the ledger, whoever held the message is dead, and it is edited at once.
func TestAloneWaitsForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t).asks(false)
		stop := run(s.replica("a"))
		time.Sleep(5 * pace)
		stop()
		s.votes(incident.Reject)
		again := s.replica("b")
		again.boards[0].Alone = true
		defer run(again)()
		time.Sleep(2 * pace)
		if c := s.wall.card(t); len(c.Verbs) != 0 {
			t.Errorf("buttons have survived: %v", c.Verbs)
		}
	})
}

// TestEditsAreCoalesced: fifty changes a second are one edit a second at most, and the last of them is shown.
func TestEditsAreCoalesced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t).asks(false).votes(incident.Approve).asks(true)
		p := s.replica("a")
		defer run(p)()
		time.Sleep(10 * pace)
		began, before := time.Now(), s.wall.edited()
		for n := range 500 {
			s.mu.Lock()
			s.words.Progress = fmt.Sprintf("%d of 500", n+1)
			s.mu.Unlock()
			s.add(incident.Record{Kind: incident.Noted, Text: "so far"})
			p.Wake()
			time.Sleep(20 * time.Millisecond)
		}
		took := time.Since(began).Seconds()
		if rate := float64(s.wall.edited()-before) / took; rate > 1 || rate < 0.3 {
			t.Errorf("%.2f edits a second", rate)
		}
		time.Sleep(5 * pace)
		if c := s.wall.card(t); c.Seq != uint64(s.records()) {
			t.Errorf("record %d is shown of %d", c.Seq, s.records())
		}
	})
}

// TestChatIsAway: nothing is lost, Retry-After is honoured, and nobody is called more often than backoff allows.
func TestChatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t).asks(false)
		tries := 0
		s.wall.fail = func(string) error { tries++; return &Unwell{Err: errors.New("away"), After: 40 * time.Second} }
		defer run(s.replica("a"))()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		s.wall.mu.Lock()
		if tries < 4 || tries > 15 {
			t.Errorf("%d calls in ten minutes", tries)
		}
		s.wall.fail = nil
		s.wall.mu.Unlock()
		time.Sleep(slowest + lease)
		if c := s.wall.card(t); c.Stage != card.Asking {
			t.Errorf("it shows %s", c.Stage)
		}
	})
}

// TestOneBadMessageHoldsNoOtherUp: what is refused of one is no reason to be silent about the others.
func TestOneBadMessageHoldsNoOtherUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t).asks(false)
		p := s.replica("a")
		bad := s.incidents()[0]
		bad.ID = "ffffffffffffffff-1"
		p.boards[0].Incidents = func() []incident.Incident { return append([]incident.Incident{bad}, s.incidents()...) }
		s.wall.refuses = bad.ID
		defer run(p)()
		time.Sleep(5 * pace)
		if c := s.wall.card(t); c.Incident != s.incidents()[0].ID {
			t.Errorf("%s is shown", c.Incident)
		}
	})
}

// TestPeopleAreCalledAgain: an edit notifies nobody, so that whoever is asked later, or once more, is called beside the message.
func TestPeopleAreCalledAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		p := s.replica("a")
		defer run(p)()
		time.Sleep(2 * settle)
		if c := s.wall.card(t); c.Stage != card.Watching {
			t.Fatalf("it shows %s", c.Stage)
		}
		s.asks(false)
		p.Wake()
		time.Sleep(5 * pace)
		s.add(incident.Record{Kind: incident.Reminded, Text: "15m0s are left to decide"})
		p.Wake()
		time.Sleep(5 * pace)
		calls := 0
		for _, a := range s.wall.told() {
			if a.Call {
				calls++
				if !strings.HasPrefix(a.Card.Push, "APPROVE?") {
					t.Errorf("they are called with %q", a.Card.Push)
				}
			}
		}
		if calls != 2 {
			t.Errorf("people were called %d times, want when they were asked and when they were reminded", calls)
		}
	})
}
