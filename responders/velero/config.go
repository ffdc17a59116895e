package velero

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/client-go/dynamic"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/point"
)

// ConfigRestore brings the content of single ConfigMaps and Secrets back from a backup, and touches nothing else. Velero restores by kinds and labels,
// never by name, and leaves alone what is there or overwrites all of it; so the objects are read out of the backup, and written one by one.
//
// What was there before is kept in an object beside, of the same kind and so under the same rights, before anything is written: asBefore puts it back.
// One that is there gets back its data and nothing more; one that is gone is made as the backup has it. Values are never told: neither by a plan,
// nor by an error, nor in what is kept by Salvor itself.
//
// Secrets are read and written by the credentials that act alone, and only where people have granted that by a Role: no ClusterRole lets Salvor do so.
type ConfigRestore struct{ clusters Clusters }

// NewConfigRestore makes the responder config.restore.
func NewConfigRestore(clusters Clusters) *ConfigRestore { return &ConfigRestore{clusters} }

// Spec describes config.restore.
func (c *ConfigRestore) Spec() responders.Spec {
	grants := append(BackupGrants(), ownerGrants()...)
	return responders.Spec{
		Name:  "config.restore",
		About: "brings the content of single ConfigMaps and Secrets back from a backup, keeps what was there beside them, and touches nothing else",
		Class: policies.Disruptive,
		Params: []responders.Param{
			{Name: "namespace", Type: responders.ParamString, Required: true, About: "their namespace"},
			{Name: "configMaps", Type: responders.ParamNames, About: "names of ConfigMaps"},
			{Name: "secrets", Type: responders.ParamNames, About: "names of Secrets, in a namespace where Salvor may write them"},
			{Name: "asBefore", Type: responders.ParamBool, About: "true: put back what this incident replaced, instead of going back to a backup"},
			{Name: "backup", Type: responders.ParamString, About: "name of a backup, or latest: the newest that serves; latest if not given"},
			{Name: "verified", Type: responders.ParamBool, About: "only from a backup that is known to be restorable"},
			{Name: "partial", Type: responders.ParamBool, About: "from an incomplete backup where no other serves"},
			{Name: "velero", Type: responders.ParamString, About: "namespace of Velero, where there are several"},
		},
		Grants: append(grants,
			responders.Grant{Group: definitions.Group, Resource: definitions.Resource, Verbs: []string{"get"}},
			responders.Grant{Group: group, Resource: backups.Resource, Verbs: []string{"get"}},
			responders.Grant{Group: group, Resource: downloads.Resource, Verbs: []string{"get", "create"}},
			responders.Grant{Resource: namespaces.Resource, Verbs: []string{"get"}},
			responders.Grant{Resource: configMaps.Resource, Verbs: []string{"get", "create", "patch"}},
			responders.Grant{Resource: secrets.Resource, Verbs: []string{"get", "create", "patch"}, Local: true},
		),
	}
}

// Preview chooses the backup, looks at the objects, and refuses what would be undone or cannot be written.
func (c *ConfigRestore) Preview(ctx context.Context, env responders.Env, args responders.Args) (responders.Change, error) {
	if err := c.check(args); err != nil {
		return responders.Change{}, err
	}
	client, err := c.clusters.Custom(env.Cluster)
	if err != nil {
		return responders.Change{}, err
	}
	m := mending{Namespace: args.Text("namespace")}
	if err := m.rests(ctx, client); err != nil {
		return responders.Change{}, err
	}
	if err := m.see(ctx, c.clusters, env, client, args); err != nil {
		return responders.Change{}, err
	}
	if args["asBefore"] == true {
		change := m.backwards()
		return change, pin(&change, m)
	}
	f := foresight{client: client, env: env, order: order{Velero: args.Text("velero"), Namespaces: []string{m.Namespace}, Kinds: m.kinds()}}
	if err := f.choose(ctx, wanted(args)); err != nil {
		return responders.Change{}, err
	}
	m.Velero, m.Backup, m.BackupUID = f.Velero, f.Backup, f.BackupUID
	change := m.change(&f)
	return change, pin(&change, m)
}

