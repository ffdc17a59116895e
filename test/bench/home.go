package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/salvor-io/salvor/test/rig"
)

const (
	homeReplicas  = 3
	homeNamespace = "bench"
)

// home is a node with a Deployment and a StatefulSet that run on it as long as it lives, and what becomes of them.
type home struct {
	node      string
	lost      time.Time // when its Lease was last renewed
	stateless time.Time // when the Deployment first ran elsewhere in full
	stateful  time.Time // when the StatefulSet did
}

// recovered says whether both run elsewhere.
func (h *home) recovered() bool { return !h.stateless.IsZero() && !h.stateful.IsZero() }

// took is in seconds.
func (h *home) took(until time.Time) float64 { return until.Sub(h.lost).Seconds() }

// house makes the workloads of the nodes and waits until each runs on its own.
func house(ctx context.Context, r *rig.Rig, nodes []string) ([]*home, error) {
	var homes []*home
	for _, node := range nodes {
		manifest := strings.NewReplacer("NODE", node, "REPLICAS", fmt.Sprint(homeReplicas)).Replace(workloads)
		if err := r.Stack.Apply(ctx, []byte(manifest)); err != nil {
			return nil, err
		}
		homes = append(homes, &home{node: node})
	}
	return homes, rig.Wait(ctx, time.Minute, "each workload runs on its own node", func(ctx context.Context) (bool, error) {
		pods, err := running(ctx, r)
		if err != nil {
			return false, err
		}
		for _, h := range homes {
			if at := count(pods, "web-"+h.node, h.at); at != homeReplicas {
				return false, fmt.Errorf("%d of %d pods of web-%s run there", at, homeReplicas, h.node)
			}
			if count(pods, "db-"+h.node, h.at) != 1 {
				return false, fmt.Errorf("db-%s does not run there", h.node)
			}
		}
		return true, nil
	})
}

func (h *home) at(node string) bool   { return node == h.node }
func (h *home) away(node string) bool { return node != h.node }

// running are the pods that are ready and not being deleted.
func running(ctx context.Context, r *rig.Rig) ([]corev1.Pod, error) {
	list, err := r.Kube.CoreV1().Pods(homeNamespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list the pods: %w", err)
	}
	var out []corev1.Pod
	for _, pod := range list.Items {
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue && pod.DeletionTimestamp == nil {
				out = append(out, pod)
			}
		}
	}
	return out, nil
}

// count counts the pods of an application on the nodes that where admits.
func count(pods []corev1.Pod, app string, where func(node string) bool) int {
	n := 0
	for _, pod := range pods {
		if pod.Labels["app"] == app && where(pod.Spec.NodeName) {
			n++
		}
	}
	return n
}

// watch looks four times a second until all homes are done.
func watch(ctx context.Context, r *rig.Rig, homes []*home, within time.Duration, done func(*home) bool) error {
	return rig.Wait(ctx, within, "the workloads run elsewhere", func(ctx context.Context) (bool, error) {
		if err := look(ctx, r, homes); err != nil {
			return false, err
		}
		for _, h := range homes {
			if !done(h) {
				return false, fmt.Errorf("those of %s do not", h.node)
			}
		}
		return true, nil
	})
}

// look notes what runs elsewhere now.
func look(ctx context.Context, r *rig.Rig, homes []*home) error {
	pods, err := running(ctx, r)
	if err != nil {
		return err
	}
	now := time.Now()
	for _, h := range homes {
		if h.stateless.IsZero() && count(pods, "web-"+h.node, h.away) >= homeReplicas {
			h.stateless = now
		}
		if h.stateful.IsZero() && count(pods, "db-"+h.node, h.away) >= 1 {
			h.stateful = now
		}
	}
	return nil
}

// workloads are those of one home. The constraint spreads nothing: it takes the place of the scheduler's own ones, so that
// the affinity decides for as long as the node is there.
const workloads = `
apiVersion: v1
kind: Namespace
metadata: {name: bench}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web-NODE, namespace: bench}
spec:
  replicas: REPLICAS
  selector: {matchLabels: {app: web-NODE}}
  template:
    metadata: {labels: {app: web-NODE}}
    spec:
      containers: [{name: app, image: "registry.invalid/app:1"}]
      affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 100, preference:
        {matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [NODE]}]}}]}}
      topologySpreadConstraints: [{maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway,
        labelSelector: {matchLabels: {spread: nothing}}}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db-NODE, namespace: bench}
spec:
  serviceName: db-NODE
  replicas: 1
  selector: {matchLabels: {app: db-NODE}}
  template:
    metadata: {labels: {app: db-NODE}}
    spec:
      containers: [{name: app, image: "registry.invalid/app:1"}]
      affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 100, preference:
        {matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [NODE]}]}}]}}
      topologySpreadConstraints: [{maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway,
        labelSelector: {matchLabels: {spread: nothing}}}]
`
