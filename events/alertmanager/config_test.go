package alertmanager

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/common/model"
	"sigs.k8s.io/yaml"

	"github.com/salvor-io/salvor/events"
)

func route() Route {
	return Route{
		URL: "https://salvor.example:8443/v1/hooks/alertmanager", Receiver: "salvor", Cluster: "prod-eu.1",
		ClusterLabel: "cluster", CredentialsFile: "/etc/alertmanager/salvor.token",
	}
}

// before is a configuration with all that routing knows: nesting, continue, a default receiver, a muted alert.
const before = `
route:
  receiver: default
  group_by: [alertname]
  repeat_interval: 4h
  routes:
    - receiver: "null"
      matchers: ['alertname = "Watchdog"']
    - receiver: archive
      continue: true
      matchers: ['severity = "critical"']
    - receiver: pager
      matchers: ['severity = "critical"']
      routes:
        - receiver: dba
          matchers: ['team = "db"']
    - receiver: audit
      continue: true
      matchers: ['severity = "info"']
receivers:
  - name: "null"
  - name: default
  - name: archive
  - name: pager
  - name: dba
  - name: audit
`

type document struct {
	Route     map[string]any   `json:"route"`
	Receivers []map[string]any `json:"receivers"`
}

func parse(t *testing.T, text string) document {
	t.Helper()
	var doc document
	if err := yaml.UnmarshalStrict([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// merge does what the comments of the snippet ask for. When moved is false it leaves the present routes where they were.
func merge(t *testing.T, snippet string, moved bool) string {
	t.Helper()
	doc, add := parse(t, before), parse(t, snippet)
	present, above := doc.Route["routes"].([]any), add.Route["routes"].([]any)
	if moved {
		above[len(above)-1].(map[string]any)["routes"] = present
		present = nil
	}
	doc.Route["routes"] = append(above, present...)
	doc.Receivers = append(doc.Receivers, add.Receivers...)
	out, err := yaml.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func load(t *testing.T, text string) (*config.Config, *dispatch.Route) {
	t.Helper()
	conf, err := config.Load(text)
	if err != nil {
		t.Fatalf("alertmanager does not load this: %v\n%s", err, text)
	}
	return conf, dispatch.NewRoute(conf.Route, nil)
}

func receivers(root *dispatch.Route, labels model.LabelSet) []string {
	var names []string
	for _, match := range root.Match(labels) {
		names = append(names, match.RouteOpts.Receiver)
	}
	return names
}

func snippet(t *testing.T) string {
	t.Helper()
	text, err := route().YAML()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

var routed = []struct {
	name     string
	labels   model.LabelSet
	toSalvor bool
}{
	{"of the cluster", model.LabelSet{"alertname": "A", "cluster": "prod-eu.1"}, true},
	{"without a cluster", model.LabelSet{"alertname": "A"}, true},
	{"of another cluster", model.LabelSet{"alertname": "A", "cluster": "prod-us"}, false},
	{"of a cluster of similar name", model.LabelSet{"alertname": "A", "cluster": "prod-eux1"}, false},
	{"of a cluster of longer name", model.LabelSet{"alertname": "A", "cluster": "prod-eu.1b"}, false},
	{"for the pager", model.LabelSet{"alertname": "A", "severity": "critical"}, true},
	{"for the database team", model.LabelSet{"alertname": "A", "severity": "critical", "team": "db"}, true},
	{"for audit alone", model.LabelSet{"alertname": "A", "severity": "info"}, true},
	{"watchdog", model.LabelSet{"alertname": "Watchdog"}, true},
	{"raised by salvor", model.LabelSet{"alertname": "SalvorIncident", "severity": "critical"}, false},
}

func TestRouteLeavesEverybodyPagedAsBefore(t *testing.T) {
	_, old := load(t, before)
	_, merged := load(t, merge(t, snippet(t), true))
	for _, test := range routed {
		t.Run(test.name, func(t *testing.T) {
			want := receivers(old, test.labels)
			if test.toSalvor {
				want = append([]string{"salvor"}, want...)
			}
			if diff := cmp.Diff(want, receivers(merged, test.labels)); diff != "" {
				t.Errorf("receivers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRouteLosesNobodyWhenTheRoutesWereNotMoved(t *testing.T) {
	_, old := load(t, before)
	_, merged := load(t, merge(t, snippet(t), false))
	for _, test := range routed {
		t.Run(test.name, func(t *testing.T) {
			got := receivers(merged, test.labels)
			for _, name := range receivers(old, test.labels) {
				if !slices.Contains(got, name) {
					t.Errorf("%s is not paged any more, only %v", name, got)
				}
			}
		})
	}
}

func TestRouteTimesAndReceiver(t *testing.T) {
	conf, root := load(t, merge(t, snippet(t), true))
	opts := root.Match(model.LabelSet{"alertname": "A"})[0].RouteOpts
	if !opts.GroupByAll || opts.GroupWait != 0 || opts.GroupInterval != 30*time.Second || opts.RepeatInterval != 5*time.Minute {
		t.Errorf("got %v, want each alert for itself, at once, again each 5m", &opts)
	}
	hook := conf.Receivers[len(conf.Receivers)-1].WebhookConfigs[0]
	if string(hook.URL) != route().URL {
		t.Errorf("url is %q, want %q", string(hook.URL), route().URL)
	}
	if !hook.SendResolved() || hook.MaxAlerts != 0 {
		t.Errorf("send_resolved is %v and max_alerts %d, want true and 0", hook.SendResolved(), hook.MaxAlerts)
	}
	if auth := hook.HTTPConfig.Authorization; auth == nil || auth.Type != "Bearer" || auth.CredentialsFile != route().CredentialsFile {
		t.Errorf("authorization is %+v, want the bearer token of the file", auth)
	}
}

func TestRouteTellsTheWatchdogEachMinute(t *testing.T) {
	_, root := load(t, merge(t, snippet(t), true))
	matched := root.Match(model.LabelSet{"alertname": "Watchdog", "cluster": "prod-eu.1", "severity": "none"})
	opts := matched[0].RouteOpts
	if opts.Receiver != "salvor" || !opts.GroupByAll || opts.GroupWait != 0 || opts.GroupInterval != 10*time.Second || opts.RepeatInterval != time.Minute {
		t.Errorf("got %v, want it told to Salvor at once, again each 1m", &opts)
	}
	if len(matched) != 2 {
		t.Errorf("it goes to %d receivers, want Salvor once and the one it went to before", len(matched))
	}
	if table(t).Meaning(alertOf("alertname", "Watchdog")).Topic != events.TopicWatchdog {
		t.Error("the name in the route is not that of the table")
	}
}

func TestRouteWithoutClusterTakesAllClusters(t *testing.T) {
	all := route()
	all.Cluster = ""
	text, err := all.YAML()
	if err != nil {
		t.Fatal(err)
	}
	_, root := load(t, merge(t, text, true))
	if got := receivers(root, model.LabelSet{"alertname": "A", "cluster": "any"}); got[0] != "salvor" {
		t.Errorf("receivers are %v, want salvor first", got)
	}
}

func TestRouteQuotesWhatItIsGiven(t *testing.T) {
	odd := route()
	odd.Receiver = `a: "b" # c <d> \n`
	odd.CredentialsFile = `/tokens/it's: [x]`
	odd.Cluster = `x") or (a|b`
	text, err := odd.YAML()
	if err != nil {
		t.Fatal(err)
	}
	conf, root := load(t, merge(t, text, true))
	if got := receivers(root, model.LabelSet{"alertname": "A", "cluster": model.LabelValue(odd.Cluster)}); got[0] != odd.Receiver {
		t.Errorf("receivers are %q, want %q first", got, odd.Receiver)
	}
	if got := receivers(root, model.LabelSet{"alertname": "A", "cluster": "b"}); got[0] == odd.Receiver {
		t.Error("the cluster's name was read as an expression")
	}
	hook := conf.Receivers[len(conf.Receivers)-1].WebhookConfigs[0]
	if got := hook.HTTPConfig.Authorization.CredentialsFile; got != odd.CredentialsFile {
		t.Errorf("credentials file is %q, want %q", got, odd.CredentialsFile)
	}
}

func TestRouteRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Route)
		want   string
	}{
		{"no url", func(r *Route) { r.URL = "" }, "url is empty"},
		{"no receiver", func(r *Route) { r.Receiver = "" }, "receiver is empty"},
		{"no file", func(r *Route) { r.CredentialsFile = "" }, "credentials file is empty"},
		{"relative url", func(r *Route) { r.URL = "/v1/hooks" }, "not an http"},
		{"other scheme", func(r *Route) { r.URL = "ftp://x/" }, "not an http"},
		{"password in url", func(r *Route) { r.URL = "https://u:p@x/" }, "password"},
		{"template in url", func(r *Route) { r.URL = "https://x/{{.X}}" }, "template"},
		{"broken url", func(r *Route) { r.URL = "https://x:y:z/" }, "url"},
		{"second line", func(r *Route) { r.Receiver = "a\nb" }, "control character"},
		{"label of two words", func(r *Route) { r.ClusterLabel = "a b" }, "not a label name"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bad := route()
			test.change(&bad)
			if text, err := bad.YAML(); err == nil || !strings.Contains(err.Error(), test.want) || text != "" {
				t.Errorf("got %v and %d bytes, want an error with %q", err, len(text), test.want)
			}
		})
	}
}
