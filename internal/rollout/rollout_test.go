package rollout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/policies/rego"
)

func TestTheFirstIsInForceAtOnce(t *testing.T) {
	b, d := newBooks(), newDesk(t, acts)
	r := replica(t, "one", b, d.source())
	wants(t, r, policies.Act)
	if diff := cmp.Diff([]string{entryInForce}, b.kinds()); diff != "" {
		t.Errorf("the trail (-want +got):\n%s", diff)
	}
	looks(t, r)
	wants(t, replica(t, "two", b, newDesk(t, acts).source()), policies.Act)
	if s := r.Status(); s.InForce.Revision != s.Serving.Revision || s.Held != nil || s.Refused != nil {
		t.Errorf("the status is %+v", s)
	}
}

func TestTighterAppliesAtOnceAndLooserIsHeld(t *testing.T) {
	b, d := newBooks(), newDesk(t, asks)
	r, other := replica(t, "one", b, d.source()), replica(t, "two", b, newDesk(t, asks).source())
	d.write("own.rego", denies)
	looks(t, r)
	looks(t, other)
	wants(t, r, policies.Deny)
	wants(t, other, policies.Deny)
	d.write("own.rego", acts)
	looks(t, r)
	looks(t, other)
	wants(t, r, policies.Deny)
	held := other.Status().Held
	if held == nil || held.Report.Reference.Looser == 0 || len(held.Report.Differ) != maxTold || held.Report.Differ[0].About == held.Report.Differ[1].About || held.Report.Differ[0].Change != policies.Looser {
		t.Fatalf("held is %+v", held)
	}
	if held.Author == "" || held.Author != ownerOfDir(t, d) {
		t.Errorf("its author is %q", held.Author)
	}
	for _, c := range []struct {
		person, revision string
		want             error
	}{
		{held.Author, held.Revision, ErrAuthor},
		{"ann", r.Status().InForce.Revision, ErrNotHeld},
		{"ann", "abc", ErrNotHeld},
	} {
		if _, err := other.Activate(t.Context(), c.person, c.revision, ""); !errors.Is(err, c.want) {
			t.Errorf("%s activates %s: %v", c.person, c.revision, err)
		}
	}
	if _, err := other.Activate(t.Context(), "ann", held.Revision, "read it"); err != nil {
		t.Fatal(err)
	}
	wants(t, other, policies.Act)
	looks(t, r)
	wants(t, r, policies.Act)
	if s := r.Status(); s.Held != nil || s.InForce.By != "ann" || s.InForce.Report == nil {
		t.Errorf("the status is %+v", s)
	}
	if _, err := r.Activate(t.Context(), "ann", held.Revision, ""); !errors.Is(err, ErrNotHeld) {
		t.Errorf("activated again: %v", err)
	}
	if want := []string{entryInForce, entryOffered, entryInForce, entryHeld, entryActivated}; !slices.Equal(b.kinds(), want) {
		t.Errorf("the trail is %v", b.kinds())
	}
}

func ownerOfDir(t *testing.T, d *desk) string {
	t.Helper()
	info, err := os.Stat(d.dir + "/own.rego")
	if err != nil {
		t.Fatal(err)
	}
	return ownerOf(info)
}

func TestTheRefusalNamesWhoMay(t *testing.T) {
	b, d := newBooks(), newDesk(t, denies)
	r := replica(t, "one", b, d.source())
	d.write("own.rego", acts)
	looks(t, r)
	held := r.current().held
	held.Author = "ann"
	_, err := r.Activate(t.Context(), "ann", held.Revision, "")
	if err != nil {
		t.Fatal("the trail counts, and not what is in memory")
	}
	err = r.mayActivate(&state{held: held}, "ann", held.Revision)
	if err == nil || !strings.Contains(err.Error(), "ann wrote policy "+held.Revision) || !strings.Contains(err.Error(), "bob may") {
		t.Errorf("it says %v", err)
	}
	held.Author = ""
	if err := r.mayActivate(&state{held: held}, "ann", held.Revision); !errors.Is(err, ErrAuthor) {
		t.Errorf("of an unknown author it says %v", err)
	}
}

func TestGoingBackDropsWhatIsHeld(t *testing.T) {
	b, d := newBooks(), newDesk(t, asks)
	r := replica(t, "one", b, d.source())
	for _, c := range []struct{ text, held string }{{acts, "a"}, {acts + "# more\n", "b"}, {asks, ""}} {
		d.write("own.rego", c.text)
		looks(t, r)
		if held := r.Status().Held; (held != nil) != (c.held != "") {
			t.Errorf("after %q held is %+v", c.text, held)
		}
	}
	wants(t, r, policies.Ask)
}

