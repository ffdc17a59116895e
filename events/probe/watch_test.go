package probe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/salvor-io/salvor/events"
)

// journal is a log that can be told to fail. It notes what was said and when.
type journal struct {
	mu    sync.Mutex
	began time.Time
	away  bool
	said  []events.Probe
	at    []time.Duration // since began
	evs   []events.Event
}

func (j *journal) Append(_ context.Context, evs ...events.Event) ([]events.Receipt, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.away {
		return nil, events.ErrUnavailable
	}
	for _, ev := range evs {
		p, err := Read(ev.Data)
		if err != nil {
			return nil, events.Permanent(err)
		}
		j.said, j.at, j.evs = append(j.said, p), append(j.at, time.Since(j.began)), append(j.evs, ev)
	}
	return make([]events.Receipt, len(evs)), nil
}

func (j *journal) set(away bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.away = away
}

// story is what was said, as "0.5 up, 7.5 up, 12 down".
func (j *journal) story() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []string
	for i, p := range j.said {
		word := "up"
		if !p.Up {
			word = "down"
		}
		out = append(out, fmt.Sprintf("%g %s", j.at[i].Seconds(), word))
	}
	return strings.Join(out, ", ")
}

var errUnknown = errors.New("cannot tell")

// script is a check that answers one letter an attempt: U up, D down, ? cannot tell, H hangs until the deadline and is down, P panics.
// The last letter goes on for ever.
func script(letters string) Check {
	n := 0
	return func(ctx context.Context) (Answer, error) {
		letter := letters[min(n, len(letters)-1)]
		n++
		switch letter {
		case 'U':
			return Answer{Up: true}, nil
		case 'D':
			return Answer{Reason: "connection refused"}, nil
		case 'H':
			<-ctx.Done()
			return Answer{Reason: "no answer"}, nil
		case 'P':
			panic("a bug")
		}
		return Answer{}, errUnknown
	}
}

// run probes by a script for a while of made-up time. Meanwhile is called once probing has begun.
func run(t *testing.T, check Check, d time.Duration, meanwhile func(*journal)) *journal {
	t.Helper()
	j := &journal{began: time.Now()}
	s, err := New(Options{Cluster: "prod", By: "r1", Targets: map[string]Check{TargetAPIServer: check}, Log: j, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	if meanwhile != nil {
		meanwhile(j)
	}
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	return j
}

func TestWhatIsSaidAndWhen(t *testing.T) {
	for _, c := range []struct {
		name, script string
		want         string // until 19.75 s
	}{
		{"well", "U", "0.5 up, 8 up, 15 up"},
		{"down from the beginning", "D", "0.5 down, 8 down, 15 down"},
		{"one attempt that fails flips nothing", "UUUDU", "0.5 up, 8 up, 15 up"},
		{"one attempt that succeeds flips nothing", "DDDUD", "0.5 down, 8 down, 15 down"},
		{"two in a row", "UUUDD", "0.5 up, 6 down, 13 down"},
		{"there and back", "UUUDDUU", "0.5 up, 6 down, 9 up, 16 up"},
		{"not in a row", "UU?D?D?D?D?", "0.5 up, 8 up"},
		{"it hangs", "UUH", "0.5 up, 8 up, 11.5 down, 19 down"},
		{"nothing can be told", "?", ""},
		{"nothing can be told any more", "UU?", "0.5 up, 8 up"},
		{"one failure after nothing could be told for long", "UU??????D?", "0.5 up, 8 up"},
		{"a panic is no answer", "PUUP", "3 up, 10 up"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := run(t, script(c.script), 19750*time.Millisecond, nil).story(); got != c.want {
					t.Errorf("said %q, want %q", got, c.want)
				}
			})
		})
	}
}

