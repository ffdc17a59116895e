package velero

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/responderstest"
)

func stamp(text string) metav1.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return metav1.NewTime(at)
}

// good is a backup of namespace shop that serves.
const good = `
apiVersion: velero.io/v1
kind: Backup
metadata: {name: good, namespace: velero, uid: good, creationTimestamp: "2026-03-02T01:59:59Z", labels: {salvor.io/cluster: east}}
spec: {includedNamespaces: [shop], storageLocation: default}
status:
  phase: Completed
  startTimestamp: "2026-03-02T02:00:00Z"
  completionTimestamp: "2026-03-02T02:05:00Z"
  expiration: "2026-03-09T02:00:00Z"
  progress: {itemsBackedUp: 40, totalItems: 40}
  csiVolumeSnapshotsAttempted: 2
  csiVolumeSnapshotsCompleted: 2`

const (
	laterClass = `{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: later}, provisioner: x, volumeBindingMode: WaitForFirstConsumer}`
	coldVolume = `{apiVersion: v1, kind: PersistentVolume, metadata: {name: pv-cold}, spec: {capacity: {storage: 1Gi}}}`
	shopSpace  = `{apiVersion: v1, kind: Namespace, metadata: {name: shop, uid: shop, creationTimestamp: "2026-01-01T00:00:00Z"}}`
)

// stage is a cluster with Velero.
type stage struct {
	*velero
	server   *responderstest.Server
	clusters responderstest.Clusters
	tape     *responderstest.Tape
}

func set(t *testing.T, objects ...string) *stage {
	t.Helper()
	v := newVelero(t)
	v.documents["BackupResourceList/good"] = holdings
	server, err := responderstest.NewServer(parse(t, append(append(kinds(), v.place(), laterClass, coldVolume), objects...)...)...)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{velero: v, server: server}
	server.Play(v.play)
	server.Play(endMovers)
	s.clusters, s.tape, _ = server.Clients(t)
	return s
}

func (s *stage) world(r func(Clusters) responders.Responder) *responderstest.World {
	return &responderstest.World{Responder: r(s.clusters), Env: env, Tape: s.tape}
}

func restore(c Clusters) responders.Responder { return NewRestore(c) }

// begun is a restore of an earlier plan with which Velero has not begun.
func begun(phase string) string {
	return `{apiVersion: velero.io/v1, kind: Restore, metadata: {name: ignored, namespace: velero, uid: ignored, creationTimestamp: "2026-03-02T02:50:00Z", labels: {salvor.io/work: ` +
		workOf(env) + `}}, spec: {backupName: good}, status: {phase: ` + phase + `}}`
}

// runsOn is a data mover of the restore that was begun.
const runsOn = `{apiVersion: velero.io/v2alpha1, kind: DataDownload, metadata: {name: mover, namespace: velero, uid: mover, labels: {velero.io/restore-name: ignored}},
  spec: {cancel: false}, status: {phase: InProgress}}`

func TestRestoreSuite(t *testing.T) {
	t.Parallel()
	shop := []string{"shop"}
	of := func(name string, args responders.Args, objects ...string) responderstest.Case {
		return responderstest.Case{Name: name, Args: args, World: func(t *testing.T) *responderstest.World { return set(t, objects...).world(restore) }}
	}
	again := of("brought back already", responders.Args{"namespaces": shop}, good, shopSpace)
	again.World = func(t *testing.T) *responderstest.World {
		s := set(t, good)
		w := s.world(restore)
		change := s.preview(t, w.Responder, responders.Args{"namespaces": shop})
		if err := w.Responder.Apply(consented(t), w.Env, change); err != nil {
			t.Fatal(err)
		}
		fresh, tape, _ := s.server.Clients(t)
		w.Responder, w.Tape = NewRestore(fresh), tape
		w.Env.Plan = "a later one"
		return w
	}
	responderstest.Run(t,
		of("a namespace that is gone", responders.Args{"namespaces": shop}, good),
		of("whole", responders.Args{}, good),
		of("beside what is there", responders.Args{"namespaces": shop, "mapping": "shop=shop-check", "modifiers": "deployments.apps: replace /spec/replicas 1",
			"excludeResources": []string{"secrets"}, "volumes": true, "preserveNodePorts": true, "clusterResources": false}, good, shopSpace),
		of("by labels", responders.Args{"namespaces": shop, "mapping": "shop=shop-check", "selector": "app=web"}, good, shopSpace),
		of("over what is there", responders.Args{"namespaces": shop, "existing": "update", "resources": []string{"deployments.apps", "configmaps"}}, good, shopSpace),
		of("after one that Velero has not begun with", responders.Args{"namespaces": shop}, good, begun("New")),
		of("after one whose data mover runs on", responders.Args{"namespaces": shop}, good, begun("PartiallyFailed"), runsOn),
		again,
		responderstest.Case{Name: "one that does not end in time", Args: responders.Args{"namespaces": shop}, Fails: "; 1 of its data movers had not ended and were told to stop",
			World: inWorld(restore, func(s *stage) { s.phase, s.moving = "WaitingForPluginOperations", true }, good)},
	)
}