// TestTwoSourcesDoNotFlap: each of two different directories is offered once, also by replicas that are started again.
func TestTwoSourcesDoNotFlap(t *testing.T) {
	b, strict, stricter := newBooks(), newDesk(t, asks), newDesk(t, denies)
	one, two := replica(t, "one", b, strict.source()), replica(t, "two", b, stricter.source())
	for range 3 {
		looks(t, one)
		looks(t, two)
		one, two = replica(t, "one", b, strict.source()), replica(t, "two", b, stricter.source())
	}
	wants(t, one, policies.Deny)
	wants(t, two, policies.Deny)
	if want := []string{entryInForce, entryInForce}; !slices.Equal(b.kinds(), want) {
		t.Errorf("the trail is %v", b.kinds())
	}
	strict.write("own.rego", asks+"# changed\n")
	looks(t, one)
	if want := []string{entryInForce, entryInForce, entryHeld}; !slices.Equal(b.kinds(), want) {
		t.Errorf("after a change the trail is %v", b.kinds())
	}
}

func TestABadCandidateLeavesTheLastGood(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(d *desk)
		want  string
	}{
		"a syntax error": {func(d *desk) { d.write("own.rego", broken) }, "own.rego:4: unexpected eof"},
		"two problems":   {func(d *desk) { d.write("own.rego", denies+"\nfoo := 1\nbar := 2\n") }, "own.rego:6: bar has no effect"},
		"a failing test": {func(d *desk) {
			d.write("own_test.rego", "package own_test\n\ntest_it if input.fault.kind == \"zone\" with input as {\"fault\": {\"kind\": \"node\"}}\n")
		}, "own_test.rego:3: the test test_it fails"},
		"a word that no ask knows": {func(d *desk) {
			d.write("own.rego", strings.Replace(asks, "{\"reason\"", "{\"on_timeout\": lower(\"APPROVE\"), \"reason\"", 1))
		}, `own.rego:3: ask: on_timeout: must be "escalate" or "expire", not "approve" (asked about node/worker-1: recover, observe)`},
		"a directory that is gone": {func(d *desk) {
			if err := os.RemoveAll(d.dir); err != nil {
				d.t.Fatal(err)
			}
		}, "no such file or directory"},
		"no policy in it": {func(d *desk) {
			if err := os.Remove(d.dir + "/own.rego"); err != nil {
				d.t.Fatal(err)
			}
		}, "it holds no policy"},
		"100 MB": {func(d *desk) {
			d.write("large.rego", "")
			if err := os.Truncate(d.dir+"/large.rego", 100<<20); err != nil {
				d.t.Fatal(err)
			}
		}, "large.rego is larger than 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, d := newBooks(), newDesk(t, denies)
			r := replica(t, "one", b, d.source())
			c.spoil(d)
			looks(t, r)
			looks(t, r)
			told := func(r *Rollout) bool {
				s := r.Status()
				return s.Refused != nil && slices.ContainsFunc(s.Refused.Problems, func(p string) bool { return strings.Contains(p, c.want) })
			}
			if !told(r) || r.Counts().Refusals != 1 {
				t.Errorf("refused is %+v, %d times", r.Status().Refused, r.Counts().Refusals)
			}
			wants(t, r, policies.Deny)
			if _, revision := verdict(t, r); revision != r.Status().InForce.Revision {
				t.Errorf("it decides by %q", revision)
			}
			r = replica(t, "one", b, d.source()) // started again, it has the last good one from the store
			looks(t, r)
			if _, revision := verdict(t, r); revision == "" || !told(r) {
				t.Errorf("started again it decides by %q, refused is %+v", revision, r.Status().Refused)
			}
			if want := []string{entryInForce, entryRefused}; !slices.Equal(b.kinds(), want) {
				t.Errorf("the trail is %v", b.kinds())
			}
		})
	}
}

// TestWithoutAnyPolicyNothingIsDecided: a fleet that never had one denies, and says why, until there is one.
func TestWithoutAnyPolicyNothingIsDecided(t *testing.T) {
	b, d := newBooks(), newDesk(t, broken)
	r := replica(t, "one", b, d.source())
	wants(t, r, policies.Deny)
	if err := r.Engine().Well(); err == nil || !strings.Contains(err.Error(), "own.rego:4") {
		t.Errorf("it says %v", err)
	}
	d.write("own.rego", acts)
	looks(t, r)
	wants(t, r, policies.Act)
	if r.Status().Refused != nil || r.Engine().Well() != nil {
		t.Errorf("it is not well: %+v", r.Status())
	}
}

// TestATrailThatLostItsBeginning: a fleet that has policies stored, and does not know which was in force, is no new fleet.
func TestATrailThatLostItsBeginning(t *testing.T) {
	b, d := newBooks(), newDesk(t, acts)
	b.packs["0123456789ab"] = []byte("of before")
	r := replica(t, "one", b, d.source())
	wants(t, r, policies.Deny)
	held := r.Status().Held
	if held == nil || r.Status().InForce != nil {
		t.Fatalf("it is %+v", r.Status())
	}
	if _, err := r.Activate(t.Context(), "ann", held.Revision, "it is the right one"); err != nil {
		t.Fatal(err)
	}
	looks(t, r)
	wants(t, r, policies.Act)
}

