package rig

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Shop is the namespace of the workloads that Deploy makes.
const Shop = "shop"

// Deploy makes a Deployment named web and a StatefulSet named orders-db in the namespace shop and waits until both are
// available.
func (r *Rig) Deploy(ctx context.Context, replicas, stateful int32) error {
	manifest := fmt.Sprintf(workloads, replicas, stateful)
	if err := r.Stack.Apply(ctx, []byte(manifest)); err != nil {
		return err
	}
	return Wait(ctx, 90*time.Second, "the workloads are available", func(ctx context.Context) (bool, error) {
		return r.Available(ctx, replicas, stateful)
	})
}

// Available says whether so many replicas of both workloads are available.
func (r *Rig) Available(ctx context.Context, replicas, stateful int32) (bool, error) {
	web, err := r.Kube.AppsV1().Deployments(Shop).Get(ctx, "web", metav1.GetOptions{})
	if err != nil {
		return false, fmt.Errorf("read deployment web: %w", err)
	}
	db, err := r.Kube.AppsV1().StatefulSets(Shop).Get(ctx, "orders-db", metav1.GetOptions{})
	if err != nil {
		return false, fmt.Errorf("read statefulset orders-db: %w", err)
	}
	return deploymentUp(web, replicas) && db.Status.AvailableReplicas == stateful, nil
}

func deploymentUp(d *appsv1.Deployment, replicas int32) bool {
	return d.Status.ObservedGeneration >= d.Generation && d.Status.AvailableReplicas == replicas
}

// Spread has the pods of both workloads be where Deploy put them, one of each in every zone and of web on every node as far as they suffice: whatever
// left a node has left its pods elsewhere.
func (r *Rig) Spread(ctx context.Context, replicas, stateful int32) error {
	for range 5 {
		if ok, err := r.isSpread(ctx, replicas, stateful); err != nil || ok {
			return err
		}
		if err := r.Kube.CoreV1().Pods(Shop).DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "app in (web,orders-db)"}); err != nil {
			return fmt.Errorf("delete the pods of the shop: %w", err)
		}
		if err := Wait(ctx, time.Minute, "the workloads are available", func(ctx context.Context) (bool, error) { return r.settled(ctx, replicas, stateful) }); err != nil {
			return err
		}
	}
	return errors.New("spread the pods of the shop: the scheduler put them together five times")
}

// settled says that the workloads are available and that no pod of them is on its way out.
func (r *Rig) settled(ctx context.Context, replicas, stateful int32) (bool, error) {
	if ok, err := r.Available(ctx, replicas, stateful); err != nil || !ok {
		return false, err
	}
	pods, err := r.Kube.CoreV1().Pods(Shop).List(ctx, metav1.ListOptions{LabelSelector: "app in (web,orders-db)"})
	return err == nil && len(pods.Items) == int(replicas+stateful), err
}

func (r *Rig) isSpread(ctx context.Context, replicas, stateful int32) (bool, error) {
	nodes, err := r.Kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return false, fmt.Errorf("list the nodes: %w", err)
	}
	holds := map[string]bool{} // "app of node or zone"
	zones := map[string]bool{}
	for _, n := range nodes.Items {
		zone := n.Labels[corev1.LabelTopologyZone]
		zones[zone] = true
		pods, err := r.PodsOn(ctx, n.Name)
		if err != nil {
			return false, err
		}
		for _, pod := range pods {
			holds[pod.Labels["app"]+" of "+n.Name], holds[pod.Labels["app"]+" of "+zone] = true, true
		}
	}
	for zone := range zones {
		if int(stateful) >= len(zones) && !holds["orders-db of "+zone] || int(replicas) >= len(zones) && !holds["web of "+zone] {
			return false, nil
		}
	}
	return int(replicas) < len(nodes.Items) || !slices.ContainsFunc(nodes.Items, func(n corev1.Node) bool { return !holds["web of "+n.Name] }), nil
}

// SeesAll waits until a server has seen all nodes well.
func (r *Rig) SeesAll(ctx context.Context, s *Server) error {
	return Wait(ctx, 60*time.Second, "Salvor has seen all nodes well", func(ctx context.Context) (bool, error) {
		nodes, err := r.Kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, err
		}
		metrics, err := s.Metrics(ctx)
		return strings.Contains(metrics, fmt.Sprintf("salvor_nodes{cluster=%q,state=\"well\"} %d", Cluster, len(nodes.Items))), err
	})
}

// PodsOn are the pods of the shop that are bound to a node, by name.
func (r *Rig) PodsOn(ctx context.Context, node string) (map[string]corev1.Pod, error) {
	list, err := r.Kube.CoreV1().Pods(Shop).List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + node})
	if err != nil {
		return nil, fmt.Errorf("list the pods on %s: %w", node, err)
	}
	out := map[string]corev1.Pod{}
	for _, pod := range list.Items {
		out[pod.Name] = pod
	}
	return out, nil
}

// NodeOf is the node a pod of the shop is bound to.
func (r *Rig) NodeOf(ctx context.Context, pod string) (string, error) {
	p, err := r.Kube.CoreV1().Pods(Shop).Get(ctx, pod, metav1.GetOptions{})
	if err != nil {
		return "", fmt.Errorf("read pod %s: %w", pod, err)
	}
	return p.Spec.NodeName, nil
}

// Wait asks until the answer is yes, four times a second. It says what it waited for when that did not come in time.
func Wait(ctx context.Context, within time.Duration, what string, ask func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		yes, err := ask(ctx)
		if yes {
			return nil
		}
		select {
		case <-ctx.Done():
			if err != nil {
				return fmt.Errorf("wait %s until %s: %w", within, what, err)
			}
			return fmt.Errorf("wait %s until %s: it did not come", within, what)
		case <-time.After(250 * time.Millisecond):
		}
	}
}

const workloads = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: %d
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "registry.invalid/web:1"}]
      topologySpreadConstraints:
        - {maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app: web}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: orders-db, namespace: shop}
spec:
  serviceName: orders-db
  replicas: %d
  selector: {matchLabels: {app: orders-db}}
  template:
    metadata: {labels: {app: orders-db}}
    spec:
      topologySpreadConstraints:
        - {maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app: orders-db}}}
        - {maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app: orders-db}}}
      containers: [{name: db, image: "registry.invalid/db:1"}]
`
