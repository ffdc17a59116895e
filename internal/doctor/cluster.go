package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/kubeclient"
	"github.com/salvor-io/salvor/internal/rbac"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/all"
)

const (
	reachWithin = 15 * time.Second
	maxSkew     = 5 * time.Second // beyond which people who compare logs are misled
)

// site is one cluster under examination.
type site struct {
	sheet
	cluster config.Cluster
	observe kubeclient.Clients
	seen    bool // the nodes could be listed
	nodes   []corev1.Node
}

// cluster examines one cluster: the way to it, both credentials, who else repairs its nodes, and its power switch.
func (e *exam) cluster(ctx context.Context, c config.Cluster) []Finding {
	ctx, cancel := context.WithTimeout(ctx, clusterWithin)
	defer cancel()
	s := &site{sheet: sheet{part: "cluster " + c.Name}, cluster: c}
	var err error
	s.observe, err = kubeclient.Observe(kubeclient.Access{Kubeconfig: c.Observe.Kubeconfig, Context: c.Observe.Context, InCluster: c.Observe.InCluster}, e.Version)
	if err != nil {
		s.problem("reach", "correct clusters[].observe", "the credentials to observe are of no use: %v", err)
		return s.findings
	}
	if !e.reach(ctx, s, s.observe, "reach") {
		return s.findings
	}
	needed, err := needs(e.Without)
	if err != nil {
		s.problem("rights", "name responders that there are", "the rights that are needed are not known: %v", err)
		return s.findings
	}
	s.leftOut(e.Without)
	s.observes(ctx, needed)
	s.seeNodes(ctx)
	e.acts(ctx, s, needed)
	s.repairers(ctx)
	s.powerSwitch(ctx)
	return s.findings
}

// needs are the rights of each role, without those that only the named responders want.
func needs(without []string) (map[rbac.Role][]responders.Grant, error) {
	catalog, err := all.Catalog(all.Options{})
	if err != nil {
		return nil, err
	}
	if catalog, err = catalog.Without(without...); err != nil {
		return nil, err
	}
	out := map[rbac.Role][]responders.Grant{}
	for _, role := range []rbac.Role{rbac.Observe, rbac.Act} {
		if out[role], err = rbac.Rights(role, catalog); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// reach asks for the version and compares clocks; it says whether there is anybody.
func (e *exam) reach(ctx context.Context, s *site, clients kubeclient.Clients, check string) bool {
	ctx, cancel := context.WithTimeout(ctx, reachWithin)
	defer cancel()
	met, err := e.greet(ctx, clients.Config)
	if err == nil {
		met, err = e.greet(ctx, clients.Config) // now without the price of the connection
	}
	switch {
	case err != nil:
		s.problem(check, "see whether this machine reaches the address and the credentials are still good", "the API server at %s does not answer well: %v", clients.Config.Host, err)
		return false
	case met.skew.Abs() > maxSkew:
		s.warn(check, "set both clocks by NTP", "API server %s at %s answers in %s; its clock and this one differ by %s",
			met.version, clients.Config.Host, round(met.took), met.skew.Abs().Round(time.Second))
	default:
		s.ok(check, "API server %s at %s answers in %s; clocks agree within %s", met.version, clients.Config.Host, round(met.took),
			(met.skew.Abs() + time.Second).Round(time.Second))
	}
	return true
}

// greeting is what an API server said to the first question.
type greeting struct {
	version string
	took    time.Duration
	skew    time.Duration // how far its clock is ahead, known to half a second
}

func (e *exam) greet(ctx context.Context, cfg *rest.Config) (greeting, error) {
	client, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return greeting{}, err
	}
	base, _, err := rest.DefaultServerUrlFor(cfg)
	if err != nil {
		return greeting{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base.JoinPath("version").String(), nil)
	if err != nil {
		return greeting{}, err
	}
	began := time.Now()
	got, err := fetch(client, req)
	if err != nil {
		return greeting{}, err
	}
	g := greeting{took: time.Since(began)}
	if !got.date.IsZero() {
		g.skew = got.date.Add(500 * time.Millisecond).Sub(began.Add(g.took / 2))
	}
	var said struct {
		GitVersion string `json:"gitVersion"`
	}
	if err := json.Unmarshal(got.body, &said); err != nil || said.GitVersion == "" {
		return greeting{}, fmt.Errorf("%d is its answer, and no version: %s", got.status, excerpt(got.body))
	}
	g.version = said.GitVersion
	return g, nil
}

// seeNodes lists the nodes, for the checks that are about nodes.
func (s *site) seeNodes(ctx context.Context) {
	list, err := s.observe.Kubernetes.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		s.problem("nodes", "see the rights of the observe role above", "the nodes cannot be listed: %v", err)
		return
	}
	ready := 0
	for i := range list.Items {
		if isReady(&list.Items[i]) {
			ready++
		}
	}
	s.nodes, s.seen = list.Items, true
	s.ok("nodes", "%s, %d ready; faults of kind node are in mode %s", count(len(s.nodes), "node"), ready, s.cluster.Mode(classifiers.KindNode))
}

// mayAct says whether Salvor may act on nodes of the cluster without asking.
func (s *site) mayAct() bool {
	return s.cluster.Act != nil && s.cluster.Mode(classifiers.KindNode) == policies.ModeAct
}

// acts examines the credentials to act: what they may do, and that they lead to the same cluster.
func (e *exam) acts(ctx context.Context, s *site, needed map[rbac.Role][]responders.Grant) {
	const check = "act rights"
	act := s.cluster.Act
	if act == nil {
		s.ok(check, "no credentials to act are configured: nothing can be done to this cluster")
		return
	}
	refuse := func(context.Context) error { return kubeclient.ErrReadOnly }
	clients, err := kubeclient.Act(kubeclient.Access{Kubeconfig: act.Kubeconfig, Context: act.Context}, e.Version, refuse)
	if err != nil {
		s.problem(check, "correct clusters[].act", "the credentials to act are of no use: %v", err)
		return
	}
	if clients.Config.Host != s.observe.Config.Host && !e.reach(ctx, s, clients, "act reach") {
		return
	}
	s.actsEnough(ctx, clients.Kubernetes, needed[rbac.Act])
	s.sameCluster(ctx, clients.Kubernetes)
}

// sameCluster holds that both credentials lead to one cluster: a plan made of one is never carried out on another.
func (s *site) sameCluster(ctx context.Context, act kubernetes.Interface) {
	if len(s.nodes) == 0 {
		return
	}
	seen := &s.nodes[0]
	got, err := act.CoreV1().Nodes().Get(ctx, seen.Name, metav1.GetOptions{})
	switch {
	case err != nil:
		s.problem("same cluster", "let both kubeconfigs lead to the same cluster, with the rights of salvor print rbac --role act",
			"the credentials to act do not find node %s, which those to observe see: %v", seen.Name, err)
	case got.UID != seen.UID:
		s.problem("same cluster", "let both kubeconfigs lead to the same cluster", "the credentials to act and to observe lead to different clusters: node %s is another one there", seen.Name)
	default:
		s.ok("same cluster", "both credentials see the same node %s", seen.Name)
	}
}

func isReady(node *corev1.Node) bool {
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}
