package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// later is a time before which all that tests write is stored.
func later() time.Time { return time.Now().Add(time.Hour) }

// ended is an incident that acted on its node and has ended, as it is loaded.
func ended(t *testing.T, l *Ledger, node string) *incident.Incident {
	t.Helper()
	inc := acting(t, l, node, node)
	if _, err := l.AppendIntent(t.Context(), inc, intent(0), claim(node), "gate"); err != nil {
		t.Fatal(err)
	}
	add(t, l, inc, done(0), incident.Record{Kind: incident.Checked, At: noon, Outcome: responders.OutcomeVerified, Text: `it is <well> & "serves"`})
	closeOf(t, l, inc)
	return load(t, l, inc.ID)
}

func archive(t *testing.T, l *Ledger) {
	t.Helper()
	if err := l.Archive(t.Context(), later()); err != nil {
		t.Fatal(err)
	}
}

// messages counts the messages of a stream whose subjects a filter lets through.
func messages(t *testing.T, l *Ledger, stream, filter string) int {
	t.Helper()
	subjects, err := l.subjects(t.Context(), stream, filter)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for _, n := range subjects {
		sum += int(n)
	}
	return sum
}

// recordsOf counts the records of an incident in the stream of incidents.
func recordsOf(t *testing.T, l *Ledger, id incident.ID) int {
	t.Helper()
	return messages(t, l, IncidentsStream, incidentSubject("prod.eu", id))
}

// archivedAs fails the test unless the incident is in the archive alone, the same as it was.
func archivedAs(t *testing.T, l *Ledger, was *incident.Incident) {
	t.Helper()
	if n := recordsOf(t, l, was.ID); n != 0 {
		t.Errorf("%d records of %s are left", n, was.ID)
	}
	if n := messages(t, l, ArchiveStream, archiveSubject(incidentSubject("prod.eu", was.ID))); n != 1 {
		t.Errorf("the archive has %d documents of %s", n, was.ID)
	}
	if diff := cmp.Diff(was, load(t, l, was.ID)); diff != "" {
		t.Errorf("the archive gives another incident (-was +archived):\n%s", diff)
	}
}

func TestArchivedIncidentIsLoadedTheSame(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	was := ended(t, l, "w1")
	archive(t, l)
	archivedAs(t, l, was)
	before := lastSeq(t, l)
	archive(t, l)
	archivedAs(t, l, was)
	if lastSeq(t, l) != before {
		t.Error("to repeat it wrote into the stream of incidents")
	}
	again := open(t, l, "w1")
	if again.ID == was.ID || again.Key != was.Key {
		t.Errorf("the fault that came back is %s, was %s", again.ID, was.ID)
	}
}

// What lives, what ended later than asked, and what the budget still names stays where it is.
func TestArchiveLeavesAloneWhatIsNotToGo(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	lives := acting(t, l, "lives", "lives")
	if _, err := l.AppendIntent(t.Context(), lives, intent(0), claim("lives"), "gate"); err != nil {
		t.Fatal(err)
	}
	cleared := open(t, l, "cleared")
	add(t, l, cleared, incident.Record{Kind: incident.Cleared, At: noon})
	named := acting(t, l, "named", "named")
	closeOf(t, l, load(t, l, named.ID))
	if err := l.claim(t.Context(), named, claim("named")); err != nil {
		t.Fatal(err)
	}
	old := ended(t, l, "old")
	cut := old.History[len(old.History)-1].StoredAt.Add(time.Nanosecond)
	recent := ended(t, l, "recent")
	var was []*incident.Incident
	for _, inc := range []*incident.Incident{lives, cleared, named, recent} {
		was = append(was, load(t, l, inc.ID))
	}
	if err := l.Archive(t.Context(), cut); err != nil {
		t.Fatal(err)
	}
	archivedAs(t, l, old)
	for _, inc := range was {
		if n := recordsOf(t, l, inc.ID); n != len(inc.History) {
			t.Errorf("%d records of %s are left, want %d", n, inc.ID, len(inc.History))
		}
		if diff := cmp.Diff(inc, load(t, l, inc.ID)); diff != "" {
			t.Errorf("it changed (-was +is):\n%s", diff)
		}
	}
	if n := messages(t, l, ArchiveStream, ">"); n != 1 {
		t.Errorf("the archive has %d documents", n)
	}
	// And incidents go on, until their time has come as well.
	add(t, l, lives, done(0))
	closeOf(t, l, lives)
	if _, err := l.Close(t.Context(), cleared, incident.Record{Kind: incident.Closed, At: noon}); err != nil {
		t.Fatal(err)
	}
	gone := []*incident.Incident{load(t, l, lives.ID), load(t, l, cleared.ID)}
	archive(t, l)
	for _, inc := range gone {
		archivedAs(t, l, inc)
	}
}