func consented(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return responders.WithGuard(ctx, func(context.Context) error { return nil })
}

func (s *stage) preview(t *testing.T, r responders.Responder, args responders.Args) responders.Change {
	t.Helper()
	change, err := r.Preview(t.Context(), env, args)
	if err != nil {
		t.Fatalf("Preview: %v", err)
	}
	return change
}

func (s *stage) own(t *testing.T) dynamic.Interface {
	t.Helper()
	client, err := dynamic.NewForConfig(s.server.Config())
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestRestorePreview(t *testing.T) {
	older := strings.NewReplacer("name: good", "name: older", "uid: good", "uid: older", "2026-03-02T0", "2026-03-01T0").Replace(good)
	failed := strings.NewReplacer("name: good", "name: failed", "T02:0", "T02:3", "phase: Completed", "phase: Failed").Replace(good)
	s := set(t, good, older, failed, shopSpace)
	change := s.preview(t, NewRestore(s.clusters), responders.Args{"namespaces": []string{"shop"}, "existing": "update", "modifiers": "deployments.apps: replace /spec/replicas 1"})
	change.Detail = nil
	want := responders.Change{Responder: "velero.restore", Class: policies.Destructive, DurationS: 30 + 4 + 120, DataLoss: "all writes after 02:00 UTC: 62 min",
		Targets:  []policies.Target{{Kind: "Backup", Namespace: "velero", Name: "good", UID: "good"}, {Kind: "Namespace", Namespace: "shop", Name: "shop", UID: "shop"}},
		Will:     []string{"namespace shop comes back from backup good of 2026-03-02 02:00 UTC", "objects are changed on the way by 1 rules", "objects that are there are overwritten"},
		Point:    &responders.RecoveryPoint{Kind: "Backup", Namespace: "velero", Name: "good", UID: "good", At: time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC)},
		Warnings: []string{"what the backup holds overwrites what is in namespace shop now"},
		Facts: []responders.Fact{{Label: "Other backups", Count: 1, Lines: []string{"older: 2026-03-01 02:00 UTC"}},
			{Label: "Newer backups that do not serve", Count: 1, Lines: []string{"failed: it is Failed"}}},
		Command: "velero restore create -n velero --from-backup good --include-namespaces shop --existing-resource-policy update --resource-modifier-configmap <its rules> --wait"}
	if diff := cmp.Diff(want, change); diff != "" {
		t.Errorf("change (-want +got):\n%s", diff)
	}
}

