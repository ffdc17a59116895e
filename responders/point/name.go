package point

import (
	"path"
	"strings"
)

// matchesAny says whether a name fits one of the patterns. A pattern that cannot be read fits where doubtful says so.
func matchesAny(patterns []string, name string, doubtful bool) bool {
	for _, pattern := range patterns {
		fits, err := path.Match(strings.ReplaceAll(pattern, "[!", "[^"), name)
		if fits || doubtful && (err != nil || strings.ContainsAny(pattern, "{}")) {
			return true
		}
	}
	return false
}

// IsKindOf says whether a kind, as "deployments" or "deployments.apps", is one that a list names, in the plural or by a short name. Kinds are
// compared with their groups where both have one. "*" means all.
func IsKindOf(list []string, kind string) bool {
	name, group := kindOf(kind)
	for _, other := range list {
		itsName, itsGroup := kindOf(other)
		if other == "*" || name == itsName && (group == itsGroup || group == "" || itsGroup == "") {
			return true
		}
	}
	return false
}

// kindOf parts a resource from its group and writes it as its plural.
func kindOf(resource string) (name, group string) {
	name, group, _ = strings.Cut(strings.ToLower(resource), ".")
	if plural, known := shortNames[name]; known {
		return plural, group
	}
	return name, group
}

// shortNames are what people write for kinds of Kubernetes itself, which Velero understands.
var shortNames = map[string]string{
	"cm": "configmaps", "configmap": "configmaps", "cronjob": "cronjobs", "cj": "cronjobs", "daemonset": "daemonsets", "ds": "daemonsets",
	"deploy": "deployments", "deployment": "deployments", "ev": "events", "event": "events", "ing": "ingresses", "ingress": "ingresses",
	"job": "jobs", "namespace": "namespaces", "netpol": "networkpolicies", "networkpolicy": "networkpolicies", "no": "nodes",
	"node": "nodes", "ns": "namespaces", "persistentvolume": "persistentvolumes", "persistentvolumeclaim": "persistentvolumeclaims",
	"po": "pods", "pod": "pods", "pv": "persistentvolumes", "pvc": "persistentvolumeclaims", "replicaset": "replicasets",
	"rs": "replicasets", "sa": "serviceaccounts", "secret": "secrets", "service": "services", "serviceaccount": "serviceaccounts",
	"statefulset": "statefulsets", "sts": "statefulsets", "svc": "services",
}
