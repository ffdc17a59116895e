package census

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
	discoveryfake "k8s.io/client-go/discovery/fake"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"sigs.k8s.io/yaml"

	"github.com/salvor-io/salvor/internal/kubeclient"
	"github.com/salvor-io/salvor/internal/protection"
	"github.com/salvor-io/salvor/responders/point"
	"github.com/salvor-io/salvor/responders/serving"
)

var now = time.Date(2026, 11, 27, 3, 2, 0, 0, time.UTC)

// world is a cluster of paper.
type world struct {
	kube    *fake.Clientset
	dynamic *dynamicfake.FakeDynamicClient
}

// kinds are those that the world serves beside Kubernetes' own.
var kinds = map[schema.GroupVersionResource]string{
	{Group: veleroGroup, Version: "v1", Resource: "backups"}:                 "BackupList",
	{Group: veleroGroup, Version: "v1", Resource: "backupstoragelocations"}:  "BackupStorageLocationList",
	{Group: veleroGroup, Version: "v1", Resource: "podvolumebackups"}:        "PodVolumeBackupList",
	{Group: veleroGroup, Version: "v1", Resource: "schedules"}:               "ScheduleList",
	{Group: veleroGroup, Version: "v2alpha1", Resource: "datauploads"}:       "DataUploadList",
	{Group: snapshotGroup, Version: "v1", Resource: "volumesnapshots"}:       "VolumeSnapshotList",
	{Group: snapshotGroup, Version: "v1", Resource: "volumesnapshotclasses"}: "VolumeSnapshotClassList",
	{Group: certificateGroup, Version: "v1", Resource: "certificates"}:       "CertificateList",
	{Group: argoGroup, Version: "v1alpha1", Resource: "applications"}:        "ApplicationList",
	{Group: fluxGroup, Version: "v1", Resource: "kustomizations"}:            "KustomizationList",
	{Group: k3sGroup, Version: "v1", Resource: "etcdsnapshotfiles"}:          "ETCDSnapshotFileList",
}

func aWorld(t *testing.T, gitVersion string, objects []runtime.Object, custom ...string) *world {
	t.Helper()
	w := &world{kube: fake.NewClientset(objects...)}
	var items []runtime.Object
	for _, text := range custom {
		var fields map[string]any
		if err := yaml.Unmarshal([]byte(text), &fields); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		items = append(items, &unstructured.Unstructured{Object: fields})
	}
	w.dynamic = dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), kinds, items...)
	discovery := w.kube.Discovery().(*discoveryfake.FakeDiscovery)
	discovery.FakedServerVersion = &version.Info{GitVersion: gitVersion}
	for kind := range kinds {
		w.kube.Resources = append(w.kube.Resources, &metav1.APIResourceList{GroupVersion: kind.GroupVersion().String()})
	}
	return w
}

func (w *world) clients() kubeclient.Clients {
	return kubeclient.Clients{Kubernetes: w.kube, Dynamic: w.dynamic}
}

// refuse has a list end with an error.
func refuse(f *clienttesting.Fake, resource string, err error) {
	f.PrependReactor("list", resource, func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, err })
}

func forbidden(group, resource string) error {
	return apierrors.NewForbidden(schema.GroupResource{Group: group, Resource: resource}, "", errors.New("no"))
}

// metrics answers queries out of a table.
type metrics map[string]serving.Answer

func (m metrics) Query(_ context.Context, query string) (serving.Answer, error) {
	if answer, ok := m[query]; ok {
		return answer, nil
	}
	return serving.Answer{}, errors.New("it does not answer")
}

