package config

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events/alertmanager"
)

// check collects what is wrong with a configuration and what is worth a look.
type check struct {
	decoder
	warnings  Problems
	withFiles bool              // look at the files that are named, too
	tokens    map[string]string // key by content of the token files seen
}

// wrong notes a problem unless it is well. A key has one problem at a time: what else is wrong with it may follow from that.
func (c *check) wrong(well bool, key, do, why string, args ...any) {
	known := func(p Problem) bool { return p.Key == key }
	if !well && !c.misshapen(key) && !slices.ContainsFunc(c.problems, known) {
		c.problems = append(c.problems, c.problem(key, do, why, args...))
	}
}

// misshapen says that a key, or one that it is below, could not be read at all.
func (c *check) misshapen(key string) bool {
	for ; key != ""; key = key[:max(0, strings.LastIndexAny(key, ".["))] {
		if c.unread[key] {
			return true
		}
	}
	return c.unread[""]
}

// warn notes something worth a look when it is so.
func (c *check) warn(so bool, key, do, why string, args ...any) {
	if so {
		c.warnings = append(c.warnings, c.problem(key, do, why, args...))
	}
}

func (c *check) problem(key, do, why string, args ...any) Problem {
	return Problem{File: c.file, Line: c.lineOf(key), Key: key, Why: fmt.Sprintf(why, args...), Do: do}
}

// lineOf is the line of a key, or that of what it is missing from.
func (c *check) lineOf(key string) int {
	for key != "" {
		if line, found := c.lines[key]; found {
			return line
		}
		key = key[:max(0, strings.LastIndexAny(key, ".["))]
	}
	return 0
}

func (c *check) all(cfg *Config) {
	c.listen(cfg)
	c.nats(cfg.NATS)
	c.clusters(cfg)
	c.intakes(cfg)
	c.people(cfg)
	c.oidc(cfg)
	c.console(cfg)
	c.breakGlass(cfg)
	c.queries(cfg.Queries)
	c.protection(cfg)
	c.probes(cfg)
	c.limits(cfg.Limits)
	c.detect(cfg.Detect)
	c.times(cfg.Times)
	c.alerts(cfg)
	c.chat(cfg)
	c.others(cfg)
}

// alerts checks each row and then the table that they make, which bounds how many there are.
func (c *check) alerts(cfg *Config) {
	for i, row := range cfg.Alerts {
		err := row.Check()
		c.wrong(err == nil, fmt.Sprintf("alerts[%d]", i), "", "%v", err)
	}
	if len(c.problems) == 0 {
		_, err := alertmanager.NewTable(cfg.Alerts)
		c.wrong(err == nil, "alerts", "", "%v", err)
	}
}

func (c *check) others(cfg *Config) {
	c.wrong(cfg.DataDir != "", "data_dir", "name a directory", "it is empty")
	c.webURL("external_url", cfg.ExternalURL)
	for i, am := range cfg.Alertmanagers {
		key := fmt.Sprintf("alertmanagers[%d]", i)
		c.webURL(key+".url", am.URL)
		c.secret(key+".token_file", am.TokenFile)
	}
	c.warn(len(cfg.Alertmanagers) > 0 && isLocal(hostOf(cfg.ExternalURL)), "external_url", "set the address by which people reach Salvor",
		"links in alerts start with %s, which leads nowhere on other machines", cfg.ExternalURL)
	c.wrong(cfg.Log.Format == "text" || cfg.Log.Format == "json", "log.format", "", "unknown format %q, want text or json", cfg.Log.Format)
	c.policies(cfg.Policies)
	c.directory("runbooks.dir", cfg.Runbooks.Dir)
}

var plainName = regexp.MustCompile(`^[a-zA-Z0-9]([-_.a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$`)

// name checks a name and that it is given once.
func (c *check) name(key, name string, seen map[string]int) {
	c.wrong(plainName.MatchString(name), key, "", "want a name of letters, digits, '-', '_' and '.', at most 63, not %q", name)
	first, twice := seen[name]
	c.wrong(!twice || name == "", key, "give each a name of its own", "%q is used before, in line %d", name, first)
	seen[name] = c.lineOf(key)
}

func (c *check) webURL(key, text string) {
	u, err := url.Parse(text)
	well := err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
	c.wrong(well, key, "", "want an http or https address, not %q", text)
	c.wrong(!well || u.User == nil, key, "use a token file", "the address holds a password, and secrets are never in this file")
}

func (c *check) kinds(key string, kinds []classifiers.Kind) {
	for i, kind := range kinds {
		c.kind(fmt.Sprintf("%s[%d]", key, i), kind)
	}
}

func (c *check) kind(key string, kind classifiers.Kind) {
	all := classifiers.Kinds()
	c.wrong(slices.Contains(all, kind), key, "", "unknown kind of fault %q, want one of %v", kind, all)
}

func (c *check) atLeast(key string, d, least time.Duration) {
	c.wrong(d >= least, key, "", "%s is too short, want at least %s", d, least)
}

func (c *check) share(key string, share float64) {
	c.wrong(share >= 0 && share <= 1, key, "", "want a share between 0 and 1, not %v", share)
}

func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// isLocal says whether a host is reached from this machine alone.
func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
