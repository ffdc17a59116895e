package velero

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/responderstest"
)

func back(c Clusters) responders.Responder { return NewNamespaceRestore(c) }

// promised is where shop and pay were promised something, pay to be there first.
func promised() responders.Env {
	e := env
	e.Promises = []responders.Promise{{Namespaces: []string{"shop"}, Tier: 3}, {Namespaces: []string{"pay"}, Tier: 1}}
	return e
}

var (
	both   = responders.Args{"namespaces": []string{"shop", "pay"}}
	paying = strings.ReplaceAll(good, "[shop]", "[shop, pay]")
)

const (
	argo = `{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: shop, namespace: argocd, uid: a}, spec: {destination: {namespace: shop, server: "https://kubernetes.default.svc"}}}`
	flux = `{apiVersion: kustomize.toolkit.fluxcd.io/v1, kind: Kustomization, metadata: {name: pay, namespace: flux-system, uid: k}, spec: {suspend: true}, status: {inventory: {entries: [{id: pay_web_apps_Deployment}]}}}`
	helm = `{apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: db, namespace: flux-system, uid: h}, spec: {suspend: true, targetNamespace: shop}}`
)

func TestNamespaceRestoreSuite(t *testing.T) {
	t.Parallel()
	of := func(name string, args responders.Args, objects ...string) responderstest.Case {
		return responderstest.Case{Name: name, Args: args, World: func(t *testing.T) *responderstest.World {
			w := set(t, objects...).world(back)
			w.Env = promised()
			return w
		}}
	}
	responderstest.Run(t,
		of("two in turns", both, paying, argo, flux, helm),
		of("after one that Velero has not begun with", both, paying, strings.Replace(begun("New"), workOf(env), workOf(partEnv(env, order{Namespaces: []string{"pay"}})), 1)),
		of("after one whose data mover runs on", both, paying, strings.Replace(begun("PartiallyFailed"), workOf(env), workOf(partEnv(env, order{Namespaces: []string{"pay"}})), 1), runsOn),
		of("one", responders.Args{"namespaces": []string{"shop"}}, good),
	)
}

func TestNamespacePreview(t *testing.T) {
	s := set(t, paying, flux)
	change, err := NewNamespaceRestore(s.clusters).Preview(t.Context(), promised(), both)
	if err != nil {
		t.Fatal(err)
	}
	change.Detail = nil
	resume := func(name string) string {
		return name + ": to have them run again: kubectl -n " + name + " get cronjobs -l salvor.io/suspended=true -o name | xargs -r -n 1 kubectl -n " + name + ` patch -p '{"spec":{"suspend":false}}'`
	}
	want := responders.Change{Responder: "namespace.restore", Class: policies.Disruptive, DurationS: 30 + 4 + 120, DataLoss: "all writes after 02:00 UTC: 62 min",
		Targets: []policies.Target{{Kind: "Backup", Namespace: "velero", Name: "good", UID: "good"}, {Kind: "Namespace", Namespace: "pay", Name: "pay", UID: "absent"},
			{Kind: "Namespace", Namespace: "shop", Name: "shop", UID: "absent"}},
		Will:  []string{"turn 1: from backup good of 2026-03-02 02:00 UTC comes back: pay", "turn 2: from backup good of 2026-03-02 02:00 UTC comes back: shop"},
		Point: &responders.RecoveryPoint{Kind: "Backup", Namespace: "velero", Name: "good", UID: "good", At: time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC)},
		Facts: []responders.Fact{{Label: "CronJobs come back suspended", Count: 2, Lines: []string{resume("pay"), resume("shop")}},
			{Label: "Made from Git", Count: 1, Lines: []string{"Kustomization flux-system/pay: rests, and makes what is in pay from Git when it is resumed"}},
			{Label: "When it is stopped", Lines: []string{"what Velero has begun cannot be called back: up to 2 namespaces still come back"}}},
		Command: "velero restore create -n velero --from-backup good --include-namespaces shop,pay --resource-modifier-configmap <its rules> --wait"}
	if diff := cmp.Diff(want, change); diff != "" {
		t.Errorf("change (-want +got):\n%s", diff)
	}
}

func TestNamespaceRestoreIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		objects []string
		args    responders.Args
		want    string
	}{
		"nobody promised":     {[]string{good}, responders.Args{"namespaces": []string{"wiki"}}, "restore namespace wiki: nothing in protection of salvor.yaml is about it"},
		"it is there":         {[]string{paying, shopSpace}, both, "restore into namespace shop: it is there"},
		"it is going":         {[]string{paying, strings.Replace(shopSpace, "uid: shop", `uid: shop, deletionTimestamp: "2026-03-02T03:00:00Z", finalizers: [x]`, 1)}, both, "restore into namespace shop: it is being deleted"},
		"one is in no backup": {[]string{good}, both, "no backup can be restored: good: namespace pay is not in it"},
		"Argo CD heals":       {[]string{paying, strings.Replace(argo, "spec: {", "spec: {syncPolicy: {automated: {selfHeal: true}}, ", 1)}, both, "Application argocd/shop syncs and heals by itself, and would undo what is restored; have it rest first: kubectl -n argocd patch application shop"},
		"Argo CD prunes":      {[]string{paying, strings.Replace(argo, "spec: {", "spec: {syncPolicy: {automated: {prune: true}}, ", 1)}, both, "restore namespace shop: Application argocd/shop syncs and prunes by itself"},
		"by what it made":     {[]string{paying, strings.Replace(argo, "spec: {destination: {namespace: shop, ", "status: {resources: [{namespace: pay}]}, spec: {syncPolicy: {automated: {prune: true}}, destination: {", 1)}, both, "restore namespace pay: Application argocd/shop"},
		"Flux applies":        {[]string{paying, strings.Replace(flux, "suspend: true", "suspend: false", 1)}, both, "have it rest first: flux suspend kustomization pay -n flux-system"},
		"Flux installs":       {[]string{paying, strings.Replace(helm, "suspend: true, ", "", 1)}, both, "have it rest first: flux suspend helmrelease db -n flux-system"},
	} {
		s := set(t, c.objects...)
		if change, err := NewNamespaceRestore(s.clusters).Preview(t.Context(), promised(), c.args); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %+v, error %v, want %s", name, change, err, c.want)
		}
	}
}