func TestRestoreIsRefused(t *testing.T) {
	shop := responders.Args{"namespaces": []string{"shop"}}
	with := func(key string, value any) responders.Args {
		return responders.Args{"namespaces": []string{"shop"}, key: value}
	}
	change := func(old, with string) string { return strings.ReplaceAll(good, old, with) }
	for name, c := range map[string]struct {
		args    responders.Args
		objects []string
		says    string
	}{
		"no backup":             {shop, nil, "no backup can be restored: there is none"},
		"expired":               {shop, []string{change("2026-03-09", "2026-03-01")}, "it expired at 1 Mar 02:00 UTC"},
		"of another cluster":    {shop, []string{change("cluster: east", "cluster: west")}, "it is of cluster west"},
		"another namespace":     {responders.Args{"namespaces": []string{"pay"}}, []string{good}, "namespace pay is not in it"},
		"unknown backup":        {with("backup", "x"), []string{good}, "there is no backup of that name; these can be: good"},
		"a location that fails": {shop, []string{change("storageLocation: default", "storageLocation: gone")}, "its storage location gone cannot be read: it is not there"},
		"existing namespace":    {shop, []string{good, shopSpace}, "restore into namespace shop: it is there"},
		"existing mapped one":   {with("mapping", "shop=pay"), []string{good, strings.ReplaceAll(shopSpace, "shop", "pay")}, "restore into namespace pay: it is there"},
		"leaving namespace":     {with("existing", "none"), []string{good, strings.Replace(shopSpace, "uid: shop", `deletionTimestamp: "2026-03-02T03:00:00Z", finalizers: [x]`, 1)}, "it is being deleted"},
		"bad policy":            {with("existing", "all"), []string{good}, `"all" is neither none nor update`},
		"bad mapping":           {with("mapping", "shop:check"), []string{good}, "is not of the form"},
		"mapping of another":    {with("mapping", "pay=check"), []string{good}, "pay is not one of the namespaces"},
		"bad selector":          {with("selector", "a in"), []string{good}, "selector"},
		"bad modifier":          {with("modifiers", "deployments: replace /x 1"), []string{good}, "modifiers, line 1"},
		"another Velero":        {with("velero", "backup"), []string{good}, "there is no storage location of Velero in namespace backup; there are in velero"},
		"unverified":            {with("verified", true), []string{good}, "no drill or check has proved"},
		"in and out":            {responders.Args{"resources": []string{"secrets"}, "excludeResources": []string{"secrets"}}, []string{good}, "both in"},
	} {
		t.Run(name, func(t *testing.T) {
			s := set(t, c.objects...)
			if got, err := NewRestore(s.clusters).Preview(t.Context(), env, c.args); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%+v, %v, want %q", got, err, c.says)
			}
		})
	}
}

