package export

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/config"
)

const whole = `data_dir: /var/lib/secret-place
external_url: https://secret.example.org
nats: {url: "nats://secret:4222", token_file: /secret/nats}
clusters:
  - name: prod
    environment: production
    region: eu-west-1
    observe: {kubeconfig: /secret/observe, context: secret}
    act: {kubeconfig: /secret/act}
    modes: {node: act, zone: ask}
    power: {exec: {command: [/secret/power, "{node}"]}}
    lease_stale_after: 40s
    sole_repairer: true
    etcd: {endpoints: ["https://secret:2379"]}
  - {name: test, observe: {in_cluster: true}, modes: {config: suggest}}
intakes: [{name: am, token_file: /secret/am, clusters: [prod]}]
people: [{name: secret, role: admin, token_file: /secret/alice}]
protection: [{name: shop, level: 3, rpo: 5m, rto: 15m, clusters: [prod], namespaces: ["shop-*"]}, {name: wiki, level: 1, namespaces: [wiki]}]
policies: {dir: /secret/policies}
runbooks: {dir: /secret/runbooks}
limits: {nodes_per_zone: 2, fleet_share: 0.3, attempts: 7, flaps: 5, storm: {nodes: 9, share: 0.25, within: 3m}}
detect:
  deletions: {within: 7m, namespaces: 3, claims: 5, objects: 33, protected: ["shop-*", "true"]}
  backup_late: 2h
  change_within: 45m
  certificate_left: 100h
  security_priority: Critical
times: {confirm: 21s, healthy: 3m, retry: 17s, archive_after: 200h}
alerts:
  - {match: ['alertname="MyNodeDown"', "team=~\"a|b\""], topic: node-lost}
alertmanagers: [{url: "https://secret:9093", token_file: /secret/amt}]
`

// TestConfigJudgesTheSame: what is exported is read as any salvor.yaml, judges the same, and gives nothing away.
func TestConfigJudgesTheSame(t *testing.T) {
	cfg, err := config.Parse("whole", []byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	text, err := Config(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "secret") {
		t.Errorf("it gives something away:\n%s", text)
	}
	got, err := config.Parse("exported", text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	type part struct {
		Promises []config.Promise
		Limits   config.Limits
		Detect   config.Detect
		Times    config.Times
		Alerts   any
		Of       []any
	}
	judges := func(c *config.Config) part {
		p := part{c.Protection, c.Limits, c.Detect, c.Times, c.Alerts, nil}
		for _, of := range c.Clusters {
			p.Of = append(p.Of, of.Name, of.Environment, of.Region, of.SoleRepairer, of.LeaseStaleAfter, of.Act != nil)
			for _, kind := range classifiers.Kinds() {
				p.Of = append(p.Of, of.Mode(kind).String())
			}
		}
		return p
	}
	if diff := cmp.Diff(judges(cfg), judges(got)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.rego", "deep/b.rego", ".hidden/c.rego", ".d.rego", "settings.yaml", "README.md"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pages, err := directory(dir, ".rego", ".yaml")
	var got []string
	for _, p := range pages {
		got = append(got, p.name+"="+string(p.text))
	}
	if diff := cmp.Diff([]string{"a.rego=a.rego", "deep/b.rego=deep/b.rego", "settings.yaml=settings.yaml"}, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	if pages, err := directory("", ".rego"); pages != nil || err != nil {
		t.Errorf("no directory: %v, %v", pages, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "large.rego"), make([]byte, maxFolder), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := directory(dir, ".rego"); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("a large folder: %v", err)
	}
	if _, err := directory(filepath.Join(dir, "none"), ".rego"); err == nil {
		t.Error("a directory that is not there is read")
	}
}