func TestWhatIsRead(t *testing.T) {
	class, long := "fast", strings.Repeat("x", 70)
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "db"}}, Spec: corev1.PodSpec{Volumes: []corev1.Volume{
		{VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "shared"}}}, {Name: "empty"}}}}
	at := func(namespace, name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: namespace, Name: name, UID: "u1", Labels: map[string]string{"tier": "gold"}, CreationTimestamp: metav1.NewTime(now)}
	}
	job := &batchv1.CronJob{ObjectMeta: at("kube-system", "etcd-backup"), Status: batchv1.CronJobStatus{LastSuccessfulTime: &metav1.Time{Time: now}}}
	w := aWorld(t, "v1.36.3-eks-1", []runtime.Object{
		&corev1.Namespace{ObjectMeta: at("", "shop")},
		&corev1.PersistentVolumeClaim{ObjectMeta: at("shop", "data-db-0"), Spec: corev1.PersistentVolumeClaimSpec{StorageClassName: &class}, Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound}},
		&storagev1.StorageClass{ObjectMeta: at("", "fast"), Provisioner: "csi.example"}, &storagev1.CSIDriver{ObjectMeta: at("", "csi.example")},
		&appsv1.StatefulSet{ObjectMeta: at("shop", "db"), Spec: appsv1.StatefulSetSpec{Template: template, VolumeClaimTemplates: []corev1.PersistentVolumeClaim{{ObjectMeta: at("", "data")}}}},
		&appsv1.Deployment{ObjectMeta: at("shop", "web")}, &appsv1.DaemonSet{ObjectMeta: at("shop", "agent")}, job,
	},
		`{apiVersion: velero.io/v1, kind: BackupStorageLocation, metadata: {namespace: velero, name: default}, spec: {default: true}, status: {phase: Available}}`,
		`{apiVersion: velero.io/v1, kind: Backup, metadata: {namespace: velero, name: `+long+`}, spec: {storageLocation: default}, status: {phase: Completed, startTimestamp: "2026-11-27T02:00:00Z"}}`,
		`{apiVersion: velero.io/v1, kind: PodVolumeBackup, metadata: {namespace: velero, name: p, labels: {velero.io/backup-name: `+labelled(long)+`, velero.io/pvc-uid: u1}}, status: {phase: Completed}}`,
		`{apiVersion: velero.io/v2alpha1, kind: DataUpload, metadata: {namespace: velero, name: d, labels: {velero.io/backup-name: b, velero.io/pvc-uid: u2}}, status: {phase: Failed}}`,
		`{apiVersion: velero.io/v1, kind: Schedule, metadata: {namespace: velero, name: nightly}, spec: {schedule: "0 2 * * *", paused: true, template: {includedNamespaces: [shop], storageLocation: away}}}`,
		`{apiVersion: velero.io/v1, kind: Schedule, metadata: {namespace: velero, name: bad}, spec: {schedule: "x"}, status: {phase: FailedValidation, validationErrors: [no cron]}}`,
		`{apiVersion: snapshot.storage.k8s.io/v1, kind: VolumeSnapshot, metadata: {namespace: shop, name: s}, spec: {volumeSnapshotClassName: fast, source: {persistentVolumeClaimName: data-db-0}}, status: {readyToUse: true, creationTime: "2026-11-27T02:00:00Z"}}`,
		`{apiVersion: snapshot.storage.k8s.io/v1, kind: VolumeSnapshot, metadata: {namespace: shop, name: t}, spec: {source: {persistentVolumeClaimName: data-db-0}}, status: {error: {message: quota}}}`,
		`{apiVersion: snapshot.storage.k8s.io/v1, kind: VolumeSnapshotClass, metadata: {name: fast, labels: {velero.io/csi-volumesnapshot-class: "true"}}, driver: csi.example, deletionPolicy: Delete}`,
		`{apiVersion: cert-manager.io/v1, kind: Certificate, metadata: {namespace: shop, name: tls}, status: {notAfter: "2026-12-27T02:00:00Z", conditions: [{type: Ready, status: "False", message: no issuer}]}}`,
		`{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {namespace: argocd, name: shop}, spec: {destination: {server: "https://kubernetes.default.svc", namespace: shop}}, status: {sync: {status: OutOfSync}, resources: [{namespace: shop-db}, {kind: ClusterRole}]}}`,
		`{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {namespace: argocd, name: far}, spec: {destination: {server: "https://elsewhere", namespace: shop}}}`,
		`{apiVersion: kustomize.toolkit.fluxcd.io/v1, kind: Kustomization, metadata: {namespace: flux, name: wiki}, status: {inventory: {entries: [{id: wiki_web_apps_Deployment}, {id: _wiki_rbac_ClusterRole}]}, conditions: [{type: Ready, status: "True"}]}}`,
		`{apiVersion: k3s.cattle.io/v1, kind: ETCDSnapshotFile, metadata: {name: local}, spec: {snapshotName: hourly, location: "s3://b/hourly"}, status: {readyToUse: true, creationTime: "2026-11-27T02:00:00Z"}}`,
	)
	got := Take(t.Context(), w.clients(), Options{Cluster: "prod", Now: now, Queries: map[string]string{"lag": "lag", "dead": "dead"},
		Metrics: metrics{"lag": {Samples: []serving.Sample{{Value: 3}, {Value: 90}}}}})
	two := time.Date(2026, 11, 27, 2, 0, 0, 0, time.UTC)
	gold := protection.Labels{"tier": "gold"}
	want := &protection.Census{Cluster: "prod", At: now, Platform: "EKS", Velero: true,
		Namespaces: []protection.Namespace{{Name: "shop", Labels: gold}},
		Workloads: []protection.Workload{{Kind: "Deployment", Namespace: "shop", Name: "web", Labels: gold},
			{Kind: "StatefulSet", Namespace: "shop", Name: "db", Labels: protection.Labels{"app": "db", "tier": "gold"}, Claims: []string{"shared"}, Prefixes: []string{"data-db-"}},
			{Kind: "DaemonSet", Namespace: "shop", Name: "agent", Labels: gold}, {Kind: "CronJob", Namespace: "kube-system", Name: "etcd-backup", Labels: gold}},
		Claims:  []protection.Claim{{Namespace: "shop", Name: "data-db-0", UID: "u1", Labels: gold, Bound: true, Class: "fast", Created: now}},
		Classes: []protection.StorageClass{{Name: "fast", Driver: "csi.example"}}, Drivers: []string{"csi.example"}, Snapshotting: true,
		Locations:       []protection.Location{{Namespace: "velero", Name: "default", Ready: true, Default: true}},
		Uploads:         []protection.Upload{{Backup: "velero/b", ClaimUID: "u2"}, {Backup: "velero/" + long, ClaimUID: "u1", Done: true}},
		Schedules:       []protection.Schedule{{Namespace: "velero", Name: "bad", Why: "no cron"}, {Namespace: "velero", Name: "nightly", Every: 24 * time.Hour, Paused: true, Location: "away", Scope: point.Scope{Namespaces: []string{"shop"}}}},
		Snapshots:       []protection.VolumeSnapshot{{Namespace: "shop", Name: "s", Claim: "data-db-0", Class: "fast", Ready: true, At: two}, {Namespace: "shop", Name: "t", Claim: "data-db-0", Why: "quota"}},
		SnapshotClasses: []protection.SnapshotClass{{Name: "fast", Driver: "csi.example", Delete: true, Marked: true}},
		Certificates:    []protection.Certificate{{Namespace: "shop", Name: "tls", Why: "no issuer", NotAfter: two.AddDate(0, 0, 30)}},
		Etcd:            []protection.EtcdSnapshot{{Name: "hourly", Ready: true, Away: true, At: two}},
		EtcdJobs:        []protection.EtcdJob{{Namespace: "kube-system", Name: "etcd-backup", At: now}},
		Lags:            map[string]protection.Lag{"lag": {Held: now.Add(-90 * time.Second)}, "dead": {Why: "it does not answer"}},
	}
	if len(got.Backups) != 1 || got.Backups[0].Name != long || !got.Backups[0].LocationReady {
		t.Errorf("backups: %+v", got.Backups)
	}
	deliveries := map[string]protection.Delivery{}
	for _, d := range got.Deliveries {
		deliveries[d.Name] = d
	}
	wanted := map[string]protection.Delivery{
		"shop": {Kind: "Application", Namespace: "argocd", Name: "shop", Into: []string{"shop", "shop-db"}, Why: "OutOfSync"},
		"wiki": {Kind: "Kustomization", Namespace: "flux", Name: "wiki", Into: []string{"wiki"}, Synced: true},
	}
	if diff := cmp.Diff(wanted, deliveries); diff != "" {
		t.Error(diff)
	}
	got.Backups, got.Deliveries = nil, nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestWhatIsNotThere holds that an API that is not served has no objects, that one that may not be listed is named, and that nothing stops at it.
