package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/events/memory"
)

func TestAPostIsRecordedForItsCredential(t *testing.T) {
	tests := []struct {
		name string
		request
		cluster string
		kinds   []string
	}{
		{"the only cluster", request{body: hook(goodAlert)}, "prod", nil},
		{"the only cluster, named", request{body: hook(alertOf("prod"))}, "prod", nil},
		{"one of two", request{body: hook(alertOf("stage")), token: fleetToken}, "stage", nil},
		{"bound to kinds", request{body: hook(goodAlert), token: kindsToken}, "prod", []string{"node"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			kept := &journal{}
			got := test.send(t, serving(t, kept, nil))
			if got.status != 200 || got.Tally != (Tally{Recorded: 1}) {
				t.Fatalf("got %+v, want one recorded", got)
			}
			recorded, _ := kept.holds()
			var alert events.Alert
			if err := recorded[0].Decode(&alert); err != nil {
				t.Fatal(err)
			}
			if recorded[0].Cluster != test.cluster || !slices.Equal(alert.Kinds, test.kinds) {
				t.Errorf("cluster %q and kinds %v, want %q and %v", recorded[0].Cluster, alert.Kinds, test.cluster, test.kinds)
			}
		})
	}
}

func TestTheClusterLabelCanBeChosen(t *testing.T) {
	kept := &journal{}
	server := serving(t, kept, func(o *Options) { o.ClusterLabel = "k8s" })
	body := strings.Replace(hook(alertOf("stage")), "cluster", "k8s", 1)
	if got := (request{body: body, token: fleetToken}).send(t, server); got.Recorded != 1 {
		t.Errorf("got %+v, want one recorded", got)
	}
}

func TestOnlyAnInternalSenderSendsObservations(t *testing.T) {
	kept := &journal{}
	server := serving(t, kept, nil)
	lease := structured(strings.Replace(eventWith(`"subject":"node/w1"`), `"t"`, `"io.salvor.lease.v1"`, 1))
	if got := lease.send(t, server); got.status != http.StatusForbidden {
		t.Errorf("status is %d, want 403", got.status)
	}
	if got := lease.as(internalToken).send(t, server); got.Recorded != 1 {
		t.Errorf("got %+v, want one recorded", got)
	}
}

// TestDuplicatesMakeOneAlert posts as two Alertmanagers do, at once and again, into the honest double of the Log.
func TestDuplicatesMakeOneAlert(t *testing.T) {
	log := memory.New(time.Now)
	defer log.Close()
	server := serving(t, &journal{}, func(o *Options) { o.Log, o.Dead = log, log })
	var total Tally
	var mu sync.Mutex
	var peers sync.WaitGroup
	for range 2 {
		peers.Go(func() {
			for range 5 {
				got, err := request{body: hook(goodAlert, goodAlert)}.try(server)
				if err != nil || got.status != 200 {
					t.Errorf("got %+v (%v), want 200", got, err)
				}
				mu.Lock()
				total = total.plus(got.Tally)
				mu.Unlock()
			}
		})
	}
	peers.Wait()
	if want := (Tally{Recorded: 1, Duplicate: 19}); total != want {
		t.Errorf("counted %+v, want %+v", total, want)
	}
	resolved := strings.Replace(goodAlert, "firing", "resolved", 1)
	if got := (request{body: hook(resolved)}).send(t, server); got.Recorded != 1 {
		t.Errorf("got %+v for its end, want one recorded", got)
	}
}

func TestABadAlertCostsOnlyItself(t *testing.T) {
	kept := &journal{}
	other := strings.Replace(goodAlert, `"A"`, `"B"`, 1)
	body := hook(goodAlert, `{"status":1}`, alertOf("moon"), other)
	got := request{body: body}.send(t, serving(t, kept, nil))
	if got.status != 200 || got.Tally != (Tally{Recorded: 2, Dead: 2}) {
		t.Fatalf("got %+v, want two recorded and two dead", got)
	}
	recorded, letters := kept.holds()
	if len(recorded) != 2 || len(letters) != 1 {
		t.Fatalf("%d recorded and %d letters, want 2 and 1", len(recorded), len(letters))
	}
	if want := "intake.alertmanager.prod"; letters[0].subject != want {
		t.Errorf("letter is under %q, want %q", letters[0].subject, want)
	}
	var dead []Dead
	if err := json.Unmarshal(letters[0].data, &dead); err != nil {
		t.Fatal(err)
	}
	if len(dead) != 2 || string(dead[0].Item) != `{"status":1}` || !strings.Contains(dead[0].Reason, "status") ||
		!strings.Contains(dead[1].Reason, "moon") || !strings.Contains(letters[0].reason, "and 1 more") {
		t.Errorf("letter says %q and holds %s, want both bad alerts with their reasons", letters[0].reason, letters[0].data)
	}
}

