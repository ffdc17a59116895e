package jetstream

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/salvor-io/salvor/events"
)

func openLog(t testing.TB, conn *Conn, opts Options) *Log {
	t.Helper()
	log, err := Open(t.Context(), conn, opts, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	return log
}

// TestLimits holds the real server to what the stream's configuration is meant to say: the ninth event of a subject drops
// that subject's first and is accepted, and only when the bytes are used up is a new event refused and nothing dropped.
func TestLimits(t *testing.T) {
	t.Parallel()
	conn := embed(t, t.TempDir())
	log := openLog(t, conn, Options{MaxEventBytes: 256 << 10})
	for n := range 3 * perSubject {
		ev := sample(n)
		ev.Entity = "node/same"
		if _, err := log.Append(t.Context(), ev); err != nil {
			t.Fatalf("event %d of one subject: %v", n, err)
		}
	}
	if got := messages(t, conn); got != perSubject {
		t.Errorf("%d events of one subject are kept, want %d", got, perSubject)
	}
	accepted := perSubject
	var err error
	for n := 1000; err == nil; n++ {
		ev := sample(n)
		ev.Data = []byte(`"` + strings.Repeat("x", 10<<10) + `"`)
		if _, err = log.Append(t.Context(), ev); err == nil {
			accepted++
		}
	}
	if !errors.Is(err, events.ErrUnavailable) || !strings.Contains(err.Error(), "maximum bytes exceeded") {
		t.Errorf("append beyond the bytes returned %v, want ErrUnavailable and why", err)
	}
	if got := messages(t, conn); got != accepted {
		t.Errorf("%d events are kept of %d accepted", got, accepted)
	}
	if log.Healthy() == nil {
		t.Error("the log is healthy although it takes nothing more")
	}
	log.Close()
	log = openLog(t, conn, Options{MaxEventBytes: 1 << 20})
	if _, err := log.Append(t.Context(), sample(5000)); err != nil {
		t.Errorf("append after the limit was raised: %v", err)
	}
	if got := messages(t, conn); got != accepted+1 {
		t.Errorf("%d events are kept of %d accepted", got, accepted+1)
	}
}

// messages counts what SALVOR_EVENTS holds.
func messages(t *testing.T, conn *Conn) int {
	t.Helper()
	stream, err := conn.JetStream().Stream(t.Context(), EventsStream)
	if err != nil {
		t.Fatal(err)
	}
	return int(stream.CachedInfo().State.Msgs)
}

// TestOpenAgain: opening what is open already, also by another replica, changes nothing.
func TestOpenAgain(t *testing.T) {
	conn := embed(t, t.TempDir())
	one, two := openLog(t, conn, Options{}), openLog(t, conn, Options{})
	for n, log := range []*Log{one, two} {
		if _, err := log.Append(t.Context(), sample(n), sample(7)); err != nil {
			t.Fatal(err)
		}
	}
	if got := messages(t, conn); got != 3 {
		t.Errorf("%d events are kept, want 3", got)
	}
}

// TestOpenAgainWithLittleRoom: a log that reserves more than half of the store opens again after a restart, and by a second
// replica at the same time.
func TestOpenAgainWithLittleRoom(t *testing.T) {
	opts := EmbedOptions{StoreDir: t.TempDir(), MaxStore: 64 << 20}
	for range 2 {
		conn, err := Embed(t.Context(), opts, testLog(t))
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if log, err := Open(t.Context(), conn, Options{MaxEventBytes: 40 << 20, MaxDeadBytes: 2 << 20}, testLog(t)); err != nil {
					t.Error(err)
				} else {
					log.Close()
				}
			})
		}
		wg.Wait()
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOpenTogether: replicas that start at once on one NATS all come up, and what its operator chose for a stream stays.
func TestOpenTogether(t *testing.T) {
	conn := embed(t, t.TempDir())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { openLog(t, conn, Options{}) })
	}
	wg.Wait()
	stream, err := conn.JetStream().Stream(t.Context(), EventsStream)
	if err != nil {
		t.Fatal(err)
	}
	chosen := stream.CachedInfo().Config
	chosen.Compression = jetstream.S2Compression
	chosen.MaxMsgsPerSubject = 1000
	if _, err := conn.JetStream().UpdateStream(t.Context(), chosen); err != nil {
		t.Fatal(err)
	}
	openLog(t, conn, Options{})
	info, err := stream.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info.Config.Compression != jetstream.S2Compression || info.Config.MaxMsgsPerSubject != perSubject {
		t.Errorf("the stream is %+v", info.Config)
	}
}

