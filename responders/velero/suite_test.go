package velero

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/responderstest"
)

var env = responders.Env{Cluster: "east", Incident: "inc-1", Step: "Bring it back", Now: time.Date(2026, 3, 2, 3, 2, 0, 0, time.UTC)}

// definition is the definition of a kind of Velero's, which knows these fields.
func definition(plural, kind string, fields ...string) string {
	properties := map[string]any{}
	for _, f := range fields {
		properties[f] = map[string]any{"type": "string"}
	}
	raw, _ := json.Marshal(map[string]any{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": plural + ".velero.io"}, "spec": map[string]any{"group": "velero.io", "names": map[string]any{"plural": plural, "kind": kind},
			"versions": []any{map[string]any{"name": "v1", "served": true, "schema": map[string]any{"openAPIV3Schema": map[string]any{
				"properties": map[string]any{"spec": map[string]any{"properties": properties}}}}}}}})
	return string(raw)
}

// kinds are the definitions of a Velero of today.
func kinds() []string {
	return []string{
		definition("backups", "Backup", "includedNamespaces", "snapshotMoveData", "defaultVolumesToFsBackup"), definition("schedules", "Schedule", "schedule", "template"),
		definition("restores", "Restore", "backupName", "existingResourcePolicy", "resourceModifier", "preserveNodePorts"),
		definition("downloadrequests", "DownloadRequest"), definition("podvolumebackups", "PodVolumeBackup"), definition("podvolumerestores", "PodVolumeRestore"),
		strings.ReplaceAll(definition("datadownloads", "DataDownload"), `"name":"v1"`, `"name":"v2alpha1"`),
		strings.ReplaceAll(definition("datauploads", "DataUpload"), `"name":"v1"`, `"name":"v2alpha1"`),
	}
}

// holdings is what the backups of the tests hold, as Velero lists it.
var holdings = map[string][]string{
	"apps/v1/Deployment": {"shop/web", "pay/web"}, "apps/v1/StatefulSet": {"shop/db"}, "apps/v1/DaemonSet": {"shop/log"}, "apps/v1/ReplicaSet": {"shop/web-1"},
	"v1/ConfigMap": {"shop/settings"}, "v1/Secret": {"shop/key"}, "v1/Service": {"shop/web"}, "v1/ServiceAccount": {"shop/web"},
	"v1/PersistentVolumeClaim": {"shop/data", "shop/cold"}, "v1/Pod": {"shop/web-1-a"}, "v1/Namespace": {"shop"}, "v1/LimitRange": {"shop/small"}, "v1/ResourceQuota": {"shop/much"},
	"autoscaling/v2/HorizontalPodAutoscaler": {"shop/web"}, "batch/v1/CronJob": {"shop/nightly"}, "networking.k8s.io/v1/Ingress": {"shop/web"},
	"networking.k8s.io/v1/NetworkPolicy": {"shop/web"}, "policy/v1/PodDisruptionBudget": {"shop/web"}, "rbac.authorization.k8s.io/v1/RoleBinding": {"shop/web"},
	"rbac.authorization.k8s.io/v1/Role": {"shop/web"}, "example.com/v1/Widget": {"shop/w"}, "v1/PersistentVolume": {"pv-1"},
}

// velero plays Velero: it carries out what it is told at once, and serves its documents.
type velero struct {
	store     *httptest.Server
	documents map[string]any // by kind and name
	ignores   func(name string) bool
	phase     string          // in which a restore ends
	errors    int             // how many errors it ends with
	skips     map[string]bool // what it does not bring back, as "deployment/web"
	edit      func(o *unstructured.Unstructured)
	moving    bool // what it begins has a data mover that never ends, whatever it is told
}

func newVelero(t *testing.T) *velero {
	v := &velero{phase: "Completed", documents: map[string]any{}, ignores: func(string) bool { return false }, skips: map[string]bool{}, edit: func(*unstructured.Unstructured) {}}
	v.store = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		document, ok := v.documents[strings.TrimPrefix(r.URL.Path, "/")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if raw, is := document.([]byte); is {
			_, _ = w.Write(raw)
			return
		}
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_ = json.NewEncoder(z).Encode(document)
		_ = z.Close()
		_, _ = w.Write(packed.Bytes())
	}))
	t.Cleanup(v.store.Close)
	return v
}

// place is a storage location in the store.
func (v *velero) place() string {
	return strings.ReplaceAll(strings.ReplaceAll(place, "http://127.0.0.1:7000", v.store.URL), "03:00:00", "03:01:00")
}

