// Package rbac renders the rights Salvor needs on a cluster, from what its responders declare.
//
// There are two roles, for two credentials. Observe reads what the watches follow and what plans are made from; it has no
// verb that writes. Act writes what responders write, and reads only what it also writes: the suite of the responders holds
// them to that.
package rbac

import (
	"fmt"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/internal/protection/census"
	"github.com/salvor-io/salvor/internal/repairers"
	"github.com/salvor-io/salvor/responders"
)

// Role is one of the two sets of rights.
type Role string

// The roles.
const (
	Observe Role = "observe"
	Act     Role = "act"
)

const namespace = "salvor"

// watched are the rights that following a cluster takes, looking who else repairs its nodes, and what is backed up. Secrets are not among them: who wants
// them watched grants that in each namespace.
func watched() []responders.Grant {
	out := append(repairers.Grants(), census.Grants()...)
	for group, resources := range map[string][]string{
		"":                             {"nodes", "pods", "namespaces", "persistentvolumes", "persistentvolumeclaims", "configmaps"},
		"coordination.k8s.io":          {"leases"},
		"apps":                         {"deployments", "statefulsets", "daemonsets"},
		"apiextensions.k8s.io":         {"customresourcedefinitions"},
		"admissionregistration.k8s.io": {"validatingwebhookconfigurations", "mutatingwebhookconfigurations"},
		"velero.io":                    {"backups", "restores", "schedules", "backupstoragelocations"},
		"snapshot.storage.k8s.io":      {"volumesnapshots", "volumesnapshotcontents"},
		"argoproj.io":                  {"applications"},
		"kustomize.toolkit.fluxcd.io":  {"kustomizations"},
		"helm.toolkit.fluxcd.io":       {"helmreleases"},
	} {
		for _, resource := range resources {
			out = append(out, responders.Grant{Group: group, Resource: resource, Verbs: []string{"get", "list", "watch"}})
		}
	}
	return out
}

// probed are the paths that are asked for, to see whether a cluster can be reached. Both are to read.
func probed() []string { return []string{"/readyz", "/readyz/etcd"} }

// Render writes the manifests of a role: a ClusterRole, and its binding to the service account of the same name in namespace
// salvor and to the users, if any.
func Render(role Role, catalog responders.Catalog, users ...string) (string, error) {
	rights, err := rightsOf(role, catalog)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	fmt.Fprintf(&out, "# Generated from the grants of the responders by `salvor print rbac --role %s`; do not edit.\n", role)
	renderRole(&out, role, rights)
	out.WriteString("---\n")
	renderBinding(&out, role, users)
	return out.String(), nil
}

// Rights are the rights of a role, sorted by what they are for.
func Rights(role Role, catalog responders.Catalog) ([]responders.Grant, error) {
	rights, err := rightsOf(role, catalog)
	if err != nil {
		return nil, err
	}
	return rights.sorted(), nil
}

// rights are verbs by what they are for.
type rights map[object][]string

type object struct{ group, resource string }

func rightsOf(role Role, catalog responders.Catalog) (rights, error) {
	grants, err := declared(catalog)
	if err != nil {
		return nil, err
	}
	switch role {
	case Observe:
		return gather(append(grants, watched()...), func(g responders.Grant) []string { return slices.DeleteFunc(slices.Clone(g.Verbs), writes) }), nil
	case Act:
		return gather(grants, func(g responders.Grant) []string {
			if slices.ContainsFunc(g.Verbs, writes) {
				return g.Verbs
			}
			return nil
		}), nil
	}
	return nil, fmt.Errorf("there is no role %q; there are %s and %s", role, Observe, Act)
}

func declared(catalog responders.Catalog) ([]responders.Grant, error) {
	var grants []responders.Grant
	for _, name := range catalog.Names() {
		r, err := catalog.Lookup(name)
		if err != nil {
			return nil, err
		}
		for _, g := range r.Spec().Grants {
			if g.Resource == "" || g.Resource == "*" || g.Group == "*" || len(g.Verbs) == 0 || slices.Contains(g.Verbs, "*") {
				return nil, fmt.Errorf("%s declares a grant that names too much or too little: %+v", name, g)
			}
		}
		for _, g := range r.Spec().Grants {
			if !g.Local {
				grants = append(grants, g)
			}
		}
	}
	return grants, nil
}

// writes says whether a verb changes anything. A verb that is not known to read is one that writes.
func writes(verb string) bool { return !slices.Contains([]string{"get", "list", "watch"}, verb) }

func gather(grants []responders.Grant, verbs func(responders.Grant) []string) rights {
	out := rights{}
	for _, g := range grants {
		at := object{g.Group, g.Resource}
		for _, verb := range verbs(g) {
			if !slices.Contains(out[at], verb) {
				out[at] = append(out[at], verb)
			}
		}
	}
	return out
}

func renderRole(out *strings.Builder, role Role, r rights) {
	fmt.Fprintf(out, "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: salvor-%s}\nrules:\n", role)
	for _, g := range r.sorted() {
		fmt.Fprintf(out, "  - {apiGroups: [%q], resources: [%q], verbs: [%s]}\n", g.Group, g.Resource, strings.Join(g.Verbs, ", "))
	}
	if role == Observe {
		fmt.Fprintf(out, "  - {nonResourceURLs: [%s], verbs: [get]}\n", strings.Join(probed(), ", "))
	}
}

func (r rights) sorted() []responders.Grant {
	var out []responders.Grant
	for at, verbs := range r {
		out = append(out, responders.Grant{Group: at.group, Resource: at.resource, Verbs: slices.Sorted(slices.Values(verbs))})
	}
	slices.SortFunc(out, func(a, b responders.Grant) int {
		return strings.Compare(a.Group+"/"+a.Resource, b.Group+"/"+b.Resource)
	})
	return out
}

func renderBinding(out *strings.Builder, role Role, users []string) {
	fmt.Fprintf(out, "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: salvor-%[1]s}\n"+
		"roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: salvor-%[1]s}\nsubjects:\n"+
		"  - {kind: ServiceAccount, namespace: %[2]s, name: salvor-%[1]s}\n", role, namespace)
	for _, user := range users {
		fmt.Fprintf(out, "  - {apiGroup: rbac.authorization.k8s.io, kind: User, name: %q}\n", user)
	}
}
