package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	stormAlerts   = 100_000
	stormBatch    = 50 // alerts of a post: Alertmanager sends a group at a time
	stormPosters  = 8
	stormSpan     = time.Minute
	stormBound    = 90 * time.Second // until all must have been taken
	stormCritical = 240              // alerts that a region is lost, one a post, spread over the span
)

// stormClusters are those of which alerts come. None of them can be reached.
var stormClusters = []string{"eu-1", "eu-2", "us-1", "us-2"}

// measureStorm posts a storm of alerts to a salvor process with NATS embedded, among them some that are critical.
func measureStorm(ctx context.Context, b *bench) ([]row, error) {
	s, took, err := b.startStorm(ctx)
	if err != nil {
		return nil, err
	}
	say("ready after %s; %d alerts within %s", took.Round(time.Millisecond), stormAlerts, stormSpan)
	t, peak, err := s.storm(ctx)
	if err := errors.Join(err, s.end()); err != nil {
		return nil, err
	}
	kept, err := alertsIn(ctx, filepath.Join(s.dir, "data", "nats"))
	if err != nil {
		return nil, err
	}
	return t.rows(kept, peak), nil
}

// storm lets it come, and reads the most memory that the process took for it.
func (s *launched) storm(ctx context.Context) (*storm, float64, error) {
	t := newStorm(s.url)
	defer t.client.CloseIdleConnections()
	if err := t.rage(ctx); err != nil {
		return nil, 0, err
	}
	peak, err := s.memory("VmHWM")
	if err != nil {
		return nil, 0, err
	}
	return t, peak, t.look(ctx)
}

// startStorm starts a salvor that takes alerts of clusters whose API servers are away.
func (b *bench) startStorm(ctx context.Context) (*launched, time.Duration, error) {
	dir, err := b.scratch()
	if err != nil {
		return nil, 0, err
	}
	token, away := filepath.Join(dir, "token"), filepath.Join(dir, "kubeconfig")
	for path, content := range map[string]string{token: postToken, away: nowhere} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			return nil, 0, fmt.Errorf("write the configuration: %w", err)
		}
	}
	var text strings.Builder
	text.WriteString("clusters:\n")
	for _, name := range stormClusters {
		fmt.Fprintf(&text, "  - {name: %s, region: %s, observe: {kubeconfig: %s}}\n", name, name, away)
	}
	fmt.Fprintf(&text, "intakes: [{name: alertmanager, token_file: %s, clusters: [%s]}]\n", token, strings.Join(stormClusters, ", "))
	fmt.Fprintf(&text, "people: [{name: bench, role: viewer, token_file: %s}]\n", filepath.Join(dir, "reader"))
	if err := os.WriteFile(filepath.Join(dir, "reader"), []byte(readToken), 0o600); err != nil {
		return nil, 0, fmt.Errorf("write the configuration: %w", err)
	}
	return b.launch(ctx, text.String())
}

// readToken is that of somebody who may read.
const readToken = "another-token-of-the-benchmarks"

// nowhere is a kubeconfig of an API server that is away: nothing listens there.
const nowhere = `{apiVersion: v1, kind: Config, current-context: away, clusters: [{name: away, cluster: {server: "http://127.0.0.1:9"}}],
contexts: [{name: away, context: {cluster: away, user: nobody}}], users: [{name: nobody, user: {}}]}
`
