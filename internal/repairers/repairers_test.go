package repairers

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/salvor-io/salvor/internal/kubeclient"
)

// cluster is an API server that serves groups and answers by path: with an object, or with a code alone. It has nothing else.
type cluster struct {
	groups map[string][]string // versions by group, the preferred one first; nil: groups cannot be listed
	paths  map[string]string
	codes  map[string]int
	nodes  []corev1.Node
}

func (c cluster) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	out.Header().Set("Content-Type", "application/json")
	code, refused := c.codes[r.URL.Path]
	object, known := c.paths[r.URL.Path]
	switch {
	case refused:
		c.refuse(out, code)
	case r.URL.Path == "/apis" && c.groups != nil:
		_ = json.NewEncoder(out).Encode(c.groupList())
	case known:
		fmt.Fprint(out, object)
	default:
		c.refuse(out, http.StatusNotFound)
	}
}

func (c cluster) refuse(out http.ResponseWriter, code int) {
	reasons := map[int]metav1.StatusReason{http.StatusNotFound: metav1.StatusReasonNotFound, http.StatusForbidden: metav1.StatusReasonForbidden}
	out.WriteHeader(code)
	_ = json.NewEncoder(out).Encode(metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: "Failure", Reason: reasons[code], Code: int32(code)})
}

func (c cluster) groupList() metav1.APIGroupList {
	list := metav1.APIGroupList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "APIGroupList"}}
	for name, versions := range c.groups {
		group := metav1.APIGroup{Name: name}
		for _, v := range slices.Sorted(slices.Values(versions)) {
			group.Versions = append(group.Versions, metav1.GroupVersionForDiscovery{GroupVersion: name + "/" + v, Version: v})
		}
		group.PreferredVersion = metav1.GroupVersionForDiscovery{GroupVersion: name + "/" + versions[0], Version: versions[0]}
		list.Groups = append(list.Groups, group)
	}
	return list
}

// look looks at the cluster with a client that observes.
func (c cluster) look(t *testing.T) ([]Repairer, error) {
	t.Helper()
	srv := httptest.NewServer(c)
	t.Cleanup(srv.Close)
	file := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf("apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: %q}}]\nusers: [{name: u, user: {}}]\n"+
		"contexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n", srv.URL)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	clients, err := kubeclient.Observe(kubeclient.Access{Kubeconfig: file}, "test")
	if err != nil {
		t.Fatal(err)
	}
	return Look(t.Context(), clients, c.nodes)
}

func listOf(apiVersion, kind, meta string, items ...string) string {
	for i, item := range items {
		items[i] = fmt.Sprintf(`{"apiVersion":%q,"kind":%q,"metadata":{"name":"w","namespace":"ns"}%s}`, apiVersion, kind, item)
	}
	return fmt.Sprintf(`{"apiVersion":%q,"kind":"%sList","metadata":{%s},"items":[%s]}`, apiVersion, kind, meta, strings.Join(items, ","))
}

func noted(key string) []corev1.Node {
	return []corev1.Node{{ObjectMeta: metav1.ObjectMeta{Name: "a", Annotations: map[string]string{key: "m"}, Labels: map[string]string{key: "m"}}}}
}

// machines are nodes of a Cluster of Cluster API.
func machines(cluster string) []corev1.Node {
	nodes := noted("cluster.x-k8s.io/machine")
	nodes[0].Annotations["cluster.x-k8s.io/cluster-namespace"], nodes[0].Annotations["cluster.x-k8s.io/cluster-name"] = "fleet", cluster
	return nodes
}

