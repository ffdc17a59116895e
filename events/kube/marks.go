package kube

import "strings"

const (
	maxMarks = 32   // marks kept of one node
	maxMark  = 1024 // bytes kept of one mark
)

// isMark says whether an annotation or label of a node tells who works on it. This is the one list of them. Drains that
// show as taints need no mark, since all taints are kept: ToBeDeletedByClusterAutoscaler, karpenter.sh/disrupted,
// medik8s.io/drain, aws-node-termination-handler/..., cloud.google.com/impending-node-termination.
func isMark(key string) bool {
	switch key {
	case "weave.works/kured-node-lock", // kured, which reboots nodes
		"weave.works/kured-reboot-in-progress",
		"cluster.x-k8s.io/machine", // Cluster API: the Machine behind the node
		"cluster.x-k8s.io/cluster-name",
		"cluster.x-k8s.io/cluster-namespace",
		"machine.openshift.io/machine",            // OpenShift: the Machine behind the node
		"machineconfiguration.openshift.io/state", // OpenShift updates: Done, Working, Degraded, ...
		"machineconfiguration.openshift.io/currentConfig",
		"machineconfiguration.openshift.io/desiredConfig",
		"machineconfiguration.openshift.io/desiredDrain",
		"machineconfiguration.openshift.io/lastAppliedDrain",
		"node.machine.sapcloud.io/trigger-deletion-by-mcm", // Gardener's machine-controller-manager
		"sriovnetwork.openshift.io/state":                  // SR-IOV operator: Idle, Draining, ...
		return true
	}
	for _, prefix := range []string{
		"salvor.io/",              // "salvor.io/cordoned: <incident>" tells Salvor's own cordons from those of people
		"remediation.medik8s.io/", // exclude-from-remediation and others
		"flatcar-linux-update.v1.flatcar-linux.net/", // reboot-needed, reboot-in-progress, reboot-paused, ...
	} {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}
