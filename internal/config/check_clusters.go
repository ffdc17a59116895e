package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/policies"
)

// renewal is how often a kubelet renews its Lease.
const renewal = 10 * time.Second

func (c *check) clusters(cfg *Config) {
	c.warn(len(cfg.Clusters) == 0, "clusters", "list your clusters", "no cluster is listed, so nothing is watched")
	seen := map[string]int{}
	for i, cluster := range cfg.Clusters {
		key := fmt.Sprintf("clusters[%d]", i)
		c.name(key+".name", cluster.Name, seen)
		c.observe(key+".observe", cluster.Observe)
		c.act(key, cluster)
		c.modes(key, cluster)
		c.power(key+".power", cluster.Power)
		c.etcd(key+".etcd", cluster.Etcd)
		c.prometheus(key+".prometheus", cluster.Prometheus)
		c.wrong(cluster.LeaseStaleAfter > renewal, key+".lease_stale_after", "",
			"want more than %s, since kubelets renew that often, not %s", renewal, cluster.LeaseStaleAfter)
		c.warn(cluster.LeaseStaleAfter > renewal && cluster.LeaseStaleAfter < 2*renewal, key+".lease_stale_after", "leave it at 25s",
			"one renewal that is late makes a node look silent after %s", cluster.LeaseStaleAfter)
	}
}

func (c *check) observe(key string, o Observe) {
	c.wrong((o.Kubeconfig != "") != o.InCluster, key, "set one of kubeconfig and in_cluster", "the cluster is reached in one way")
	c.wrong(o.Context == "" || o.Kubeconfig != "", key+".context", "set kubeconfig", "a context is one of a kubeconfig")
	c.readable(key+".kubeconfig", o.Kubeconfig)
}

func (c *check) act(key string, cluster Cluster) {
	if cluster.Act == nil {
		return
	}
	c.wrong(cluster.Act.Kubeconfig != "", key+".act.kubeconfig", "name the kubeconfig of the act role (salvor print rbac), or take act out", "it is empty")
	c.readable(key+".act.kubeconfig", cluster.Act.Kubeconfig)
	same := Observe{Kubeconfig: cluster.Act.Kubeconfig, Context: cluster.Act.Context} == cluster.Observe
	c.warn(same && cluster.Act.Kubeconfig != "", key+".act", "give the observe role credentials that cannot write (salvor print rbac)",
		"Salvor watches with the credentials that it acts with")
}

func (c *check) modes(key string, cluster Cluster) {
	for _, kind := range slices.Sorted(maps.Keys(cluster.Modes)) {
		at, mode := key+".modes."+string(kind), cluster.Modes[kind]
		c.kind(at, kind)
		c.warn(mode > policies.ModeSuggest && cluster.Act == nil, at, "set act, or the mode suggest",
			"the mode is %s, but without act credentials nothing can be done to %s", mode, cluster.Name)
		c.warn(kind == classifiers.KindNode && mode == policies.ModeAct && cluster.Act != nil && cluster.Power == nil, at, "set power",
			"without a power switch, volumes of a silent node are moved only after a person agreed or a cloud says that it is off")
	}
}

func (c *check) power(key string, p *Power) {
	if p == nil {
		return
	}
	c.wrong((p.HTTP == nil) != (p.Exec == nil), key, "set one of http and exec", "a cluster has one power switch")
	if p.HTTP != nil {
		c.webURL(key+".http.url", p.HTTP.URL)
		c.wrong(strings.Contains(p.HTTP.URL, "{node}"), key+".http.url", "put {node} where the name of the node goes", "the address is the same for every node")
		c.atLeast(key+".http.timeout", p.HTTP.Timeout, 100*time.Millisecond)
		c.secret(key+".http.token_file", p.HTTP.TokenFile)
	}
	if p.Exec != nil {
		c.wrong(len(p.Exec.Command) > 0 && p.Exec.Command[0] != "", key+".exec.command", "list the program and its arguments", "it is empty")
		c.atLeast(key+".exec.timeout", p.Exec.Timeout, 100*time.Millisecond)
	}
}

// maxMembers is more members than any etcd has.
const maxMembers = 15

func (c *check) etcd(key string, e *Etcd) {
	if e == nil {
		return
	}
	n := len(e.Endpoints)
	c.wrong(n > 0 && n <= maxMembers, key+".endpoints", "list the address of every member, or take etcd out", "want 1 to %d, not %d", maxMembers, n)
	seen, secure := map[string]int{}, false
	for i, address := range e.Endpoints {
		at := fmt.Sprintf("%s.endpoints[%d]", key, i)
		c.webURL(at, address)
		secure = secure || strings.HasPrefix(address, "https:")
		first, twice := seen[address]
		c.wrong(!twice, at, "list each member once", "%q is listed before, in line %d, and would count twice", address, first)
		seen[address] = c.lineOf(at)
	}
	c.wrong(secure || e.CAFile+e.CertFile+e.KeyFile == "", key, "write https", "certificates are for https, and no endpoint is asked by it")
	c.pair(key, e.CertFile, e.KeyFile)
	c.readable(key+".ca_file", e.CAFile)
}

// pair checks the files of a client certificate and its key.
func (c *check) pair(key, cert, private string) {
	c.wrong((cert == "") == (private == ""), key+".key_file", "set both or neither", "cert_file and key_file go together, one is missing")
	c.readable(key+".cert_file", cert)
	c.readable(key+".key_file", private)
}
