package alertmanager

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"

	"github.com/salvor-io/salvor/events"
)

func table(t testing.TB, extra ...Row) *Table {
	t.Helper()
	made, err := NewTable(extra)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func alertOf(pairs ...string) events.Alert {
	labels := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		labels[pairs[i]] = pairs[i+1]
	}
	return events.Alert{Labels: events.NewLabelSet(labels)}
}

// TestEveryShippedRowIsReached holds that no row hides another, that each has a topic and a source, and that none is loud alone.
func TestEveryShippedRowIsReached(t *testing.T) {
	shipped := table(t)
	names := map[string]bool{}
	for _, s := range Shipped() {
		if names[s.Name] {
			t.Errorf("two rows are named %s", s.Name)
		}
		names[s.Name] = true
		want := events.Meaning{Topic: s.Topic, Independent: s.Independent}
		if got := shipped.Meaning(events.Alert{Labels: events.NewLabelSet(s.Labels)}); got != want {
			t.Errorf("%s means %+v, want %+v", s.Name, got, want)
		}
		if !slices.Contains(events.Topics(), s.Topic) {
			t.Errorf("%s: unknown topic %q", s.Name, s.Topic)
		}
		repository, path, _ := strings.Cut(s.Source, " ")
		if strings.Count(repository, "/") != 1 || path == "" {
			t.Errorf("%s: source %q is not a repository and a path", s.Name, s.Source)
		}
		for _, m := range s.Match {
			if strings.HasPrefix(m, "severity") || strings.HasPrefix(m, "priority") {
				t.Errorf("%s looks at how loud an alert is: %s", s.Name, m)
			}
		}
	}
	if len(names) < 60 {
		t.Errorf("%d rows are shipped", len(names))
	}
}

// TestShippedRowsAreReachedOnce holds that each row is the first for its own labels, not only one of equal meaning.
func TestShippedRowsAreReachedOnce(t *testing.T) {
	rows := Shipped()
	for i, s := range rows {
		for k, earlier := range rows[:i] {
			r, err := earlier.read()
			if err != nil {
				t.Fatal(err)
			}
			if r.matches(events.NewLabelSet(s.Labels)) {
				t.Errorf("row %d (%s) takes the alerts of row %d (%s)", k, earlier.Name, i, s.Name)
			}
		}
	}
}

func TestMeaning(t *testing.T) {
	tests := []struct {
		name  string
		alert events.Alert
		want  events.Meaning
	}{
		{"no labels", events.Alert{}, events.Meaning{}},
		{"unknown", alertOf("alertname", "Odd"), events.Meaning{}},
		{"unknown and critical", alertOf("alertname", "Odd", "severity", "critical"), events.Meaning{}},
		{"name is not a label", events.Alert{Name: "Watchdog"}, events.Meaning{}},
		{"other case", alertOf("alertname", "watchdog"), events.Meaning{}},
		{"by kube-state-metrics", alertOf("alertname", "KubeNodeNotReady", "node", "w"), events.Meaning{Topic: events.TopicNodeLost}},
		{"by a scrape", alertOf("alertname", "KubeletDown"), events.Meaning{Topic: events.TopicNodeLost, Independent: true}},
		{"target of no job", alertOf("alertname", "TargetDown"), events.Meaning{}},
		{"target of another job", alertOf("alertname", "TargetDown", "job", "web"), events.Meaning{}},
		{"target kubelet", alertOf("alertname", "TargetDown", "job", "kubelet"), events.Meaning{Topic: events.TopicNodeLost, Independent: true}},
		{"target etcd", alertOf("alertname", "TargetDown", "job", "kube-etcd"), events.Meaning{Topic: events.TopicControlPart, Independent: true}},
		{"falco", alertOf("source", "falco", "rule", "Read sensitive file untrusted", "eventsource", "syscall"), events.Meaning{Topic: events.TopicRuntime, Independent: true}},
		{"falco with an alertname", alertOf("alertname", "Falco", "source", "falco", "rule", "X", "eventsource", "syscall"), events.Meaning{Topic: events.TopicRuntime, Independent: true}},
		{"falco of old", alertOf("source", "falco", "rule", "X"), events.Meaning{Topic: events.TopicRuntime, Independent: true}},
		{"falco without rule", alertOf("source", "falco"), events.Meaning{}},
		{"falco about itself", alertOf("source", "falco", "rule", "Falco internal: syscall event drop"), events.Meaning{}},
		{"falco audit", alertOf("source", "falco", "rule", "ClusterRole With Wildcard Created", "eventsource", "k8s_audit"), events.Meaning{Topic: events.TopicTampering}},
		{"falco audit, ordinary", alertOf("source", "falco", "rule", "K8s Secret Get Successfully", "eventsource", "k8s_audit", "priority", "Error"), events.Meaning{}},
		{"a source alone", alertOf("alertname", "X", "source", "elsewhere", "rule", "Y", "severity", "critical"), events.Meaning{}},
	}
	shipped := table(t)
	for _, test := range tests {
		if got := shipped.Meaning(test.alert); got != test.want {
			t.Errorf("%s: means %+v, want %+v", test.name, got, test.want)
		}
	}
}

