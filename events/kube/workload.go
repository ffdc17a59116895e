package kube

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/events"
)

// seenWorkload is the state of a Deployment, StatefulSet or DaemonSet.
type seenWorkload struct {
	events.Workload
	template uint64 // names the pod template that is wanted; 0 when the revision is told by the object itself
}

func deploymentKind(client kubernetes.Interface) kind[seenWorkload] {
	return builtIn(client, "deployments", "deployments.apps", keyOf("Deployment"), client.AppsV1().Deployments, projectDeployment)
}

func statefulSetKind(client kubernetes.Interface) kind[seenWorkload] {
	return builtIn(client, "statefulsets", "statefulsets.apps", keyOf("StatefulSet"), client.AppsV1().StatefulSets, projectStatefulSet)
}

func daemonSetKind(client kubernetes.Interface) kind[seenWorkload] {
	return builtIn(client, "daemonsets", "daemonsets.apps", keyOf("DaemonSet"), client.AppsV1().DaemonSets, projectDaemonSet)
}

// keyOf is how the View knows an object of a kind.
func keyOf(kind string) func(namespace, name string) string {
	return func(namespace, name string) string { return kind + "/" + namespace + "/" + name }
}

// workload is what all three kinds have in common.
func workload(kind string, m *metav1.ObjectMeta, template *corev1.PodTemplateSpec) (seenWorkload, error) {
	if m.Name == "" || m.Namespace == "" || m.UID == "" || m.ResourceVersion == "" {
		return seenWorkload{}, fmt.Errorf("read %s: it has no name, namespace, UID or resource version", kind)
	}
	return seenWorkload{Workload: events.Workload{
		Kind: kind, Namespace: m.Namespace, Name: m.Name, UID: string(m.UID), ResourceVersion: m.ResourceVersion,
		Deleting: m.DeletionTimestamp != nil, Created: m.CreationTimestamp.UTC(), Generation: m.Generation,
		Changed: changeOf(m), Uses: usesOf(&template.Spec),
	}}, nil
}

func projectDeployment(d *appsv1.Deployment) (seenWorkload, error) {
	w, err := workload("Deployment", &d.ObjectMeta, &d.Spec.Template)
	if err != nil {
		return w, err
	}
	if w.template, err = templateOf(&d.Spec.Template); err != nil {
		return w, err
	}
	w.Observed, w.Paused, w.Desired = d.Status.ObservedGeneration, d.Spec.Paused, wanted(d.Spec.Replicas)
	w.Updated = int(d.Status.UpdatedReplicas)
	w.Ready = readyOf(d.Status.ReadyReplicas, d.Status.Replicas, d.Status.UpdatedReplicas)
	for _, c := range d.Status.Conditions {
		switch {
		case c.Type == appsv1.DeploymentProgressing && c.Status == corev1.ConditionFalse,
			c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue && w.Stuck == "":
			w.Stuck = text(c.Reason, maxReason)
		}
		if c.Type == appsv1.DeploymentProgressing && w.Observed >= w.Generation {
			w.Revision = hashIn(d.Name, c.Message)
		}
	}
	return w, nil
}

// hashIn is the pod-template-hash of the ReplicaSet of a Deployment that the message of its condition Progressing names.
func hashIn(deployment, message string) string {
	_, quoted, _ := strings.Cut(message, `"`)
	name, _, ok := strings.Cut(quoted, `"`)
	hash, of := strings.CutPrefix(name, deployment+"-")
	if !ok || !of || strings.Contains(hash, "-") {
		return ""
	}
	return text(hash, maxReason)
}

func projectStatefulSet(s *appsv1.StatefulSet) (seenWorkload, error) {
	w, err := workload("StatefulSet", &s.ObjectMeta, &s.Spec.Template)
	if err != nil {
		return w, err
	}
	if w.template, err = templateOf(&s.Spec.Template); err != nil {
		return w, err
	}
	w.Observed, w.Desired = s.Status.ObservedGeneration, wanted(s.Spec.Replicas)
	if w.Observed >= w.Generation {
		w.Revision = s.Status.UpdateRevision
	}
	w.Updated = int(s.Status.UpdatedReplicas)
	w.Ready = readyOf(s.Status.ReadyReplicas, s.Status.Replicas, s.Status.UpdatedReplicas)
	if held := heldBack(s); held > 0 {
		w.Updated, w.Ready = min(w.Desired, w.Updated+held), int(s.Status.ReadyReplicas)
	}
	return w, nil
}

