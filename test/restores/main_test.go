package restores

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/salvor-io/salvor/internal/kubeclient"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/all"
	"github.com/salvor-io/salvor/test/stack"
)

// The names by which Salvor knows the two clusters.
const (
	east = "east"
	west = "west"
)

// pair is two clusters that share an object store and a storage system.
type pair struct {
	store   *stack.Store
	a, b    *cluster // east and west
	catalog responders.Catalog
	dir     string
}

// cluster is one of the two.
type cluster struct {
	*stack.Stack
	pair     *pair
	name     string
	admin    dynamic.Interface  // may do everything
	observes kubeclient.Clients // as Salvor does
	acts     kubeclient.Clients
}

// shared is the pair of all tests. The first that needs it starts it.
var shared struct {
	once sync.Once
	*pair
	err error
}

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "5"); err != nil { // they wait most of the time
		panic(err)
	}
	code := m.Run()
	shared.once.Do(func() {}) // nobody starts it any more
	if shared.pair != nil {
		if err := shared.stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stop the clusters:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// clusters are east and west.
func clusters(t *testing.T) (a, b *cluster) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts two real control planes")
	}
	shared.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
		defer cancel()
		shared.pair, shared.err = start(ctx)
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.a, shared.b
}

func start(ctx context.Context) (_ *pair, err error) {
	p := &pair{}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.stop())
		}
	}()
	if p.dir, err = os.MkdirTemp("", "salvor-restores-"); err != nil {
		return nil, err
	}
	if p.store, err = stack.StartStore(ctx, stack.StoreOptions{Log: progress(nil)}); err != nil {
		return nil, err
	}
	var both errgroup.Group
	both.Go(func() (err error) { p.a, err = p.startOne(ctx, east); return err })
	both.Go(func() (err error) { p.b, err = p.startOne(ctx, west); return err })
	if err := both.Wait(); err != nil {
		return nil, err
	}
	p.catalog, err = all.Catalog(all.Options{Clusters: p})
	return p, err
}

// startOne starts a cluster, whose name Salvor's is, and gives Salvor its rights in it.
func (p *pair) startOne(ctx context.Context, name string) (*cluster, error) {
	s, err := stack.Start(ctx, stack.Options{
		Nodes: stack.Nodes(2), Log: progress([]byte(name + ": ")), Volumes: stack.Volumes{Dir: filepath.Join(p.dir, "disks")},
		Backups: stack.Backups{Store: p.store, VeleroFlags: []string{"--item-operation-sync-frequency=1s"}},
	})
	if err != nil {
		return nil, err
	}
	c := &cluster{Stack: s, pair: p, name: name}
	if err := c.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open cluster %s: %w", name, err), s.Stop())
	}
	return c, nil
}

// open makes the clients and grants what deploy/rbac grants.
func (c *cluster) open(ctx context.Context) (err error) {
	admin, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig(stack.Admin))
	if err != nil {
		return err
	}
	admin.QPS = -1
	if c.admin, err = dynamic.NewForConfig(admin); err != nil {
		return err
	}
	if c.observes, err = kubeclient.Observe(kubeclient.Access{Kubeconfig: c.Kubeconfig(stack.Observer)}, "test"); err != nil {
		return err
	}
	if c.acts, err = kubeclient.Act(kubeclient.Access{Kubeconfig: c.Kubeconfig(stack.Actor)}, "test", responders.Guard); err != nil {
		return err
	}
	for user, file := range map[string]string{stack.Observer: "observe.yaml", stack.Actor: "act.yaml"} {
		manifests, err := os.ReadFile(filepath.Join("..", "..", "deploy", "rbac", file))
		if err != nil {
			return err
		}
		subject := "\n  - {apiGroup: rbac.authorization.k8s.io, kind: User, name: " + user + "}\n"
		if err := c.Apply(ctx, []byte(strings.TrimSpace(string(manifests))+subject)); err != nil {
			return err
		}
	}
	return nil
}

// stop ends the clusters and then the store, and removes what they wrote.
func (p *pair) stop() error {
	var errs []error
	for _, c := range []*cluster{p.a, p.b} {
		if c != nil {
			errs = append(errs, c.Stop())
		}
	}
	if p.store != nil {
		errs = append(errs, p.store.Stop())
	}
	return errors.Join(append(errs, os.RemoveAll(p.dir))...)
}

// progress is where a part tells what it does, each line with something before it.
func progress(before []byte) io.Writer {
	if !testing.Verbose() {
		return io.Discard
	}
	return prefixed(before)
}

type prefixed []byte

func (p prefixed) Write(line []byte) (int, error) {
	_, err := os.Stderr.Write(append(append([]byte{}, p...), line...))
	return len(line), err
}
