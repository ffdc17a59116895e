package export

import (
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/policies"
)

// elsewhere stands for credentials: that there are some counts, and what they are is nobody's business.
const elsewhere = "not-exported"

// Config renders what judges of a configuration, as a salvor.yaml that is read as any other. It holds no path, address, token or
// command.
func Config(cfg *config.Config) ([]byte, error) {
	l, d, t := cfg.Limits, cfg.Detect, cfg.Times
	out := judging{
		Clusters: []cluster{},
		Limits:   limits{l.NodesPerZone, l.FleetShare, storm{l.Storm.Nodes, l.Storm.Share, lasting(l.Storm.Within)}, l.Attempts, l.Flaps},
		Detect: detect{deletions{lasting(d.Deletions.Within), d.Deletions.Namespaces, d.Deletions.Claims, d.Deletions.Objects, d.Deletions.Protected},
			lasting(d.BackupLate), lasting(d.ChangeWithin), lasting(d.CertificateLeft), d.SecurityPriority},
		Times: times{lasting(t.Confirm), lasting(t.Healthy), lasting(t.Retry), lasting(t.ArchiveAfter)},
	}
	for _, c := range cfg.Clusters {
		out.Clusters = append(out.Clusters, clusterOf(c))
	}
	for _, app := range cfg.Protection {
		out.Protection = append(out.Protection, promise{app.Name, app.Level, lasting(app.RPO), lasting(app.RTO), app.Clusters, app.Namespaces})
	}
	for _, row := range cfg.Alerts {
		out.Alerts = append(out.Alerts, alert{row.Match, string(row.Topic), row.Independent})
	}
	return config.YAML(out)
}

func clusterOf(c config.Cluster) cluster {
	out := cluster{Name: c.Name, Environment: c.Environment, Region: c.Region, Observe: observe{true}, Modes: map[classifiers.Kind]policies.Mode{},
		LeaseStaleAfter: lasting(c.LeaseStaleAfter), SoleRepairer: c.SoleRepairer}
	for _, kind := range classifiers.Kinds() {
		out.Modes[kind] = c.Mode(kind)
	}
	if c.Act != nil {
		out.Act = &act{elsewhere}
	}
	return out
}

// lasting is a duration as a configuration has it.
type lasting time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d lasting) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// judging is the part of a configuration that judges, with the names of its keys.
type judging struct {
	Clusters   []cluster `json:"clusters"`
	Protection []promise `json:"protection,omitempty"`
	Limits     limits    `json:"limits"`
	Detect     detect    `json:"detect"`
	Times      times     `json:"times"`
	Alerts     []alert   `json:"alerts,omitempty"`
}

type promise struct {
	Name       string   `json:"name"`
	Level      int      `json:"level"`
	RPO        lasting  `json:"rpo"`
	RTO        lasting  `json:"rto"`
	Clusters   []string `json:"clusters,omitempty"`
	Namespaces []string `json:"namespaces"`
}

type cluster struct {
	Name            string                             `json:"name"`
	Environment     string                             `json:"environment"`
	Region          string                             `json:"region"`
	Observe         observe                            `json:"observe"`
	Act             *act                               `json:"act,omitempty"`
	Modes           map[classifiers.Kind]policies.Mode `json:"modes"`
	LeaseStaleAfter lasting                            `json:"lease_stale_after"`
	SoleRepairer    bool                               `json:"sole_repairer"`
}

type observe struct {
	InCluster bool `json:"in_cluster"`
}

type act struct {
	Kubeconfig string `json:"kubeconfig"`
}

type limits struct {
	NodesPerZone int     `json:"nodes_per_zone"`
	FleetShare   float64 `json:"fleet_share"`
	Storm        storm   `json:"storm"`
	Attempts     int     `json:"attempts"`
	Flaps        int     `json:"flaps"`
}

type storm struct {
	Nodes  int     `json:"nodes"`
	Share  float64 `json:"share"`
	Within lasting `json:"within"`
}

type detect struct {
	Deletions        deletions `json:"deletions"`
	BackupLate       lasting   `json:"backup_late"`
	ChangeWithin     lasting   `json:"change_within"`
	CertificateLeft  lasting   `json:"certificate_left"`
	SecurityPriority string    `json:"security_priority"`
}

type deletions struct {
	Within     lasting  `json:"within"`
	Namespaces int      `json:"namespaces"`
	Claims     int      `json:"claims"`
	Objects    int      `json:"objects"`
	Protected  []string `json:"protected,omitempty"`
}

type times struct {
	Confirm      lasting `json:"confirm"`
	Healthy      lasting `json:"healthy"`
	Retry        lasting `json:"retry"`
	ArchiveAfter lasting `json:"archive_after"`
}

type alert struct {
	Match       []string `json:"match"`
	Topic       string   `json:"topic"`
	Independent bool     `json:"independent,omitempty"`
}
