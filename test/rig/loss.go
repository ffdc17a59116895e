package rig

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/salvor-io/salvor/test/stack"
)

//go:embed testdata/data/shop.yaml
var shopWithData []byte

//go:embed testdata/data/runbooks.yaml
var dataRunbooks []byte

// The claims of the shop: db uses the one, web the other.
const (
	Orders   = "orders"
	Pictures = "pictures"
)

// What is on the volume of the orders when the backup is made, and what is written there later.
const (
	OrdersKept = "order 1\norder 2\n"
	OrdersLost = OrdersKept + "order 3, after the backup\n"
)

// Copy is the namespace beside the shop that the runbook copy-namespace makes.
const Copy = Shop + "-copy"

// Loss is a namespace with data on a pair, of which there is a backup, and an address that says whether the shop serves.
type Loss struct {
	Ingress *httptest.Server
	Before  Holdings // what the shop held when the backup was made
	rig     *Rig
}

// Loss makes the shop with its data, in the first cluster, and waits until it runs. Its Ingress must be closed.
func (r *Rig) Loss(ctx context.Context) (*Loss, error) {
	if err := r.Stack.Apply(ctx, shopWithData); err != nil {
		return nil, err
	}
	if err := r.ShopRuns(ctx, Shop, 3); err != nil {
		return nil, err
	}
	if err := r.Write(ctx, Shop, Orders, OrdersKept); err != nil {
		return nil, err
	}
	return &Loss{rig: r, Ingress: r.Ingress(2)}, nil
}

// Configure has a server ask about data, know what the shop was promised, and have the runbooks of what people do with it.
func (l *Loss) Configure(s *Settings) error {
	dir := filepath.Join(l.rig.Dir, "runbooks")
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make a folder for runbooks: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "data.yaml"), dataRunbooks, 0o644); err != nil {
		return fmt.Errorf("write runbooks: %w", err)
	}
	s.Data = "ask"
	s.Others = append(s.Others, "bob")
	s.Extra += fmt.Sprintf("runbooks: {dir: %s}\nprotection:\n  - {name: shop, level: 2, rpo: 1h, rto: 15m, namespaces: [%s]}\n"+
		"probes: [{name: shop, url: %q, clusters: [%s], expect: {status: 200}, timeout: 3s}]\n", dir, Shop, l.Ingress.URL, Cluster)
	return nil
}

// Backup has Velero back the shop up, as its Schedule would, and writes an order afterwards that the backup does not have.
func (l *Loss) Backup(ctx context.Context, name string) (err error) {
	if _, err := l.rig.Stack.Velero(ctx, "backup", "create", name, "--include-namespaces", Shop, "--wait"); err != nil {
		return err
	}
	if l.Before, err = l.rig.Holdings(ctx, Cluster, Shop); err != nil {
		return err
	}
	return l.rig.Write(ctx, Shop, Orders, OrdersLost)
}

// Back is what the shop holds when it has come back: what it held, and its CronJob rests.
func (l *Loss) Back() Holdings {
	return l.Before.With("cronjobs/invoices", true, "spec", "suspend").With("cronjobs/invoices", "true", "metadata", "labels", "salvor.io/suspended")
}

// Copied is what the runbook copy-namespace makes of it: one replica of each Deployment, and no Secrets.
func (l *Loss) Copied() Holdings {
	return l.Before.Without("secrets").With("deployments/web", int64(1), "spec", "replicas")
}

// Strike has a person delete the namespace, and returns when it is gone.
func (l *Loss) Strike(ctx context.Context) error {
	_, err := l.rig.Stack.Kubectl(ctx, stack.Human, "delete", "namespace", Shop, "--wait", "--timeout=60s")
	return err
}

// ShopRuns waits until the workloads of a shop are available, so many replicas of web.
func (r *Rig) ShopRuns(ctx context.Context, namespace string, webs int32) error {
	return Wait(ctx, 90*time.Second, "the workloads of "+namespace+" are available", func(ctx context.Context) (bool, error) {
		for name, want := range map[string]int32{"web": webs, "db": 1} {
			d, err := r.Kube.AppsV1().Deployments(namespace).Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				return false, fmt.Errorf("read deployment %s: %w", name, err)
			}
			if !deploymentUp(d, want) {
				return false, nil
			}
		}
		return true, nil
	})
}
