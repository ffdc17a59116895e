package rego

import (
	"testing"

	"github.com/salvor-io/salvor/policies/bundle"
)

// own is the shipped bundle with settings of an author.
func own(settings string) []Source {
	return append([]Source{{Name: "the shipped bundle", Files: bundle.Files()}}, sources(map[string]string{"data.yaml": settings})...)
}

func TestRefusedSettings(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unknown", "kind: {}", "data.yaml:3: salvor.config.kind: no rule reads this setting (did you mean kinds?)"},
		{"unknown, and like no other", "colours: [red]", "data.yaml:3: salvor.config.colours: no rule reads this setting"},
		{"unknown below", "defaults: {laddr: []}", "data.yaml:3: salvor.config.defaults.laddr: no setting is named so (did you mean ladder?); there are ladder, hours,"},
		{"unknown kind", "kinds: {nod: {}}", `data.yaml:3: salvor.config.kinds.nod: it is never "nod" (did you mean node?); it is one of node, zone,`},
		{"unknown kind of an environment", "environments: {prod: {kinds: {disk: {}}}}", `salvor.config.environments.prod.kinds.disk: it is never "disk"; it is one of node,`},
		{"unknown level", "levels: {\"5\": {}}", `salvor.config.levels.5: it is never "5"; it is one of 0, 1, 2, 3, 4`},
		{"unknown class", "defaults: {ladder: [reversible, gentle]}", `salvor.config.defaults.ladder[1]: it is never "gentle"; it is one of observe,`},
		{"no list", "defaults: {ladder: disruptive}", `salvor.config.defaults.ladder: want a list, not "disruptive"`},
		{"no map", "defaults: [x]", "salvor.config.defaults: want keys with values, not a list"},
		{"no number", "defaults: {votes: two}", `salvor.config.defaults.votes: want a whole number of at least 1, not "two"`},
		{"no vote", "defaults: {votes: 0}", `salvor.config.defaults.votes: want a whole number of at least 1, not "0"`},
		{"no text", "defaults: {hours: 5}", "salvor.config.defaults.hours: want text, not 5: put it in quotes"},
		{"no value", "defaults: {hours: [any]}", "salvor.config.defaults.hours: want one value, not a list"},
		{"unknown hours", "defaults: {hours: night}", `salvor.config.defaults.hours: it is never "night"; it is one of any, business`},
		{"unknown group", "kinds: {node: {approvers: oncall}}", `salvor.config.kinds.node.approvers: salvor.config.groups has no "oncall" (did you mean on_call?); it has leads, on_call, security`},
		{"no duration", "defaults: {answer_within: \"10\"}", `salvor.config.defaults.answer_within: want a duration above zero such as 10m, not "10"`},
		{"no time to answer in", "defaults: {answer_within: 59s}", "salvor.config.defaults.answer_within: must be from 1m to 168h (7 days), not 59s"},
		{"too long to wait for", "environments: {prod: {kinds: {zone: {answer_within: 169h}}}}", "salvor.config.environments.prod.kinds.zone.answer_within: must be from 1m to 168h (7 days), not 169h0m0s"},
		{"no time zone", "business_hours: {time_zone: Berlin}", `salvor.config.business_hours.time_zone: want a time zone such as Europe/Berlin, not "Berlin"`},
		{"local time zone", "business_hours: {time_zone: Local}", `want a time zone such as Europe/Berlin, not "Local"`},
		{"no day", "business_hours: {days: [Mon]}", `salvor.config.business_hours.days[0]: it is never "Mon"; it is one of Monday,`},
		{"no time of day", "business_hours: {from: \"8:00\"}", `salvor.config.business_hours.from: want a time of day such as "08:00", not "8:00"`},
		{"no instant", "freezes: [{name: x, from: 2026-12-20}]", `salvor.config.freezes[0].from: want a time such as "2026-12-20T00:00:00Z", not "2026-12-20"`},
		{"freeze without an end", "freezes: [{name: x, from: \"2026-12-20T00:00:00Z\", answer: deny}]", "salvor.config.freezes[0].until: it is missing"},
		{"no freeze", "freezes: [december]", `salvor.config.freezes[0]: want keys with values, not "december"`},
		{"no name", "freezes: [{name: \" \"}]", "salvor.config.freezes[0].name: it is empty: people read it"},
		{"no group list", "groups: {on_call: sre}", `salvor.config.groups.on_call: want a list, not "sre"`},
		{"a group of nobody", "groups: {leads: []}", "salvor.config.groups.leads: it is empty: an ask of nobody is never answered"},
		{"a group without a name", "groups: {leads: [\" \"]}", "salvor.config.groups.leads[0]: it is empty: people read it"},
		{"twice", "defaults: {votes: 3, hours: any, votes: 1}", "votes stands here twice, in line 3 first: keep one"},
		{"freeze that ends before it begins", "freezes: [{name: x, from: 2026-12-20T00:00:00Z, until: 2026-12-20T00:30:00+01:00, answer: deny}]", "salvor.config.freezes[0].until: it ends before it begins"},
		{"empty", "freezes:", "salvor.config.freezes: it is empty: give it a value, or take it out"},
		{"anchor", "defaults: &x {hours: any}", "salvor.config.defaults: anchors and aliases are not read here: write the value out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := New(t.Context(), own("salvor:\n  config:\n    "+c.text+"\n"), Options{})
			wantError(t, err, c.want)
			wantError(t, err, "data.yaml:3: ")
		})
	}
}

