package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/salvor-io/salvor/internal/api"
)

// stormLook is how long between two looks at the view: what is measured is up to so much too long.
const stormLook = 20 * time.Millisecond

// watch looks which alarms have reached the view, while any is waited for.
func (t *storm) watch(ctx context.Context) error {
	for pause(ctx, stormLook) == nil {
		cluster, waits := t.waiting()
		if !waits {
			continue
		}
		list, err := t.alerts(ctx, url.Values{"cluster": {cluster}, "name": {alarmName}})
		if err != nil {
			continue // it is asked again, and what is not seen is told
		}
		now := time.Now()
		t.mu.Lock()
		for _, a := range list {
			if one, ours := t.alarms[a.Fingerprint]; ours && one.seen.IsZero() {
				one.seen = now
				t.alarms[a.Fingerprint] = one
			}
		}
		t.mu.Unlock()
	}
	return nil
}

// waiting is the cluster of the oldest alarm that was not seen yet.
func (t *storm) waiting() (cluster string, waits bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var oldest alarm
	for _, one := range t.alarms {
		if one.seen.IsZero() && (!waits || one.began.Before(oldest.began)) {
			oldest, waits = one, true
		}
	}
	return oldest.cluster, waits
}

// look notes all alerts that the view has.
func (t *storm) look(ctx context.Context) error {
	for _, cluster := range stormClusters {
		list, err := t.alerts(ctx, url.Values{"cluster": {cluster}})
		if err != nil {
			return err
		}
		for _, a := range list {
			t.viewed[entityOf(a.Fingerprint)] = true
		}
	}
	return nil
}

func (t *storm) alerts(ctx context.Context, which url.Values) (list []api.Alert, err error) {
	status, said, err := ask(ctx, t.client, http.MethodGet, t.url+"/v1/alerts?"+which.Encode(), readToken, nil)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%d: %.300s", status, said)
	}
	if err == nil {
		err = json.Unmarshal(said, &list)
	}
	if err != nil {
		return nil, fmt.Errorf("list the alerts: %w", err)
	}
	return list, nil
}

// ask sends a request and reads the whole answer.
func ask(ctx context.Context, client *http.Client, method, to, token string, body []byte) (status int, said []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, to, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	said, err = io.ReadAll(resp.Body)
	return resp.StatusCode, said, err
}
