package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/salvor-io/salvor/internal/ingest"
	"github.com/salvor-io/salvor/test/rig"
)

// TestStoreFull: the disk of the store is full. Senders get 503 within its time; once there is room again they are taken in,
// and nothing that was answered 2xx is lost.
func TestStoreFull(t *testing.T) {
	r := shared(t)
	settings := quick("full")
	settings.DataDir = filepath.Join(r.Dir, "small")
	settings.Extra = "nats: {max_store: 64MiB}\n"
	if err := os.Mkdir(settings.DataDir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", settings.DataDir, "tmpfs", 0, "size=80m"); errors.Is(err, syscall.EPERM) {
		t.Skip("mounting a small disk is not allowed here")
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(settings.DataDir, 0); err != nil {
			t.Error(err)
		}
	})
	s := begin(t, r, settings)
	var taken []string
	refused := ""
	post := func(name string) int {
		status, took := s.post(name)
		if status == http.StatusOK {
			taken = append(taken, name)
		}
		if status == http.StatusServiceUnavailable && took > 2*time.Second {
			t.Errorf("503 after %s, want it within 2 s", took)
		}
		return status
	}
	if status := post("before"); status != http.StatusOK {
		t.Fatalf("answered %d before the disk is full", status)
	}
	filler := filepath.Join(settings.DataDir, "filler")
	fill(t, filler)
	s.await(time.Minute, "a post is refused", func(context.Context) (bool, error) {
		refused = fmt.Sprintf("alert-%d", len(taken))
		return post(refused) == http.StatusServiceUnavailable, nil
	})
	s.must(os.Remove(filler))
	s.await(time.Minute, "the refused post is taken", func(context.Context) (bool, error) { return post(refused) == http.StatusOK, nil })
	t.Logf("%d posts were taken, one after it had been refused", len(taken))
	s.await(20*time.Second, "all that was taken is known", func(ctx context.Context) (bool, error) {
		for _, name := range taken {
			known, err := s.Fetch(ctx, "/v1/alerts?cluster="+rig.Cluster+"&name="+name)
			if err != nil || !strings.Contains(known, name) {
				return false, fmt.Errorf("alert %s is not known: %s %w", name, known, err)
			}
		}
		return true, nil
	})
}

// fill writes a file until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for size := 1 << 20; size > 0; {
		if _, err := file.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
}

// post posts one alert as Alertmanager does and returns the status, 0 when there was no answer.
func (s *scene) post(name string) (status int, took time.Duration) {
	body, err := json.Marshal(map[string]any{"version": "4", "groupKey": "{}", "status": "firing", "receiver": "salvor", "alerts": []map[string]any{{
		"status": "firing", "labels": map[string]string{"alertname": name, "cluster": rig.Cluster}, "annotations": map[string]string{},
		"startsAt": s.began.UTC(), "endsAt": "0001-01-01T00:00:00Z", "fingerprint": fingerprint(name),
	}}})
	s.must(err)
	req, err := http.NewRequestWithContext(s.ctx, http.MethodPost, s.URL(ingest.AlertmanagerPath), bytes.NewReader(body))
	s.must(err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+s.rig.Hook)
	began := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, time.Since(began)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, time.Since(began)
}

func fingerprint(name string) string {
	sum := fnv.New64a()
	_, _ = io.WriteString(sum, name)
	return fmt.Sprintf("%016x", sum.Sum64())
}
