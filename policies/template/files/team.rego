# Rules of your own, beside the shipped ones. Any deny denies, any ask asks a person, and without an act nothing is done alone.
package salvor.policies.team

# The share of broken nodes above which people look first.
most := 0.3

deny contains sprintf("%d of %d nodes are broken: people look first", [input.view.broken_nodes, input.view.nodes]) if {
	input.view.broken_nodes > most * input.view.nodes
}

# What is not known reads as zero. It must not loosen an answer: salvor policy test --drop-facts says where it does.
deny contains sprintf("nobody can say how many nodes are broken: %s is not known", [fact]) if {
	some fact in input.unknown
	fact in {"view.nodes", "view.broken_nodes"}
}

day := time.weekday([time.parse_rfc3339_ns(input.now), "Europe/Berlin"])

# Whom to ask is a setting: change it in data.yaml.
ask contains {
	"reason": sprintf("it is %s: somebody looks first", [day]),
	"groups": data.salvor.config.groups.on_call,
} if {
	day in {"Saturday", "Sunday"}
}