func TestRowsOfUsersComeFirst(t *testing.T) {
	with := table(t,
		Row{Match: []string{`alertname="MyNodeDown"`, `team!="lab"`}, Topic: events.TopicNodeLost, Independent: true},
		Row{Match: []string{`alertname="NodeClockSkewDetected"`}, Topic: Ignore},
		Row{Match: []string{`alertname=~"Pg.*Corrupt.*"`}, Topic: events.TopicVolume},
		Row{Match: []string{`team="lab"`}, Topic: Ignore},
		Row{Match: []string{`alertname="PgPageCorrupt"`}, Topic: events.TopicBackup},
	)
	tests := []struct {
		name  string
		alert events.Alert
		want  events.Meaning
	}{
		{"added", alertOf("alertname", "MyNodeDown"), events.Meaning{Topic: events.TopicNodeLost, Independent: true}},
		{"kept out by its matcher", alertOf("alertname", "MyNodeDown", "team", "lab"), events.Meaning{}},
		{"ignored by name", alertOf("alertname", "NodeClockSkewDetected"), events.Meaning{}},
		{"ignored by a label", alertOf("alertname", "KubeNodeNotReady", "team", "lab"), events.Meaning{}},
		{"shipped", alertOf("alertname", "KubeNodeNotReady"), events.Meaning{Topic: events.TopicNodeLost}},
		{"a pattern that comes before a name", alertOf("alertname", "PgPageCorrupt"), events.Meaning{Topic: events.TopicVolume}},
		{"a pattern before a label", alertOf("alertname", "PgXCorrupt", "team", "lab"), events.Meaning{Topic: events.TopicVolume}},
	}
	for _, test := range tests {
		if got := with.Meaning(test.alert); got != test.want {
			t.Errorf("%s: means %+v, want %+v", test.name, got, test.want)
		}
	}
}

func TestRowsThatAreRefused(t *testing.T) {
	good := []string{`alertname="A"`}
	tests := []struct {
		name string
		row  Row
		want string
	}{
		{"no topic", Row{Match: good}, `unknown topic ""`},
		{"unknown topic", Row{Match: good, Topic: "fire"}, `unknown topic "fire"`},
		{"ignored and independent", Row{Match: good, Topic: Ignore, Independent: true}, "cannot be independent"},
		{"no matcher", Row{Topic: events.TopicVolume}, "none of its matchers"},
		{"nothing demanded", Row{Match: []string{`team!="lab"`, `job=~".*"`}, Topic: events.TopicVolume}, "none of its matchers"},
		{"no matcher at all", Row{Match: []string{"node down"}, Topic: events.TopicVolume}, "read matcher"},
		{"broken expression", Row{Match: []string{`a=~"("`}, Topic: events.TopicVolume}, "read matcher"},
		{"many matchers", Row{Match: slices.Repeat(good, maxMatchers+1), Topic: events.TopicVolume}, "at most 16"},
	}
	for _, test := range tests {
		if _, err := NewTable([]Row{test.row}); err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "row 1") {
			t.Errorf("%s: error is %v, want one of row 1 with %q", test.name, err, test.want)
		}
	}
	if _, err := NewTable(make([]Row, maxRows+1)); err == nil {
		t.Error("too many rows are taken")
	}
}

