package doctor

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// maxListed bounds how many objects of one resource are looked at.
const maxListed = 500

// healthCheck is a resource whose objects have nodes repaired.
type healthCheck struct {
	group, resource, kind string
	stop                  string // how to stop one
}

func healthCheckKinds() []healthCheck {
	return []healthCheck{
		{"remediation.medik8s.io", "nodehealthchecks", "NodeHealthCheck", "delete it, or pause it: kubectl patch nodehealthcheck NAME --type merge -p '{\"spec\":{\"pauseRequests\":[\"salvor\"]}}'"},
		{"cluster.x-k8s.io", "machinehealthchecks", "MachineHealthCheck", "delete it, or pause it: kubectl annotate machinehealthchecks.cluster.x-k8s.io NAME cluster.x-k8s.io/paused="},
		{"machine.openshift.io", "machinehealthchecks", "MachineHealthCheck", "delete it, or pause it: kubectl annotate machinehealthchecks.machine.openshift.io NAME cluster.x-k8s.io/paused="},
	}
}

// healthChecks looks for objects that have nodes repaired.
func (s *site) healthChecks(ctx context.Context) []repairer {
	groups, err := s.groups(ctx)
	if err != nil {
		return []repairer{{what: fmt.Sprintf("the API groups of the cluster cannot be listed, nor who repairs nodes: %v", err), do: "let them: bind the role system:discovery"}}
	}
	var out []repairer
	managed := s.machines()
	for _, kind := range healthCheckKinds() {
		version, ok := groups[kind.group]
		if !ok {
			continue
		}
		found := s.healthChecksOf(ctx, kind, version)
		out = append(out, found...)
		if kind.group == "cluster.x-k8s.io" && len(found) > 0 {
			managed = false
		}
	}
	if managed {
		out = append(out, repairer{what: "the nodes belong to Machines of Cluster API, whose MachineHealthChecks are in its management cluster",
			do: "look there: kubectl get machinehealthchecks.cluster.x-k8s.io --all-namespaces"})
	}
	return out
}

// groups are the API groups that the cluster serves, each with its preferred version.
func (s *site) groups(ctx context.Context) (map[string]string, error) {
	var list metav1.APIGroupList
	if err := s.observe.Kubernetes.Discovery().RESTClient().Get().AbsPath("/apis").Do(ctx).Into(&list); err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, g := range list.Groups {
		out[g.Name] = g.PreferredVersion.Version
	}
	return out, nil
}

func (s *site) healthChecksOf(ctx context.Context, kind healthCheck, version string) []repairer {
	at := schema.GroupVersionResource{Group: kind.group, Version: version, Resource: kind.resource}
	list, err := s.observe.Dynamic.Resource(at).List(ctx, metav1.ListOptions{Limit: maxListed})
	switch {
	case apierrors.IsNotFound(err):
		return nil // the group is served without it
	case apierrors.IsForbidden(err):
		return []repairer{{what: fmt.Sprintf("%ss of %s cannot be listed by the credentials to observe", kind.kind, kind.group), do: mayList(kind.resource + "." + kind.group)}}
	case err != nil:
		return []repairer{{what: fmt.Sprintf("%ss of %s cannot be listed: %v", kind.kind, kind.group, err), do: "see the log of the API server"}}
	}
	var out []repairer
	for i := range list.Items {
		if r, ok := s.judge(&list.Items[i], kind); ok {
			out = append(out, r)
		}
	}
	return out
}

// judge says what one object does to the nodes of the cluster. One that is paused may be resumed by anybody at any time.
func (s *site) judge(check *unstructured.Unstructured, kind healthCheck) (repairer, bool) {
	if !aboutReadiness(check.Object) {
		return repairer{}, false
	}
	name := check.GetName()
	if ns := check.GetNamespace(); ns != "" {
		name = ns + "/" + name
	}
	which := "nodes of the Machines it selects"
	if kind.kind == "NodeHealthCheck" {
		n := s.selected(check.Object)
		if n == 0 {
			return repairer{}, false
		}
		which = fmt.Sprintf("%d of %s", n, count(len(s.nodes), "node"))
	}
	if isPaused(check) {
		return repairer{what: fmt.Sprintf("%s %s repairs %s once it is no longer paused", kind.kind, name, which), do: "delete it rather than leave it paused"}, true
	}
	return repairer{true, fmt.Sprintf("%s %s repairs %s, too", kind.kind, name, which), kind.stop}, true
}

// aboutReadiness says whether a health check looks at the Ready condition, as they do when they name no condition at all.
func aboutReadiness(object map[string]any) bool {
	var types []string
	for _, path := range [][]string{{"spec", "unhealthyConditions"}, {"spec", "unhealthyNodeConditions"}, {"spec", "checks", "unhealthyNodeConditions"}} {
		list, _, _ := unstructured.NestedSlice(object, path...) // of another shape is as good as not there
		for _, item := range list {
			condition, _ := item.(map[string]any)
			name, _ := condition["type"].(string)
			types = append(types, name)
		}
	}
	return len(types) == 0 || slices.Contains(types, "Ready")
}

func isPaused(check *unstructured.Unstructured) bool {
	requests, _, _ := unstructured.NestedSlice(check.Object, "spec", "pauseRequests")
	_, annotated := check.GetAnnotations()["cluster.x-k8s.io/paused"]
	return annotated || len(requests) > 0
}

// selected counts the nodes that spec.selector matches; a selector that is missing or not understood matches all.
func (s *site) selected(object map[string]any) int {
	selector := labels.Everything()
	if raw, ok, err := unstructured.NestedMap(object, "spec", "selector"); ok && err == nil {
		var spec metav1.LabelSelector
		if runtime.DefaultUnstructuredConverter.FromUnstructured(raw, &spec) == nil {
			if parsed, err := metav1.LabelSelectorAsSelector(&spec); err == nil {
				selector = parsed
			}
		}
	}
	n := 0
	for i := range s.nodes {
		if selector.Matches(labels.Set(s.nodes[i].Labels)) {
			n++
		}
	}
	return n
}

// machines says whether nodes belong to Machines of Cluster API.
func (s *site) machines() bool {
	for i := range s.nodes {
		if _, ok := s.nodes[i].Annotations["cluster.x-k8s.io/machine"]; ok {
			return true
		}
	}
	return false
}
