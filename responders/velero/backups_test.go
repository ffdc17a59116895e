package velero

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"
	"sigs.k8s.io/yaml"

	"github.com/salvor-io/salvor/responders/point"
)

// parse reads objects that are written as YAML.
func parse(t *testing.T, texts ...string) []runtime.Object {
	t.Helper()
	var all []runtime.Object
	for _, text := range texts {
		var o unstructured.Unstructured
		if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		all = append(all, &o)
	}
	return all
}

func fakeClient(t *testing.T, texts ...string) *fake.FakeDynamicClient {
	t.Helper()
	kinds := map[schema.GroupVersionResource]string{backups: "BackupList", locations: "BackupStorageLocationList", podVolumeBackups: "PodVolumeBackupList",
		restores: "RestoreList"}
	return fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), kinds, parse(t, texts...)...)
}

const (
	place = `
apiVersion: velero.io/v1
kind: BackupStorageLocation
metadata: {name: default, namespace: velero, uid: place}
spec: {provider: aws, config: {s3Url: "http://127.0.0.1:7000"}, default: true, objectStorage: {bucket: b}}
status: {phase: Available, lastValidationTime: "2026-03-02T03:00:00Z"}`

	nightly = `
apiVersion: velero.io/v1
kind: Backup
metadata:
  name: nightly
  namespace: velero
  uid: nightly
  creationTimestamp: "2026-03-02T01:59:59Z"
  labels: {salvor.io/cluster: east}
  annotations: {salvor.io/verified-at: "2026-03-02T02:30:00Z"}
spec:
  includedNamespaces: [shop]
  excludedResources: [events]
  labelSelector: {matchLabels: {app: shop}}
  storageLocation: default
status:
  phase: Completed
  startTimestamp: "2026-03-02T02:00:00Z"
  completionTimestamp: "2026-03-02T02:05:00Z"
  expiration: "2026-03-09T02:00:00Z"
  csiVolumeSnapshotsAttempted: 2
  csiVolumeSnapshotsCompleted: 2
  backupItemOperationsAttempted: 2
  backupItemOperationsFailed: 1`

	files = `
apiVersion: velero.io/v1
kind: PodVolumeBackup
metadata: {name: nightly-1, namespace: velero, labels: {velero.io/backup-name: nightly}}
status: {phase: Completed}`

	found = `
apiVersion: velero.io/v1
kind: Backup
metadata: {name: found, namespace: velero, creationTimestamp: "2026-03-02T03:00:00Z", annotations: {salvor.io/verified-at: "yes!"}}
spec: {storageLocation: gone, snapshotVolumes: false}
status: {phase: PartiallyFailed, startTimestamp: "2026-03-01T02:00:00Z", errors: 4, failureReason: "two\nlines"}`
)

func TestBackups(t *testing.T) {
	got, err := Backups(t.Context(), fakeClient(t, place, nightly, files, found))
	if err != nil {
		t.Fatal(err)
	}
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 3, day, hour, minute, 0, 0, time.UTC) }
	want := []point.Backup{
		{Name: "found", Namespace: "velero", Phase: "PartiallyFailed", Why: "two lines", Errors: 4, Synced: true, Created: at(2, 3, 0), Started: at(1, 2, 0),
			Location: "gone", LocationWhy: "it is not there", Volumes: point.Volumes{Off: true}},
		{Name: "nightly", Namespace: "velero", UID: "nightly", Phase: "Completed", Cluster: "east", Created: at(2, 1, 59).Add(59 * time.Second),
			Started: at(2, 2, 0), Completed: at(2, 2, 5), Expires: at(9, 2, 0), Verified: at(2, 2, 30), Location: "default", LocationReady: true,
			Scope:   point.Scope{Namespaces: []string{"shop"}, NotKinds: []string{"events"}, Selectors: []string{"app=shop"}},
			Volumes: point.Volumes{Attempted: 3, Completed: 2}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("backups (-want +got):\n%s", diff)
	}
}

func TestLocationsThatCannotBeRead(t *testing.T) {
	for status, why := range map[string]string{
		`{}`:                   "Velero has not looked at it yet",
		`{phase: Unavailable}`: "it is Unavailable",
		`{phase: Unavailable, message: "AccessDenied: no"}`: "it is Unavailable: AccessDenied: no",
	} {
		client := fakeClient(t, "apiVersion: velero.io/v1\nkind: BackupStorageLocation\nmetadata: {name: gone, namespace: velero}\nstatus: "+status, found)
		got, err := Backups(t.Context(), client)
		if err != nil || len(got) != 1 || got[0].LocationReady || got[0].LocationWhy != why {
			t.Errorf("%s: %+v, %v", status, got, err)
		}
	}
}

// TestPages has the API server give one backup a page.
func TestPages(t *testing.T) {
	client := fakeClient(t)
	pages, asked := parse(t, nightly, found), 0
	client.PrependReactor("list", "backups", func(clienttesting.Action) (bool, runtime.Object, error) {
		page := &unstructured.UnstructuredList{Object: map[string]any{}, Items: []unstructured.Unstructured{*pages[asked].(*unstructured.Unstructured)}}
		if asked++; asked < len(pages) {
			page.SetContinue("more")
		}
		return true, page, nil
	})
	if got, err := Backups(t.Context(), client); err != nil || len(got) != 2 {
		t.Errorf("read %d backups, want 2: %v", len(got), err)
	}
}

func TestNotInstalled(t *testing.T) {
	for _, kind := range []schema.GroupVersionResource{backups, locations} {
		client := fakeClient(t)
		client.PrependReactor("list", kind.Resource, func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, nil, apierrors.NewNotFound(kind.GroupResource(), "")
		})
		if _, err := Backups(t.Context(), client); !errors.Is(err, ErrNotInstalled) {
			t.Errorf("without %s: %v", kind.Resource, err)
		}
	}
	client := fakeClient(t, place, nightly)
	client.PrependReactor("list", podVolumeBackups.Resource, func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewNotFound(podVolumeBackups.GroupResource(), "")
	})
	if got, err := Backups(t.Context(), client); err != nil || len(got) != 1 {
		t.Errorf("a Velero that copies no files: %+v, %v", got, err)
	}
}
