package replay

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// goesBack are the responders that bring something back, each with what it goes back to.
var goesBack = map[string]func(*paper, responders.Env, *responders.Change) error{
	"namespace.restore": (*paper).bringBack, "velero.restore": (*paper).toBackup, "config.restore": (*paper).toBackup,
	"claims.restore": (*paper).toSnapshots, "volume.restore": (*paper).toSnapshots,
}

// kinds are the kinds of what arguments name: of one object, or of several.
var kinds = map[string]string{"namespaces": "Namespace", "claim": "PersistentVolumeClaim", "claims": "PersistentVolumeClaim", "schedule": "Schedule.velero.io",
	"configMaps": "ConfigMap", "secrets": "Secret"}

// aims are the targets of a responder: what its arguments name. Of nodes and schedules they are those that were seen; what is to be brought back need not
// be there.
func (p *paper) aims(spec responders.Spec, cluster string, args responders.Args) []policies.Target {
	var out []policies.Target
	for _, param := range spec.Params {
		names, kind := args.Names(param.Name), kinds[param.Name]
		if text := args.Text(param.Name); text != "" {
			names = []string{text}
		}
		switch {
		case param.Type == responders.ParamZone:
			out = append(out, p.nodesIn(cluster, args.Text(param.Name))...)
		case kind == "Schedule.velero.io":
			out = append(out, p.seen(cluster, kind, args.Text("velero"), names...)...)
		case kind == "PersistentVolumeClaim" && len(names) == 0 && param.Type == responders.ParamNames:
			out = append(out, p.seen(cluster, kind, args.Text("namespace"))...)
		case kind != "":
			out = append(out, named(kind, args.Text("namespace"), names)...)
		case param.Type == responders.ParamNames && param.Name == "nodes", param.Name == "displacedFrom":
			out = append(out, p.nodes(cluster, names)...)
		}
	}
	return out
}

// named are targets by name alone.
func named(kind, namespace string, names []string) []policies.Target {
	var out []policies.Target
	for _, name := range names {
		in := cmp.Or(namespace, name) // a namespace lies in itself
		out = append(out, policies.Target{Kind: kind, Namespace: in, Name: name, UID: name})
	}
	return out
}

// seen are the objects of a kind in a namespace that are there, those of some names or all.
func (p *paper) seen(cluster, kind, namespace string, names ...string) []policies.Target {
	var out []policies.Target
	for _, o := range p.objects(cluster, kind) {
		if o.Namespace == namespace && (len(names) == 0 || slices.Contains(names, o.Name)) {
			out = append(out, policies.Target{Kind: kind, Namespace: namespace, Name: o.Name, UID: cmp.Or(o.UID, o.Name)})
		}
	}
	return out
}

// objects are those of a kind that are there, by namespace and name.
func (p *paper) objects(cluster, kind string) []*classifiers.ObjectView {
	var out []*classifiers.ObjectView
	p.view(func(v *classifiers.View) {
		if c := v.Clusters[cluster]; c != nil {
			for _, o := range c.Objects {
				if o.Kind == kind && !o.Gone {
					out = append(out, o)
				}
			}
		}
	})
	slices.SortFunc(out, func(a, b *classifiers.ObjectView) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// bringBack goes back to a backup, and refuses what nobody promised anything of.
func (p *paper) bringBack(env responders.Env, c *responders.Change) error {
	for _, t := range c.Targets {
		if _, promised := env.Tier(t.Name); !promised {
			return fmt.Errorf("restore namespace %s: nothing in protection of salvor.yaml is about it, so that it is gone is recorded only", t.Name)
		}
	}
	return p.toBackup(env, c)
}

// toBackup pins the newest complete backup that was seen before the fault began.
func (p *paper) toBackup(env responders.Env, c *responders.Change) error {
	newest := p.newest(env, "Backup.velero.io", "Completed", func(*classifiers.ObjectView) bool { return true })
	if newest == nil {
		return fmt.Errorf("no backup can be restored: none was seen to be complete before %s", env.Broken.UTC().Format("15:04:05"))
	}
	goBack(c, "Backup", newest)
	return nil
}

// toSnapshots pins the oldest of the newest snapshots of the claims that were seen before the fault began.
func (p *paper) toSnapshots(env responders.Env, c *responders.Change) error {
	for _, t := range c.Targets {
		newest := p.newest(env, "VolumeSnapshot.snapshot.storage.k8s.io", "Ready", func(o *classifiers.ObjectView) bool {
			return o.Namespace == t.Namespace && o.Of.Name == t.Name
		})
		if newest == nil {
			return fmt.Errorf("restore claim %s/%s: no snapshot of it was seen to be ready before %s", t.Namespace, t.Name, env.Broken.UTC().Format("15:04:05"))
		}
		if c.Point == nil || newest.Created.Before(c.Point.At) {
			goBack(c, "VolumeSnapshot", newest)
		}
	}
	return nil
}

func goBack(c *responders.Change, kind string, to *classifiers.ObjectView) {
	c.Point = &responders.RecoveryPoint{Kind: kind, Namespace: to.Namespace, Name: to.Name, UID: to.UID, At: to.Created.UTC()}
	c.DataLoss = "all writes after " + to.Created.UTC().Format("15:04 UTC")
}

// newest is the newest object of a kind in a phase that was made before the fault began and fits.
func (p *paper) newest(env responders.Env, kind, phase string, fits func(*classifiers.ObjectView) bool) (newest *classifiers.ObjectView) {
	for _, o := range p.objects(env.Cluster, kind) {
		if o.Phase != phase || !o.Created.Before(env.Broken) || !fits(o) {
			continue
		}
		if newest == nil || cmp.Or(o.Created.Compare(newest.Created), cmp.Compare(newest.Name, o.Name)) > 0 {
			newest = o
		}
	}
	return newest
}
