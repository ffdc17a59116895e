package velero

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/responderstest"
)

const hook = `pre selector=app=db container=db onError=Fail timeout=30s: ["sync", "-f", "/data"]`

func backup(c Clusters) responders.Responder   { return NewBackup(c) }
func schedule(c Clusters) responders.Responder { return NewSchedule(c) }
func freeze(c Clusters) responders.Responder   { return NewFreeze(c) }

func inWorld(r func(Clusters) responders.Responder, edit func(*stage), objects ...string) func(t *testing.T) *responderstest.World {
	return func(t *testing.T) *responderstest.World {
		s := set(t, objects...)
		edit(s)
		return s.world(r)
	}
}

func TestBackupSuite(t *testing.T) {
	t.Parallel()
	shop := responders.Args{"namespaces": []string{"shop"}}
	as := func(*stage) {}
	failing := func(s *stage) {
		s.phase, s.errors = "PartiallyFailed", 2
		s.documents["BackupResults/"+nameFor(env)] = map[string]outcomes{"errors": {Cluster: []string{"crd x: too large"}}}
	}
	responderstest.Run(t,
		responderstest.Case{Name: "a namespace", Args: shop, World: inWorld(backup, as, shopSpace)},
		responderstest.Case{Name: "everything", World: inWorld(backup, as, shopSpace),
			Args: responders.Args{"excludeNamespaces": []string{"scratch"}, "ttl": "72h", "moveData": true, "hooks": hook, "selector": "app=web"}},
		responderstest.Case{Name: "incomplete", Args: shop, World: inWorld(backup, failing, shopSpace),
			Fails: "backup " + nameFor(env) + " is incomplete, with 2 errors: crd x: too large"},
		responderstest.Case{Name: "ignored", Args: shop, World: inWorld(backup, func(s *stage) { s.ignores = func(string) bool { return true } }, shopSpace),
			Fails: "Velero does not run: it has not begun with backups"},
		responderstest.Case{Name: "one that does not end in time", Args: shop, World: inWorld(backup, func(s *stage) { s.phase, s.moving = "WaitingForPluginOperations", true }, shopSpace),
			Fails: "; 1 of its data movers had not ended and were told to stop"},
	)
}

const nightlyArgs = `{apiVersion: velero.io/v1, kind: Schedule, metadata: {name: nightly, namespace: velero, uid: nightly, labels: {LABELS}},
  spec: {schedule: "0 2 * * *", paused: false, template: {includedNamespaces: [shop], storageLocation: default, ttl: TTL, hooks: {}, metadata: {}}}, status: {phase: Enabled}}`

func TestScheduleSuite(t *testing.T) {
	t.Parallel()
	args := responders.Args{"name": "nightly", "cron": "0 2 * * *", "namespaces": []string{"shop"}, "ttl": "72h"}
	there := func(ttl, labels string) string {
		return strings.NewReplacer("TTL", ttl, "LABELS", labels).Replace(nightlyArgs)
	}
	as := func(*stage) {}
	responderstest.Run(t,
		responderstest.Case{Name: "new", Args: args, World: inWorld(schedule, as)},
		responderstest.Case{Name: "another's that is so", Args: args, World: inWorld(schedule, as, there("72h0m0s", ""))},
		responderstest.Case{Name: "ours that is not so", Args: args, World: inWorld(schedule, as, there("24h0m0s", `salvor.io/managed: "true"`))},
	)
	s := set(t, there("24h0m0s", ""))
	if _, err := NewSchedule(s.clusters).Preview(t.Context(), env, args); err == nil || !strings.Contains(err.Error(), "another one and not Salvor's") {
		t.Errorf("somebody else's schedule: %v", err)
	}
}

// TestScheduleAsWritten holds what Velero gets against what its types have.
func TestScheduleAsWritten(t *testing.T) {
	s := set(t)
	r := NewSchedule(s.clusters)
	change := s.preview(t, r, responders.Args{"name": "often", "cron": "@every 6h", "excludeNamespaces": []string{"scratch"}, "resources": []string{"deployments.apps"},
		"selector": "tier in (a,b)", "clusterResources": true, "volumes": true, "files": false, "snapshotLocations": []string{"disks"}, "hooks": hook})
	if err := r.Apply(consented(t), env, change); err != nil {
		t.Fatal(err)
	}
	made, err := s.own(t).Resource(schedules).Namespace("velero").Get(t.Context(), "often", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"schedule": "@every 6h", "template": map[string]any{"storageLocation": "default", "excludedNamespaces": []any{"scratch"},
		"includedResources": []any{"deployments.apps"}, "includeClusterResources": true, "snapshotVolumes": true, "defaultVolumesToFsBackup": false,
		"volumeSnapshotLocations": []any{"disks"}, "labelSelector": map[string]any{"matchExpressions": []any{map[string]any{"key": "tier", "operator": "In", "values": []any{"a", "b"}}}},
		"hooks": map[string]any{"resources": []any{map[string]any{"name": "hook-1", "labelSelector": map[string]any{"matchLabels": map[string]any{"app": "db"}},
			"pre": []any{map[string]any{"exec": map[string]any{"container": "db", "command": []any{"sync", "-f", "/data"}, "onError": "Fail", "timeout": "30s"}}}}}}}}
	if diff := cmp.Diff(want, made.Object["spec"]); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
	if labels := made.GetLabels(); labels[ClusterLabel] != "east" || labels[ManagedLabel] != "true" {
		t.Errorf("labels %v", labels)
	}
}