// heldBack are the replicas that are to stay at an older revision.
func heldBack(s *appsv1.StatefulSet) int {
	if s.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType {
		return wanted(s.Spec.Replicas)
	}
	if r := s.Spec.UpdateStrategy.RollingUpdate; r != nil && r.Partition != nil {
		return int(*r.Partition)
	}
	return 0
}

func projectDaemonSet(d *appsv1.DaemonSet) (seenWorkload, error) {
	w, err := workload("DaemonSet", &d.ObjectMeta, &d.Spec.Template)
	if err != nil {
		return w, err
	}
	w.Observed, w.Desired = d.Status.ObservedGeneration, int(d.Status.DesiredNumberScheduled)
	w.Updated, w.Ready = int(d.Status.UpdatedNumberScheduled), readyOf(d.Status.NumberReady, d.Status.CurrentNumberScheduled, d.Status.UpdatedNumberScheduled)
	if d.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType {
		w.Updated, w.Ready = w.Desired, int(d.Status.NumberReady)
	}
	w.Revision = d.Annotations[appsv1.DeprecatedTemplateGeneration]
	if _, err := strconv.ParseInt(w.Revision, 10, 64); err != nil { // it is an annotation: anybody may have written it
		w.Revision = ""
		w.template, err = templateOf(&d.Spec.Template)
		return w, err
	}
	return w, nil
}

// wanted are the replicas that a spec asks for.
func wanted(replicas *int32) int {
	if replicas == nil {
		return 1
	}
	return int(*replicas)
}

// readyOf is how many replicas are surely both ready and updated: all that are not may be among the ready ones.
func readyOf(ready, all, updated int32) int { return max(0, int(ready)-max(0, int(all)-int(updated))) }

// templateOf names a pod template.
func templateOf(t *corev1.PodTemplateSpec) (uint64, error) {
	data, err := t.Marshal()
	if err != nil {
		return 0, errors.Join(errors.New("read pod template"), err)
	}
	return sum(string(data)), nil
}

func (w seenWorkload) identity() identity {
	return identity{keyOf(w.Kind)(w.Namespace, w.Name), w.UID, w.ResourceVersion}
}

// digest leaves out how many replicas there are: that they are all there, or not, is said by health.
func (w seenWorkload) digest() uint64 {
	texts := []string{w.Revision, w.Stuck, strconv.Itoa(w.Desired),
		strconv.FormatBool(w.Paused), strconv.FormatBool(w.Deleting), strconv.FormatBool(w.Healthy())}
	for _, use := range w.Uses {
		texts = append(texts, use.Kind, use.Name)
	}
	return sum(texts...)
}

func (w seenWorkload) ended(missed bool) seenWorkload {
	w.Gone, w.Missed = true, missed
	return w
}

func (w seenWorkload) statement() (typ events.Type, entity string, payload any) {
	return events.TypeWorkload, strings.ToLower(w.Kind) + "/" + w.Namespace + "/" + w.Name, w.Workload
}

func bareWorkload(id identity) seenWorkload {
	kind, namespace, name := keyParts(id.key)
	return seenWorkload{Workload: events.Workload{Kind: kind, Namespace: namespace, Name: name, UID: id.uid, ResourceVersion: id.version}}
}

// keyParts are those of a key of keyOf.
func keyParts(key string) (kind, namespace, name string) {
	kind, rest, _ := strings.Cut(key, "/")
	namespace, name, _ = strings.Cut(rest, "/")
	return kind, namespace, name
}

// workloadsOf are the workloads of a kind that a View knows, as states.
func workloadsOf(kind string, known map[string]events.Workload) map[string]seenWorkload {
	out := map[string]seenWorkload{}
	for key, w := range known {
		if w.Kind == kind {
			out[key] = seenWorkload{Workload: w}
		}
	}
	return out
}