// TestARevisionThatCannotBeUsed: a replica that cannot have what is in force decides by nothing, and not by what it had.
func TestARevisionThatCannotBeUsed(t *testing.T) {
	for name, spoil := range map[string]func(*books, string){
		"is gone":    func(b *books, revision string) { delete(b.packs, revision) },
		"is another": func(b *books, revision string) { b.packs[revision] = b.packs[oldest(b)] },
		"is not one": func(b *books, revision string) { b.packs[revision] = []byte("x") },
		"a trail that does not fit": func(b *books, _ string) {
			b.trail = append(b.trail, ledger.Placed{TrailEntry: entryOf(entryActivated, Offer{Revision: "x"}), Seq: 3})
		},
		"newer version": func(b *books, _ string) { b.trail = append(b.trail, ledger.Placed{TrailEntry: entry("more"), Seq: 3}) },
	} {
		t.Run(name, func(t *testing.T) {
			b, d := newBooks(), newDesk(t, asks)
			r := replica(t, "one", b, d.source())
			if _, err := b.AppendTrail(t.Context(), TrailName, 1, entryOf(entryInForce, Offer{Revision: tighter(t, b), Digest: "x", Replica: "two"})); err != nil {
				t.Fatal(err)
			}
			spoil(b, b.trailRevision(1))
			if err := r.follow(t.Context()); err == nil {
				t.Error("it says nothing")
			}
			if got, revision := verdict(t, r); got != policies.Deny || revision != "" {
				t.Errorf("it decides %s by %q", got, revision)
			}
		})
	}
}

func oldest(b *books) string { return b.trailRevision(0) }

func (b *books) trailRevision(n int) string {
	d, _ := detailOf(b.trail[n])
	return d.Revision
}

func entry(kind string) ledger.TrailEntry { return entryOf(kind, Offer{}) }

func entryOf(kind string, o Offer) ledger.TrailEntry {
	body, _ := marshal(detail{Offer: o})
	return ledger.TrailEntry{Kind: kind, Who: o.Replica, Detail: body}
}

