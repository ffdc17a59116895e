package protection

import "time"

// Part is a part of an application that has to be had again after a disaster.
type Part string

// The parts.
const (
	ClusterData     Part = "cluster_data"     // the state of the cluster itself: etcd, and what its control plane keeps beside it
	ApplicationData Part = "application_data" // what is in volumes and databases
	Configuration   Part = "configuration"    // the objects of the API: workloads, services, ConfigMaps, Secrets
)

// Parts are all of them, in the order in which they are shown.
func Parts() []Part { return []Part{ClusterData, ApplicationData, Configuration} }

// Means is how a part is kept a second time.
type Means string

// The means.
const (
	Snapshot Means = "snapshot" // as it was at one moment: a backup of Velero, snapshots of volumes, a snapshot of etcd
	Copy     Means = "copy"     // kept up all the time, and behind by some seconds
	Git      Means = "git"      // what runs is made from what is in Git
)

// AllMeans are all of them.
func AllMeans() []Means { return []Means{Snapshot, Copy, Git} }

// Backup is one way in which one part is kept. A promise stands no better than the worst of its backups.
type Backup struct {
	Of  Part          `yaml:"of"`
	By  Means         `yaml:"by"`
	RPO time.Duration `yaml:"rpo"` // 0: that of the promise
	Lag string        `yaml:"lag"` // name of the query that says how many seconds old what it holds is; empty: it is looked at in the cluster
}

// Wanted are the backups that are to keep the promise, each with its RPO: those that it lists, or else those that its level stands for.
func (p Promise) Wanted() []Backup {
	out := append([]Backup{}, p.Backups...)
	if len(out) == 0 {
		out = []Backup{{Of: ApplicationData, By: Snapshot}, {Of: Configuration, By: Snapshot}}
		if p.Level >= copied {
			out[0].By = Copy
		}
	}
	for i := range out {
		if out[i].RPO == 0 {
			out[i].RPO = p.RPO
		}
	}
	return out
}

// Strategy is how the application comes back.
type Strategy string

// The strategies, by the names that architects give them.
const (
	BackupRestore Strategy = "backup_restore" // it is restored from backups
	PilotLight    Strategy = "pilot_light"    // its data is elsewhere, and its workloads are started there
	WarmStandby   Strategy = "warm_standby"   // it runs elsewhere at a small size
	ActiveActive  Strategy = "active_active"  // it serves in both places
)

// Strategies are those by which a level is kept. The first is meant where none is given.
func Strategies(level int) []Strategy {
	switch level {
	case 1, 2:
		return []Strategy{BackupRestore}
	case copied:
		return []Strategy{PilotLight}
	case MaxLevel:
		return []Strategy{WarmStandby, ActiveActive}
	}
	return nil
}

// Way is the strategy of the promise: the one that was given, or the one that its level stands for.
func (p Promise) Way() Strategy {
	if p.Strategy == "" && len(Strategies(p.Level)) > 0 {
		return Strategies(p.Level)[0]
	}
	return p.Strategy
}
