package config

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"
)

// MinStore is the least that nats.max_store may be: every stream has its share of it.
const MinStore Bytes = 64 << 20

// maxSocketPath is the longest path of a Unix socket, in bytes.
const maxSocketPath = 107

func (c *check) listen(cfg *Config) {
	l := cfg.Listen
	host, _, err := net.SplitHostPort(l.Address)
	c.wrong(err == nil, "listen.address", "", "want host:port, not %q", l.Address)
	socket, err := filepath.Abs(l.Socket)
	c.wrong(err == nil && len(socket) <= maxSocketPath, "listen.socket", "set listen.socket to a shorter path",
		"the path of a Unix socket has at most %d bytes, %s has %d", maxSocketPath, socket, len(socket))
	c.tls(l.TLS)
	c.warn(err == nil && !isLocal(host) && l.TLS.CertFile == "", "listen.address", "set listen.tls.cert_file and key_file",
		"tokens travel to %s in the clear", l.Address)
}

func (c *check) tls(t TLS) {
	c.wrong((t.CertFile == "") == (t.KeyFile == ""), "listen.tls.key_file", "set both or neither", "cert_file and key_file go together, one is missing")
	c.wrong(t.ClientCAFile == "" || t.CertFile != "", "listen.tls.client_ca_file", "set cert_file and key_file, too",
		"client certificates are seen over TLS only")
	c.readable("listen.tls.cert_file", t.CertFile)
	c.readable("listen.tls.key_file", t.KeyFile)
	c.readable("listen.tls.client_ca_file", t.ClientCAFile)
}

func (c *check) nats(n NATS) {
	c.wrong(n.Replicas == 1 || n.Replicas == 3, "nats.replicas", "", "want 1 or 3, not %d", n.Replicas)
	c.wrong(n.MaxStore >= MinStore, "nats.max_store", "", "%s is too small, want at least %s", n.MaxStore, MinStore)
	c.wrong((n.CertFile == "") == (n.KeyFile == ""), "nats.key_file", "set both or neither", "cert_file and key_file go together, one is missing")
	for _, f := range []struct{ key, path string }{
		{"nats.ca_file", n.CAFile}, {"nats.cert_file", n.CertFile}, {"nats.key_file", n.KeyFile},
		{"nats.creds_file", n.CredsFile}, {"nats.token_file", n.TokenFile}, {"nats.nkey_file", n.NkeyFile},
	} {
		c.wrong(f.path == "" || n.URL != "", f.key, "set nats.url, or take it out", "it is for a NATS outside, and no url is given")
		c.readable(f.key, f.path)
	}
	who := 0
	for _, path := range []string{n.CredsFile, n.TokenFile, n.NkeyFile} {
		if path != "" {
			who++
		}
	}
	c.wrong(who <= 1, "nats", "keep one of creds_file, token_file and nkey_file", "more than one kind of credentials is given")
	for _, address := range strings.Split(n.URL, ",") {
		u, err := url.Parse(strings.TrimSpace(address))
		c.wrong(err == nil, "nats.url", "", "want addresses such as tls://nats:4222, not %q", address)
		c.wrong(err != nil || u.User == nil, "nats.url", "use creds_file, token_file or nkey_file", "it holds a user, and secrets are never in this file")
	}
	c.wrong(n.Replicas == 1 || n.URL != "", "nats.replicas", "set nats.url", "the NATS inside this process keeps one copy")
}

func (c *check) intakes(cfg *Config) {
	seen, clients, witnesses := map[string]int{}, map[string]int{}, map[string]int{}
	for i, in := range cfg.Intakes {
		key := fmt.Sprintf("intakes[%d]", i)
		c.name(key+".name", in.Name, seen)
		c.wrong((in.TokenFile == "") != (in.ClientName == ""), key, "set one of token_file and client_name", "a sender proves itself in one way")
		c.token(key+".token_file", in.TokenFile)
		c.clientName(cfg, key+".client_name", in.ClientName, clients)
		c.bound(cfg, key, in)
		if in.Witness != "" {
			c.name(key+".witness", in.Witness, witnesses)
			c.wrong(len(in.Kinds) == 0, key+".kinds", "take kinds out", "a witness says what it can reach, and nothing of faults")
		}
	}
}

func (c *check) clientName(cfg *Config, key, name string, seen map[string]int) {
	if name == "" {
		return
	}
	c.wrong(cfg.Listen.TLS.ClientCAFile != "", key, "set listen.tls.client_ca_file", "without it no client certificate is believed")
	first, twice := seen[name]
	c.wrong(!twice, key, "give each a name of its own", "%q is used before, in line %d", name, first)
	seen[name] = c.lineOf(key)
}

// bound checks what a sender's posts may be about.
func (c *check) bound(cfg *Config, key string, in Intake) {
	c.wrong(len(in.Clusters) > 0, key+".clusters", "list the clusters its posts may be about", "it is empty, and that never means all")
	for n, cluster := range in.Clusters {
		c.wrong(cfg.has(cluster), fmt.Sprintf("%s.clusters[%d]", key, n), "list it under clusters, or correct the name", "no cluster is named %q", cluster)
	}
	c.kinds(key+".kinds", in.Kinds)
}

func (c *Config) has(cluster string) bool {
	for _, known := range c.Clusters {
		if known.Name == cluster {
			return true
		}
	}
	return false
}
