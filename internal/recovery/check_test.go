package recovery

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/internal/clock"
	"github.com/salvor-io/salvor/responders"
)

func found(o responders.Outcome, detail ...string) responders.Finding {
	return responders.Finding{Outcome: o, Detail: detail}
}

func TestSeveralChecksAreOneOutcome(t *testing.T) {
	const yes, partly, no, unknown = responders.OutcomeVerified, responders.OutcomePartly, responders.OutcomeNotVerified, responders.OutcomeUnknown
	nothing := responders.Check{Change: responders.Change{Nothing: true}}
	type seen struct {
		check responders.Check
		found responders.Finding
	}
	of := func(o responders.Outcome, detail ...string) seen { return seen{found: found(o, detail...)} }
	for name, c := range map[string]struct {
		seen []seen
		want responders.Finding
	}{
		"no check":                         {nil, found(yes)},
		"all hold":                         {[]seen{of(yes), of(yes)}, found(yes)},
		"there, and does not serve":        {[]seen{of(yes), of(no, "probe orders: down")}, found(partly, "probe orders: down")},
		"serves, and is not there":         {[]seen{of(no, "web"), of(yes)}, found(partly, "web")},
		"neither":                          {[]seen{of(no, "web"), of(no, "orders")}, found(no, "web", "orders")},
		"partly there, and does not serve": {[]seen{of(partly, "web"), of(no, "orders")}, found(partly, "orders", "web")},
		"there, and serves in part":        {[]seen{of(yes), of(partly, "orders")}, found(partly, "orders")},
		"there, and who knows":             {[]seen{of(yes), of(unknown, "not asked")}, found(unknown, "not asked")},
		"not there, and who knows":         {[]seen{of(no, "web"), of(unknown, "not asked")}, found(unknown, "not asked", "web")},
		"nobody looks whether it serves":   {[]seen{of(no, "web"), {nothing, found(yes)}}, found(no, "web")},
		"nothing was there":                {[]seen{{nothing, found(yes)}, of(no, "orders")}, found(no, "orders")},
		"nothing to look at":               {[]seen{{nothing, found(yes)}}, found(yes)},
	} {
		t.Run(name, func(t *testing.T) {
			var all weighing
			for _, s := range c.seen {
				all.add(s.check, s.found)
			}
			if diff := cmp.Diff(c.want, all.finding()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// scripted is a responder that finds what its script says of the time since its begin.
type scripted struct {
	responders.Responder
	began  time.Time
	script func(ctx context.Context, after time.Duration) (responders.Finding, error)
}

func (s scripted) Verify(ctx context.Context, _ responders.Env, _ responders.Change) (responders.Finding, error) {
	return s.script(ctx, time.Since(s.began))
}

// TestDeadlineInTheMiddleOfALook has the last look at the world hang until the deadline: people are told what it lacked before.
func TestDeadlineInTheMiddleOfALook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := scripted{began: time.Now(), script: func(ctx context.Context, after time.Duration) (responders.Finding, error) {
			if after < 5*time.Second {
				return found(responders.OutcomePartly, "claim shop/data is not bound"), nil
			}
			<-ctx.Done()
			return found(responders.OutcomeUnknown), ctx.Err()
		}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		e := &Engine{Options: Options{Clock: clock.Wall{}}}
		last, err := e.agree(ctx, r, responders.Env{}, responders.Step{Name: "restore", DeadlineS: 60})
		if want := "step restore: the world does not agree within 1m0s: claim shop/data is not bound"; err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		if diff := cmp.Diff(found(responders.OutcomePartly, "claim shop/data is not bound"), last); diff != "" {
			t.Error(diff)
		}
	})
}

func TestChecksAreWatchedSideBySide(t *testing.T) {
	yes, no := found(responders.OutcomeVerified), found(responders.OutcomeNotVerified, "down")
	after := func(d time.Duration) func(context.Context, time.Duration) (responders.Finding, error) {
		return func(_ context.Context, now time.Duration) (responders.Finding, error) {
			if now < d {
				return no, nil
			}
			return yes, nil
		}
	}
	for name, c := range map[string]struct {
		scripts []func(context.Context, time.Duration) (responders.Finding, error)
		takes   time.Duration
		want    []responders.Finding
		first   time.Duration // that the first has, if it is less
	}{
		"both settle in one window": {[]func(context.Context, time.Duration) (responders.Finding, error){after(0), after(0)}, 10 * time.Second, []responders.Finding{yes, yes}, 0},
		"one comes later":           {[]func(context.Context, time.Duration) (responders.Finding, error){after(0), after(20 * time.Second)}, 30 * time.Second, []responders.Finding{yes, yes}, 0},
		"one never comes":           {[]func(context.Context, time.Duration) (responders.Finding, error){after(0), after(time.Hour)}, time.Minute, []responders.Finding{yes, no}, 0},
		"too late to settle": {[]func(context.Context, time.Duration) (responders.Finding, error){after(55 * time.Second)}, time.Minute,
			[]responders.Finding{found(responders.OutcomeNotVerified, "check did not hold through its settle window")}, 0},
		"it flaps once": {[]func(context.Context, time.Duration) (responders.Finding, error){func(_ context.Context, now time.Duration) (responders.Finding, error) {
			if now == 9*time.Second {
				return no, nil
			}
			return yes, nil
		}}, 20 * time.Second, []responders.Finding{yes}, 0},
		"what had settled breaks while another is waited for": {[]func(context.Context, time.Duration) (responders.Finding, error){
			func(_ context.Context, now time.Duration) (responders.Finding, error) {
				if now < 15*time.Second {
					return yes, nil
				}
				return no, nil
			}, after(10 * time.Second)}, time.Minute, []responders.Finding{no, yes}, 0},
		"what had settled breaks after its own time, while another is waited for": {[]func(context.Context, time.Duration) (responders.Finding, error){
			func(_ context.Context, now time.Duration) (responders.Finding, error) {
				if now < 70*time.Second {
					return yes, nil
				}
				return no, nil
			}, after(90 * time.Second)}, 100 * time.Second, []responders.Finding{no, yes}, time.Minute},
		"what had settled falters after its own time, and settles again": {[]func(context.Context, time.Duration) (responders.Finding, error){
			func(_ context.Context, now time.Duration) (responders.Finding, error) {
				if now == 70*time.Second {
					return no, nil
				}
				return yes, nil
			}, after(85 * time.Second)}, 95 * time.Second, []responders.Finding{yes, yes}, time.Minute},
		"one hangs": {[]func(context.Context, time.Duration) (responders.Finding, error){
			func(ctx context.Context, _ time.Duration) (responders.Finding, error) {
				<-ctx.Done()
				return found(responders.OutcomeUnknown), ctx.Err()
			}, after(0)}, 2 * time.Minute, []responders.Finding{found(responders.OutcomeUnknown, "context deadline exceeded"), yes}, 0},
		"it cannot be asked for a while": {[]func(context.Context, time.Duration) (responders.Finding, error){func(_ context.Context, now time.Duration) (responders.Finding, error) {
			if now < 5*time.Second {
				return found(responders.OutcomeUnknown), errors.New("away")
			}
			return yes, nil
		}}, 15 * time.Second, []responders.Finding{yes}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				var list []*watched
				for n, script := range c.scripts {
					until := max(time.Minute, c.takes+c.first)
					if n == 0 && c.first != 0 {
						until = c.first
					}
					list = append(list, &watched{check: responders.Check{Name: "check", SettleS: 10}, responder: scripted{began: began, script: script}, until: began.Add(until)})
				}
				e := &Engine{Options: Options{Clock: clock.Wall{}}}
				e.watch(t.Context(), list)
				if took := time.Since(began); took.Truncate(time.Second) != c.takes && took.Truncate(time.Second) != c.takes+time.Second {
					t.Errorf("took %s, want %s", took, c.takes)
				}
				for i, w := range list {
					if diff := cmp.Diff(c.want[i], w.finding()); diff != "" {
						t.Errorf("check %d: %s", i, diff)
					}
				}
			})
		})
	}
}
