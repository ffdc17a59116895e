package sim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// oracle knows the truth, reads the log and the ledger for itself, and says what must not have happened.
type oracle struct {
	run       *run
	wrong     []string
	nodes     map[string]*reading // what the log says of nodes, by cluster and name
	watches   map[string][]sight  // what observers said, by cluster and watch
	at        []time.Time         // when each event was recorded, by sequence
	alerts    map[string]bool     // what the log has of alerts
	histories map[incident.ID]*history
	order     []incident.ID
	done      map[string]int // changes of the truth, by incident, plan, step and target
	paused    []policies.Pause
	plans     map[string]*responders.Plan // that people were asked about, by digest
}

// reading is what the log says of one node, as of any of its events.
type reading struct {
	states []nodeState
}

// nodeState is what is known of a node from an event on.
type nodeState struct {
	seq     uint64
	uid     string
	version int
	unready bool
	beat    int64
	stale   bool
	person  bool
	gone    bool
	lostAt  time.Time // zero: well
}

// sight is one report of an observer.
type sight struct {
	seq  uint64
	at   time.Time
	sees bool
	by   string
}

// history is what was recorded of an incident.
type history struct {
	key     incident.Key
	anchor  string
	opened  time.Time
	zone    string
	records []incident.Sequenced
	tries   int              // decisions that let a plan run
	plan    *responders.Plan // the last that may run
	open    *incident.StepRef
	phase   incident.Phase
	working bool
	ended   time.Time
	votes   votes
	stopped map[string]bool // the digests of plans that people stopped, while the fault stands
	stays   bool            // what was done is to stay, as people want it
}

func newOracle(r *run) *oracle {
	return &oracle{run: r, nodes: map[string]*reading{}, watches: map[string][]sight{}, alerts: map[string]bool{}, histories: map[incident.ID]*history{}, done: map[string]int{}, plans: map[string]*responders.Plan{}}
}

