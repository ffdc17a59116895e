package replay_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/export"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/internal/replay"
)

// kept is a log of which only the last 8 events of each object are there, as the log of a running Salvor.
type kept []events.Recorded

func keep(log []events.Recorded) kept {
	count := map[string]int{}
	var out kept
	for _, ev := range slices.Backward(log) {
		if subject := ev.Subject("x"); count[subject] < 8 {
			count[subject]++
			out = append(out, ev)
		}
	}
	slices.Reverse(out)
	return out
}

func (k kept) Follow(ctx context.Context, after uint64, fold func(events.Recorded) error, caughtUp func()) error {
	for _, ev := range k {
		if ctx.Err() != nil {
			return nil
		}
		if ev.Seq > after {
			if err := fold(ev); err != nil {
				return err
			}
		}
	}
	caughtUp()
	<-ctx.Done()
	return nil
}

// exported is the recording of a scene as the log of a running Salvor would give it.
func exported(t *testing.T, p *replay.Player, from, to time.Time) []byte {
	t.Helper()
	cfg, err := config.Parse("salvor.yaml", []byte(strings.ReplaceAll(replay.Fleet, "MODE", "act")))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	e := export.New(export.Options{Log: keep(p.Log()), Past: p.Store(), Decisions: p.Store().Writer("reader"), Missing: ledger.ErrNotFound, Config: cfg, Rules: export.ShippedAlone{}, Version: "v1",
		Clock: func() time.Time { return to }})
	if err := e.Export(t.Context(), &out, from, to); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// again judges the whole recording of a scene again.
func again(t *testing.T, p *replay.Player) (comment string, r *replay.Report) {
	t.Helper()
	log := p.Log()
	f, err := replay.Read(bytes.NewReader(exported(t, p, log[0].At, log[len(log)-1].At)))
	if err != nil {
		t.Fatal(err)
	}
	if r, err = f.Check(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return f.Comment, r
}

// TestWhatIsNotKeptIsMadeUp: a recording of a log that keeps little comes out the same, whatever the span.
func TestWhatIsNotKeptIsMadeUp(t *testing.T) {
	p := replay.Played(t, replay.Disasters, []byte(strings.ReplaceAll(replay.Fleet, "MODE", "act")))
	log := p.Log()
	begin, end := log[0].At, log[len(log)-1].At
	if n := len(keep(log)); n > len(log)/3 {
		t.Fatalf("%d of %d events are kept: this tests nothing", n, len(log))
	}
	for name, span := range map[string][2]time.Time{
		"all": {begin, end}, "the end": {begin.Add(12 * time.Minute), end}, "the middle": {begin.Add(5 * time.Minute), begin.Add(20 * time.Minute)},
		"nothing": {end.Add(-10 * time.Second), end.Add(time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			raw := exported(t, p, span[0], span[1])
			f, err := replay.Read(bytes.NewReader(raw))
			if err != nil {
				t.Fatal(err)
			}
			r, err := f.Check(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Log(f.Comment + r.Text("recorded", "now"))
			if len(r.Differences) > 0 || r.Missed > 0 || len(r.Odd) > 0 {
				t.Errorf("it is different:\n%s", r.Text("recorded", "now"))
			}
			if name == "all" && (r.Faults < 4 || r.Decisions < 6 || r.MadeUp == 0 || r.Events > len(log)) {
				t.Errorf("%+v", r)
			}
		})
	}
}

// TestANodeThatChangesOften: it was there before what is kept of it, and what was judged of it comes out the same but for details.
func TestANodeThatChangesOften(t *testing.T) {
	scene := "cluster prod\nnode a-1..a-9 zone=a\n+60s\nlease a-1 stale\n+60s\nlease a-1 fresh\n+30s\n" +
		strings.Repeat("node a-1 unschedulable\n+10s\nnode a-1 unschedulable=false\n+10s\n", 5) + "+8m\n"
	p := replay.Played(t, scene, []byte(strings.ReplaceAll(replay.Fleet, "MODE", "act")))
	_, r := again(t, p)
	if len(r.Differences) > 0 || r.Missed > 0 || r.Nearly != 1 || r.Faults != 1 || r.Decisions != 2 || !strings.Contains(r.Text("a", "b"), "1 but for details of events that are not kept") {
		t.Errorf("%s", r.Text("recorded", "now"))
	}
}

// TestWhatWatchesSawIsKept: that a watch was blind long ago, and a witness cut off, is in a recording though what was repeated since is not.
func TestWhatWatchesSawIsKept(t *testing.T) {
	scene := "cluster prod\nnode a-1..a-9 zone=a\nprobe w1 apiserver up witness\n+60s\nblind leases\n+30s\nlease a-1 stale\n+3m\nsees leases\n+1m\nprobe w1 apiserver down witness\n+2m\n" +
		"probe w1 apiserver up witness\nlease a-1 fresh\n+10m\n"
	p := replay.Played(t, scene, []byte(strings.ReplaceAll(replay.Fleet, "MODE", "act")))
	comment, r := again(t, p)
	if len(r.Differences) > 0 || r.Missed > 0 || r.Nearly > 0 || r.Faults == 0 || r.MadeUp == 0 {
		t.Errorf("%s", comment+r.Text("recorded", "now"))
	}
}
