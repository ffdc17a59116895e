package config

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/internal/protection"
)

// maxQuery bounds a query, in bytes.
const maxQuery = 4096

// queries checks the questions that have names.
func (c *check) queries(all []Query) {
	seen := map[string]int{}
	for i, q := range all {
		key := fmt.Sprintf("queries[%d]", i)
		c.objectName(key+".name", q.Name, seen)
		c.wrong(strings.TrimSpace(q.Query) != "", key+".query", "write what Prometheus is to be asked", "it is empty")
		c.wrong(len(q.Query) <= maxQuery, key+".query", "", "want at most %d bytes, not %d", maxQuery, len(q.Query))
	}
}

// mostTiers bounds the turns in which applications are brought back.
const mostTiers = 9

// protection checks what was promised. A promise that is about nothing would never be kept, and nobody would know.
func (c *check) protection(cfg *Config) {
	seen := map[string]int{}
	for i, p := range cfg.Protection {
		key := fmt.Sprintf("protection[%d]", i)
		c.name(key+".name", p.Name, seen)
		c.wrong(p.Level >= protection.MinLevel && p.Level <= protection.MaxLevel, key+".level", "1: backups, 2: restored by plan, 3: copies kept up, 4: a standby takes over",
			"want a DR level from %d to %d, not %d", protection.MinLevel, protection.MaxLevel, p.Level)
		c.wrong(p.Tier >= 0 && p.Tier <= mostTiers, key+".tier", "1: what others stand upon; not given: by the level", "want a tier from 1 to %d, not %d", mostTiers, p.Tier)
		c.wrong(p.RPO >= 0, key+".rpo", "", "want a time of 0 or more, not %s", p.RPO)
		c.wrong(p.RTO >= 0, key+".rto", "", "want a time of 0 or more, not %s", p.RTO)
		c.about(cfg, key, p)
		c.strategy(key+".strategy", p)
		c.backups(cfg, key, p)
	}
}

// about checks where a promised application is.
func (c *check) about(cfg *Config, key string, p Promise) {
	for j, name := range p.Clusters {
		c.wrong(cfg.has(name), fmt.Sprintf("%s.clusters[%d]", key, j), "name one of clusters", "no cluster is named %q", name)
	}
	c.wrong(len(p.Namespaces) > 0, key+".namespaces", "list its namespaces, such as [shop, shop-*]", "it is about no namespace")
	for j, pattern := range p.Namespaces {
		_, err := path.Match(pattern, "x")
		c.wrong(err == nil && pattern != "", fmt.Sprintf("%s.namespaces[%d]", key, j), "as in shop-*", "%q is no pattern", pattern)
	}
	c.labels(key+".selector", p.Selector)
	c.labels(key+".workloads", p.Workloads)
}

var (
	labelKey   = regexp.MustCompile(`^([a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?/)?[a-zA-Z0-9]([-_.a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$`)
	labelValue = regexp.MustCompile(`^([a-zA-Z0-9]([-_.a-zA-Z0-9]{0,61}[a-zA-Z0-9])?)?$`)
)

// labels checks labels, which an object has in just this spelling.
func (c *check) labels(key string, labels protection.Labels) {
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		at := join(key, name)
		c.wrong(labelKey.MatchString(name), at, "as in app.kubernetes.io/name: shop", "%q cannot be the name of a label", name)
		c.wrong(labelValue.MatchString(labels[name]), at, "", "%q cannot be the value of a label: want one value, not a list or an expression", labels[name])
	}
}

func (c *check) strategy(key string, p Promise) {
	fit := protection.Strategies(p.Level)
	c.wrong(p.Strategy == "" || len(fit) == 0 || slices.Contains(fit, p.Strategy), key, "correct the level or the strategy",
		"%q is no way in which DR level %d is kept, that is %v", p.Strategy, p.Level, fit)
}
