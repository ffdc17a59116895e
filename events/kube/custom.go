package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"

	"github.com/salvor-io/salvor/events"
)

// custom is a kind that Kubernetes itself does not define, and what is made of one.
type custom struct {
	kind     string // without its group
	resource schema.GroupVersionResource
	read     func(o *seenObject, from fields)
}

// customs are all of them. A cluster need not have any.
func customs() []custom {
	velero := schema.GroupVersion{Group: "velero.io", Version: "v1"}
	snapshots := schema.GroupVersion{Group: "snapshot.storage.k8s.io", Version: "v1"}
	argo := schema.GroupVersion{Group: "argoproj.io", Version: "v1alpha1"}
	kustomize := schema.GroupVersion{Group: "kustomize.toolkit.fluxcd.io", Version: "v1"}
	helm := schema.GroupVersion{Group: "helm.toolkit.fluxcd.io", Version: "v2"}
	return []custom{
		{"Backup", velero.WithResource("backups"), readBackup},
		{"Restore", velero.WithResource("restores"), readRestore},
		{"Schedule", velero.WithResource("schedules"), readSchedule},
		{"BackupStorageLocation", velero.WithResource("backupstoragelocations"), readLocation},
		{"VolumeSnapshot", snapshots.WithResource("volumesnapshots"), readSnapshot},
		{"VolumeSnapshotContent", snapshots.WithResource("volumesnapshotcontents"), readSnapshotContent},
		{"Application", argo.WithResource("applications"), readApplication},
		{"Kustomization", kustomize.WithResource("kustomizations"), readFlux},
		{"HelmRelease", helm.WithResource("helmreleases"), readFlux},
	}
}

// full is the kind with its group.
func (c custom) full() string { return c.kind + "." + c.resource.Group }

func (c custom) in(client dynamic.Interface) kind[seenObject] {
	api := client.Resource(c.resource)
	name := c.resource.GroupResource().String()
	return kind[seenObject]{
		name: name, resource: name, client: client, known: keyOf(c.full()), keep: typed(c.project), optional: true,
		list:  func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) { return api.List(ctx, opts) },
		watch: api.Watch,
		get: func(ctx context.Context, namespace, name string) (runtime.Object, error) {
			if namespace == "" {
				return api.Get(ctx, name, metav1.GetOptions{})
			}
			return api.Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
		},
	}
}

// project keeps of an object what judgements need. Fields that are missing, odd or huge say nothing, or less.
func (c custom) project(u *unstructured.Unstructured) (seenObject, error) {
	o, err := projectObject(c.full(), u)
	if err != nil {
		return o, err
	}
	from := fields(u.Object)
	if spec, err := json.Marshal(u.Object["spec"]); err == nil {
		o.Content = content(string(spec))
	}
	c.read(&o, from)
	o.Phase, o.Message = text(o.Phase, maxReason), text(o.Message, objectMessage)
	o.Every, o.Of.Name, o.Of.UID = text(o.Every, 128), text(o.Of.Name, 512), text(o.Of.UID, maxReason)
	return o, nil
}

// fields are those of an object that anybody may have written.
type fields map[string]any

func (f fields) at(path ...string) any {
	value, _, err := unstructured.NestedFieldNoCopy(f, path...)
	if err != nil {
		return nil
	}
	return value
}

func (f fields) text(path ...string) string {
	value, _ := f.at(path...).(string)
	return value
}

// time is a time of the years that can be written down.
func (f fields) time(path ...string) time.Time {
	t, err := time.Parse(time.RFC3339, f.text(path...))
	if err != nil || t.Year() < 1970 || t.Year() > 9999 {
		return time.Time{}
	}
	return t.UTC()
}