// Records are kept as they are, whoever wrote them.
func TestPackedRecordsAreTheSame(t *testing.T) {
	want := []stored{
		{"s", 7, []byte(`{"schema":1,"text":"<b> & \u003cb> \u2028","later":[1.50,1e3]}`), noon.Add(time.Nanosecond), "m"},
		{"s", 9, []byte(`{"schema":1,"kind":"noted"}`), noon, ""},
	}
	packed, err := pack(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := unpack(archiveRecord{Records: 2, History: packed}, "s")
	if err != nil || !slices.EqualFunc(got, want, sameRecord) {
		t.Errorf("got %+v, %v", got, err)
	}
	for n, other := range []stored{{"t", 7, want[0].Data, want[0].At, "m"}, {"s", 8, want[0].Data, want[0].At, "m"}, {"s", 7, want[1].Data, want[0].At, "m"}, {"s", 7, want[0].Data, noon, "m"},
		{"s", 7, want[0].Data, want[0].At, ""}} {
		if sameRecord(got[0], other) {
			t.Errorf("record %d is taken for the same", n)
		}
	}
	if _, err := pack([]stored{{"s", 9, []byte("{ \"schema\": 1 }"), noon, ""}}); !errors.Is(err, errStays) {
		t.Errorf("a record that would lose bytes is packed: %v", err)
	}
}

// Dying between the document and the purge leaves both; the incident is one, and the next round completes it.
func TestArchiverThatDiedBeforeThePurge(t *testing.T) {
	t.Parallel()
	s := startStore(t)
	dying, l := s.ledger("dying"), s.ledger("two")
	was := ended(t, dying, "w1")
	subject := incidentSubject("prod.eu", was.ID)
	history, err := dying.endedHistory(t.Context(), subject, later())
	if err != nil {
		t.Fatal(err)
	}
	if err := dying.preserve(t.Context(), subject, history); err != nil {
		t.Fatal(err)
	}
	if n := recordsOf(t, l, was.ID); n != len(was.History) {
		t.Fatalf("%d records are left, want %d", n, len(was.History))
	}
	if diff := cmp.Diff(was, load(t, l, was.ID)); diff != "" {
		t.Errorf("between the two it is another (-was +is):\n%s", diff)
	}
	if id, err := l.Find(t.Context(), was.Name()); err != nil || id != was.ID {
		t.Errorf("between the two it is found as %q, %v", id, err)
	}
	archive(t, l)
	archivedAs(t, l, was)
	if doc := lastOf(t, l, ArchiveStream, archiveSubject(subject)); !bytes.Contains(doc, []byte(`"writer":"dying"`)) {
		t.Error("the document was written anew")
	}
}

func lastOf(t *testing.T, l *Ledger, stream, subject string) []byte {
	t.Helper()
	s, err := l.js.Stream(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	msg, err := s.GetLastMsgForSubject(t.Context(), subject)
	if err != nil {
		t.Fatal(err)
	}
	return msg.Data
}

func TestTwoArchiversAtOnce(t *testing.T) {
	t.Parallel()
	s := startStore(t)
	one, two := s.ledger("one"), s.ledger("two")
	var was []*incident.Incident
	for n := range 15 {
		was = append(was, ended(t, one, fmt.Sprint("w", n)))
	}
	lives := open(t, one, "lives")
	var wg sync.WaitGroup
	for _, l := range []*Ledger{one, two, one, two} {
		wg.Go(func() {
			if err := l.Archive(t.Context(), later()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, inc := range was {
		archivedAs(t, two, inc)
	}
	if recordsOf(t, one, lives.ID) != 1 {
		t.Error("the open incident was touched")
	}
}

// Nothing is purged that cannot be read back the same, or that came after what was read.
func TestNothingIsPurgedThatIsNotInTheArchive(t *testing.T) {
	t.Parallel()
	s := startStore(t)
	l := s.ledger("one")
	inc, other := ended(t, l, "w1"), ended(t, l, "w2")
	subject := incidentSubject("prod.eu", inc.ID)
	history, err := l.endedHistory(t.Context(), incidentSubject("prod.eu", other.ID), later())
	if err != nil {
		t.Fatal(err)
	}
	doc, err := l.archiveDocument(inc.ID, history)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.js.Publish(t.Context(), archiveSubject(subject), doc); err != nil {
		t.Fatal(err)
	}
	archive(t, l)
	archivedAs(t, l, other)
	if n := recordsOf(t, l, inc.ID); n != len(inc.History) {
		t.Errorf("%d records are left of %d, though the archive has another's", n, len(inc.History))
	}
	history, err = l.endedHistory(t.Context(), subject, later())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.js.Publish(t.Context(), subject, []byte(`{"schema":2,"kind":"reopened"}`)); err != nil {
		t.Fatal(err)
	}
	if err := l.purgeHistory(t.Context(), subject, history); err != nil {
		t.Fatal(err)
	}
	if n := recordsOf(t, l, inc.ID); n != 1 {
		t.Errorf("%d records are left, want the one that came later", n)
	}
}

// journal is a ledger whose log is kept.
func journal(t *testing.T, l *Ledger) func() string {
	var mu sync.Mutex
	var text strings.Builder
	l.log = slog.New(slog.NewTextHandler(writerFunc(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return text.Write(p)
	}), nil))
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return text.String()
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestWhatDoesNotFitTheArchiveStays(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	said := journal(t, l)
	large, newer, small := open(t, l, "large"), ended(t, l, "newer"), ended(t, l, "small")
	noise := rand.NewChaCha8([32]byte{})
	for range 5 {
		text := make([]byte, 200<<10)
		_, _ = noise.Read(text)
		for i, b := range text {
			text[i] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"[b%64]
		}
		add(t, l, large, note(string(text)))
	}
	closeOf(t, l, large)
	was := load(t, l, large.ID)
	subject := incidentSubject("prod.eu", newer.ID)
	if _, err := l.js.Publish(t.Context(), subject, []byte(`{"schema":1,"kind":"closed"}`)); err != nil { // nothing follows the end
		t.Fatal(err)
	}
	for range 2 {
		archive(t, l)
	}
	archivedAs(t, l, small)
	if n := recordsOf(t, l, large.ID); n != len(was.History) {
		t.Errorf("%d of %d records are left of the large one", n, len(was.History))
	}
	if diff := cmp.Diff(was, load(t, l, large.ID)); diff != "" {
		t.Errorf("the large one changed (-was +is):\n%s", diff)
	}
	if n := recordsOf(t, l, newer.ID); n != len(newer.History)+1 {
		t.Errorf("%d records are left of the one that cannot be folded", n)
	}
	if n := messages(t, l, ArchiveStream, ">"); n != 1 {
		t.Errorf("the archive has %d documents", n)
	}
	for _, inc := range []*incident.Incident{large, newer} {
		if n := strings.Count(said(), "id="+string(inc.ID)); n != 1 {
			t.Errorf("the log names %s %d times, want once:\n%s", inc.ID, n, said())
		}
	}
}

func TestLostAnswersOfTheArchiver(t *testing.T) {
	for _, sent := range []bool{true, false} {
		t.Run(fmt.Sprint("sent ", sent), func(t *testing.T) {
			t.Parallel()
			l := newLedger(t)
			was := ended(t, l, "w1")
			loseAnswer(l, archivePrefix, sent, nil)
			err := l.Archive(t.Context(), later())
			if sent != (err == nil) || err != nil && !errors.Is(err, events.ErrUnavailable) {
				t.Errorf("it says %v", err)
			}
			archive(t, l)
			archivedAs(t, l, was)
		})
	}
}

func TestFindOfArchived(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	was := ended(t, l, "w1")
	archive(t, l)
	for _, text := range []string{string(was.ID), was.Name(), strings.TrimPrefix(was.Name(), "inc-"), string(was.ID[:6])} {
		if id, err := l.Find(t.Context(), text); err != nil || id != was.ID {
			t.Errorf("%q is %q, %v", text, id, err)
		}
	}
	again := open(t, l, "w1") // the same hash, one in each stream
	if id, err := l.Find(t.Context(), string(was.ID[:6])); err == nil || errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), string(again.ID)) {
		t.Errorf("two of a name give %q, %v", id, err)
	}
	for _, want := range []*incident.Incident{was, again} {
		if id, err := l.Find(t.Context(), want.Name()); err != nil || id != want.ID {
			t.Errorf("%q is %q, %v", want.Name(), id, err)
		}
	}
}

func TestUnreadableArchive(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	inc := ended(t, l, "w1")
	archive(t, l)
	subject := archiveSubject(incidentSubject("prod.eu", inc.ID))
	doc := string(lastOf(t, l, ArchiveStream, subject))
	for name, text := range map[string]string{
		"newer":       strings.Replace(doc, `"schema":1`, `"schema":2`, 1),
		"cut short":   strings.Replace(doc, `"records":`, `"records":1`, 1),
		"not zipped":  `{"schema":1,"records":1,"history":"bm8="}`,
		"no document": `no`,
	} {
		if text == doc {
			t.Fatalf("%s: the document is as before", name)
		}
		if _, err := l.js.Publish(t.Context(), subject, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := l.Load(t.Context(), inc.ID); err == nil || errors.Is(err, ErrNotFound) || (name == "newer") != errors.Is(err, ErrNewer) {
			t.Errorf("%s: it is %v, %v", name, got, err)
		}
	}
}

// A delivery that waits while its incident is archived makes no move, and holds up no other.
func TestWorkOfArchivedIsHarmless(t *testing.T) {
	t.Parallel()
	s := startStore(t)
	l := s.ledger("one")
	waits, failed := ended(t, l, "w1"), ended(t, l, "w2")
	moves := make(chan incident.ID, 100)
	taken, free := make(chan bool), make(chan bool)
	inBackground(t, func(ctx context.Context) error { // the turn of one is taken: its delivery waits
		return l.Alone(ctx, waits.ID, func(context.Context) error {
			close(taken)
			<-free
			return nil
		})
	})
	receive(t, taken, "turn")
	inBackground(t, func(ctx context.Context) error {
		return l.Work(ctx, "recovery", func(_ context.Context, id incident.ID) error {
			moves <- id
			if id == failed.ID {
				return errors.New("again later") // and its delivery lies with the server then
			}
			return nil
		})
	})
	if id := receive(t, moves, "move"); id != failed.ID {
		t.Fatalf("a move of %s", id)
	}
	archive(t, l)
	close(free)
	consumer, err := l.js.Consumer(t.Context(), IncidentsStream, "recovery")
	if err != nil {
		t.Fatal(err)
	}
	next := open(t, l, "w3")
	for id := receive(t, moves, "move"); id != next.ID; id = receive(t, moves, "move") {
		if id == waits.ID {
			t.Error("an archived incident was moved")
		}
	}
	within(t, func(ctx context.Context) {
		for ctx.Err() == nil {
			if at, err := consumer.Info(ctx); err == nil && at.NumAckPending == 0 && at.NumPending == 0 {
				return
			}
		}
	})
	if len(moves) != 0 {
		t.Errorf("a move of %s", <-moves)
	}
}

// The archive has bounds of its own, and its oldest document goes before a new one is refused.
func TestArchiveIsBounded(t *testing.T) {
	t.Parallel()
	s := startStore(t)
	l, err := Open(t.Context(), s.connect(), Options{Writer: "one", MaxBytes: 1 << 20, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	l.callWithin = answers
	filler := bytes.Repeat([]byte("x"), 300<<10)
	if _, err := l.js.Publish(t.Context(), archivePrefix+"prod.0123456789abcdef-1", filler); err != nil {
		t.Fatal(err)
	}
	if _, err := l.js.Publish(t.Context(), archivePrefix+"prod.0123456789abcdef-2", filler); err != nil {
		t.Fatal(err)
	}
	stream, err := l.js.Stream(t.Context(), ArchiveStream)
	if err != nil {
		t.Fatal(err)
	}
	got := stream.CachedInfo()
	if got.State.Msgs != 1 || got.State.FirstSeq != 2 || got.Config.MaxBytes != 512<<10 || got.Config.MaxAge != 400*24*time.Hour || got.Config.AllowDirect {
		t.Errorf("it holds %d from %d, as %+v", got.State.Msgs, got.State.FirstSeq, got.Config)
	}
	if _, err := l.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "MORE", Subjects: []string{"more"}, MaxBytes: 4 << 30}); err == nil {
		t.Error("its room is not reserved")
	}
	was := ended(t, l, "w1")
	archive(t, l)
	archivedAs(t, l, was)
}

func TestRoundOfArchiveIsBounded(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	const all = archiveAtOnce + 3
	for n := range all {
		closeOf(t, l, open(t, l, fmt.Sprint("w", n)))
	}
	archive(t, l)
	left, err := l.subjects(t.Context(), IncidentsStream, anyIncident)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != all-archiveAtOnce {
		t.Errorf("%d incidents are left, want %d", len(left), all-archiveAtOnce)
	}
	archive(t, l)
	if n := messages(t, l, ArchiveStream, ">"); n != all {
		t.Errorf("the archive has %d documents, want %d", n, all)
	}
}

// A purge that was cut off may leave the end of a history: it is loaded as before, and the next round removes the rest.
func TestPurgeThatWasCutOff(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	inc := ended(t, l, "w1")
	was := load(t, l, inc.ID)
	subject := incidentSubject("prod.eu", inc.ID)
	history, err := l.history(t.Context(), subject)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.preserve(t.Context(), subject, history); err != nil {
		t.Fatal(err)
	}
	if err := l.purge(t.Context(), IncidentsStream, subject, jetstream.WithPurgeSequence(history[1].Seq)); err != nil {
		t.Fatal(err)
	}
	if left := recordsOf(t, l, inc.ID); left == 0 || left == len(history) {
		t.Fatalf("%d of %d records are left", left, len(history))
	}
	if diff := cmp.Diff(was, load(t, l, inc.ID)); diff != "" {
		t.Errorf("with the rest in the stream it is loaded otherwise (-was +is):\n%s", diff)
	}
	archive(t, l)
	if left := recordsOf(t, l, inc.ID); left != 0 {
		t.Errorf("%d records are left", left)
	}
	if diff := cmp.Diff(was, load(t, l, inc.ID)); diff != "" {
		t.Errorf("without it, too (-was +is):\n%s", diff)
	}
}

// A rest that is not in the archive stays.
func TestRestThatIsNotInTheArchiveStays(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	inc := ended(t, l, "w1")
	subject := incidentSubject("prod.eu", inc.ID)
	history, err := l.history(t.Context(), subject)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.purge(t.Context(), IncidentsStream, subject, jetstream.WithPurgeSequence(history[1].Seq)); err != nil {
		t.Fatal(err)
	}
	archive(t, l)
	if left := recordsOf(t, l, inc.ID); left != len(history)-1 {
		t.Errorf("%d records are left, want %d", left, len(history)-1)
	}
}

// What was claimed for an incident that had ended meanwhile, by a process that then died, is released.
func TestArchiveReleasesWhatNobodyWorksOn(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	inc := acting(t, l, "w1", "w1")
	closeOf(t, l, load(t, l, inc.ID))
	if err := l.claim(t.Context(), inc, claim("w1")); err != nil { // and dies here
		t.Fatal(err)
	}
	archive(t, l) // finds it
	archive(t, l)
	if budget, _ := stand(t, l); len(budget.Holdings) != 0 {
		t.Errorf("the budget is %+v", budget)
	}
	archive(t, l)
	if recordsOf(t, l, inc.ID) != 0 {
		t.Error("the incident is not archived")
	}
}

// A claim whose decision is being recorded is left alone, also where an archiver has found a claim of the same incident before.
func TestArchiveLeavesAClaimThatIsBeingRecorded(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	inc := open(t, l, "w1")
	for n := range 3 {
		if err := l.claim(t.Context(), inc, claim("w1")); err != nil {
			t.Fatal(err)
		}
		archive(t, l)
		if budget, _ := stand(t, l); len(budget.Of(inc.ID).Entries) != 1 {
			t.Fatalf("round %d: the budget is %+v", n, budget)
		}
		inc = load(t, l, inc.ID)
		add(t, l, inc, decided(policies.Deny, "w1"))
		if err := l.release(t.Context(), inc.ID); err != nil {
			t.Fatal(err)
		}
	}
}

// Nor is one given up that was recorded between an archiver's look and its write.
func TestReleaseComesSecond(t *testing.T) {
	t.Parallel()
	s := startStore(t)
	l, other := s.ledger("one"), s.ledger("two")
	inc := open(t, l, "w1")
	if err := l.claim(t.Context(), inc, claim("w1")); err != nil {
		t.Fatal(err)
	}
	l.request = meanwhile(l, func() {
		if _, err := other.AppendClaimed(t.Context(), load(t, other, inc.ID), decided(policies.Act, "w1")); err != nil {
			t.Error(err)
		}
	})
	if err := l.release(t.Context(), inc.ID); err != nil {
		t.Errorf("it says %v", err)
	}
	if budget, _ := stand(t, other); len(budget.Of(inc.ID).Entries) != 1 || load(t, other, inc.ID).State != incident.Acting {
		t.Errorf("the budget is %+v", budget)
	}
}

// An incident that cannot be read, and holds something, keeps no other from being archived.
func TestArchivePassesAHolderThatCannotBeRead(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	said := journal(t, l)
	holder := acting(t, l, "w1", "w1")
	if _, err := l.AppendIntent(t.Context(), holder, intent(0), claim("w1"), "gate"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.js.Publish(t.Context(), incidentSubject("prod.eu", holder.ID), []byte(`{"schema":2}`)); err != nil {
		t.Fatal(err)
	}
	var all []incident.ID
	for n := range 8 { // some sort after it
		all = append(all, ended(t, l, fmt.Sprint("n", n)).ID)
	}
	archive(t, l)
	archive(t, l)
	for _, id := range all {
		if recordsOf(t, l, id) != 0 {
			t.Errorf("incident %s is not archived", id)
		}
	}
	if n := strings.Count(said(), "it stays held"); n != 1 {
		t.Errorf("it is said %d times", n)
	}
}
