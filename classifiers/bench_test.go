package classifiers

import (
	"fmt"
	"testing"
	"time"

	"github.com/salvor-io/salvor/events"
)

// BenchmarkClassify classifies a fleet of 5,000 nodes in three zones, well, and with one zone dying.
func BenchmarkClassify(b *testing.B) {
	all := []Classifier{Region{}, Zone{Window: 15 * time.Second, Within: 2 * time.Minute},
		Storm{Window: 15 * time.Second, Within: 2 * time.Minute, Nodes: 3, Share: 0.2, Zone: Zone{Within: 2 * time.Minute}},
		Node{Window: 15 * time.Second}, data, config, security}
	for _, dead := range []int{0, 1, 1666} {
		b.Run(fmt.Sprintf("dead=%d", dead), func(b *testing.B) {
			v := fleetOf(5000, dead)
			b.ReportAllocs()
			for b.Loop() {
				Classify(v, all)
			}
		})
	}
}

// BenchmarkRecorded explains one fault of that fleet, as is done when an incident is opened.
func BenchmarkRecorded(b *testing.B) {
	zone := Zone{Window: 15 * time.Second, Within: 2 * time.Minute}
	all := []Classifier{Region{}, zone, Storm{Within: 2 * time.Minute, Nodes: 3, Share: 0.2, Zone: zone}, Node{}, data, config, security}
	for _, dead := range []int{1, 1666} {
		b.Run(fmt.Sprintf("dead=%d", dead), func(b *testing.B) {
			v := fleetOf(5000, dead)
			f := Classify(v, all)[0].Fault
			b.ReportAllocs()
			for b.Loop() {
				Recorded(v, all, f)
			}
		})
	}
}

func fleetOf(nodes, dead int) *View {
	v := NewView(meaning)
	v.Now = began
	c := v.cluster("prod-eu")
	for _, watch := range []string{"nodes", "leases", "pods"} {
		c.Observers[watch] = ObserverView{Observer: events.Observer{Watch: watch, Seeing: true, Synced: true}, At: began}
	}
	for i := range nodes {
		n := &NodeView{Node: events.Node{Name: fmt.Sprintf("worker-%d", i), UID: fmt.Sprint(i), Zone: string(rune('a' + i%3)), Region: "eu", Ready: events.Condition{Status: statusTrue}}, WasReady: true}
		n.Lease = LeaseView{Lease: events.Lease{State: events.LeaseFresh}, WasFresh: true}
		if i%3 == 0 && i/3 < dead {
			n.Lease.State, n.LostAt = events.LeaseStale, began.Add(-time.Duration(i)*time.Millisecond)
			c.Lost[n.Name] = n
		}
		c.Nodes[n.Name] = n
	}
	return v
}
