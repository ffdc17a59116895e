package restores

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/salvor-io/salvor/responders"
)

// TestRestore brings one backup back in every way there is, each time into a namespace of its own, and looks at all that came of it.
func TestRestore(t *testing.T) {
	a, _ := clusters(t)
	t.Parallel()
	a.openShop(t, "base")
	base := a.look(t, "base")
	backup := a.backsUp(t, responders.Args{"namespaces": []string{"base"}})
	a.write(t, "base", "data", "a later order")
	into := func(namespace string, more responders.Args) responders.Args {
		args := responders.Args{"namespaces": []string{"base"}, "backup": backup, "mapping": "base=" + namespace}
		maps.Copy(args, more)
		return args
	}
	t.Run("ways", func(t *testing.T) {
		for name, c := range map[string]struct {
			args   responders.Args
			before string        // manifests of what is there, in the namespace NAMESPACE
			want   func(w world) // edits what the backup holds into what has to be there
			orders string        // what the volume holds
		}{
			"all that the backup names": {responders.Args{"namespaces": nil}, "", func(world) {}, "one order"},
			"kinds": {responders.Args{"resources": []string{"configmaps", "cronjobs.batch", "services"}}, "",
				func(w world) { keepOnly(w, configMaps, cronJobs, services) }, ""},
			"labels": {responders.Args{"selector": "app=web"}, "", func(w world) {
				maps.DeleteFunc(w, func(_ string, o map[string]any) bool {
					app, _, _ := unstructured.NestedString(o, "metadata", "labels", "app")
					return app != "web"
				})
			}, ""},
			"changed on the way, without secrets": {responders.Args{"excludeResources": []string{"secrets"}, "modifiers": "deployments.apps: replace /spec/replicas 1\nconfigmaps/settings: replace /data/currency USD\nhorizontalpodautoscalers.autoscaling: replace /spec/minReplicas 1"}, "",
				func(w world) {
					delete(w, "secrets/password")
					set(t, w, "deployments/web", int64(1), "spec", "replicas")
					set(t, w, "configmaps/settings", "USD", "data", "currency")
					set(t, w, "horizontalpodautoscalers/web", int64(1), "spec", "minReplicas")
				}, "one order"},
			"volumes empty":    {responders.Args{"volumes": false}, "", func(world) {}, ""},
			"volumes demanded": {responders.Args{"volumes": true, "clusterResources": true}, "", func(world) {}, "one order"},
			"beside what is there": {responders.Args{"existing": "none"}, there, func(w world) {
				set(t, w, "configmaps/settings", "CHF", "data", "currency")
				unset(t, w, "configmaps/settings", "metadata", "labels", "app")
				unset(t, w, "configmaps/settings", "data", "greeting")
				w["configmaps/mine"] = map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": noMarks(), "data": map[string]any{"mine": "yes"}}
			}, "one order"},
			"over what is there": {responders.Args{"existing": "update"}, there, func(w world) {
				w["configmaps/mine"] = map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": noMarks(), "data": map[string]any{"mine": "yes"}}
			}, "one order"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				namespace := "base-" + strings.NewReplacer(" ", "-", ",", "").Replace(name)
				a.gone(t, namespace)
				if c.before != "" {
					a.apply(t, strings.ReplaceAll(c.before, "NAMESPACE", namespace))
				}
				args := into(namespace, c.args)
				if args["namespaces"] == nil {
					delete(args, "namespaces")
				}
				run(t, a, "velero.restore", args).verified(t)
				want := clone(base)
				c.want(want)
				if diff := cmp.Diff(want, a.look(t, namespace)); diff != "" {
					t.Errorf("what came back (-want +is):\n%s", diff)
				}
				if _, claimed := want["persistentvolumeclaims/data"]; claimed {
					if got := a.read(t, namespace, "data"); got != c.orders {
						t.Errorf("the volume holds %q, want %q", got, c.orders)
					}
				}
			})
		}
	})
	if diff := cmp.Diff(base, a.look(t, "base")); diff != "" {
		t.Errorf("the old copy (-was +is):\n%s", diff)
	}
	if got := a.read(t, "base", "data"); got != "a later order" {
		t.Errorf("the old volume holds %q", got)
	}
}

// there is what somebody else has in a namespace that is restored into.
const there = `
apiVersion: v1
kind: Namespace
metadata: {name: NAMESPACE}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: NAMESPACE}
data: {currency: CHF}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: mine, namespace: NAMESPACE}
data: {mine: "yes"}
`

func noMarks() map[string]any {
	return map[string]any{"labels": map[string]any{}, "annotations": map[string]any{}}
}

// TestNodePorts brings a namespace back with the node ports that its services had.
func TestNodePorts(t *testing.T) {
	_, b := clusters(t)
	t.Parallel()
	b.openShop(t, "ports")
	backup := b.backsUp(t, responders.Args{"namespaces": []string{"ports"}, "resources": []string{"services"}, "volumes": false})
	port := b.kubectl(t, "-n", "ports", "get", "service", "web", "-o", "jsonpath={.spec.ports[0].nodePort}")
	b.lose(t, "ports")
	run(t, b, "velero.restore", responders.Args{"namespaces": []string{"ports"}, "backup": backup, "resources": []string{"services"}, "preserveNodePorts": true}).verified(t)
	if got := b.kubectl(t, "-n", "ports", "get", "service", "web", "-o", "jsonpath={.spec.ports[0].nodePort}"); got != port {
		t.Errorf("the node port is %s, was %s", got, port)
	}
}

// backsUp makes a backup as Salvor does, and returns its name.
func (c *cluster) backsUp(t *testing.T, args responders.Args) string {
	t.Helper()
	made := run(t, c, "velero.backup", args, func(s *step) { s.env.Incident = t.Name() + " backup" }).verified(t)
	all := c.made(t, backups, made.env)
	if len(all) != 1 {
		t.Fatalf("%d backups were made", len(all))
	}
	return all[0].GetName()
}

func keepOnly(w world, kinds ...schema.GroupVersionResource) {
	maps.DeleteFunc(w, func(name string, _ map[string]any) bool {
		for _, kind := range kinds {
			if strings.HasPrefix(name, kind.Resource+"/") {
				return false
			}
		}
		return true
	})
}

func clone(w world) world {
	out := world{}
	for name, o := range w {
		out[name] = (&unstructured.Unstructured{Object: o}).DeepCopy().Object
	}
	return out
}

func set(t *testing.T, w world, name string, value any, path ...string) {
	if err := unstructured.SetNestedField(w[name], value, path...); err != nil {
		t.Fatal(err)
	}
}

func unset(t *testing.T, w world, name string, path ...string) {
	unstructured.RemoveNestedField(w[name], path...)
}
