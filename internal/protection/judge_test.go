package protection

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/responders/point"
)

var now = time.Date(2026, 11, 27, 3, 2, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return now.Add(-d) }

// nightly is a good backup of all namespaces, with one snapshot, that began an hour and two minutes ago.
func nightly(set ...func(*point.Backup)) point.Backup {
	b := point.Backup{Namespace: "velero", Name: "nightly-1", Phase: point.Completed, Created: ago(62 * time.Minute), Started: ago(62 * time.Minute),
		Completed: ago(time.Hour), Expires: now.Add(24 * time.Hour), Location: "default", LocationReady: true, Volumes: point.Volumes{Attempted: 1, Completed: 1}}
	for _, f := range set {
		f(&b)
	}
	return b
}

// shop is a cluster in which one claim of one namespace is backed up.
func shop(set ...func(*Census)) *Census {
	c := &Census{At: now, Velero: true, Backups: []point.Backup{nightly()}, Schedules: []Schedule{{Namespace: "velero", Name: "nightly", Every: time.Hour}},
		Namespaces: []Namespace{{Name: "shop", Labels: Labels{"tier": "gold"}}, {Name: "kube-system"}, {Name: "velero"}},
		Workloads:  []Workload{{Kind: "StatefulSet", Namespace: "shop", Name: "db", Prefixes: []string{"data-db-"}, Labels: Labels{"app": "db"}}, {Kind: "DaemonSet", Namespace: "kube-system", Name: "proxy"}, {Kind: "Deployment", Namespace: "velero", Name: "velero"}},
		Claims:     []Claim{{Namespace: "shop", Name: "data-db-0", UID: "u0", Bound: true, Class: "fast", Created: ago(1000 * time.Hour)}},
		Classes:    []StorageClass{{"fast", "csi.example"}}, SnapshotClasses: []SnapshotClass{{Name: "fast", Driver: "csi.example"}}}
	for _, f := range set {
		f(c)
	}
	return c
}

func promise(rpo time.Duration, backups ...Backup) Promise {
	return Promise{Name: "shop", Level: 2, RPO: rpo, Namespaces: []string{"shop"}, Backups: backups}
}

