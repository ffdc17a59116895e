package classifiers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/salvor-io/salvor/events"
)

var people = Declared{Region: Region{Of: map[string]string{"prod-eu": "eu-west-1"}}}

// declare has alice declare a fault of what the name says, as the view knows it, for four hours.
func (s *story) declare(kind Kind, name string) {
	s.t.Helper()
	anchor, err := ReadAnchor(kind, name)
	if err != nil {
		s.t.Fatal(err)
	}
	anchor, uid, err := people.Find(s.view, "prod-eu", kind, anchor)
	if err != nil {
		s.t.Fatal(err)
	}
	s.declared(events.Declared{Kind: string(kind), Anchor: anchor.Kind, Name: anchor.Name, UID: uid, Reason: "I know", Until: s.at.Add(4 * time.Hour)})
}

func (s *story) declared(d events.Declared) {
	s.t.Helper()
	d.By = "alice"
	s.tell(events.TypeDeclared, "declared/"+d.Kind+"/"+d.Anchor+"/"+d.Name, d)
}

func (s *story) takeBack(kind Kind, anchor, name string) {
	s.t.Helper()
	s.declared(events.Declared{Kind: string(kind), Anchor: anchor, Name: name, Ended: true})
}

// all are the classifiers, the people among them.
func (s *story) found() []Finding {
	return Classify(s.view, append([]Classifier{Region{Of: people.Region.Of}, people}, append(wide, config, data, security)...))
}

// shop tells of a namespace with a Deployment that is well.
func (s *story) shop() {
	s.object(events.Object{Kind: "Namespace", Name: "shop", UID: "n1", ResourceVersion: "1", Phase: "Active"})
	s.workload(events.Workload{Name: "web", UID: "w1", ResourceVersion: "1", Revision: "a", Desired: 2, Ready: 2, Updated: 2})
}