// TestDeadLetter: any bytes, text and headers are kept as they are, under a subject that cannot leave its place.
func TestDeadLetter(t *testing.T) {
	conn := embed(t, t.TempDir())
	log := openLog(t, conn, Options{})
	header := map[string][]string{"Content-Type": {"text/plain"}, "X\r\nNats-Msg-Id": {"a\r\nb"}}
	for _, subject := range []string{"ingest.alertmanager", "ingest.any *.>thing"} {
		if err := log.DeadLetter(t.Context(), subject, "no JSON:\n\"x\"", []byte{0, 1, 2}, header); err != nil {
			t.Fatal(err)
		}
	}
	got := letters(t, conn)
	if len(got) != 2 || got[0].Subject != "salvor.dead.ingest.alertmanager" || got[0].Reason != "no JSON:\n\"x\"" || got[0].Data != "\x00\x01\x02" {
		t.Fatalf("the letters are %+v", got)
	}
	if rest, ok := strings.CutPrefix(got[1].Subject, "salvor.dead.ingest."); !ok || strings.ContainsAny(strings.ReplaceAll(rest, ".", ""), "*> ") {
		t.Errorf("the second letter is on %q", got[1].Subject)
	}
	if log.DeadLettered() != 2 {
		t.Errorf("%d letters were counted, want 2", log.DeadLettered())
	}
	stream, err := conn.JetStream().Stream(t.Context(), DeadStream)
	if err != nil {
		t.Fatal(err)
	}
	msg, err := stream.GetMsg(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if msg.Header.Get("Content-Type") != "text/plain" || msg.Header.Get("Nats-Msg-Id") != "" || msg.Header.Get("X%0D%0ANats-Msg-Id") != "a%0D%0Ab" {
		t.Errorf("its headers are %v", msg.Header)
	}
}

// TestBatches looks at what the server was given: a lone event alone, many as one atomic batch, and those with a known one
// among them as a batch without it.
func TestBatches(t *testing.T) {
	conn := embed(t, t.TempDir())
	log := openLog(t, conn, Options{})
	publish := func(from, to int) {
		t.Helper()
		var items []*item
		for n := from; n < to; n++ {
			msg, err := encode(sample(n))
			if err != nil {
				t.Fatal(err)
			}
			items = append(items, &item{msg: msg})
		}
		log.appends.pub.publish(t.Context(), items)
		if err := firstError(items); err != nil {
			t.Fatal(err)
		}
	}
	publish(0, 1)
	publish(1, 1+batchFrom)
	publish(1, 1+3*batchFrom)
	publish(5000, 5000+maxGroup+1)
	stream, err := conn.JetStream().Stream(t.Context(), EventsStream)
	if err != nil {
		t.Fatal(err)
	}
	var sizes []string
	previous, size := "", 0
	for seq := uint64(1); seq <= stream.CachedInfo().State.LastSeq; seq++ {
		msg, err := stream.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		id := msg.Header.Get(headerBatchID)
		if size > 0 && (id == "" || id != previous) {
			sizes = append(sizes, fmt.Sprintf("%t %d", previous != "", size))
			size = 0
		}
		previous, size = id, size+1
	}
	sizes = append(sizes, fmt.Sprintf("%t %d", previous != "", size))
	want := fmt.Sprint([]string{"false 1", fmt.Sprintf("true %d", batchFrom), fmt.Sprintf("true %d", 2*batchFrom), fmt.Sprintf("true %d", maxGroup), "false 1"})
	if got := fmt.Sprint(sizes); got != want {
		t.Errorf("the groups are %s, want %s", got, want)
	}
}

// TestProbeWritesNothing: looking for known ids records nothing and finds exactly those known.
func TestProbeWritesNothing(t *testing.T) {
	conn := embed(t, t.TempDir())
	log := openLog(t, conn, Options{})
	if _, err := log.Append(t.Context(), sample(3)); err != nil {
		t.Fatal(err)
	}
	for _, replicated := range []bool{false, true} { // where it asks in the wrong way nothing is found, and nothing harmed
		log.appends.pub.replicated = replicated
		var items []*item
		for n := range 10 {
			msg, err := encode(sample(n))
			if err != nil {
				t.Fatal(err)
			}
			items = append(items, &item{msg: msg, err: errUntried})
		}
		log.appends.pub.probe(t.Context(), items)
		for n, it := range items {
			if known := n == 3 && !replicated; known != (it.err == nil) || known != it.duplicate || known != (it.seq == 1) {
				t.Errorf("replicated %t: event %d is %+v", replicated, n, it)
			}
		}
	}
	if got := messages(t, conn); got != 1 {
		t.Errorf("%d events are kept, want 1", got)
	}
}
