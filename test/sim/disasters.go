package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// disaster is something that happens to a cluster for a while, and what it is called.
type disaster struct {
	kind     string // node, zone, region, storm, partition, witness
	cluster  *cluster
	zone     string
	machines []*machine
	from, to time.Time
	begin    func()
	end      func()
}

// plan makes the disasters of a cluster, one after the other with time between them. Between them single nodes fail.
func (r *run) plan(c *cluster) {
	at := r.start.Add(2*time.Minute + r.span(2*time.Minute))
	for at.Before(r.start.Add(calm)) {
		d := r.disaster(c, at)
		r.disasters = append(r.disasters, d)
		r.clock.At(d.from, func() { d.begin() })
		r.clock.At(d.to, func() { d.end() })
		at = d.to.Add(4*time.Minute + r.span(4*time.Minute))
	}
}

// span is a random time up to d.
func (r *run) span(d time.Duration) time.Duration { return time.Duration(r.rng.Int64N(int64(d))) }

func (r *run) disaster(c *cluster, at time.Time) *disaster {
	d := &disaster{cluster: c, from: at, to: at.Add(2*time.Minute + r.span(6*time.Minute))}
	switch n := r.rng.IntN(20); {
	case n < 6:
		r.nodeDies(d)
	case n < 8:
		r.neighbours(d)
	case n < 12 && len(c.zones) > 1:
		r.zoneDies(d)
	case n < 14:
		r.regionDies(d)
	case n < 16:
		r.allCut(d)
	case n < 18:
		r.partition(d)
	default:
		r.witnessCut(d)
	}
	return d
}

// breaks picks a way for machines to be lost, and undoes it.
func breaks(rng *rand.Rand, m *machine) (lose, heal func()) {
	switch rng.IntN(3) {
	case 0:
		return func() { m.off = true }, func() { m.off = false }
	case 1:
		return func() { m.hung = true }, func() { m.hung, m.off = false, false }
	}
	return func() { m.cut = true }, func() { m.cut, m.off = false, false }
}

// nodeDies loses one node.
func (r *run) nodeDies(d *disaster) {
	c := d.cluster
	name, way := c.machines[r.rng.IntN(len(c.machines))].name, r.rng.Uint64()
	var m *machine
	var lose, heal func()
	begin := func() {
		m = c.byName[name]
		d.zone, d.machines = m.zone, []*machine{m}
		lose, heal = breaks(rand.New(rand.NewPCG(way, 0)), m)
	}
	d.kind, d.begin, d.end = "node", func() { begin(); lose() }, func() { heal() }
	switch r.rng.IntN(6) {
	case 0: // a person works on it
		d.kind = "person"
		d.begin = func() {
			begin()
			m.person = true
			c.touch(m)
			r.clock.At(d.from.Add(r.span(30*time.Second)+8*time.Second), lose)
		}
		d.end = func() {
			heal()
			m.person = false
			c.touch(m)
		}
	case 1: // it is replaced by another of the same name
		d.kind, d.end = "replaced", func() { r.replace(c, m) }
	}
}

// neighbours loses two nodes of one zone, one after the other: two faults, of which one is to be repaired at a time.
func (r *run) neighbours(d *disaster) {
	c := d.cluster
	d.kind, d.zone = "neighbours", c.zones[r.rng.IntN(len(c.zones))]
	way := r.rng.Uint64()
	d.begin = func() {
		all := c.of(d.zone)
		r.rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		d.machines = all[:min(2, len(all))]
		for n, m := range d.machines {
			lose, heal := breaks(rand.New(rand.NewPCG(way, 0)), m)
			r.clock.At(d.from.Add(time.Duration(n)*r.span(time.Minute)), lose)
			r.clock.At(d.to.Add(time.Duration(n)*r.span(time.Minute)), heal)
		}
	}
	d.end = func() {}
}

// replace deletes a node, and makes another of the same name.
func (r *run) replace(c *cluster, m *machine) {
	m.gone = true
	c.touch(m)
	r.clock.At(r.clock.Now().Add(20*time.Second), func() { c.add(r.rng, m.name, m.zone, r.clock.Now()) })
}

// zoneDies loses all machines of a zone within a few seconds.
func (r *run) zoneDies(d *disaster) {
	c := d.cluster
	d.kind, d.zone = "zone", c.zones[r.rng.IntN(len(c.zones))]
	way := r.rng.Uint64()
	d.begin = func() {
		d.machines = c.of(d.zone)
		for _, m := range d.machines {
			lose, heal := breaks(rand.New(rand.NewPCG(way, 0)), m)
			r.clock.At(d.from.Add(r.span(8*time.Second)), lose)
			r.clock.At(d.to.Add(r.span(30*time.Second)), heal)
		}
	}
	d.end = func() {}
}

// regionDies takes the API server away, and all machines with it.
func (r *run) regionDies(d *disaster) {
	c := d.cluster
	d.kind = "region"
	var lost []*machine
	d.begin = func() {
		c.down, c.mute = true, r.rng.IntN(2) == 0
		for _, m := range c.machines {
			if !m.off && !m.gone {
				m.off, lost = true, append(lost, m)
			}
		}
	}
	d.end = func() {
		c.down, c.mute = false, false
		for _, m := range lost {
			m.off = false
		}
	}
}

// allCut parts most machines from their API server, while they run on.
func (r *run) allCut(d *disaster) {
	c := d.cluster
	d.kind = "storm"
	share := 6 + r.rng.IntN(5)
	d.begin = func() {
		d.machines = slices.DeleteFunc(slices.Clone(c.machines), func(m *machine) bool { return m.gone })
		r.rng.Shuffle(len(d.machines), func(i, j int) { d.machines[i], d.machines[j] = d.machines[j], d.machines[i] })
		d.machines = d.machines[:(len(d.machines)*share+9)/10]
		for _, m := range d.machines {
			m.cut = true
		}
	}
	d.end = func() {
		for _, m := range d.machines {
			m.cut = false
		}
	}
}

// partition parts Salvor, all of its replicas, from the API server, and nobody else.
func (r *run) partition(d *disaster) {
	d.kind = "partition"
	set := func(cut bool) func() {
		return func() {
			for n := range r.replicas {
				d.cluster.cutOff[replicaName(n)] = cut
			}
		}
	}
	d.begin, d.end = set(true), set(false)
}

// witnessCut parts one witness from the API server.
func (r *run) witnessCut(d *disaster) {
	d.kind = "witness"
	who := witnessName(r.rng.IntN(witnesses))
	d.begin, d.end = func() { d.cluster.cutOff[who] = true }, func() { d.cluster.cutOff[who] = false }
}

func (d *disaster) String() string {
	return fmt.Sprintf("%s %s %s %s-%s (%d machines)", d.kind, d.cluster.name, d.zone, d.from.Format("15:04:05"), d.to.Format("15:04:05"), len(d.machines))
}