// TestDeclared: what a declaration makes of a fleet of which nothing else tells.
func TestDeclared(t *testing.T) {
	for _, c := range []struct {
		kind     Kind
		name     string
		identity string
		scope    Scope
		sentence string
		signals  []string // beside the person: name, and whether it was asked
	}{
		{KindNode, "b1", "node/u-b1", Scope{Nodes: []string{"b1"}, Zones: []string{"b"}, Regions: []string{"eu"}}, "alice declared node b1 lost: I know",
			[]string{"lease true", "ready condition true", "alert false"}},
		{KindZone, "b", "zone/b", Scope{Zones: []string{"b"}, Regions: []string{"eu"}}, "alice declared zone b lost: I know", []string{"nodes true", "alerts false"}},
		{KindRegion, "", "region/prod-eu", Scope{Regions: []string{"eu-west-1"}}, "alice declared region eu-west-1 lost: I know", []string{"witnesses false", "probe false"}},
		{KindData, "shop", "namespace/shop", Scope{Namespaces: []string{"shop"}}, "alice declared the data of namespace shop lost: I know", []string{"deletions false"}},
		{KindConfig, "Deployment/shop/web", "deployment/w1", Scope{Namespaces: []string{"shop"}, Objects: []string{"Deployment/shop/web"}},
			"alice declared deployment shop/web broken: I know", []string{"rollout false", "pods false"}},
		{KindSecurity, "Pod/shop/web-1", "pod/shop/web-1", Scope{Namespaces: []string{"shop"}}, "alice declared pod shop/web-1 compromised: I know", []string{"detection false"}},
		{KindSecurity, "node/b1", "node/b1", Scope{Nodes: []string{"b1"}}, "alice declared node b1 compromised: I know", []string{"detection false"}},
	} {
		t.Run(string(c.kind)+" "+c.name, func(t *testing.T) {
			s := newStory(t)
			s.fleet(3, "a", "b", "c")
			s.shop()
			s.declare(c.kind, c.name)
			said := fmt.Sprintf("e%d", s.seq)
			found := s.found()
			if len(found) != 1 {
				t.Fatalf("found %d, want one", len(found))
			}
			f := found[0]
			if f.Kind != c.kind || f.Cluster != "prod-eu" || f.Anchor.Identity() != c.identity || f.Sentence != c.sentence {
				t.Errorf("found %s %s %q", f.Kind, f.Anchor.Identity(), f.Sentence)
			}
			if f.Window != 0 || f.Standing || f.Under != nil || !f.Lasted(s.view.Now) || !f.Since.Equal(s.at) || !f.SingleSourced() || !f.Declared() {
				t.Errorf("finding is %+v", f)
			}
			if diff := cmp.Diff(c.scope, f.Scope); diff != "" {
				t.Errorf("scope (-want +got):\n%s", diff)
			}
			var signals []string
			for _, sig := range f.Signals[1:] {
				signals = append(signals, fmt.Sprint(sig.Name, " ", sig.Asked))
				if sig.Agrees {
					t.Errorf("%s agrees", sig.Name)
				}
			}
			if diff := cmp.Diff(c.signals, signals); diff != "" || f.Signals[0].Source != SourcePeople || !f.Signals[0].Agrees {
				t.Errorf("signals %+v (-want +got):\n%s", f.Signals[0], diff)
			}
			if diff := cmp.Diff([]string{said}, f.Evidence); diff != "" {
				t.Errorf("evidence (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDeclaredAndDetected: what is both is one finding, the detected one, with the same key, that two sources tell of.
func TestDeclaredAndDetected(t *testing.T) {
	for _, c := range []struct {
		name   string
		kind   Kind
		what   string
		tell   func(*story)
		single bool
	}{
		{"node", KindNode, "b1", func(s *story) { s.lease("b1", "2", events.LeaseStale) }, false},
		{"node that stood so", KindNode, "d0", func(s *story) { s.place("d0", "d", "1", "False") }, false},
		{"zone", KindZone, "b", func(s *story) { s.lose("b", 3) }, false},
		{"region", KindRegion, "", func(s *story) { s.polls("++++"); s.polls("----") }, false},
		{"data", KindData, "shop", func(s *story) {
			for n := range 6 {
				o := events.Object{Kind: "PersistentVolumeClaim", Namespace: "shop", Name: fmt.Sprint("c", n), UID: fmt.Sprint("u", n), ResourceVersion: "1"}
				s.object(o)
				o.ResourceVersion, o.Gone = "2", true
				s.object(o)
			}
		}, false},
		{"config", KindConfig, "Deployment/shop/web", func(s *story) {
			s.pass(time.Minute)
			s.workload(events.Workload{Name: "web", UID: "w1", ResourceVersion: "2", Revision: "b", Desired: 2, Updated: 1, Stuck: "ProgressDeadlineExceeded"})
		}, false},
		{"pod", KindSecurity, "pod/shop/web-1", func(s *story) {
			s.tell(events.TypeFalco, "falco/x", events.Falco{Rule: "Shell", Priority: "Critical", Fields: map[string]any{"k8s.ns.name": "shop", "k8s.pod.name": "web-1"}})
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStory(t)
			s.fleet(3, "a", "b", "c")
			s.shop()
			c.tell(s)
			detected := standingFindings(s.found())
			s.pass(time.Second)
			s.declare(c.kind, c.what)
			both := standingFindings(s.found())
			if len(detected) != 1 || len(both) != 1 {
				t.Fatalf("detected %d, with the declaration %d, want one each", len(detected), len(both))
			}
			was, is := detected[0], both[0]
			if was.Anchor != is.Anchor || !cmp.Equal(was.Scope, is.Scope) || !was.Since.Equal(is.Since) {
				t.Errorf("detected %v %+v since %s, with the declaration %v %+v since %s", was.Anchor, was.Scope, was.Since, is.Anchor, is.Scope, is.Since)
			}
			if !strings.HasSuffix(is.Sentence, "; alice declared "+is.declared()+": I know") || strings.Contains(is.Sentence, onlyAPIServer) {
				t.Errorf("sentence %q", is.Sentence)
			}
			if last := is.Signals[len(is.Signals)-1]; len(is.Signals) != len(was.Signals)+1 || last.Source != SourcePeople {
				t.Errorf("signals %+v", is.Signals)
			}
			if is.SingleSourced() != c.single || is.Standing || is.Window != 0 || len(is.Evidence) != len(was.Evidence)+1 {
				t.Errorf("finding is %+v", is)
			}
		})
	}
}

// standingFindings are the findings that no other explains.
func standingFindings(all []Finding) []Finding {
	var out []Finding
	for _, f := range all {
		if f.Under == nil {
			out = append(out, f)
		}
	}
	return out
}

// TestADeclaredZoneTargetsNoHealthyNode: its nodes are those that are seen to be lost.
func TestADeclaredZoneTargetsNoHealthyNode(t *testing.T) {
	s := newStory(t)
	s.fleet(10, "a", "b", "c")
	s.declare(KindZone, "b")
	nodes := func() string {
		t.Helper()
		for _, f := range s.found() {
			if f.Kind == KindZone {
				return fmt.Sprint(f.Scope.Nodes, f.SingleSourced())
			}
		}
		return "no zone"
	}
	check := func(when, want string) {
		t.Helper()
		if got := nodes(); got != want {
			t.Errorf("%s: %s, want %s", when, got, want)
		}
	}
	check("all well", "[] true")
	s.place("b9", "b", "2", "False") // it renews its Lease
	s.lose("b", 2)
	s.lose("a", 1)
	check("three are lost", "[b0 b1 b9] true")
	s.place("bx", "b", "1", "False")
	check("one never was well", "[b0 b1 b9] true")
	s.sight("leases", false)
	check("nobody sees the Leases", "[b9] true")
	s.sight("nodes", false)
	check("nobody sees", "[] true")
	s.sight("nodes", true)
	s.sight("leases", true)
	s.lease("b0", "3", events.LeaseFresh)
	check("one is back", "[b1 b9] true")
	s.place("b9", "b", "3", "True")
	s.lose("b", 9)
	check("detected", "[b1 b2 b3 b4 b5 b6 b7 b8] false")
}

// TestADeclaredZoneExplains its nodes, and a storm of them.
func TestADeclaredZoneExplains(t *testing.T) {
	s := newStory(t)
	s.fleet(10, "a")
	s.lose("a", 9)
	if diff := cmp.Diff([]string{"node cluster/prod-eu (9)"}, standing(s.found())); diff != "" {
		t.Fatalf("before (-want +got):\n%s", diff)
	}
	s.declare(KindZone, "a")
	if diff := cmp.Diff([]string{"zone zone/a (9)"}, standing(s.found())); diff != "" {
		t.Errorf("declared (-want +got):\n%s", diff)
	}
	s.takeBack(KindZone, "zone", "a")
	if diff := cmp.Diff([]string{"node cluster/prod-eu (9)"}, standing(s.found())); diff != "" {
		t.Errorf("taken back (-want +got):\n%s", diff)
	}
}

// TestADeclarationIsOver when it is taken back, when its time has passed, and when what was meant is there no more.
func TestADeclarationIsOver(t *testing.T) {
	gone := func(o events.Object) func(*story) {
		return func(s *story) { o.ResourceVersion, o.Gone = "9", true; s.object(o) }
	}
	for _, c := range []struct {
		name  string
		kind  Kind
		what  string
		tell  func(*story)
		stays bool
	}{
		{"nothing", KindZone, "b", func(*story) {}, true},
		{"nobody sees", KindZone, "b", func(s *story) { s.sight("nodes", false); s.sight("leases", false) }, true},
		{"taken back", KindZone, "b", func(s *story) { s.takeBack(KindZone, "zone", "b") }, false},
		{"another is taken back", KindZone, "b", func(s *story) { s.takeBack(KindZone, "zone", "c") }, true},
		{"a region whose name changed is taken back", KindRegion, "", func(s *story) { s.takeBack(KindRegion, "region", "eu-west-0") }, false},
		{"just before its end", KindNode, "b1", func(s *story) { s.pass(4*time.Hour - time.Second) }, true},
		{"its end", KindNode, "b1", func(s *story) { s.pass(4 * time.Hour) }, false},
		{"the node is deleted", KindNode, "b1", func(s *story) {
			s.tell(events.TypeNode, "node/b1", events.Node{Name: "b1", UID: "u-b1", ResourceVersion: "9", Zone: "b", Gone: true})
		}, false},
		{"the node is another one", KindNode, "b1", func(s *story) {
			s.tell(events.TypeNode, "node/b1", events.Node{Name: "b1", UID: "new", ResourceVersion: "9", Zone: "b", Created: s.at, Ready: events.Condition{Status: "True"}})
		}, false},
		{"the compromised node is another one", KindSecurity, "node/b1", func(s *story) {
			s.tell(events.TypeNode, "node/b1", events.Node{Name: "b1", UID: "new", ResourceVersion: "9", Zone: "b", Created: s.at, Ready: events.Condition{Status: "True"}})
		}, false},
		{"the zone has no node", KindZone, "b", func(s *story) {
			for n := range 3 {
				s.tell(events.TypeNode, "node/b", events.Node{Name: fmt.Sprint("b", n), UID: fmt.Sprint("u-b", n), ResourceVersion: "9", Zone: "b", Gone: true})
			}
		}, false},
		{"the workload is another one", KindConfig, "deployment/shop/web", func(s *story) {
			s.tell(events.TypeWorkload, "deployment/shop/web", events.Workload{Kind: "Deployment", Namespace: "shop", Name: "web", UID: "w2", ResourceVersion: "9", Created: s.at.Add(time.Second)})
		}, false},
		{"the namespace of a pod is deleted", KindSecurity, "pod/shop/web-1", gone(events.Object{Kind: "Namespace", Name: "shop", UID: "n1"}), false},
		{"the namespace whose data is lost is deleted", KindData, "shop", gone(events.Object{Kind: "Namespace", Name: "shop", UID: "n1"}), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStory(t)
			s.fleet(3, "a", "b", "c")
			s.shop()
			s.declare(c.kind, c.what)
			c.tell(s)
			if found := people.Classify(s.view); (len(found) == 1) != c.stays {
				t.Errorf("found %+v", found)
			}
		})
	}
}

// TestADeclaredRegionEnds though there is no witness: Salvor's own reach tells of what people alone said.
func TestADeclaredRegionEnds(t *testing.T) {
	s := newStory(t)
	s.probe("salvor-0", false, true)
	s.declare(KindRegion, "")
	f := s.found()[0].Fault
	s.takeBack(KindRegion, "region", "eu-west-1")
	if len(s.found()) != 0 || s.view.Blind(f) {
		t.Errorf("found %d, blind %v", len(s.found()), s.view.Blind(f))
	}
	f.Signals = f.Signals[1:]
	if !s.view.Blind(f) {
		t.Error("without a witness it is known that a region which was detected is well")
	}
	s.probe("salvor-0", false, false)
	if f.Signals = append(f.Signals, Signal{Source: SourcePeople}); !s.view.Blind(f) {
		t.Error("a region that nobody reaches is known to be well")
	}
}

// TestDeclarationsAreBounded in number, in time and in memory, the same however often their events are folded.
func TestDeclarationsAreBounded(t *testing.T) {
	s := newStory(t)
	for n := range maxRemembered + 10 {
		s.declared(events.Declared{Kind: "node", Anchor: "node", Name: fmt.Sprintf("w%03d", n), Until: s.at.Add(1000 * time.Hour)})
		s.pass(time.Second)
	}
	s.takeBack(KindNode, "node", "w100")
	c := s.cluster()
	if _, first := c.Declared["node/node/w009"]; first || len(c.Declared) != maxRemembered || len(c.Standing(s.at)) != maxRemembered-1 {
		t.Errorf("%d are remembered, %d stand, the oldest %v", len(c.Declared), len(c.Standing(s.at)), first)
	}
	if d := c.Declared["node/node/w200"]; d.Until.Sub(d.At) != MaxDeclaredFor {
		t.Errorf("one stands from %s until %s", d.At, d.Until)
	}
	again := NewView(meaning)
	for seq, ev := range append(s.all[len(s.all)-1:], s.all...) { // an old event once more, and each of them twice
		for n := range uint64(2) {
			ev.Seq = uint64(2*seq) + n + 1
			if err := again.Fold(ev); err != nil {
				t.Fatal(err)
			}
		}
	}
	again.Seq, again.Now = s.view.Seq, s.view.Now
	if diff := cmp.Diff(c.Declared, again.Clusters["prod-eu"].Declared, cmpopts.IgnoreFields(DeclaredView{}, "At", "Until")); diff != "" {
		t.Errorf("told twice (-once +twice):\n%s", diff)
	}
	s.pass(MaxDeclaredFor + goneFor + time.Second)
	s.tick()
	if len(c.Declared) != 0 {
		t.Errorf("%d are remembered for ever", len(c.Declared))
	}
}

// TestWhatStandsIsRemembered: what is over is forgotten before what stands, whenever people spoke of it.
func TestWhatStandsIsRemembered(t *testing.T) {
	s := newStory(t)
	s.declared(events.Declared{Kind: "zone", Anchor: "zone", Name: "a", Until: s.at.Add(20 * time.Hour)})
	for n := range maxRemembered + 10 {
		s.pass(time.Second)
		name := fmt.Sprintf("w%03d", n)
		s.declared(events.Declared{Kind: "node", Anchor: "node", Name: name, Until: s.at.Add(time.Hour)})
		s.takeBack(KindNode, "node", name)
	}
	if c := s.cluster(); len(c.Standing(s.at)) != 1 || len(c.Declared) != maxRemembered {
		t.Errorf("%d stand of %d, want the zone", len(c.Standing(s.at)), len(c.Declared))
	}
}

// TestADeclarationToldLateChangesNothing: the same event, recorded once more much later, does not let it stand for longer.
func TestADeclarationToldLateChangesNothing(t *testing.T) {
	s := newStory(t)
	s.declared(events.Declared{Kind: "region", Anchor: "region", Until: s.at.Add(30 * time.Hour)})
	before, again := s.cluster().Declared["region"], s.all[len(s.all)-1]
	s.pass(time.Hour)
	again.Seq, again.At = s.seq+1, s.at
	if err := s.view.Fold(again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, s.cluster().Declared["region"]); diff != "" {
		t.Errorf("told late (-before +after):\n%s", diff)
	}
}

func TestReadAnchor(t *testing.T) {
	for _, c := range []struct {
		kind Kind
		name string
		want Anchor // zero: refused
	}{
		{KindNode, "w1", Anchor{Kind: "node", Name: "w1"}}, {KindNode, "Node/w1", Anchor{Kind: "node", Name: "w1"}}, {KindNode, "", Anchor{}}, {KindNode, "a/b", Anchor{}},
		{KindNode, "node/", Anchor{}}, {KindZone, "eu-1b", Anchor{Kind: "zone", Name: "eu-1b"}}, {KindRegion, "", Anchor{Kind: "region"}}, {KindRegion, "region/", Anchor{}},
		{KindRegion, "eu", Anchor{Kind: "region", Name: "eu"}}, {KindData, "shop", Anchor{Kind: "namespace", Name: "shop"}}, {KindData, "namespace/shop", Anchor{Kind: "namespace", Name: "shop"}},
		{KindConfig, "StatefulSet/shop/db", Anchor{Kind: "statefulset", Name: "shop/db"}}, {KindConfig, "shop/web", Anchor{}}, {KindConfig, "Deployment/web", Anchor{}},
		{KindConfig, "Deployment//web", Anchor{}}, {KindConfig, "Job/shop/web", Anchor{}}, {KindSecurity, "POD/shop/web-1", Anchor{Kind: "pod", Name: "shop/web-1"}},
		{KindSecurity, "node/w1", Anchor{Kind: "node", Name: "w1"}}, {KindSecurity, "user/eve", Anchor{}}, {KindSecurity, "w1", Anchor{}}, {"nodes", "w1", Anchor{}},
	} {
		if got, err := ReadAnchor(c.kind, c.name); got != c.want || (err != nil) != (c.want == Anchor{}) {
			t.Errorf("%s %q is %+v, %v", c.kind, c.name, got, err)
		}
	}
}

// TestFindSaysWhatThereIs when something else is named.
func TestFindSaysWhatThereIs(t *testing.T) {
	s := newStory(t)
	s.fleet(4, "a", "b", "c")
	s.shop()
	for _, c := range []struct {
		kind       Kind
		name, want string
	}{
		{KindZone, "d", "there is no zone d of prod-eu as far as Salvor knows; there are a, b, c"},
		{KindNode, "w1", "there is no node w1 of prod-eu as far as Salvor knows; there are a0, a1, a2, a3, b0, b1, b2, b3 and 4 more"},
		{KindRegion, "eu", "there is no region eu of prod-eu as far as Salvor knows; there are eu-west-1"},
		{KindData, "shp", "there is no namespace shp of prod-eu as far as Salvor knows; there are shop"},
		{KindSecurity, "pod/shp/web-1", "there is no namespace shp of prod-eu as far as Salvor knows; there are shop"},
		{KindConfig, "deployment/shop/wbe", "there is no deployment shop/wbe of prod-eu as far as Salvor knows; there are Deployment/shop/web"},
		{KindConfig, "daemonset/shop/web", "there is no daemonset shop/web of prod-eu as far as Salvor knows"},
	} {
		anchor, err := ReadAnchor(c.kind, c.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := people.Find(s.view, "prod-eu", c.kind, anchor); err == nil || err.Error() != c.want {
			t.Errorf("%s %s: %v", c.kind, c.name, err)
		}
	}
	if anchor, _, err := people.Find(s.view, "prod-us", KindRegion, Anchor{Kind: "region"}); err != nil || anchor.Name != "prod-us" {
		t.Errorf("the region of a cluster that was never heard of: %v, %v", anchor, err)
	}
}

// FuzzDeclared holds that no event of a declaration harms the view or the classifiers.
func FuzzDeclared(f *testing.F) {
	f.Add([]byte(`{"kind":"zone","anchor":"zone","name":"a","by":"alice","reason":"x","until":"2026-11-23T00:00:00Z"}`))
	f.Add([]byte(`{"kind":"config","anchor":"deployment","name":"x","until":"2026-11-23T00:00:00Z"}`))
	f.Add([]byte(`{"kind":"security","anchor":"","name":"////","until":"9999-11-23T00:00:00Z"}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		s := newStory(t)
		s.fleet(2, "a")
		ev := events.Recorded{Event: events.Event{ID: "d", Type: events.TypeDeclared, Cluster: "prod-eu", Entity: "x", Data: payload}, Seq: s.seq + 1, At: s.at}
		if err := s.view.Fold(ev); err != nil && !events.IsPermanent(err) {
			t.Errorf("fold: %v", err)
		}
		for _, found := range s.found() {
			if found.Anchor.Name == "" || found.Sentence == "" {
				t.Errorf("found %+v", found)
			}
		}
	})
}