func TestWhatIsNotThere(t *testing.T) {
	w := aWorld(t, "v1.36.3", []runtime.Object{&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}})
	w.kube.Resources = []*metav1.APIResourceList{{GroupVersion: "velero.io/v1"}, {GroupVersion: "snapshot.storage.k8s.io/v1"}}
	refuse(&w.dynamic.Fake, "backups", forbidden("velero.io", "backups"))
	refuse(&w.dynamic.Fake, "volumesnapshots", apierrors.NewNotFound(schema.GroupResource{Group: snapshotGroup, Resource: "volumesnapshots"}, ""))
	refuse(&w.dynamic.Fake, "certificates", forbidden(certificateGroup, "certificates")) // whoever may list nothing is told so of what is not there, too
	refuse(&w.kube.Fake, "statefulsets", forbidden("apps", "statefulsets"))
	refuse(&w.kube.Fake, "persistentvolumeclaims", errors.New("etcd has no leader"))
	got := Take(t.Context(), w.clients(), Options{Now: now})
	const do = "grant it to them: salvor print rbac --role observe --user USER | kubectl apply -f -"
	want := []protection.Unread{
		{What: protection.SourceBackups, Why: "backups.velero.io may not be listed with these credentials", Do: do},
		{What: protection.SourceClaims, Why: "persistentvolumeclaims could not be read: etcd has no leader", Do: "try again"},
		{What: protection.SourceWorkloads, Why: "statefulsets.apps may not be listed with these credentials", Do: do},
	}
	if diff := cmp.Diff(want, got.Unread); diff != "" {
		t.Error(diff)
	}
	if !got.Velero || len(got.Namespaces) != 1 {
		t.Errorf("it stopped: %+v", got)
	}
}

