package workload

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders/placement"
)

// zoneParam is the argument that names a zone.
const zoneParam = "zone"

// survey is a cluster as seen from one of its zones.
type survey struct {
	zone            string
	lost            []string // nodes that are known to be lost, whatever the API server says
	inside, outside []*corev1.Node
	pods            []corev1.Pod // of all nodes and of none, but for those that have ended
	claims          map[string]corev1.PersistentVolumeClaim
	volumes         map[string]*corev1.PersistentVolume
}

// surveyed reads what there is. A zone without nodes is an error.
func surveyed(ctx context.Context, client kubernetes.Interface, zone string, lost []string) (*survey, error) {
	s := &survey{zone: zone, lost: lost}
	group, ctx := errgroup.WithContext(ctx)
	for _, read := range []func(context.Context, kubernetes.Interface) error{s.readNodes, s.readPods, s.readClaims, s.readVolumes} {
		group.Go(func() error { return read(ctx, client) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if len(s.inside) == 0 {
		return nil, fmt.Errorf("look at zone %s: no node has it as its %s", zone, corev1.LabelTopologyZone)
	}
	return s, nil
}

func (s *survey) readNodes(ctx context.Context, client kubernetes.Interface) error {
	list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list nodes: %w", err)
	}
	for i := range list.Items {
		node := &list.Items[i]
		if node.Labels[corev1.LabelTopologyZone] == s.zone {
			s.inside = append(s.inside, node)
		} else {
			s.outside = append(s.outside, node)
		}
	}
	return nil
}

func (s *survey) readPods(ctx context.Context, client kubernetes.Interface) error {
	list, err := client.CoreV1().Pods(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list pods: %w", err)
	}
	s.pods = slices.DeleteFunc(list.Items, func(pod corev1.Pod) bool { return placement.HasEnded(&pod) })
	return nil
}

func (s *survey) readClaims(ctx context.Context, client kubernetes.Interface) error {
	list, err := client.CoreV1().PersistentVolumeClaims(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list volume claims: %w", err)
	}
	s.claims = make(map[string]corev1.PersistentVolumeClaim, len(list.Items))
	for _, claim := range list.Items {
		s.claims[claim.Namespace+"/"+claim.Name] = claim
	}
	return nil
}

func (s *survey) readVolumes(ctx context.Context, client kubernetes.Interface) error {
	list, err := client.CoreV1().PersistentVolumes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list volumes: %w", err)
	}
	s.volumes = make(map[string]*corev1.PersistentVolume, len(list.Items))
	for i := range list.Items {
		s.volumes[list.Items[i].Name] = &list.Items[i]
	}
	return nil
}

// volumesOf are the volumes of a pod by its claims. A claim that has no volume yet gets one where the pod runs.
func (s *survey) volumesOf(pod *corev1.Pod) (volumes []*corev1.PersistentVolume, bound []string) {
	for _, name := range placement.Claims(pod) {
		key := pod.Namespace + "/" + name
		volume := s.volumes[s.claims[key].Spec.VolumeName]
		if volume == nil {
			continue
		}
		volumes = append(volumes, volume)
		if placement.Bound(volume, s.outside) {
			bound = append(bound, key)
		}
	}
	return volumes, bound
}

// silent are the names of the nodes of the zone that are not ready or known to be lost.
func (s *survey) silent() []string {
	names := []string{}
	for _, node := range s.inside {
		if !placement.IsReady(node) || slices.Contains(s.lost, node.Name) {
			names = append(names, node.Name)
		}
	}
	return names
}

// insideNames are the names of all nodes of the zone.
func (s *survey) insideNames() []string {
	var names []string
	for _, node := range s.inside {
		names = append(names, node.Name)
	}
	return names
}

// targets are nodes of the zone as targets.
func (s *survey) targets(names []string) []policies.Target {
	var out []policies.Target
	for _, node := range s.inside {
		if slices.Contains(names, node.Name) {
			out = append(out, policies.Target{Kind: "Node", Name: node.Name, UID: string(node.UID), Zone: s.zone})
		}
	}
	return out
}

// demandLost refuses unless the nodes are most of the zone: what answers is not written off with the rest.
func (s *survey) demandLost(nodes []string) error {
	for _, name := range nodes {
		if !slices.ContainsFunc(s.inside, func(n *corev1.Node) bool { return n.Name == name }) {
			return fmt.Errorf("%s is no node of zone %s", name, s.zone)
		}
	}
	if 2*len(nodes) <= len(s.inside) {
		return fmt.Errorf("only %d of %d nodes of zone %s are lost: a zone that answers is evacuated, not written off", len(nodes), len(s.inside), s.zone)
	}
	return nil
}

// demandAnswers refuses when most nodes of the zone do not answer: nothing on them obeys an eviction.
func (s *survey) demandAnswers() error {
	if silent := len(s.silent()); 2*silent > len(s.inside) {
		return fmt.Errorf("%d of %d nodes of zone %s do not answer: nothing on them can be evicted", silent, len(s.inside), s.zone)
	}
	return nil
}
