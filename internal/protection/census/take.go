package census

import (
	"context"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/salvor-io/salvor/internal/kubeclient"
	"github.com/salvor-io/salvor/internal/protection"
)

// Within bounds how long a census takes, where its context does not.
const Within = time.Minute

// atOnce is how many kinds are read side by side.
const atOnce = 4

// Options say what is read beside the cluster.
type Options struct {
	Cluster string            // its name in salvor.yaml; empty: it has none
	Queries map[string]string // what its Prometheus is asked, by name
	Metrics Metrics           // nil: it has none, and nothing is asked
	Now     time.Time
}

// Take reads a cluster. What it cannot read is in the census, too: there is no error.
func Take(ctx context.Context, clients kubeclient.Clients, opt Options) *protection.Census {
	ctx, cancel := context.WithTimeout(ctx, Within)
	defer cancel()
	t := &taking{clients: clients, census: &protection.Census{Cluster: opt.Cluster, At: opt.Now, Lags: map[string]protection.Lag{}}}
	if err := t.arrive(); err != nil {
		t.census.Unread = []protection.Unread{unreachable(err)}
		return t.census
	}
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, kind := range t.kinds() {
		group.Go(func() error {
			if kind.group == "" || t.groups[kind.group] {
				t.failed(kind, kind.read(ctx))
			}
			return nil
		})
	}
	group.Go(func() error { t.ask(ctx, opt); return nil })
	_ = group.Wait() // what went wrong is in the census
	t.rename()
	t.census.Velero, t.census.Snapshotting = t.groups[veleroGroup], t.groups[snapshotGroup]
	sortUnread(t.census.Unread)
	return t.census
}

// taking is a census that is being taken. Each kind writes a part of its own.
type taking struct {
	clients kubeclient.Clients
	groups  map[string]bool // API groups that are served
	census  *protection.Census

	mu sync.Mutex // of what several kinds write
}

// kind is one kind of object that is read.
type kind struct {
	source protection.Source
	group  string // the API group without which there is none; empty: it is of Kubernetes itself
	read   func(ctx context.Context) error
}

func (t *taking) kinds() []kind {
	return []kind{
		{protection.SourceNamespaces, "", t.namespaces},
		{protection.SourceWorkloads, "", t.workloads},
		{protection.SourceClaims, "", t.claims},
		{protection.SourceClasses, "", t.classes},
		{protection.SourceBackups, veleroGroup, t.backups},
		{protection.SourceUploads, veleroGroup, t.uploads},
		{protection.SourceSchedules, veleroGroup, t.schedules},
		{protection.SourceSnapshots, snapshotGroup, t.snapshots},
		{protection.SourceSnapClasses, snapshotGroup, t.snapshotClasses},
		{protection.SourceCertificates, certificateGroup, t.certificates},
		{protection.SourceArgo, argoGroup, t.applications},
		{protection.SourceFlux, fluxGroup, t.kustomizations},
		{protection.SourceEtcd, k3sGroup, t.etcd},
	}
}

// arrive asks which version the API server is and what it serves: of a group that is not served nothing is there, whatever may be listed.
func (t *taking) arrive() error {
	version, err := t.clients.Kubernetes.Discovery().ServerVersion()
	if err != nil {
		return err
	}
	groups, err := t.clients.Kubernetes.Discovery().ServerGroups()
	if err != nil {
		return err
	}
	t.groups = map[string]bool{}
	for _, g := range groups.Groups {
		t.groups[g.Name] = true
	}
	t.census.Platform = platformOf(version.GitVersion)
	return nil
}

// platformOf is who runs the control plane, where the version tells.
func platformOf(version string) string {
	switch {
	case strings.Contains(version, "-eks-"):
		return "EKS"
	case strings.Contains(version, "-gke."):
		return "GKE"
	}
	return ""
}
