package repairers

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
	"k8s.io/apimachinery/pkg/types"

	"github.com/salvor-io/salvor/responders"
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

// Grants are the reads that looking takes beside those that responders declare and those that everybody may make. Without
// them a cluster that has the resources is one whose repairers are not known.
func Grants() []responders.Grant {
	var grants []responders.Grant
	for _, kind := range healthCheckKinds() {
		grants = append(grants, responders.Grant{Group: kind.group, Resource: kind.resource, Verbs: []string{"list"}})
	}
	return grants
}

// healthChecks looks for objects that have nodes repaired.
func (s *site) healthChecks(ctx context.Context, groups map[string][]string) []Repairer {
	var out []Repairer
	for _, kind := range healthCheckKinds() {
		out = append(out, s.healthChecksOf(ctx, kind, groups[kind.group])...)
	}
	if s.managedElsewhere(ctx, groups["cluster.x-k8s.io"]) {
		out = append(out, Repairer{Name: "MachineHealthChecks elsewhere", What: "the nodes belong to Machines of Cluster API, whose MachineHealthChecks are in its management cluster",
			Do: "look there: kubectl get machinehealthchecks.cluster.x-k8s.io --all-namespaces"})
	}
	return out
}

// groups are the API groups that the cluster serves, each with its versions, the preferred one first.
func (s *site) groups(ctx context.Context) (map[string][]string, error) {
	var list metav1.APIGroupList
	if err := s.clients.Kubernetes.Discovery().RESTClient().Get().AbsPath("/apis").Do(ctx).Into(&list); err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for _, g := range list.Groups {
		out[g.Name] = []string{g.PreferredVersion.Version}
		for _, v := range g.Versions {
			if v.Version != g.PreferredVersion.Version {
				out[g.Name] = append(out[g.Name], v.Version)
			}
		}
	}
	return out, nil
}

// healthChecksOf looks for the objects of one kind. The preferred version of a group may be one without the resource: that of
// machine.openshift.io is v1, and its MachineHealthChecks are in v1beta1.
func (s *site) healthChecksOf(ctx context.Context, kind healthCheck, versions []string) []Repairer {
	for _, version := range versions {
		at := schema.GroupVersionResource{Group: kind.group, Version: version, Resource: kind.resource}
		list, err := s.clients.Dynamic.Resource(at).List(ctx, metav1.ListOptions{Limit: maxListed})
		switch {
		case apierrors.IsNotFound(err):
			continue
		case apierrors.IsForbidden(err):
			return []Repairer{{Name: kind.kind + "s", What: fmt.Sprintf("%ss of %s cannot be listed by the credentials to observe", kind.kind, kind.group), Do: mayList(kind.resource + "." + kind.group)}}
		case err != nil:
			s.fails(err)
			return []Repairer{{Name: kind.kind + "s", What: fmt.Sprintf("%ss of %s cannot be listed: %v", kind.kind, kind.group, err), Do: "see the log of the API server"}}
		}
		return s.judgeAll(list, kind)
	}
	return nil // not installed, or the group is served without it
}

func (s *site) judgeAll(list *unstructured.UnstructuredList, kind healthCheck) []Repairer {
	var out []Repairer
	for i := range list.Items {
		if r, ok := s.judge(&list.Items[i], kind); ok {
			out = append(out, r)
		}
	}
	if list.GetContinue() != "" {
		out = append(out, Repairer{Name: kind.kind + "s", What: fmt.Sprintf("there are more than %d %ss of %s, and the others were not looked at", maxListed, kind.kind, kind.group),
			Do: "delete those that are of no use"})
	}
	return out
}

// judge says what one object does to the nodes of the cluster. One that is paused may be resumed by anybody at any time.
func (s *site) judge(check *unstructured.Unstructured, kind healthCheck) (Repairer, bool) {
	if !aboutReadiness(check.Object) {
		return Repairer{}, false
	}
	name := check.GetName()
	if ns := check.GetNamespace(); ns != "" {
		name = ns + "/" + name
	}
	name = kind.kind + " " + name
	which := "nodes of the Machines it selects"
	if kind.kind == "NodeHealthCheck" {
		n := s.selected(check.Object)
		if n == 0 {
			return Repairer{}, false
		}
		which = fmt.Sprintf("%d of %s", n, count(len(s.nodes)))
	}
	if isPaused(check) {
		return Repairer{Idle, name, fmt.Sprintf("%s repairs %s once it is no longer paused", name, which), "delete it rather than leave it paused"}, true
	}
	return Repairer{Sure, name, fmt.Sprintf("%s repairs %s, too", name, which), kind.stop}, true
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

// managedElsewhere says whether nodes belong to Machines of Cluster API that another API server manages, or may do so: their
// Cluster is not seen in this one.
func (s *site) managedElsewhere(ctx context.Context, versions []string) bool {
	here := map[types.NamespacedName]bool{}
	for i := range s.nodes {
		a := s.nodes[i].Annotations
		if _, managed := a["cluster.x-k8s.io/machine"]; !managed {
			continue
		}
		owner := types.NamespacedName{Namespace: a["cluster.x-k8s.io/cluster-namespace"], Name: a["cluster.x-k8s.io/cluster-name"]}
		if !here[owner] && !s.hasCluster(ctx, versions, owner) {
			return true
		}
		here[owner] = true
	}
	return false
}

func (s *site) hasCluster(ctx context.Context, versions []string, owner types.NamespacedName) bool {
	for _, version := range versions {
		at := schema.GroupVersionResource{Group: "cluster.x-k8s.io", Version: version, Resource: "clusters"}
		_, err := s.clients.Dynamic.Resource(at).Namespace(owner.Namespace).Get(ctx, owner.Name, metav1.GetOptions{})
		if err == nil {
			return true
		}
		s.fails(err)
	}
	return false
}

// mayList is how to let the credentials to observe see a resource of an API group.
func mayList(resource string) string {
	return "kubectl apply: salvor print rbac --role observe --user USER names the right to list " + resource
}