func TestDeadLettersAreFewAndBounded(t *testing.T) {
	kept := &journal{}
	long := `{"status":"` + strings.Repeat("<", 100<<10) + `"}`
	short := strings.TrimSuffix(strings.Repeat("{},", 8000), ",")
	got := request{body: hook(long, short, long)}.send(t, serving(t, kept, nil))
	if got.status != 200 || got.Dead != 8002 {
		t.Fatalf("got %+v, want 8002 dead", got)
	}
	_, letters := kept.holds()
	if len(letters) > 8 {
		t.Errorf("%d letters, want few", len(letters))
	}
	total := 0
	for _, l := range letters {
		var dead []Dead
		if err := json.Unmarshal(l.data, &dead); err != nil || len(l.data) > events.MaxData {
			t.Errorf("letter of %d bytes: %v", len(l.data), err)
		}
		total += len(dead)
	}
	if total != 8002 {
		t.Errorf("%d items in the letters, want 8002", total)
	}
}

func TestAnEventTheLogRefusesForEverCostsOnlyItself(t *testing.T) {
	kept := &journal{}
	kept.appending = func(_ context.Context, evs []events.Event) error {
		for _, ev := range evs {
			if strings.Contains(string(ev.Data), "poison") {
				return events.Permanent(errors.New("poison"))
			}
		}
		return nil
	}
	var alerts []string
	for i := range 9 {
		alerts = append(alerts, strings.Replace(goodAlert, `"A"`, fmt.Sprintf(`"A%d"`, i), 1))
	}
	alerts[6] = strings.Replace(goodAlert, `"A"`, `"poison"`, 1)
	got := request{body: hook(alerts...)}.send(t, serving(t, kept, nil))
	if got.status != 200 || got.Tally != (Tally{Recorded: 8, Dead: 1}) {
		t.Errorf("got %+v, want eight recorded and one dead", got)
	}
}

func TestDoubtIsAnswered503InTime(t *testing.T) {
	type fault func(ctx context.Context, ended <-chan struct{}) error
	unavailable := fault(func(context.Context, <-chan struct{}) error { return events.ErrUnavailable })
	panics := fault(func(context.Context, <-chan struct{}) error { panic("disk on fire") })
	slow := fault(func(ctx context.Context, _ <-chan struct{}) error {
		<-ctx.Done()
		return ctx.Err()
	})
	hangs := fault(func(_ context.Context, ended <-chan struct{}) error {
		<-ended
		return nil
	})
	tests := []struct {
		name               string
		appending, burying fault
	}{
		{"log unavailable", unavailable, nil},
		{"log slow", slow, nil},
		{"log hangs", hangs, nil},
		{"log panics", panics, nil},
		{"dead letters unavailable", nil, unavailable},
		{"dead letters slow", nil, slow},
		{"dead letters hang", nil, hangs},
		{"dead letters panic", nil, panics},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ended := make(chan struct{})
				defer close(ended)
				kept := &journal{}
				if test.appending != nil {
					kept.appending = func(ctx context.Context, _ []events.Event) error { return test.appending(ctx, ended) }
				}
				if test.burying != nil {
					kept.burying = func(ctx context.Context) error { return test.burying(ctx, ended) }
				}
				began := time.Now()
				got := direct(t, kept, hook(goodAlert, `{}`))
				if took := time.Since(began); got.Code != http.StatusServiceUnavailable || took >= 2*time.Second {
					t.Errorf("status is %d after %v, want 503 within 2s", got.Code, took)
				}
				if got.Header().Get("Retry-After") == "" {
					t.Error("there is no Retry-After")
				}
			})
		})
	}
}

// direct posts without a network, so that time can be that of synctest.
func direct(t *testing.T, kept *journal, body string) *httptest.ResponseRecorder {
	t.Helper()
	intake, err := New(Options{Log: kept, Dead: kept, Logger: discard(), Credentials: senders()})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	intake.Register(mux)
	r := httptest.NewRequest(http.MethodPost, AlertmanagerPath, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+prodToken)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w
}

func TestAShortReceiptIsDoubt(t *testing.T) {
	server := serving(t, &journal{}, func(o *Options) { o.Log = mute{} })
	if got := (request{body: hook(goodAlert)}).send(t, server); got.status != http.StatusServiceUnavailable {
		t.Errorf("status is %d, want 503", got.status)
	}
}

