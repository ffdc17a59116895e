package protection

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/responders/point"
)

// made are kinds that are made anew from what a backup holds. One without them lacks nothing.
func made() []string {
	return []string{"pods", "replicasets.apps", "controllerrevisions.apps", "endpoints", "endpointslices.discovery.k8s.io", "jobs.batch",
		"persistentvolumes", "volumesnapshots.snapshot.storage.k8s.io", "volumesnapshotcontents.snapshot.storage.k8s.io",
		"podvolumebackups.velero.io", "podvolumerestores.velero.io", "datauploads.velero.io", "datadownloads.velero.io"}
}

// need is what has to be in a backup of a namespace for a promise.
func (p Promise) need(namespace string, volumes bool) point.Need {
	return point.Need{Namespaces: []string{namespace}, NotKinds: made(), Selector: p.Workloads.String(), Volumes: volumes}
}

// String is a label selector as Kubernetes writes it: "app=shop,tier=gold".
func (l Labels) String() string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(l)) {
		parts = append(parts, key+"="+l[key])
	}
	return strings.Join(parts, ",")
}

// objects looks for the newest backup that holds the objects of a namespace.
func (j *judge) objects(p Promise, namespace string) Held {
	if u, not := j.unread(SourceBackups); not {
		return Held{Missing: []string{u.Why}}
	}
	choice := point.Choose(point.Want{Need: p.need(namespace, false), Cluster: j.Cluster}, j.backupsOf(namespace), j.At)
	if choice.Point == nil {
		return Held{State: Unprotected, Missing: j.noBackup(choice.Refused)}
	}
	return Held{Point: pointOf(choice.Point.Backup), Missing: j.newer(choice)}
}

func pointOf(b point.Backup) *Point {
	return &Point{Kind: "Backup", Name: b.Namespace + "/" + b.Name, At: b.Started}
}

// noBackup says why no backup serves.
func (j *judge) noBackup(refused []point.Refusal) []string {
	if !j.Velero {
		return []string{"Velero is not installed: nothing backs up what is in this cluster"}
	}
	if len(refused) == 0 {
		return []string{"no backup covers it"}
	}
	var out []string
	for _, r := range refused[:min(maxRefused, len(refused))] {
		out = append(out, fmt.Sprintf("backup %s cannot be restored: %s", r.Name, line(r.Why)))
	}
	if left := len(refused) - maxRefused; left > 0 {
		out = append(out, fmt.Sprintf("nor can %d older ones", left))
	}
	return out
}

// maxRefused bounds of how many backups it is said why they do not serve.
const maxRefused = 3

// backupsOf are the backups that were told to take a namespace, in whatever way it went: that others do not serve explains nothing. Most
// backups are of few schedules, and of each of their scopes it is asked once.
func (j *judge) backupsOf(namespace string) []point.Backup {
	if all, known := j.about[namespace]; known {
		return all
	}
	var all []point.Backup
	takes := map[string]bool{}
	for i, b := range j.Backups {
		scope := j.scopes[i]
		if _, asked := takes[scope]; !asked {
			takes[scope] = j.takes(b.Scope, namespace)
		}
		if takes[scope] {
			all = append(all, b)
		}
	}
	j.about[namespace] = all
	return all
}

// takes says whether a scope has anything of a namespace in it.
func (j *judge) takes(scope point.Scope, namespace string) bool {
	scope.Kinds, scope.NotKinds, scope.Selectors = nil, nil, nil
	return j.covers(scope, point.Need{Namespaces: []string{namespace}})
}

// covers says whether a backup of a scope that went well would serve.
func (j *judge) covers(scope point.Scope, need point.Need) bool {
	would := point.Backup{Phase: point.Completed, Started: j.At, LocationReady: true, Scope: scope}
	return point.Choose(point.Want{Need: need}, []point.Backup{would}, j.At).Point != nil
}

// newer says of the newest backup that was made after the one that serves why it does not: what is being lost now has that reason. One that
// is still being made has none.
func (j *judge) newer(choice point.Choice) []string {
	for _, r := range choice.Refused {
		ended := slices.ContainsFunc(j.Backups, func(b point.Backup) bool { return b.Name == r.Name && !b.Completed.IsZero() && !b.Deleting })
		if ended && r.At.After(choice.Point.At) {
			return []string{fmt.Sprintf("the newer backup %s cannot be restored: %s", r.Name, line(r.Why))}
		}
	}
	return nil
}