// list are the parts of a list that are objects.
func (f fields) list(path ...string) []fields {
	all, _ := f.at(path...).([]any)
	var out []fields
	for _, one := range all {
		if m, ok := one.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// first is the first text of a list.
func (f fields) first(path ...string) string {
	all, _ := f.at(path...).([]any)
	if len(all) == 0 {
		return ""
	}
	one, _ := all[0].(string)
	return one
}

func firstText(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

func refTo(kind, name string) events.Ref {
	if name == "" {
		return events.Ref{}
	}
	return events.Ref{Kind: kind, Name: name}
}

func readBackup(o *seenObject, from fields) {
	o.Phase = from.text("status", "phase")
	o.Message = firstText(from.text("status", "failureReason"), from.first("status", "validationErrors"))
	o.At = latest(from.time("status", "startTimestamp"), from.time("status", "completionTimestamp"))
	o.Of = refTo("Schedule", from.text("metadata", "labels", "velero.io/schedule-name"))
}

func readRestore(o *seenObject, from fields) {
	readBackup(o, from)
	o.Of = refTo("Backup", from.text("spec", "backupName"))
	mapping, _ := from.at("spec", "namespaceMapping").(map[string]any)
	included, _ := from.at("spec", "includedNamespaces").([]any)
	for _, item := range included[:min(len(included), mostInto)] {
		name, _ := item.(string)
		if into, mapped := mapping[name].(string); mapped {
			name = into
		}
		if name == "*" {
			o.Into = nil
			return
		}
		o.Into = append(o.Into, name)
	}
}

// mostInto bounds the namespaces that are told of a Restore.
const mostInto = 200

func readSchedule(o *seenObject, from fields) {
	o.Phase, o.Message = from.text("status", "phase"), from.first("status", "validationErrors")
	if from.at("spec", "paused") == true {
		o.Phase = "Paused"
	}
	o.At, o.Every = from.time("status", "lastBackup"), from.text("spec", "schedule")
	o.Due = due(o.Every, later(o.At, o.Created))
}

// due is when a cron expression, read as Velero reads it, is next met after a moment; zero when it never is or cannot be read.
func due(expression string, after time.Time) time.Time {
	if len(expression) > 128 || !strings.Contains(expression, " ") && !strings.HasPrefix(expression, "@") {
		return time.Time{} // the parser takes a time zone without anything behind it badly
	}
	schedule, err := cron.ParseStandard(expression)
	if err != nil {
		return time.Time{}
	}
	return schedule.Next(after).UTC()
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// readLocation leaves out when the location was last looked at, which is every minute.
func readLocation(o *seenObject, from fields) {
	o.Phase, o.Message = from.text("status", "phase"), from.text("status", "message")
}

func readSnapshot(o *seenObject, from fields) {
	switch ready := from.at("status", "readyToUse"); {
	case ready == true:
		o.Phase = "Ready"
	case from.at("status", "error") != nil:
		o.Phase, o.Message = "Failed", from.text("status", "error", "message")
	default:
		o.Phase = "Pending"
	}
	o.At = from.time("status", "creationTime")
	o.Of = refTo("PersistentVolumeClaim", from.text("spec", "source", "persistentVolumeClaimName"))
}

func readSnapshotContent(o *seenObject, from fields) {
	readSnapshot(o, from)
	if nanos, ok := from.at("status", "creationTime").(int64); ok && nanos > 0 {
		o.At = time.Unix(0, nanos).UTC()
	}
	o.Of = events.Ref{}
	if name := from.text("spec", "volumeSnapshotRef", "name"); name != "" {
		o.Of = events.Ref{Kind: "VolumeSnapshot", Name: from.text("spec", "volumeSnapshotRef", "namespace") + "/" + name,
			UID: from.text("spec", "volumeSnapshotRef", "uid")}
	}
}

// readApplication says how its parts are when that is bad, and else whether they are as they should be.
func readApplication(o *seenObject, from fields) {
	o.Phase = from.text("status", "sync", "status")
	if health := from.text("status", "health", "status"); health == "Degraded" || health == "Missing" {
		o.Phase, o.Message = health, from.text("status", "health", "message")
	}
	for _, c := range from.list("status", "conditions") {
		o.Message = firstText(o.Message, c.text("message"))
	}
	o.Message = firstText(o.Message, from.text("status", "operationState", "message"))
	o.At = from.time("status", "operationState", "finishedAt")
}

// readFlux says why it is not ready, in the words of its condition.
func readFlux(o *seenObject, from fields) {
	for _, c := range from.list("status", "conditions") {
		if c.text("type") != "Ready" {
			continue
		}
		o.Phase, o.Message, o.At = c.text("reason"), c.text("message"), c.time("lastTransitionTime")
		if c.text("status") == "True" {
			o.Phase = "Ready"
		}
	}
	if from.at("spec", "suspend") == true {
		o.Phase = "Suspended"
	}
}

// definitionKind are the CustomResourceDefinitions, of which only the metadata are asked for: their schemas are large.
func definitionKind(client metadata.Interface) kind[seenObject] {
	api := client.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	return kind[seenObject]{
		name: "customresourcedefinitions", resource: "customresourcedefinitions.apiextensions.k8s.io", client: client,
		known: keyOf("CustomResourceDefinition"), keep: typed(projectDefinition),
		list:  func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) { return api.List(ctx, opts) },
		watch: api.Watch,
		get: func(ctx context.Context, _, name string) (runtime.Object, error) {
			return api.Get(ctx, name, metav1.GetOptions{})
		},
	}
}

// projectDefinition tells one content from another by its generation, which the API server counts.
func projectDefinition(m *metav1.PartialObjectMetadata) (seenObject, error) {
	o, err := projectObject("CustomResourceDefinition", m)
	o.Content = content("generation", fmt.Sprint(m.Generation))
	return o, err
}