// mute is a log that promises nothing.
type mute struct{}

func (mute) Append(context.Context, ...events.Event) ([]events.Receipt, error) { return nil, nil }

func TestPostsInFlightAreBoundedAndFreedAgain(t *testing.T) {
	gate, entered := make(chan struct{}), make(chan struct{}, 8)
	kept := &journal{appending: func(context.Context, []events.Event) error {
		entered <- struct{}{}
		<-gate
		return nil
	}}
	server := serving(t, kept, func(o *Options) { o.MaxInFlight, o.AnswerWithin = 2, 50*time.Millisecond })
	post := request{body: hook(goodAlert)}
	for range 2 { // both are answered, yet their recording goes on and holds the slot
		if got := post.send(t, server); got.status != http.StatusServiceUnavailable {
			t.Fatalf("status is %d, want 503", got.status)
		}
		<-entered
	}
	got := post.send(t, server)
	if got.status != http.StatusServiceUnavailable || !strings.Contains(got.Why, "already") {
		t.Errorf("got %+v, want 503 as there is no slot", got)
	}
	if len(entered) != 0 {
		t.Error("a third post reached the log")
	}
	close(gate)
	deadline := time.Now().Add(20 * time.Second)
	for post.send(t, server).status != http.StatusOK {
		if time.Now().After(deadline) {
			t.Fatal("the slots were not freed")
		}
	}
}

func TestAClientThatGoesAwayIsRecordedAllTheSame(t *testing.T) {
	entered, left := make(chan struct{}), make(chan struct{})
	result := make(chan error, 1)
	kept := &journal{}
	kept.appending = func(ctx context.Context, _ []events.Event) error {
		close(entered)
		<-left
		result <- ctx.Err()
		return ctx.Err()
	}
	server := serving(t, kept, func(o *Options) { o.AnswerWithin = time.Minute })
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+AlertmanagerPath, strings.NewReader(hook(goodAlert)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+prodToken)
	r.Header.Set("Content-Type", "application/json")
	done := make(chan struct{})
	go func() {
		defer close(done)
		if response, err := server.Client().Do(r); err == nil {
			response.Body.Close()
		}
	}()
	<-entered
	cancel()
	<-done
	close(left)
	if err := <-result; err != nil {
		t.Errorf("recording was given up: %v", err)
	}
}

func TestDrainWaitsForRecordingsAndTakesNoMore(t *testing.T) {
	gate, entered := make(chan struct{}), make(chan struct{})
	kept := &journal{appending: func(context.Context, []events.Event) error {
		close(entered)
		<-gate
		return nil
	}}
	intake, err := New(Options{Log: kept, Dead: kept, Logger: discard(), Credentials: senders(), MaxInFlight: 3, AnswerWithin: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	server := serve(t, intake)
	answered := make(chan answer, 1)
	go func() {
		got, _ := request{body: hook(goodAlert)}.try(server)
		answered <- got
	}()
	<-entered
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := intake.Drain(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("drain gave %v while a post was being recorded", err)
	}
	if got := (request{body: hook(goodAlert)}).send(t, server); got.status != http.StatusServiceUnavailable {
		t.Errorf("status is %d while draining, want 503", got.status)
	}
	close(gate)
	if got := <-answered; got.Recorded != 1 {
		t.Errorf("the post in flight was answered %+v, want one recorded", got)
	}
}

func TestTheMeterIsToldOfEachPost(t *testing.T) {
	meter := &meter{}
	server := serving(t, &journal{}, func(o *Options) { o.Meter = meter })
	request{body: hook(goodAlert, `{}`)}.send(t, server)
	structured("").send(t, server)
	want := []Post{
		{Endpoint: "alertmanager", Status: 200, Tally: Tally{Recorded: 1, Dead: 1}},
		{Endpoint: "events", Status: 400},
	}
	if diff := cmp.Diff(want, meter.told(2)); diff != "" {
		t.Errorf("posts (-want +got):\n%s", diff)
	}
}

type meter struct {
	mu    sync.Mutex
	posts []Post
}

func (m *meter) Posted(p Post) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p.Took = 0
	m.posts = append(m.posts, p)
}

// told waits until there are n posts: a client may have its answer before the meter is told.
func (m *meter) told(n int) []Post {
	for deadline := time.Now().Add(20 * time.Second); ; {
		m.mu.Lock()
		posts := slices.Clone(m.posts)
		m.mu.Unlock()
		if len(posts) >= n || time.Now().After(deadline) {
			return posts
		}
		time.Sleep(time.Millisecond)
	}
}
