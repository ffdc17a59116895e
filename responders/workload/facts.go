package workload

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/placement"
)

// facts are what people have to know of a sorting: what moves, what does not and why, and how much room is left.
func (s *sorting) facts(ctx context.Context, snapshots Snapshots, now time.Time) []responders.Fact {
	var moves, stays, full []string
	taken := s.taken(ctx, snapshots)
	for _, f := range s.fates {
		name := f.target.String() + ": "
		switch {
		case f.moves():
			moves = append(moves, name+count(len(f.pods), "pod"))
		case f.stays():
			stays = append(stays, name+f.why()+taken.of(f.bound, now))
		default:
			full = append(full, name+f.why())
		}
	}
	label := "Stays down"
	if s.alive {
		label = "Stays in the zone"
	}
	all := []responders.Fact{responders.FactOf("Moves", false, moves), responders.FactOf(label, true, stays), responders.FactOf("No room", true, full)}
	all = slices.DeleteFunc(all, func(f responders.Fact) bool { return f.Count == 0 })
	return append(all, responders.Fact{Label: "Room left", Lines: []string{s.roomLeft()}})
}

// taken are the snapshots of what stays. Where nothing does nobody is asked.
func (s *sorting) taken(ctx context.Context, snapshots Snapshots) taken {
	if !slices.ContainsFunc(s.fates, func(f *fate) bool { return len(f.bound) > 0 }) {
		return taken{}
	}
	return snapshots.newest(ctx)
}

// why says what keeps a workload from moving.
func (f *fate) why() string {
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(f.held)) {
		parts = append(parts, f.share(f.held[what], what))
	}
	for _, refusal := range slices.Sorted(maps.Keys(f.refused)) {
		parts = append(parts, f.share(f.refused[refusal], refusals[refusal]))
	}
	return strings.Join(parts, ", ")
}

var refusals = map[placement.Refusal]string{
	placement.Nowhere: "that may run on no node outside the zone",
	placement.Full:    "without room outside the zone",
}

// roomLeft says how much is left when everything that moves has moved, in steps of five percent: less changes by itself all the time.
func (s *sorting) roomLeft() string {
	if s.room.Nodes() == 0 {
		return "no node outside zone " + s.zone + " takes pods"
	}
	cpu, memory := s.room.Left(corev1.ResourceCPU), s.room.Left(corev1.ResourceMemory)
	return fmt.Sprintf("about %d%% of CPU and %d%% of memory on %s outside zone %s", cpu-cpu%5, memory-memory%5, count(s.room.Nodes(), "node"), s.zone)
}
