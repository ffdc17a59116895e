package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// errGone says that the node a change was made for is not there, or is another one under the same name.
var errGone = errors.New("it is gone")

// nodesParam is the argument by which nodes are named.
var nodesParam = responders.Param{Name: "nodes", Type: responders.ParamNames, Required: true, About: "names of the nodes"}

// zoneParam is the argument by which the nodes of a zone are meant, all that it has when the plan is made, instead of named ones.
var zoneParam = responders.Param{Name: "zone", Type: responders.ParamZone, About: "name of a zone, for all of its nodes"}

// eitherOf are the names of the arguments of which one has to be given.
var eitherOf = []string{nodesParam.Name, zoneParam.Name}

// either are the arguments of a responder that takes nodes or a zone.
func either() []responders.Param {
	nodes := nodesParam
	nodes.Required, nodes.About = false, "names of the nodes, unless a zone is given"
	return []responders.Param{nodes, zoneParam}
}

// aimed are the nodes that the arguments mean: those named, all of which have to be there, or those of a zone, of which there may be none.
func aimed(ctx context.Context, client kubernetes.Interface, args responders.Args) ([]*corev1.Node, error) {
	zone := args.Text(zoneParam.Name)
	if zone == "" {
		return read(ctx, client, args.Names(nodesParam.Name))
	}
	list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: labels.Set{corev1.LabelTopologyZone: zone}.String()})
	if err != nil {
		return nil, fmt.Errorf("list the nodes of zone %s: %w", zone, err)
	}
	var nodes []*corev1.Node
	for i := range list.Items {
		nodes = append(nodes, &list.Items[i])
	}
	return nodes, nil
}

// namesOf are the names of nodes.
func namesOf(nodes []*corev1.Node) []string {
	var names []string
	for _, node := range nodes {
		names = append(names, node.Name)
	}
	return names
}

// read fetches the named nodes, in the order given. A node that is not there is an error.
func read(ctx context.Context, client kubernetes.Interface, names []string) ([]*corev1.Node, error) {
	var nodes []*corev1.Node
	for _, name := range names {
		node, err := client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, fmt.Errorf("read node %s: %w", name, err)
		}
		nodes = append(nodes, node)
	}
	return nodes, nil
}

// lookUp fetches the very node a target was pinned to; errGone when there is none or it is another one.
func lookUp(ctx context.Context, client kubernetes.Interface, target policies.Target) (*corev1.Node, error) {
	node, err := client.CoreV1().Nodes().Get(ctx, target.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, fmt.Errorf("look at node %s: %w", target.Name, errGone)
	case err != nil:
		return nil, fmt.Errorf("look at node %s: %w", target.Name, err)
	case string(node.UID) != target.UID:
		return nil, fmt.Errorf("look at node %s: %w and another one has its name: it has UID %s, the plan was made for %s",
			target.Name, errGone, node.UID, target.UID)
	}
	return node, nil
}

func targetOf(node *corev1.Node) policies.Target {
	return policies.Target{Kind: "Node", Name: node.Name, UID: string(node.UID), Zone: node.Labels[corev1.LabelTopologyZone]}
}

func targetsOf(nodes []*corev1.Node) []policies.Target {
	var targets []policies.Target
	for _, node := range nodes {
		targets = append(targets, targetOf(node))
	}
	return targets
}

// pin stores a responder's own facts in the change, one for each target.
func pin(change *responders.Change, facts any) error {
	raw, err := json.Marshal(facts)
	if err != nil {
		return fmt.Errorf("pin the facts of %s: %w", change.Responder, err)
	}
	change.Detail = raw
	return nil
}

// factsOf reads what pin stored: one fact for each target.
func factsOf[T any](change responders.Change) ([]T, error) {
	var facts []T
	if err := json.Unmarshal(change.Detail, &facts); err != nil {
		return nil, fmt.Errorf("read the pinned facts of %s: %w", change.Responder, err)
	}
	if len(facts) != len(change.Targets) {
		return nil, fmt.Errorf("read the pinned facts of %s: %d facts for %d targets", change.Responder, len(facts), len(change.Targets))
	}
	return facts, nil
}

// inspect looks at each target again; seen says what is not yet so, or an empty sentence. A node that is gone keeps no
// promise.
func inspect(ctx context.Context, client kubernetes.Interface, targets []policies.Target,
	seen func(*corev1.Node) string) (responders.Finding, error) {
	var missing []string
	for _, target := range targets {
		node, err := lookUp(ctx, client, target)
		if errors.Is(err, errGone) {
			missing = append(missing, err.Error())
			continue
		}
		if err != nil {
			return unknown(err)
		}
		if sentence := seen(node); sentence != "" {
			missing = append(missing, sentence)
		}
	}
	return responders.FindingOf(len(targets), missing), nil
}

func unknown(err error) (responders.Finding, error) {
	return responders.Finding{Outcome: responders.OutcomeUnknown}, err
}
