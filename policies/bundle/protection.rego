# What was promised to the applications that the fault or the plan touches.
package salvor.policies.protection

import data.salvor.lib.terms

loses if input.plan.data_loss != ""

apps := concat(", ", sort([sprintf("%s (DR level %d)", [app.name, app.level]) | some app in input.protection.apps]))

whose := concat("", [" of ", apps]) if apps != ""

whose := "" if apps == ""

ask contains terms.asking(sprintf("the plan is expected to lose data%s: %s", [whose, input.plan.data_loss])) if {
	loses
	terms.level.data_loss == "ask"
}

deny contains sprintf("the plan is expected to lose data%s: %s", [whose, input.plan.data_loss]) if {
	loses
	terms.level.data_loss == "deny"
}
