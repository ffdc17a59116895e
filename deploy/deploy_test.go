// Package deploy_test holds what deploy/ says to what the code does.
package deploy_test

import (
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/events/alertmanager"
	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/doctor"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ingest"
	"github.com/salvor-io/salvor/internal/protection"
	"github.com/salvor-io/salvor/internal/rollout"
	"github.com/salvor-io/salvor/internal/telemetry"
)

var update = flag.Bool("update", false, "rewrite alertmanager/salvor.yaml and alerts.md")

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// guide is the salvor.yaml of the operator's guide.
func guide(t *testing.T) string {
	t.Helper()
	_, rest, _ := strings.Cut(read(t, "README.md"), "```yaml\n")
	text, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("README.md holds no yaml")
	}
	return text
}

func load(t *testing.T, text string) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "salvor.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// TestGuideNamesEveryKey holds that the guide's salvor.yaml is read, and names all keys there are.
func TestGuideNamesEveryKey(t *testing.T) {
	text := guide(t)
	load(t, text)
	for _, key := range keysOf(reflect.TypeFor[config.Config]()) {
		if !regexp.MustCompile(`(?m)(^[ #-]*|[{,] ?)` + key + `:`).MatchString(text) {
			t.Errorf("the guide does not name the key %s", key)
		}
	}
}

// keysOf are the keys of a type and of all types below it.
func keysOf(typ reflect.Type) []string {
	switch typ.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return keysOf(typ.Elem())
	case reflect.Struct:
	default:
		return nil
	}
	var keys []string
	for i := range typ.NumField() {
		field := typ.Field(i)
		key := field.Tag.Get("yaml")
		if key == "-" || key == "" {
			continue
		}
		keys = append(append(keys, key), keysOf(field.Type)...)
	}
	return keys
}

// TestGuideShowsTheDefaults holds that where a key has a default, the guide shows it.
func TestGuideShowsTheDefaults(t *testing.T) {
	cluster := "clusters: [{name: a, observe: {in_cluster: true}, power: {http: {url: 'http://p/{node}'}}}, {name: b, observe: {in_cluster: true}, power: {exec: {command: [/p]}}}]\n"
	said, is := load(t, guide(t)), load(t, cluster)
	for name, pair := range map[string][2]any{
		"data_dir": {filepath.Base(said.DataDir), filepath.Base(is.DataDir)}, "listen.socket": {filepath.Base(said.Listen.Socket), filepath.Base(is.Listen.Socket)},
		"listen.address": {said.Listen.Address, is.Listen.Address}, "nats.replicas": {said.NATS.Replicas, is.NATS.Replicas}, "nats.max_store": {said.NATS.MaxStore, is.NATS.MaxStore},
		"limits": {said.Limits, is.Limits}, "times": {said.Times, is.Times}, "log": {said.Log, is.Log},
		"lease_stale_after": {said.Clusters[0].LeaseStaleAfter, is.Clusters[0].LeaseStaleAfter},
		"power.http":        {said.Clusters[0].Power.HTTP.Timeout, is.Clusters[0].Power.HTTP.Timeout}, "power.exec": {said.Clusters[1].Power.Exec.Timeout, is.Clusters[1].Power.Exec.Timeout},
	} {
		if diff := cmp.Diff(pair[1], pair[0]); diff != "" {
			t.Errorf("%s (-is +said):\n%s", name, diff)
		}
	}
}

func TestGuideNamesTheTestAlert(t *testing.T) {
	if !strings.Contains(read(t, "README.md"), "`"+doctor.TestAlert+"`") {
		t.Errorf("README.md does not name the test alert %s", doctor.TestAlert)
	}
}