func TestVeleroThatIsNotThere(t *testing.T) {
	shop := responders.Args{"namespaces": []string{"shop"}, "modifiers": "deployments.apps: remove /spec/x"}
	for name, c := range map[string]struct {
		objects []string
		says    string
	}{
		"not installed": {nil, "Velero is not installed"},
		"too old":       {[]string{definition("restores", "Restore", "backupName"), place, good}, "this Velero is too old: restores know no resourceModifier; update it to 1.12"},
		"asleep":        {append(kinds(), strings.Replace(place, "03:00:00", "02:00:00", 1), good), "Velero does not run: it looked at its storage location default last at 2026-03-02 02:00 UTC"},
	} {
		server, err := responderstest.NewServer(parse(t, c.objects...)...)
		if err != nil {
			t.Fatal(err)
		}
		clusters, _, _ := server.Clients(t)
		if _, err := NewRestore(clusters).Preview(t.Context(), env, shop); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

// TestCompletedIsNotEnough has Velero call a restore completed that brought back too little.
func TestCompletedIsNotEnough(t *testing.T) {
	args := responders.Args{"namespaces": []string{"shop"}}
	for says, edit := range map[string]func(*stage){
		"configmap/shop/settings is not there": func(s *stage) { s.skips["configmap/settings"] = true },
		"deployment/shop/web has 1 of 2 replicas available": func(s *stage) {
			s.edit = func(o *unstructured.Unstructured) {
				if o.GetKind() == "Deployment" {
					o.Object["status"] = map[string]any{"availableReplicas": int64(1)}
				}
			}
		},
		"persistentvolumeclaim/shop/data is not bound": func(s *stage) {
			s.edit = func(o *unstructured.Unstructured) {
				if o.GetKind() == "PersistentVolumeClaim" {
					o.Object["spec"], o.Object["status"] = map[string]any{"storageClassName": "gone"}, map[string]any{"phase": "Pending"}
				}
			}
		},
		"persistentvolumeclaim/shop/data is not bound: its volume pv-1 is for claim pay/data with UID other; free it of that claim": func(s *stage) {
			s.edit = takenBy(`{apiVersion: v1, kind: PersistentVolume, metadata: {name: pv-1}, spec: {claimRef: {namespace: pay, name: data, uid: other}}}`, s)
		},
		"persistentvolumeclaim/shop/data is not bound: its volume pv-1 is not there": func(s *stage) { s.edit = takenBy("", s) },
		"the contents of 1 volumes are still being moved":                            func(s *stage) { s.moves("InProgress") },
		"volume of claim shop/data: the data mover dd-1 is Failed: no room":          func(s *stage) { s.moves("Failed") },
	} {
		s := set(t, good)
		edit(s)
		r := NewRestore(s.clusters)
		change := s.preview(t, r, args)
		if err := r.Apply(consented(t), env, change); err != nil {
			t.Fatalf("%s: Apply: %v", says, err)
		}
		found, err := r.Verify(t.Context(), env, change)
		if err != nil || found.Outcome != responders.OutcomePartly || !strings.Contains(strings.Join(found.Detail, "\n"), says) {
			t.Errorf("%s: %+v, %v", says, found, err)
		}
	}
}

// takenBy has the claim name a volume, which is another's.
func takenBy(volume string, s *stage) func(*unstructured.Unstructured) {
	s.server.Play(func(stage *responderstest.Stage) {
		if volume != "" && stage.One("", "persistentvolumes", "", "pv-1") == nil {
			o := &unstructured.Unstructured{}
			if err := yaml.Unmarshal([]byte(volume), &o.Object); err != nil {
				panic(err)
			}
			stage.Put(o)
		}
	})
	return func(o *unstructured.Unstructured) {
		if o.GetKind() == "PersistentVolumeClaim" {
			o.Object["spec"], o.Object["status"] = map[string]any{"storageClassName": "gone", "volumeName": "pv-1"}, map[string]any{"phase": "Pending"}
		}
	}
}

// TestClaimsThatAreThere restores into a namespace with a claim: it keeps its volume, which people are told before, and which is refused where they want
// its contents back.
func TestClaimsThatAreThere(t *testing.T) {
	claim := `{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, namespace: shop}, spec: {volumeName: pv-1}}`
	s := set(t, good, shopSpace, claim)
	args := responders.Args{"namespaces": []string{"shop"}, "existing": "none"}
	want := responders.Fact{Label: "Claims that keep what they hold", Count: 1, Lines: []string{"shop/data: it is there, with pv-1"}, Grave: true}
	if got := s.preview(t, NewRestore(s.clusters), args).Facts; len(got) != 1 || !cmp.Equal(got[0], want) {
		t.Errorf("facts %+v", got)
	}
	args["volumes"] = true
	if _, err := NewRestore(s.clusters).Preview(t.Context(), env, args); err == nil || !strings.Contains(err.Error(), "keeps the volume that it has: shop/data") {
		t.Errorf("with volumes: %v", err)
	}
	args["volumes"] = false
	if got := s.preview(t, NewRestore(s.clusters), args).Facts; len(got) != 0 {
		t.Errorf("facts without volumes %+v", got)
	}
}

// TestAnotherTryIsAnotherPlan fails a restore before its namespace is made: the plan to try again makes a Restore of another name.
func TestAnotherTryIsAnotherPlan(t *testing.T) {
	s := set(t, good)
	args := responders.Args{"namespaces": []string{"shop"}}
	first := s.preview(t, NewRestore(s.clusters), args)
	s = set(t, good, begun("Failed"))
	again := s.preview(t, NewRestore(s.clusters), args)
	if string(first.Detail) == string(again.Detail) {
		t.Errorf("the plan to try again is the same: %s", again.Detail)
	}
}

// moves lets each restore have a data mover in that phase.
func (s *stage) moves(phase string) {
	s.server.Play(func(stage *responderstest.Stage) {
		for _, r := range stage.All(group, "restores") {
			if stage.One(group, "datadownloads", "velero", "dd-1") == nil {
				o := thing("velero.io/v2alpha1", "DataDownload", "velero", "dd-1")
				o.SetLabels(map[string]string{restoreLabel: r.GetName()})
				o.Object["spec"] = map[string]any{"targetVolume": map[string]any{"namespace": "shop", "pvc": "data"}}
				o.Object["status"] = map[string]any{"phase": phase, "message": "no room"}
				stage.Put(o)
			}
		}
	})
}

func TestRestoresThatFail(t *testing.T) {
	args := responders.Args{"namespaces": []string{"shop"}}
	for phase, says := range map[string]string{
		"PartiallyFailed": "is incomplete, with 1 errors: shop: deployments.apps/web: admission webhook denied",
		"Failed":          "failed", "FailedValidation": "Velero refuses it",
	} {
		s := set(t, good)
		s.phase, s.errors = phase, 1
		r := NewRestore(s.clusters)
		change := s.preview(t, r, args)
		for range 2 { // who goes on with it after a death says the same
			if err := r.Apply(consented(t), env, change); err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v, want %q", phase, err, says)
			}
		}
		found, err := r.Verify(t.Context(), env, change)
		if err != nil || found.Outcome == responders.OutcomeVerified {
			t.Errorf("%s: verified as %+v, %v", phase, found, err)
		}
	}
}

// TestVeleroThatDoesNothing has Velero leave a restore as it is: it is taken back, so that nobody is surprised by it later.
func TestVeleroThatDoesNothing(t *testing.T) {
	s := set(t, good)
	s.ignores = func(string) bool { return true }
	r := NewRestore(s.clusters)
	change := s.preview(t, r, responders.Args{"namespaces": []string{"shop"}})
	ctx, cancel := context.WithTimeout(consented(t), time.Second)
	defer cancel()
	if err := r.Apply(ctx, env, change); err == nil || !strings.Contains(err.Error(), "Velero does not run: it has not begun with restores") {
		t.Errorf("Apply: %v", err)
	}
	left, err := s.own(t).Resource(restores).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(left.Items) > 0 {
		t.Errorf("left are %v, %v", left, err)
	}
}

// TestOneOfThatName refuses a Restore of the step's name that was made otherwise.
func TestOneOfThatName(t *testing.T) {
	s := set(t, good, `{apiVersion: velero.io/v1, kind: Restore, metadata: {name: `+nameFor(env)+`, namespace: velero}, spec: {backupName: other}, status: {phase: Completed}}`)
	r := NewRestore(s.clusters)
	change := s.preview(t, r, responders.Args{"namespaces": []string{"shop"}})
	if err := r.Apply(consented(t), env, change); err == nil || !strings.Contains(err.Error(), "another one of that name") {
		t.Errorf("Apply: %v", err)
	}
}

// TestTheWorldHasMoved makes what the plan rests on untrue before it is carried out.
func TestTheWorldHasMoved(t *testing.T) {
	for says, move := range map[string]func(*responderstest.Stage){
		"it is gone": func(s *responderstest.Stage) {
			if o := s.One(group, "backups", "velero", "good"); o != nil {
				s.Drop(o)
			}
		},
		"another one has its name": func(s *responderstest.Stage) {
			if o := s.One(group, "backups", "velero", "good"); o.GetUID() == "good" {
				o.SetUID("other")
				s.Put(o)
			}
		},
		"it was made since": func(s *responderstest.Stage) {
			if s.One("", "namespaces", "", "shop") == nil {
				s.Put(thing("v1", "Namespace", "", "shop"))
			}
		},
	} {
		s := set(t, good)
		r := NewRestore(s.clusters)
		change := s.preview(t, r, responders.Args{"namespaces": []string{"shop"}})
		s.server.Play(move)
		if err := r.Apply(consented(t), env, change); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("Apply: %v, want %q", err, says)
		}
		made, err := s.own(t).Resource(restores).List(t.Context(), metav1.ListOptions{})
		if err != nil || len(made.Items) > 0 {
			t.Errorf("%s: made were %v, %v", says, made, err)
		}
	}
}