func (v *velero) play(s *responderstest.Stage) {
	for _, o := range s.All(group, "downloadrequests") {
		if url, _, _ := unstructured.NestedString(o.Object, "status", "downloadURL"); url == "" {
			kind, _, _ := unstructured.NestedString(o.Object, "spec", "target", "kind")
			name, _, _ := unstructured.NestedString(o.Object, "spec", "target", "name")
			o.Object["status"] = map[string]any{"phase": "Processed", "downloadURL": v.store.URL + "/" + kind + "/" + name, "expiration": "2099-01-01T00:00:00Z"}
			s.Put(o)
		}
	}
	for _, kind := range []string{"restores", "backups", "schedules"} {
		for _, o := range s.All(group, kind) {
			if phase, _, _ := unstructured.NestedString(o.Object, "status", "phase"); phase == "" && !v.ignores(o.GetName()) {
				v.carryOut(s, kind, o)
			}
		}
	}
}

func (v *velero) carryOut(s *responderstest.Stage, kind string, o *unstructured.Unstructured) {
	status := map[string]any{"phase": v.phase, "errors": int64(v.errors), "startTimestamp": "2026-03-02T03:03:00Z", "completionTimestamp": "2026-03-02T03:03:30Z"}
	switch kind {
	case "restores":
		v.bringBack(s, o)
		spec := o.Object["spec"].(map[string]any)
		spec["itemOperationTimeout"] = "4h0m0s" // as Velero adds
		o.SetFinalizers([]string{"restores.velero.io/external-resources-finalizer"})
		v.documents["RestoreResourceList/"+o.GetName()] = map[string][]string{"apps/v1/Deployment": {"shop-check/web(created)", "shop-check/left-out()", "shop-check/refused(failed)"}}
		v.documents["RestoreResults/"+o.GetName()] = map[string]outcomes{"errors": {Namespaces: map[string][]string{"shop": {"deployments.apps/web: admission webhook denied"}}}}
	case "schedules":
		status = map[string]any{"phase": "Enabled"}
	}
	o.SetCreationTimestamp(stamp("2026-03-02T03:03:00Z"))
	o.Object["status"] = status
	s.Put(o)
	if v.moving {
		s.Put(mover(o, "InProgress"))
	}
}

// mover is a data mover of a restore or a backup.
func mover(of *unstructured.Unstructured, phase string) *unstructured.Unstructured {
	kind, label := "DataDownload", restoreLabel
	if of.GetKind() == "Backup" {
		kind, label = "DataUpload", backupLabel
	}
	o := thing("velero.io/v2alpha1", kind, of.GetNamespace(), "mover-"+of.GetName())
	o.SetLabels(map[string]string{label: of.GetName()})
	o.Object["spec"], o.Object["status"] = map[string]any{"cancel": false}, map[string]any{"phase": phase}
	return o
}

// endMovers lets a data mover end that is told to, unless it is stubborn.
func endMovers(s *responderstest.Stage) {
	for _, o := range s.All(group, "datadownloads") {
		if told, _, _ := unstructured.NestedBool(o.Object, "spec", "cancel"); told && isMoving(o) && o.GetName() == "mover" {
			o.Object["status"] = map[string]any{"phase": "Canceled"}
			s.Put(o)
		}
	}
}

// bringBack makes what a restore of the holdings makes, in the namespaces that it includes or those to which they are mapped.
func (v *velero) bringBack(s *responderstest.Stage, restore *unstructured.Unstructured) {
	included, _, _ := unstructured.NestedStringSlice(restore.Object, "spec", "includedNamespaces")
	for _, from := range included {
		into, mapped, _ := unstructured.NestedString(restore.Object, "spec", "namespaceMapping", from)
		if !mapped {
			into = from
		}
		v.bringBackOne(s, from, into)
	}
}

func (v *velero) bringBackOne(s *responderstest.Stage, from, into string) {
	if s.One("", "namespaces", "", into) == nil {
		space := thing("v1", "Namespace", "", into)
		space.SetCreationTimestamp(stamp("2026-03-02T03:03:01Z"))
		s.Put(space)
	}
	for versioned, names := range holdings {
		at := strings.LastIndex(versioned, "/")
		for _, entry := range names {
			namespace, name, _ := strings.Cut(entry, "/")
			if namespace != from || v.skips[strings.ToLower(versioned[at+1:])+"/"+name] {
				continue
			}
			o := thing(versioned[:at], versioned[at+1:], into, name)
			switch o.GetKind() {
			case "Deployment", "StatefulSet":
				o.Object["spec"], o.Object["status"] = map[string]any{"replicas": int64(2)}, map[string]any{"availableReplicas": int64(2)}
			case "DaemonSet":
				o.Object["status"] = map[string]any{"desiredNumberScheduled": int64(3), "numberAvailable": int64(3)}
			case "PersistentVolumeClaim":
				o.Object["spec"], o.Object["status"] = map[string]any{"storageClassName": "later"}, map[string]any{"phase": "Bound"}
				if name == "cold" {
					o.Object["spec"] = map[string]any{"storageClassName": "later", "volumeName": "pv-cold"}
					o.Object["status"] = map[string]any{"phase": "Pending"}
				}
			}
			v.edit(o)
			s.Put(o)
		}
	}
}

func thing(apiVersion, kind, namespace, name string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": apiVersion, "kind": kind}}
	o.SetNamespace(namespace)
	o.SetName(name)
	return o
}
