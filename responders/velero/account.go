package velero

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/point"
)

// account is what is kept of a restore beside it, in a ConfigMap that goes when it goes: what has to be in the world, and what Velero could not bring
// back. Velero's own documents can be read for some minutes only, by who may write.
type account struct {
	Restore string              `json:"restore"`
	Phase   string              `json:"phase"`
	Holds   map[string][]string `json:"holds"`            // what can be looked at, as namespace/name, by kind
	Unseen  map[string]int      `json:"unseen,omitempty"` // how much there is of kinds that Salvor does not look at
	Failed  []string            `json:"failed,omitempty"` // what Velero could not bring back and why, a sentence each
	Errors  int                 `json:"errors,omitempty"` // how many there were
}

const (
	accountSuffix = "-account"
	accountKey    = "account.json.gz"

	mostHeld   = 50000 // objects of one account
	mostFailed = 100
)

// trouble says what Velero could not bring back.
func (a *account) trouble() error {
	if a.Phase == point.Completed {
		return nil
	}
	said := a.Failed[:min(3, len(a.Failed))]
	if len(said) == 0 {
		said = []string{"it does not say which"}
	}
	return fmt.Errorf("restore %s is incomplete, with %d errors: %s", a.Restore, a.Errors, strings.Join(said, "; "))
}

// readAccount reads what was kept of a restore; nil where nothing was yet.
func readAccount(ctx context.Context, client dynamic.Interface, namespace, restore string) (*account, error) {
	kept, err := find(ctx, client, configMaps, namespace, restore+accountSuffix)
	if err != nil || kept == nil {
		return nil, err
	}
	packed, _, _ := unstructured.NestedString(kept.Object, "binaryData", accountKey)
	var a account
	if err := unpack(packed, &a); err != nil {
		return nil, fmt.Errorf("read what is kept of restore %s in ConfigMap %s/%s: %w", restore, namespace, kept.GetName(), err)
	}
	return &a, nil
}

func (r restoring) account(ctx context.Context, restore string) (*account, error) {
	return readAccount(ctx, r.reader, r.Velero, restore)
}

// keep asks Velero what the backup holds and what could not be brought back, and keeps it beside the restore.
func (r restoring) keep(ctx context.Context, restore *unstructured.Unstructured, status progressStatus) (*account, error) {
	a := &account{Restore: restore.GetName(), Phase: status.Phase, Errors: status.Errors}
	place, err := r.place(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.readList(ctx, place, a); err != nil {
		return nil, fmt.Errorf("restore %s is %s, and what it was to bring back is not known: %w", a.Restore, a.Phase, err)
	}
	if a.Phase != point.Completed {
		if a.Failed, err = r.results(ctx, r.env, place, "RestoreResults", a.Restore); err != nil {
			return nil, fmt.Errorf("restore %s is incomplete, with %d errors, and which is not known: %w", a.Restore, a.Errors, err)
		}
	}
	return a, r.write(ctx, restore, a)
}

// place is the storage location of the backup.
func (r restoring) place(ctx context.Context) (Location, error) {
	backup, err := find(ctx, r.reader, backups, r.Velero, r.Backup)
	if err != nil || backup == nil {
		return Location{}, fmt.Errorf("look up backup %s: %w", r.Backup, cmp.Or(err, errGone))
	}
	velero, err := installed(ctx, r.reader, r.Velero)
	if err != nil {
		return Location{}, err
	}
	name, _, _ := unstructured.NestedString(backup.Object, "spec", "storageLocation")
	return velero.location(name)
}

// readList reads what has to be in the world: what the backup holds, or where only some of that is restored by labels, which the list does not tell,
// what Velero says that it has restored.
func (r restoring) readList(ctx context.Context, place Location, a *account) error {
	kind, name := "BackupResourceList", r.Backup
	if r.Selector != "" {
		kind, name = "RestoreResourceList", a.Restore
	}
	list := map[string][]string{}
	if err := r.fetch(ctx, r.env, place, kind, name, a.Restore+"-list", &list); err != nil {
		return err
	}
	a.Holds, a.Unseen = r.expected(list, kind == "RestoreResourceList")
	return nil
}

// outcomes are the errors or the warnings of a backup or a restore, as Velero keeps them.
type outcomes struct {
	Velero     []string            `json:"velero"`
	Cluster    []string            `json:"cluster"`
	Namespaces map[string][]string `json:"namespaces"`
}

// results are the errors of a backup or a restore, a sentence each.
func (w world) results(ctx context.Context, env responders.Env, place Location, kind, name string) ([]string, error) {
	both := map[string]outcomes{}
	if err := w.fetch(ctx, env, place, kind, name, name+"-results", &both); err != nil {
		return nil, err
	}
	all := both["errors"]
	out := slices.Concat(all.Velero, all.Cluster)
	for _, namespace := range slices.Sorted(maps.Keys(all.Namespaces)) {
		for _, text := range all.Namespaces[namespace] {
			out = append(out, namespace+": "+text)
		}
	}
	for i := range out {
		out[i] = line(out[i])
	}
	return out[:min(mostFailed, len(out))], nil
}

func (r restoring) write(ctx context.Context, restore *unstructured.Unstructured, a *account) error {
	packed, err := pack(a)
	if err != nil {
		return err
	}
	o, err := object(r.env, "ConfigMap", r.Velero, a.Restore+accountSuffix, nil)
	if err != nil {
		return err
	}
	delete(o.Object, "spec")
	o.SetAPIVersion("v1")
	o.Object["binaryData"] = map[string]any{accountKey: packed}
	o.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: version.String(), Kind: "Restore", Name: restore.GetName(), UID: restore.GetUID()}})
	annotations := o.GetAnnotations()
	annotations[digestAnnotation] = string(restore.GetUID())
	o.SetAnnotations(annotations)
	_, err = r.make(ctx, configMaps, o)
	return err
}

func pack(value any) (string, error) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if err := errors.Join(json.NewEncoder(w).Encode(value), w.Close()); err != nil {
		return "", fmt.Errorf("pack what is kept: %w", err)
	}
	return base64.StdEncoding.EncodeToString(packed.Bytes()), nil
}

func unpack(packed string, into any) error {
	raw, err := base64.StdEncoding.DecodeString(packed)
	if err != nil {
		return err
	}
	r, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	return json.NewDecoder(io.LimitReader(r, mostUnpacked)).Decode(into)
}
