package classifiers

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/events"
)

// AlertReader says what an alert means. It is pure. A nil one understands no alert.
type AlertReader func(events.Alert) events.Meaning

func (read AlertReader) of(a events.Alert) events.Meaning {
	if read == nil {
		return events.Meaning{}
	}
	return read(a)
}

// AlertView is one alert, firing or lately resolved: of an [events.Alert] what judgements are made of. A storm has hundreds of thousands.
type AlertView struct {
	events.Meaning
	Fingerprint string
	Name        string
	Labels      events.LabelSet
	StartsAt    time.Time
	Kinds       []string
	Evidence    string
	At          time.Time // view time of the last change
	ToldAt      time.Time // view time of the event that is the evidence
	Firing      bool
	Truncated   bool
}

// goesOn says that an alert is the one that was known, in the same state. The start of one that fires moves where more than one
// Prometheus tells of it: spans that overlap are one.
func (a AlertView) goesOn(known AlertView) bool {
	if a.Firing != known.Firing {
		return false
	}
	return a.StartsAt.Equal(known.StartsAt) || a.Firing && !a.StartsAt.After(known.ToldAt)
}

const firing = "firing"

// Status is firing or resolved.
func (a AlertView) Status() string {
	if a.Firing {
		return firing
	}
	return "resolved"
}

// witnesses says that the alert is a source of its own beside the API server for a fault as wide as a zone or a region. One whose
// webhook left others out is none: what they would have said is not known.
func (a AlertView) witnesses(kind Kind) bool {
	return a.Independent && !a.Truncated && a.mayRaise(kind)
}

// SilenceView is one silence.
type SilenceView struct {
	events.Silence
	Evidence string
}

// ProbeView is what one prober last said of one target.
type ProbeView struct {
	events.Probe
	Evidence string
	At       time.Time // view time of the last report
	Since    time.Time // view time at which the target came to be as it is, up or not
	ShownAt  time.Time // view time at which it was first shown the certificate that it is shown
	Before   Shown     // another one that it was shown before: of many servers of one name each may have its own
}

// Shown is a certificate that a target showed.
type Shown struct{ Ends, Since time.Time }

// HeartbeatView is one dead man's switch.
type HeartbeatView struct {
	events.Heartbeat
	Evidence string
	At       time.Time // view time of the last beat
}

// maxDetections bounds how many detections are remembered of a cluster: of more, the oldest of the least grave are forgotten, so that
// noise hides nothing.
const maxDetections = 1000

// Detection is one match of a rule of Falco.
type Detection struct {
	events.Falco
	Topic    events.Topic // what the table of alerts says of the alert that would tell the same
	Evidence string
	At       time.Time // view time
}

func (c *Cluster) foldAlert(m moment, seen events.Alert) {
	known, ok := c.Alerts[seen.Fingerprint]
	if !ok {
		known = &AlertView{}
	}
	if label := seen.Labels.Of("alertname"); label == seen.Name {
		seen.Name = label // one text, not two
	}
	now := &AlertView{Meaning: m.read.of(seen), Fingerprint: seen.Fingerprint, Name: seen.Name, Labels: seen.Labels, StartsAt: seen.StartsAt,
		Kinds: seen.Kinds, Evidence: m.evidence, At: m.at, ToldAt: m.at, Firing: seen.Status == firing, Truncated: seen.Truncated}
	if ok && known.Firing && !now.Firing && seen.StartsAt.Before(known.StartsAt) && !seen.EndsAt.After(known.StartsAt) {
		return // that span was over before the one that is known began
	}
	if ok && now.goesOn(*known) {
		now.At = known.At
	}
	c.Alerts[seen.Fingerprint] = now
	delete(c.Firing[known.Topic], seen.Fingerprint)
	delete(c.Resolved, seen.Fingerprint)
	switch {
	case !now.Firing:
		c.Resolved[seen.Fingerprint] = now
	case now.Topic != "":
		if c.Firing[now.Topic] == nil {
			c.Firing[now.Topic] = map[string]*AlertView{}
		}
		c.Firing[now.Topic][seen.Fingerprint] = now
	}
}

func (c *Cluster) foldFalco(m moment, seen events.Falco) {
	c.Detections = append(c.Detections, Detection{seen, m.read.of(asAlert(seen)).Topic, m.evidence, m.at})
	if len(c.Detections) > maxDetections {
		at := leastGrave(c.Detections)
		c.Detections = slices.Delete(c.Detections, at, at+1)
	}
}

// asAlert is the alert that falcosidekick would make of a detection, as far as a table can tell one from another.
func asAlert(f events.Falco) events.Alert {
	return events.Alert{Name: f.Rule, Labels: events.NewLabelSet(map[string]string{"source": "falco", "eventsource": f.Source, "rule": f.Rule,
		"priority": f.Priority, "hostname": f.Hostname})}
}

// gravity is that of the rule; tampering is as grave as can be.
func (d Detection) gravity() int {
	if d.Topic == events.TopicTampering {
		return len(priorities)
	}
	return gravity(d.Priority)
}

// leastGrave is the oldest of the least grave detections.
func leastGrave(all []Detection) int {
	least := 0
	for i, d := range all {
		if d.gravity() < all[least].gravity() {
			least = i
		}
	}
	return least
}

func (c *Cluster) foldProbe(m moment, seen events.Probe) {
	key := seen.By + "/" + seen.Target
	now := ProbeView{Probe: seen, Evidence: m.evidence, At: m.at, Since: m.at, ShownAt: m.at}
	if known, ok := c.Probes[key]; ok {
		now.follows(known)
	}
	c.Probes[key] = now
}

// follows takes over since when it is so from what the prober said before.
func (p *ProbeView) follows(known ProbeView) {
	if known.Up == p.Up {
		p.Since = known.Since
	}
	switch p.Before = known.Before; {
	case p.Expires.Equal(known.Expires):
		p.ShownAt = known.ShownAt
	case p.Expires.Equal(known.Before.Ends):
		p.ShownAt, p.Before = known.Before.Since, Shown{known.Expires, known.ShownAt}
	default:
		p.Before = Shown{known.Expires, known.ShownAt}
	}
}

func (c *Cluster) foldHeartbeat(m moment, seen events.Heartbeat) {
	c.Heartbeats[seen.Name] = HeartbeatView{seen, m.evidence, m.at}
}

func (c *Cluster) foldObserver(m moment, seen events.Observer) {
	c.Observers[seen.Replica+"/"+seen.Watch] = ObserverView{Observer: seen, At: m.at}
}

// foldSilence keeps a silence until its end; its event belongs to the fleet.
func foldSilence(v *View, ev events.Recorded) error {
	var seen events.Silence
	if err := ev.Decode(&seen); err != nil {
		return err
	}
	if seen.Gone {
		delete(v.Silences, seen.ID)
		return nil
	}
	v.Silences[seen.ID] = SilenceView{seen, strings.Clone(ev.ID)}
	return nil
}

// forgetSignals drops what ended long ago.
func (c *Cluster) forgetSignals(now time.Time) {
	for fingerprint, a := range c.Resolved {
		if now.Sub(a.At) > goneFor {
			delete(c.Resolved, fingerprint)
			delete(c.Alerts, fingerprint)
		}
	}
	maps.DeleteFunc(c.Probes, func(_ string, p ProbeView) bool { return now.Sub(p.At) > goneFor })
	for len(c.Detections) > 0 && now.Sub(c.Detections[0].At) > goneFor {
		c.Detections = c.Detections[1:]
	}
}
