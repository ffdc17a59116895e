package rego

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGroups(t *testing.T) {
	engine := load(t, sources(map[string]string{
		"zone.rego": `package salvor.policies.zone

ask contains {"reason": "x", "groups": ["b", "a"], "on_timeout": "escalate", "answer_within": "1m", "escalate_to": {"leads"}}

ask contains night("x")

night(reason) := {"reason": reason, "groups": data.salvor.config.groups.night, "votes": 2}

ask contains {"reason": "y", "groups": [sprintf("%s-oncall", [input.cluster.name]), "c"]} if input.fault.kind == "zone"
`,
		"data.yaml": "salvor: {config: {groups: {night: [owls], day: [larks, a]}}}",
	}))
	want := []GroupName{{"a", "data.salvor.config.groups.day"}, {"a", "zone.rego:3"}, {"b", "zone.rego:3"}, {"c", "zone.rego:9"},
		{"larks", "data.salvor.config.groups.day"}, {"leads", "zone.rego:3"}, {"owls", "data.salvor.config.groups.night"}}
	if diff := cmp.Diff(want, engine.Groups()); diff != "" {
		t.Error(diff)
	}
	var empty Engine
	if empty.Groups() != nil {
		t.Error("an engine without rules names groups")
	}
}

func TestReads(t *testing.T) {
	engine := load(t, rules(`deny contains "x" if { input.view.zones[_].broken > input.limits.attempts; input.plan.class == "observe" }`))
	if diff := cmp.Diff([]string{"plan.class", "view.zones", "limits.attempts"}, engine.Reads()); diff != "" {
		t.Error(diff)
	}
	var empty Engine
	if empty.Reads() != nil {
		t.Error("an engine without rules reads facts")
	}
}

func TestHolding(t *testing.T) {
	source := sources(map[string]string{
		"a.rego": "package salvor.policies.a\ndeny contains \"x\"", "eu/b.rego": "package salvor.lib\nx := 1", "a_test.rego": "no",
		"data.yaml": "salvor: {config: {groups: {night: [owls, larks], day: []}, votes: 2, none: {}}}",
	})[0]
	rules, settings, err := source.Holds(t.Context())
	if rules != 2 || settings != 3 || err != nil {
		t.Errorf("it holds %d rule files and %d settings, %v", rules, settings, err)
	}
}

func TestPlaces(t *testing.T) {
	engine := load(t, own(`salvor: {config: {environments: {prod: {}, "": {}}, freezes: [
  {name: x, from: 2026-12-20T00:00:00Z, until: 2026-12-21T00:00:00Z, answer: ask},
  {name: y, from: 2026-12-20T00:00:00Z, until: 2026-12-21T00:00:00Z, answer: ask, clusters: [b, a], environments: [lab]}]}}`))
	want := []Place{{"environment", "development", "data.salvor.config.environments"}, {"environment", "prod", "data.salvor.config.environments"},
		{"environment", "staging", "data.salvor.config.environments"}, {"cluster", "a", "data.salvor.config.freezes"},
		{"cluster", "b", "data.salvor.config.freezes"}, {"environment", "lab", "data.salvor.config.freezes"}}
	if diff := cmp.Diff(want, engine.Places()); diff != "" {
		t.Error(diff)
	}
	var empty Engine
	if empty.Places() != nil {
		t.Error("an engine without rules names places")
	}
}