func TestFreezeSuite(t *testing.T) {
	t.Parallel()
	edit := func(spec, annotations string) func(*stage) {
		return func(s *stage) {
			s.server.Play(func(stage *responderstest.Stage) {
				if o := stage.One(group, "backupstoragelocations", "velero", "default"); o.GetUID() == "place" {
					o.SetUID("arranged")
					if spec != "" {
						_ = unstructured.SetNestedField(o.Object, spec, "spec", "accessMode")
					}
					if annotations != "" {
						o.SetAnnotations(map[string]string{FrozenAnnotation: annotations})
					}
					stage.Put(o)
				}
			})
		}
	}
	freezes, returns := responders.Args{"mode": "readOnly"}, responders.Args{"mode": "asBefore", "location": "default"}
	ours := `{"incident":"inc-1","was":""}`
	responderstest.Run(t,
		responderstest.Case{Name: "freeze", Args: freezes, World: inWorld(freeze, edit("", ""))},
		responderstest.Case{Name: "freeze what says that it is writable", Args: freezes, World: inWorld(freeze, edit("ReadWrite", ""))},
		responderstest.Case{Name: "freeze what is frozen", Args: freezes, World: inWorld(freeze, edit("ReadOnly", ""))},
		responderstest.Case{Name: "give back", Args: returns, World: inWorld(freeze, edit("ReadOnly", ours))},
		responderstest.Case{Name: "give back what says that it was writable", Args: returns, World: inWorld(freeze, edit("ReadOnly", `{"incident":"inc-1","was":"ReadWrite"}`))},
		responderstest.Case{Name: "give back what somebody has given back", Args: returns, World: inWorld(freeze, edit("ReadWrite", ours))},
		responderstest.Case{Name: "give back another's", Args: returns, World: inWorld(freeze, edit("ReadOnly", `{"incident":"inc-2","was":""}`))},
		responderstest.Case{Name: "give back what nobody froze", Args: returns, World: inWorld(freeze, edit("ReadOnly", "mine"))},
	)
}

func TestOthersAreRefused(t *testing.T) {
	shop := []string{"shop"}
	for name, c := range map[string]struct {
		make func(Clusters) responders.Responder
		args responders.Args
		says string
	}{
		"a cron that is none":    {schedule, responders.Args{"name": "n", "cron": "at two"}, "is not a time as cron has it"},
		"a name that is none":    {schedule, responders.Args{"name": "N", "cron": "@daily"}, "is not a name"},
		"a ttl of nothing":       {backup, responders.Args{"ttl": "0s"}, "is not a time for which"},
		"no such namespace":      {backup, responders.Args{"namespaces": []string{"gone"}}, "back up namespace gone: it is not there"},
		"no such location":       {backup, responders.Args{"location": "x"}, "there is no storage location x; there are default"},
		"an unknown mode":        {freeze, responders.Args{"mode": "off"}, `"off" is neither`},
		"a hook without command": {backup, responders.Args{"namespaces": shop, "hooks": "pre: []"}, "hooks, line 1"},
		"a hook by shell":        {backup, responders.Args{"namespaces": shop, "hooks": "pre: sync"}, "write it as in"},
		"a hook that may what":   {backup, responders.Args{"namespaces": shop, "hooks": `pre onError=Ignore: ["a"]`}, "onError is Fail or Continue"},
		"a hook with what":       {backup, responders.Args{"namespaces": shop, "hooks": `post when=now: ["a"]`}, "when is none of"},
	} {
		s := set(t, shopSpace)
		if got, err := c.make(s.clusters).Preview(t.Context(), env, c.args); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %+v, %v, want %q", name, got, err, c.says)
		}
	}
}

func TestMergeOf(t *testing.T) {
	was := map[string]any{"a": "1", "b": map[string]any{"x": true, "y": "2"}, "c": []any{}, "d": "0s", "e": map[string]any{"f": []any{}}, "g": "old"}
	is := map[string]any{"a": "1", "b": map[string]any{"x": false}, "h": []any{"new"}}
	want := map[string]any{"b": map[string]any{"x": false, "y": nil}, "g": nil, "h": []any{"new"}}
	if diff := cmp.Diff(want, mergeOf(was, is)); diff != "" {
		t.Errorf("patch (-want +got):\n%s", diff)
	}
}
