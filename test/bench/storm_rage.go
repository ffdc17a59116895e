package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// storm is what is posted, and what becomes of it.
type storm struct {
	url    string
	client *http.Client

	mu      sync.Mutex
	taken   []string         // entities of the alerts that were answered for with a 200
	refused int              // posts that were to be sent again
	alarms  map[string]alarm // by fingerprint
	viewed  map[string]bool  // entities that the view had at the end
	took    time.Duration    // until the last was taken
}

// alarm is an alert that a region is lost.
type alarm struct {
	cluster     string
	began, seen time.Time // when its post began, and when it was first seen in the view
}

func newStorm(url string) *storm {
	keep := &http.Transport{MaxIdleConnsPerHost: 2 * stormPosters}
	return &storm{url: url, client: &http.Client{Timeout: 10 * time.Second, Transport: keep}, alarms: map[string]alarm{}, viewed: map[string]bool{}}
}

// rage posts all, evenly over the span, and returns when all were taken and seen, or when the bound is reached.
func (t *storm) rage(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stormBound)
	defer cancel()
	began := time.Now()
	watching, enough := context.WithCancel(ctx)
	defer enough()
	var seeing errgroup.Group
	posting, together := errgroup.WithContext(ctx) // one that cannot go on ends it for all
	seeing.Go(func() error { return t.watch(watching) })
	for p := range stormPosters {
		posting.Go(func() error { return t.poster(together, began, p) })
	}
	posting.Go(func() error { return t.alarmist(together, began) })
	err := posting.Wait()
	t.took = time.Since(began)
	if err == nil { // the log is in order: once the last is seen, all are
		err = t.raise(ctx, stormCritical)
	}
	if err == nil {
		err = until(ctx, stormBound, func() error {
			if _, waits := t.waiting(); waits {
				return errors.New("alarms wait")
			}
			return nil
		})
	}
	enough()
	if errors.Is(err, context.DeadlineExceeded) {
		err = nil // what was not taken or seen is told in the rows
	}
	return errors.Join(err, seeing.Wait())
}

// poster posts its share of the batches, each when its time has come.
func (t *storm) poster(ctx context.Context, began time.Time, p int) error {
	const batches = stormAlerts / stormBatch
	for i := p; i < batches; i += stormPosters {
		if err := due(ctx, began, i, batches); err != nil {
			return err
		}
		body, entities := stormPost(i)
		if err := t.post(ctx, body, entities); err != nil {
			return err
		}
	}
	return nil
}

// due waits for the time of the ith of n.
func due(ctx context.Context, began time.Time, i, n int) error {
	return pause(ctx, time.Until(began.Add(time.Duration(i)*stormSpan/time.Duration(n))))
}

// alarmist raises all alarms but the last, each when its time has come, whether or not those before were taken.
func (t *storm) alarmist(ctx context.Context, began time.Time) error {
	var group errgroup.Group
	for i := range stormCritical {
		if err := due(ctx, began, i, stormCritical); err != nil {
			return errors.Join(err, group.Wait())
		}
		group.Go(func() error { return t.raise(ctx, i) })
	}
	return group.Wait()
}

func (t *storm) raise(ctx context.Context, i int) error {
	body, fingerprint, cluster := alarmPost(i)
	t.mu.Lock()
	t.alarms[fingerprint] = alarm{cluster: cluster, began: time.Now()}
	t.mu.Unlock()
	return t.post(ctx, body, []string{entityOf(fingerprint)})
}

// post posts until it is taken, as Alertmanager does where the answer is none or 5xx.
func (t *storm) post(ctx context.Context, body []byte, entities []string) error {
	for {
		status, said, err := ask(ctx, t.client, http.MethodPost, t.url+hookPath, postToken, body)
		switch {
		case err == nil && status == http.StatusOK:
			t.mu.Lock()
			defer t.mu.Unlock()
			t.taken = append(t.taken, entities...)
			return nil
		case err == nil && status < 500:
			return fmt.Errorf("post alerts: %d: %.300s", status, said)
		}
		t.mu.Lock()
		t.refused++
		t.mu.Unlock()
		if err := pause(ctx, 250*time.Millisecond); err != nil {
			return err
		}
	}
}
