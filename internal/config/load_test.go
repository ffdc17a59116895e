package config

import (
	"bytes"
	"errors"
	"flag"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/people"
	"github.com/salvor-io/salvor/internal/protection"
	"github.com/salvor-io/salvor/policies"
)

var update = flag.Bool("update", false, "write what is found as what is wanted")

// TestCheck reads the salvor.yaml, or the witness.yaml, of each archive beside its other files and compares what is said about it with "want".
func TestCheck(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("found %d archives: %v", len(archives), err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { checkArchive(t, path) })
	}
}

func checkArchive(t *testing.T, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	want, said := -1, saidOf
	for i, f := range archive.Files {
		if f.Name == "witness.yaml" {
			said = saidOfWitness
		}
		if f.Name == "want" {
			want = i
			continue
		}
		write(t, filepath.Join(dir, f.Name), f.Data)
	}
	got := strings.ReplaceAll(said(dir), dir+"/", "")
	switch {
	case want < 0:
		t.Fatal("the archive has no file want")
	case *update:
		archive.Files[want].Data = []byte(got)
		write(t, path, txtar.Format(archive))
	case got != string(archive.Files[want].Data):
		t.Errorf("said:\n%s\nwant:\n%s", got, archive.Files[want].Data)
	}
}

func saidOf(dir string) string {
	cfg, err := Load(filepath.Join(dir, "salvor.yaml"))
	if err != nil {
		return err.Error() + "\n"
	}
	return warned(cfg.Warnings)
}

func saidOfWitness(dir string) string {
	w, err := LoadWitness(filepath.Join(dir, "witness.yaml"))
	if err != nil {
		return err.Error() + "\n"
	}
	return warned(w.Warnings)
}

func warned(warnings []Problem) string {
	var out strings.Builder
	for _, w := range warnings {
		out.WriteString("warning: " + w.String() + "\n")
	}
	return out.String() + "well\n"
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, data, 0o600)); err != nil {
		t.Fatal(err)
	}
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "salvor.yaml")
	write(t, path, []byte(text))
	return path
}

func TestLoadDefaults(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "comment": "# nothing\n", "nulls": "listen:\nclusters:\ndata_dir:\n", "document": "---\n"} {
		t.Run(name, func(t *testing.T) {
			path := file(t, text)
			got, err := Load(path)
			if err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join(filepath.Dir(path), "salvor-data")
			want := &Config{
				DataDir: dir, ExternalURL: "http://127.0.0.1:9095",
				Listen: Listen{Address: "127.0.0.1:9095", Socket: filepath.Join(dir, "salvor.sock")},
				NATS:   NATS{Replicas: 1, MaxStore: 2 << 30},
				Limits: Limits{NodesPerZone: 1, FleetShare: 0.1, Storm: Storm{3, 0.2, 2 * time.Minute}, Attempts: 3, Flaps: 3},
				Detect: Detect{Deletions{5 * time.Minute, 2, 3, 20, nil}, time.Hour, 30 * time.Minute, 14 * 24 * time.Hour, "Error"},
				Times:  Times{Confirm: 15 * time.Second, Healthy: 2 * time.Minute, Retry: 15 * time.Second, ArchiveAfter: 168 * time.Hour},
				Log:    Log{Level: slog.LevelInfo, Format: "text"},
			}
			got.Warnings = nil
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("defaults differ (-want +got):\n%s", diff)
			}
		})
	}
}