// fails notes what went wrong, at most a few of it.
func (o *oracle) fails(format string, args ...any) {
	if len(o.wrong) < 20 {
		o.wrong = append(o.wrong, o.run.clock.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
	}
}

// recorded reads an event as it is recorded.
func (o *oracle) recorded(rec events.Recorded) {
	o.at = append(o.at, rec.At)
	switch rec.Type {
	case events.TypeNode, events.TypeLease:
		o.node(rec)
	case events.TypeObserver:
		var said events.Observer
		o.decode(rec, &said)
		key := rec.Cluster + "/" + said.Watch
		o.watches[key] = append(o.watches[key], sight{rec.Seq, rec.At, said.Seeing, said.Replica})
	case events.TypeAlert:
		var said events.Alert
		o.decode(rec, &said)
		o.alerts[alertKey(rec.Cluster, said.Labels.Of("alertname"), said.Labels.Of("node"), said.StartsAt, said.Status)] = true
	}
}

func (o *oracle) decode(rec events.Recorded, into any) {
	if err := json.Unmarshal(rec.Data, into); err != nil {
		o.fails("%s: %v", rec.ID, err)
	}
}

// node reads what is said of a node. What is older than what was said counts for nothing.
func (o *oracle) node(rec events.Recorded) {
	key := rec.Cluster + "/" + events.EntityName(rec.Entity)
	r := o.nodes[key]
	if r == nil {
		r = &reading{}
		o.nodes[key] = r
	}
	var s nodeState
	if len(r.states) > 0 {
		s = r.states[len(r.states)-1]
	}
	if rec.Type == events.TypeLease {
		var said events.Lease
		o.decode(rec, &said)
		renewed, _ := strconv.ParseInt(said.ResourceVersion, 10, 64)
		if said.UID != "lease-"+s.uid || renewed < s.beat {
			return
		}
		s.beat, s.stale = renewed, said.State == events.LeaseStale
	} else {
		var said events.Node
		o.decode(rec, &said)
		version, _ := strconv.Atoi(said.ResourceVersion)
		if version < s.version || s.gone && said.UID == s.uid {
			return
		}
		if said.UID != s.uid {
			s = nodeState{uid: said.UID}
		}
		s.version, s.unready, s.gone = version, said.Ready.Status != "True", said.Gone
		s.person = said.Unschedulable && said.Annotations["salvor.io/cordoned"] == ""
	}
	switch lost := (s.unready || s.stale) && !s.gone; {
	case !lost:
		s.lostAt = time.Time{}
	case s.lostAt.IsZero():
		s.lostAt = rec.At
	}
	s.seq = rec.Seq
	r.states = append(r.states, s)
}

// state is what the log said of a node up to an event.
func (o *oracle) state(cluster, node string, seq uint64) nodeState {
	r := o.nodes[cluster+"/"+node]
	if r == nil {
		return nodeState{}
	}
	for _, s := range slices.Backward(r.states) {
		if s.seq <= seq {
			return s
		}
	}
	return nodeState{}
}

// acknowledged is called for an alert whose sender was told that it is taken.
func (o *oracle) acknowledged(said string) {
	if !o.alerts[said] {
		o.fails("acknowledged before it was recorded: %s", said)
	}
}

// record reads a record of an incident as it is written.
func (o *oracle) record(rec incident.Sequenced) {
	h := o.histories[rec.Incident]
	if rec.Kind == incident.Opened {
		h = &history{key: *rec.Key, anchor: rec.Fault.Anchor.Name, opened: o.run.clock.Now(), stopped: map[string]bool{}}
		o.opens(h, rec)
		o.histories[rec.Incident], o.order = h, append(o.order, rec.Incident)
	}
	if h == nil {
		o.fails("a record of an incident that was not opened: %s", rec.Incident)
		return
	}
	o.fresh(rec)
	h.records = append(h.records, rec)
	o.spoken(h, rec)
	switch rec.Kind {
	case incident.Decided:
		h.plan, h.phase, h.working = nil, rec.Decided.Phase, rec.Decided.Starts()
		if h.working {
			h.plan, h.stays = rec.Decided.Plan, false
			h.tries++
		}
	case incident.Intent:
		o.intends(h, rec)
		h.open = rec.Step
	case incident.TookOver:
		h.open = rec.Step
	case incident.Done:
		h.open = nil
	case incident.Failed:
		if h.open != nil && h.plan != nil && h.plan.Steps[h.open.Index].OnFailure != responders.OnFailureContinue {
			h.working = false
		}
		h.open = nil
	case incident.Cleared:
		h.working = false
		if h.key.Kind != "region" {
			o.seen(h, rec)
		}
	case incident.Checked, incident.Handed:
		h.working = false
	case incident.Halted:
		o.halts(h, rec)
	case incident.Recurred:
		h.working, h.stays = false, false
		clear(h.stopped)
	case incident.Closed:
		h.working, h.ended = false, o.run.clock.Now()
		if h.open != nil {
			o.fails("%s was closed in the middle of step %s", rec.Incident.Name(), h.open.Name)
		}
	}
}

// maxLag is how old what is judged by may be: five seconds, and what a write takes.
const maxLag = 7 * time.Second

// fresh says that nothing is judged by what was long ago. What an effect came to is written down whenever that is.
func (o *oracle) fresh(rec incident.Sequenced) {
	if rec.Kind != incident.Intent && rec.Kind != incident.Decided || rec.ViewSeq == 0 || int(rec.ViewSeq) > len(o.at) {
		return
	}
	if age := o.run.clock.Now().Sub(o.at[rec.ViewSeq-1]); age > maxLag {
		o.fails("%s: %s was judged by what was known %s ago", rec.Incident.Name(), rec.Kind, age.Round(time.Second))
	}
}

// opens judges that an incident is opened.
func (o *oracle) opens(h *history, rec incident.Sequenced) {
	for id, other := range o.histories {
		same := other.key == h.key || h.key.Kind != "node" && other.key.Cluster == h.key.Cluster && other.key.Kind == h.key.Kind && other.anchor == h.anchor
		if same && other.ended.IsZero() { // nodes of one name may be two
			o.fails("one fault, two incidents: %s and %s of %s %s", id.Name(), rec.Incident.Name(), h.key.Kind, h.anchor)
		}
	}
	c := o.run.cluster(h.key.Cluster)
	switch h.key.Kind {
	case "zone":
		h.zone = h.anchor
		if why := c.zoneWell(h.anchor, o.run.clock.Now()); why != "" {
			o.wide("zone %s of %s is said to be lost: %s", h.anchor, c.name, why)
		}
	case "region":
		if reached := o.run.clock.Now().Sub(c.heardAt); reached < 5*time.Second && o.run.clock.Now().Sub(c.heardSince) > 45*time.Second {
			o.wide("region of %s is said to be lost, while most witnesses reach it", c.name)
		}
	}
}

// wide notes a wide fault that is none.
func (o *oracle) wide(format string, args ...any) {
	o.run.falseWide++
	o.fails(format, args...)
}

// intends judges that a step is begun: by what the log and the ledger said then.
func (o *oracle) intends(h *history, rec incident.Sequenced) {
	name := rec.Incident.Name()
	if h.plan == nil || h.plan.Digest != rec.Step.Plan || rec.Step.Index >= len(h.plan.Steps) {
		o.fails("%s: step %s is begun, and no decision allows it", name, rec.Step.Name)
		return
	}
	if h.stopped[rec.Step.Plan] {
		o.fails("%s: step %s is begun, and a person has stopped its plan", name, rec.Step.Name)
	}
	o.notPaused(h, rec)
	if rec.Step.Phase != incident.PhaseRecover {
		return
	}
	o.seen(h, rec)
	if why := h.votes.lacking; why != "" {
		o.fails("%s: step %s is begun, and %s", name, rec.Step.Name, why)
	}
	step := h.plan.Steps[rec.Step.Index].Change
	for _, t := range step.Targets {
		if wholeZone := h.zone != "" && step.Responder == "node.cordon"; !wholeZone {
			o.well(h, rec, t)
		}
		o.alone(h, rec, t)
	}
	o.storm(h, rec)
}

// well judges that a step touches a node that is lost, on which nobody works. A zone that is lost takes no pods on any of its nodes.
func (o *oracle) well(h *history, rec incident.Sequenced, t policies.Target) {
	name := rec.Incident.Name()
	switch s := o.state(h.key.Cluster, t.Name, rec.ViewSeq); {
	case s.uid == t.UID && s.lostAt.IsZero():
		o.fails("%s: step %s of %s, which is well by event %d", name, rec.Step.Name, t, rec.ViewSeq)
	case s.uid == t.UID && s.person:
		o.fails("%s: step %s of %s, on which a person is at work", name, rec.Step.Name, t)
	}
}

// alone judges that nobody else is at work on a node, or, by a narrower incident, in its zone.
func (o *oracle) alone(h *history, rec incident.Sequenced, t policies.Target) {
	name, cluster := rec.Incident.Name(), h.key.Cluster
	for id, other := range o.histories {
		if other == h || !other.working || other.plan == nil || other.key.Cluster != cluster {
			continue
		}
		for _, theirs := range other.plan.Targets() {
			if theirs == t {
				o.fails("%s and %s work on %s at once", name, id.Name(), t)
			}
			if theirs.Zone == t.Zone && theirs != t && other.phase == incident.PhaseRecover {
				o.fails("%s and %s work on two nodes of zone %s at once, one is the limit", name, id.Name(), t.Zone)
			}
		}
	}
	for id, wide := range o.histories {
		if wide != h && wide.key.Cluster == cluster && wide.zone != "" && wide.zone == t.Zone && wide.ended.IsZero() && !wide.records[0].Standing && o.run.clock.Now().Sub(wide.opened) > maxLag {
			o.fails("%s repairs %s, while %s is about its zone", name, t, id.Name())
		}
	}
}

// storm judges that many nodes are not repaired at once.
func (o *oracle) storm(h *history, rec incident.Sequenced) {
	c := o.run.cluster(h.key.Cluster)
	mine := o.state(c.name, h.anchor, rec.ViewSeq)
	lost, all := 0, 0
	for _, m := range c.machines {
		s := o.state(c.name, m.name, rec.ViewSeq)
		if s.uid != m.uid || s.gone {
			continue
		}
		all++
		if apart := s.lostAt.Sub(mine.lostAt); !s.lostAt.IsZero() && apart.Abs() <= 2*time.Minute {
			lost++
		}
	}
	if least := max(3, (all+4)/5); lost >= least {
		o.fails("%s: step %s while %d of %d nodes are lost at once", rec.Incident.Name(), rec.Step.Name, lost, all)
	}
}

// seen judges that somebody sees, and that what has cleared is not lost, as far as the log says at that event.
func (o *oracle) seen(h *history, rec incident.Sequenced) {
	if rec.ViewSeq == 0 {
		o.fails("%s: %s was judged by nothing", rec.Incident.Name(), rec.Kind)
		return
	}
	if s := o.state(h.key.Cluster, h.anchor, rec.ViewSeq); rec.Kind == incident.Cleared && h.key.Anchor == "node/"+s.uid && !s.lostAt.IsZero() {
		o.fails("%s: %s, and %s is lost since %s", rec.Incident.Name(), rec.Kind, h.anchor, s.lostAt.Format("15:04:05"))
	}
	now := o.at[rec.ViewSeq-1]
	for _, watch := range []string{"nodes", "leases"} {
		last := map[string]sight{}
		for _, s := range o.watches[h.key.Cluster+"/"+watch] {
			if s.seq <= rec.ViewSeq {
				last[s.by] = s
			}
		}
		sees := false
		for _, s := range last {
			sees = sees || s.sees && now.Sub(s.at) <= 30*time.Second
		}
		if !sees {
			o.fails("%s: %s while nobody sees the %s of %s", rec.Incident.Name(), rec.Kind, watch, h.key.Cluster)
		}
	}
}

// notPaused judges that nothing is begun that has been paused for a second.
func (o *oracle) notPaused(h *history, rec incident.Sequenced) {
	now := o.run.clock.Now()
	for _, p := range o.paused {
		covers := (p.Cluster == "" || p.Cluster == h.key.Cluster) && (p.Kind == "" || p.Kind == h.key.Kind) && (p.Target == "" || p.Target == "node/"+h.anchor)
		if covers && now.Sub(p.Since) > time.Second && now.Before(p.Until) {
			o.fails("%s: step %s is begun while that is paused", rec.Incident.Name(), rec.Step.Name)
		}
	}
}

// effect judges that the truth is changed.
func (o *oracle) effect(env responders.Env, responder string, change responders.Change, t policies.Target, m *machine) {
	h := o.histories[incident.ID(env.Incident)]
	if h == nil || h.open == nil || h.open.Plan != env.Plan || h.open.Name != env.Step {
		o.fails("%s of %s without an open intent", responder, t)
		return
	}
	if h.stopped[env.Plan] {
		o.fails("%s of %s after a person has stopped its plan", responder, t)
	}
	key := fmt.Sprintf("%s/%d/%s/%s", env.Incident, h.tries, env.Step, t)
	if o.done[key]++; o.done[key] > 1 && responder != "workload.displace" {
		o.fails("%s of %s is done twice: %s", responder, t, key)
	}
	if !slices.Contains(h.plan.Steps[h.open.Index].Change.Targets, t) || !slices.ContainsFunc(change.Targets, func(x policies.Target) bool { return x == t }) {
		o.fails("%s of %s, which is no target of its plan", responder, t)
	}
	if now := o.run.clock.Now(); !h.open.Deadline.IsZero() && now.After(h.open.Deadline) {
		o.fails("%s of %s %s after its deadline", responder, t, now.Sub(h.open.Deadline).Round(time.Second))
	}
	returns := m.wellAt.Before(m.lostAt) // within this second
	if responder == "node.fence" && m.well() && !returns && o.run.clock.Now().Sub(m.wellAt) > beat+2*time.Second {
		o.fails("%s was powered off though it speaks", t)
	}
	if responder == "node.release" && !m.off {
		o.fails("%s was released while it runs: both copies may write", t)
	}
	for _, p := range o.paused {
		if now := o.run.clock.Now(); p.Cluster == "" && p.Kind == "" && p.Target == "" && now.Sub(p.Since) > time.Second && now.Before(p.Until) {
			o.fails("%s of %s while everything is paused", responder, t)
		}
	}
}

// ends judges that in the end, when all is well again, nothing is left: no incident, nothing claimed, no mark on a node, and that all
// replicas see the same.
func (o *oracle) ends() {
	for _, id := range o.order {
		if h := o.histories[id]; h.ended.IsZero() {
			last := h.records[len(h.records)-1]
			o.fails("%s (%s %s of %s) never ended; last: %s at %s: %s", id.Name(), h.key.Kind, h.anchor, h.key.Cluster, last.Kind, last.At.Format("15:04:05"), last.Text)
		}
	}
	budget, err := o.run.store.Writer("oracle").Budget(o.run.ctx)
	if err != nil || len(budget.Holdings) > 0 {
		o.fails("something is still held: %+v %v", budget.Holdings, err)
	}
	for _, c := range o.run.clusters {
		for _, m := range c.machines {
			if !m.gone && (o.lastingMark(m.cordoned) || o.lastingMark(m.released)) {
				o.fails("%s of %s is still marked: cordoned %q released %q", m.name, c.name, m.cordoned, m.released)
			}
		}
	}
}
