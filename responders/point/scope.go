package point

import (
	"slices"
	"strings"
)

// Scope is what a backup was told to take. The lists of what is included mean everything where they are empty. Names may be patterns with
// "*", "?" and "[a-z]".
type Scope struct {
	Namespaces, NotNamespaces []string
	Kinds, NotKinds           []string // resources, as "deployments" or "deployments.apps"
	Selectors                 []string // label selectors, of which any is to match; none means all objects
	NotClusterKinds           []string // those of the kinds without namespaces that are left out
	ClusterKinds              *bool    // whether kinds without namespaces are in it; nil: those that what is in it needs
}

// Need is what has to be in a backup.
type Need struct {
	Namespaces   []string // explicit names; empty: every namespace
	Own          bool     // instead of every namespace those that the backup was told to take, by name
	Kinds        []string // explicit kinds; empty: every kind but those of NotKinds
	NotKinds     []string // kinds that need not be in it
	Selector     string   // only objects that this label selector matches
	Volumes      bool     // the contents of volumes, too
	ClusterKinds bool     // kinds without namespaces, too
}

// fleeting are kinds that are of no use in a restore, or that Velero does not restore. A backup without them lacks nothing. Every backup since
// Velero 1.14 says that it leaves snapshots of volumes out: those that it takes itself are in it all the same.
var fleeting = []string{"events", "events.events.k8s.io", "nodes", "leases.coordination.k8s.io",
	"pods.metrics.k8s.io", "backups.velero.io", "restores.velero.io", "csinodes.storage.k8s.io", "volumeattachments.storage.k8s.io",
	"backuprepositories.velero.io", "volumesnapshots.snapshot.storage.k8s.io", "volumesnapshotcontents.snapshot.storage.k8s.io"}

// lacks says what of a need is not in the scope, or nothing.
func (s Scope) lacks(need Need) string {
	for _, why := range []string{s.lacksNamespaces(need), s.lacksKinds(need), s.lacksObjects(need)} {
		if why != "" {
			return why
		}
	}
	return s.lacksClusterKinds(need)
}

func (s Scope) lacksClusterKinds(need Need) string {
	switch {
	case !need.ClusterKinds:
		return ""
	case s.ClusterKinds != nil && !*s.ClusterKinds:
		return "it leaves out what has no namespace"
	}
	for _, kind := range s.NotClusterKinds {
		if !IsKindOf(fleeting, kind) && !IsKindOf(need.NotKinds, kind) {
			return "of what has no namespace it leaves out " + kind
		}
	}
	return ""
}

func (s Scope) lacksNamespaces(need Need) string {
	switch {
	case len(need.Namespaces) == 0 && need.Own:
		return s.lacksNames()
	case len(need.Namespaces) == 0:
		return s.lacksSomeNamespace()
	}
	for _, name := range need.Namespaces {
		switch {
		case matchesAny(s.NotNamespaces, name, true):
			return "it leaves out namespace " + name
		case len(s.Namespaces) > 0 && !matchesAny(s.Namespaces, name, false):
			return "namespace " + name + " is not in it"
		}
	}
	return ""
}

// lacksSomeNamespace says whether the scope is less than all namespaces.
func (s Scope) lacksSomeNamespace() string {
	switch {
	case len(s.Namespaces) > 0 && !slices.Contains(s.Namespaces, "*"):
		return "only these namespaces are in it: " + few(s.Namespaces)
	case len(s.NotNamespaces) > 0:
		return "it leaves out namespaces: " + few(s.NotNamespaces)
	}
	return ""
}

// lacksNames says whether a backup does not tell by name which namespaces are in it.
func (s Scope) lacksNames() string {
	explicit := func(name string) bool { return !strings.ContainsAny(name, "*?[]{}") }
	if len(s.Namespaces) == 0 || slices.ContainsFunc(s.Namespaces, func(name string) bool { return !explicit(name) }) {
		return "it does not tell which namespaces are in it: name those that are to come back"
	}
	return ""
}

func (s Scope) lacksKinds(need Need) string {
	for _, kind := range need.Kinds {
		switch {
		case IsKindOf(fleeting, kind):
		case IsKindOf(s.NotKinds, kind):
			return "it leaves out " + kind
		case len(s.Kinds) > 0 && !IsKindOf(s.Kinds, kind):
			return kind + " are not in it"
		}
	}
	if len(need.Kinds) > 0 {
		return ""
	}
	if len(s.Kinds) > 0 && !IsKindOf(s.Kinds, "*") {
		return "only these kinds are in it: " + few(s.Kinds)
	}
	for _, kind := range s.NotKinds {
		if !IsKindOf(fleeting, kind) && !IsKindOf(need.NotKinds, kind) {
			return "it leaves out " + kind
		}
	}
	return ""
}

// lacksObjects compares selectors as text: whether one selects all that another does cannot be told of sets in general.
func (s Scope) lacksObjects(need Need) string {
	if len(s.Selectors) == 0 || need.Selector != "" && slices.Contains(s.Selectors, need.Selector) {
		return ""
	}
	return "only what is labelled " + few(s.Selectors) + " is in it"
}

// few names the first of a list.
func few(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + " and others"
}
