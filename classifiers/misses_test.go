package classifiers

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/events"
)

var every = slices.Concat([]Classifier{Region{}}, wide, []Classifier{data, config, security})

// The faults that are explained.
var (
	ofNode     = Fault{Kind: KindNode, Cluster: "prod-eu", Anchor: Anchor{Kind: "node", Name: "b0"}, Scope: Scope{Nodes: []string{"b0"}, Zones: []string{"b"}}}
	ofZone     = Fault{Kind: KindZone, Cluster: "prod-eu", Anchor: Anchor{Kind: "zone", Name: "b"}}
	ofRegion   = Fault{Kind: KindRegion, Cluster: "prod-eu", Anchor: Anchor{Kind: "region", Name: "eu"}}
	ofEtcd     = Fault{Kind: KindData, Cluster: "prod-eu", Anchor: Anchor{Kind: "etcd", Name: "prod-eu/etcd-space"}}
	ofShop     = Fault{Kind: KindData, Cluster: "prod-eu", Anchor: Anchor{Kind: "namespace", Name: "shop"}, Scope: Scope{Namespaces: []string{"shop"}}}
	ofWeb      = Fault{Kind: KindConfig, Cluster: "prod-eu", Anchor: Anchor{Kind: "deployment", Name: "shop/web"}, Scope: Scope{Objects: []string{"Deployment/shop/web"}}}
	ofIntruder = Fault{Kind: KindSecurity, Cluster: "prod-eu", Anchor: Anchor{Kind: "pod", Name: "shop/web-1"}}
)

func (s *story) etcd(by string, witness, up bool) {
	s.tell(events.TypeProbe, "probe/"+by+"/etcd", events.Probe{By: by, Witness: witness, Target: "etcd", Up: up, Reason: "no leader"})
}

func (s *story) falco(priority string) {
	s.tell(events.TypeFalco, "falco/1", events.Falco{Rule: "Shell", Priority: priority, Fields: map[string]any{"k8s.ns.name": "shop", "k8s.pod.name": "web-1"}})
}

// sick tells of a workload that reads a ConfigMap which changed, and that broke a while later.
func (s *story) sick(later time.Duration) {
	s.settings("1", "x")
	s.web("2", "a", 2, "")
	s.settings("3", "y")
	s.pass(later)
	s.web("4", "a", 1, "ProgressDeadlineExceeded")
}

