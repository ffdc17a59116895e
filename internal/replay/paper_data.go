package replay

import (
	"cmp"
	"fmt"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// bringsBack is the responder that brings namespaces back from a backup.
const bringsBack = "namespace.restore"

// named are what the names of an argument are of: namespaces, of which those that are gone are brought back, or nodes.
func (p *paper) named(cluster, argument string, names []string) []policies.Target {
	if argument != "namespaces" {
		return p.nodes(cluster, names)
	}
	var out []policies.Target
	for _, name := range names {
		out = append(out, policies.Target{Kind: "Namespace", Namespace: name, Name: name, UID: name})
	}
	return out
}

// bringBack pins the newest complete backup that was seen before the fault began, and refuses what nobody promised anything of.
func (p *paper) bringBack(env responders.Env, c *responders.Change) error {
	for _, t := range c.Targets {
		if _, promised := env.Tier(t.Name); !promised {
			return fmt.Errorf("restore namespace %s: nothing in protection of salvor.yaml is about it, so that it is gone is recorded only", t.Name)
		}
	}
	newest := p.newestBackup(env)
	if newest == nil {
		return fmt.Errorf("no backup can be restored: none was seen to be complete before %s", env.Broken.UTC().Format("15:04:05"))
	}
	c.Point = &responders.RecoveryPoint{Kind: "Backup", Namespace: newest.Namespace, Name: newest.Name, UID: newest.UID, At: newest.Created.UTC()}
	c.DataLoss = "all writes after " + newest.Created.UTC().Format("15:04 UTC")
	return nil
}

func (p *paper) newestBackup(env responders.Env) (newest *classifiers.ObjectView) {
	p.view(func(v *classifiers.View) {
		c := v.Clusters[env.Cluster]
		if c == nil {
			return
		}
		for _, o := range c.Objects {
			if o.Kind != "Backup.velero.io" || o.Gone || o.Phase != "Completed" || !o.Created.Before(env.Broken) {
				continue
			}
			if newest == nil || cmp.Or(o.Created.Compare(newest.Created), cmp.Compare(newest.Name, o.Name)) > 0 {
				newest = o
			}
		}
	})
	return newest
}