// TestRefusedSettingsFiles: what is no settings at all is told of with its line, too.
func TestRefusedSettingsFiles(t *testing.T) {
	const head = "salvor:\n  config:\n"
	for _, c := range []struct{ name, file, text, want string }{
		{"a second document", "data.yaml", "salvor: {config: {}}\n---\nsalvor: {config: {defaults: {votes: 2}}}\n", "data.yaml:2: more than one document stands in it"},
		{"settings twice", "data.yaml", "salvor: {config: {defaults: {votes: 2}}}\nsalvor: {config: {}}\n", "data.yaml:2: salvor stands here twice, in line 1 first: keep one"},
		{"nothing", "data.yaml", "# to be written\n", "data.yaml:1: it must hold settings as {salvor: {config: {...}}} and nothing else"},
		{"something beside", "data.yaml", head + "    groups: {}\nnodes: []\n", "data.yaml:4: it must hold settings as"},
		{"no map", "data.yaml", head + "  - groups\n", "data.yaml:3: salvor.config must be a map"},
		{"a tab", "data.yaml", head + "\tgroups: {}\n", "data.yaml:3: this is no YAML: a line may begin with blanks, not with a tab"},
		{"a tab further on", "data.yaml", head + "    groups:\n      leads:\n    \t- a\n", "data.yaml:5: this is no YAML: a line may begin with blanks"},
		{"indented too little", "data.yaml", head + "    groups:\n      leads: [a]\n     on_call: [b]\n    kinds: {}\n", "data.yaml:5: this is no YAML: did not find expected key"},
		{"indented too little, in few letters", "data.yaml", head + "    kinds:\n      node: {}\n   x:\n    y: 1\n", "data.yaml:5: this is no YAML: did not find expected key"},
		{"no item of a list", "data.yaml", head + "    freezes:\n    - a\n    b\n", "data.yaml:5: this is no YAML: could not find expected ':'"},
		{"a bracket that is not closed", "data.yaml", head + "    groups: {leads: [a}\n    kinds: {}\n", "data.yaml:3: this is no YAML: did not find expected ',' or ']'"},
		{"a bracket at the end", "eu/data.yml", head + "    groups: [\n", "eu/data.yml:3: this is no YAML: did not find expected node content"},
		{"quotes that are not closed", "data.yaml", head + "    defaults:\n      hours: \"any\n      votes: 1\n", "data.yaml:4: this is no YAML: found unexpected end of stream"},
		{"a letter that is none", "data.yaml", head + "    x: a\x01b\n", "data.yaml:3: this is no YAML: control characters are not allowed"},
		{"bytes that are no text", "data.yaml", head + "    x: \xff\n", "data.yaml:3: this is no YAML: invalid leading UTF-8 octet"},
		{"an alias of nothing", "data.yaml", head + "    kinds: *all\n    groups: {}\n", "data.yaml:3: this is no YAML: unknown anchor 'all' referenced"},
		{"a key that is no text", "data.yaml", head + "    groups: {}\n    ? {a: b}\n    : c\n", "data.yaml:4: it cannot be read as JSON: invalid map key"},
		{"a number that is none", "data.yaml", head + "    groups: {}\n    n: .nan\n", "data.yaml:4: it cannot be read as JSON: json: unsupported value: NaN"},
		{"not what it says", "data.yaml", head + "    groups: {}\n    n: !!int ten\n", "data.yaml:4: it cannot be read as JSON: cannot decode"},
		{"JSON that is cut off", "data.json", "{\"salvor\": {\"config\": {\n  \"groups\": {\"leads\": [\"a\"],\n", "data.json:2: this is no JSON: unexpected end of JSON input"},
		{"JSON without a comma", "data.json", "{\n\t\"salvor\": {\"config\": {\n\t\t\"kinds\": {}\n\t\t\"groups\": {}\n\t}}\n}\n", `data.json:4: this is no JSON: invalid character '"' after object key:value pair`},
		{"JSON twice", "data.json", "{\"salvor\": {\"config\": {}}}\n{}\n", "data.json:2: this is no JSON: invalid character '{' after top-level value"},
	} {
		t.Run(c.name, func(t *testing.T) {
			from := append(own("")[:1], sources(map[string]string{c.file: c.text})...)
			_, err := New(t.Context(), from, Options{})
			wantError(t, err, "load policy: "+c.want)
		})
	}
}

// TestGroupsThatCannotBeRead: each setting that names one would be wrong, those that are shipped too.
func TestGroupsThatCannotBeRead(t *testing.T) {
	_, err := New(t.Context(), own("salvor:\n  config:\n    groups: []\n"), Options{})
	if found := Problems(err); len(found) != 1 || found[0].Text != "salvor.config.groups: want keys with values, not a list" {
		t.Errorf("%v", err)
	}
}

func TestSettingsThatAreTaken(t *testing.T) {
	for _, text := range []string{
		"{}", "groups: {night: [a, b]}\n    kinds: {node: {approvers: night}}", "freezes: [{name: year end, from: 2026-12-20T00:00:00Z, until: \"2027-01-03T00:00:00+01:00\", answer: deny}]",
		"environments: {\"\": {defaults: {ladder: [observe, destructive], hours: business, votes: 3}}}", "business_hours: {from: \"00:00\", days: []}", "defaults: {answer_within: 1m}\n    kinds: {zone: {answer_within: 168h}}",
	} {
		if _, err := New(t.Context(), own("salvor:\n  config:\n    "+text+"\n"), Options{}); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestSettingsOfOnesOwn: a rule of their author reads them.
func TestSettingsOfOnesOwn(t *testing.T) {
	for _, rule := range []string{`deny contains "x" if data.salvor.config.colours.red`, `deny contains "x" if "red" in data.salvor.config[input.fault.kind]`,
		`all := data.salvor.config` + "\n" + `deny contains "x" if all.colours.red`} {
		load(t, sources(map[string]string{"zone.rego": "package salvor.policies.zone\n" + rule, "data.yaml": "salvor: {config: {colours: {red: true}}}"}))
	}
}
