package salvor.policies.hours_test

import data.salvor.policies.hours

question := {
	"about": "decision",
	"now": "2026-11-26T09:30:00Z",
	"cluster": {"name": "prod-eu", "environment": "production"},
	"fault": {"kind": "zone"},
	"plan": {"phase": "recover", "class": "reversible"},
	"history": {"before": 0},
	"protection": {"level": 0},
}

at(now) := object.union(question, {"now": now})

business := {"time_zone": "Europe/Berlin", "days": ["Thursday"], "from": "08:00", "until": "18:00"}

asks(now) := said if {
	said := hours.ask with input as at(now)
		with data.salvor.config.business_hours as business
		with data.salvor.config.kinds as {"zone": {"hours": "business"}}
}

test_business_hours_are_local[now] if {
	some now, count_of in {
		"2026-11-26T06:59:59Z": 1, # Thursday, 07:59 in Berlin
		"2026-11-26T07:00:00Z": 0,
		"2026-11-26T16:59:59Z": 0,
		"2026-11-26T17:00:00Z": 1,
		"2026-11-27T09:00:00Z": 1, # Friday
		"2026-07-16T06:00:00Z": 0, # Thursday in summer, 08:00 in Berlin
	}
	count(asks(now)) == count_of
}

test_outside_business_hours_the_time_is_said if {
	{ask.reason | some ask in asks("2026-11-26T17:05:00Z")} == {"it is Thursday 18:05 in Europe/Berlin, outside business hours (08:00 to 18:00)"}
}

night_asks(now, days, from, until) := count(said) if {
	said := hours.ask with input as at(now)
		with data.salvor.config.business_hours as {"time_zone": "Europe/Berlin", "days": days, "from": from, "until": until}
		with data.salvor.config.kinds as {"zone": {"hours": "business"}}
}

test_hours_over_midnight_belong_to_the_day_on_which_they_begin[now] if {
	some now, count_of in {
		"2026-11-26T20:59:59Z": 1, # Thursday, 21:59 in Berlin
		"2026-11-26T21:00:00Z": 0,
		"2026-11-27T04:59:59Z": 0, # Friday, 05:59
		"2026-11-27T05:00:00Z": 1,
		"2026-11-26T04:00:00Z": 1, # Thursday, 05:00, which belongs to Wednesday
		"2026-11-27T21:00:00Z": 1, # Friday, 22:00
	}
	night_asks(now, ["Thursday"], "22:00", "06:00") == count_of
}

# On 2026-10-25 clocks go back at 03:00, on 2026-03-29 forward at 02:00.
test_nights_in_which_clocks_are_changed[now] if {
	some now, want in {
		"2026-10-24T22:30:00Z": ["Saturday", 0], # Sunday, 00:30
		"2026-10-25T04:30:00Z": ["Saturday", 0], # Sunday, 05:30
		"2026-10-25T23:30:00Z": ["Sunday", 0], # Monday, 00:30
		"2026-03-29T03:30:00Z": ["Saturday", 0], # Sunday, 05:30
		"2026-03-29T22:30:00Z": ["Sunday", 0], # Monday, 00:30
		"2026-03-29T22:31:00Z": ["Saturday", 1],
	}
	night_asks(now, [want[0]], "22:00", "06:00") == want[1]
}

test_hours_that_end_as_they_begin_are_whole_days[now] if {
	some now, count_of in {"2026-11-25T22:59:59Z": 1, "2026-11-25T23:00:00Z": 0, "2026-11-26T22:59:59Z": 0, "2026-11-26T23:00:00Z": 1}
	night_asks(now, ["Thursday"], "00:00", "00:00") == count_of
}

test_hours_are_any_unless_it_is_said if {
	count(hours.ask) == 0 with input as at("2026-11-29T03:00:00Z")
	count(hours.deny) == 0 with input as at("2026-11-29T03:00:00Z")
}

test_taking_back_knows_no_hours if {
	count(hours.ask) == 0 with input as object.union(at("2026-11-29T03:00:00Z"), {"plan": {"phase": "undo"}})
		with data.salvor.config.kinds as {"zone": {"hours": "business"}}
}

freeze(changes) := [object.union({"name": "year end", "from": "2026-11-26T00:00:00Z", "until": "2026-11-27T00:00:00Z", "answer": "deny"}, changes)]

denied(now, changes) if {
	said := hours.deny with input as at(now) with data.salvor.config.freezes as freeze(changes)
	said == {"freeze year end until 2026-11-27T00:00:00Z"}
}

test_a_freeze_denies_from_its_begin_to_its_end if {
	denied("2026-11-26T00:00:00Z", {})
	denied("2026-11-26T23:59:59Z", {})
	not denied("2026-11-25T23:59:59Z", {})
	not denied("2026-11-27T00:00:00Z", {})
}

test_a_freeze_is_about_what_it_names if {
	now := "2026-11-26T12:00:00Z"
	denied(now, {"clusters": ["prod-eu", "prod-us"], "environments": ["production"], "kinds": ["zone"]})
	not denied(now, {"clusters": ["prod-us"]})
	not denied(now, {"environments": ["staging"]})
	not denied(now, {"kinds": ["node"]})
}

test_a_freeze_can_ask if {
	asking := hours.ask with input as question with data.salvor.config.freezes as freeze({"answer": "ask"})
	{ask.reason | some ask in asking} == {"freeze year end until 2026-11-27T00:00:00Z: a person is asked"}
	count(hours.deny) == 0 with input as question with data.salvor.config.freezes as freeze({"answer": "ask"})
}

test_taking_back_knows_no_freeze if {
	count(hours.deny) == 0 with input as object.union(question, {"plan": {"phase": "undo"}}) with data.salvor.config.freezes as freeze({})
}

test_what_was_begun_is_gone_on_with if {
	gate := object.union(question, {"about": "gate"})
	count(hours.deny) == 0 with input as gate with data.salvor.config.freezes as freeze({})
	count(hours.ask) == 0 with input as gate with data.salvor.config.freezes as freeze({"answer": "ask"})
	count(hours.ask) == 0 with input as object.union(at("2026-11-29T03:00:00Z"), {"about": "gate"})
		with data.salvor.config.kinds as {"zone": {"hours": "business"}}
}
