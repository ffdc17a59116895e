package node

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/placement"
)

// outOfParam is the argument that names the zone out of which what the nodes hold is to move.
var outOfParam = responders.Param{Name: "outOf", Type: responders.ParamString,
	About: "name of a zone: nodes of which nothing could run outside of it stay in service; all are put out of service if not given"}

// ties say which claims hold volumes that can be used in one zone only. Those of no zone tie nothing.
type ties struct {
	zone  string
	bound map[string]bool // claims, as namespace/name
}

// readTies looks at all volumes of the cluster.
func readTies(ctx context.Context, client kubernetes.Interface, zone string) (ties, error) {
	if zone == "" {
		return ties{}, nil
	}
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return ties{}, fmt.Errorf("list nodes: %w", err)
	}
	volumes, err := client.CoreV1().PersistentVolumes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return ties{}, fmt.Errorf("list volumes: %w", err)
	}
	claims, err := client.CoreV1().PersistentVolumeClaims(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return ties{}, fmt.Errorf("list volume claims: %w", err)
	}
	return tiesTo(zone, nodes.Items, volumes.Items, claims.Items), nil
}

func tiesTo(zone string, nodes []corev1.Node, volumes []corev1.PersistentVolume, claims []corev1.PersistentVolumeClaim) ties {
	var outside []*corev1.Node
	for i := range nodes {
		if nodes[i].Labels[corev1.LabelTopologyZone] != zone {
			outside = append(outside, &nodes[i])
		}
	}
	tied := map[string]bool{}
	for i := range volumes {
		tied[volumes[i].Name] = placement.Bound(&volumes[i], outside)
	}
	t := ties{zone, map[string]bool{}}
	for _, claim := range claims {
		t.bound[claim.Namespace+"/"+claim.Name] = tied[claim.Spec.VolumeName]
	}
	return t
}

// holdAll says that releasing a node would bring none of these pods up elsewhere: each is tied to the zone, belongs to its node, has nobody
// who replaces it, or needs no release to be replaced. To detach volumes by force for such pods has a price and no use.
func (t ties) holdAll(pods []corev1.Pod) bool {
	return t.zone != "" && !slices.ContainsFunc(pods, t.gains)
}

// gains says that a pod can run elsewhere once its node is released, and not before.
func (t ties) gains(pod corev1.Pod) bool {
	owner, claims := metav1.GetControllerOf(&pod), placement.Claims(&pod)
	if owner == nil || owner.Kind == "Node" || !leaves(pod) {
		return false
	}
	stateless := (owner.Kind == "ReplicaSet" || owner.Kind == "ReplicationController") && !placement.IsTied(&pod)
	return !stateless && !slices.ContainsFunc(claims, func(name string) bool { return t.bound[pod.Namespace+"/"+name] })
}
