package supervisor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"

	"github.com/salvor-io/salvor/test/stack/internal/control"
)

// object is a Kubernetes object as it is sent.
type object = map[string]any

// nodeObject is what the kubelet of a node would register. The index makes the addresses of a node its own.
func nodeObject(n control.Node, region string, index int) object {
	labels := map[string]string{
		"kubernetes.io/arch":            "amd64",
		"kubernetes.io/hostname":        n.Name,
		"kubernetes.io/os":              "linux",
		"topology.kubernetes.io/region": region,
		"topology.kubernetes.io/zone":   n.Zone,
	}
	maps.Copy(labels, n.Labels)
	pods := fmt.Sprintf("10.%d.%d.0/24", 100+index/256, index%256)
	capacity := object{"cpu": "8", "memory": "32Gi", "pods": "110", "ephemeral-storage": "100Gi"}
	return object{
		"apiVersion": "v1",
		"kind":       "Node",
		"metadata":   object{"name": n.Name, "labels": labels},
		"spec": object{
			"providerID": fmt.Sprintf("kwok://%s/%s", n.Zone, n.Name),
			"podCIDR":    pods,
			"podCIDRs":   []string{pods},
		},
		"status": object{
			"addresses": []object{
				{"type": "InternalIP", "address": fmt.Sprintf("10.0.%d.%d", index/250, index%250+1)},
				{"type": "Hostname", "address": n.Name},
			},
			"allocatable": capacity,
			"capacity":    capacity,
		},
	}
}

// humanBinding lets a person do what a cluster administrator may.
func humanBinding() object {
	return object{
		"apiVersion": "rbac.authorization.k8s.io/v1",
		"kind":       "ClusterRoleBinding",
		"metadata":   object{"name": "stack-humans"},
		"roleRef":    object{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
		"subjects":   []object{{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "humans"}},
	}
}

// nodeReady succeeds when the API server says that the node is Ready.
func (c *cluster) nodeReady(ctx context.Context, name string) error {
	var node struct {
		Status struct {
			Conditions []struct{ Type, Status string }
		}
	}
	if err := c.get(ctx, "/api/v1/nodes/"+name, &node); err != nil {
		return err
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == "Ready" && condition.Status == "True" {
			return nil
		}
	}
	return fmt.Errorf("node %s is not ready", name)
}

// answers succeeds when url answers 200.
func answers(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return nil
}
