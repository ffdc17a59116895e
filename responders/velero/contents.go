package velero

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/salvor-io/salvor/responders"
)

// Bounds of the reading of what a backup holds: its time, what is sent, and the size of one object. What etcd takes is far smaller.
const (
	contentsTime     = 20 * time.Minute
	mostContentsSent = 8 << 30
	mostOfObject     = 4 << 20
)

// contents reads some objects of a namespace out of a backup, by their place in it as placeOf has it. It reads on until it has them all, keeps nothing
// else, and writes nothing to disk. What is not in the backup is not in the answer.
func (w world) contents(ctx context.Context, env responders.Env, place Location, backup string, wanted map[string]bool) (map[string]*unstructured.Unstructured, error) {
	ctx, cancel := context.WithTimeout(ctx, contentsTime)
	defer cancel()
	address, err := w.address(ctx, env, place.Namespace, "BackupContents", backup, nameFor(env)+"-contents")
	if err != nil {
		return nil, err
	}
	found := map[string]*unstructured.Unstructured{}
	err = place.unpack(ctx, address, mostContentsSent, func(unpacked io.Reader) error { return pick(tar.NewReader(unpacked), wanted, found) })
	if err != nil {
		return nil, fmt.Errorf("%w: what backup %s holds: %w", errNoDownload, backup, err)
	}
	return found, nil
}

// placeOf is where an object of a kind without a group lies in a backup.
func placeOf(resource, namespace, name string) string {
	return path.Join("resources", resource, "namespaces", namespace, name+".json")
}

// pick reads an archive until it has all that is wanted, or it ends.
func pick(archive *tar.Reader, wanted map[string]bool, found map[string]*unstructured.Unstructured) error {
	for len(found) < len(wanted) {
		header, err := archive.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		name := path.Clean(header.Name)
		if !wanted[name] || header.Typeflag != tar.TypeReg {
			continue
		}
		if header.Size > mostOfObject {
			return fmt.Errorf("%s is larger than %d bytes", name, mostOfObject)
		}
		o := &unstructured.Unstructured{}
		if err := json.NewDecoder(archive).Decode(&o.Object); err != nil {
			return fmt.Errorf("%s is no object: %w", name, withoutText(err))
		}
		found[name] = o
	}
	return nil
}

// withoutText is what is wrong with JSON, without any of it: it may be a Secret.
func withoutText(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("it is no JSON from byte %d on", syntax.Offset)
	}
	return errors.New("it is no JSON object")
}
