package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Alert fires an alert about a node at every Alertmanager of the stack, as a Prometheus would.
func (r *Rig) Alert(ctx context.Context, name, node string) error {
	body, err := json.Marshal([]map[string]any{{
		"labels":      map[string]string{"alertname": name, "node": node, "cluster": Cluster, "severity": "warning"},
		"annotations": map[string]string{"summary": "Node is not ready."},
		"startsAt":    time.Now().UTC(), "endsAt": time.Now().Add(time.Hour).UTC(),
	}})
	if err != nil {
		return fmt.Errorf("render alert %s: %w", name, err)
	}
	for _, url := range r.Stack.AlertmanagerURLs() {
		if err := post(ctx, url+"/api/v2/alerts", body); err != nil {
			return fmt.Errorf("fire alert %s: %w", name, err)
		}
	}
	return nil
}

func post(ctx context.Context, url string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", resp.Status, said)
	}
	return nil
}

// Untouched says what Salvor left behind on a node: a cordon, a taint, an annotation; nil when there is nothing.
func (r *Rig) Untouched(ctx context.Context, node string) error {
	n, err := r.Kube.CoreV1().Nodes().Get(ctx, node, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("read node %s: %w", node, err)
	}
	if n.Spec.Unschedulable || len(n.Spec.Taints) > 0 {
		return fmt.Errorf("node %s is not as it was: unschedulable %v, taints %v", node, n.Spec.Unschedulable, n.Spec.Taints)
	}
	for key := range n.Annotations {
		if len(key) > 10 && key[:10] == "salvor.io/" {
			return fmt.Errorf("node %s still carries the annotation %s", node, key)
		}
	}
	return nil
}