func (c *ConfigRestore) check(args responders.Args) error {
	if err := c.Spec().Check(args); err != nil {
		return err
	}
	switch {
	case !namespaceForm.MatchString(args.Text("namespace")):
		return fmt.Errorf("namespace: %q is not the name of one namespace", args.Text("namespace"))
	case len(args.Names("configMaps"))+len(args.Names("secrets")) == 0:
		return errors.New("config.restore: name ConfigMaps or Secrets, or both")
	case args["asBefore"] == true && (args.Text("backup") != "" || args["verified"] == true || args["partial"] == true):
		return errors.New("config.restore: asBefore goes back to no backup")
	}
	return nil
}

// rests refuses a namespace whose objects Argo CD or Flux would make from Git again.
func (m *mending) rests(ctx context.Context, client dynamic.Interface) error {
	there, err := find(ctx, client, namespaces, "", m.Namespace)
	switch {
	case err != nil:
		return err
	case there == nil:
		return fmt.Errorf("restore configuration of namespace %s: there is no such namespace; namespace.restore brings it back", m.Namespace)
	}
	git, err := owners(ctx, client, []string{m.Namespace})
	if err != nil {
		return err
	}
	for _, o := range git {
		if o.acts != "" {
			return o.refusal()
		}
	}
	return nil
}

// change tells what becomes of each object.
func (m *mending) change(f *foresight) responders.Change {
	change := f.change()
	change.Responder, change.Class, change.DurationS, change.Targets, change.Will = "config.restore", policies.Disruptive, 60, m.targets(), nil
	for _, o := range m.Objects {
		text := fmt.Sprintf("%s gets back the data that it has in backup %s of %s", o, m.Backup, when(f.choice.Point.At))
		if o.UID == "" {
			text = fmt.Sprintf("%s, which is gone, is made as it is in backup %s of %s", o, m.Backup, when(f.choice.Point.At))
		}
		change.Will = append(change.Will, text)
	}
	change.DataLoss = strings.Replace(point.Loss(f.choice.Point.At, f.lossUntil()), "all writes", "all changes of "+m.words(), 1)
	change.Facts = append([]responders.Fact{m.keeping()}, change.Facts...)
	change.Command = fmt.Sprintf("velero -n %s backup download %s -o %s.tar.gz\ntar -xzOf %s.tar.gz %s | jq 'del(.metadata.resourceVersion, .metadata.uid)' | kubectl apply -f -",
		m.Velero, m.Backup, m.Backup, m.Backup, strings.Join(m.places(), " "))
	return change
}

// backwards tells what is put back of what this incident replaced.
func (m *mending) backwards() responders.Change {
	m.AsBefore = true
	change := responders.Change{Responder: "config.restore", Class: policies.Disruptive, DurationS: 30, Targets: m.targets()}
	m.Objects = slices.DeleteFunc(m.Objects, func(o mend) bool { return o.Kept == "" })
	for _, o := range m.Objects {
		change.Will = append(change.Will, fmt.Sprintf("%s gets back the data that are kept in %s", o, o.Kept))
	}
	if change.Command = m.putBack(); len(m.Objects) == 0 {
		change.Class, change.Nothing, change.DurationS, change.Will = policies.Observe, true, 0, []string{"nothing of this incident is in their place"}
	}
	return change
}

// Apply writes the objects one after the other, each after what it was is kept. Where one cannot be written the next ones are.
func (c *ConfigRestore) Apply(ctx context.Context, env responders.Env, change responders.Change) error {
	if change.Nothing {
		return nil
	}
	var m mending
	if err := pinned(change, &m); err != nil {
		return err
	}
	w, err := open(c.clusters, env.Cluster)
	if err != nil {
		return err
	}
	return mender{m, w, env}.run(ctx)
}

// Verify looks whether the objects hold what they were given.
func (c *ConfigRestore) Verify(ctx context.Context, env responders.Env, change responders.Change) (responders.Finding, error) {
	var m mending
	if err := pinned(change, &m); err != nil {
		return unknown(err)
	}
	client, err := c.clusters.Custom(env.Cluster)
	if err != nil {
		return unknown(err)
	}
	var lacking []string
	for _, o := range m.Objects {
		reader, err := readerOf(c.clusters, env.Cluster, o.Kind, client)
		if err != nil {
			return unknown(err)
		}
		now, err := find(ctx, reader, o.resource(), m.Namespace, o.Name)
		if err != nil {
			return unknown(err)
		}
		if why := m.lacks(o, now, env); why != "" {
			lacking = append(lacking, o.String()+" "+why)
		}
	}
	return responders.FindingOf(max(1, len(m.Objects)), lacking), nil
}
