package judging

import (
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/config"
)

// classifiersOf are the classifiers with what is configured about them. All confirm within one window: that of a node may not be
// shorter than that of its zone.
func classifiersOf(cfg *config.Config) []classifiers.Classifier {
	window, storm, d := cfg.Times.Confirm, cfg.Limits.Storm, cfg.Detect
	zone := classifiers.Zone{Window: window, Within: storm.Within}
	return []classifiers.Classifier{
		classifiers.Region{Window: window, Of: regions(cfg)},
		Declared(cfg),
		zone,
		classifiers.Storm{Window: window, Within: storm.Within, Nodes: storm.Nodes, Share: storm.Share, Zone: zone},
		classifiers.Node{Window: window, Within: storm.Within},
		classifiers.Data{Window: window, Late: d.BackupLate, Deletions: classifiers.Deletions{Within: d.Deletions.Within, Namespaces: d.Deletions.Namespaces,
			Claims: d.Deletions.Claims, Objects: d.Deletions.Objects, Protected: d.Deletions.Protected, Promised: Promises(cfg).Any}},
		classifiers.Config{Window: window, Recent: d.ChangeWithin, Expires: d.CertificateLeft},
		classifiers.Security{Priority: d.SecurityPriority, For: time.Hour},
	}
}

// Declared is the classifier of what people declare.
func Declared(cfg *config.Config) classifiers.Declared {
	return classifiers.Declared{Region: classifiers.Region{Of: regions(cfg)}}
}

func regions(cfg *config.Config) map[string]string {
	out := map[string]string{}
	for _, c := range cfg.Clusters {
		out[c.Name] = c.Region
	}
	return out
}
