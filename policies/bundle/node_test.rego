package salvor.policies.node_test

import data.salvor.policies.node

worker := {"kind": "Node", "namespace": "", "name": "worker-1", "uid": "u1", "zone": "a"}

other := object.union(worker, {"name": "worker-2", "uid": "u2"})

pod := {"kind": "Pod", "namespace": "shop", "name": "web-0", "uid": "u3", "zone": ""}

cordon := {"name": "cordon", "responder": "node.cordon", "class": "reversible"}

displace := {"name": "displace", "responder": "workload.displace", "class": "disruptive"}

fence := {"name": "fence", "responder": "node.fence", "class": "disruptive"}

unproven := object.union(fence, {"class": "destructive"})

question := {
	"about": "decision",
	"unknown": [],
	"cluster": {"name": "prod-eu", "environment": "production"},
	"history": {"before": 0, "incidents_24h": 1},
	"protection": {"level": 0, "apps": []},
	"fault": {"kind": "node", "nodes": ["worker-1"], "agree": 2, "asked": 3, "signals": {"lease": {"asked": true, "agrees": true}}},
	"plan": {"phase": "recover", "class": "disruptive", "targets": [worker, pod], "steps": [cordon, displace, fence]},
	"view": {"control_plane_nodes": ["control-1"], "healthy_control_planes": 3, "repairers": []},
}

with_plan(changes) := object.union(question, {"plan": changes})

with_view(changes) := object.union(question, {"view": changes})

with_fault(changes) := object.union(question, {"fault": changes})

says_nothing if {
	count(node.deny) == 0
	count(node.ask) == 0
	count(node.act) == 0
}

test_one_dead_worker_is_repaired if {
	node.act == {"only worker-1 is broken (2 of 3 signals agree), and nothing in this plan may lose data"} with input as question
	count(node.ask) == 0 with input as question
	count(node.deny) == 0 with input as question
}

test_gentler_plans_are_repaired_too if {
	every class in ["observe", "reversible", "disruptive"] {
		count(node.act) == 1 with input as with_plan({"class": class})
	}
}

test_nothing_is_said_of_harmful_plans_but_to_ask if {
	every class in ["destructive", "irreversible"] {
		says_nothing with input as with_plan({"class": class})
	}
}

test_a_living_kubelet_asks if {
	living := with_fault({"signals": {"lease": {"asked": true, "agrees": false}}})
	count(node.act) == 0 with input as living
	some ask in node.ask with input as living
	contains(ask.reason, "its kubelet still renews its Lease")
}

test_a_kubelet_of_which_nobody_knows_asks if {
	unseen := with_fault({"signals": {"lease": {"asked": false, "agrees": false}}})
	count(node.act) == 0 with input as unseen
	some ask in node.ask with input as unseen
	contains(ask.reason, "nobody sees whether its kubelet still renews its Lease")
	count(node.ask) == 1 with input as unseen
}

test_two_nodes_are_not_repaired_alone if says_nothing with input as with_plan({"targets": [worker, other]})

test_no_node_is_not_repaired_alone if says_nothing with input as with_plan({"targets": [pod]})

test_another_node_is_not_repaired_alone if says_nothing with input as with_plan({"targets": [other]})

test_fault_without_a_signal_is_not_repaired_alone if {
	count(node.act) == 0 with input as with_fault({"agree": 0, "signals": {"lease": {"asked": false, "agrees": false}}})
}

test_wider_faults_are_not_spoken_of if {
	says_nothing with input as with_fault({"kind": "zone"})
	harmful := object.union(question, {"fault": {"kind": "zone"}, "plan": {"steps": [unproven], "targets": [worker]}})
	says_nothing with input as harmful
}

test_no_proof_of_power_off_asks if {
	plan := {"class": "destructive", "steps": [cordon, unproven]}
	node.ask == {{
		"groups": ["sre-oncall"], "votes": 1, "answer_within": "10m",
		"on_timeout": "escalate", "escalate_to": ["sre-leads"],
		"reason": "nothing proves that worker-1 is powered off: if it still runs, both copies of its workloads may write",
	}} with input as with_plan(plan)
	count(node.act) == 0 with input as with_plan(plan)
}

test_other_harmful_steps_ask if {
	every class in ["destructive", "irreversible"] {
		asks := node.ask with input as with_plan({"class": class, "steps": [object.union(displace, {"class": class})]})
		{ask.reason | some ask in asks} == {sprintf("step displace is %s: what it takes away may not come back", [class])}
	}
}

test_undo_takes_back_alone if {
	node.act == {"this only takes back what Salvor did to worker-1"} with input as with_plan({"phase": "undo"})
	says_nothing with input as with_plan({"phase": "undo", "targets": [worker, other]})
	says_nothing with input as with_plan({"phase": "undo", "class": "destructive"})
}

test_control_plane_node_asks if {
	facts := with_view({"control_plane_nodes": ["worker-1"], "healthy_control_planes": 2})
	{ask.reason | some ask in node.ask} == {"worker-1 is a control plane node"} with input as facts
	count(node.deny) == 0 with input as facts
}

test_last_control_planes_are_left_alone if {
	every healthy in [0, 1] {
		denied := node.deny with input as with_view({"control_plane_nodes": ["worker-1"], "healthy_control_planes": healthy})
		denied == {sprintf("worker-1 is a control plane node; healthy ones: %d, wanted at least 2", [healthy])}
	}
}

test_cluster_without_control_plane_nodes_of_its_own if {
	facts := with_view({"control_plane_nodes": [], "healthy_control_planes": 0})
	count(node.deny) == 0 with input as facts
	count(node.act) == 1 with input as facts
}

test_second_repairer_asks if {
	facts := with_view({"repairers": ["NodeHealthCheck"]})
	{ask.reason | some ask in node.ask} == {"NodeHealthCheck repairs the same nodes: two repairers undo each other's work"} with input as facts
}

test_a_plan_above_the_ladder_is_not_run_alone if {
	every class, alone in {"reversible": 1, "disruptive": 0} {
		acts := node.act with input as with_plan({"class": class}) with data.salvor.config.kinds as {"node": {"ladder": ["reversible"]}}
		count(acts) == alone
	}
}

test_taking_back_above_the_ladder_is_not_done_alone if {
	count(node.act) == 0 with input as with_plan({"phase": "undo"}) with data.salvor.config.kinds as {"node": {"ladder": []}}
	count(node.act) == 1 with input as with_plan({"phase": "undo", "class": "reversible"}) with data.salvor.config.kinds as {"node": {"ladder": []}}
}

without(fact) := object.union(question, {"unknown": [fact]})

test_nothing_is_repaired_while_control_planes_are_not_seen if {
	node.deny == {"nobody sees which nodes are control plane nodes"} with input as without("view.control_plane_nodes")
	count(node.deny) == 0 with input as object.union(without("view.control_plane_nodes"), {"plan": {"phase": "undo"}})
	count(node.deny) == 0 with input as without("view.repairers")
}

test_no_control_plane_is_repaired_while_the_others_are_not_seen if {
	count(node.deny) == 0 with input as without("view.healthy_control_planes")
	node.deny == {"worker-1 is a control plane node, and nobody sees how many others are well"} with input as object.union(
		without("view.healthy_control_planes"),
		{"view": {"control_plane_nodes": ["worker-1"]}},
	)
}