// TestMissesAtTheBoundary: one less than is needed is a miss with the numbers and no finding, as much as is needed is a finding and no
// miss.
func TestMissesAtTheBoundary(t *testing.T) {
	const minute = int(time.Minute / time.Second)
	cases := []struct {
		name  string
		fault Fault
		rule  string
		near  int // the last that does not match
		far   int // the first that does
		need  int
		unit  string
		tell  func(s *story, n int)
		found string // what stands for itself when it matches
		text  string // of the miss
	}{
		{"zone", ofNode, "zone", 5, 6, 6, "nodes", func(s *story, n int) { s.fleet(10, "a", "b", "c"); s.lose("b", n) }, "zone zone/b (6)",
			"5 of 10 nodes of b lost within 2m, 6 would make it a zone"},
		{"zone while others fall", ofZone, "zone.others", 3, 2, 2, "nodes", func(s *story, n int) { s.fleet(10, "a", "b", "c"); s.lose("a", n); s.lose("b", 10) }, "zone zone/b (10)",
			"3 of 20 nodes of other zones lost with those of b, at most 2 may be"},
		{"zone beside others", ofZone, "zone.others", 0, 1, 1, "nodes", func(s *story, n int) { s.fleet(10, "b"); s.fleet(n, "a"); s.lose("b", 10) }, "zone zone/b (10)",
			"prod-eu has no node outside b that could be well, 1 would do"},
		{"storm", ofNode, "storm", 5, 6, 6, "nodes", func(s *story, n int) {
			s.fleet(10, "a", "b", "c")
			s.lose("b", 3)
			s.lose("c", n-3)
		}, "node cluster/prod-eu (6)", "5 of 30 nodes lost within 2m, 6 would be a storm"},
		{"storm beside a zone", ofZone, "storm", 7, 8, 8, "nodes", func(s *story, n int) {
			s.fleet(10, "a", "b", "c", "d")
			s.lose("b", 10)
			s.at = s.at.Add(time.Hour)
			s.pass(time.Second)
			s.lose("c", 3)
			s.lose("d", n-3)
		}, "node cluster/prod-eu (8)", "7 of 40 nodes lost within 2m outside the zones that are, 8 would be a storm"},
		{"region", ofNode, "region", 1, 2, 2, "witnesses", func(s *story, n int) { s.polls("-" + strings.Repeat("-", n) + strings.Repeat("+", 3-n)) }, "region region/prod-eu (0)",
			"1 of 3 witnesses cannot reach the API server of prod-eu, 2 would be needed"},
		{"region that Salvor reaches", ofRegion, "region.probe", 0, 1, 1, "replicas", func(s *story, n int) { s.polls([]string{"+", "-"}[n] + "---") }, "region region/prod-eu (0)",
			"0 of 1 of Salvor's replicas cannot reach the API server of prod-eu, 1 would be needed"},
		{"region by the witnesses alone", ofRegion, "region.second", 0, 1, 1, "signals", func(s *story, n int) { s.polls([]string{" ", "-"}[n] + "---") }, "region region/prod-eu (0)",
			"3 of 3 witnesses cannot reach the API server of prod-eu, and no second signal says so, 1 would be needed"},
		{"a node that somebody says is lost", ofNode, "node", 0, 1, 1, "signals", func(s *story, n int) { s.fleet(10, "b"); s.lose("b", n) }, "node node/b0 (0)",
			"b0 is not seen to be lost: Lease is being renewed, Ready is True for 0s"},
		{"claims", ofShop, "data.deletions", 2, 3, 3, "volume claims", func(s *story, n int) {
			s.hold("PersistentVolumeClaim", "shop", 5)
			s.drop("PersistentVolumeClaim", "shop", n)
		},
			"data namespace/shop (0)", "2 volume claims of shop deleted within 5m, 3 would count"},
		{"objects", ofShop, "data.deletions", 19, 20, 20, "objects", func(s *story, n int) { s.hold("ConfigMap", "shop", 30); s.drop("ConfigMap", "shop", n) },
			"data namespace/shop (0)", "19 objects of shop deleted within 5m, 20 would count"},
		{"namespaces", ofEtcd, "data.deletions", 1, 2, 2, "namespaces", func(s *story, n int) { s.hold("Namespace", "", 3); s.drop("Namespace", "", n) },
			"data cluster/prod-eu (0)", "1 namespace of prod-eu deleted within 5m, 2 would count"},
		{"a late backup", ofShop, "data.backup", 60 * minute, 61 * minute, 60 * minute, "seconds", func(s *story, n int) {
			s.custom("Schedule.velero.io", "daily", "Enabled", events.Object{Due: s.at})
			s.pass(time.Duration(n) * time.Second)
			s.sight("schedules.velero.io", true)
			s.sight("backups.velero.io", true)
		}, "data schedule/velero/daily (0)", "the backup of schedule daily is 1h late, more than 1h would count"},
		{"etcd", ofEtcd, "data.etcd", 1, 2, 2, "probers", func(s *story, n int) {
			for i := range 3 {
				s.etcd(fmt.Sprint("w", i), true, i >= n)
			}
		}, "data etcd/prod-eu/etcd-quorum (0)", "1 of 3 witnesses cannot reach etcd of prod-eu, 2 would be needed"},
		{"a change long ago", ofNode, "config.change", 31 * minute, 30 * minute, 30 * minute, "seconds", func(s *story, n int) { s.sick(time.Duration(n) * time.Second) },
			"config deployment/shop/web (0)", "deployment shop/web is broken, but ConfigMap settings changed 31m before, at most 30m would count"},
		{"no change at all", ofNode, "config.change", 0, 1, 1, "changes", func(s *story, n int) {
			s.web("2", "a", 2, "")
			s.web("4", strings.Repeat("a", n+1), 1, "ProgressDeadlineExceeded")
		}, "config deployment/shop/web (0)", "deployment shop/web is broken, but nothing it depends on changed within 30m before"},
		{"a certificate", ofRegion, "config.certificate", 8 * 24 * 60 * minute, 7 * 24 * 60 * minute, 7 * 24 * 60 * minute, "seconds", func(s *story, n int) {
			s.tell(events.TypeProbe, "probe/s/apiserver", events.Probe{By: "s", Target: "apiserver", Up: true, Expires: s.at.Add(time.Duration(n) * time.Second)})
		}, "config certificate/apiserver (0)", "the certificate of the API server ends in 8 days, 7 days left would count"},
		{"pods on lost nodes", ofWeb, "node", 1, 2, 2, "pods", func(s *story, n int) {
			s.fleet(10, "b")
			s.web("2", "a", 2, "")
			s.web("3", "b", 0, "ProgressDeadlineExceeded")
			for i := range 2 {
				s.crash(fmt.Sprint("web-", i), fmt.Sprint("b", i), "NotReady")
			}
			s.lose("b", n)
		}, "node node/b0 (0)", "1 of 2 of its pods in trouble are on a node that is lost or has just come back, all would be the node's"},
		{"a priority below", ofIntruder, "security.priority", 1, 0, 5, "gravity", func(s *story, n int) { s.falco([]string{"Error", "Warning"}[n]) }, "security pod/shop/web-1 (0)",
			"1 detection within 1h, the gravest of priority Warning, Error would count"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for _, n := range []int{c.near, c.far} {
				s := newStory(t)
				c.tell(s, n)
				stands := standing(Classify(s.view, every))
				have, missed := missOf(s, c.fault, c.rule)
				if n == c.far {
					if missed || !slices.Contains(stands, c.found) {
						t.Errorf("at %d: missed %v %+v, found %q, want no miss and %q", n, missed, have, stands, c.found)
					}
					continue
				}
				want := Miss{c.rule, float64(n), float64(c.need), c.unit, c.text}
				if c.rule == "security.priority" {
					want.Have = float64(gravity("Warning"))
				}
				if diff := cmp.Diff(want, have); diff != "" {
					t.Errorf("at %d: miss differs (-want +got):\n%s", n, diff)
				}
				if c.rule != "node" && slices.Contains(stands, c.found) {
					t.Errorf("at %d: found %q", n, stands)
				}
			}
		})
	}
}

