package kube

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/klog/v2"

	"github.com/salvor-io/salvor/events"
)

// DefaultStaleAfter is how long a Lease may go without a renewal: kubelets renew every 10 s, so this is two that failed.
const DefaultStaleAfter = 25 * time.Second

// View tells what the event log already says of a cluster. All are asked by Run, from several goroutines; what they
// return is not changed and must not change afterwards. The view has caught up with the log before Run is called.
type View interface {
	Known(cluster string) map[string]events.Node        // last known state of the nodes that are not gone, by name
	KnownLeases(cluster string) map[string]events.Lease // last transition of their Leases, by name of the node

	KnownPods(cluster string) map[string]events.Pod             // those in trouble, by "namespace/name"
	KnownWorkloads(cluster string) map[string]events.Workload   // those that are not gone, by "kind/namespace/name"
	KnownObjects(cluster, kind string) map[string]events.Object // those of a kind that are not gone, by "kind/namespace/name"
}

// Appender is the part of an events.Log that a Source needs.
type Appender interface {
	Append(ctx context.Context, evs ...events.Event) ([]events.Receipt, error)
}

// Options say what to watch and where to report. All but Dynamic, Metadata and StaleAfter are required.
type Options struct {
	Cluster    string               // name of the cluster in events
	Replica    string               // name of this process among those that watch the same cluster
	Client     kubernetes.Interface // needs list and watch on nodes, and get, list and watch on leases in kube-node-lease; what else it may not, is not seen
	Dynamic    dynamic.Interface    // without it nothing is seen of what Kubernetes itself does not define
	Metadata   metadata.Interface   // without it nothing is seen of CustomResourceDefinitions and Secrets
	Log        Appender
	View       View
	Logger     *slog.Logger
	StaleAfter time.Duration // 0 means DefaultStaleAfter
}

// Source is the events.Source of one cluster. It publishes events of the types Node, Lease, Pod, Workload, Object and Observer.
type Source struct {
	opts   Options
	pace   pace
	desk   desk
	out    *outbox
	nodes  *lookout[sighted]
	leases *lookout[beat]
	roster *roster
	pulses *pulses
	rest   *outbox   // of all but nodes and leases, which wait for nothing else
	posts  []watcher // all other watches but those of secrets
	secret *secrets
}

// watcher is a watch of any kind.
type watcher interface {
	name() string
	run(ctx context.Context)
}

// New builds a Source. It fails only when an option is missing or makes no sense.
func New(opts Options) (*Source, error) {
	if opts.Cluster == "" || opts.Replica == "" || opts.Client == nil || opts.Log == nil || opts.View == nil || opts.Logger == nil {
		return nil, errors.New("watch cluster: cluster, replica, client, log, view and logger are all needed")
	}
	if opts.StaleAfter == 0 {
		opts.StaleAfter = DefaultStaleAfter
	}
	if opts.StaleAfter < 0 {
		return nil, errors.New("watch cluster: a lease cannot be stale after a negative time")
	}
	opts.Logger = opts.Logger.With("cluster", opts.Cluster)
	s := &Source{opts: opts, pace: paceFor(opts.StaleAfter), out: newOutbox(opts.Log, opts.Logger)}
	desk := desk{cluster: opts.Cluster, replica: opts.Replica, out: s.out, log: opts.Logger}
	s.desk = desk
	s.roster = newRoster(desk, opts.View)
	s.pulses = newPulses(desk, opts.View, opts.StaleAfter, s.roster.firstSeen)
	s.nodes = newLookout(desk, s.pace, nodeKind(opts.Client), s.roster)
	s.leases = newLookout(desk, s.pace, leaseKind(opts.Client), s.pulses)
	s.leases.unsure = s.unsettled
	s.rest = newOutbox(opts.Log, opts.Logger)
	s.open()
	return s, nil
}

// Run watches until ctx ends and returns nil then, after all that it started has stopped. It does not give up while the
// cluster or the log is away.
func (s *Source) Run(ctx context.Context) error {
	ctx = klog.NewContext(ctx, logr.FromSlogHandler(s.opts.Logger.Handler()))
	var all sync.WaitGroup
	for _, part := range []func(context.Context){s.out.run, s.rest.run, s.nodes.run, s.leases.run, s.judge, s.review} {
		all.Go(func() { part(ctx) })
	}
	for _, p := range s.posts {
		all.Go(func() { p.run(ctx) })
	}
	if s.opts.Metadata != nil {
		all.Go(func() { s.secret.run(ctx) })
	}
	all.Wait()
	return nil
}

