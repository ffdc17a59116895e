package velero

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/responderstest"
)

func retry(c Clusters) responders.Responder { return NewRetry(c) }
func kept(c Clusters) responders.Responder  { return NewKept(c) }

const (
	everyNight = `{apiVersion: velero.io/v1, kind: Schedule, metadata: {name: nightly, namespace: velero, uid: nightly, labels: {team: shop}},
  spec: {schedule: "0 2 * * *", template: {includedNamespaces: [shop], ttl: 72h0m0s, hooks: {}}}, status: {phase: Enabled}}`
	failed = `{apiVersion: velero.io/v1, kind: Backup, metadata: {name: nightly-1, namespace: velero, uid: n1, creationTimestamp: "2026-03-02T02:00:00Z", labels: {velero.io/schedule-name: nightly}},
  spec: {storageLocation: default}, status: {phase: Failed, failureReason: no disk}}`
)

// ours is a backup that this incident made when it retried.
func ours(status string) string {
	return strings.NewReplacer("nightly-1", "salvor-retry", "uid: n1, ", "uid: n2, ", "nightly}", "nightly, salvor.io/work: "+workOf(env)+"}", "{phase: Failed, failureReason: no disk}", status).Replace(failed)
}

func TestRetrySuite(t *testing.T) {
	t.Parallel()
	args := responders.Args{"schedule": "nightly"}
	failing := func(s *stage) {
		s.phase, s.errors = "PartiallyFailed", 2
		s.documents["BackupResults/"+nameFor(env)] = map[string]outcomes{"errors": {Cluster: []string{"crd x: too large"}}}
	}
	responderstest.Run(t,
		responderstest.Case{Name: "after one that failed", Args: args, World: inWorld(retry, func(*stage) {}, everyNight, failed)},
		responderstest.Case{Name: "it fails again", Args: args, World: inWorld(retry, failing, everyNight, failed), Fails: "is incomplete, with 2 errors: crd x: too large"},
		responderstest.Case{Name: "ignored", Args: args, World: inWorld(retry, func(s *stage) { s.ignores = func(string) bool { return true } }, everyNight, failed),
			Fails: "Velero does not run: it has not begun with backups"},
	)
}

// TestRetryMakesWhatTheScheduleMakes: what is made is of the schedule, and takes what it takes.
func TestRetryMakesWhatTheScheduleMakes(t *testing.T) {
	s := set(t, everyNight, failed)
	change := s.preview(t, NewRetry(s.clusters), responders.Args{"schedule": "nightly"})
	if err := NewRetry(s.clusters).Apply(consented(t), env, change); err != nil {
		t.Fatal(err)
	}
	made, err := find(t.Context(), s.own(t), backups, "velero", nameFor(env))
	if err != nil || made == nil {
		t.Fatal(made, err)
	}
	labels := map[string]string{"team": "shop", "velero.io/schedule-name": "nightly", "salvor.io/cluster": "east", "salvor.io/managed": "true", "salvor.io/work": workOf(env)}
	if diff := cmp.Diff(labels, made.GetLabels()); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	want := map[string]any{"includedNamespaces": []any{"shop"}, "ttl": "72h0m0s", "hooks": map[string]any{}}
	if diff := cmp.Diff(want, made.Object["spec"]); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
	if change.Class != policies.Reversible || change.Targets[0].String() != "schedule/velero/nightly" {
		t.Errorf("change %+v", change)
	}
}

func TestRetryIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		objects []string
		args    responders.Args
		want    string
	}{
		"no such schedule":   {nil, responders.Args{"schedule": "nightly"}, "there is no such schedule any more"},
		"a name that is all": {[]string{everyNight}, responders.Args{"schedule": "*"}, `must be the name of one schedule, not "*"`},
		"it was retried":     {[]string{everyNight, failed, ours("{phase: Failed, failureReason: no disk}")}, responders.Args{"schedule": "nightly"}, "retried once for this incident, and a person has to look: velero backup describe -n velero --details salvor-retry\nbackup salvor-retry failed: no disk"},
		"it was incomplete":  {[]string{everyNight, failed, ours("{phase: PartiallyFailed, errors: 3}")}, responders.Args{"schedule": "nightly"}, "backup salvor-retry is incomplete, with 3 errors"},
		"no such location":   {[]string{strings.Replace(everyNight, "hooks: {}", "storageLocation: far", 1)}, responders.Args{"schedule": "nightly"}, "there is no storage location far"},
		"it says nothing":    {[]string{strings.Replace(everyNight, "template: {includedNamespaces: [shop], ttl: 72h0m0s, hooks: {}}", "paused: false", 1)}, responders.Args{"schedule": "nightly"}, "it does not say what it backs up"},
	} {
		s := set(t, c.objects...)
		if change, err := NewRetry(s.clusters).Preview(t.Context(), env, c.args); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %+v, error %v, want %s", name, change, err, c.want)
		}
	}
	s := set(t, everyNight, ours("{phase: InProgress}"))
	if _, err := NewRetry(s.clusters).Preview(t.Context(), env, responders.Args{"schedule": "nightly"}); err != nil {
		t.Errorf("one that runs yet is no retry that failed: %v", err)
	}
}

func TestKeptSuite(t *testing.T) {
	t.Parallel()
	responderstest.Run(t, responderstest.Case{Name: "a schedule", Args: responders.Args{"schedule": "nightly"}, World: func(t *testing.T) *responderstest.World {
		s := set(t, everyNight, failed)
		w := s.world(kept)
		well, err := runtime.DefaultUnstructuredConverter.ToUnstructured(parse(t, strings.NewReplacer("nightly-1", "nightly-2", "02:00:00", "03:00:00", "{phase: Failed, failureReason: no disk}", "{phase: Completed}").Replace(failed))[0])
		if err != nil {
			t.Fatal(err)
		}
		w.React = func(ctx context.Context) error {
			_, err := s.own(t).Resource(backups).Namespace("velero").Create(ctx, &unstructured.Unstructured{Object: well}, metav1.CreateOptions{})
			if apierrors.IsAlreadyExists(err) {
				return nil
			}
			return err
		}
		return w
	}})
}

func TestKept(t *testing.T) {
	good := strings.Replace(failed, "{phase: Failed, failureReason: no disk}", "{phase: Completed}", 1)
	newer := strings.NewReplacer("nightly-1", "nightly-2", "02:00:00", "03:00:00")
	for name, c := range map[string]struct {
		objects []string
		want    string
	}{
		"none":                 {[]string{everyNight}, "schedule nightly has made no backup that has ended"},
		"it failed":            {[]string{everyNight, failed}, "backup nightly-1 is Failed no disk"},
		"the newer counts":     {[]string{everyNight, good, newer.Replace(failed)}, "backup nightly-2 is Failed no disk"},
		"what runs counts not": {[]string{everyNight, good, newer.Replace(strings.Replace(failed, "Failed", "InProgress", 1))}, ""},
		"it cannot be found":   {[]string{everyNight, strings.Replace(good, "default", "far", 1)}, "there is no storage location far"},
	} {
		s := set(t, c.objects...)
		k := NewKept(s.clusters)
		change := s.preview(t, k, responders.Args{"schedule": "nightly"})
		found, err := k.Verify(t.Context(), env, change)
		if err != nil || c.want == "" && found.Outcome != responders.OutcomeVerified || !strings.Contains(strings.Join(found.Detail, "; "), c.want) {
			t.Errorf("%s: %+v, error %v, want %s", name, found, err, c.want)
		}
	}
}
