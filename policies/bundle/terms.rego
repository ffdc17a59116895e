# What Salvor may do by itself here, and who is asked otherwise: the settings that hold for this fault in this cluster.
package salvor.lib.terms

environment := object.get(data.salvor.config.environments, input.cluster.environment, {})

# What is said later counts more.
terms := object.union_n([
	data.salvor.config.defaults,
	object.get(data.salvor.config.kinds, input.fault.kind, {}),
	object.get(environment, "defaults", {}),
	object.get(object.get(environment, "kinds", {}), input.fault.kind, {}),
])

level := data.salvor.config.levels[format_int(input.protection.level, 10)]

rank := {"observe": 0, "reversible": 1, "disruptive": 2, "destructive": 3, "irreversible": 4}

# The most harmful class that a plan may have at this attempt.
up_to := terms.ladder[min([input.history.before, count(terms.ladder) - 1])]

# The plan is on the ladder.
on_ladder if rank[input.plan.class] <= rank[up_to]

# A plan that takes back what Salvor did needs no person. Who let that be done need not be asked whether it ends with its cause; what
# the end of it interrupts is another matter.
gives_back if input.plan.class in {"observe", "reversible"}

gives_back if on_ladder

votes := max([terms.votes, level.votes])

# Whoever is asked here. The ask is passed on when nobody answers in time.
whom := {
	"groups": data.salvor.config.groups[terms.approvers],
	"votes": votes,
	"answer_within": terms.answer_within,
	"on_timeout": "escalate",
	"escalate_to": data.salvor.config.groups[terms.escalate_to],
}

# An ask of them.
asking(reason) := object.union(whom, {"reason": reason})

# The same, where no rule asks or acts otherwise.
asking_otherwise(reason) := object.union(whom, {"reason": reason, "otherwise": true})