// TestAfterAnAttempt goes on where a restore of the incident failed on the way: the namespace that it made is not taken for one that was there.
func TestAfterAnAttempt(t *testing.T) {
	half := strings.Replace(shopSpace, "2026-01-01T00:00:00Z", "2026-03-02T02:50:05Z", 1)
	s := set(t, good, begun("Failed"), half)
	r := NewRestore(s.clusters)
	change := s.preview(t, r, responders.Args{"namespaces": []string{"shop"}})
	if change.Nothing || change.Class != policies.Disruptive || change.Targets[1].UID != "shop" {
		t.Errorf("change %+v", change)
	}
	later := strings.Replace(shopSpace, "2026-01-01T00:00:00Z", "2026-03-02T03:00:00Z", 1)
	s = set(t, good, begun(`Failed, completionTimestamp: "2026-03-02T02:51:00Z"`), later)
	if _, err := NewRestore(s.clusters).Preview(t.Context(), env, responders.Args{"namespaces": []string{"shop"}}); err == nil {
		t.Error("restored into a namespace that somebody made after the attempt")
	}
	s = set(t, good, begun("Failed"), shopSpace)
	if _, err := NewRestore(s.clusters).Preview(t.Context(), env, responders.Args{"namespaces": []string{"shop"}}); err == nil {
		t.Error("restored into a namespace that was there before")
	}
}