func TestHowAPromiseStands(t *testing.T) {
	data := Backup{Of: ApplicationData, By: Snapshot}
	backup := func(set ...func(*point.Backup)) func(*Census) {
		return func(c *Census) { c.Backups = []point.Backup{nightly(set...)} }
	}
	for _, c := range []struct {
		name    string
		promise Promise
		census  *Census
		state   State
		point   string
		missing []string
	}{
		{"in time", promise(2 * time.Hour), shop(), Kept, "velero/nightly-1", nil},
		{"too old", promise(time.Hour), shop(), Late, "velero/nightly-1", []string{"it is 62 min old, and 60 min were promised"}},
		{"just as old as promised", promise(62 * time.Minute), shop(), Kept, "velero/nightly-1", nil},
		{"no age was promised", promise(0), shop(), Kept, "velero/nightly-1", nil},
		{"no Velero", promise(time.Hour), shop(func(c *Census) { c.Velero, c.Backups, c.Schedules = false, nil, nil }), Unprotected, "",
			[]string{"Velero is not installed: nothing backs up what is in this cluster"}},
		{"no backup", promise(time.Hour), shop(func(c *Census) { c.Backups = nil }), Unprotected, "", []string{"no backup covers it"}},
		{"of others", promise(time.Hour), shop(backup(func(b *point.Backup) { b.Scope.Namespaces = []string{"wiki"} })), Unprotected, "", []string{"no backup covers it"}},
		{"its location is away", promise(2 * time.Hour), shop(backup(func(b *point.Backup) { b.LocationReady, b.LocationWhy = false, "it is Unavailable: no such bucket" })), Unprotected, "",
			[]string{"backup nightly-1 cannot be restored: its storage location default cannot be read: it is Unavailable: no such bucket"}},
		{"expired", promise(2 * time.Hour), shop(backup(func(b *point.Backup) { b.Expires = now })), Unprotected, "",
			[]string{"backup nightly-1 cannot be restored: it expired at 03:02 UTC"}},
		{"volumes left out", promise(2 * time.Hour), shop(backup(func(b *point.Backup) { b.Volumes = point.Volumes{Off: true} })), Unprotected, "",
			[]string{"backup nightly-1 cannot be restored: it was told not to take the contents of volumes"}},
		{"a namespace without volumes", promise(2 * time.Hour), shop(backup(func(b *point.Backup) { b.Volumes = point.Volumes{Off: true} }), func(c *Census) { c.Claims = nil }), Kept, "velero/nightly-1", nil},
		{"one volume of two", promise(2 * time.Hour), shop(func(c *Census) {
			c.Claims = append(c.Claims, Claim{Namespace: "shop", Name: "logs", UID: "u1", Bound: true, Class: "nfs", Created: ago(1000 * time.Hour)})
			c.Classes = append(c.Classes, StorageClass{"nfs", "nfs.example"})
			c.Uploads = []Upload{{Backup: "velero/nightly-1", ClaimUID: "u0", Done: true}}
		}), Unprotected, "", []string{"backup nightly-1 has not the content of all volumes: logs",
			"the volumes of StorageClass nfs cannot be snapshotted: nfs.example is no CSI driver"}},
		{"snapshots of another namespace's volumes are none of its own", promise(2 * time.Hour), shop(func(c *Census) {
			c.Claims = append(c.Claims, Claim{Namespace: "wiki", Name: "pages", UID: "u1", Bound: true, Created: ago(1000 * time.Hour)})
		}), Unprotected, "", []string{"backup nightly-1 has not the content of all volumes: data-db-0"}},
		{"a copy of a volume that failed", promise(2 * time.Hour), shop(func(c *Census) { c.Uploads = []Upload{{Backup: "velero/nightly-1", ClaimUID: "u0"}} }), Unprotected, "",
			[]string{"backup nightly-1 has not the content of all volumes: data-db-0"}},
		{"a claim that came later", promise(2 * time.Hour), shop(func(c *Census) {
			c.Claims = append(c.Claims, Claim{Namespace: "shop", Name: "new", UID: "u1", Bound: true, Created: ago(time.Minute)})
		}), Kept, "velero/nightly-1", []string{"made after backup nightly-1 began, and not in it: new"}},
		{"an older one has all", promise(3 * time.Hour), shop(func(c *Census) {
			c.Backups = append(c.Backups, nightly(func(b *point.Backup) { b.Name, b.Started = "nightly-0", ago(2*time.Hour) }))
			c.Uploads = []Upload{{Backup: "velero/nightly-1", ClaimUID: "u0"}}
		}), Kept, "velero/nightly-0", []string{"backup nightly-1 has not the content of all volumes: data-db-0"}},
		{"a newer one failed", promise(time.Hour), shop(func(c *Census) {
			c.Backups = append(c.Backups, nightly(func(b *point.Backup) {
				b.Name, b.Started, b.Phase, b.Why = "nightly-2", ago(time.Minute), "Failed", "no disk"
			}))
		}), Late, "velero/nightly-1", []string{"the newer backup nightly-2 cannot be restored: it is Failed: no disk", "it is 62 min old, and 60 min were promised"}},
		{"a newer one is being made", promise(2 * time.Hour), shop(func(c *Census) {
			c.Backups = append(c.Backups, nightly(func(b *point.Backup) {
				b.Name, b.Started, b.Completed, b.Phase = "nightly-2", ago(time.Minute), time.Time{}, "InProgress"
			}))
		}), Kept, "velero/nightly-1", nil},
		{"snapshots of each volume, and no Velero", promise(2*time.Hour, data), shop(func(c *Census) {
			c.Velero, c.Backups = false, nil
			c.Snapshots = []VolumeSnapshot{{Namespace: "shop", Name: "s1", Claim: "data-db-0", Class: "fast", Ready: true, At: ago(time.Minute)}}
			c.SnapshotClasses[0].Delete = true
		}), Kept, "shop/s1", []string{"snapshots of class fast are deleted with their namespace (deletionPolicy Delete)"}},
		{"a snapshot that is not ready", promise(2*time.Hour, data), shop(func(c *Census) {
			c.Backups = nil
			c.Snapshots = []VolumeSnapshot{{Namespace: "shop", Name: "s1", Claim: "data-db-0", Why: "quota", At: ago(time.Minute)}}
		}), Unprotected, "", []string{"no backup covers it", "snapshot s1 of claim data-db-0 is not ready: quota"}},
		{"a snapshot of an earlier claim of that name", promise(2*time.Hour, data), shop(func(c *Census) {
			c.Backups = nil
			c.Snapshots = []VolumeSnapshot{{Namespace: "shop", Name: "s1", Claim: "data-db-0", Ready: true, At: ago(2000 * time.Hour)}}
		}), Unprotected, "", []string{"no backup covers it"}},
		{"backups cannot be read", promise(time.Hour), shop(func(c *Census) {
			c.Backups, c.Unread = nil, []Unread{{What: SourceBackups, Why: "backups.velero.io are not to be listed"}}
		}), Unknown, "", []string{"backups.velero.io are not to be listed"}},
		{"claims cannot be read", promise(2 * time.Hour), shop(func(c *Census) {
			c.Claims, c.Unread = nil, []Unread{{What: SourceClaims, Why: "claims are not to be listed"}}
		}), Unknown, "", []string{"claims are not to be listed"}},
		{"the namespace was deleted", promise(2 * time.Hour), shop(func(c *Census) { c.Namespaces, c.Claims, c.Workloads = nil, nil, nil }), Kept, "velero/nightly-1",
			[]string{"the namespace is not there: which volumes it had is not known"}},
		{"about no namespace", Promise{Name: "shop", RPO: time.Hour, Namespaces: []string{"shop-*"}}, shop(), Unknown, "", []string{"no namespace of this cluster is one of these: the promise is about nothing here"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Judge(Promises{c.promise}, c.census)
			s := got.Of(true)[0]
			name := ""
			if s.Point != nil {
				name = s.Point.Name
			}
			if s.State != c.state || got.State != c.state || name != c.point {
				t.Errorf("%s with %q, want %s with %q", s.State, name, c.state, c.point)
			}
			if diff := cmp.Diff(c.missing, s.Missing()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestEachBackupOfAPromise holds how it stands with each part by each means.
func TestEachBackupOfAPromise(t *testing.T) {
	synced := Delivery{Kind: "Application", Namespace: "argocd", Name: "shop", Into: []string{"shop"}, Synced: true}
	astray := Delivery{Kind: "Kustomization", Namespace: "flux", Name: "more", Into: []string{"shop"}, Why: "OutOfSync"}
	lags := func(l Lag) func(*Census) { return func(c *Census) { c.Lags = map[string]Lag{"q": l} } }
	for _, c := range []struct {
		name    string
		want    Backup
		census  *Census
		state   State
		missing []string
	}{
		{"a copy nobody asks about", Backup{Of: ApplicationData, By: Copy}, shop(), Unknown, []string{"no query says how far the copy is behind: name one (lag in salvor.yaml)"}},
		{"a copy that is asked about in vain", Backup{Of: ApplicationData, By: Copy, Lag: "q"}, shop(lags(Lag{Why: "no data"})), Unknown, []string{"query q: no data"}},
		{"no Prometheus", Backup{Of: ApplicationData, By: Copy, Lag: "q"}, shop(), Unknown, []string{"query q was not asked: the cluster has no Prometheus in salvor.yaml"}},
		{"a copy that keeps up", Backup{Of: ApplicationData, By: Copy, Lag: "q"}, shop(lags(Lag{Held: ago(3 * time.Second)})), Kept, nil},
		{"a copy that is behind", Backup{Of: ApplicationData, By: Copy, Lag: "q"}, shop(lags(Lag{Held: ago(2 * time.Hour)})), Late, []string{"it is 120 min old, and 60 min were promised"}},
		{"snapshots of somebody else", Backup{Of: ApplicationData, By: Snapshot, Lag: "q"}, shop(lags(Lag{Held: ago(time.Minute)})), Kept, nil},
		{"a time of its own", Backup{Of: Configuration, By: Snapshot, RPO: 24 * time.Hour}, shop(), Kept, nil},
		{"in Git", Backup{Of: Configuration, By: Git}, shop(func(c *Census) { c.Deliveries = []Delivery{synced} }), Kept, nil},
		{"in Git but for a part", Backup{Of: Configuration, By: Git}, shop(func(c *Census) { c.Deliveries = []Delivery{synced, astray} }), Unprotected, []string{"Kustomization flux/more is not in sync with Git: OutOfSync"}},
		{"in no Git", Backup{Of: Configuration, By: Git}, shop(), Unprotected, []string{"no Application of Argo CD and no Kustomization of Flux in this cluster delivers into it"}},
		{"etcd, of which nothing is known", Backup{Of: ClusterData, By: Snapshot}, shop(), Unknown, []string{"nothing in the cluster tells whether etcd is backed up: name a query that does (lag in salvor.yaml)"}},
		{"etcd of a provider", Backup{Of: ClusterData, By: Snapshot}, shop(func(c *Census) { c.Platform = "EKS" }), Unknown, []string{"EKS runs the control plane: whether its etcd can be restored is not seen from here"}},
		{"a job that proves nothing", Backup{Of: ClusterData, By: Snapshot}, shop(func(c *Census) { c.EtcdJobs = []EtcdJob{{"kube-system", "etcd-backup", ago(time.Minute)}} }), Unknown,
			[]string{"CronJob kube-system/etcd-backup, which looks as if it backs up etcd, last ended well at 2026-11-27 03:01 UTC; whether its snapshot can be restored is not seen from here"}},
		{"a snapshot of etcd", Backup{Of: ClusterData, By: Snapshot}, shop(func(c *Census) { c.Etcd = []EtcdSnapshot{{Name: "e", Ready: true, Away: true, At: ago(time.Minute)}} }), Kept, nil},
		{"a snapshot of etcd beside it", Backup{Of: ClusterData, By: Snapshot}, shop(func(c *Census) { c.Etcd = []EtcdSnapshot{{Name: "e", Ready: true, At: ago(time.Minute)}} }), Kept,
			[]string{"the snapshots of etcd are on the cluster's own disks, and are lost with them"}},
		{"no snapshot of etcd that is good", Backup{Of: ClusterData, By: Snapshot}, shop(func(c *Census) { c.Etcd = []EtcdSnapshot{{Name: "e", Why: "no space", At: ago(time.Minute)}} }), Unprotected,
			[]string{"snapshot of etcd e is not ready: no space"}},
		{"what no cluster tells", Backup{Of: ClusterData, By: Git}, shop(), Unknown, []string{"nothing in a cluster tells of it: name a query that does (lag in salvor.yaml)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Judge(Promises{promise(time.Hour, c.want)}, c.census).Of(true)
			if len(got) != 1 || len(got[0].Backups) != 1 {
				t.Fatalf("it stands so: %+v", got)
			}
			h := got[0].Backups[0]
			if h.State != c.state {
				t.Errorf("%s, want %s", h.State, c.state)
			}
			if diff := cmp.Diff(c.missing, h.Missing); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestTheWholeReport holds what is listed, in which order, and what is said beside it.
func TestTheWholeReport(t *testing.T) {
	census := shop(func(c *Census) {
		c.Cluster = "prod-eu"
		c.Namespaces = append(c.Namespaces, Namespace{Name: "shop-silver"}, Namespace{Name: "wiki"}, Namespace{Name: "empty"})
		c.Workloads = append(c.Workloads, Workload{Namespace: "wiki", Name: "wiki"}, Workload{Namespace: "lab", Name: "lab"})
		c.Backups[0].Cluster, c.Backups[0].Scope.Namespaces = "prod-eu", []string{"shop", "wiki"}
		c.Schedules = []Schedule{{Name: "nightly", Every: 24 * time.Hour, Scope: point.Scope{Namespaces: []string{"shop"}}}, {Name: "old", Paused: true, Scope: point.Scope{Namespaces: []string{"wiki"}}}}
		c.Locations = []Location{{Namespace: "velero", Name: "away", Why: "it is Unavailable"}}
		c.Certificates = []Certificate{{"shop", "tls", true, "", now.Add(time.Hour)}, {"shop", "old", true, "", ago(time.Hour)}, {"wiki", "new", false, "no issuer", time.Time{}}}
		c.SnapshotClasses = append(c.SnapshotClasses, SnapshotClass{Name: "slow", Driver: "csi.example"})
	})
	promises := Promises{
		{Name: "shop", Level: 2, RPO: 2 * time.Hour, Namespaces: []string{"shop*"}, Selector: Labels{"tier": "gold"}},
		{Name: "lab", Level: 1, RPO: time.Hour, Namespaces: []string{"lab"}},
		{Name: "elsewhere", Level: 1, Clusters: []string{"prod-us"}, Namespaces: []string{"*"}},
	}
	r := Judge(promises, census)
	type row struct {
		State                  State
		Application, Namespace string
		Loss                   string
		Notes                  []string
	}
	var got []row
	for _, s := range r.Standings {
		got = append(got, row{s.State, s.Application, s.Namespace, s.Loss, s.Notes})
	}
	want := []row{
		{Unprotected, "lab", "lab", "", []string{"the namespace is not there now", "no schedule makes the next backup of it"}},
		{Kept, "shop", "shop", "all writes after 02:00 UTC: 62 min", []string{"its schedules let 24 h pass between two backups, and 120 min were promised",
			"certificate tls expires at 2026-11-27 04:02 UTC", "certificate old has expired at 2026-11-27 02:02 UTC"}},
		{Unpromised, "", "wiki", "all writes after 02:00 UTC: 62 min", []string{"no schedule makes the next backup of it", "schedule old is paused", "certificate new is not ready: no issuer"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	notes := []string{"storage location velero/away cannot be read: it is Unavailable", "etcd: nothing in the cluster tells whether etcd is backed up: name a query that does (lag in salvor.yaml)",
		"certificates: the keys of the control plane (kubeadm: /etc/kubernetes/pki) are on its disks; nothing in the cluster tells whether they are backed up",
		"Velero cannot tell which VolumeSnapshotClass of driver csi.example to take: give one the label velero.io/csi-volumesnapshot-class"}
	if diff := cmp.Diff(notes, r.Notes); diff != "" {
		t.Error(diff)
	}
	if r.State != Unprotected || !r.Promised || !cmp.Equal(r.LeftOut, []string{"kube-system", "velero"}) {
		t.Errorf("%s, promised %t, left out %v", r.State, r.Promised, r.LeftOut)
	}
	if r := Judge(nil, census); r.State != Unprotected || r.Promised || len(r.Standings) != 3 {
		t.Errorf("without promises: %s, promised %t, %d standings", r.State, r.Promised, len(r.Standings))
	}
}

// TestTheWorstCounts holds that what is not known never hides what is bad, and is never taken for good.
func TestTheWorstCounts(t *testing.T) {
	order := []State{Unpromised, Kept, Unknown, Late, Unprotected}
	for i, a := range order {
		for k, b := range order {
			if got := worst(a, b); got != order[max(i, k)] {
				t.Errorf("of %s and %s the worst is %s", a, b, got)
			}
		}
	}
	if worst() != Unknown {
		t.Errorf("the worst of nothing is %s", worst())
	}
}

// TestToWhereAllCouldGoBack holds that a part which could be had in two ways counts by the better one, and all parts by the worst.
func TestToWhereAllCouldGoBack(t *testing.T) {
	at := func(d time.Duration) *Point { return &Point{At: ago(d)} }
	for _, c := range []struct {
		name string
		held []Held
		want *Point
	}{
		{"nothing", nil, nil},
		{"the older part", []Held{{Of: ApplicationData, Point: at(2)}, {Of: Configuration, Point: at(1)}}, at(2)},
		{"the newer way", []Held{{Of: ApplicationData, Point: at(3)}, {Of: ApplicationData, Point: at(2)}, {Of: Configuration, Point: at(1)}}, at(2)},
		{"one way is none", []Held{{Of: ApplicationData}, {Of: ApplicationData, Point: at(2)}}, at(2)},
		{"one part has none", []Held{{Of: ApplicationData}, {Of: Configuration, Point: at(1)}}, nil},
		{"one part needs none", []Held{{Of: ApplicationData, None: true}, {Of: Configuration, Point: at(1)}}, at(1)},
	} {
		if diff := cmp.Diff(c.want, oldest(c.held)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

// TestTroubles holds what is told to a pager: nothing of what is kept or was not promised, and of what is late since when, and how late.
func TestTroubles(t *testing.T) {
	census := shop(func(c *Census) { c.Cluster, c.Backups[0].Cluster = "prod", "prod" })
	for _, c := range []struct {
		rpo  time.Duration
		want []Trouble
	}{
		{2 * time.Hour, nil},
		{time.Hour, []Trouble{{Cluster: "prod", Application: "shop", Namespace: "shop", Level: 2, State: Late, Since: ago(2 * time.Minute), Missing: []string{"it is 62 min old, and 60 min were promised"}}}},
		{31 * time.Minute, []Trouble{{Cluster: "prod", Application: "shop", Namespace: "shop", Level: 2, State: Late, Since: ago(31 * time.Minute), Missing: []string{"it is 62 min old, and 31 min were promised"}}}},
		{30 * time.Minute, []Trouble{{Cluster: "prod", Application: "shop", Namespace: "shop", Level: 2, State: Late, Twice: true, Since: ago(32 * time.Minute), Missing: []string{"it is 62 min old, and 30 min were promised"}}}},
	} {
		if diff := cmp.Diff(c.want, Judge(Promises{promise(c.rpo)}, census).Troubles()); diff != "" {
			t.Errorf("%s: %s", c.rpo, diff)
		}
	}
	census.Backups = nil
	got := Judge(Promises{promise(time.Hour)}, census).Troubles()
	if len(got) != 1 || got[0].State != Unprotected || !got[0].Since.IsZero() {
		t.Errorf("without a backup: %+v", got)
	}
	if got := Judge(nil, census).Troubles(); got != nil {
		t.Errorf("of what nobody was promised: %+v", got)
	}
}