// TestWhatIsKnown holds which clusters have a second repairer, and of which that is not known.
func TestWhatIsKnown(t *testing.T) {
	const (
		mhc    = "machinehealthchecks"
		medik  = "/apis/remediation.medik8s.io/v1alpha1/nodehealthchecks"
		shift  = "/apis/machine.openshift.io/v1beta1/machinehealthchecks"
		capi   = "/apis/cluster.x-k8s.io/v1beta2/machinehealthchecks"
		east   = "/apis/cluster.x-k8s.io/v1beta2/namespaces/fleet/clusters/east"
		owner  = `{"apiVersion":"cluster.x-k8s.io/v1beta2","kind":"Cluster","metadata":{"name":"east","namespace":"fleet"}}`
		draino = "/apis/apps/v1/namespaces/kube-system/deployments/draino"
	)
	nothing := listOf("cluster.x-k8s.io/v1beta2", "MachineHealthCheck", "")
	one := map[string][]string{"apps": {"v1"}}
	with := func(group string, versions ...string) map[string][]string {
		return map[string][]string{"apps": {"v1"}, group: versions}
	}
	for name, c := range map[string]struct {
		cluster
		names []string
		known bool
	}{
		"none of the APIs is installed":       {cluster{groups: one}, nil, true},
		"the groups cannot be listed":         {cluster{}, nil, false},
		"a group without the resource":        {cluster{groups: with("cluster.x-k8s.io", "v1beta2")}, nil, true},
		"health checks may not be listed":     {cluster{groups: with("remediation.medik8s.io", "v1alpha1"), codes: map[string]int{medik: 403}}, nil, false},
		"health checks cannot be listed":      {cluster{groups: with("machine.openshift.io", "v1beta1"), codes: map[string]int{shift: 500}}, nil, false},
		"no object":                           {cluster{groups: with("machine.openshift.io", "v1beta1"), paths: map[string]string{shift: listOf("machine.openshift.io/v1beta1", "MachineHealthCheck", "")}}, nil, true},
		"one that repairs":                    {cluster{groups: with("machine.openshift.io", "v1beta1"), paths: map[string]string{shift: listOf("machine.openshift.io/v1beta1", "MachineHealthCheck", "", `,"spec":{}`)}}, []string{"MachineHealthCheck ns/w"}, true},
		"one that is not of the preferred v1": {cluster{groups: with("machine.openshift.io", "v1", "v1beta1"), paths: map[string]string{shift: listOf("machine.openshift.io/v1beta1", "MachineHealthCheck", "", `,"spec":{}`)}}, []string{"MachineHealthCheck ns/w"}, true},
		"one that is paused":                  {cluster{groups: with("machine.openshift.io", "v1beta1"), paths: map[string]string{shift: listOf("machine.openshift.io/v1beta1", "MachineHealthCheck", "", `,"spec":{"pauseRequests":["x"]}`)}}, nil, true},
		"more than are looked at":             {cluster{groups: with("machine.openshift.io", "v1beta1"), paths: map[string]string{shift: listOf("machine.openshift.io/v1beta1", "MachineHealthCheck", `"continue":"x"`)}}, nil, false},
		"Machines of another management":      {cluster{groups: one, nodes: noted("cluster.x-k8s.io/machine")}, nil, false},
		"Machines of a foreign Cluster":       {cluster{groups: with("cluster.x-k8s.io", "v1beta2"), nodes: machines("east"), paths: map[string]string{capi: nothing}}, nil, false},
		"Machines that nobody checks":         {cluster{groups: with("cluster.x-k8s.io", "v1beta2"), nodes: machines("east"), paths: map[string]string{capi: nothing, east: owner}}, nil, true},
		"Machines that are managed here": {cluster{groups: with("cluster.x-k8s.io", "v1beta2"), nodes: machines("east"),
			paths: map[string]string{east: owner, capi: listOf("cluster.x-k8s.io/v1beta2", "MachineHealthCheck", "", `,"spec":{}`)}}, []string{"MachineHealthCheck ns/w"}, true},
		"Karpenter that is not seen":  {cluster{groups: with("karpenter.sh", "v1")}, nil, false},
		"draino that may not be read": {cluster{groups: one, codes: map[string]int{draino: 403}}, nil, false},
		"nodes of EKS":                {cluster{groups: one, nodes: noted("eks.amazonaws.com/nodegroup")}, nil, false},
		"nodes of AKS":                {cluster{groups: one, nodes: noted("kubernetes.azure.com/agentpool")}, []string{"AKS"}, true},
		"two of one kind": {cluster{groups: with("machine.openshift.io", "v1beta1"), nodes: noted("kubernetes.azure.com/agentpool"),
			paths: map[string]string{shift: listOf("machine.openshift.io/v1beta1", "MachineHealthCheck", "", `,"spec":{}`, `,"spec":{}`)}}, []string{"AKS", "MachineHealthCheck ns/w"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			found, _ := c.look(t)
			names, known := Names(found)
			if !slices.Equal(names, c.names) || known != c.known {
				t.Errorf("got %v, known %t, want %v, known %t, of %+v", names, known, c.names, c.known, found)
			}
			for _, r := range found {
				if r.Name == "" || r.What == "" || r.Do == "" {
					t.Errorf("%+v does not say who, what and what to do", r)
				}
			}
		})
	}
	for _, g := range Grants() {
		if g.Resource != mhc && g.Resource != "nodehealthchecks" || len(g.Verbs) != 1 || g.Verbs[0] != "list" {
			t.Errorf("looking needs %+v", g)
		}
	}
}

// TestLookThatFailed: an API server that fails in part has not said that somebody is unseen. What is not there or not allowed is
// an answer.
func TestLookThatFailed(t *testing.T) {
	const health = "/apis/machine.openshift.io/v1beta1/machinehealthchecks"
	shift := map[string][]string{"apps": {"v1"}, "machine.openshift.io": {"v1beta1"}}
	for name, c := range map[string]struct {
		cluster
		failed bool
	}{
		"nothing is there":              {cluster{groups: shift}, false},
		"health checks are not allowed": {cluster{groups: shift, codes: map[string]int{health: 403}}, false},
		"health checks fail":            {cluster{groups: shift, codes: map[string]int{health: 500}}, true},
		"groups fail":                   {cluster{codes: map[string]int{"/apis": 500}}, true},
		"deployments fail":              {cluster{groups: shift, codes: map[string]int{"/apis/apps/v1/deployments": 500}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			if found, err := c.look(t); (err != nil) != c.failed {
				t.Errorf("error %v, want one: %t; found %+v", err, c.failed, found)
			}
		})
	}
}