const everything = `
data_dir: /var/lib/salvor
external_url: https://salvor.example.org
listen: {address: "0.0.0.0:9443", socket: /run/salvor.sock, tls: {cert_file: tls.crt, key_file: tls.key, client_ca_file: ca.crt}}
console: {session_key_file: console.key}
nats: {url: "tls://nats:4222", ca_file: n/ca, cert_file: n/crt, key_file: n/key, creds_file: n/creds, replicas: 3, max_store: 512MiB}
clusters:
  - name: prod-eu
    environment: production
    region: eu-west-1
    observe: {kubeconfig: observe.yaml, context: eu}
    act: {kubeconfig: /etc/salvor/act.yaml}
    modes: {node: act, zone: suggest}
    power: {http: {url: "https://power.example.org/nodes/{node}", token_file: power.token, timeout: 3s}}
    lease_stale_after: 40s
    sole_repairer: true
    etcd: {endpoints: ["https://etcd-0:2379", "https://etcd-1:2379"], ca_file: etcd/ca, cert_file: etcd/crt, key_file: /etcd/key}
    prometheus: {url: "https://prometheus.example.org/east", token_file: prom.token, ca_file: prom/ca}
  - name: lab
    observe: {in_cluster: true}
    power: {exec: {command: [./off.sh, --now], timeout: 1m}}
intakes:
  - {name: am, token_file: am.token, clusters: [prod-eu], kinds: [node]}
  - {name: falco, client_name: falco.example.org, clusters: [prod-eu, lab]}
  - {name: us, token_file: us.token, clusters: [lab], witness: w-us}
people:
  - {name: alice, role: operator, groups: [sre-oncall], token_file: alice.token, slack: {workspace: T01, user: U01}, oidc: sub-1, email: alice@example.org, password_file: alice.password}
oidc: {issuer: "https://idp.example.org", client_id: salvor, client_secret_file: oidc.secret, cli_client_id: salvor-cli, ca_file: idp.crt, name_claim: login, groups_claim: roles, match_email: true, roles: {viewer: [dev], operator: [sre], admin: [lead]}}
protection:
  - {name: shop, level: 4, rpo: 5m, rto: 15m, tier: 2, clusters: [prod-eu], namespaces: [shop, "shop-*"], selector: {tier: gold}, workloads: {app: shop}, strategy: warm_standby,
     backups: [{of: application_data, by: copy, rpo: 1m, lag: orders-lag}]}
queries: [{name: orders-lag, query: "max(lag_seconds)"}]
probes:
  - {name: orders, url: "https://orders.example.org/health?deep=1", clusters: [prod-eu, lab], expect: {status: 204, body_contains: ok}, timeout: 2s, token_file: orders.token, ca_file: orders/ca}
  - {name: carts, url: "http://carts.example.org", clusters: [lab], expect: {body_contains: ok}}
policies: {shadow: next, bundle: {url: "https://policy.example.org/b.tar.gz", token_file: b.token, ca_file: b/ca, keys: [{id: k1, file: k1.pem, person: alice}], poll: 1m}}
runbooks: {dir: books}
limits: {nodes_per_zone: 2, fleet_share: 0.25, storm: {nodes: 5, share: 0.5, within: 90s}, attempts: 1, flaps: 0}
detect: {deletions: {within: 1m, namespaces: 1, claims: 2, objects: 9, protected: ["shop-*"]}, backup_late: 2h, change_within: 10m, certificate_left: 240h, security_priority: critical}
times: {confirm: 30s, healthy: 5m, retry: 20s, archive_after: 24h}
alertmanagers: [{url: "http://am:9093", token_file: am-api.token}]
log: {level: debug, format: json}
`

func TestReadEverything(t *testing.T) {
	path := file(t, everything)
	got, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(filepath.Dir(path), name) }
	want := &Config{
		DataDir: "/var/lib/salvor", ExternalURL: "https://salvor.example.org",
		Listen:  Listen{"0.0.0.0:9443", "/run/salvor.sock", TLS{in("tls.crt"), in("tls.key"), in("ca.crt")}},
		Console: Console{in("console.key")},
		NATS: NATS{URL: "tls://nats:4222", CAFile: in("n/ca"), CertFile: in("n/crt"), KeyFile: in("n/key"), CredsFile: in("n/creds"),
			Replicas: 3, MaxStore: 512 << 20},
		Clusters: []Cluster{
			{Name: "prod-eu", Environment: "production", Region: "eu-west-1", Observe: Observe{Kubeconfig: in("observe.yaml"), Context: "eu"},
				Act:             &Act{Kubeconfig: "/etc/salvor/act.yaml"},
				Modes:           map[classifiers.Kind]policies.Mode{"node": policies.ModeAct, "zone": policies.ModeSuggest},
				Power:           &Power{HTTP: &PowerHTTP{"https://power.example.org/nodes/{node}", in("power.token"), 3 * time.Second}},
				LeaseStaleAfter: 40 * time.Second, SoleRepairer: true,
				Etcd:       &Etcd{[]string{"https://etcd-0:2379", "https://etcd-1:2379"}, in("etcd/ca"), in("etcd/crt"), "/etcd/key"},
				Prometheus: &Prometheus{"https://prometheus.example.org/east", in("prom.token"), in("prom/ca")}},
			{Name: "lab", Observe: Observe{InCluster: true}, Power: &Power{Exec: &PowerExec{[]string{in("off.sh"), "--now"}, time.Minute}},
				LeaseStaleAfter: 25 * time.Second},
		},
		Intakes: []Intake{
			{Name: "am", TokenFile: in("am.token"), Clusters: []string{"prod-eu"}, Kinds: []classifiers.Kind{"node"}},
			{Name: "falco", ClientName: "falco.example.org", Clusters: []string{"prod-eu", "lab"}},
			{Name: "us", TokenFile: in("us.token"), Clusters: []string{"lab"}, Witness: "w-us"},
		},
		People: []Person{{"alice", people.Operator, []string{"sre-oncall"}, in("alice.token"), &SlackAccount{"T01", "U01"}, "sub-1", "alice@example.org", in("alice.password")}},
		OIDC: &OIDC{"https://idp.example.org", "salvor", in("oidc.secret"), "salvor-cli", in("idp.crt"), "login", "roles",
			OIDCRoles{[]string{"dev"}, []string{"sre"}, []string{"lead"}}, true},
		Protection: []Promise{{"shop", 4, 5 * time.Minute, 15 * time.Minute, 2, []string{"prod-eu"}, []string{"shop", "shop-*"},
			protection.Labels{"tier": "gold"}, protection.Labels{"app": "shop"}, protection.WarmStandby,
			[]protection.Backup{{Of: protection.ApplicationData, By: protection.Copy, RPO: time.Minute, Lag: "orders-lag"}}}},
		Queries: []Query{{"orders-lag", "max(lag_seconds)"}},
		Probes: []Probe{{"orders", "https://orders.example.org/health?deep=1", []string{"prod-eu", "lab"}, Expect{204, "ok"}, 2 * time.Second, in("orders.token"), in("orders/ca")},
			{"carts", "http://carts.example.org", []string{"lab"}, Expect{200, "ok"}, 5 * time.Second, "", ""}},
		Policies: Policies{Shadow: in("next"), Bundle: &Bundle{"https://policy.example.org/b.tar.gz", in("b.token"), in("b/ca"),
			[]BundleKey{{"k1", in("k1.pem"), "alice"}}, time.Minute}},
		Runbooks:      Runbooks{in("books")},
		Limits:        Limits{2, 0.25, Storm{5, 0.5, 90 * time.Second}, 1, 0},
		Detect:        Detect{Deletions{time.Minute, 1, 2, 9, []string{"shop-*"}}, 2 * time.Hour, 10 * time.Minute, 240 * time.Hour, "critical"},
		Times:         Times{30 * time.Second, 5 * time.Minute, 20 * time.Second, 24 * time.Hour},
		Alertmanagers: []Alertmanager{{"http://am:9093", in("am-api.token")}},
		Log:           Log{slog.LevelDebug, "json"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read differs (-want +got):\n%s", diff)
	}
	if mode := got.Clusters[1].Mode("node"); mode != policies.ModeObserve {
		t.Errorf("a mode that is not given is %s, want observe", mode)
	}
}

