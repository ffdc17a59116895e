package parts

import (
	"strings"
	"time"
)

// Catalogue returns all parts. The linter is no part of a stack; it is here because it is built in the same way.
func Catalogue() []Part {
	all := append(cluster(), backups()...)
	return append(all, Part{
		Name: Linter, Source: "test/tools", Group: Tools,
		Package: "github.com/golangci/golangci-lint/v2/cmd/golangci-lint", Module: "github.com/golangci/golangci-lint/v2",
		Stamp: stampLinter, Typical: time.Minute,
	})
}

// cluster lists the parts of a stack without volumes and backups, and the NATS server that runs beside it.
func cluster() []Part {
	return []Part{
		{
			Name: Stack, Source: "test/stack", Build: ".", Package: "./test/stack/cmd/stack", Group: Cluster,
			Typical: 5 * time.Second,
		},
		{
			Name: ControlPlane, Source: "test/stack/controlplane", Package: ".", Module: "k8s.io/kubernetes", Group: Cluster,
			Stamp: stampKubernetes, Typical: 8 * time.Minute,
		},
		{
			Name: Kwok, Source: "test/stack/kwok", Package: ".", Module: "sigs.k8s.io/kwok", Group: Cluster,
			Typical: time.Minute,
		},
		{
			Name: Alertmanager, Source: "test/stack/alertmanager", Group: Cluster,
			Package: "github.com/prometheus/alertmanager/cmd/alertmanager", Module: "github.com/prometheus/alertmanager",
			Stamp: stampPrometheus, Typical: 30 * time.Second,
		},
		{
			Name: NATS, Source: "test/stack/nats", Group: Cluster,
			Package: "github.com/nats-io/nats-server/v2", Module: "github.com/nats-io/nats-server/v2",
			Typical: 15 * time.Second,
		},
	}
}

// backups lists the parts for volumes and backups. Those of one folder share a module, so that what they have in common is
// compiled once.
func backups() []Part {
	const velero, snapshotter = "github.com/vmware-tanzu/velero", "github.com/kubernetes-csi/external-snapshotter/v8"
	return []Part{
		{
			Name: ObjectStore, Source: "test/stack/backups", Group: Backups,
			Package: "github.com/versity/versitygw/cmd/versitygw", Module: "github.com/versity/versitygw",
			Typical: time.Minute,
		},
		{
			Name: Velero, Source: "test/stack/backups", Package: ".", Module: velero, Group: Backups,
			Stamp: stampVelero, Typical: 2 * time.Minute,
		},
		{
			Name: VeleroPlugin, Source: "test/stack/backups", Group: Backups,
			Package: velero + "-plugin-for-aws/velero-plugin-for-aws", Module: velero + "-plugin-for-aws",
			Typical: time.Minute,
		},
		{
			Name: SnapshotController, Source: "test/stack/volumes", Group: Backups,
			Package: snapshotter + "/cmd/snapshot-controller", Module: snapshotter, Typical: 30 * time.Second,
			Files: Files{
				Module:  "github.com/kubernetes-csi/external-snapshotter/client/v8",
				Pattern: "config/crd/snapshot.storage.k8s.io_*.yaml", Folder: CRDs,
			},
		},
		{
			Name: Snapshotter, Source: "test/stack/volumes", Group: Backups,
			Package: snapshotter + "/cmd/csi-snapshotter", Module: snapshotter, Typical: 30 * time.Second,
		},
		{
			Name: Provisioner, Source: "test/stack/volumes", Group: Backups,
			Package: "github.com/kubernetes-csi/external-provisioner/v6/cmd/csi-provisioner",
			Module:  "github.com/kubernetes-csi/external-provisioner/v6", Typical: 30 * time.Second,
		},
		{
			Name: Driver, Source: "test/stack/volumes", Package: "./hostdir-csi", Group: Backups, Typical: 10 * time.Second,
		},
	}
}

// stampKubernetes tells the servers their version, without which kubectl turns away from them.
func stampKubernetes(version string) []string {
	major, rest, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	const pkg = "k8s.io/component-base/version."
	return []string{
		"-X", pkg + "gitVersion=" + version, "-X", pkg + "gitMajor=" + major, "-X", pkg + "gitMinor=" + minor,
	}
}

func stampPrometheus(version string) []string {
	return []string{"-X", "github.com/prometheus/common/version.Version=" + strings.TrimPrefix(version, "v")}
}

func stampLinter(version string) []string {
	return []string{"-X", "main.version=" + strings.TrimPrefix(version, "v")}
}

func stampVelero(version string) []string {
	return []string{"-X", "github.com/vmware-tanzu/velero/pkg/buildinfo.Version=" + version}
}
