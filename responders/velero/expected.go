package velero

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/point"
)

// durable is a kind that is looked for after a restore.
type durable struct {
	schema.GroupVersionResource
	kind string
}

// durables are the kinds that are looked for, object by object. What controllers make by themselves is not among them, nor what is at an end when it
// is backed up. Secrets are not: whoever may list them may read them, and Salvor may not. Of other kinds it is believed what Velero says.
func durables() []durable {
	of := func(group, version, resource, kind string) durable {
		return durable{schema.GroupVersionResource{Group: group, Version: version, Resource: resource}, kind}
	}
	return []durable{
		of("", "v1", "configmaps", "ConfigMap"), of("", "v1", "limitranges", "LimitRange"), of("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim"),
		of("", "v1", "resourcequotas", "ResourceQuota"), of("", "v1", "serviceaccounts", "ServiceAccount"), of("", "v1", "services", "Service"),
		of("apps", "v1", "daemonsets", "DaemonSet"), of("apps", "v1", "deployments", "Deployment"), of("apps", "v1", "statefulsets", "StatefulSet"),
		of("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler"), of("batch", "v1", "cronjobs", "CronJob"),
		of("networking.k8s.io", "v1", "ingresses", "Ingress"), of("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy"),
		of("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget"),
		of("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding"), of("rbac.authorization.k8s.io", "v1", "roles", "Role"),
	}
}

// inspectGrants are the reads by which a restore is verified.
func inspectGrants() []responders.Grant {
	grants := []responders.Grant{{Resource: "pods", Verbs: []string{"list"}}, {Resource: volumes.Resource, Verbs: []string{"get"}}, {Group: "storage.k8s.io", Resource: "storageclasses", Verbs: []string{"get"}}}
	for _, d := range durables() {
		grants = append(grants, responders.Grant{Group: d.Group, Resource: d.Resource, Verbs: []string{"list"}})
	}
	return grants
}

// passing are the kinds of which nothing has to be there after a restore: controllers make them, or Velero rightly leaves some out.
var passing = []string{"ControllerRevision", "EndpointSlice", "Endpoints", "Event", "Job", "Lease", "Namespace", "Pod", "ReplicaSet", "PersistentVolume",
	"VolumeSnapshot", "VolumeSnapshotContent"}

// there is what became of objects that Velero says are in the world. One that it failed with is among its errors, and one that became nothing was left out
// by a plugin.
var there = []string{"created", "updated", "skipped"}

// expected is what of a list of Velero's has to be in the world after the order, by "kind.group", and how much there is of kinds that are not looked at.
// A list of a backup has the namespaces of the backup, one of a restore those that were restored into, and what became of each object behind its name.
func (o *order) expected(list map[string][]string, restored bool) (holds map[string][]string, unseen map[string]int) {
	holds, unseen = map[string][]string{}, map[string]int{}
	held := 0
	for versioned, names := range list {
		group, kind := kindIn(versioned)
		at := slices.IndexFunc(durables(), func(d durable) bool { return d.Group == group && d.kind == kind })
		for _, entry := range names {
			entry, became, _ := strings.Cut(entry, "(")
			if restored && !slices.Contains(there, strings.TrimSuffix(became, ")")) {
				continue
			}
			namespace, name, inNamespace := strings.Cut(entry, "/")
			if inNamespace = inNamespace && o.reaches(namespace, restored); !inNamespace || slices.Contains(passing, kind) {
				continue
			}
			if at < 0 || held >= mostHeld {
				unseen[kind]++
				continue
			}
			if resource := durables()[at].GroupResource().String(); o.takes(resource) {
				if !restored {
					namespace = o.target(namespace)
				}
				holds[resource] = append(holds[resource], namespace+"/"+name)
				held++
			}
		}
	}
	for _, names := range holds {
		slices.Sort(names)
	}
	return holds, unseen
}

// kindIn reads "apps/v1/Deployment" or "v1/Service".
func kindIn(versioned string) (group, kind string) {
	parts := strings.Split(versioned, "/")
	if len(parts) > 2 {
		group = parts[0]
	}
	return group, parts[len(parts)-1]
}

// reaches says whether a namespace, of the backup or restored into, is one of the order's.
func (o *order) reaches(namespace string, restored bool) bool {
	return slices.ContainsFunc(o.Namespaces, func(name string) bool {
		return name == namespace && !restored || restored && o.target(name) == namespace
	})
}

func (o *order) takes(resource string) bool {
	return (len(o.Kinds) == 0 || point.IsKindOf(o.Kinds, resource)) && !point.IsKindOf(o.NotKinds, resource)
}
