package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// Restore gives nodes that came back to their cluster: it takes back what Salvor did to them in the same incident, and
// nothing that anybody else did. A node that is not ready keeps everything.
type Restore struct{ clusters Clusters }

// NewRestore makes the responder node.restore.
func NewRestore(clusters Clusters) *Restore { return &Restore{clusters} }

// Spec describes node.restore.
func (r *Restore) Spec() responders.Spec {
	return responders.Spec{
		Name:   "node.restore",
		About:  "takes back what was done to nodes that are ready again: cordon, out-of-service taint and marks of this incident",
		Class:  policies.Reversible,
		Params: []responders.Param{nodesParam},
		Grants: []responders.Grant{{Resource: "nodes", Verbs: []string{"get", "patch"}}},
	}
}

// Preview says what will be taken back. A node that is gone has nothing to take back; its target then has no UID.
func (r *Restore) Preview(ctx context.Context, env responders.Env, args responders.Args) (responders.Change, error) {
	if err := r.Spec().Check(args); err != nil {
		return responders.Change{}, err
	}
	client, err := r.clusters.Reader(env.Cluster)
	if err != nil {
		return responders.Change{}, err
	}
	change := responders.Change{Responder: "node.restore", Nothing: true, DurationS: 1}
	var commands []string
	for _, name := range args.Names("nodes") {
		command, err := foreseeRestore(ctx, client, env, name, &change)
		if err != nil {
			return responders.Change{}, err
		}
		commands = append(commands, command...)
	}
	change.Command = strings.Join(commands, " && ")
	return change, nil
}

// foreseeRestore adds one node to the change and returns the commands that do the same.
func foreseeRestore(ctx context.Context, client kubernetes.Interface, env responders.Env, name string,
	change *responders.Change) ([]string, error) {
	nodes, err := read(ctx, client, []string{name})
	if apierrors.IsNotFound(err) {
		change.Targets = append(change.Targets, policies.Target{Kind: "Node", Name: name})
		change.Will = append(change.Will, name+" is gone: there is nothing to take back")
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	node := nodes[0]
	change.Targets = append(change.Targets, targetOf(node))
	_, will, commands := takeBack(node, env.Incident)
	if len(will) == 0 {
		change.Will = append(change.Will, "nothing on "+name+" is of this incident")
		return nil, nil
	}
	change.Nothing, change.Class = false, policies.Reversible
	change.Will = append(change.Will, name+" "+sentence(will))
	return commands, demandReady(node)
}

func demandReady(node *corev1.Node) error {
	if isReady(node) {
		return nil
	}
	return fmt.Errorf("restore node %s: it is not ready; bring it up first", node.Name)
}

// takeBack is the amendment that undoes what the incident did, what that means, and the commands that do the same. The
// amendment is nil when nothing is of the incident. A claim is only good while the state it is about is still there.
func takeBack(node *corev1.Node, incident string) (a *amendment, will, commands []string) {
	a = &amendment{}
	if node.Annotations[CordonedAnnotation] == incident {
		a.unannotate(CordonedAnnotation)
		if node.Spec.Unschedulable {
			a.Spec.Unschedulable = new(false)
			will, commands = append(will, "takes pods again"), append(commands, "kubectl uncordon "+node.Name)
		}
	}
	if node.Annotations[ReleasedAnnotation] == incident {
		a.unannotate(ReleasedAnnotation)
		if taintOf(node, outOfService.Key) != nil {
			taints := without(node.Spec.Taints, outOfService.Key)
			a.Spec.Taints = &taints
			will = append(will, "is in service again")
			commands = append(commands, "kubectl taint node "+node.Name+" "+outOfService.ToString()+"-")
		}
	}
	if _, ours := fencedFor(node, incident); ours {
		a.unannotate(FencedAnnotation)
	}
	if len(a.Metadata.Annotations) == 0 {
		return nil, nil, nil
	}
	marks := make([]string, 0, len(a.Metadata.Annotations))
	for key := range a.Metadata.Annotations {
		marks = append(marks, key+"-")
	}
	slices.Sort(marks)
	return a, append(will, "loses the marks of this incident"),
		append(commands, "kubectl annotate node "+node.Name+" "+strings.Join(marks, " "))
}

func without(taints []corev1.Taint, key string) []corev1.Taint {
	kept := []corev1.Taint{}
	for _, taint := range taints {
		if taint.Key != key {
			kept = append(kept, taint)
		}
	}
	return kept
}

// Apply takes back, in one write a node, what the incident did to it, if the node is ready now.
func (r *Restore) Apply(ctx context.Context, env responders.Env, change responders.Change) error {
	if change.Nothing {
		return nil
	}
	client, err := r.clusters.Writer(env.Cluster)
	if err != nil {
		return err
	}
	for _, target := range change.Targets {
		err := amend(ctx, client, target, func(node *corev1.Node) (*amendment, error) {
			a, _, _ := takeBack(node, env.Incident)
			if a == nil {
				return nil, nil
			}
			return a, demandReady(node)
		})
		if err != nil && !errors.Is(err, errGone) {
			return fmt.Errorf("restore: %w", err)
		}
	}
	return nil
}

// Verify looks whether anything of the incident is left on the nodes. A node that is gone has nothing left on it.
func (r *Restore) Verify(ctx context.Context, env responders.Env, change responders.Change) (responders.Finding, error) {
	client, err := r.clusters.Reader(env.Cluster)
	if err != nil {
		return unknown(err)
	}
	var missing []string
	for _, target := range change.Targets {
		node, err := lookUp(ctx, client, target)
		if errors.Is(err, errGone) {
			continue
		}
		if err != nil {
			return unknown(err)
		}
		if a, _, _ := takeBack(node, env.Incident); a != nil {
			missing = append(missing, "marks of this incident are left on "+node.Name)
		}
	}
	return responders.FindingOf(len(change.Targets), missing), nil
}
