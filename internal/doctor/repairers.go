package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/classifiers"
)

// repairer is somebody else who repairs nodes of the cluster, or may do so.
type repairer struct {
	sure bool   // it does; otherwise it may, which cannot be seen from here
	what string // who it is and which nodes it repairs, in words
	do   string // how to find out, or how to stop it
}

// repairers looks for others who repair the same nodes. Two repairers undo each other's work, or do it twice: beside a sure
// one the mode act is refused.
func (s *site) repairers(ctx context.Context) {
	const check = "second repairers"
	if !s.seen {
		s.warn(check, "let the observe role list nodes, as said above", "cannot tell: the nodes are not seen")
		return
	}
	found := slices.Concat(s.healthChecks(ctx), s.karpenter(ctx), s.draino(ctx), s.problemDetector(), s.providers())
	for _, r := range found {
		switch {
		case r.sure && s.mayAct():
			s.problem(check, r.do+"; or set modes.node of "+s.cluster.Name+" to ask", "the mode act is refused: %s", r.what)
		case r.sure:
			s.warn(check, "do not raise modes.node to act before this is settled: "+r.do, "%s", r.what)
		default:
			s.warn(check, r.do, "cannot tell: %s", r.what)
		}
	}
	if len(found) == 0 {
		s.ok(check, "none found: no NodeHealthCheck, MachineHealthCheck, Karpenter node repair, draino, node-problem-detector, "+
			"or nodes of EKS, GKE or AKS among %s; mode of kind node is %s", count(len(s.nodes), "node"), s.cluster.Mode(classifiers.KindNode))
	}
}

// provider is a platform that may repair its nodes by itself, known by a label of theirs.
type provider struct {
	label, value string // any value when empty
	sure         bool
	what, do     string
}

func platforms() []provider {
	return []provider{
		{"eks.amazonaws.com/compute-type", "auto", true, "EKS Auto Mode replaces nodes that are not ready for 30 minutes", "it cannot be turned off: keep these nodes out of Salvor's hands"},
		{"eks.amazonaws.com/nodegroup", "", false, "EKS repairs nodes of managed node groups where node auto repair is on (by default it is off)",
			"aws eks describe-nodegroup --query nodegroup.nodeRepairConfig; off: aws eks update-nodegroup-config --node-repair-config enabled=false"},
		{"cloud.google.com/gke-nodepool", "", false, "GKE repairs nodes of pools where auto-repair is on (by default it is on, with Autopilot always)",
			"gcloud container node-pools describe POOL --format='value(management.autoRepair)'; off: gcloud container node-pools update POOL --no-enable-autorepair"},
		{"kubernetes.azure.com/agentpool", "", true, "AKS reboots, reimages or redeploys nodes that are not ready for 10 minutes", "AKS does this to all of its nodes: keep them out of Salvor's hands"},
	}
}

// providers looks at the labels of the nodes.
func (s *site) providers() []repairer {
	var out []repairer
	for _, p := range platforms() {
		n := 0
		for i := range s.nodes {
			if value, ok := s.nodes[i].Labels[p.label]; ok && (p.value == "" || p.value == value) {
				n++
			}
		}
		if n > 0 {
			out = append(out, repairer{p.sure, fmt.Sprintf("%s (label %s on %d of %s)", p.what, p.label, n, count(len(s.nodes), "node")), p.do})
		}
	}
	return out
}

// detected are the conditions that node-problem-detector sets on nodes with the configurations it ships.
var detected = []string{"KernelDeadlock", "ReadonlyFilesystem", "CorruptDockerOverlay2", "FrequentKubeletRestart", "FrequentDockerRestart",
	"FrequentContainerdRestart", "FrequentUnregisterNetDevice", "KubeletUnhealthy", "ContainerRuntimeUnhealthy"}

// problemDetector looks for conditions of node-problem-detector. It only reports them; its health checker may restart kubelets,
// and something else may listen to it.
func (s *site) problemDetector() []repairer {
	n := 0
	for i := range s.nodes {
		for _, c := range s.nodes[i].Status.Conditions {
			if slices.Contains(detected, string(c.Type)) {
				n++
				break
			}
		}
	}
	if n == 0 {
		return nil
	}
	return []repairer{{false, fmt.Sprintf("node-problem-detector reports conditions of %d of %s; whether something repairs nodes for them is not seen", n, count(len(s.nodes), "node")),
		"see that its health-checker runs without --enable-repair, and that nothing drains or restarts nodes for its conditions"}}
}

// mayList is how to let the credentials to observe see a resource.
func mayList(resource string) string {
	plural, _, _ := strings.Cut(resource, ".")
	name := "salvor-sees-" + plural
	return fmt.Sprintf("let them: kubectl create clusterrole %[1]s --verb=list --resource=%[2]s && kubectl create clusterrolebinding %[1]s --clusterrole=%[1]s --user=USER", name, resource)
}
