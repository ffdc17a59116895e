# What may be done about one broken node, beside what the settings say (kinds.rego, hours.rego, protection.rego). Modes, pauses,
# storms, budgets and people at work are not decided here: Salvor holds those itself, whatever these rules say.
package salvor.policies.node

import data.salvor.lib.terms

gentle := {"observe", "reversible", "disruptive"}

nodes contains target.name if {
	some target in input.plan.targets
	target.kind == "Node"
}

names := concat(", ", sort(nodes))

# Its kubelet does not renew its Lease. A node that is only not ready still has a kubelet that could mend it.
silent if input.fault.signals.lease.agrees

# Nothing but the one node that is broken.
broken_node_only if {
	count(nodes) == 1
	every name in nodes {
		name in input.fault.nodes
	}
}

control_planes contains name if {
	some name in nodes
	name in input.view.control_plane_nodes
}

act contains sprintf("only %s is broken (%d of %d signals agree), and nothing in this plan may lose data", [names, input.fault.agree, input.fault.asked]) if {
	input.fault.kind == "node"
	input.plan.phase == "recover"
	input.plan.class in gentle
	silent
	broken_node_only
	terms.on_ladder
}

act contains sprintf("this only takes back what Salvor did to %s", [names]) if {
	input.fault.kind == "node"
	input.plan.phase == "undo"
	input.plan.class in gentle
	count(nodes) == 1
	terms.gives_back
}

harsh contains {"name": step.name, "class": step.class, "responder": step.responder} if {
	some step in input.plan.steps
	not step.class in gentle
}

# Both are destructive only when nothing proves that the node is off.
needs_proof := {"node.fence", "node.release"}

ask contains terms.asking(sprintf("nothing proves that %s is powered off: if it still runs, both copies of its workloads may write", [names])) if {
	input.fault.kind == "node"
	input.plan.phase == "recover"
	some step in harsh
	step.responder in needs_proof
}

ask contains terms.asking(sprintf("step %s is %s: what it takes away may not come back", [step.name, step.class])) if {
	input.fault.kind == "node"
	some step in harsh
	not step.responder in needs_proof
}

renewed if {
	input.fault.signals.lease.asked
	not silent
}

ask contains terms.asking(sprintf("%s is not ready, but its kubelet still renews its Lease: it may mend itself, and it may still write", [names])) if {
	input.fault.kind == "node"
	input.plan.phase == "recover"
	renewed
	count(nodes) > 0
}

ask contains terms.asking(sprintf("%s is not ready, and nobody sees whether its kubelet still renews its Lease", [names])) if {
	input.fault.kind == "node"
	input.plan.phase == "recover"
	not input.fault.signals.lease.asked
	count(nodes) > 0
}

ask contains terms.asking(sprintf("%s is a control plane node", [name])) if {
	input.fault.kind == "node"
	some name in control_planes
}

ask contains terms.asking(sprintf("%s repairs the same nodes: two repairers undo each other's work", [other])) if {
	input.fault.kind == "node"
	input.plan.phase == "recover"
	some other in input.view.repairers
}

deny contains sprintf("%s is a control plane node; healthy ones: %d, wanted at least 2", [name, input.view.healthy_control_planes]) if {
	input.fault.kind == "node"
	input.plan.phase == "recover"
	some name in control_planes
	input.view.healthy_control_planes < 2
}

# While that is not seen, the last healthy one might be among the nodes of the plan.
deny contains "nobody sees which nodes are control plane nodes" if {
	input.fault.kind == "node"
	input.plan.phase == "recover"
	"view.control_plane_nodes" in input.unknown
}

deny contains sprintf("%s is a control plane node, and nobody sees how many others are well", [name]) if {
	input.fault.kind == "node"
	input.plan.phase == "recover"
	some name in control_planes
	"view.healthy_control_planes" in input.unknown
}
