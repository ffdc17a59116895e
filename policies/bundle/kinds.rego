# What may be done about faults of every kind by what the settings say. What speaks for or against the repair of one node is in
# node.rego.
package salvor.policies.kinds

import data.salvor.lib.terms

targets := count(input.plan.targets)

act contains sprintf("%s, and nothing is expected to be lost", [measured]) if {
	input.plan.phase == "recover"
	input.fault.kind != "node"
	input.plan.data_loss == ""
	targets > 0
	terms.on_ladder
}

act contains sprintf("this only takes back what Salvor did about %s", [input.fault.anchor]) if {
	input.plan.phase == "undo"
	input.fault.kind != "node"
	targets > 0
	terms.gives_back
}

# The plan beside what is on the ladder.
measured := sprintf("a plan about a %s fault of %s may be %s at most without a person at attempt %d, this one is %s", said) if {
	said := [input.fault.kind, input.cluster.name, terms.up_to, input.history.before + 1, input.plan.class]
}

# Who is asked where no rule asks or acts otherwise, or Salvor itself wants a person asked.
ask contains terms.asking_otherwise(why)

why := sprintf("about %s faults of %s a person is asked", [input.fault.kind, input.cluster.name]) if {
	count(terms.terms.ladder) == 0
} else := sprintf("about %s a person is asked", [input.fault.anchor]) if {
	terms.on_ladder
} else := measured

ask contains terms.asking(sprintf("%d plans were tried in this incident; from %d on a person is asked", [input.history.before, terms.terms.attempts])) if {
	input.plan.phase == "recover"
	input.history.before >= terms.terms.attempts
}

ask contains terms.asking(sprintf("this is incident %d of %s within 24 h; from %d on a person is asked", [input.history.incidents_24h, input.fault.anchor, terms.terms.repeats])) if {
	input.plan.phase == "recover"
	input.history.incidents_24h >= terms.terms.repeats
}