func TestLoadMissing(t *testing.T) {
	if _, err := Load(filepath.Join(t.TempDir(), "none.yaml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load of no file: %v", err)
	}
	large := file(t, "# "+strings.Repeat("x", maxFile))
	if _, err := Load(large); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("Load of a large file: %v", err)
	}
}

func TestSecret(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write(t, at("good"), []byte("  s3cret \n"))
	write(t, at("empty"), []byte(" \n"))
	write(t, at("large"), bytes.Repeat([]byte("x"), maxSecret+1))
	if got, err := Secret(at("good")); err != nil || got != "s3cret" {
		t.Errorf("Secret = %q, %v", got, err)
	}
	for _, bad := range []string{"empty", "large", "none", "."} {
		if got, err := Secret(at(bad)); err == nil {
			t.Errorf("Secret(%s) = %q, want an error", bad, got)
		}
	}
}

// FuzzRead holds that no file makes Read panic, and that a file it takes is one that it takes again.
func FuzzRead(f *testing.F) {
	f.Add("")
	f.Add(everything)
	f.Add("clusters: [{power: {http: }}, null]\n")
	f.Add("a: &a [*a]\n---\n? [x]\n: y\n")
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "salvor.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); err != nil {
			return
		}
		if _, err := Read(path); err != nil {
			t.Errorf("taken once, then refused: %v", err)
		}
	})
}

func TestYAML(t *testing.T) {
	value := struct {
		Zulu  string         `json:"zulu"`
		Alpha []any          `json:"alpha"`
		Map   map[string]any `json:"map"`
		Empty []string       `json:"empty"`
	}{"true", []any{1, "2", 1.5, nil, false, "two\nlines"}, map[string]any{"b": "x: y", "a": "#"}, []string{}}
	got, err := YAML(value)
	if err != nil {
		t.Fatal(err)
	}
	want := "zulu: \"true\"\nalpha:\n  - 1\n  - \"2\"\n  - 1.5\n  - null\n  - false\n  - |-\n    two\n    lines\nmap:\n  a: '#'\n  b: 'x: y'\nempty: []\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("yaml differs (-want +got):\n%s", diff)
	}
}

func TestBytes(t *testing.T) {
	for text, want := range map[string]Bytes{"2GiB": 2 << 30, "64 MiB": 64 << 20, "1TiB": 1 << 40, "0KiB": 0} {
		var got Bytes
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q = %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "2", "2GB", "-1GiB", "1.5GiB", "9999999999TiB", "GiB"} {
		if err := new(Bytes).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken for a size", text)
		}
	}
	if got := Bytes(3 << 29).String(); got != "1536MiB" {
		t.Errorf("String = %s", got)
	}
}
