package runbooks

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/all"
	"github.com/salvor-io/salvor/responders/node"
	"github.com/salvor-io/salvor/responders/responderstest"
)

var (
	env  = responders.Env{Cluster: "east", Incident: "inc-1", Plan: "old", Now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}
	dead = classifiers.Fault{Kind: classifiers.KindNode, Cluster: "east", Anchor: classifiers.Anchor{Kind: "node", Name: "w7", UID: "u7"},
		Scope: classifiers.Scope{Nodes: []string{"w7"}, Zones: []string{"a"}}}
)

// world is a cluster with a silent node and the catalogue that reaches it.
func world(t *testing.T, powered bool) responders.Catalog {
	owner := []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "gone", UID: "g", Controller: new(true)}}
	clusters, tape, _ := responderstest.InMemory(t, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "w7", UID: "u7"}},
		&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", OwnerReferences: owner}, Spec: corev1.PodSpec{NodeName: "w7"}})
	options := all.Options{Clusters: clusters}
	if powered {
		options.Power = map[string]node.Power{"east": &responderstest.Machine{Tape: tape, Down: map[string]bool{}}}
	}
	catalog, err := all.Catalog(options)
	if err != nil {
		t.Fatal(err)
	}
	return catalog
}

func shippedRunbook(t *testing.T, catalog responders.Catalog, name string) Runbook {
	set, err := Load(catalog, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, _ := set.Lookup(name)
	return r
}

func TestResolveMakesAPlan(t *testing.T) {
	catalog := world(t, true)
	runbook := shippedRunbook(t, catalog, "node-failure")
	plan, err := Resolve(t.Context(), runbook, dead, env, catalog)
	if err != nil {
		t.Fatal(err)
	}
	type line struct {
		Name, Responder string
		Class           policies.Class
		Targets         string
		DeadlineS       float64
		Nothing         bool
	}
	var got []line
	for _, s := range plan.Steps {
		var targets []string
		for _, target := range s.Change.Targets {
			targets = append(targets, target.String()+" "+target.UID)
		}
		got = append(got, line{s.Name, s.Change.Responder, s.Change.Class, strings.Join(targets, ","), s.DeadlineS, s.Change.Nothing})
	}
	want := []line{
		{"cordon", "node.cordon", policies.Reversible, "node/w7 u7", 30, false},
		{"displace", "workload.displace", policies.Disruptive, "pod/shop/web uid-pod-shop-web", 60, false},
		{"fence", "node.fence", policies.Disruptive, "node/w7 u7", 120, false},
		{"release", "node.release", policies.Disruptive, "node/w7 u7", 300, false},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	check := plan.Checks[0]
	if check.SettleS != 15 || check.DeadlineS != 300 || check.Change.Responder != "workload.available" || !check.Change.Nothing {
		t.Errorf("the check is %+v", check)
	}
	if plan.Class() != policies.Disruptive || plan.Cluster != "east" || plan.Runbook != "node-failure" || plan.Digest == "" {
		t.Errorf("the plan is %+v", plan)
	}
	later := env
	later.Now = later.Now.Add(time.Hour)
	again, err := Resolve(t.Context(), runbook, dead, later, catalog)
	if err != nil || again.Digest != plan.Digest {
		t.Errorf("the same world makes plan %s, then %s, error %v", plan.Digest, again.Digest, err)
	}
}

// Without proof the whole plan is for people, and the one that needs none is still there.
func TestTheLadderWithoutProof(t *testing.T) {
	catalog := world(t, false)
	for name, want := range map[string]policies.Class{"node-failure": policies.Destructive, "node-displace": policies.Disruptive} {
		plan, err := Resolve(t.Context(), shippedRunbook(t, catalog, name), dead, env, catalog)
		if err != nil || plan.Class() != want {
			t.Errorf("%s is %s, want %s, error %v", name, plan.Class(), want, err)
		}
	}
}

func TestResolveUndo(t *testing.T) {
	catalog := world(t, false)
	runbook := shippedRunbook(t, catalog, "node-failure")
	plan, err := ResolveUndo(t.Context(), runbook, dead, env, catalog)
	if err != nil || plan.Runbook != "node-failure/undo" || len(plan.Steps) != 1 || !plan.Steps[0].Change.Nothing || plan.Checks == nil {
		t.Errorf("the plan is %+v, error %v", plan, err)
	}
	runbook.Undo = nil
	if _, err := ResolveUndo(t.Context(), runbook, dead, env, catalog); err == nil {
		t.Error("a runbook without undo was undone")
	}
}

func TestResolveRefusesWhatIsNotThere(t *testing.T) {
	catalog := world(t, true)
	runbook := shippedRunbook(t, catalog, "node-failure")
	for says, edit := range map[string]func(*classifiers.Fault){
		`argument "nodes": resolve ${fault.nodes}: it is empty`: func(f *classifiers.Fault) { f.Scope.Nodes = nil },
		"read node w8": func(f *classifiers.Fault) { f.Scope.Nodes = []string{"w7", "w8"} },
		"no wildcards": func(f *classifiers.Fault) { f.Scope.Nodes = []string{"*"} },
	} {
		fault := dead
		edit(&fault)
		if plan, err := Resolve(t.Context(), runbook, fault, env, catalog); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("the plan is %+v, error %v, want %s", plan, err, says)
		}
	}
}

func TestPathsLeadToFacts(t *testing.T) {
	want := map[string]any{"fault.nodes": []string{"w7"}, "fault.zones": []string{"a"}, "fault.zone": "a", "fault.cluster": "east",
		"fault.anchor": "w7", "incident.id": "inc-1",
		"fault.namespace": "shop", "fault.namespaces": []string{"shop"}, "fault.claims": []string{"data"}, "fault.object": "data",
		"fault.configMaps": []string{"settings"}, "fault.secrets": []string{"key"}}
	all := dead
	all.Scope.Namespaces, all.Scope.Objects = []string{"shop"}, []string{"PersistentVolumeClaim/shop/data"}
	got := map[string]any{}
	for path := range facts() {
		about := all
		switch path { // about what else it may be
		case "fault.configMaps":
			about.Scope.Objects = []string{"Deployment/shop/web", "ConfigMap/shop/settings"}
		case "fault.secrets":
			about.Scope.Objects = []string{"Deployment/shop/web", "Secret/shop/key", "Secret/pay/other"}
		}
		value, err := Value{path: path}.resolve(about, env)
		if err != nil {
			t.Error(err)
		}
		got[path] = value
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	two := dead
	two.Scope.Zones = []string{"a", "b"}
	if _, err := (Value{path: "fault.zone"}).resolve(two, env); err == nil {
		t.Error("two zones were taken for one")
	}
}

// TestOnlyWhatIsWhollyKnownIsNamed: what may be a part of what is lost is not what is brought back.
func TestOnlyWhatIsWhollyKnownIsNamed(t *testing.T) {
	shop := func(objects ...string) classifiers.Scope {
		return classifiers.Scope{Namespaces: []string{"shop"}, Objects: objects}
	}
	many := make([]string, classifiers.MaxObjects)
	for name, c := range map[string]struct {
		path  string
		scope classifiers.Scope
		want  string
	}{
		"two namespaces":          {"fault.namespace", classifiers.Scope{Namespaces: []string{"a", "b"}}, "the fault reaches 2 namespaces, not one"},
		"claims of two":           {"fault.claims", classifiers.Scope{Namespaces: []string{"a", "b"}}, "the fault reaches 2 namespaces, not one"},
		"no claims":               {"fault.claims", shop("ConfigMap/shop/a"), "it is empty"},
		"claims of somebody else": {"fault.claims", shop("PersistentVolumeClaim/shop-2/a"), "it is empty"},
		"very many claims":        {"fault.claims", shop(many...), "the fault reaches 200 objects or more"},
		"very many namespaces":    {"fault.namespaces", classifiers.Scope{Namespaces: many, Objects: many}, "the fault reaches 200 objects or more"},
		"two objects":             {"fault.object", shop("ConfigMap/shop/a", "ConfigMap/shop/b"), "the fault is about 2 objects, not one"},
	} {
		fault := dead
		fault.Scope = c.scope
		if _, err := (Value{path: c.path}).resolve(fault, env); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %s", name, err, c.want)
		}
	}
}

// spy is a responder that keeps what it was asked with.
type spy struct {
	responders.Responder
	asked chan responders.Env
}

func (s spy) Spec() responders.Spec { return responders.Spec{Name: "a.spy"} }

func (s spy) Preview(_ context.Context, env responders.Env, _ responders.Args) (responders.Change, error) {
	s.asked <- env
	return responders.Change{}, nil
}

func TestPreviewsKnowTheirStepAndNoPlan(t *testing.T) {
	asked := make(chan responders.Env, 1)
	catalog, err := responders.NewCatalog(spy{asked: asked})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Resolve(t.Context(), Runbook{Name: "r", Steps: []Step{{Name: "look", Use: "a.spy"}}}, dead, env, catalog); err != nil {
		t.Fatal(err)
	}
	want := env
	want.Step, want.Plan = "look", ""
	if diff := cmp.Diff(want, <-asked); diff != "" {
		t.Error(diff)
	}
}

// TestOnlyWhatWasPromised: a runbook that says so is for namespaces that were promised something, all of them.
func TestOnlyWhatWasPromised(t *testing.T) {
	runbook := Runbook{Name: "mine", Promised: true}
	promised := env
	promised.Promises = []responders.Promise{{Namespaces: []string{"shop*"}, Tier: 1}}
	for _, c := range []struct {
		namespaces []string
		want       string
	}{
		{[]string{"shop", "shop-2"}, ""}, {[]string{"shop", "wiki"}, "nothing was promised of namespace wiki"}, {nil, "the fault reaches no namespace"},
	} {
		_, err := Resolve(t.Context(), runbook, classifiers.Fault{Scope: classifiers.Scope{Namespaces: c.namespaces}}, promised, responders.Catalog{})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v: error %v, want %q", c.namespaces, err, c.want)
		}
	}
	runbook.Promised = false
	if _, err := Resolve(t.Context(), runbook, classifiers.Fault{}, promised, responders.Catalog{}); err != nil {
		t.Errorf("one that does not say so: %v", err)
	}
}
