package ledger

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/policies"
)

func pauseOf(cluster, kind, target string, lasts time.Duration) policies.Pause {
	now := time.Now().UTC().Round(0)
	return policies.Pause{Cluster: cluster, Kind: kind, Target: target, Owner: "ann", Reason: "maintenance", Since: now, Until: now.Add(lasts)}
}

func setPause(t *testing.T, l *Ledger, p policies.Pause) {
	t.Helper()
	if err := l.SetPause(t.Context(), p); err != nil {
		t.Fatal(err)
	}
}

func pauses(t *testing.T, l *Ledger) []policies.Pause {
	t.Helper()
	got, err := l.Pauses(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestPausesOfFourScopes(t *testing.T) {
	s := startStore(t)
	l := s.ledger("one")
	all := []policies.Pause{pauseOf("", "", "", time.Hour), pauseOf("prod.eu", "", "", time.Hour),
		pauseOf("", "node", "", time.Hour), pauseOf("prod.eu", "", "node/w 1>*", time.Hour)}
	if got := pauses(t, l); len(got) != 0 {
		t.Errorf("at first there are %+v", got)
	}
	for n := range all {
		all[n].Since = all[n].Since.Add(time.Duration(n) * time.Second)
		setPause(t, l, all[n])
	}
	longer := all[1]
	longer.Until = longer.Until.Add(time.Hour)
	all[1] = longer
	setPause(t, l, longer) // replaces that of the same scope
	s.stop()
	s.start()
	l = s.ledger("one")
	if diff := cmp.Diff(all, pauses(t, l)); diff != "" {
		t.Errorf("pauses (-want +got):\n%s", diff)
	}
	if err := l.EndPause(t.Context(), policies.Pause{Cluster: "prod.eu"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]policies.Pause{all[0], all[2], all[3]}, pauses(t, l)); diff != "" {
		t.Errorf("pauses after one ended (-want +got):\n%s", diff)
	}
	if err := l.EndPause(t.Context(), policies.Pause{Cluster: "prod.eu"}); !errors.Is(err, ErrNotFound) {
		t.Errorf("ending it again says %v", err)
	}
}

func TestPausesNeedOwnerReasonAndExpiry(t *testing.T) {
	l := newLedger(t)
	for name, spoil := range map[string]func(*policies.Pause){
		"owner":  func(p *policies.Pause) { p.Owner = "" },
		"reason": func(p *policies.Pause) { p.Reason = "" },
		"past":   func(p *policies.Pause) { p.Until = p.Since.Add(-time.Second) },
		"never":  func(p *policies.Pause) { p.Until = time.Time{} },
	} {
		p := pauseOf("", "", "", time.Hour)
		spoil(&p)
		if err := l.SetPause(t.Context(), p); err == nil {
			t.Errorf("a pause with bad %s is set", name)
		}
	}
	if got := pauses(t, l); len(got) != 0 {
		t.Errorf("there are %+v", got)
	}
}

func TestUnreadablePauseIsNotIgnored(t *testing.T) {
	l := newLedger(t)
	if _, err := l.js.Publish(t.Context(), subjectKV+"pause.new", []byte(`{"schema":2}`)); err != nil {
		t.Fatal(err)
	}
	if got, err := l.Pauses(t.Context()); !errors.Is(err, ErrNewer) {
		t.Errorf("it reads %+v, %v", got, err)
	}
}

func TestWatchPauses(t *testing.T) {
	t.Parallel()
	s := startStore(t)
	l := s.ledger("one")
	changes := make(chan []policies.Pause, 100)
	inBackground(t, func(ctx context.Context) error {
		return s.ledger("two").WatchPauses(ctx, func(now []policies.Pause) { changes <- now })
	})
	expect := func(what string, want ...policies.Pause) {
		t.Helper()
		if diff := cmp.Diff(want, receive(t, changes, what)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	expect("nothing at first")
	long := pauseOf("", "", "", time.Hour)
	setPause(t, l, long)
	expect("a pause", long)
	s.stop()
	s.start()
	second := pauseOf("", "node", "", time.Hour)
	setPause(t, l, second)
	expect("a second after a restart", long, second)
	second.Until = time.Now().Add(3 * time.Second).UTC().Round(0)
	setPause(t, l, second)
	for now := receive(t, changes, "the expiry"); len(now) > 1; now = receive(t, changes, "the expiry") {
		if diff := cmp.Diff([]policies.Pause{long, second}, now); diff != "" { // a busy machine may not see it before it expires
			t.Errorf("before the expiry (-want +got):\n%s", diff)
		}
	}
	if time.Now().Before(second.Until) {
		t.Error("it expired early")
	}
	if err := l.EndPause(t.Context(), long); err != nil {
		t.Fatal(err)
	}
	expect("the end")
}

func TestExpiredPausesArePruned(t *testing.T) {
	l := newLedger(t)
	for n := range 5 {
		p := pauseOf("", "", fmt.Sprint("node/", n), -2*time.Hour)
		data, err := Document(pauseRecord{l.sign(), p})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.js.Publish(t.Context(), subjectKV+pauseKey(p), data); err != nil {
			t.Fatal(err)
		}
	}
	setPause(t, l, pauseOf("", "", "", time.Hour))
	held, err := l.held(t.Context())
	if err != nil || len(held) != 1 {
		t.Errorf("there are %+v, %v", held, err)
	}
}