// tighter is the revision of a policy that the store has and no entry names.
func tighter(t *testing.T, b *books) string {
	t.Helper()
	c, err := newDesk(t, denies).source().settle(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pack, err := c.Policy.Pack()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.StorePolicy(t.Context(), c.Policy.Revision(), pack); err != nil {
		t.Fatal(err)
	}
	return c.Policy.Revision()
}

func (d *Dir) settle(ctx context.Context) (Candidate, error) {
	if _, err := d.Look(ctx); !errors.Is(err, errUnsettled) {
		return Candidate{}, fmt.Errorf("at first sight it says %w", err)
	}
	return d.Look(ctx)
}

// TestAnAbsentStoreChangesNothing: while the store does not answer, a replica goes on as before, and makes up for it later.
func TestAnAbsentStoreChangesNothing(t *testing.T) {
	b, d := newBooks(), newDesk(t, asks)
	r := replica(t, "one", b, d.source())
	b.away = errAway
	d.write("own.rego", denies)
	for range 3 {
		if err := r.look(t.Context()); err == nil {
			t.Error("it says nothing")
		}
	}
	wants(t, r, policies.Ask)
	b.away = nil
	looks(t, r)
	wants(t, r, policies.Deny)
}

// TestKilledInTheMidst: a replica that dies after its pack was stored, or after its entry was, leaves nothing that its next life does not end.
func TestKilledInTheMidst(t *testing.T) {
	for _, at := range []string{"store", "append"} {
		b, d := newBooks(), newDesk(t, asks)
		r := replica(t, "one", b, d.source())
		d.write("own.rego", denies)
		b.dies = at
		_ = r.look(t.Context())
		if err := r.look(t.Context()); err == nil {
			t.Fatal("it did not die")
		}
		b.away = nil
		r = replica(t, "one", b, d.source())
		looks(t, r)
		wants(t, r, policies.Deny)
		if want := []string{entryInForce, entryInForce}; !slices.Equal(b.kinds(), want) {
			t.Errorf("%s: the trail is %v", at, b.kinds())
		}
	}
}

// TestOthersAreFaster: a candidate that was judged by a policy which is in force no more is judged again.
func TestOthersAreFaster(t *testing.T) {
	b, d := newBooks(), newDesk(t, acts)
	r, other := replica(t, "one", b, d.source()), newDesk(t, acts)
	two := replica(t, "two", b, other.source())
	other.write("own.rego", denies)
	d.write("own.rego", asks)
	b.rival = func() { looks(t, two) }
	looks(t, r)
	if want := []string{entryInForce, entryOffered, entryInForce, entryHeld}; !slices.Equal(b.kinds(), want) {
		t.Errorf("the trail is %v", b.kinds())
	}
	wants(t, r, policies.Deny)
}

func TestWhatWasDecidedJudges(t *testing.T) {
	b := newBooks()
	q := calm("node", policies.Reversible, "recover")
	q.Cluster.Name, q.Mode, q.Fault.Sentence = "prod", policies.ModeObserve, "special"
	for n := range 3 {
		q.Incident.ID = fmt.Sprint("inc-", n)
		doc, err := json.Marshal(map[string]any{"question": q})
		if err != nil {
			t.Fatal(err)
		}
		b.decided = append(b.decided, doc)
	}
	b.decided = append(b.decided, json.RawMessage(`{"question": {"schema": 99}}`))
	d := newDesk(t, asks)
	r := replica(t, "one", b, d.source())
	d.write("own.rego", "package salvor.policies.own\n\nask contains {\"reason\": \"look\", \"groups\": [\"sre\"]} if input.fault.sentence != \"special\"\n\nask contains {\"reason\": \"x\"} if input.fault.sentence == \"special\"\n")
	looks(t, r)
	held := r.Status().Held
	if held == nil {
		t.Fatalf("it is not held: %+v", r.Status())
	}
	if got := held.Report; got.Reference.Looser != 0 || got.Recorded != (Sums{Looser: 3}) || got.Differ[0].Incident != "inc-0" || got.Cut {
		t.Errorf("the report is %s, %+v", got, got)
	}
}

// TestWhoOwesAnAnswer: rules that fail for what was decided lately are refused, though all reference questions have an answer.
func TestWhoOwesAnAnswer(t *testing.T) {
	b, q := newBooks(), calm("node", policies.Reversible, "recover")
	q.Cluster.Name = "ninety"
	doc, err := json.Marshal(map[string]any{"question": q})
	if err != nil {
		t.Fatal(err)
	}
	b.decided = []json.RawMessage{doc}
	d := newDesk(t, denies)
	r := replica(t, "one", b, d.source())
	d.write("own.rego", denies+"\ndeny contains \"many\" if {\n\tinput.cluster.name != \"reference\"\n\tto_number(input.cluster.name) > 80\n}\n")
	looks(t, r)
	refused := r.Status().Refused
	if refused == nil || !strings.Contains(refused.Problems[0], "own.rego:7: to_number") {
		t.Errorf("refused is %+v", refused)
	}
}

// TestAnEndlessLoopIsNoCandidate: it is refused after its first question, with the line that does not end. A busy machine may not come to
// that line before a short deadline is over.
func TestAnEndlessLoopIsNoCandidate(t *testing.T) {
	d := newDesk(t, endless)
	found, err := d.source().settle(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for deadline := 20 * time.Millisecond; ; deadline *= 10 {
		rules, err := rego.Compile(found.Policy, rego.Options{Deadline: deadline})
		if err != nil {
			t.Fatal(err)
		}
		err = Try(t.Context(), rules.Trial(), nil)
		owes := (*OwedError)(nil)
		if !errors.As(err, &owes) || deadline >= 2*time.Second && !strings.HasPrefix(err.Error(), "own.rego:4: ") {
			t.Fatalf("it says %v", err)
		}
		if strings.HasPrefix(err.Error(), "own.rego:4: ") {
			return
		}
	}
}

// TestSwapUnderLoad: each answer is wholly of one revision, however often they are swapped.
func TestSwapUnderLoad(t *testing.T) {
	b, d := newBooks(), newDesk(t, asks)
	r := replica(t, "one", b, d.source())
	says := map[string]policies.Verdict{r.Status().InForce.Revision: policies.Ask}
	strict, err := r.rules(t.Context(), tighter(t, b))
	if err != nil {
		t.Fatal(err)
	}
	loose, err := r.rules(t.Context(), r.Status().InForce.Revision)
	if err != nil {
		t.Fatal(err)
	}
	says[strict.Revision()] = policies.Deny
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			q := calm("node", policies.Reversible, "recover")
			for n := 0; ctx.Err() == nil; n++ {
				q.Incident.ID = fmt.Sprint(worker, n)
				said, err := r.Engine().Ask(context.Background(), q)
				if got := policies.Combine(said).Verdict; err != nil || says[said.Revision] != got || said.Revision == "" {
					t.Errorf("revision %q says %s, %v", said.Revision, got, err)
					return
				}
			}
		})
	}
	for range 1000 {
		r.engine.use(strict, time.Now())
		r.engine.use(loose, time.Now())
	}
	stop()
	wg.Wait()
}