// TestSaidOftenEnough holds that a prober that can tell is heard of at least every 8 s, whatever it finds.
func TestSaidOftenEnough(t *testing.T) {
	for _, letters := range []string{"U", "D", "H", "UUHU", "UHUHUHUHUHUHUHU", "UUUUUHH", "UUDUDUDUDUDUDUDUDUDUDUDUDUDUDUDUDUDUDUD"} {
		synctest.Test(t, func(t *testing.T) {
			j := run(t, script(letters), 2*time.Minute, nil)
			for i := 1; i < len(j.at); i++ {
				if gap := j.at[i] - j.at[i-1]; gap > 8*time.Second {
					t.Errorf("%s: silent for %s after %s", letters, gap, j.at[i-1])
				}
			}
		})
	}
}

func TestWhatTheLogDidNotTakeIsNotSaidLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := run(t, script("UUUDDDDDDDDDDDDDUU"), time.Minute, func(j *journal) {
			time.Sleep(4 * time.Second)
			j.set(true)
			time.Sleep(35500 * time.Millisecond) // it went down and came back meanwhile
			j.set(false)
		})
		if got, want := j.story(), "0.5 up, 40 up, 47 up, 54 up"; got != want {
			t.Errorf("said %q, want %q", got, want)
		}
	})
}

func TestEventsRestOnAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := run(t, script("UUH"), 30*time.Second, nil)
		ids := map[string]bool{}
		for i, ev := range j.evs {
			said := j.began.Add(j.at[i])
			if old := said.Sub(ev.Time); old < 0 || old > Worth {
				t.Errorf("said at %s, of %s before", j.at[i], old)
			}
			if want := fmt.Sprintf("probe/prod/r1/apiserver/%d", said.UnixNano()); ev.ID != want || ids[ev.ID] {
				t.Errorf("id is %s, want %s, once", ev.ID, want)
			}
			ids[ev.ID] = true
			entity := "probe/r1/apiserver"
			if i > 0 && j.said[i].Up == j.said[i-1].Up {
				entity = events.Again(entity)
			}
			if ev.Type != events.TypeProbe || ev.Cluster != "prod" || ev.Entity != entity || ev.Source != "/clusters/prod/probe" {
				t.Errorf("event is %+v", ev)
			}
		}
		last := j.said[len(j.said)-1]
		if last.By != "r1" || last.Witness || last.Up || last.Reason != "no answer" || last.Took.Duration() != within {
			t.Errorf("last probe is %+v", last)
		}
	})
}

func TestAStoppedProcessIsNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(context.Context) (Answer, error) {
			time.Sleep(within + late + time.Second) // as if this process had been stopped
			return Answer{Reason: "no answer"}, nil
		}
		if got := run(t, slow, time.Minute, nil).story(); got != "" {
			t.Errorf("said %q", got)
		}
	})
}

func TestAge(t *testing.T) {
	now := time.Now()
	slept := now.Round(0).Add(time.Hour) // the machine slept: the other clock says so
	if got := Age(now, slept); got != time.Hour {
		t.Errorf("age by the clock on the wall is %s", got)
	}
	if got := Age(now, now.Add(time.Minute)); got != time.Minute {
		t.Errorf("age is %s", got)
	}
}

func TestNewRefuses(t *testing.T) {
	well := Options{Cluster: "c", By: "r", Targets: map[string]Check{TargetEtcd: script("U")}, Log: &journal{}, Logger: slog.New(slog.DiscardHandler)}
	for name, change := range map[string]func(*Options){
		"no cluster": func(o *Options) { o.Cluster = "" }, "no prober": func(o *Options) { o.By = "" },
		"a prober with a slash": func(o *Options) { o.By = "a/b" }, "no targets": func(o *Options) { o.Targets = nil },
		"a foreign target": func(o *Options) { o.Targets = map[string]Check{"dns": script("U")} },
		"no check":         func(o *Options) { o.Targets = map[string]Check{TargetEtcd: nil} },
		"no log":           func(o *Options) { o.Log = nil }, "no logger": func(o *Options) { o.Logger = nil },
	} {
		opts := well
		change(&opts)
		if _, err := New(opts); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := New(well); err != nil {
		t.Error(err)
	}
}
