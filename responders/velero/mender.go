package velero

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/salvor-io/salvor/responders"
)

// keptLabel is on what holds the content that an object had before Salvor replaced it: the name of that, or what tells it where that is no label.
const keptLabel = "salvor.io/kept-of"

// keptOf is the name of an object as the value of a label.
func keptOf(name string) string {
	if labelForm.MatchString(name) {
		return name
	}
	return hash(name)
}

// mender carries out one mending.
type mender struct {
	mending
	world
	env responders.Env
}

// run goes on where one object cannot be written: the others may be.
func (m mender) run(ctx context.Context) error {
	held, err := m.held(ctx)
	if err != nil {
		return err
	}
	var wrong []error
	for i, o := range m.Objects {
		if err := m.one(ctx, o, held[placeOf(o.resource().Resource, m.Namespace, o.Name)]); err != nil {
			wrong = append(wrong, fmt.Errorf("restore %s of namespace %s: %w", o, m.Namespace, err))
		}
		responders.Progress(ctx, i+1-len(wrong), len(m.Objects), "objects restored")
		if err := ctx.Err(); err != nil {
			return errors.Join(append(wrong, err)...)
		}
	}
	return errors.Join(wrong...)
}

// held are the objects that are gone back to, by their place in the backup: those of the backup, or what this incident keeps.
func (m mender) held(ctx context.Context) (map[string]*unstructured.Unstructured, error) {
	if m.AsBefore {
		held := map[string]*unstructured.Unstructured{}
		for _, o := range m.Objects {
			kept, err := m.look(ctx, o, o.Kept)
			if err != nil {
				return nil, err
			}
			held[placeOf(o.resource().Resource, m.Namespace, o.Name)] = kept
		}
		return held, nil
	}
	if done, err := m.isDone(ctx); err != nil || done {
		return nil, err
	}
	place, err := restoring{order{Velero: m.Velero, Backup: m.Backup, BackupUID: m.BackupUID}, m.world, m.env}.placeNow(ctx)
	if err != nil {
		return nil, err
	}
	wanted := map[string]bool{}
	for _, at := range m.places() {
		wanted[at] = true
	}
	return m.contents(ctx, m.env, place, m.Backup, wanted)
}

// placeNow is the storage location of the backup, which has to be the one that the plan saw.
func (r restoring) placeNow(ctx context.Context) (Location, error) {
	if err := r.recheck(ctx); err != nil {
		return Location{}, err
	}
	return r.place(ctx)
}

// isDone says that this plan has written all objects already.
func (m mender) isDone(ctx context.Context) (bool, error) {
	for _, o := range m.Objects {
		now, err := m.look(ctx, o, o.Name)
		if err != nil || now == nil || markOf(now).For != turnOf(m.env) {
			return false, err
		}
	}
	return true, nil
}

// look reads an object of the kind of another: Secrets by the credentials that act.
func (m mender) look(ctx context.Context, o mend, name string) (*unstructured.Unstructured, error) {
	client := m.reader
	if o.Kind == "Secret" {
		client = m.writer
	}
	return find(ctx, client, o.resource(), m.Namespace, name)
}

// one writes one object, unless that was done.
func (m mender) one(ctx context.Context, o mend, held *unstructured.Unstructured) error {
	now, err := m.look(ctx, o, o.Name)
	if err != nil {
		return err
	}
	switch {
	case m.AsBefore:
		return m.undo(ctx, o, now, held)
	case now != nil && markOf(now).For == turnOf(m.env):
		return nil
	case held == nil:
		return fmt.Errorf("it is not in backup %s; name an older one by backup", m.Backup)
	case now == nil && o.UID == "":
		return m.makeAnew(ctx, o, held)
	case now == nil:
		return errors.New("it is gone since the plan was made")
	case string(now.GetUID()) != o.UID || now.GetResourceVersion() != o.Version:
		return errors.New("it was changed since the plan was made: somebody else may have put it right")
	}
	return m.replace(ctx, o, now, contentOf(held))
}

