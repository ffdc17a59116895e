package restores

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/salvor-io/salvor/responders"
)

// small is a namespace that is soon backed up and soon back.
const small = `
apiVersion: v1
kind: Namespace
metadata: {name: NAMESPACE}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: NAMESPACE}
data: {currency: EUR}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: hourly, namespace: NAMESPACE}
spec:
  schedule: "0 * * * *"
  jobTemplate:
    spec: {template: {spec: {restartPolicy: Never, containers: [{name: job, image: "job:1"}]}}}
`

// openSmall makes a small namespace, and removes it when the test ends.
func (c *cluster) openSmall(t *testing.T, namespace string) {
	t.Helper()
	c.gone(t, namespace)
	c.apply(t, strings.ReplaceAll(small, "NAMESPACE", namespace))
}

// argo is as much of Argo CD as tells what it would do: the definition of its kind, and an Application that makes a namespace.
const argo = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: applications.argoproj.io}
spec:
  group: argoproj.io
  names: {kind: Application, listKind: ApplicationList, plural: applications, singular: application}
  scope: Namespaced
  versions:
  - {name: v1alpha1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
`

const application = `
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: tier-two, namespace: default}
spec:
  destination: {namespace: tier-two, server: "https://kubernetes.default.svc"}
  syncPolicy: {automated: {prune: true, selfHeal: true}}
`

// TestNamespacesComeBack loses two namespaces of three that one backup holds, and brings them back tier by tier, once Argo CD rests.
func TestNamespacesComeBack(t *testing.T) {
	_, b := clusters(t)
	t.Parallel()
	b.openSmall(t, "tier-one")
	b.openShop(t, "tier-two")
	b.openSmall(t, "unpromised")
	all := []string{"tier-one", "tier-two", "unpromised"}
	before := map[string]world{}
	for _, name := range all {
		before[name] = b.look(t, name)
	}
	b.backsUp(t, responders.Args{"namespaces": all})
	b.restsArgo(t, false)
	b.lose(t, "tier-one")
	b.lose(t, "tier-two")

	promises := func(s *step) {
		s.env.Promises = []responders.Promise{{Namespaces: []string{"tier-two"}, Tier: 2}, {Namespaces: []string{"tier-o*"}, Tier: 1}}
		s.env.Broken = time.Now()
	}
	lost := responders.Args{"namespaces": []string{"tier-two", "tier-one"}}
	run(t, b, "namespace.restore", lost, promises).refuses(t, "Application default/tier-two syncs and prunes by itself, and would undo what is restored; have it rest first: kubectl -n default patch application tier-two")
	run(t, b, "namespace.restore", responders.Args{"namespaces": []string{"unpromised"}}, promises).refuses(t, "nothing in protection of salvor.yaml is about it")
	if begun := b.made(t, restores, responders.Env{Incident: t.Name()}); len(begun) > 0 {
		t.Errorf("%d restores were made for plans that were refused", len(begun))
	}

	b.restsArgo(t, true)
	out := run(t, b, "namespace.restore", lost, promises).verified(t)
	for name, want := range before {
		if name != "unpromised" {
			suspend(t, want)
		}
		if diff := cmp.Diff(want, b.look(t, name)); diff != "" {
			t.Errorf("namespace %s (-want +is):\n%s", name, diff)
		}
	}
	if got := b.read(t, "tier-two", "data"); got != "one order" {
		t.Errorf("the volume holds %q", got)
	}
	if err := b.inTurns(t, out, "tier-one", "tier-two"); err != nil {
		t.Error(err)
	}
	if !slices.ContainsFunc(out.told, func(s string) bool { return strings.Contains(s, "namespaces restored; tier-two: ") }) {
		t.Errorf("people were told %v", out.told)
	}
}

// restsArgo makes the Application that owns tier-two, and has it sync by itself or rest.
func (c *cluster) restsArgo(t *testing.T, rests bool) {
	t.Helper()
	if rests {
		c.kubectl(t, "-n", "default", "patch", "applications.argoproj.io", "tier-two", "--type", "merge", "-p", `{"spec":{"syncPolicy":{"automated":null}}}`)
		return
	}
	c.apply(t, argo)
	c.kubectl(t, "wait", "--for=condition=Established", "crd/applications.argoproj.io", "--timeout=30s")
	eventually(t, 30*time.Second, func() error { return c.Apply(t.Context(), []byte(application)) })
}

// suspend edits what was in a namespace into what has to come back of it: a CronJob that was at work is suspended and marked.
func suspend(t *testing.T, w world) {
	for name, o := range w {
		if suspended, _, _ := unstructured.NestedBool(o, "spec", "suspend"); strings.HasPrefix(name, "cronjobs/") && !suspended {
			set(t, w, name, true, "spec", "suspend")
			set(t, w, name, "true", "metadata", "labels", "salvor.io/suspended")
		}
	}
}

// inTurns says whether the Restores were made one turn after the other.
func (c *cluster) inTurns(t *testing.T, out outcome, first, second string) error {
	t.Helper()
	at := map[string]*unstructured.Unstructured{}
	made := c.made(t, restores, out.env)
	for i := range made {
		spaces, _, _ := unstructured.NestedStringSlice(made[i].Object, "spec", "includedNamespaces")
		at[strings.Join(spaces, ",")] = &made[i]
	}
	if len(made) != 2 || at[first] == nil || at[second] == nil {
		return fmt.Errorf("%d restores were made: %v", len(made), at)
	}
	text, _, _ := unstructured.NestedString(at[first].Object, "status", "completionTimestamp")
	ended, err := time.Parse(time.RFC3339, text)
	if err != nil || at[second].GetCreationTimestamp().Time.Before(ended) {
		return errors.Join(err, fmt.Errorf("%s was begun at %s, and %s ended at %s", second, at[second].GetCreationTimestamp(), first, ended))
	}
	return nil
}
