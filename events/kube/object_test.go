package kube

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/json"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	metadatafake "k8s.io/client-go/metadata/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/salvor-io/salvor/events"
)

func about(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID("uid-" + name), ResourceVersion: "1", CreationTimestamp: after(0)}
}

func TestProjectCustom(t *testing.T) {
	for name, c := range map[string]struct {
		json string
		want events.Object // but for what all have in common
	}{
		"Backup":                {`{"metadata":{"labels":{"velero.io/schedule-name":"nightly"}},"status":{"phase":"PartiallyFailed","failureReason":"no disk","startTimestamp":"2026-03-01T12:00:00Z","completionTimestamp":"2026-03-01T12:05:00Z"}}`, events.Object{Phase: "PartiallyFailed", Message: "no disk", At: after(5).Time, Of: events.Ref{Kind: "Schedule", Name: "nightly"}}},
		"Restore":               {`{"spec":{"backupName":"b"},"status":{"phase":"FailedValidation","validationErrors":["bad","worse"]}}`, events.Object{Phase: "FailedValidation", Message: "bad", Of: events.Ref{Kind: "Backup", Name: "b"}}},
		"Schedule":              {`{"spec":{"schedule":"0 3 * * *"},"status":{"phase":"Enabled","lastBackup":"2026-03-01T12:00:00Z"}}`, events.Object{Phase: "Enabled", At: noon, Every: "0 3 * * *", Due: noon.Add(15 * time.Hour)}},
		"BackupStorageLocation": {`{"status":{"phase":"Unavailable","message":"403","lastValidationTime":"2026-03-01T12:00:00Z"}}`, events.Object{Phase: "Unavailable", Message: "403"}},
		"VolumeSnapshot":        {`{"spec":{"source":{"persistentVolumeClaimName":"data"}},"status":{"readyToUse":false,"error":{"message":"quota"}}}`, events.Object{Phase: "Failed", Message: "quota", Of: events.Ref{Kind: "PersistentVolumeClaim", Name: "data"}}},
		"VolumeSnapshotContent": {`{"spec":{"volumeSnapshotRef":{"namespace":"shop","name":"s","uid":"u"}},"status":{"readyToUse":true,"creationTime":1772366400000000000}}`, events.Object{Phase: "Ready", At: noon, Of: events.Ref{Kind: "VolumeSnapshot", Name: "shop/s", UID: "u"}}},
		"Application":           {`{"status":{"sync":{"status":"OutOfSync"},"health":{"status":"Healthy"},"operationState":{"message":"done","finishedAt":"2026-03-01T12:00:00Z"}}}`, events.Object{Phase: "OutOfSync", Message: "done", At: noon}},
		"Kustomization":         {`{"status":{"conditions":[7,{"type":"Ready","status":"False","reason":"BuildFailed","message":"no such file","lastTransitionTime":"2026-03-01T12:00:00Z"}]}}`, events.Object{Phase: "BuildFailed", Message: "no such file", At: noon}},
		"HelmRelease":           {`{"spec":{"suspend":true},"status":{"conditions":[{"type":"Ready","status":"True"}]}}`, events.Object{Phase: "Suspended"}},
	} {
		var made bool
		for _, kind := range customs() {
			if kind.kind != name {
				continue
			}
			made = true
			u := &unstructured.Unstructured{}
			do(t, json.Unmarshal([]byte(c.json), &u.Object))
			u.SetName("x")
			u.SetUID("u")
			u.SetResourceVersion("1")
			got, err := kind.project(u)
			do(t, err)
			c.want.Kind, c.want.Name, c.want.UID, c.want.ResourceVersion, c.want.Content = kind.full(), "x", "u", "1", got.Content
			if diff := cmp.Diff(c.want, got.Object); diff != "" || got.Content == "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		if !made {
			t.Errorf("there is no %s", name)
		}
	}
}

