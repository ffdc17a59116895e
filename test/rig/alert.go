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
	now := time.Now()
	return r.alert(ctx, name, node, now, now.Add(time.Hour))
}

// Resolve ends an alert that Alert fired.
func (r *Rig) Resolve(ctx context.Context, name, node string) error {
	now := time.Now()
	return r.alert(ctx, name, node, now.Add(-time.Second), now) // where it began earlier, Alertmanager keeps that
}

func (r *Rig) alert(ctx context.Context, name, node string, began, ends time.Time) error {
	body, err := json.Marshal([]map[string]any{{
		"labels":      map[string]string{"alertname": name, "node": node, "cluster": Cluster, "severity": "warning"},
		"annotations": map[string]string{"summary": "Node is not ready."},
		"startsAt":    began.UTC(), "endsAt": ends.UTC(),
	}})
	if err != nil {
		return fmt.Errorf("render alert %s: %w", name, err)
	}
	for _, url := range r.Stack.AlertmanagerURLs() {
		if err := post(ctx, url+"/api/v2/alerts", body); err != nil {
			return fmt.Errorf("send alert %s: %w", name, err)
		}
	}
	return nil
}

// Silence silences the alerts of a node at the first Alertmanager, as a person would. The function it gives ends that.
func (r *Rig) Silence(ctx context.Context, node, comment string) (end func(context.Context) error, err error) {
	body, err := json.Marshal(map[string]any{
		"matchers":  []map[string]any{{"name": "node", "value": node, "isRegex": false, "isEqual": true}},
		"createdBy": "alice", "comment": comment, "startsAt": time.Now().UTC(), "endsAt": time.Now().Add(time.Hour).UTC(),
	})
	if err != nil {
		return nil, fmt.Errorf("render a silence: %w", err)
	}
	at := r.Stack.AlertmanagerURLs()[0]
	said, err := send(ctx, http.MethodPost, at+"/api/v2/silences", body)
	if err != nil {
		return nil, fmt.Errorf("silence %s: %w", node, err)
	}
	var made struct {
		ID string `json:"silenceID"`
	}
	if err := json.Unmarshal(said, &made); err != nil {
		return nil, fmt.Errorf("silence %s: %w", node, err)
	}
	return func(ctx context.Context) error {
		_, err := send(ctx, http.MethodDelete, at+"/api/v2/silence/"+made.ID, nil)
		return err
	}, nil
}

func post(ctx context.Context, url string, body []byte) error {
	_, err := send(ctx, http.MethodPost, url, body)
	return err
}

func send(ctx context.Context, method, url string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", resp.Status, said)
	}
	return said, nil
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