// Begin records that the watches of this replica do not see yet, and returns where that lies in the log. Whoever judges by what
// an earlier life of the replica saw is blind from there on, until the watches are in step, unless another replica sees. It is
// called once, before Run.
func (s *Source) Begin(ctx context.Context) (seq uint64, err error) {
	var evs []events.Event
	for _, watch := range s.watches() {
		ev, err := s.desk.event(observerID(s.desk, watch, time.Now()), events.TypeObserver, "observer/"+s.opts.Replica+"/"+watch, time.Now(),
			events.Observer{Replica: s.opts.Replica, Watch: watch, Reason: "it begins"})
		if err != nil {
			return 0, fmt.Errorf("begin to watch cluster %s: %w", s.opts.Cluster, err)
		}
		evs = append(evs, ev)
	}
	receipts, err := s.opts.Log.Append(ctx, evs...)
	if err != nil {
		return 0, fmt.Errorf("begin to watch cluster %s: %w", s.opts.Cluster, err)
	}
	for _, r := range receipts {
		seq = max(seq, r.Seq)
	}
	return seq, nil
}

// watches are the names of all watches: those of Secrets are where some are known to be.
func (s *Source) watches() []string {
	out := []string{s.nodes.kind.name, s.leases.kind.name}
	for _, p := range s.posts {
		out = append(out, p.name())
	}
	in := map[string]bool{}
	for _, secret := range s.opts.View.KnownObjects(s.opts.Cluster, "Secret") {
		in[secretsIn(secret.Namespace)] = true
	}
	return append(out, slices.Sorted(maps.Keys(in))...)
}

// review compares the View with what is seen, now and then.
func (s *Source) review(ctx context.Context) {
	every(ctx, s.pace.review, func(now time.Time) {
		if _, ok := s.nodes.sight.steady(now); ok {
			s.roster.review()
		}
		if _, ok := s.leases.sight.steady(now); ok {
			s.pulses.review(now)
		}
	})
}

// every calls do at each tick until ctx ends.
func every(ctx context.Context, period time.Duration, do func(now time.Time)) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do(time.Now())
		}
	}
}

// desk writes events of one cluster in the name of one replica.
type desk struct {
	cluster string
	replica string
	out     *outbox
	log     *slog.Logger
}

// publish hands the newest event of an object, named by key, to the outbox.
func (d desk) publish(key, id string, typ events.Type, entity string, now time.Time, payload any) {
	ev, err := d.event(id, typ, entity, now, payload)
	if err != nil {
		d.log.Error("event dropped: it cannot be recorded", "entity", entity, "error", err)
		return
	}
	d.out.put(key, ev)
}

func (d desk) event(id string, typ events.Type, entity string, now time.Time, payload any) (events.Event, error) {
	ev, err := events.New(id, typ, "/clusters/"+url.PathEscape(d.cluster)+"/kube", d.cluster, entity, now, payload)
	if err == nil {
		err = ev.Validate()
	}
	return ev, err
}

// observerID makes each report of sight one of its own.
func observerID(d desk, watch string, now time.Time) string {
	return "observer/" + d.cluster + "/" + d.replica + "/" + watch + "/" + strconv.FormatInt(now.UnixNano(), 10)
}

// pace is how often things are done, all of it derived from how long a Lease may go unrenewed.
type pace struct {
	tick     time.Duration // looking after sight and Leases
	patience time.Duration // without evidence of sight before it counts as lost
	silence  time.Duration // without evidence of sight before some is asked for
	read     time.Duration // deadline of one direct read
	report   time.Duration // between observer events
	review   time.Duration // between comparisons with the View
	longest  time.Duration // pause after a failure
	refusal  time.Duration // pause after the API server said that it will not or that there is no such kind
}

func paceFor(staleAfter time.Duration) pace {
	return pace{
		tick:     staleAfter / 25,
		patience: staleAfter / 3,
		silence:  staleAfter / 10,
		read:     staleAfter / 6,
		report:   min(staleAfter/3, 8*time.Second),
		review:   min(staleAfter/2, 10*time.Second),
		longest:  5 * time.Second,
		refusal:  5 * time.Second,
	}
}

// unhurried is the pace of what is not judged by its silence.
func (p pace) unhurried(staleAfter time.Duration) pace {
	p.patience, p.silence, p.review, p.refusal = staleAfter, staleAfter/3, min(3*staleAfter, time.Minute), min(2*staleAfter, 30*time.Second)
	return p
}

// leisurely is the pace of kinds that a cluster need not have: whether it has them is looked at twice a minute.
func (p pace) leisurely(staleAfter time.Duration) pace {
	p = p.unhurried(staleAfter)
	p.patience, p.silence = 3*staleAfter, staleAfter
	return p
}