func FuzzProjectCustom(f *testing.F) {
	f.Add([]byte(`{"status":{"phase":7,"conditions":"x","validationErrors":[{}],"completionTimestamp":"9999-12-31T23:59:59-23:00","error":[],"creationTime":1e300},"spec":[]}`))
	f.Add([]byte(`{"metadata":{"labels":7,"deletionTimestamp":"2026-03-01T12:00:00Z","creationTimestamp":3},"status":{"health":"x","sync":{"status":"` + strings.Repeat("ü", 999) + `"}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		u := &unstructured.Unstructured{}
		if json.Unmarshal(data, &u.Object) != nil || u.Object == nil {
			return
		}
		for _, c := range customs() {
			for _, odd := range []bool{true, false} {
				if meta, ok := u.Object["metadata"].(map[string]any); !odd && ok {
					meta["name"], meta["uid"], meta["resourceVersion"] = "x", "u", "1"
				} else if !odd {
					u.Object["metadata"] = map[string]any{"name": "x", "uid": "u", "resourceVersion": "1"}
				}
				g := c.in(dynamicfake.NewSimpleDynamicClient(runtime.NewScheme())).glance(u)
				if g.err == nil && len(g.one.Name) < 254 && len(g.one.Namespace) < 64 && len(g.one.UID) < 64 {
					fits(t, g.one, func(back events.Object) uint64 { return seenObject{back}.digest() })
				} else if g.err != nil && strings.Contains(g.err.Error(), "panic") && !odd {
					t.Error(g.err)
				}
			}
		}
	})
}

func TestProjectObjects(t *testing.T) {
	lost := &corev1.PersistentVolumeClaim{ObjectMeta: about("shop", "data"), Spec: corev1.PersistentVolumeClaimSpec{VolumeName: "pv-1"}, Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimLost}}
	if o, err := projectClaim(lost); err != nil || o.Phase != "Lost" || o.Of.Name != "pv-1" {
		t.Errorf("claim: %+v, %v", o, err)
	}
	for from, claim := range map[events.Ref]*corev1.PersistentVolumeClaim{
		{}: {}, {Kind: "VolumeSnapshot", Name: "s"}: {Spec: corev1.PersistentVolumeClaimSpec{DataSourceRef: &corev1.TypedObjectReference{Kind: "VolumeSnapshot", Name: "s"}}},
		{Kind: "VolumeSnapshot", Name: "of a swap"}: {ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"salvor.io/restored-from": "of a swap"}}},
		{Kind: "PersistentVolumeClaim", Name: "c"}:  {Spec: corev1.PersistentVolumeClaimSpec{DataSource: &corev1.TypedLocalObjectReference{Kind: "PersistentVolumeClaim", Name: "c"}}},
		{Kind: "Restore.velero.io", Name: "r"}:      {ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"velero.io/restore-name": "r"}}, Spec: corev1.PersistentVolumeClaimSpec{DataSourceRef: &corev1.TypedObjectReference{Kind: "VolumeSnapshot", Name: "s"}}},
	} {
		if got := filledFrom(claim); got != from {
			t.Errorf("filled from %+v, want %+v", got, from)
		}
	}
	volume := &corev1.PersistentVolume{ObjectMeta: about("", "pv-1"), Spec: corev1.PersistentVolumeSpec{ClaimRef: &corev1.ObjectReference{Namespace: "shop", Name: "data", UID: "u"}}, Status: corev1.PersistentVolumeStatus{Phase: corev1.VolumeReleased}}
	if o, err := projectVolume(volume); err != nil || o.Phase != "Released" || o.Of != (events.Ref{Kind: "PersistentVolumeClaim", Name: "shop/data", UID: "u"}) {
		t.Errorf("volume: %+v, %v", o, err)
	}
	for name, skip := range map[string]bool{"settings": false, "kube-root-ca.crt": true, "leader": true} {
		m := &corev1.ConfigMap{ObjectMeta: about("shop", name), Data: map[string]string{"a": "b"}}
		if name == "leader" {
			m.Annotations = map[string]string{"control-plane.alpha.kubernetes.io/leader": "{}"}
		}
		one, err := projectConfigMap(m)
		m.Data = map[string]string{"a": "c"}
		two, _ := projectConfigMap(m)
		if (err != nil) != skip || !skip && one.Content == two.Content {
			t.Errorf("ConfigMap %s: %+v, %v", name, one, err)
		}
	}
}

// TestClaimBesideIsNoClaim: what Salvor fills a volume by is not told of, and so not missed; a claim that it brought back under its own name is, and
// one that only has such a name.
func TestClaimBesideIsNoClaim(t *testing.T) {
	for _, c := range []struct {
		name, step string
		passed     bool
	}{{"orders-salvor-43b2", "43b2", true}, {"orders", "43b2", false}, {"orders-salvor-43b2", "", false}, {"orders-salvor-", "", false}} {
		claim := &corev1.PersistentVolumeClaim{ObjectMeta: about("shop", c.name)}
		if c.step != "" {
			claim.Labels = map[string]string{"salvor.io/for": c.step}
		}
		if _, err := projectClaim(claim); errors.Is(err, errPassedOver) != c.passed {
			t.Errorf("claim %s of step %q: %v", c.name, c.step, err)
		}
	}
}

// TestSecretsTellNothing holds what a digest of a Secret is made of: two values that were written alike are not told apart.
func TestSecretsTellNothing(t *testing.T) {
	at := after(1)
	made := func(annotation string, when metav1.Time) seenObject {
		m := &metav1.PartialObjectMetadata{ObjectMeta: about("shop", "db")}
		m.Annotations = map[string]string{"kubectl.kubernetes.io/last-applied-configuration": annotation}
		m.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl", Operation: "Update", Time: &when, FieldsV1: metav1.NewFieldsV1(`{"f:data":{"f:password":{}}}`)}}
		o, err := projectSecret(m)
		do(t, err)
		return o
	}
	if one, two := made("hunter2", at), made("hunter3", at); one.Content != two.Content {
		t.Error("the digest depends on a value")
	}
	if one, two := made("", at), made("", after(2)); one.Content == two.Content {
		t.Error("a later write is not told")
	}
}

// TestKindsComeAndGo has a kind that a cluster lacks at first, gets and loses again.
func TestKindsComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		resource := schema.GroupVersionResource{Group: "velero.io", Version: "v1", Resource: "backups"}
		kinds := map[schema.GroupVersionResource]string{}
		for _, c := range customs() {
			kinds[c.resource] = c.kind + "List"
		}
		backup := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "velero.io/v1", "kind": "Backup", "status": map[string]any{"phase": "Completed"}}}
		backup.SetNamespace("velero")
		backup.SetName("nightly")
		backup.SetUID("u")
		backup.SetResourceVersion("1")
		client := dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), kinds, backup)
		served := make(chan bool, 1)
		served <- false
		is := func() bool { b := <-served; served <- b; return b }
		client.PrependReactor("list", "*", func(a clienttesting.Action) (bool, runtime.Object, error) {
			if a.GetResource() == resource && !is() {
				return true, nil, apierrors.NewNotFound(resource.GroupResource(), "")
			}
			return false, nil, nil
		})
		rec := newRecorder()
		src, err := New(Options{Cluster: "c", Replica: "r", Client: fake.NewClientset(), Dynamic: client, Log: rec, View: rec, Logger: quiet()})
		do(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- src.Run(ctx) }()
		defer func() { cancel(); <-done }()
		pass := func(seconds int, sees bool, want ...string) {
			t.Helper()
			time.Sleep(time.Duration(seconds) * time.Second)
			synctest.Wait()
			if diff := cmp.Diff(want, rec.others()); diff != "" {
				t.Error(diff)
			}
			if o := rec.sight("backups.velero.io"); o.Seeing != sees || o.Synced != sees {
				t.Errorf("sight: %+v", o)
			}
		}
		pass(2, false)
		pass(20, true)
		pass(300, true)
		<-served
		served <- true
		pass(60, true, "backup.velero.io/velero/nightly Completed")
		<-served
		served <- false
		src.posts[len(src.posts)-len(customs())].(*post[seenObject]).again("the definition is deleted")
		pass(1, true, "backup.velero.io/velero/nightly Completed")
		pass(60, true, "backup.velero.io/velero/nightly Completed", "backup.velero.io/velero/nightly found gone")
	})
}

// TestSecretsAreAskedFor has a namespace ask for its Secrets to be watched, and ask no longer.
func TestSecretsAreAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		scheme := metadatafake.NewTestScheme()
		do(t, metav1.AddMetaToScheme(scheme))
		secret := func(namespace string) *metav1.PartialObjectMetadata {
			return &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: about(namespace, "db")}
		}
		meta := metadatafake.NewSimpleMetadataClient(scheme, secret("shop"), secret("other"))
		asks := &corev1.Namespace{ObjectMeta: about("", "shop")}
		asks.Labels = map[string]string{watchSecrets: "true"}
		client := fake.NewClientset(asks, &corev1.Namespace{ObjectMeta: about("", "other")})
		rec := newRecorder()
		src, err := New(Options{Cluster: "c", Replica: "r", Client: client, Metadata: meta, Log: rec, View: rec, Logger: quiet()})
		do(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- src.Run(ctx) }()
		defer func() { cancel(); <-done }()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if !rec.heard("secret/shop/db -")() || rec.heard("secret/other/db -")() || !sees(rec, "secrets/shop")() {
			t.Errorf("told %q; %+v", rec.others(), rec.sight("secrets/shop"))
		}
		asks = asks.DeepCopy()
		asks.Labels, asks.ResourceVersion = nil, "2"
		if _, err := client.CoreV1().Namespaces().Update(ctx, asks, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if len(src.secret.asking) != 0 || rec.heard("secret/shop/db gone")() {
			t.Errorf("still watched: %v; told %q", src.secret.asking, rec.others())
		}
		if w := src.watches(); w[len(w)-1] != "secrets/shop" {
			t.Errorf("watches %q", w)
		}
	})
}

// TestMissingRights has all but nodes and leases forbidden: each says which right it lacks, seldom asks again, and hurts nobody.
func TestMissingRights(t *testing.T) {
	s := newAPIServer(t)
	s.node("a")
	rec := watching(t, s)
	rec.wait(t, "a is known", told(rec, "a True"))
	rec.wait(t, "ConfigMaps are not seen", blind(rec, "configmaps", "the right to list configmaps is missing"))
	rec.wait(t, "deployments are not seen", blind(rec, "deployments", "the right to list deployments.apps is missing"))
	rec.wait(t, "nodes are seen", sees(rec, "nodes"))
}