// missOf is the miss of a rule, when there is one.
func missOf(s *story, f Fault, rule string) (Miss, bool) {
	all := Explain(s.view, every, &f)
	at := slices.IndexFunc(all, func(m Miss) bool { return m.Rule == rule })
	if at < 0 {
		return Miss{}, false
	}
	return all[at], true
}

// TestASingleSourcedZoneSaysWhatItLacks: alerts about half of its nodes.
func TestASingleSourcedZoneSaysWhatItLacks(t *testing.T) {
	for told, want := range []string{
		"single-sourced: no independent alert speaks of it; alerts about 0 of its 10 lost nodes have come, 5 would do",
		"single-sourced: independent alerts speak of too few; alerts about 1 of its 10 lost nodes have come, 5 would do", 2: "", 3: "",
		4: "single-sourced: independent alerts speak of too few; alerts about 4 of its 10 lost nodes have come, 5 would do", 5: "",
	} {
		if want == "" && told != 5 {
			continue
		}
		s := newStory(t)
		s.fleet(10, "a", "b", "c")
		s.lose("b", 10)
		for n := range told {
			s.nodeDown(fmt.Sprint("b", n))
		}
		got, _ := missOf(s, ofZone, "zone.alerts")
		if got.Text != want || want != "" && (got.Have != float64(told) || got.Need != 5) {
			t.Errorf("with %d alerts: %+v, want %q", told, got, want)
		}
		if found := (Zone{Within: time.Minute}).Classify(s.view); found[0].SingleSourced() != (want != "") {
			t.Errorf("with %d alerts: single-sourced %v", told, found[0].SingleSourced())
		}
	}
}

