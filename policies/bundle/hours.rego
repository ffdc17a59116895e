# Business hours and freezes: when less is begun without people. What was begun before is gone on with, and what takes back what Salvor did
# is not held by them.
package salvor.policies.hours

import data.salvor.lib.terms

now := time.parse_rfc3339_ns(input.now)

hours := data.salvor.config.business_hours

local := time.clock([now, hours.time_zone])

clock := sprintf("%02d:%02d", [local[0], local[1]])

today := time.weekday([now, hours.time_zone])

# Noon before the last midnight is on the day before also when clocks are changed.
yesterday := time.weekday([now - ((((local[0] + 12) * 60) + local[1]) * 60000000000), hours.time_zone])

# Hours that end no later than they begin end on the day after.
overnight if hours.until <= hours.from

open if {
	not overnight
	today in hours.days
	clock >= hours.from
	clock < hours.until
}

open if {
	overnight
	today in hours.days
	clock >= hours.from
}

open if {
	overnight
	yesterday in hours.days
	clock < hours.until
}

ask contains terms.asking(sprintf("it is %s %s in %s, outside business hours (%s to %s)", [today, clock, hours.time_zone, hours.from, hours.until])) if {
	input.about == "decision"
	input.plan.phase == "recover"
	terms.terms.hours == "business"
	not open
}

frozen contains freeze if {
	some freeze in data.salvor.config.freezes
	now >= time.parse_rfc3339_ns(freeze.from)
	now < time.parse_rfc3339_ns(freeze.until)
	among(object.get(freeze, "clusters", []), input.cluster.name)
	among(object.get(freeze, "environments", []), input.cluster.environment)
	among(object.get(freeze, "kinds", []), input.fault.kind)
}

# No names are all names.
among(names, _) if count(names) == 0

among(names, name) if name in names

ask contains terms.asking(sprintf("freeze %s until %s: a person is asked", [freeze.name, freeze.until])) if {
	input.about == "decision"
	input.plan.phase == "recover"
	some freeze in frozen
	freeze.answer == "ask"
}

deny contains sprintf("freeze %s until %s", [freeze.name, freeze.until]) if {
	input.about == "decision"
	input.plan.phase == "recover"
	some freeze in frozen
	freeze.answer == "deny"
}
