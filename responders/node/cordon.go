package node

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/placement"
)

// Cordon keeps new pods off nodes. A node that somebody else cordoned stays theirs: it is left as it is, unclaimed.
type Cordon struct{ clusters Clusters }

// NewCordon makes the responder node.cordon.
func NewCordon(clusters Clusters) *Cordon { return &Cordon{clusters} }

// Spec describes node.cordon.
func (c *Cordon) Spec() responders.Spec {
	return responders.Spec{
		Name:   "node.cordon",
		About:  "keeps new pods off the nodes",
		Class:  policies.Reversible,
		Params: either(),
		OneOf:  eitherOf,
		Grants: []responders.Grant{{Resource: "nodes", Verbs: []string{"get", "list", "patch"}}},
	}
}

// Preview says which nodes will be cordoned, and which are already.
func (c *Cordon) Preview(ctx context.Context, env responders.Env, args responders.Args) (responders.Change, error) {
	if err := c.Spec().Check(args); err != nil {
		return responders.Change{}, err
	}
	client, err := c.clusters.Reader(env.Cluster)
	if err != nil {
		return responders.Change{}, err
	}
	nodes, err := aimed(ctx, client, args)
	if err != nil {
		return responders.Change{}, err
	}
	if len(nodes) == 0 {
		return responders.Change{}, fmt.Errorf("cordon: no node is in zone %s", args.Text(zoneParam.Name))
	}
	change := responders.Change{Responder: "node.cordon", Targets: targetsOf(nodes), Nothing: true,
		DurationS: 1, Command: "kubectl cordon " + strings.Join(namesOf(nodes), " ")}
	for _, node := range nodes {
		change.Will = append(change.Will, cordonWill(node, env.Incident))
		if !node.Spec.Unschedulable {
			change.Nothing, change.Class = false, policies.Reversible
		}
	}
	if zone := args.Text(zoneParam.Name); zone != "" && !change.Nothing {
		return change, cmp.Or(pin(&change, leftZone{zone}), demandElsewhere(ctx, client, zone))
	}
	return change, nil
}

// leftZone is what is pinned where a whole zone is cordoned.
type leftZone struct {
	Zone string `json:"zone"`
}

// demandElsewhere refuses unless a node outside of a zone takes pods: with the last zone cordoned no pod would find a place at all.
func demandElsewhere(ctx context.Context, client kubernetes.Interface, zone string) error {
	list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list nodes: %w", err)
	}
	if !slices.ContainsFunc(list.Items, func(n corev1.Node) bool { return n.Labels[corev1.LabelTopologyZone] != zone && placement.TakesPods(&n) }) {
		return fmt.Errorf("cordon zone %s: no node outside of it takes pods; bring one up, or uncordon one, first", zone)
	}
	return nil
}

func cordonWill(node *corev1.Node, incident string) string {
	switch {
	case !node.Spec.Unschedulable:
		return node.Name + " takes no new pods"
	case node.Annotations[CordonedAnnotation] == incident:
		return node.Name + " was cordoned for this incident already"
	}
	return node.Name + " was cordoned by somebody else already, and stays theirs"
}

// Apply cordons each node that is not cordoned, and claims only those.
func (c *Cordon) Apply(ctx context.Context, env responders.Env, change responders.Change) error {
	if change.Nothing {
		return nil
	}
	client, err := c.clusters.Writer(env.Cluster)
	if err != nil {
		return err
	}
	if len(change.Detail) > 0 {
		var left leftZone
		if err := json.Unmarshal(change.Detail, &left); err != nil {
			return fmt.Errorf("read the pinned facts of %s: %w", change.Responder, err)
		}
		if err := c.demandElsewhere(ctx, env, left.Zone); err != nil {
			return err
		}
	}
	for _, target := range change.Targets {
		if err := amend(ctx, client, target, cordoning(env.Incident)); err != nil {
			return fmt.Errorf("cordon: %w", err)
		}
	}
	return nil
}

func (c *Cordon) demandElsewhere(ctx context.Context, env responders.Env, zone string) error {
	reader, err := c.clusters.Reader(env.Cluster)
	if err != nil {
		return err
	}
	return demandElsewhere(ctx, reader, zone)
}

func cordoning(incident string) func(*corev1.Node) (*amendment, error) {
	return func(node *corev1.Node) (*amendment, error) {
		if node.Spec.Unschedulable {
			return nil, nil
		}
		var a amendment
		a.annotate(CordonedAnnotation, incident)
		a.Spec.Unschedulable = new(true)
		return &a, nil
	}
}

// Verify looks whether all nodes are cordoned.
func (c *Cordon) Verify(ctx context.Context, env responders.Env, change responders.Change) (responders.Finding, error) {
	client, err := c.clusters.Reader(env.Cluster)
	if err != nil {
		return unknown(err)
	}
	return inspect(ctx, client, change.Targets, func(node *corev1.Node) string {
		if node.Spec.Unschedulable {
			return ""
		}
		return node.Name + " still takes new pods"
	})
}