// TestWhatIsNotToldOf: a rule that has nothing to do with a fault is no miss, and blind eyes do not count what is lost.
func TestWhatIsNotToldOf(t *testing.T) {
	rules := func(s *story, f Fault) (out []string) {
		for _, m := range Explain(s.view, every, &f) {
			out = append(out, m.Rule)
		}
		return out
	}
	s := newStory(t)
	s.fleet(10, "a", "b", "c")
	if got := rules(s, ofWeb); got != nil {
		t.Errorf("a workload with nothing lost anywhere: %q", got)
	}
	s.lose("b", 1)
	if diff := cmp.Diff([]string{"region", "zone", "storm"}, rules(s, ofNode)); diff != "" {
		t.Errorf("a node (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"zone", "storm"}, rules(s, ofShop)); diff != "" {
		t.Errorf("data while a node is lost (-want +got):\n%s", diff)
	}
	for _, name := range []string{"api", "web", "wiki"} {
		s.workload(events.Workload{Name: name, UID: name, ResourceVersion: "1", Revision: "a", Desired: 2, Stuck: "ReplicaFailure"})
	}
	if m, _ := missOf(s, ofNode, "config.change"); m.Text != "deployment shop/api is broken, but nothing it depends on changed within 30m before; 2 workloads more" {
		t.Errorf("three broken workloads: %+v", m)
	}
	s.sight("nodes", false)
	s.sight("leases", false)
	if m, _ := missOf(s, ofRegion, "zone"); m.Text != "nobody sees the nodes of prod-eu now, so none of its zones is known to be lost" {
		t.Errorf("blind: %+v", m)
	}
	if got := Explain(s.view, every, &Fault{Kind: KindNode, Cluster: "elsewhere"}); got != nil {
		t.Errorf("a cluster nobody knows: %+v", got)
	}
}

// TestHostileNamesAreCut: whatever the cluster calls its things, a miss and what an event said stay short and are text; and there are
// not many.
func TestHostileNamesAreCut(t *testing.T) {
	s := newStory(t)
	evil := strings.Repeat("\xff\u202e\x1bz", 200)
	s.place(evil, evil, "1", "True")
	s.place(evil, evil, "2", "False")
	s.tell(events.TypeWorkload, "deployment/x", events.Workload{Kind: evil, Namespace: evil, Name: evil, UID: "1", ResourceVersion: "1", Revision: "a", Desired: 1, Stuck: evil})
	s.tell(events.TypeFalco, "falco/1", events.Falco{Rule: evil, Priority: "Notice", Hostname: evil[:256]})
	f := (Node{}).Classify(s.view)[0].Fault
	f.Scope.Nodes = append(f.Scope.Nodes, "z")
	kept := Recorded(s.view, slices.Concat(every, every, every), f)
	if len(kept.Misses) == 0 || len(kept.Misses) > maxMisses || len(kept.Told) != 1 || len(f.Misses)+len(f.Told) > 0 {
		t.Fatalf("%d misses, told %+v", len(kept.Misses), kept.Told)
	}
	for _, m := range kept.Misses {
		if len(m.Text) > maxText || !utf8.ValidString(m.Text) || strings.Contains(m.Text, "%!") {
			t.Errorf("%d bytes: %q", len(m.Text), m.Text)
		}
	}
	if text := kept.Told[0].Text; len(text) > maxText || !utf8.ValidString(text) {
		t.Errorf("%d bytes: %q", len(text), text)
	}
}

// TestTell: what the events of the evidence said, and when, in the order of the evidence.
func TestTell(t *testing.T) {
	s := newStory(t)
	s.fleet(10, "a", "b", "c")
	ready := s.at
	s.lose("b", 1)
	s.nodeDown("b0")
	found := (Node{}).Classify(s.view)[0].Fault
	want := []Told{{found.Evidence[0], ready, "node b0: Ready is True"}, {found.Evidence[1], s.at, "node b0: its Lease is stale"}, {found.Evidence[2], s.at, "alert NodeDown: firing"}}
	if diff := cmp.Diff(want, Tell(s.view, &found)); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	s.place("b0", "b", "3", "True") // it says something, and nothing of its Ready condition
	if again := Tell(s.view, &Fault{Cluster: "prod-eu", Scope: found.Scope, Evidence: []string{s.cluster().Nodes["b0"].Evidence}}); len(again) != 1 || !again[0].At.Equal(s.at) || s.at.Equal(ready) {
		t.Errorf("told %+v, want it at %s", again, s.at)
	}
	s.hold("PersistentVolumeClaim", "shop", 3)
	s.drop("PersistentVolumeClaim", "shop", 3)
	s.sick(time.Minute)
	s.crash("web-1", "", "CrashLoopBackOff")
	s.falco("Critical")
	s.polls("----")
	var texts []string
	for _, f := range Classify(s.view, []Classifier{data, config, security, Region{}}) {
		told := Tell(s.view, &f.Fault)
		if len(told) != len(f.Evidence) {
			t.Errorf("%s: told %+v of %q", f.Anchor, told, f.Evidence)
		}
		texts = append(texts, told[0].Text)
		if told[len(told)-1].At.After(s.view.Now) || told[0].At.Before(ready) {
			t.Errorf("%s: told at %s", f.Anchor, told[0].At)
		}
	}
	if diff := cmp.Diff([]string{"PersistentVolumeClaim/shop/o-0: deleted", "Deployment/shop/web: 1 of 2 ready", "detection Shell: Critical",
		"probe of apiserver by w1: no answer within 5s"}, texts); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

func TestRounded(t *testing.T) {
	for d, want := range map[time.Duration]string{time.Minute: "1m", time.Hour: "1h", 90 * time.Minute: "1h30m", 90 * time.Second: "1m30s", 20 * time.Second: "20s",
		10 * time.Minute: "10m", 0: "0s", 100 * time.Hour: "100h", time.Hour + 20*time.Second: "1h0m20s"} {
		if got := rounded(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}
