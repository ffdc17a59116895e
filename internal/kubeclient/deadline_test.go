package kubeclient

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestDeadlineEndsRequestsButNotWatches has a server that sends headers and then nothing.
func TestDeadlineEndsRequestsButNotWatches(t *testing.T) {
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer srv.Close()
	client := http.Client{Transport: deadline{next: http.DefaultTransport, after: 50 * time.Millisecond}}

	read := func(query string) error {
		resp, err := client.Get(srv.URL + query)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, err = io.ReadAll(resp.Body)
		return err
	}
	if err := read("/api/v1/nodes"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a list without end: got %v, want the deadline", err)
	}
	time.AfterFunc(300*time.Millisecond, func() { close(release) })
	if err := read("/api/v1/nodes?watch=true"); err != nil {
		t.Errorf("a watch six times as long as the deadline: %v", err)
	}
}
