package rig

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Ingress starts a stand-in of the way into the shop: it answers 200 while at least so many pods of web are ready on nodes that are ready, since
// fewer cannot bear the load, and 503 otherwise. It ends by Close.
func (r *Rig) Ingress(least int) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		ctx, cancel := context.WithTimeout(req.Context(), 3*time.Second)
		defer cancel()
		bear, err := r.bears(ctx)
		if err != nil || bear < least {
			http.Error(w, fmt.Sprintf("%d of %d pods bear the load: %v", bear, least, err), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "the shop is open")
	}))
}

// bears counts the pods of web that are ready, on nodes that are.
func (r *Rig) bears(ctx context.Context) (int, error) {
	nodes, err := r.Kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return 0, fmt.Errorf("list the nodes: %w", err)
	}
	well := map[string]bool{}
	for _, n := range nodes.Items {
		for _, c := range n.Status.Conditions {
			well[n.Name] = well[n.Name] || c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
		}
	}
	pods, err := r.Kube.CoreV1().Pods(Shop).List(ctx, metav1.ListOptions{LabelSelector: "app=web"})
	if err != nil {
		return 0, fmt.Errorf("list the pods of web: %w", err)
	}
	count := 0
	for _, p := range pods.Items {
		if well[p.Spec.NodeName] && ready(p) {
			count++
		}
	}
	return count, nil
}

func ready(p corev1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue && p.DeletionTimestamp == nil
		}
	}
	return false
}
