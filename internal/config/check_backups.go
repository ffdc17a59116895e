package config

import (
	"fmt"
	"slices"

	"github.com/salvor-io/salvor/internal/protection"
)

// backups checks by what a promise is kept. What nobody can tell the age of is unknown for ever, and that is worth a look.
func (c *check) backups(cfg *Config, key string, p Promise) {
	seen := map[protection.Backup]bool{}
	for j, b := range p.Backups {
		at := fmt.Sprintf("%s.backups[%d]", key, j)
		c.backup(cfg, at, b)
		kind := protection.Backup{Of: b.Of, By: b.By}
		c.wrong(!seen[kind], at, "keep one of them", "%s by %s is listed before", b.Of, b.By)
		seen[kind] = true
		c.warn(b.Lag == "" && needsLag(b), at, "name one of queries as its lag", "no query says how old %s by %s is: it stays unknown, and so does the promise", b.Of, b.By)
		c.warn(b.Lag != "" && len(cfg.without(p)) > 0, at+".lag", "set clusters[].prometheus", "the clusters %v have no Prometheus: there it stays unknown", cfg.without(p))
	}
	for _, b := range protection.Promise(p).Wanted() {
		c.warn(len(p.Backups) == 0 && needsLag(b), key, "list its backups, with the lag of the copy",
			"DR level %d is kept by copies, and no query says how far they are behind: it stays unknown", p.Level)
	}
}

func (c *check) backup(cfg *Config, at string, b protection.Backup) {
	parts, means := protection.Parts(), protection.AllMeans()
	c.wrong(slices.Contains(parts, b.Of), at+".of", "", "unknown part %q, want one of %v", b.Of, parts)
	c.wrong(slices.Contains(means, b.By), at+".by", "", "unknown means %q, want one of %v", b.By, means)
	c.wrong(b.Of != protection.ApplicationData || b.By != protection.Git, at+".by", "say snapshot or copy", "what is in volumes and databases is not in Git")
	c.wrong(b.RPO >= 0, at+".rpo", "", "want a time of 0 or more, not %s", b.RPO)
	named := func(q Query) bool { return q.Name == b.Lag }
	c.wrong(b.Lag == "" || slices.ContainsFunc(cfg.Queries, named), at+".lag", "list it under queries, or correct the name", "no query is named %q", b.Lag)
}

// needsLag says that nothing in a cluster tells how old what a backup holds is.
func needsLag(b protection.Backup) bool {
	return b.By == protection.Copy || b.Of == protection.ClusterData && b.By == protection.Git
}

// without are the clusters of a promise that have no Prometheus.
func (c *Config) without(p Promise) []string {
	var out []string
	for _, cluster := range c.Clusters {
		if cluster.Prometheus == nil && (len(p.Clusters) == 0 || slices.Contains(p.Clusters, cluster.Name)) {
			out = append(out, cluster.Name)
		}
	}
	return out
}
