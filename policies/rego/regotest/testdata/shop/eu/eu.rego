package salvor.policies.eu

deny contains "not in eu-2" if {
	input.cluster.region == "eu-2"
}
