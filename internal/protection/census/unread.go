package census

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/salvor-io/salvor/internal/protection"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/velero"
)

// Grants are the reads that a census makes.
func Grants() []responders.Grant {
	list := []string{"list"}
	grants := velero.BackupGrants()
	for group, resources := range map[string][]string{
		"":               {"namespaces", "persistentvolumeclaims"},
		"apps":           {"deployments", "statefulsets", "daemonsets"},
		"batch":          {"cronjobs"},
		"storage.k8s.io": {"storageclasses", "csidrivers"},
		veleroGroup:      {"schedules", "datauploads"},
		snapshotGroup:    {"volumesnapshots", "volumesnapshotclasses"},
		certificateGroup: {"certificates"},
		argoGroup:        {"applications"},
		fluxGroup:        {"kustomizations"},
		k3sGroup:         {"etcdsnapshotfiles"},
	} {
		for _, resource := range resources {
			grants = append(grants, responders.Grant{Group: group, Resource: resource, Verbs: list})
		}
	}
	return grants
}

// errTooMany is a list that is longer than what is read of one.
var errTooMany = errors.New("there are too many")

// failed notes that a kind could not be read. One that is not there is no failure.
func (t *taking) failed(k kind, err error) {
	if err == nil || k.group != "" && apierrors.IsNotFound(err) || errors.Is(err, velero.ErrNotInstalled) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.census.Unread = append(t.census.Unread, unread(k.source, err))
}

func unread(what protection.Source, err error) protection.Unread {
	u := protection.Unread{What: what, Why: fmt.Sprintf("%s could not be read: %v", what, err), Do: "try again"}
	switch {
	case apierrors.IsForbidden(err):
		u.Why = fmt.Sprintf("%s may not be listed with these credentials", named(what, err))
		u.Do = "grant it to them: salvor print rbac --role observe --user USER | kubectl apply -f -"
	case errors.Is(err, errTooMany):
		u.Why, u.Do = fmt.Sprintf("there are more than %d %s, and no more are read", most, what), "delete old ones"
	case errors.Is(err, context.DeadlineExceeded):
		u.Why = fmt.Sprintf("%s could not be read in time", what)
	}
	return u
}

// named is what a refusal is about, by the name that RBAC has for it.
func named(what protection.Source, err error) string {
	var status apierrors.APIStatus
	if errors.As(err, &status) && status.Status().Details != nil && status.Status().Details.Kind != "" {
		details := status.Status().Details
		if details.Group == "" {
			return details.Kind
		}
		return details.Kind + "." + details.Group
	}
	return string(what)
}

func unreachable(err error) protection.Unread {
	return protection.Unread{What: protection.SourceCluster, Why: fmt.Sprintf("the cluster cannot be reached: %v", err), Do: "see its address and the credentials: kubectl version"}
}

func sortUnread(all []protection.Unread) {
	slices.SortFunc(all, func(a, b protection.Unread) int { return cmp.Compare(a.What, b.What) })
}
