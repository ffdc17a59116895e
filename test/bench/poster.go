package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/events/jetstream"
	"github.com/salvor-io/salvor/internal/app"
	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/ingest"
	"github.com/salvor-io/salvor/test/rig"
)

const postToken = "a-token-of-the-benchmarks"

// poster is a whole Salvor in this process, without a cluster to watch, and a client that posts alerts to it as Alertmanager
// does.
type poster struct {
	dir    string
	url    string
	client *http.Client
	stop   context.CancelFunc
	ended  chan error
	next   int
}

// openPoster starts Salvor and waits until it is ready. The client keeps as many connections as there are to be posters.
func openPoster(ctx context.Context, dir string, posters int) (*poster, error) {
	address, err := rig.FreeAddress()
	if err != nil {
		return nil, err
	}
	cfg, err := intakeConfig(dir, address)
	if err != nil {
		return nil, err
	}
	salvor, err := app.New(ctx, cfg, app.Options{Replica: "bench", Life: "bench.1", Version: "bench", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, fmt.Errorf("open salvor: %w", err)
	}
	running, stop := context.WithCancel(ctx)
	p := &poster{dir: dir, url: "http://" + address, stop: stop, ended: make(chan error, 1),
		client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: posters}}}
	go func() { p.ended <- salvor.Run(running) }()
	err = rig.Wait(ctx, 20*time.Second, "salvor is ready", func(ctx context.Context) (bool, error) {
		return ready(ctx, p.client, p.url), nil
	})
	if err != nil {
		_ = p.close()
		return nil, err
	}
	return p, nil
}

// intakeConfig is the shipped configuration with one intake. Its cluster is not watched, which a salvor.yaml would not allow.
func intakeConfig(dir, address string) (*config.Config, error) {
	file, token := filepath.Join(dir, "salvor.yaml"), filepath.Join(dir, "token")
	text := fmt.Sprintf("data_dir: %s\nlisten: {address: %s}\nlog: {level: error}\n", filepath.Join(dir, "data"), address)
	for path, content := range map[string]string{file: text, token: postToken} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			return nil, fmt.Errorf("write the configuration: %w", err)
		}
	}
	cfg, err := config.Load(file)
	if err != nil {
		return nil, err
	}
	cfg.Intakes = []config.Intake{{Name: "alertmanager", TokenFile: token, Clusters: []string{"bench"}, Kinds: []classifiers.Kind{classifiers.KindNode}}}
	return cfg, nil
}

// close stops Salvor and waits until its store is closed. It may be repeated.
func (p *poster) close() error {
	if p.ended == nil {
		return nil
	}
	p.stop()
	err := <-p.ended
	p.ended = nil
	return err
}

// bodies renders n posts of one alert each that was not posted before.
func (p *poster) bodies(n int) [][]byte {
	list := make([][]byte, n)
	for i := range list {
		list[i] = fmt.Appendf(nil, webhook, p.next)
		p.next++
	}
	return list
}

// post posts one body and returns an error unless the answer is 200.
func (p *poster) post(ctx context.Context, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+ingest.AlertmanagerPath, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+postToken)
	resp, err := p.client.Do(req)
	if err != nil {
		return err
	}
	said, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("posted an alert: %s: %s", resp.Status, said)
	}
	return nil
}

// lost stops Salvor, opens what it stored, and counts the alerts that were posted and are not there.
func (p *poster) lost(ctx context.Context) (lost int, err error) {
	if err := p.close(); err != nil {
		return 0, err
	}
	kept, err := alertsIn(ctx, filepath.Join(p.dir, "data", "nats"))
	return p.next - len(kept), err
}

// alertsIn opens what a Salvor stored that has ended, and returns the entities of the alerts that are there.
func alertsIn(ctx context.Context, store string) (found map[string]bool, err error) {
	quiet := slog.New(slog.DiscardHandler)
	conn, err := jetstream.Embed(ctx, jetstream.EmbedOptions{StoreDir: store}, quiet)
	if err != nil {
		return nil, fmt.Errorf("open the store again: %w", err)
	}
	defer closing(&err, conn.Close)
	log, err := jetstream.Open(ctx, conn, jetstream.Options{}, quiet)
	if err != nil {
		return nil, fmt.Errorf("open the store again: %w", err)
	}
	defer closing(&err, log.Close)
	found = map[string]bool{}
	reading, done := context.WithTimeout(ctx, time.Minute)
	defer done()
	err = log.Follow(reading, 0, func(ev events.Recorded) error {
		if ev.Type == events.TypeAlert {
			found[ev.Entity] = true
		}
		return nil
	}, done)
	return found, err
}

// webhook is what Alertmanager posts for one alert of kubernetes-mixin; the number makes it one of its own.
const webhook = `{"version":"4","groupKey":"{}/{severity=\"warning\"}:{alertname=\"KubeNodeNotReady\"}","truncatedAlerts":0,` +
	`"status":"firing","receiver":"salvor","groupLabels":{"alertname":"KubeNodeNotReady"},` +
	`"commonLabels":{"alertname":"KubeNodeNotReady","cluster":"bench","severity":"warning"},"commonAnnotations":{},` +
	`"externalURL":"http://alertmanager.monitoring:9093","alerts":[{"status":"firing","fingerprint":"%016[1]x",` +
	`"labels":{"alertname":"KubeNodeNotReady","cluster":"bench","condition":"Ready","container":"kube-state-metrics",` +
	`"endpoint":"http","instance":"10.1.2.3:8080","job":"kube-state-metrics","namespace":"monitoring","node":"worker-%[1]d",` +
	`"prometheus":"monitoring/k8s","severity":"warning","status":"true"},` +
	`"annotations":{"description":"worker-%[1]d has been unready for more than 15 minutes.","summary":"Node is not ready.",` +
	`"runbook_url":"https://runbooks.prometheus-operator.dev/runbooks/kubernetes/kubenodenotready"},` +
	`"startsAt":"2025-11-22T20:00:00.123Z","endsAt":"0001-01-01T00:00:00Z",` +
	`"generatorURL":"http://prometheus.monitoring:9090/graph?g0.expr=kube_node_status_condition&g0.tab=1"}]}`
