package config

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

const (
	maxProbeTimeout = 10 * time.Second // a check is asked each second, and many probes may be silent
	maxExpectedText = 1024             // bytes
)

// probes checks what says whether clusters serve. A probe of no cluster would never be asked.
func (c *check) probes(cfg *Config) {
	seen := map[string]int{}
	for i, p := range cfg.Probes {
		key := fmt.Sprintf("probes[%d]", i)
		c.objectName(key+".name", p.Name, seen)
		c.asked(key, p.URL, p.TokenFile, p.CAFile)
		c.wrong(len(p.Clusters) > 0, key+".clusters", "list the clusters of which it says whether they serve", "it is empty, and that never means all")
		for n, cluster := range p.Clusters {
			c.wrong(cfg.has(cluster), fmt.Sprintf("%s.clusters[%d]", key, n), "list it under clusters, or correct the name", "no cluster is named %q", cluster)
		}
		c.wrong(p.Expect.Status >= 200 && p.Expect.Status <= 599, key+".expect.status", "", "want a status from 200 to 599, not %d", p.Expect.Status)
		c.wrong(len(p.Expect.BodyContains) <= maxExpectedText, key+".expect.body_contains", "", "want at most %d bytes, not %d", maxExpectedText, len(p.Expect.BodyContains))
		c.atLeast(key+".timeout", p.Timeout, 100*time.Millisecond)
		c.wrong(p.Timeout <= maxProbeTimeout, key+".timeout", "", "%s is too long, want at most %s", p.Timeout, maxProbeTimeout)
	}
}

// objectName is name, for names that runbooks list: those are spelled as Kubernetes spells names.
func (c *check) objectName(key, name string, seen map[string]int) {
	c.name(key, name, seen)
	c.wrong(name == strings.ToLower(name) && !strings.Contains(name, "_"), key, "", "want a name of lower case letters, digits, '-' and '.', not %q", name)
}

func (c *check) prometheus(key string, p *Prometheus) {
	if p == nil {
		return
	}
	c.asked(key, p.URL, p.TokenFile, p.CAFile)
	u, err := url.Parse(p.URL)
	c.wrong(err != nil || u.RawQuery == "", key+".url", "name the address below which its API lies", "the address has a query")
}

// asked checks an address that is asked, and as whom.
func (c *check) asked(key, address, tokenFile, caFile string) {
	c.webURL(key+".url", address)
	u, err := url.Parse(address)
	well := err == nil && u.Hostname() != ""
	c.wrong(!well || u.Fragment == "", key+".url", "take it out", "a fragment (what follows #) is never sent")
	secure := strings.HasPrefix(address, "https:")
	c.wrong(secure || caFile == "", key+".ca_file", "write https", "it is for https, and the address is asked without it")
	c.warn(!secure && tokenFile != "" && !isLocal(hostOf(address)), key+".token_file", "write https", "the token travels to %s in the clear", hostOf(address))
	c.secret(key+".token_file", tokenFile)
	c.readable(key+".ca_file", caFile)
}
