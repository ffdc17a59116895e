package volume

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/policies"
)

// owner is a workload that can be stopped by giving it no replicas.
type owner struct {
	object
	target   policies.Target
	replicas int32
	deletes  bool // it deletes the claims of pods that it gives up
}

// stopped is what is written on a workload that is stopped.
type stopped struct {
	For      string `json:"for"` // token of the step
	Incident string `json:"incident"`
	Replicas int32  `json:"replicas"` // to give back
}

// mark reads by which step a workload was stopped; nil where it was by none, or that cannot be read.
func (o owner) mark() *stopped {
	var mark stopped
	if json.Unmarshal([]byte(o.meta.Annotations[StoppedAnnotation]), &mark) != nil || mark.For == "" || mark.Replicas < 0 {
		return nil
	}
	return &mark
}

// crew is the workloads of a namespace by UID, and which of them a ReplicaSet belongs to.
type crew map[types.UID]owner

// crewOf reads the workloads of a namespace.
func crewOf(ctx context.Context, client kubernetes.Interface, namespace string) (crew, error) {
	all, apps, few := crew{}, client.AppsV1(), metav1.ListOptions{Limit: most}
	deployments, err := apps.Deployments(namespace).List(ctx, few)
	if err != nil || deployments.Continue != "" {
		return nil, unlisted("deployments", namespace, err)
	}
	for i := range deployments.Items {
		d := &deployments.Items[i]
		all.add("Deployment", &d.ObjectMeta, d.Spec.Replicas, false)
	}
	sets, err := apps.StatefulSets(namespace).List(ctx, few)
	if err != nil || sets.Continue != "" {
		return nil, unlisted("statefulsets", namespace, err)
	}
	for i := range sets.Items {
		s := &sets.Items[i]
		keeps := s.Spec.PersistentVolumeClaimRetentionPolicy
		all.add("StatefulSet", &s.ObjectMeta, s.Spec.Replicas, keeps != nil && keeps.WhenScaled == appsv1.DeletePersistentVolumeClaimRetentionPolicyType)
	}
	replicas, err := apps.ReplicaSets(namespace).List(ctx, few)
	if err != nil || replicas.Continue != "" {
		return nil, unlisted("replicasets", namespace, err)
	}
	for i := range replicas.Items {
		all.addReplicaSet(&replicas.Items[i])
	}
	return all, nil
}

func unlisted(what, namespace string, err error) error {
	if err != nil {
		return fmt.Errorf("list the %s of namespace %s: %w", what, namespace, err)
	}
	return fmt.Errorf("list the %s of namespace %s: there are more than %d", what, namespace, most)
}

func (c crew) add(kind string, meta *metav1.ObjectMeta, replicas *int32, deletes bool) {
	o := owner{object: object{schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: strings.ToLower(kind) + "s"}, meta}, replicas: 1, deletes: deletes,
		target: policies.Target{Kind: kind, Namespace: meta.Namespace, Name: meta.Name, UID: string(meta.UID)}}
	if replicas != nil {
		o.replicas = *replicas
	}
	c[meta.UID] = o
}

// addReplicaSet adds one under its own UID: as the Deployment that it belongs to, or as itself.
func (c crew) addReplicaSet(set *appsv1.ReplicaSet) {
	if ref := metav1.GetControllerOf(set); ref != nil {
		if over, ok := c[ref.UID]; ok {
			c[set.UID] = over
			return
		}
	}
	c.add("ReplicaSet", &set.ObjectMeta, set.Spec.Replicas, false)
}

// stoppedBy are the workloads that a step has stopped, in the order of their names.
func (c crew) stoppedBy(token string) []owner {
	var out []owner
	for uid, o := range c {
		if mark := o.mark(); uid == o.meta.UID && mark != nil && mark.For == token {
			out = append(out, o)
		}
	}
	return inOrder(out)
}

// ownersOf are the workloads of pods. A pod that is of none of them cannot be stopped by Salvor, which is an error.
func (c crew) ownersOf(pods []corev1.Pod) ([]owner, error) {
	byUID := map[types.UID]owner{}
	for _, pod := range pods {
		ref := metav1.GetControllerOf(&pod)
		if ref == nil {
			return nil, fmt.Errorf("pod %s/%s uses the claim and no controller: delete it", pod.Namespace, pod.Name)
		}
		o, ok := c[ref.UID]
		if !ok {
			return nil, fmt.Errorf("pod %s/%s uses the claim and is of %s %s, which Salvor cannot stop: stop it", pod.Namespace, pod.Name, ref.Kind, ref.Name)
		}
		byUID[o.meta.UID] = o
	}
	var out []owner
	for _, o := range byUID {
		out = append(out, o)
	}
	return inOrder(out), nil
}

func inOrder(owners []owner) []owner {
	slices.SortFunc(owners, func(a, b owner) int { return strings.Compare(a.target.String(), b.target.String()) })
	return owners
}

// holders are the pods that keep Kubernetes from letting a claim go.
type holders struct {
	users   []corev1.Pod // that have not ended
	remains []corev1.Pod // that have ended, and hold it until they are deleted
}

// heldBy are the pods that name a claim, but the step's own. One that has ended keeps a claim from going all the same, once it came to a node
// (kube-controller-manager, pvc-protection-controller).
func (r room) heldBy(ctx context.Context, namespace, claim string) (h holders, err error) {
	list, err := r.reader.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return h, fmt.Errorf("list the pods of namespace %s: %w", namespace, err)
	}
	for _, pod := range list.Items {
		ended := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
		switch {
		case pod.Labels[ForLabel] == r.token || !uses(pod, claim):
		case !ended:
			h.users = append(h.users, pod)
		case pod.Spec.NodeName != "":
			h.remains = append(h.remains, pod)
		}
	}
	return h, nil
}

// mayStop refuses a claim that is held where nobody agreed to let it go.
func (h holders) mayStop(agreed bool) error {
	switch {
	case agreed:
		return nil
	case len(h.users) > 0:
		return fmt.Errorf("it is used by %s: stop them, or set \"stop: true\"", namesOf(h.users))
	case len(h.remains) > 0:
		return fmt.Errorf("it is held by %s, ended and not deleted: delete them, or set \"stop: true\"", namesOf(h.remains))
	}
	return nil
}

// clear is the move that deletes pods which have ended and hold a claim.
func (s swap) clear(claim string, ended []corev1.Pod, done int) move {
	if len(ended) == 0 {
		return move{}
	}
	m := move{done: done, open: fmt.Sprintf("claim %s is held by %s, which have ended", claim, namesOf(ended))}
	left := slices.DeleteFunc(slices.Clone(ended), func(pod corev1.Pod) bool { return pod.DeletionTimestamp != nil })
	if len(left) == 0 {
		return m
	}
	m.do = func(ctx context.Context) error {
		for i := range left {
			if err := s.hand.remove(ctx, object{podKind, &left[i].ObjectMeta}); err != nil {
				return err
			}
		}
		return nil
	}
	return m
}

// uses says whether a pod holds a claim, one that is made for a volume of its own (ephemeral) included.
func uses(pod corev1.Pod, claim string) bool {
	return slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool {
		return v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ClaimName == claim || v.Ephemeral != nil && pod.Name+"-"+v.Name == claim
	})
}
