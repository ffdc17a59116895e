package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/salvor-io/salvor/internal/kubeclient"
	"github.com/salvor-io/salvor/internal/repairers"
)

// How often it is looked who else repairs nodes of a cluster. After a look that left it unknown the next one comes soon, and
// later each time. What a look said stands for a while when later ones fail: in the midst of a disaster an API server that is
// slow to list things must not keep plans from going on.
const (
	lookEvery  = 5 * time.Minute
	lookAgain  = 15 * time.Second
	lookWithin = 10 * time.Second
	lookStands = time.Hour
)

// others knows who else repairs nodes of the clusters. It looks at each by itself, so that one that hangs holds up none.
type others struct {
	look   func(ctx context.Context, cluster string) ([]repairers.Repairer, error)
	stated map[string]bool // by cluster: people state that there is nobody whom a look cannot see
	logger *slog.Logger
	first  map[string]chan struct{} // by cluster, closed once it was looked at

	mu   sync.Mutex
	seen map[string]sight
}

// sight is what a look at one cluster said. The zero sight knows nothing.
type sight struct {
	names []string
	known bool
	at    time.Time
}

func newOthers(c clusters, stated map[string]bool, logger *slog.Logger) *others {
	o := &others{stated: stated, logger: logger, first: map[string]chan struct{}{}, seen: map[string]sight{}}
	o.look = func(ctx context.Context, cluster string) ([]repairers.Repairer, error) {
		return lookAt(ctx, c.observe[cluster])
	}
	for name := range c.observe {
		o.first[name] = make(chan struct{})
	}
	return o
}

// lookAt looks at one cluster with the credentials that observe.
func lookAt(ctx context.Context, clients kubeclient.Clients) ([]repairers.Repairer, error) {
	nodes, err := clients.Kubernetes.CoreV1().Nodes().List(ctx, metav1.ListOptions{ResourceVersion: "0"}) // from the server's cache
	if err != nil {
		return nil, fmt.Errorf("list the nodes: %w", err)
	}
	return repairers.Look(ctx, clients, nodes.Items)
}

// Repairers implements recovery.Others.
func (o *others) Repairers(cluster string) ([]string, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.seen[cluster]
	return slices.Clone(s.names), s.known
}

// Run looks at all clusters until ctx ends.
func (o *others) Run(ctx context.Context) error {
	var group sync.WaitGroup
	for cluster := range o.first {
		group.Go(func() { o.follow(ctx, cluster) })
	}
	group.Wait()
	return nil
}

// looked waits until each cluster was looked at once, which takes no longer than a look may take.
func (o *others) looked(ctx context.Context) error {
	for _, done := range o.first {
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (o *others) follow(ctx context.Context, cluster string) {
	soon := lookAgain
	for first := true; ; first = false {
		pause := lookEvery
		if o.see(ctx, cluster) {
			soon = lookAgain
		} else {
			pause, soon = soon, min(2*soon, lookEvery)
		}
		if first {
			close(o.first[cluster])
		}
		wait := time.NewTimer(pause)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return
		}
	}
}

// see looks at one cluster and keeps what it said. It says whether the look went well and all is known.
func (o *others) see(ctx context.Context, cluster string) bool {
	bounded, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	found, err := o.look(bounded, cluster)
	now := sight{at: time.Now()}
	if err == nil {
		now.names, now.known = repairers.Names(found)
		now.known = now.known || o.stated[cluster]
	}
	o.mu.Lock()
	before, again := o.seen[cluster]
	if err != nil && now.at.Sub(before.at) < lookStands {
		now = before
	}
	o.seen[cluster] = now
	o.mu.Unlock()
	if ctx.Err() == nil && (!again || before.known != now.known || !slices.Equal(before.names, now.names)) {
		o.tell(cluster, now, found, err)
	}
	return err == nil && now.known
}

// tell logs what has changed.
func (o *others) tell(cluster string, now sight, found []repairers.Repairer, err error) {
	log := o.logger.With("cluster", cluster)
	if !now.known {
		log.Warn("it is not known who else repairs nodes: the mode act asks", "unseen", unseen(found), "error", err)
	}
	if len(now.names) > 0 {
		log.Warn("others repair nodes, too: people are asked", "repairers", strings.Join(now.names, ", "))
	} else if now.known {
		log.Info("nobody else repairs nodes")
	}
}

func unseen(found []repairers.Repairer) string {
	var whats []string
	for _, r := range found {
		if r.Certainty == repairers.Unseen {
			whats = append(whats, r.What)
		}
	}
	return strings.Join(whats, "; ")
}