func TestTableIsUsedByMany(t *testing.T) {
	shipped := table(t, Row{Match: []string{`node=~"w.*"`}, Topic: events.TopicNodeLost})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for _, s := range Shipped() {
				shipped.Meaning(events.Alert{Labels: events.NewLabelSet(s.Labels)})
			}
		})
	}
	group.Wait()
}

// FuzzMeaning compares the index with a plain search through all rows.
func FuzzMeaning(f *testing.F) {
	f.Add("alertname", "Watchdog", "source", "falco", "team", "lab")
	f.Add("alertname", "TargetDown", "job", "kubelet", "", "")
	f.Add("alertname", "\x00\xff{}\"=~", "rule", strings.Repeat("(a+)+$", 100), "eventsource", "")
	extra := []Row{{Match: []string{`team=~"l(a|b)+"`}, Topic: Ignore}, {Match: []string{`alertname="X"`, `a=""`}, Topic: events.TopicVolume}}
	made := table(f, extra...)
	for _, s := range Shipped() {
		extra = append(extra, s.Row)
	}
	f.Fuzz(func(t *testing.T, n1, v1, n2, v2, n3, v3 string) {
		alert := alertOf(n1, v1, n2, v2, n3, v3)
		if got, want := made.Meaning(alert), slowly(t, extra, alert); got != want {
			t.Errorf("%v means %+v, want %+v", alert.Labels, got, want)
		}
	})
}

func slowly(t *testing.T, rows []Row, alert events.Alert) events.Meaning {
	set := model.LabelSet{}
	for name, value := range alert.Labels.All() {
		set[model.LabelName(name)] = model.LabelValue(value)
	}
	for _, row := range rows {
		var all labels.Matchers
		for _, text := range row.Match {
			m, err := labels.ParseMatcher(text)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, m)
		}
		if !all.Matches(set) {
			continue
		}
		if row.Topic == Ignore {
			return events.Meaning{}
		}
		return events.Meaning{Topic: row.Topic, Independent: row.Independent}
	}
	return events.Meaning{}
}

// BenchmarkMeaning is one alert: 100,000 a minute leave each 600 µs.
func BenchmarkMeaning(b *testing.B) {
	made := table(b, Row{Match: []string{`alertname=~"Pg.*"`, `team!="lab"`}, Topic: events.TopicVolume})
	unknown := alertOf("alertname", "Unknown", "cluster", "prod", "severity", "critical", "namespace", "shop", "pod", "web-1")
	known := alertOf("alertname", "KubeNodeNotReady", "cluster", "prod", "severity", "warning", "node", "worker-1")
	for name, alert := range map[string]events.Alert{"known": known, "unknown": unknown} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				made.Meaning(alert)
			}
		})
	}
}

func ExampleTable_Meaning() {
	mine := Row{Match: []string{`alertname="RackDark"`}, Topic: events.TopicNodeLost, Independent: true}
	made, err := NewTable([]Row{mine})
	if err != nil {
		panic(err)
	}
	fmt.Println(made.Meaning(events.Alert{Labels: events.NewLabelSet(map[string]string{"alertname": "RackDark", "rack": "7"})}))
	// Output: {node-lost true}
}
