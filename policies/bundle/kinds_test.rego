package salvor.policies.kinds_test

import data.salvor.policies.kinds

question := {
	"about": "decision",
	"cluster": {"name": "prod-eu", "environment": "production"},
	"fault": {"kind": "zone", "anchor": "zone/eu-1a"},
	"plan": {"phase": "recover", "class": "reversible", "data_loss": "", "targets": [{"kind": "Node", "name": "a-1"}]},
	"history": {"before": 0, "incidents_24h": 1},
	"protection": {"level": 0, "apps": []},
}

with_changes(changes) := object.union(question, changes)

strong := {ask.reason | some ask in kinds.ask; not ask.otherwise}

otherwise := {ask.reason | some ask in kinds.ask; ask.otherwise}

test_a_person_is_asked_as_it_comes[kind] if {
	some kind in ["zone", "region", "data", "config", "security"]
	asked := with_changes({"fault": {"kind": kind}})
	otherwise == {sprintf("about %s faults of prod-eu a person is asked", [kind])} with input as asked
	count(strong) == 0 with input as asked
	count(kinds.act) == 0 with input as asked
}

test_who_is_asked_by_kind[kind] if {
	some kind, want in {
		"node": [["sre-oncall"], 1, "10m"],
		"zone": [["sre-oncall"], 1, "10m"],
		"region": [["sre-oncall"], 2, "15m"],
		"data": [["sre-oncall"], 1, "30m"],
		"config": [["sre-oncall"], 1, "10m"],
		"security": [["security-oncall"], 1, "10m"],
	}
	asks := kinds.ask with input as with_changes({"fault": {"kind": kind}})
	{[ask.groups, ask.votes, ask.answer_within] | some ask in asks} == {want}
	every ask in asks {
		ask.escalate_to == ["sre-leads"]
	}
}

test_the_repair_of_one_node_is_spoken_of_elsewhere if {
	count(kinds.act) == 0 with input as with_changes({"fault": {"kind": "node", "anchor": "node/w-1"}})
	count(strong) == 0 with input as with_changes({"fault": {"kind": "node", "anchor": "node/w-1"}})
	otherwise == {"about node/w-1 a person is asked"} with input as with_changes({"fault": {"kind": "node", "anchor": "node/w-1"}})
}

test_in_development_what_is_gentle_is_done[kind] if {
	some kind in ["zone", "region", "config", "security"]
	gentle := with_changes({"fault": {"kind": kind}, "cluster": {"environment": "development"}})
	kinds.act == {sprintf("a plan about a %s fault of prod-eu may be disruptive at most without a person at attempt 1, this one is reversible, and nothing is expected to be lost", [kind])} with input as gentle
	count(strong) == 0 with input as gentle
	harsh := object.union(gentle, {"plan": {"class": "destructive"}})
	count(kinds.act) == 0 with input as harsh
	otherwise == {sprintf("a plan about a %s fault of prod-eu may be disruptive at most without a person at attempt 1, this one is destructive", [kind])} with input as harsh
}

test_data_is_brought_back_by_people_everywhere[environment] if {
	some environment in ["development", "staging", "production", ""]
	some class in ["observe", "reversible", "disruptive"]
	asked := with_changes({"fault": {"kind": "data"}, "cluster": {"environment": environment}, "plan": {"class": class}})
	otherwise == {"about data faults of prod-eu a person is asked"} with input as asked
	count(kinds.act) == 0 with input as asked
}

test_what_loses_data_is_not_done if {
	count(kinds.act) == 0 with input as with_changes({"cluster": {"environment": "development"}, "plan": {"data_loss": "10 min"}})
}

test_in_staging_configuration_is_put_right if {
	config := with_changes({"fault": {"kind": "config"}, "cluster": {"environment": "staging"}})
	count(kinds.act) == 1 with input as config
	count(kinds.act) == 0 with input as object.union(config, {"plan": {"class": "disruptive"}})
	count(kinds.act) == 0 with input as object.union(config, {"fault": {"kind": "data"}})
}

test_a_plan_about_nothing_is_not_done[phase] if {
	some phase in ["recover", "undo"]
	count(kinds.act) == 0 with input as with_changes({"cluster": {"environment": "development"}, "plan": {"targets": [], "phase": phase}})
}

test_what_was_done_is_taken_back if {
	undo := with_changes({"cluster": {"environment": "development"}, "plan": {"phase": "undo"}, "history": {"before": 9, "incidents_24h": 9}})
	kinds.act == {"this only takes back what Salvor did about zone/eu-1a"} with input as undo
	count(strong) == 0 with input as undo
}

test_what_only_gives_back_asks_nobody if {
	count(kinds.act) == 1 with input as with_changes({"plan": {"phase": "undo"}})
	count(kinds.act) == 0 with input as with_changes({"plan": {"phase": "undo", "class": "disruptive"}})
	count(kinds.act) == 1 with input as with_changes({"cluster": {"environment": "development"}, "plan": {"phase": "undo", "class": "disruptive"}})
}

tried(n) := with_changes({"fault": {"kind": "node"}, "history": {"before": n}})

seen(n) := with_changes({"fault": {"kind": "node", "anchor": "node/w-1"}, "history": {"incidents_24h": n}})

test_many_attempts_ask if {
	count(strong) == 0 with input as tried(2)
	strong == {"3 plans were tried in this incident; from 3 on a person is asked"} with input as tried(3)
}

test_many_incidents_ask if {
	count(strong) == 0 with input as seen(2)
	strong == {"this is incident 3 of node/w-1 within 24 h; from 3 on a person is asked"} with input as seen(3)
}
