package config

import (
	"fmt"
	"path"
	"slices"

	"github.com/salvor-io/salvor/internal/protection"
)

// protection checks what was promised. A promise that is about nothing would never be kept, and nobody would know.
func (c *check) protection(cfg *Config) {
	seen := map[string]int{}
	for i, p := range cfg.Protection {
		key := fmt.Sprintf("protection[%d]", i)
		c.name(key+".name", p.Name, seen)
		c.wrong(p.Level >= protection.MinLevel && p.Level <= protection.MaxLevel, key+".level", "1: backups, 2: restored by plan, 3: copies kept up, 4: a standby takes over",
			"want a DR level from %d to %d, not %d", protection.MinLevel, protection.MaxLevel, p.Level)
		c.wrong(p.RPO >= 0, key+".rpo", "", "want a time of 0 or more, not %s", p.RPO)
		c.wrong(p.RTO >= 0, key+".rto", "", "want a time of 0 or more, not %s", p.RTO)
		for j, name := range p.Clusters {
			known := slices.ContainsFunc(cfg.Clusters, func(cluster Cluster) bool { return cluster.Name == name })
			c.wrong(known, fmt.Sprintf("%s.clusters[%d]", key, j), "name one of clusters", "no cluster is named %q", name)
		}
		c.wrong(len(p.Namespaces) > 0, key+".namespaces", "list its namespaces, such as [shop, shop-*]", "it is about no namespace")
		for j, pattern := range p.Namespaces {
			_, err := path.Match(pattern, "x")
			c.wrong(err == nil && pattern != "", fmt.Sprintf("%s.namespaces[%d]", key, j), "as in shop-*", "%q is no pattern", pattern)
		}
	}
}
