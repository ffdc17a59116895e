package probe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/salvor-io/salvor/events"
)

// The targets that are known.
const (
	TargetAPIServer = "apiserver"
	TargetEtcd      = "etcd"
)

// Answer is what an attempt found out.
type Answer struct {
	Up      bool
	Reason  string    // why it is not up: one line of at most 256 bytes
	Expires time.Time // when the first of the certificates that the target showed expires; zero when it showed none
}

// Check tries a target once, on a connection of its own, and is back soon after ctx ends. An error says that it cannot be told
// whether the target is up, and why not. It is called from one goroutine at a time; a panic in it is such an error.
type Check func(ctx context.Context) (Answer, error)

// Appender is the part of an events.Log that a Source needs.
type Appender interface {
	Append(ctx context.Context, evs ...events.Event) ([]events.Receipt, error)
}

// Options say what to try and where to report. All but Witness are required.
type Options struct {
	Cluster string           // name of the cluster in events
	By      string           // name of the prober: a replica, or a witness
	Witness bool             // the prober runs apart from Salvor
	Targets map[string]Check // by name, which is TargetAPIServer or TargetEtcd
	Log     Appender
	Logger  *slog.Logger
}

// Source is the events.Source that probes one cluster. It publishes events of the type Probe, of the entity "probe/<by>/<target>",
// when what is held of a target changes, and again (see [events.Again]) at least every 8 s. The time of an event is that of the attempt it rests on.
type Source struct {
	opts    Options
	watches []*watch
}

// New builds a Source. It fails only when an option is missing or makes no sense.
func New(opts Options) (*Source, error) {
	if opts.Cluster == "" || opts.By == "" || len(opts.Targets) == 0 || opts.Log == nil || opts.Logger == nil {
		return nil, errors.New("probe cluster: cluster, by, targets, log and logger are all needed")
	}
	if strings.Contains(opts.By, "/") {
		return nil, fmt.Errorf("probe cluster: a prober is not named %q", opts.By)
	}
	opts.Logger = opts.Logger.With("cluster", opts.Cluster)
	s := &Source{opts: opts}
	for target, check := range opts.Targets {
		if !known(target) || check == nil {
			return nil, fmt.Errorf("probe cluster: target %q is not known, or has no check", target)
		}
		s.watches = append(s.watches, &watch{source: s, target: target, check: check, log: opts.Logger.With("target", target),
			wake: make(chan struct{}, 1)})
	}
	return s, nil
}

func known(target string) bool { return target == TargetAPIServer || target == TargetEtcd }

// Run probes until ctx ends and returns nil then, after all that it started has stopped. It does not give up while the cluster or
// the log is away.
func (s *Source) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for _, w := range s.watches {
		all.Go(func() { w.attempts(ctx) })
		all.Go(func() { w.reports(ctx) })
	}
	all.Wait()
	return nil
}

// event is what is said of a target.
func (s *Source) event(target string, held attempt, now time.Time) (events.Event, error) {
	o := s.opts
	ev, err := events.New("probe/"+o.Cluster+"/"+o.By+"/"+target+"/"+strconv.FormatInt(now.UnixNano(), 10), events.TypeProbe,
		"/clusters/"+url.PathEscape(o.Cluster)+"/probe", o.Cluster, Entity(o.By, target), held.ended, events.Probe{
			By: o.By, Witness: o.Witness, Target: target, Up: held.Up, Reason: held.Reason, Took: events.InSeconds(held.took),
			Expires: held.Expires.UTC()})
	if err == nil {
		err = ev.Validate()
	}
	return ev, err
}

// Entity is the entity of the probes of a target by somebody.
func Entity(by, target string) string { return "probe/" + by + "/" + target }