// TestOwnersThatRest or work elsewhere are in nobody's way.
func TestOwnersThatRest(t *testing.T) {
	for name, object := range map[string]string{
		"it does not sync":     argo,
		"it is off":            strings.Replace(argo, "spec: {", "spec: {syncPolicy: {automated: {enabled: false, prune: true}}, ", 1),
		"it syncs, no more":    strings.Replace(argo, "spec: {", "spec: {syncPolicy: {automated: {}}, ", 1),
		"it is of a neighbour": strings.NewReplacer("namespace: shop", "namespace: wiki", "spec: {", "spec: {syncPolicy: {automated: {prune: true}}, ").Replace(argo),
		"in another cluster":   strings.NewReplacer("https://kubernetes.default.svc", "https://west", "spec: {", "spec: {syncPolicy: {automated: {prune: true}}, ").Replace(argo),
		"Flux elsewhere":       strings.Replace(helm, "suspend: true, ", "kubeConfig: {secretRef: {name: west}}, ", 1),
	} {
		s := set(t, paying, object)
		if _, err := NewNamespaceRestore(s.clusters).Preview(t.Context(), promised(), both); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// planned is the restore of both namespaces, as it was promised and planned.
func (s *stage) planned(t *testing.T) (*NamespaceRestore, responders.Env, responders.Change) {
	t.Helper()
	n, e := NewNamespaceRestore(s.clusters), promised()
	change, err := n.Preview(t.Context(), e, both)
	if err != nil {
		t.Fatal(err)
	}
	return n, e, change
}

// TestTurns: what is to be there first is there first, each namespace by a Restore of its own, and CronJobs are told to rest.
func TestTurns(t *testing.T) {
	s := set(t, paying)
	n, e, change := s.planned(t)
	e.Plan = "plan"
	var told []string
	ctx := responders.WithProgress(consented(t), func(done, of int, what string) {
		if !strings.Contains(what, ";") {
			told = append(told, strings.Repeat("x", done)+" "+what)
		}
	})
	if err := n.Apply(ctx, e, change); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"x namespaces restored", "xx namespaces restored"}, told); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
	list, err := s.own(t).Resource(restores).Namespace("velero").List(t.Context(), metav1.ListOptions{})
	if err != nil || len(list.Items) != 2 {
		t.Fatalf("%d restores, %v", len(list.Items), err)
	}
	for _, o := range list.Items {
		rules, _, _ := unstructured.NestedString(o.Object, "spec", "resourceModifier", "name")
		kept, err := s.own(t).Resource(configMaps).Namespace("velero").Get(t.Context(), rules, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if text, _, _ := unstructured.NestedString(kept.Object, "data", "modifiers.yaml"); text != suspending {
			t.Errorf("%s is told %q", o.GetName(), text)
		}
	}
	if found, err := n.Verify(t.Context(), e, change); err != nil || found.Outcome != responders.OutcomeVerified {
		t.Errorf("found %+v, %v", found, err)
	}
}

// TestOneThatDoesNotComeBackHoldsNoOther: the others come back, and what is not there is told.
func TestOneThatDoesNotComeBackHoldsNoOther(t *testing.T) {
	s := set(t, paying)
	n, e, change := s.planned(t)
	s.skips["deployment/web"] = true
	e.Plan = "plan"
	if err := n.Apply(consented(t), e, change); err != nil {
		t.Fatal(err)
	}
	found, err := n.Verify(t.Context(), e, change)
	if want := []string{"deployment/pay/web is not there", "deployment/shop/web is not there"}; err != nil || found.Outcome != responders.OutcomePartly || !cmp.Equal(want, found.Detail) {
		t.Errorf("found %+v, %v", found, err)
	}
	s.phase, s.errors, e.Plan = "PartiallyFailed", 1, "later"
	if err := n.Apply(consented(t), e, change); err == nil || strings.Count(err.Error(), "namespace ") < 2 {
		t.Errorf("error %v", err)
	}
}

// TestAStopEndsTheProcession: no turn begins that nobody vouches for.
func TestAStopEndsTheProcession(t *testing.T) {
	s := set(t, paying)
	n, e, change := s.planned(t)
	stopped := errors.New("a person has stopped the plan")
	ctx := responders.WithGuard(consented(t), func(context.Context) error {
		if s.server != nil && len(s.restores(t)) > 0 {
			return stopped
		}
		return nil
	})
	if err := n.Apply(ctx, e, change); !errors.Is(err, stopped) {
		t.Errorf("error %v", err)
	}
	if all := s.restores(t); len(all) != 1 {
		t.Errorf("%d restores were made", len(all))
	}
}

func (s *stage) restores(t *testing.T) []unstructured.Unstructured {
	list, err := s.own(t).Resource(restores).Namespace("velero").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// TestWhatIsStuckIsNamed: what has not changed for long is told as that.
func TestWhatIsStuckIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProcession(homecoming{Turns: [][]order{{{Namespaces: []string{"shop"}}}}}, world{}, env)
		last := ""
		ctx := p.listening(responders.WithProgress(t.Context(), func(_, _ int, what string) { last = what }), "shop")
		for _, c := range []struct {
			after time.Duration
			done  int
			want  string
		}{{0, 1, ""}, {4 * time.Minute, 1, ""}, {3 * time.Minute, 1, ", unchanged for 7m0s"}, {time.Second, 2, ""}} {
			time.Sleep(c.after)
			responders.Progress(ctx, c.done, 9, "items restored")
			if want := "namespaces restored; shop: " + string(rune('0'+c.done)) + " of 9 items restored" + c.want; last != want {
				t.Errorf("told %q, want %q", last, want)
			}
		}
	})
}