func TestNothingCanBeReached(t *testing.T) {
	w := aWorld(t, "", nil)
	w.kube.PrependReactor("get", "version", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, errors.New("connection refused")
	})
	got := Take(t.Context(), w.clients(), Options{Now: now})
	want := []protection.Unread{{What: protection.SourceCluster, Why: "the cluster cannot be reached: connection refused", Do: "see its address and the credentials: kubectl version"}}
	if diff := cmp.Diff(want, got.Unread); diff != "" {
		t.Error(diff)
	}
	if r := protection.Judge(protection.Promises{{Name: "shop", Namespaces: []string{"shop"}}}, got); r.State != protection.Unknown {
		t.Errorf("of a cluster that cannot be reached the state is %s", r.State)
	}
}

// TestListsAreBounded holds that a list is read to its end, page after page, and no further than it may be long.
func TestListsAreBounded(t *testing.T) {
	for _, c := range []struct {
		name  string
		pages int
		want  error
	}{{"one", 1, nil}, {"several", 3, nil}, {"as many as may be", most / page, nil}, {"too many", most/page + 1, errTooMany}} {
		read := 0
		err := pages(t.Context(), func(opts metav1.ListOptions) (metav1.ListInterface, int, error) {
			if opts.Limit != page || opts.Continue != map[bool]string{true: fmt.Sprint(read)}[read > 0] {
				t.Errorf("%s: asked for %+v after %d", c.name, opts, read)
			}
			read++
			list := &unstructured.UnstructuredList{Object: map[string]any{}}
			if read < c.pages {
				list.SetContinue(fmt.Sprint(read))
			}
			return list, page, nil
		})
		if !errors.Is(err, c.want) || c.want == nil && read != c.pages {
			t.Errorf("%s: %v after %d pages", c.name, err, read)
		}
	}
}

func TestHowFarBehind(t *testing.T) {
	samples := func(values ...float64) (out []serving.Sample) {
		for _, v := range values {
			out = append(out, serving.Sample{Value: v})
		}
		return out
	}
	zero := 0.0
	for _, c := range []struct {
		name   string
		answer serving.Answer
		want   time.Duration
		known  bool
	}{
		{"the largest counts", serving.Answer{Samples: samples(1, 7.5, 2)}, 7500 * time.Millisecond, true},
		{"none at all", serving.Answer{Samples: samples(0)}, 0, true},
		{"no data", serving.Answer{}, 0, false},
		{"a part of the data", serving.Answer{Samples: samples(1), Warnings: []string{"a store is away"}}, 0, false},
		{"no number", serving.Answer{Samples: samples(1, zero/zero)}, 0, false},
		{"of the future", serving.Answer{Samples: samples(-1)}, 0, false},
		{"for ever", serving.Answer{Samples: samples(1 / zero)}, 0, false},
	} {
		if got, why := behind(c.answer); got != c.want || (why == "") != c.known {
			t.Errorf("%s: %s, %q", c.name, got, why)
		}
	}
}

func TestEvery(t *testing.T) {
	for cron, want := range map[string]time.Duration{"0 * * * *": time.Hour, "@every 30m": 30 * time.Minute, "0 8,17 * * *": 15 * time.Hour, "0 2 * * 1-5": 72 * time.Hour,
		"": 0, "x": 0, "0 0 30 2 *": 0} {
		if got := every(cron, now); got != want {
			t.Errorf("%q: %s, want %s", cron, got, want)
		}
	}
}
