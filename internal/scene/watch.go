package scene

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/salvor-io/salvor/events"
)

// watches are what is watched of a cluster.
var watches = []string{"nodes", "leases", "pods", "deployments", "statefulsets", "daemonsets", "namespaces", "persistentvolumes", "persistentvolumeclaims",
	"configmaps", "backups.velero.io", "restores.velero.io", "schedules.velero.io", "backupstoragelocations.velero.io",
	"volumesnapshots.snapshot.storage.k8s.io", "volumesnapshotcontents.snapshot.storage.k8s.io"}

const (
	observes = 10 * time.Second // how often observers and probers say how things are
	relists  = 2 * time.Second  // how long the watches of a replica that starts do not see
)

// repeating are the words for those who say something again and again.
var repeating = map[string]func(*stage, []string) error{
	"sees": func(s *stage, w []string) error { return s.sight(w, true) }, "blind": func(s *stage, w []string) error { return s.sight(w, false) },
	"probe": (*stage).probe, "heartbeat": (*stage).heartbeat, "silent": (*stage).silent,
}

// enter turns to a cluster, and begins to watch it the first time.
func (s *stage) enter(words []string) error {
	if len(words) != 1 {
		return errors.New("cluster takes one name")
	}
	s.cluster = words[0]
	if slices.ContainsFunc(s.repeats, func(r *repeat) bool { return r.key == s.cluster+"/watch/nodes" }) {
		return nil
	}
	if err := s.sight(nil, true); err != nil {
		return err
	}
	return s.observe(events.Fleet, "silences", true, "")
}

// sight says that watches see, or are blind: those named, or all. reason=... says why.
func (s *stage) sight(words []string, seeing bool) error {
	reason := ""
	var of []string
	for _, w := range words {
		switch why, ok := strings.CutPrefix(w, "reason="); {
		case ok:
			reason = why
		case !slices.Contains(watches, w) && w != "silences":
			return fmt.Errorf("nothing watches %q", w)
		default:
			of = append(of, w)
		}
	}
	if len(of) == 0 {
		of = watches
	}
	for _, watch := range of {
		cluster := s.cluster
		if watch == "silences" {
			cluster = events.Fleet
		}
		if err := s.observe(cluster, watch, seeing, reason); err != nil {
			return err
		}
	}
	return nil
}

// blink has the watches not see, since their replica starts, until they have looked at everything anew.
func (s *stage) blink() error {
	for _, r := range slices.Clone(s.repeats) {
		cluster, watch, ok := strings.Cut(r.key, "/watch/")
		if !ok {
			continue
		}
		id := "observer/" + cluster + "/" + replica + "/" + watch + "/" + strconv.FormatInt(s.now.UnixNano(), 10) + "/start"
		if err := s.record(id, events.TypeObserver, "/scene", cluster, "observer/"+replica+"/"+watch,
			events.Observer{Replica: replica, Watch: watch, Reason: "it starts"}); err != nil {
			return err
		}
		r.last, r.anew = s.now.Add(relists-observes), true
	}
	return nil
}

func (s *stage) observe(cluster, watch string, seeing bool, reason string) error {
	if !seeing {
		reason = cmp.Or(reason, "it is cut off")
	}
	return s.keep(cluster+"/watch/"+watch, observes, func(entity func(string) string) error {
		id := fmt.Sprint("observer/", cluster, "/", replica, "/", watch, "/", s.now.UnixNano(), "/", seeing)
		return s.record(id, events.TypeObserver, "/scene", cluster, entity("observer/"+replica+"/"+watch),
			events.Observer{Replica: replica, Watch: watch, Seeing: seeing, Synced: true, Reason: reason})
	})
}

// probe BY apiserver|etcd up|down [witness] [reason=...] [expires=...] says what somebody who tries to reach the cluster finds, from now on.
func (s *stage) probe(words []string) error {
	if len(words) < 3 || words[2] != "up" && words[2] != "down" {
		return errors.New("say: probe BY apiserver|etcd up|down [witness] [reason=...] [expires=...]")
	}
	p := events.Probe{By: words[0], Target: words[1], Up: words[2] == "up"}
	for _, w := range words[3:] {
		var err error
		switch key, value, _ := strings.Cut(w, "="); key {
		case "reason":
			p.Reason = value
		case "witness":
			p.Witness = true
		case "expires":
			p.Expires, err = s.when(value)
		default:
			err = fmt.Errorf("probe: %q is not known", w)
		}
		if err != nil {
			return err
		}
	}
	cluster := s.cluster
	return s.keep(cluster+"/probe/"+p.By+"/"+p.Target, observes, func(entity func(string) string) error {
		id := fmt.Sprint("probe/", cluster, "/", p.By, "/", p.Target, "/", s.now.UnixNano(), "/", p.Up, "/", p.Expires.Unix())
		return s.record(id, events.TypeProbe, "/scene", cluster, entity("probe/"+p.By+"/"+p.Target), p)
	})
}

// heartbeat [NAME] says that a dead man's switch is heard from now on, every thirty seconds.
func (s *stage) heartbeat(words []string) error {
	const every = 30 * time.Second
	name, cluster := "Watchdog", s.cluster
	if len(words) > 0 {
		name = words[0]
	}
	return s.keep(cluster+"/heartbeat/"+name, every, func(func(string) string) error {
		ev, err := events.NewHeartbeat("/scene", cluster, s.now, events.Heartbeat{Name: name, Every: events.InSeconds(every)})
		if err != nil {
			return err
		}
		return s.happens(ev)
	})
}

// silent watch [WATCH] | probe BY TARGET | heartbeat NAME: nothing is heard of it any more. "silent watch" is all watches.
func (s *stage) silent(words []string) error {
	key := s.cluster + "/" + strings.Join(words, "/")
	if s.drop(key) {
		return nil
	}
	before := len(s.repeats)
	s.repeats = slices.DeleteFunc(s.repeats, func(r *repeat) bool { return strings.HasPrefix(r.key, key+"/") })
	if len(words) == 0 || len(s.repeats) == before {
		return fmt.Errorf("silent: nobody says %q", strings.Join(words, " "))
	}
	return nil
}
