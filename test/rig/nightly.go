package rig

import (
	"context"
	_ "embed"

	"github.com/salvor-io/salvor/test/stack"
)

//go:embed testdata/data/nightly.yaml
var nightly []byte

//go:embed testdata/data/secrets.yaml
var secretRights []byte

// PicturesKept is what is on the volume of the pictures when its snapshot is taken.
const PicturesKept = "a picture of a tall ship\n"

// Nightly has snapshots of both claims of the shop taken, of OrdersKept and PicturesKept, and waits until they can be used.
func (l *Loss) Nightly(ctx context.Context) error {
	for claim, text := range map[string]string{Orders: OrdersKept, Pictures: PicturesKept} {
		if err := l.rig.Write(ctx, Shop, claim, text); err != nil {
			return err
		}
	}
	if err := l.rig.Stack.Apply(ctx, nightly); err != nil {
		return err
	}
	_, err := l.rig.Stack.Kubectl(ctx, stack.Admin, "-n", Shop, "wait", "volumesnapshot/nightly-orders", "volumesnapshot/nightly-pictures",
		"--for=jsonpath={.status.readyToUse}=true", "--timeout=60s")
	return err
}

// OpenSecrets lets Salvor know of the Secrets of the shop, and bring them back.
func (l *Loss) OpenSecrets(ctx context.Context) error { return l.rig.Stack.Apply(ctx, secretRights) }
