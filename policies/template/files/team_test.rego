package salvor.policies.team_test

import data.salvor.policies.team as rules

# Each case has the facts that the rules read, and what they are to say of them.
test_deny[name] if {
	some name, case in {
		"few are broken": {"view": {"nodes": 10, "broken_nodes": 3}, "unknown": [], "says": set()},
		"many are broken": {"view": {"nodes": 10, "broken_nodes": 4}, "unknown": [], "says": {"4 of 10 nodes are broken: people look first"}},
		"nobody can say": {
			"view": {"nodes": 0, "broken_nodes": 0},
			"unknown": ["view.nodes"],
			"says": {"nobody can say how many nodes are broken: view.nodes is not known"},
		},
	}
	rules.deny == case.says with input.view as case.view with input.unknown as case.unknown
}

test_weekends_ask[name] if {
	some name, case in {
		"Friday night": {"now": "2026-03-06T22:59:59Z", "says": set()},
		"Saturday in Berlin": {"now": "2026-03-06T23:00:00Z", "says": {"it is Saturday: somebody looks first"}},
		"Sunday": {"now": "2026-03-08T12:00:00Z", "says": {"it is Sunday: somebody looks first"}},
		"Monday": {"now": "2026-03-09T12:00:00Z", "says": set()},
	}
	asks := rules.ask with input.now as case.now
	{ask.reason | some ask in asks} == case.says
}

test_settings_say_whom_to_ask if {
	asks := rules.ask with input.now as "2026-03-08T12:00:00Z" with data.salvor.config.groups.on_call as ["shop"]
	[ask.groups | some ask in asks] == [["shop"]]
}
