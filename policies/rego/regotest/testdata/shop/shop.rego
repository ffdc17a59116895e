package salvor.policies.shop

day := time.weekday(time.parse_rfc3339_ns(input.now))

deny contains sprintf("the shop is closed on %s", [day]) if day in data.salvor.config.closed

deny contains sprintf("%d of %d nodes are broken", [input.view.broken_nodes, input.view.nodes]) if {
	input.view.broken_nodes > input.view.nodes / 2
}

ask contains {"reason": "somebody repairs nodes too", "groups": ["shop"]} if count(input.view.repairers) > 0

act contains "pods without state" if {
	input.plan.class == "reversible"
	input.plan.data_loss == ""
}
