package app

import (
	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/config"
)

// classifiersOf are the classifiers with what is configured about them. Nodes and zones have one confirmation window.
func classifiersOf(cfg *config.Config) []classifiers.Classifier {
	window, storm := cfg.Times.Confirm, cfg.Limits.Storm
	zone := classifiers.Zone{Window: window, Within: storm.Within}
	return []classifiers.Classifier{
		zone,
		classifiers.Storm{Window: window, Within: storm.Within, Nodes: storm.Nodes, Share: storm.Share, Zone: zone},
		classifiers.Node{Window: window},
	}
}
