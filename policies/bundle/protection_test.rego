package salvor.policies.protection_test

import data.salvor.policies.protection

apps := [{"name": "wiki", "level": 1}, {"name": "shop", "level": 4}]

losing(level, of) := {
	"cluster": {"environment": "production"},
	"fault": {"kind": "data"},
	"plan": {"data_loss": "all writes after 02:00 UTC: 62 min"},
	"protection": {"level": level, "apps": of},
}

test_a_loss_of_data_asks[level] if {
	some level, votes in {0: 1, 1: 1, 2: 1, 3: 1, 4: 2}
	asks := protection.ask with input as losing(level, [])
	{[ask.votes, ask.reason] | some ask in asks} == {[votes, "the plan is expected to lose data: all writes after 02:00 UTC: 62 min"]}
}

test_whose_data_is_said if {
	asks := protection.ask with input as losing(4, apps)
	{ask.reason | some ask in asks} == {"the plan is expected to lose data of shop (DR level 4), wiki (DR level 1): all writes after 02:00 UTC: 62 min"}
}

test_a_level_can_forbid_loss if {
	strict := {"4": {"votes": 1, "data_loss": "deny"}}
	protection.deny == {"the plan is expected to lose data of shop (DR level 4), wiki (DR level 1): all writes after 02:00 UTC: 62 min"} with input as losing(4, apps)
		with data.salvor.config.levels as strict
	count(protection.ask) == 0 with input as losing(4, apps) with data.salvor.config.levels as strict
}

test_nothing_is_said_of_what_loses_nothing if {
	gentle := object.union(losing(4, apps), {"plan": {"data_loss": ""}})
	count(protection.ask) == 0 with input as gentle
	count(protection.deny) == 0 with input as gentle
}