// TestTableOfAlertsIsCurrent holds that alerts.md lists the shipped table.
func TestTableOfAlertsIsCurrent(t *testing.T) {
	const file = "alertmanager/alerts.md"
	var want strings.Builder
	want.WriteString("# What the shipped table says of alerts\n\nMade from the table; rows of your own come before it.\n\n" +
		"| alert | topic | independent of the API server | read from |\n| --- | --- | --- | --- |\n")
	for _, s := range alertmanager.Shipped() {
		name := "`" + s.Name + "`"
		if len(s.Match) > 1 { // known by more than its name
			name = s.Name + ": `" + strings.ReplaceAll(strings.Join(s.Match, "`, `"), "|", "\\|") + "`"
		}
		independent := "no"
		if s.Independent {
			independent = "yes"
		}
		fmt.Fprintf(&want, "| %s | %s | %s | %s |\n", name, s.Topic, independent, s.Source)
	}
	if *update {
		if err := os.WriteFile(file, []byte(want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want.String(), read(t, file)); diff != "" {
		t.Errorf("%s is not current, rewrite it with go test ./deploy -update (-want +got):\n%s", file, diff)
	}
}

func TestAlertmanagerSnippetIsCurrent(t *testing.T) {
	const file = "alertmanager/salvor.yaml"
	want, err := alertmanager.Route{URL: "https://salvor.example.org" + ingest.AlertmanagerPath, Receiver: "salvor", CredentialsFile: "/etc/alertmanager/salvor.token"}.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, read(t, file)); diff != "" {
		t.Errorf("%s is not current; run go test ./deploy -update\n%s", file, diff)
	}
}

// ruleFile is a file of alert rules as Prometheus reads it.
type ruleFile struct {
	Groups []struct {
		Name  string `json:"name"`
		Rules []struct {
			Alert       string            `json:"alert"`
			Expr        string            `json:"expr"`
			For         string            `json:"for"`
			Labels      map[string]string `json:"labels"`
			Annotations map[string]string `json:"annotations"`
		} `json:"rules"`
	} `json:"groups"`
}

// TestRules holds that the rules can be read, say what to do, and ask for metrics and labels that there are.
func TestRules(t *testing.T) {
	var file ruleFile
	if err := yaml.UnmarshalStrict([]byte(read(t, "prometheus/salvor.rules.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	metrics := scraped(t)
	route := regexp.MustCompile(`^(?:Salvor.*)$`) // what the route to Salvor keeps out
	seen := map[string]bool{}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			if seen[rule.Alert] || !route.MatchString(rule.Alert) {
				t.Errorf("the name %q is there twice, or would be sent to Salvor itself", rule.Alert)
			}
			seen[rule.Alert] = true
			if rule.For != "" {
				if _, err := time.ParseDuration(rule.For); err != nil {
					t.Errorf("%s: %v", rule.Alert, err)
				}
			}
			if !slices.Contains([]string{"warning", "critical"}, rule.Labels["severity"]) {
				t.Errorf("%s has the severity %q", rule.Alert, rule.Labels["severity"])
			}
			for _, name := range []string{"summary", "description", "next"} {
				if rule.Annotations[name] == "" {
					t.Errorf("%s has no %s", rule.Alert, name)
				}
			}
			checkExpr(t, rule.Alert, rule.Expr, metrics)
		}
	}
	for _, want := range []string{"SalvorDown", "SalvorViewLag", "SalvorObserverBlind", "SalvorDeadLetters", "SalvorIncidentNeedsPerson"} {
		if !seen[want] {
			t.Errorf("there is no rule %s", want)
		}
	}
}

var (
	metricName = regexp.MustCompile(`\b(?:salvor_[a-z_]+|up)\b(?:\{([^}]*)\})?`)
	labelName  = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)"([^"]*)"`)
	byLabels   = regexp.MustCompile(`by \(([^)]*)\)`)
)

func checkExpr(t *testing.T, alert, expr string, metrics map[string]map[string]bool) {
	t.Helper()
	found := metricName.FindAllStringSubmatch(expr, -1)
	if len(found) != 1 {
		t.Fatalf("%s: %q asks for %d metrics, want one", alert, expr, len(found))
	}
	name, _, _ := strings.Cut(found[0][0], "{")
	labels, ok := metrics[name]
	if !ok {
		t.Fatalf("%s asks for %s, which there is not", alert, name)
	}
	var asked []string
	for _, m := range labelName.FindAllStringSubmatch(found[0][1], -1) {
		asked = append(asked, m[1])
		if m[1] == "state" && name == "salvor_incidents" {
			checkStates(t, alert, m[2])
		}
	}
	for _, m := range byLabels.FindAllStringSubmatch(expr, -1) {
		asked = append(asked, regexp.MustCompile(`,\s*`).Split(m[1], -1)...)
	}
	for _, label := range asked {
		if !labels[label] && label != "instance" && label != "job" {
			t.Errorf("%s asks for the label %s, which %s has not", alert, label, name)
		}
	}
}