// replace keeps what an object holds and gives it another content.
func (m mender) replace(ctx context.Context, o mend, now *unstructured.Unstructured, content map[string]any) error {
	was, err := digestOf(contentOf(now))
	if err != nil {
		return err
	}
	holds, err := digestOf(content)
	if err != nil {
		return err
	}
	if was == holds {
		return fmt.Errorf("it holds what it holds in backup %s already; name an older one by backup", m.Backup)
	}
	kept, err := m.keep(ctx, o, now)
	if err != nil {
		return err
	}
	change := turning(now, content)
	return m.marked(ctx, o, now, change, &restored{For: turnOf(m.env), Incident: m.env.Incident, Kept: kept, Holds: holds})
}

// marked writes a change of an object with the mark that says so; none takes the mark away.
func (m mender) marked(ctx context.Context, o mend, now *unstructured.Unstructured, change map[string]any, mark *restored) error {
	var value any
	if mark != nil {
		raw, err := json.Marshal(mark)
		if err != nil {
			return err
		}
		value = string(raw)
	}
	change["metadata"] = map[string]any{"annotations": map[string]any{RestoredAnnotation: value}}
	return m.amend(ctx, o.resource(), now, change)
}

// keep makes an object of the same kind beside, which holds what is there now.
func (m mender) keep(ctx context.Context, o mend, now *unstructured.Unstructured) (name string, err error) {
	name = o.Name[:min(len(o.Name), 230)] + "-salvor-" + hash(turnOf(m.env), o.Kind, o.Name)
	copied := map[string]any{"apiVersion": "v1", "kind": o.Kind}
	for field, values := range contentOf(now) {
		copied[field] = values
	}
	if kind, given, _ := unstructured.NestedString(now.Object, "type"); given {
		copied["type"] = kind
	}
	out := &unstructured.Unstructured{Object: copied}
	digest, err := digestOf(contentOf(now))
	if err != nil {
		return "", err
	}
	out.SetNamespace(m.Namespace)
	out.SetName(name)
	out.SetLabels(map[string]string{ManagedLabel: "true", keptLabel: keptOf(o.Name)})
	out.SetAnnotations(map[string]string{incidentAnnotation: m.env.Incident, stepAnnotation: m.env.Step, digestAnnotation: digest})
	_, err = m.makeIn(ctx, o, out)
	return name, err
}

// makeIn makes an object unless it was made before, which only who acts can see of Secrets.
func (m mender) makeIn(ctx context.Context, o mend, out *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	if o.Kind == "Secret" {
		return world{m.writer, m.writer}.make(ctx, secrets, out)
	}
	return m.make(ctx, configMaps, out)
}

// makeAnew makes an object that is gone as the backup has it, without what tied it to objects of then.
func (m mender) makeAnew(ctx context.Context, o mend, held *unstructured.Unstructured) error {
	content := contentOf(held)
	holds, err := digestOf(content)
	if err != nil {
		return err
	}
	mark, err := json.Marshal(restored{For: turnOf(m.env), Incident: m.env.Incident, Holds: holds})
	if err != nil {
		return err
	}
	out := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": o.Kind}}
	for _, field := range []string{"data", "binaryData", "type", "immutable"} {
		if value, has := held.Object[field]; has {
			out.Object[field] = value
		}
	}
	out.SetNamespace(m.Namespace)
	out.SetName(o.Name)
	out.SetLabels(held.GetLabels())
	annotations := held.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[RestoredAnnotation], annotations[digestAnnotation] = string(mark), holds
	out.SetAnnotations(annotations)
	_, err = m.makeIn(ctx, o, out)
	return err
}

// undo gives an object back what it held before this incident, unless somebody has changed it since.
func (m mender) undo(ctx context.Context, o mend, now, kept *unstructured.Unstructured) error {
	mark := restored{}
	if now != nil {
		mark = markOf(now)
	}
	switch {
	case now == nil || string(now.GetUID()) != o.UID:
		return errors.New("it is gone since the plan was made, or another one has its name")
	case mark.Incident != m.env.Incident || mark.Kept != o.Kept:
		return nil // done
	case kept == nil:
		return fmt.Errorf("what it held is kept in %s no more", cmp.Or(o.Kept, "nothing"))
	}
	if holds, err := digestOf(contentOf(now)); err != nil || holds != mark.Holds {
		return cmp.Or(err, errors.New("somebody has changed it since this incident wrote it: it is left as it is"))
	}
	return m.marked(ctx, o, now, turning(now, contentOf(kept)), nil)
}
