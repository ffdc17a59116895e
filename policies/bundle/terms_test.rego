package salvor.lib.terms_test

import data.salvor.lib.terms

question := {
	"about": "decision",
	"cluster": {"name": "prod-eu", "environment": "production"},
	"fault": {"kind": "zone"},
	"plan": {"class": "disruptive"},
	"history": {"before": 0},
	"protection": {"level": 0},
}

with_changes(changes) := object.union(question, changes)

settings := {
	"groups": {"day": ["a"], "night": ["b", "c"]},
	"defaults": {"ladder": [], "approvers": "day", "escalate_to": "night", "votes": 1, "answer_within": "1m", "hours": "any"},
	"kinds": {"zone": {"votes": 2, "answer_within": "2m", "approvers": "night"}, "data": {"votes": 9}},
	"environments": {
		"production": {"defaults": {"answer_within": "3m"}, "kinds": {"zone": {"approvers": "day"}}},
		"lab": {"kinds": {"zone": {"votes": 5}}},
	},
	"levels": {"0": {"votes": 1}, "4": {"votes": 3}},
}

test_what_is_said_later_counts_more if {
	terms.terms == {"ladder": [], "approvers": "day", "escalate_to": "night", "votes": 2, "answer_within": "3m", "hours": "any"} with input as question
		with data.salvor.config as settings
	terms.terms.votes == 5 with input as with_changes({"cluster": {"environment": "lab"}}) with data.salvor.config as settings
	terms.terms.answer_within == "2m" with input as with_changes({"cluster": {"environment": "nowhere"}}) with data.salvor.config as settings
	terms.terms.answer_within == "1m" with input as with_changes({"cluster": {"environment": ""}, "fault": {"kind": "node"}}) with data.salvor.config as settings
}

test_who_is_asked if {
	terms.asking("why") == {
		"groups": ["a"], "votes": 2, "answer_within": "3m",
		"on_timeout": "escalate", "escalate_to": ["b", "c"], "reason": "why",
	} with input as question with data.salvor.config as settings
}

test_a_dr_level_asks_more_people if {
	terms.votes == 3 with input as with_changes({"protection": {"level": 4}}) with data.salvor.config as settings
	terms.votes == 2 with input as with_changes({"protection": {"level": 4}}) with data.salvor.config as object.union(settings, {"levels": {"4": {"votes": 1}}})
}

test_every_level_has_its_terms if {
	every level in [0, 1, 2, 3, 4] {
		votes := terms.votes with input as with_changes({"protection": {"level": level}})
		votes >= 1
	}
}

allowed(ladder, attempts) := up_to if {
	up_to := terms.up_to with input as with_changes({"history": {"before": attempts}})
		with data.salvor.config.kinds as {"zone": {"ladder": ladder}}
}

test_a_ladder_is_climbed_attempt_by_attempt if {
	ladder := ["reversible", "disruptive"]
	[allowed(ladder, n) | some n in [0, 1, 2, 7]] == ["reversible", "disruptive", "disruptive", "disruptive"]
	[allowed(["observe"], n) | some n in [0, 1]] == ["observe", "observe"]
}

# The rung that a class reaches, by ladder: how many of the five classes are on it.
reached(ladder) := count([class |
	some class in object.keys(terms.rank)
	terms.on_ladder with input as with_changes({"plan": {"class": class}}) with data.salvor.config.kinds as {"zone": {"ladder": ladder}}
])

test_classes_on_a_ladder if {
	every rung, classes in {"observe": 1, "reversible": 2, "disruptive": 3, "destructive": 4, "irreversible": 5} {
		reached([rung]) == classes
	}
	reached([]) == 0
}
