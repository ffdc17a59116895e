package rego

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/salvor-io/salvor/policies"
)

const settingsText = "salvor: {config: {groups: {on_call: [sre]}}}"

// sources makes one source of files; those of package line and settings are added where only rules are given.
func sources(files map[string]string) []Source {
	held := fstest.MapFS{}
	for name, text := range files {
		held[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return []Source{{Name: "test", Files: held}}
}

// rules is one source with one file: the text below package salvor.policies.zone, so that its first line is line 2.
func rules(text string) []Source {
	return sources(map[string]string{"zone.rego": "package salvor.policies.zone\n" + text, "data.yaml": settingsText})
}

func load(t *testing.T, from []Source) *Engine {
	t.Helper()
	engine, err := New(t.Context(), from, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

func TestRefusedRules(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"syntax", `deny contains "x" if { input.plan.class == `, "zone.rego:2: unexpected eof token"},
		{"old syntax", `deny["x"] { true }`, "zone.rego:2: "},
		{"complete rule", `deny := true`, "zone.rego:2: deny has another form than the contract: write `deny contains \"the reason\" if { ... }`"},
		{"boolean rule", `act if input.now != ""`, "zone.rego:2: act has another form"},
		{"map", `ask[msg] if { msg := input.now }`, "zone.rego:2: ask[msg] has another form than the contract: write `ask contains {"},
		{"function", `deny(x) := x`, "zone.rego:2: deny has another form"},
		{"default", `default deny := false`, "zone.rego:2: deny cannot have a default"},
		{"nested below", `deny.now contains "x"`, "zone.rego:2: deny.now has another form"},
		{"nested above", `eu.deny contains "x"`, "zone.rego:2: eu.deny has another form"},
		{"nested by bracket", `eu["deny"] contains "x"`, "zone.rego:2: eu.deny has another form"},
		{"nested by variable", `deny[x] contains "x" if some x in input.fault.nodes`, "zone.rego:2: deny[x] has another form"},
		{"misspelt word", "deny contains \"x\"\ndenny contains \"y\"", "zone.rego:3: denny has no effect: it is not deny, ask or act, and none of those uses it (did you mean deny?)"},
		{"swapped letters", "deny contains \"x\"\naks contains \"y\"", "zone.rego:3: aks has no effect: it is not deny, ask or act, and none of those uses it (did you mean ask?)"},
		{"word of another tool", "deny contains \"x\"\nallow if input.now != \"\"", "zone.rego:3: allow has no effect"},
		{"unused chain", "deny contains \"x\"\na := b\nb := 1", "zone.rego:4: b has no effect"},
		{"unknown field", "deny contains \"x\"\ndeny contains \"x\" if input.plan.clas == \"a\"", "zone.rego:3: input.plan has no field clas (did you mean class?); it has after, class, data_loss,"},
		{"unknown field at the top", `deny contains "x" if input.plans`, "zone.rego:2: input has no field plans (did you mean plan?); it has about,"},
		{"unknown field by bracket", `deny contains "x" if input["plan"]["clas"] == ""`, "zone.rego:2: input.plan has no field clas"},
		{"unknown field of an element", `deny contains "x" if { some t in input.plan.targets; t.knd == "Node" }`, "zone.rego:2: t has no field knd (did you mean kind?); it has kind,"},
		{"unknown field of a variable", `deny contains "x" if { p := input.plan; p.clas == "" }`, "zone.rego:2: p has no field clas"},
		{"unknown field of an import", "import input.plan as p\ndeny contains \"x\" if p.clas == \"\"", "zone.rego:3: input.plan has no field clas"},
		{"unknown field through a rule", "p := input.plan\ndeny contains \"x\" if p.clas == \"\"", "zone.rego:3: data.salvor.policies.zone.p has no field clas"},
		{"unknown field of an element through a rule", "ts := input.plan.targets\ndeny contains \"x\" if { some t in ts; t.knd == \"\" }", "zone.rego:3: t has no field knd"},
		{"field of a text", `deny contains "x" if input.now.year == 1`, "zone.rego:2: undefined ref: input.now.year: input.now is a string"},
		{"unknown field behind a map", `deny contains "x" if input.view.zones[input.fault.zones[0]].brokn > 1`, "zone.rego:2: input.view.zones[_] has no field brokn (did you mean broken?); it has broken, nodes"},
		{"unknown field of a map's value", `deny contains "x" if { some z in input.view.zones; z.brokn > 1 }`, "zone.rego:2: z has no field brokn"},
		{"unknown field under every", `deny contains "x" if { every z in input.view.zones { z.brokn > 1 } }`, "zone.rego:2: z has no field brokn"},
		{"unknown field in a comprehension", `deny contains "x" if count([z | some z in input.view.zones; z.brokn > 1]) > 0`, "zone.rego:2: z has no field brokn"},
		{"text against number", `deny contains "x" if input.plan.class == 5`, "zone.rego:2: match error: left : string, right : number"},
		{"value that it never is", `deny contains "x" if input.plan.class == "gentle"`, `zone.rego:2: it is never "gentle"; it is one of observe, reversible, disruptive, destructive, irreversible`},
		{"value on the other side", `deny contains "x" if "nod" == input.fault.kind`, `zone.rego:2: it is never "nod" (did you mean node?); it is one of node, zone,`},
		{"value that it is not", `deny contains "x" if input.mode != "acts"`, `zone.rego:2: it is never "acts" (did you mean act?)`},
		{"value in a set", `deny contains "x" if input.plan.class in {"observe", "destructiv"}`, `zone.rego:2: it is never "destructiv" (did you mean destructive?)`},
		{"value in a named list", "gentle := [\"observ\"]\ndeny contains \"x\" if input.plan.class in gentle", `zone.rego:3: it is never "observ" (did you mean observe?)`},
		{"value of an element", `deny contains "x" if { some step in input.plan.steps; step.class == "gentle" }`, `zone.rego:2: it is never "gentle"`},
		{"value under not", `deny contains "x" if not input.plan.phase == "recovery"`, `zone.rego:2: it is never "recovery" (did you mean recover?); it is one of recover, undo`},
		{"fact that is always known", `deny contains "x" if "view.nodez" in input.unknown`, `zone.rego:2: it is never "view.nodez" (did you mean view.nodes?); it is one of fault.signals,`},
		{"one of such facts", `deny contains "x" if { some fact in input.unknown; fact in {"view", "view.nodes"} }`, `zone.rego:2: it is never "view"; it is one of fault.signals,`},
		{"value under every", `deny contains "x" if { every step in input.plan.steps { step.class != "gentle" } }`, `zone.rego:2: it is never "gentle"`},
		{"unknown setting", `deny contains "x" if data.salvor.config.grups`, "zone.rego:2: data.salvor.config.grups is not there: no rule and no setting is named so"},
		{"unknown setting below", `deny contains "x" if data.salvor.config.groups.oncall`, "zone.rego:2: data.salvor.config.groups has no field oncall (did you mean on_call?); it has on_call"},
		{"unknown data by a variable", `deny contains "x" if { some k; data.inventory[k].nodes }`, "zone.rego:2: data.inventory[k].nodes is not there"},
		{"unknown data", `deny contains "x" if data.inventory.nodes`, "zone.rego:2: data.inventory.nodes is not there"},
		{"unknown function", `deny contains "x" if nosuch(3)`, "zone.rego:2: undefined function nosuch"},
		{"unsafe variable", `deny contains "x" if y > 3`, "zone.rego:2: var y is unsafe in rule deny"},
		{"unused variable", `deny contains "x" if { y := 3 }`, "zone.rego:2: assigned var y unused"},
		{"recursion", `deny contains "x" if count(deny) > 0`, "zone.rego:2: rule data.salvor.policies.zone.deny is recursive"},
		{"no such zone", `deny contains "x" if time.weekday([0, "Europe/Berln"]) == "Sunday"`, `zone.rego:2: there is no time zone "Europe/Berln": name one, such as Europe/Berlin`},
		{"local zone", `deny contains "x" if time.clock([0, "Local"])[0] > 22`, "zone.rego:2: the time zone Local differs from machine to machine: name one, such as Europe/Berlin"},
		{"reason no sentence", `deny contains 5`, "zone.rego:2: deny: the reason must be a sentence, not 5"},
		{"reason empty", `act contains " "`, "zone.rego:2: act: the reason must not be empty: people read it"},
		{"ask no object", `ask contains "please"`, `zone.rego:2: ask: it must be an object such as {"groups":`},
		{"ask with an unknown field", `ask contains {"reason": input.now, "vote": 1}`, "zone.rego:2: ask: it has no field vote (did you mean votes?); it has answer_within, escalate_to, groups, on_timeout, otherwise, reason, votes"},
		{"ask without reason", `ask contains {"votes": 1}`, "zone.rego:2: ask: the reason is missing"},
		{"ask for nobody", `ask contains {"reason": "x", "votes": 0}`, "zone.rego:2: ask: votes: must be a whole number of at least 1, not 0"},
		{"ask for half a person", `ask contains {"reason": "x", "votes": 1.5}`, "zone.rego:2: ask: votes: must be a whole number of at least 1, not 1.5"},
		{"bad duration", `ask contains {"reason": "x", "answer_within": "10 minutes"}`, `zone.rego:2: ask: answer_within: must be a duration above zero such as "10m", not "10 minutes"`},
		{"duration without unit", `ask contains {"reason": "x", "answer_within": 10}`, `zone.rego:2: ask: answer_within: must be a duration such as "10m", not 10`},
		{"no time to answer in", `ask contains {"reason": "x", "answer_within": "1s"}`, "zone.rego:2: ask: answer_within: must be from 1m to 168h (7 days), not 1s"},
		{"answers of another year", `ask contains {"reason": input.now, "answer_within": "9000h"}`, "zone.rego:2: ask: answer_within: must be from 1m to 168h (7 days), not 9000h0m0s"},
		{"no time in the body of a rule", `ask contains a if { input.mode == "act"; a := {"reason": "x", "answer_within": "59s"} }`, "zone.rego:2: ask: answer_within: must be from 1m"},
		{"bad timeout", `ask contains {"reason": "x", "on_timeout": "approve"}`, `zone.rego:2: ask: on_timeout: must be "escalate" or "expire", not "approve"`},
		{"escalation to nobody", `ask contains {"reason": "x", "on_timeout": "escalate", "answer_within": "1m"}`, "zone.rego:2: ask: on_timeout is escalate, but escalate_to names no group"},
		{"escalation without a time", `ask contains {"reason": "x", "on_timeout": "escalate", "escalate_to": ["a"]}`, "zone.rego:2: ask: on_timeout is escalate, but answer_within names no time"},
		{"escalation never", `ask contains {"reason": "x", "escalate_to": ["a"]}`, "zone.rego:2: ask: escalate_to names groups, but on_timeout is not escalate"},
		{"otherwise no boolean", `ask contains {"reason": "x", "otherwise": "yes"}`, `zone.rego:2: ask: otherwise: must be true or false, not "yes"`},
		{"groups no list", `ask contains {"reason": "x", "groups": "sre"}`, `zone.rego:2: ask: groups: must be a list of names, not "sre"`},
		{"group without a name", `ask contains {"reason": "x", "groups": [""]}`, `zone.rego:2: ask: groups: "" is no name of a group`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := New(t.Context(), rules(c.text), Options{})
			wantError(t, err, c.want)
		})
	}
}

// TestWhatIsInForceStaysSo: what an earlier version took, and this one would not take any more, still answers.
func TestWhatIsInForceStaysSo(t *testing.T) {
	for name, c := range map[string]struct {
		from []Source
		want string
	}{
		"a comparison":       {rules(`deny contains "x" if { some fact in input.unknown; fact in {"view", "view.nodes"} }`), `it is never "view"`},
		"a time":             {rules(`ask contains {"reason": "x", "answer_within": "1s"}`), "answer_within: must be from 1m"},
		"a computed time":    {rules(`ask contains {"reason": "x", "answer_within": sprintf("%ds", [input.fault.agree])}`), "answer_within: must be from 1m"},
		"a time of settings": {own("salvor: {config: {defaults: {answer_within: 1s}}}"), "answer_within: must be from 1m"},
	} {
		read, err := Read(t.Context(), c.from)
		if err != nil {
			t.Fatal(err)
		}
		ask := func(options Options) error {
			compiled, err := Compile(read, options)
			if err == nil {
				_, err = compiled.Ask(t.Context(), question())
			}
			return err
		}
		t.Run(name, func(t *testing.T) {
			wantError(t, ask(Options{}), c.want)
			if err := ask(Options{Taken: true}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestUnknownRespondersAreRefused(t *testing.T) {
	known := Options{Responders: []string{"node.cordon", "node.fence"}}
	_, err := New(t.Context(), rules(`deny contains "x" if { some step in input.plan.steps; step.responder in {"node.cordon", "node.fenc"} }`), known)
	wantError(t, err, `zone.rego:2: it is never "node.fenc" (did you mean node.fence?); it is one of node.cordon, node.fence`)
	for _, options := range []Options{known, {}} {
		if _, err := New(t.Context(), rules(`deny contains "x" if { some step in input.plan.steps; step.responder == "node.fence" }`), options); err != nil {
			t.Error(err)
		}
	}
	if _, err := New(t.Context(), rules(`deny contains "x" if input.plan.steps[0].responder == "its.own"`), Options{}); err != nil {
		t.Errorf("where nobody knows which there are: %v", err)
	}
}

func TestUnknownRunbooksAreRefused(t *testing.T) {
	known := Options{Runbooks: []string{"node-displace", "node-failure"}}
	for text, want := range map[string]string{
		`deny contains "x" if input.plan.runbook == "node-failur"`:                                   `zone.rego:2: it is never "node-failur" (did you mean node-failure?); it is one of node-displace, node-failure`,
		`deny contains "x" if "node_displace" in input.history.tried`:                                `zone.rego:2: it is never "node_displace" (did you mean node-displace?); it is one of node-displace, node-failure`,
		`deny contains "x" if { some tried in input.history.tried; tried in {"node-failure", "x"} }`: `zone.rego:2: it is never "x"; it is one of node-displace, node-failure`,
		`deny contains "x" if input.plan.runbook in data.salvor.config.own.slow`:                     `zone.rego:2: it is never "node-fail" (did you mean node-failure?); it is one of node-displace, node-failure; data.salvor.config.own.slow has it`,
		`deny contains "x" if input.plan.runbook in data.salvor.config.list`:                         `zone.rego:2: it is never "nod-failure" (did you mean node-failure?); it is one of node-displace, node-failure; data.salvor.config.list has it`,
	} {
		from := sources(map[string]string{"zone.rego": "package salvor.policies.zone\n" + text, "data.yaml": "salvor: {config: {own: {slow: [node-failure, node-fail]}, list: [nod-failure]}}",
			"all.rego": "package salvor.policies.all\ndeny contains \"x\" if count(data.salvor.config.own.slow) + count(data.salvor.config.list) > 5"})
		_, err := New(t.Context(), from, known)
		wantError(t, err, want)
	}
	for _, text := range []string{`deny contains "x" if input.plan.runbook == "node-failure"`, `deny contains "x" if input.plan.runbook != ""`} {
		if _, err := New(t.Context(), rules(text), known); err != nil {
			t.Error(err)
		}
	}
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want one with %q", want)
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("the error is\n\t%s\nwant it to have\n\t%s", err, want)
	}
	if strings.Contains(err.Error(), attributedMark) || strings.Contains(err.Error(), "__local") {
		t.Errorf("the error shows names that no author wrote: %s", err)
	}
}

func TestEveryProblemIsListedOnce(t *testing.T) {
	_, err := New(t.Context(), rules("deny contains 5\nask contains 6\n\ndeny := 7"), Options{})
	wantError(t, err, "zone.rego:2: deny: the reason must be a sentence, not 5\nzone.rego:3: ask: it must be")
	wantError(t, err, "\nzone.rego:5: deny has another form")
	_, err = New(t.Context(), rules(`deny contains "x" if input.plan.clas == input.plan.clas`), Options{})
	if got := strings.Count(err.Error(), "clas (did"); got != 1 {
		t.Errorf("the problem is said %d times: %s", got, err)
	}
}

func TestRefusedPlaces(t *testing.T) {
	const fine = "package salvor.policies.zone\ndeny contains \"x\""
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"elsewhere", map[string]string{"a.rego": "package authz\nallow := true"},
			"a.rego:1: package authz is not read: rules that decide belong in a package below salvor.policies, rules that help them below salvor.lib"},
		{"not below", map[string]string{"a.rego": "package salvor.policies\ndeny contains \"x\""}, "a.rego:1: package salvor.policies is not read"},
		{"similar name", map[string]string{"a.rego": "package salvor.policies_eu\ndeny contains \"x\""}, "a.rego:1: package salvor.policies_eu is not read"},
		{"settings as rules", map[string]string{"a.rego": "package salvor.config\ngroups := 1"}, "a.rego:1: package salvor.config is not read"},
		{"named as a word", map[string]string{"a.rego": "package salvor.policies.node.deny\nx := 1"}, "a.rego:1: package salvor.policies.node.deny: deny, ask and act are rules"},
		{"named as a word by bracket", map[string]string{"a.rego": "package salvor.policies.node[\"deny\"]\nx := 1"}, "a.rego:1: package salvor.policies.node.deny: deny, ask and act are rules"},
		{"word in a helper", map[string]string{"a.rego": fine, "b.rego": "package salvor.lib\nact contains \"x\""}, "b.rego:2: act says nothing here: move it to a package below salvor.policies"},
		{"nothing", map[string]string{"README.md": "policies go here"}, "read test: it holds no policy: put .rego files with a package below salvor.policies there"},
		{"nothing said", map[string]string{"a.rego": "package salvor.lib\nx := 1"}, "no rule says deny, ask or act: write at least one"},
		{"empty file", map[string]string{"a.rego": fine, "b.rego": ""}, "b.rego:1: empty module"},
		{"settings elsewhere", map[string]string{"a.rego": fine, "data.yaml": "groups: {}"}, "data.yaml:1: it must hold settings as {salvor: {config: {...}}}"},
		{"settings beside", map[string]string{"a.rego": fine, "data.yaml": "salvor: {config: {}}\nnodes: []"}, "it must hold settings as"},
		{"settings no map", map[string]string{"a.rego": fine, "data.yaml": "salvor: {config: [1]}"}, "salvor.config must be a map"},
		{"settings broken", map[string]string{"a.rego": fine, "data.yaml": "salvor: {config: {a: [}}"}, "data.yaml:1: this is no YAML: "},
		{"settings twice", map[string]string{"a.rego": fine, "data.yaml": settingsText, "eu/data.json": "{}"}, "data.yaml and eu/data.json both hold settings: keep one such file"},
		{"settings under another name", map[string]string{"a.rego": fine, "eu/groups.yaml": settingsText},
			"eu/groups.yaml is not read: settings stand in data.yaml; rename it to data.yaml, or move it out of this directory"},
		{"settings of another form", map[string]string{"a.rego": fine, "config.json": "{}"}, "config.json is not read"},
		{"too large", map[string]string{"a.rego": fine + strings.Repeat("#", maxFileBytes)}, "a.rego is larger than 1048576 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := New(t.Context(), sources(c.files), Options{})
			wantError(t, err, c.want)
		})
	}
}

func TestAllowedPlaces(t *testing.T) {
	engine := load(t, sources(map[string]string{
		"a/b/deep.rego":  "package salvor.policies.node.eu.storage\nimport rego.v1\nimport data.salvor.lib.names\ndeny contains names.of(\"deep\")",
		"names.rego":     "package salvor.lib.names\nof(x) := sprintf(\"%s rule\", [x])\nunused := 1",
		"notes.txt":      "not read",
		"a_test.rego":    "this is { no Rego, and is not read",
		"data_test.yml":  "nor: is this",
		"case_test.json": "nor this",
		"eu/input.json":  "nor this",
		"schemas/x.json": "nor this",
		"schemas/x.rego": "nor this",
		".hidden.rego":   "nor is this",
		"..data/x.rego":  "nor is this",
	}))
	said, err := engine.Ask(t.Context(), policies.Question{})
	if err != nil {
		t.Fatal(err)
	}
	if len(said.Deny) != 1 || said.Deny[0] != (policies.Reason{Text: "deep rule", Rule: "a/b/deep.rego:4"}) {
		t.Errorf("said %v", said.Deny)
	}
}

func TestTestsAreNeverLoaded(t *testing.T) {
	with := sources(map[string]string{
		"zone.rego":      "package salvor.policies.zone\ndeny contains \"x\"",
		"zone_test.rego": "package salvor.policies.zone_test\ndeny contains \"said by a test\"\ntest_x if true",
	})
	engine := load(t, with)
	said, err := engine.Ask(t.Context(), policies.Question{})
	if err != nil || len(said.Deny) != 1 {
		t.Errorf("said %v, %v", said.Deny, err)
	}
	without := load(t, sources(map[string]string{"zone.rego": "package salvor.policies.zone\ndeny contains \"x\""}))
	if engine.Revision() != without.Revision() {
		t.Error("a test changes the revision")
	}
}

// A mounted ConfigMap is a folder of links into ..data, a link to a folder named after the time.
func TestMountedConfigMap(t *testing.T) {
	dir := t.TempDir()
	held := filepath.Join(dir, "..2026_01_02")
	for _, err := range []error{
		os.Mkdir(held, 0o755),
		os.WriteFile(filepath.Join(held, "zone.rego"), []byte("package salvor.policies.zone\ndeny contains \"x\""), 0o600),
		os.Symlink("..2026_01_02", filepath.Join(dir, "..data")),
		os.Symlink(filepath.Join("..data", "zone.rego"), filepath.Join(dir, "zone.rego")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	from := []Source{{Name: "mount", Files: os.DirFS(dir)}}
	said, err := load(t, from).Ask(t.Context(), policies.Question{})
	if err != nil || len(said.Deny) != 1 || said.Deny[0].Rule != "zone.rego:2" {
		t.Errorf("said %v, %v", said.Deny, err)
	}
	if err := os.Symlink("..data", filepath.Join(dir, "more")); err != nil {
		t.Fatal(err)
	}
	_, err = New(t.Context(), from, Options{})
	wantError(t, err, "more is a link to a folder, which is not followed")
}

func TestMissingFolder(t *testing.T) {
	_, err := New(t.Context(), []Source{{Name: "/etc/salvor", Files: os.DirFS(filepath.Join(t.TempDir(), "gone"))}}, Options{})
	wantError(t, err, "load policy: read /etc/salvor: ")
}

func TestSeveralSources(t *testing.T) {
	shipped := fstest.MapFS{
		"node.rego": {Data: []byte("package salvor.policies.node\nask contains {\"reason\": \"x\", \"groups\": data.salvor.config.groups.on_call, \"votes\": data.salvor.config.votes, \"on_timeout\": \"escalate\", \"answer_within\": \"1m\", \"escalate_to\": data.salvor.config.groups.leads}")},
		"data.yaml": {Data: []byte("salvor: {config: {groups: {on_call: [shipped], leads: [leads]}, votes: 2}}")},
	}
	own := fstest.MapFS{"data.yaml": {Data: []byte("salvor: {config: {groups: {on_call: [own]}}}")}}
	said, err := load(t, []Source{{"shipped", shipped}, {"own", own}}).Ask(t.Context(), policies.Question{})
	if err != nil || len(said.Ask) != 1 || said.Ask[0].Groups[0] != "own" || said.Ask[0].EscalateTo[0] != "leads" || said.Ask[0].Votes != 2 {
		t.Errorf("said %+v, %v", said.Ask, err)
	}
	own["node.rego"] = shipped["node.rego"]
	_, err = New(t.Context(), []Source{{"shipped", shipped}, {"own", own}}, Options{})
	wantError(t, err, "node.rego is both in shipped and in own: rename one of them")
}

func TestRevisionFollowsEveryByte(t *testing.T) {
	seen := map[string]string{}
	for name, from := range map[string][]Source{
		"base":     rules(`deny contains "x"`),
		"text":     rules(`deny contains "y"`),
		"comment":  rules("deny contains \"x\" # why"),
		"settings": sources(map[string]string{"zone.rego": "package salvor.policies.zone\ndeny contains \"x\"", "data.yaml": settingsText + " "}),
		"name":     sources(map[string]string{"zones.rego": "package salvor.policies.zone\ndeny contains \"x\"", "data.yaml": settingsText}),
	} {
		revision := load(t, from).Revision()
		if other, taken := seen[revision]; taken || len(revision) != 12 {
			t.Errorf("%s and %s have revision %q", name, other, revision)
		}
		seen[revision] = name
	}
	if again := load(t, rules(`deny contains "x"`)).Revision(); seen[again] != "base" {
		t.Errorf("the same files have another revision: %s", again)
	}
}

// Nobody can add to what the rules of others are taken to have said.
func TestAttributedSetsCannotBeWritten(t *testing.T) {
	inner := "package salvor.policies.zone.eu\ndeny contains \"x\""
	for name, text := range map[string]string{
		"by rule":    "package salvor.policies.zone\neu[\"deny@\"] contains [\"forged\", \"zone.rego:1\"]",
		"by package": "package salvor.policies.zone.eu[\"deny@\"]\nx := 1",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(t.Context(), sources(map[string]string{"inner.rego": inner, "outer.rego": text}), Options{})
			if err == nil || !strings.HasPrefix(err.Error(), "load policy: outer.rego:") {
				t.Errorf("loaded, or another error: %v", err)
			}
		})
	}
}
