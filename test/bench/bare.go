package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// bare is an HTTP server that publishes what is posted and does nothing else, neither decode it nor ask who sent it: the least
// that an answer over HTTP takes once what was sent is durable.
type bare struct {
	server *http.Server
	url    string
	client *http.Client
	ended  chan error
}

func openBare(f *floor) (*bare, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open the bare server: %w", err)
	}
	b := &bare{url: "http://" + listener.Addr().String(), client: &http.Client{Timeout: 10 * time.Second}, ended: make(chan error, 1)}
	b.server = &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = f.publish(r.Context(), f.subjects(1)[0], body)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})}
	go func() { b.ended <- b.server.Serve(listener) }()
	return b, nil
}

func (b *bare) close() error {
	b.client.CloseIdleConnections()
	err := b.server.Close()
	if served := <-b.ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// post posts one body and returns an error unless the answer is 200. One posts at a time.
func (b *bare) post(ctx context.Context, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return err
	}
	said, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("posted to the bare server: %s: %s", resp.Status, said)
	}
	return err
}
