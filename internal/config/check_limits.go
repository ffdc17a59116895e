package config

import (
	"path"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/classifiers"
)

func (c *check) limits(l Limits) {
	c.wrong(l.NodesPerZone >= 1, "limits.nodes_per_zone", "to hold everything back use salvor pause", "want at least 1, not %d", l.NodesPerZone)
	c.share("limits.fleet_share", l.FleetShare)
	c.wrong(l.Storm.Nodes >= 1, "limits.storm.nodes", "", "want at least 1, not %d", l.Storm.Nodes)
	c.share("limits.storm.share", l.Storm.Share)
	c.atLeast("limits.storm.within", l.Storm.Within, time.Second)
	c.wrong(l.Attempts >= 1, "limits.attempts", "to hold everything back use salvor pause", "want at least 1, not %d", l.Attempts)
	c.wrong(l.Flaps >= 0, "limits.flaps", "", "want 0 or more, not %d", l.Flaps)
}

func (c *check) times(t Times) {
	c.atLeast("times.confirm", t.Confirm, time.Second)
	c.warn(t.Confirm >= time.Second && t.Confirm <= renewal, "times.confirm", "leave it at 15s",
		"kubelets renew their Leases every %s, so nodes that die together are seen to be silent up to %s apart: the first of a zone is repaired before the zone is seen", renewal, renewal)
	c.atLeast("times.healthy", t.Healthy, time.Second)
	c.atLeast("times.retry", t.Retry, time.Second)
	c.atLeast("times.archive_after", t.ArchiveAfter, 24*time.Hour) // policy is told how many incidents a fault had in 24 h
}

func (c *check) detect(d Detect) {
	c.atLeast("detect.backup_late", d.BackupLate, time.Minute)
	c.atLeast("detect.change_within", d.ChangeWithin, time.Minute)
	c.atLeast("detect.certificate_left", d.CertificateLeft, time.Hour)
	c.wrong(slices.Contains(classifiers.Priorities(), strings.ToLower(d.SecurityPriority)), "detect.security_priority",
		"one of "+strings.Join(classifiers.Priorities(), ", "), "Falco has no priority %q", d.SecurityPriority)
	c.atLeast("detect.deletions.within", d.Deletions.Within, time.Second)
	for _, least := range []struct {
		key string
		n   int
	}{{"namespaces", d.Deletions.Namespaces}, {"claims", d.Deletions.Claims}, {"objects", d.Deletions.Objects}} {
		c.wrong(least.n >= 1, "detect.deletions."+least.key, "", "want at least 1, not %d", least.n)
	}
	for _, pattern := range d.Deletions.Protected {
		_, err := path.Match(pattern, "x")
		c.wrong(err == nil && pattern != "", "detect.deletions.protected", "as in shop-*", "%q is no pattern", pattern)
	}
}
