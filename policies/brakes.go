package policies

import (
	"fmt"
	"math"
	"strings"
)

// brake is one reason outside the authors' rules to hold a plan back now. It says why, with the numbers it used, or "".
type brake struct {
	name string
	why  func(Question) string
}

// brakes lists every brake, in the order in which people read them.
var brakes = []brake{
	{"pause", paused}, {"at work", atWork}, {"wider fault", absorbed}, {"storm", storm}, {"budget", zoneFull}, {"budget", fleetFull},
	{"lock", targetsHeld}, {"attempts", tried},
}

// Brakes are the reasons outside the authors' rules why nothing may be done now; none when all is well.
func Brakes(q Question) []Reason {
	var held []Reason
	for _, b := range brakes {
		if why := b.why(q); why != "" {
			held = append(held, Reason{Text: why, Rule: b.name})
		}
	}
	return held
}

// undoing says that the plan takes back what a recovery did. What guards against doing too much does not hold that back.
func (q Question) undoing() bool { return q.Plan.Phase == "undo" }

func paused(q Question) string {
	for _, p := range q.Pauses {
		if p.Holds(q) {
			return fmt.Sprintf("paused (%s) by %s until %s: %s", p.Scope(), p.Owner, p.Until.UTC().Format("15:04:05 MST"), p.Reason)
		}
	}
	return ""
}

// Holds says whether the pause covers what the question is about, now.
func (p Pause) Holds(q Question) bool {
	if !q.Now.Before(p.Until) {
		return false
	}
	if p.Cluster != "" && p.Cluster != q.Cluster.Name || p.Kind != "" && p.Kind != q.Fault.Kind {
		return false
	}
	return p.Target == "" || p.covers(q)
}

func (p Pause) covers(q Question) bool {
	if p.Target == q.Fault.Anchor {
		return true
	}
	for _, t := range q.Plan.Targets {
		if p.Target == t.String() {
			return true
		}
	}
	return false
}

// Scope is what the pause covers, for people.
func (p Pause) Scope() string {
	var parts []string
	for _, part := range []struct{ name, value string }{{"cluster", p.Cluster}, {"kind", p.Kind}, {"target", p.Target}} {
		if part.value != "" {
			parts = append(parts, part.name+" "+part.value)
		}
	}
	if len(parts) == 0 {
		return "the whole fleet"
	}
	return strings.Join(parts, ", ")
}

func atWork(q Question) string {
	if q.undoing() {
		return ""
	}
	var found []string
	for _, w := range q.View.AtWork {
		found = append(found, fmt.Sprintf("%s on %s (%s)", w.Who, w.Target, w.What))
	}
	if len(found) == 0 {
		return ""
	}
	return "somebody is at work: " + strings.Join(found, "; ")
}

// absorbed holds the repair of what is part of a wider fault: that one says what is to be done.
func absorbed(q Question) string {
	if q.undoing() || q.Fault.Under == "" {
		return ""
	}
	return q.Fault.Anchor + " is part of a wider fault, " + q.Fault.Under + ": what is done about that decides"
}

// storm suspects the observer when many nodes are lost at once. A fault wider than a node is not held by it.
func storm(q Question) string {
	if q.undoing() || q.Fault.Kind != "node" || q.Limits.StormNodes <= 0 {
		return ""
	}
	least := max(q.Limits.StormNodes, int(math.Ceil(q.Limits.StormShare*float64(q.View.LostOf))))
	if q.View.LostTogether < least {
		return ""
	}
	return fmt.Sprintf("storm: %d of %d nodes were lost at once (%d are enough); the observer is suspected, no node is repaired",
		q.View.LostTogether, q.View.LostOf, least)
}

func zoneFull(q Question) string {
	if q.undoing() || q.Fault.Kind != "node" {
		return ""
	}
	for _, zone := range q.Fault.Zones {
		if busy := q.InFlight.Zones[zone]; busy >= q.Limits.NodesPerZone {
			return fmt.Sprintf("%d of at most %d nodes of zone %s are being repaired", busy, q.Limits.NodesPerZone, zone)
		}
	}
	return ""
}

func fleetFull(q Question) string {
	if q.undoing() || q.Fault.Kind != "node" {
		return ""
	}
	most := max(1, int(q.Limits.FleetShare*float64(q.View.Nodes)))
	if q.InFlight.Cluster < most {
		return ""
	}
	return fmt.Sprintf("%d of at most %d nodes of %s are being repaired (%.0f%% of %d)",
		q.InFlight.Cluster, most, q.Cluster.Name, 100*q.Limits.FleetShare, q.View.Nodes)
}

func targetsHeld(q Question) string {
	if len(q.InFlight.Targets) == 0 {
		return ""
	}
	return "another incident holds " + strings.Join(q.InFlight.Targets, ", ")
}

func tried(q Question) string {
	if q.About != AboutDecision || q.undoing() || q.Limits.Attempts <= 0 || q.History.Attempts < q.Limits.Attempts {
		return ""
	}
	return fmt.Sprintf("%d plans were tried (at most %d): a person has to go on", q.History.Attempts, q.Limits.Attempts)
}