func checkStates(t *testing.T, alert, pattern string) {
	t.Helper()
	for state := range strings.SplitSeq(pattern, "|") {
		if !slices.Contains(incident.States(), incident.State(state)) {
			t.Errorf("%s asks for the state %s, which there is not", alert, state)
		}
	}
}

// scraped are the metrics of Salvor with their labels, and those that Prometheus adds.
func scraped(t *testing.T) map[string]map[string]bool {
	t.Helper()
	view := classifiers.NewView(nil)
	view.Clusters["c"] = &classifiers.Cluster{Nodes: map[string]*classifiers.NodeView{"n": {}},
		Observers:  map[string]classifiers.ObserverView{"o": {Observer: events.Observer{Replica: "r", Watch: "nodes"}}},
		Probes:     map[string]classifiers.ProbeView{"p": {Probe: events.Probe{By: "r", Target: "apiserver"}}},
		Heartbeats: map[string]classifiers.HeartbeatView{"h": {Heartbeat: events.Heartbeat{Name: "Watchdog"}}}}
	m := telemetry.New(telemetry.Sources{Clock: time.Now, DeadLettered: func() uint64 { return 0 }, Version: "v", Policy: noPolicy{}, Protection: somePromise,
		View:      func(ask func(*classifiers.View)) { ask(view) },
		Incidents: func() []incident.Incident { return []incident.Incident{{State: incident.Held}} }})
	m.Posted(ingest.Post{Endpoint: "alertmanager", Status: 200})
	m.Recorded(incident.Opened)
	out := httptest.NewRecorder()
	m.Handler().ServeHTTP(out, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	found := map[string]map[string]bool{"up": {}}
	for _, line := range strings.Split(out.Body.String(), "\n") {
		if strings.HasPrefix(line, "#") || line == "" {
			continue
		}
		name, labels, _ := strings.Cut(strings.Fields(line)[0], "{")
		if found[name] == nil {
			found[name] = map[string]bool{}
		}
		for _, l := range labelName.FindAllStringSubmatch(labels, -1) {
			found[name][l[1]] = true
		}
	}
	return found
}

// noPolicy is a replica without policy.
type noPolicy struct{}

func (noPolicy) Status() rollout.Status { return rollout.Status{} }

func (noPolicy) Counts() rollout.Counts { return rollout.Counts{} }

// TestGuideNamesEveryMetric holds that the table of metrics is whole and true.
func TestGuideNamesEveryMetric(t *testing.T) {
	is := map[string]string{}
	for name, labels := range scraped(t) {
		if base, ok := strings.CutSuffix(name, "_bucket"); ok {
			name = base
			delete(labels, "le")
		}
		if strings.HasPrefix(name, "salvor_") && !strings.HasSuffix(name, "_sum") && !strings.HasSuffix(name, "_count") {
			var list []string
			for label := range labels {
				list = append(list, label)
			}
			slices.Sort(list)
			is[name] = strings.Join(list, ",")
		}
	}
	said := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(salvor_[a-z_]+)(?:\\{([a-z,]*)\\})?` \\|").FindAllStringSubmatch(read(t, "README.md"), -1) {
		said[m[1]] = m[2]
	}
	if diff := cmp.Diff(is, said); diff != "" {
		t.Errorf("metrics (-is +said):\n%s", diff)
	}
}

// somePromise is a cluster of which one promise is kept.
func somePromise() []protection.Report {
	return []protection.Report{{Cluster: "a", Standings: []protection.Standing{{Application: "shop", Namespace: "shop", State: protection.Kept, Point: &protection.Point{}}}}}
}
