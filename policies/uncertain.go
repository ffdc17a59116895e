package policies

// Uncertain are the paths of the facts that Unknown can name: they come from clusters that may not be seen. All others are always known:
// plan, mode, limits, pauses, incident, history and what is in flight are Salvor's own records, environments and promises are configured,
// and what a fault is, how many signals say so, and who sees now, is what Salvor itself concluded.
func Uncertain() []string {
	return []string{"fault.signals", "fault.zones", "plan.after.healthy_control_planes", "plan.after.healthy_zones", "plan.after.nodes", "view.at_work",
		"view.broken_nodes", "view.control_plane_nodes", "view.healthy_control_planes", "view.lost_together_nodes", "view.lost_together_of_nodes",
		"view.nodes", "view.observers", "view.repairers", "view.zones"}
}
