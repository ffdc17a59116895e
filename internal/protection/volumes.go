package protection

import (
	"fmt"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/responders/point"
)

// volumes looks for the newest moment to which the content of all volumes of a namespace could go back: a backup that has all of it, or a
// snapshot of each.
func (j *judge) volumes(p Promise, want Backup, namespace string) Held {
	if u, not := j.unread(SourceClaims); not {
		return Held{Missing: []string{u.Why}}
	}
	claims, exists := j.claimsOf(p, namespace), j.exists(namespace)
	if len(claims) == 0 && exists {
		return Held{None: true}
	}
	backed, why := j.backedUp(p, namespace, claims)
	shot, unshot := j.shot(want, claims)
	switch {
	case shot != nil && (backed == nil || shot.At.After(backed.At)):
		return Held{Point: shot, Missing: unshot}
	case backed != nil && !exists:
		return Held{Point: backed, Missing: append(why, "the namespace is not there: which volumes it had is not known")}
	case backed != nil:
		return Held{Point: backed, Missing: why}
	}
	state := Unprotected
	for _, source := range []Source{SourceBackups, SourceUploads, SourceSnapshots} {
		if u, not := j.unread(source); not {
			state, why = Unknown, append(why, u.Why)
		}
	}
	return Held{State: state, Missing: append(why, j.unsnappable(claims)...)}
}

// exists says whether a namespace is there, as far as is known.
func (j *judge) exists(namespace string) bool {
	_, not := j.unread(SourceNamespaces)
	return not || slices.ContainsFunc(j.Namespaces, func(ns Namespace) bool { return ns.Name == namespace })
}

// claimsOf are the bound claims of a promise in a namespace: those that its labels pick, and those that workloads mount which they pick.
func (j *judge) claimsOf(p Promise, namespace string) []Claim {
	var out []Claim
	for _, c := range j.Claims {
		if c.Namespace == namespace && c.Bound && (p.Workloads.pick(c.Labels) || j.mounted(p, c)) {
			out = append(out, c)
		}
	}
	return out
}

func (j *judge) mounted(p Promise, c Claim) bool {
	return slices.ContainsFunc(j.Workloads, func(w Workload) bool {
		return w.Namespace == c.Namespace && p.Workloads.pick(w.Labels) && (slices.Contains(w.Claims, c.Name) ||
			slices.ContainsFunc(w.Prefixes, func(prefix string) bool { return strings.HasPrefix(c.Name, prefix) }))
	})
}

// backedUp looks for the newest backup of Velero that has the content of the claims, but for those that came after it began.
func (j *judge) backedUp(p Promise, namespace string, claims []Claim) (*Point, []string) {
	if _, not := j.unread(SourceBackups); not {
		return nil, nil
	}
	want := point.Want{Need: p.need(namespace, len(claims) > 0), Cluster: j.Cluster}
	choice := point.Choose(want, j.backupsOf(namespace), j.At)
	if choice.Point == nil {
		return nil, j.noBackup(choice.Refused)
	}
	var first []string
	for _, serves := range append([]point.Point{*choice.Point}, choice.Others...) {
		lacking := j.lacking(serves.Backup, claims)
		if len(lacking) == 0 {
			return pointOf(serves.Backup), slices.Concat(j.newer(choice), first, later(serves.Backup, claims))
		}
		if first == nil {
			first = []string{fmt.Sprintf("backup %s has not the content of all volumes: %s", serves.Name, few(lacking))}
		}
	}
	return nil, first
}

// later names the claims that came after a backup began.
func later(b point.Backup, claims []Claim) []string {
	var names []string
	for _, c := range claims {
		if c.Created.After(b.Started) {
			names = append(names, c.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return []string{"made after backup " + b.Name + " began, and not in it: " + few(names)}
}

// lacking names the claims that existed when a backup began and whose content is not in it. Where Velero tells of a volume by itself, that
// counts. Of snapshots it tells only how many there are: they are taken for those of the rest of its scope, if they are enough for all.
func (j *judge) lacking(b point.Backup, claims []Claim) []string {
	has := j.contentOf(b)
	var out []string
	for _, c := range claims {
		if has.lacks(b, c) && (has.tried[c.UID] || !has.enough) {
			out = append(out, c.Name)
		}
	}
	return out
}

// content is what is known of the volumes in a backup, by the UID of their claims.
type content struct {
	copied, tried map[string]bool
	enough        bool // there is a snapshot for each claim of its scope that was not copied
}

func (c content) lacks(b point.Backup, claim Claim) bool {
	return claim.Bound && !claim.Created.After(b.Started) && !c.copied[claim.UID]
}

// contentOf is worked out once for each backup.
func (j *judge) contentOf(b point.Backup) content {
	key := b.Namespace + "/" + b.Name
	if has, known := j.contents[key]; known {
		return has
	}
	has := content{copied: map[string]bool{}, tried: map[string]bool{}}
	snapshots := b.Volumes.Completed
	for _, u := range j.Uploads {
		if u.Backup != key {
			continue
		}
		has.copied[u.ClaimUID], has.tried[u.ClaimUID] = has.copied[u.ClaimUID] || u.Done, true
		if u.Done {
			snapshots--
		}
	}
	for _, c := range j.Claims {
		if has.lacks(b, c) && j.takes(b.Scope, c.Namespace) {
			snapshots--
		}
	}
	has.enough = snapshots >= 0
	j.contents[key] = has
	return has
}
