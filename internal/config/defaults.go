package config

import (
	"log/slog"
	"net"
	"path/filepath"
	"time"
)

// socketName is the Unix socket's name in the data directory when no other path is given.
const socketName = "salvor.sock"

// defaulted is a struct that has values of its own where the file says nothing.
type defaulted interface{ setDefaults() }

func (c *Config) setDefaults() {
	c.DataDir = "salvor-data"
	c.Listen.Address = "127.0.0.1:9095"
	c.NATS.Replicas, c.NATS.MaxStore = 1, 2<<30
	c.Limits = Limits{NodesPerZone: 1, FleetShare: 0.1, Attempts: 3, Flaps: 3,
		Storm: Storm{Nodes: 3, Share: 0.2, Within: 2 * time.Minute}}
	c.Detect = Detect{BackupLate: time.Hour, ChangeWithin: 30 * time.Minute, CertificateLeft: 14 * 24 * time.Hour, SecurityPriority: "Error",
		Deletions: Deletions{Within: 5 * time.Minute, Namespaces: 2, Claims: 3, Objects: 20}}
	c.Times = Times{Confirm: 15 * time.Second, Healthy: 2 * time.Minute, Retry: 15 * time.Second, ArchiveAfter: 7 * 24 * time.Hour}
	c.Log = Log{Level: slog.LevelInfo, Format: "text"}
}

func (c *Cluster) setDefaults() { c.LeaseStaleAfter = 25 * time.Second }

func (b *Bundle) setDefaults() { b.Poll = 30 * time.Second }

func (o *OIDC) setDefaults() { o.GroupsClaim = "groups" }

func (p *PowerHTTP) setDefaults() { p.Timeout = 10 * time.Second }

func (p *PowerExec) setDefaults() { p.Timeout = 10 * time.Second }

func (p *Probe) setDefaults() { p.Expect.Status, p.Timeout = 200, 5*time.Second }

func (e *Expect) setDefaults() { e.Status = 200 }

// derive fills in what follows from other values.
func (c *Config) derive() {
	if c.Listen.Socket == "" {
		c.Listen.Socket = filepath.Join(c.DataDir, socketName)
	}
	if c.ExternalURL == "" {
		scheme := "http"
		if c.Listen.TLS.CertFile != "" {
			scheme = "https"
		}
		c.ExternalURL = scheme + "://" + reachable(c.Listen.Address)
	}
}

// reachable is the address by which this machine reaches a listener on all of its addresses.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return address
}
