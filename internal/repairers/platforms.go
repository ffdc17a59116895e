package repairers

import (
	"fmt"
	"slices"
)

// platform may repair its nodes by itself. It is known by a label of theirs; whether its repair is on is not written there.
type platform struct {
	label, value string // any value when empty
	certainty    Certainty
	name         string
	what, do     string
}

func platforms() []platform {
	return []platform{
		{"eks.amazonaws.com/compute-type", "auto", Sure, "EKS Auto Mode", "EKS Auto Mode replaces nodes that are not ready for 30 minutes", "it cannot be turned off: keep these nodes out of Salvor's hands"},
		{"eks.amazonaws.com/nodegroup", "", Unseen, "EKS node groups", "EKS repairs nodes of managed node groups where node auto repair is on (by default it is off)",
			"aws eks describe-nodegroup --query nodegroup.nodeRepairConfig; off: aws eks update-nodegroup-config --node-repair-config enabled=false"},
		{"cloud.google.com/gke-nodepool", "", Unseen, "GKE", "GKE repairs nodes of pools where auto-repair is on (by default it is on, with Autopilot always)",
			"gcloud container node-pools describe POOL --format='value(management.autoRepair)'; off: gcloud container node-pools update POOL --no-enable-autorepair"},
		{"kubernetes.azure.com/agentpool", "", Sure, "AKS", "AKS reboots, reimages or redeploys nodes that are not ready for 10 minutes", "AKS does this to all of its nodes: keep them out of Salvor's hands"},
	}
}

// providers looks at the labels of the nodes.
func (s *site) providers() []Repairer {
	var out []Repairer
	for _, p := range platforms() {
		n := 0
		for i := range s.nodes {
			if value, ok := s.nodes[i].Labels[p.label]; ok && (p.value == "" || p.value == value) {
				n++
			}
		}
		if n > 0 {
			out = append(out, Repairer{p.certainty, p.name, fmt.Sprintf("%s (label %s on %d of %s)", p.what, p.label, n, count(len(s.nodes))), p.do})
		}
	}
	return out
}

// detected are the conditions that node-problem-detector sets on nodes with the configurations it ships.
func detected() []string {
	return []string{"KernelDeadlock", "ReadonlyFilesystem", "CorruptDockerOverlay2", "FrequentKubeletRestart", "FrequentDockerRestart",
		"FrequentContainerdRestart", "FrequentUnregisterNetDevice", "KubeletUnhealthy", "ContainerRuntimeUnhealthy"}
}

// problemDetector looks for conditions of node-problem-detector. It repairs no node: it reports, and its health checker may
// restart kubelets. Those that repair nodes for what it reports are looked for by themselves.
func (s *site) problemDetector() []Repairer {
	n := 0
	for i := range s.nodes {
		for _, c := range s.nodes[i].Status.Conditions {
			if slices.Contains(detected(), string(c.Type)) {
				n++
				break
			}
		}
	}
	if n == 0 {
		return nil
	}
	return []Repairer{{Idle, "node-problem-detector", fmt.Sprintf("node-problem-detector reports conditions of %d of %s; whether something repairs nodes for them is not seen", n, count(len(s.nodes))),
		"see that its health-checker runs without --enable-repair, and that nothing drains or restarts nodes for its conditions"}}
}