// TestWhereDocumentsAreRead leads Salvor to another host than that of the storage location.
func TestWhereDocumentsAreRead(t *testing.T) {
	s := set(t, good)
	s.server.Play(func(stage *responderstest.Stage) {
		for _, o := range stage.All(group, "downloadrequests") {
			if at, _, _ := unstructured.NestedString(o.Object, "status", "downloadURL"); !strings.Contains(at, "169.254") {
				o.Object["status"] = map[string]any{"downloadURL": "http://169.254.169.254/latest"}
				stage.Put(o)
			}
		}
	})
	r := NewRestore(s.clusters)
	change := s.preview(t, r, responders.Args{"namespaces": []string{"shop"}})
	if err := r.Apply(consented(t), env, change); err == nil || !strings.Contains(err.Error(), "is not one of the storage location") {
		t.Errorf("Apply: %v", err)
	}
}

// TestGoneAgain: what was brought back and is gone again is not taken for brought back, in the same incident and in one that has the same name, as
// after Salvor has lost its records.
func TestGoneAgain(t *testing.T) {
	args := responders.Args{"namespaces": []string{"shop"}}
	s := set(t, good)
	r, first, second := NewRestore(s.clusters), env, env
	first.Plan, second.Plan = "first", "second"
	if err := r.Apply(consented(t), first, s.preview(t, r, args)); err != nil {
		t.Fatal(err)
	}
	if change := s.preview(t, r, args); !change.Nothing {
		t.Fatalf("what is there is to be brought back: %+v", change)
	}
	s.server.Play(func(stage *responderstest.Stage) {
		if shop := stage.One("", "namespaces", "", "shop"); shop != nil && len(stage.All(group, "restores")) == 1 {
			stage.Drop(shop)
		}
	})
	change := s.preview(t, r, args)
	if change.Nothing {
		t.Fatalf("what is gone again is to be left so: %+v", change.Will)
	}
	if err := r.Apply(consented(t), second, change); err != nil {
		t.Fatal(err)
	}
	if made, err := s.own(t).Resource(restores).List(t.Context(), metav1.ListOptions{}); err != nil || len(made.Items) != 2 {
		t.Errorf("there are %d restores, %v", len(made.Items), err)
	}

	half := strings.Replace(shopSpace, "2026-01-01T00:00:00Z", "2026-03-02T02:50:05Z", 1)
	s = set(t, good, begun(`Completed, completionTimestamp: "2026-03-02T02:51:00Z"`), half)
	later := env
	later.Broken = time.Date(2026, 3, 2, 2, 52, 0, 0, time.UTC)
	if _, err := NewRestore(s.clusters).Preview(t.Context(), later, args); err == nil || !strings.Contains(err.Error(), "restore into namespace shop: it is there") {
		t.Errorf("what was brought back before the fault is taken for brought back since: %v", err)
	}
}
