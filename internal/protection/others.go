package protection

import (
	"fmt"
	"slices"
)

// lagging is how far a copy is behind, by the query that says so. Without one nothing is known of it.
func (j *judge) lagging(want Backup) Held {
	if want.Lag == "" {
		return Held{Missing: []string{"no query says how far the copy is behind: name one (lag in salvor.yaml)"}}
	}
	lag, asked := j.Lags[want.Lag]
	switch {
	case !asked:
		return Held{Missing: []string{"query " + want.Lag + " was not asked: the cluster has no Prometheus in salvor.yaml"}}
	case lag.Why != "":
		return Held{Missing: []string{"query " + want.Lag + ": " + line(lag.Why)}}
	}
	kind := "copy"
	if want.By != Copy {
		kind = string(want.By)
	}
	return Held{Point: &Point{Kind: kind, Name: "by query " + want.Lag, At: lag.Held}}
}

// delivered says whether what runs in a namespace is what is in Git. One part of it that differs is in no Git.
func (j *judge) delivered(namespace string) Held {
	var missing []string
	var last *Delivery
	for i, d := range j.Deliveries {
		if !slices.Contains(d.Into, namespace) {
			continue
		}
		last = &j.Deliveries[i]
		if !d.Synced {
			missing = append(missing, fmt.Sprintf("%s %s/%s is not in sync with Git%s", d.Kind, d.Namespace, d.Name, because(d.Why)))
		}
	}
	for _, source := range []Source{SourceArgo, SourceFlux} {
		if u, not := j.unread(source); not {
			return Held{Missing: append(missing, u.Why)}
		}
	}
	switch {
	case last == nil:
		return Held{State: Unprotected, Missing: []string{"no Application of Argo CD and no Kustomization of Flux in this cluster delivers into it"}}
	case len(missing) > 0:
		return Held{State: Unprotected, Missing: missing}
	}
	return Held{Point: &Point{Kind: "Git", Name: last.Kind + " " + last.Namespace + "/" + last.Name, At: j.At}}
}

// etcd looks for the newest snapshot of etcd. Most clusters tell of none, and then nothing is known.
func (j *judge) etcd() Held {
	if u, not := j.unread(SourceEtcd); not {
		return Held{Missing: []string{u.Why}}
	}
	var best *EtcdSnapshot
	var missing []string
	for i, s := range j.Etcd {
		switch {
		case !s.Ready:
			missing = []string{"snapshot of etcd " + s.Name + " is not ready" + because(s.Why)}
		case best == nil || s.At.After(best.At):
			best = &j.Etcd[i]
		}
	}
	switch {
	case best != nil && !best.Away:
		return Held{Point: &Point{"etcd snapshot", best.Name, best.At}, Missing: []string{"the snapshots of etcd are on the cluster's own disks, and are lost with them"}}
	case best != nil:
		return Held{Point: &Point{"etcd snapshot", best.Name, best.At}}
	case len(j.Etcd) > 0:
		return Held{State: Unprotected, Missing: missing}
	}
	return Held{Missing: []string{j.aboutEtcd()}}
}

// aboutEtcd says what can be said of backups of etcd where no object of the cluster tells of one.
func (j *judge) aboutEtcd() string {
	if j.Platform != "" {
		return j.Platform + " runs the control plane: whether its etcd can be restored is not seen from here"
	}
	for _, job := range j.EtcdJobs {
		if !job.At.IsZero() {
			return fmt.Sprintf("CronJob %s/%s, which looks as if it backs up etcd, last ended well at %s; whether its snapshot can be restored is not seen from here", job.Namespace, job.Name, day(job.At))
		}
	}
	return "nothing in the cluster tells whether etcd is backed up: name a query that does (lag in salvor.yaml)"
}
