package sim

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// beat is how often a kubelet renews its Lease, and unknownAfter when the node controller gives up on one.
const (
	beat         = 10 * time.Second
	unknownAfter = 40 * time.Second
)

// machine is a node as it is.
type machine struct {
	name, zone, uid string
	off             bool // without power
	hung            bool // its kubelet does not speak; what it ran still runs
	cut             bool // it cannot reach the API server; what it ran still runs
	gone            bool // its object was deleted

	beats    time.Duration // after each full period of renewal
	beatAt   time.Time     // last renewal that reached the API server
	unknown  bool          // Ready is Unknown
	version  int           // of the object
	person   bool          // a person cordoned it
	cordoned string        // the incident for which Salvor cordoned it
	released string        // the incident for which Salvor released what it held

	lostAt time.Time // when it last stopped to speak
	wellAt time.Time // when it last spoke again
}

// well says that its kubelet speaks to the API server.
func (m *machine) well() bool { return !m.off && !m.hung && !m.cut }

// cluster is a cluster as it is.
type cluster struct {
	name     string
	region   string
	zones    []string
	machines []*machine
	byName   map[string]*machine
	down     bool            // nobody reaches the API server
	cutOff   map[string]bool // who cannot reach it: replicas and witnesses by name
	version  int             // last resource version
	power    bool            // it has a power switch
	mute     bool            // its monitoring is away

	heardAt    time.Time // when most witnesses last reached it
	heardSince time.Time // since when they did without a break
}

func (c *cluster) touch(m *machine) {
	c.version++
	m.version = c.version
}

// reached says whether somebody reaches the API server now.
func (c *cluster) reached(by string) bool { return !c.down && !c.cutOff[by] }

// of are the machines of a zone that exist.
func (c *cluster) of(zone string) []*machine {
	var out []*machine
	for _, m := range c.machines {
		if m.zone == zone && !m.gone {
			out = append(out, m)
		}
	}
	return out
}

// newCluster makes a cluster of so many nodes in so many zones.
func newCluster(rng *rand.Rand, n, nodes, zones int, now time.Time) *cluster {
	c := &cluster{name: fmt.Sprintf("c%d", n), region: fmt.Sprintf("r%d", n), byName: map[string]*machine{}, cutOff: map[string]bool{}, power: rng.IntN(2) == 0}
	for z := range zones {
		c.zones = append(c.zones, fmt.Sprintf("%s-%c", c.region, 'a'+z))
	}
	for i := range nodes {
		c.add(rng, fmt.Sprintf("n%d", i), c.zones[i%zones], now)
	}
	return c
}

func (c *cluster) add(rng *rand.Rand, name, zone string, now time.Time) {
	m := &machine{name: name, zone: zone, uid: fmt.Sprintf("%s-%s-%x", c.name, name, rng.Uint32()), beats: time.Duration(rng.Int64N(int64(beat)))}
	m.beatAt = now.Add(-m.beats)
	c.touch(m)
	c.machines, c.byName[name] = append(c.machines, m), m
}

// lately is for how long what ended may still be taken for what is: Leases and conditions lag.
const lately = 75 * time.Second

// lost says that a machine does not speak, or did not until lately.
func (m *machine) lost(now time.Time) bool {
	return !m.well() || !m.wellAt.IsZero() && now.Sub(m.wellAt) < lately
}

// zoneWell says why a zone is not lost, "" when it is.
func (c *cluster) zoneWell(zone string, now time.Time) string {
	mine, mineLost, others, othersLost := 0, 0, 0, 0
	for _, m := range c.machines {
		switch lost := m.lost(now); {
		case m.gone:
		case m.zone == zone:
			mine++
			if lost {
				mineLost++
			}
		default:
			others++
			if lost && m.lostAt.After(now.Add(-5*time.Minute)) {
				othersLost++
			}
		}
	}
	switch {
	case 2*mineLost <= mine:
		return fmt.Sprintf("only %d of its %d machines are", mineLost, mine)
	case othersLost > max(1, others*35/100):
		return fmt.Sprintf("%d of %d other machines are too", othersLost, others)
	}
	return ""
}

// watched says whether most witnesses reach the API server, and keeps since when.
func (c *cluster) watched(now time.Time) {
	reached := 0
	for n := range witnesses {
		if c.reached(witnessName(n)) {
			reached++
		}
	}
	if 2*reached <= witnesses {
		c.heardSince = time.Time{}
		return
	}
	if c.heardAt = now; c.heardSince.IsZero() {
		c.heardSince = now
	}
}

// second lets a second pass: kubelets speak, and the node controller judges.
func (c *cluster) second(now time.Time) {
	c.watched(now)
	for _, m := range c.machines {
		switch speaks := m.well() && !c.down; {
		case m.gone:
			continue
		case !speaks && m.lostAt.Before(m.wellAt) || !speaks && m.lostAt.IsZero():
			m.lostAt = now
		case speaks && m.wellAt.Before(m.lostAt):
			m.wellAt = now
		}
		if c.down {
			continue
		}
		if m.well() && now.Sub(m.beatAt) >= beat {
			m.beatAt = now
		}
		if unknown := now.Sub(m.beatAt) > unknownAfter; unknown != m.unknown {
			m.unknown = unknown
			c.touch(m)
		}
	}
}
