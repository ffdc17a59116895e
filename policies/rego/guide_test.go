package rego

import (
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// guide is the text for policy authors.
func guide(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRulesInTheGuideLoad(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```rego\n(.*?)```").FindAllStringSubmatch(guide(t), -1)
	settings := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(guide(t))
	if len(blocks) == 0 || settings == nil {
		t.Fatal("the guide has no example")
	}
	for _, block := range blocks {
		load(t, sources(map[string]string{"guide.rego": block[1], "data.yaml": settings[1]}))
	}
}

func TestGuideListsTheInput(t *testing.T) {
	_, table, _ := strings.Cut(guide(t), "<!-- input:begin -->")
	table, _, _ = strings.Cut(table, "<!-- input:end -->")
	listed := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([a-z ]*?) ?\\|").FindAllStringSubmatch(table, -1) {
		listed[row[1]] = row[2]
	}
	want := map[string]string{"plan.steps[_].targets[_]": ""}
	flatten(want, "", questionShape(t))
	maps.DeleteFunc(want, func(path, _ string) bool { return strings.HasPrefix(path, "plan.steps[_].targets[_].") })
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Error(diff)
	}
}

// flatten lists the leaves of a shape as the guide names them.
func flatten(into map[string]string, path string, s *shape) {
	names := map[kind]string{text: "text", number: "number", boolean: "boolean"}
	switch {
	case s.kind == record:
		for _, f := range s.fields {
			flatten(into, strings.TrimPrefix(path+"."+f.name, "."), f.shape)
		}
	case s.kind == list && s.elem.kind != record:
		into[path] = "list of " + names[s.elem.kind]
	case s.elem != nil:
		flatten(into, path+"[_]", s.elem)
	default:
		into[path] = names[s.kind]
	}
}

// What the guide says is answered to a mistake is the beginning of what is answered.
func TestGuideQuotesTheErrors(t *testing.T) {
	text := guide(t)
	for _, c := range []struct{ rule, quoted string }{
		{`deny := true`, "zone.rego:2: deny has another form than the contract: write "},
		{`denny contains "x"` + "\n" + `deny contains "y"`, "zone.rego:2: denny has no effect: it is not deny, ask or act, and none of those uses it (did you mean deny?)"},
		{`deny contains "x" if input.plan.clas`, "zone.rego:2: input.plan has no field clas (did you mean class?); it has after, class, "},
		{`deny contains "x" if data.salvor.config.grups`, "zone.rego:2: data.salvor.config.grups is not there: no rule and no setting is named so"},
		{`deny contains "x" if http.send({})`, "zone.rego:2: http.send is refused: rules reach no network, clock, chance or environment; the time is input.now"},
		{`deny contains "x" if time.clock([0, "Local"])`, "zone.rego:2: the time zone Local differs from machine to machine: name one, such as Europe/Berlin"},
		{`deny contains "x" if input.plan.class == "gentle"`, `zone.rego:2: it is never "gentle"; it is one of observe, reversible, `},
		{`deny contains "x" if "view.nodez" in input.unknown`, `zone.rego:2: it is never "view.nodez" (did you mean view.nodes?); it is one of fault.signals, `},
		{`deny contains "x" if time.clock([0, "Europe/Berln"])`, `zone.rego:2: there is no time zone "Europe/Berln": name one, such as Europe/Berlin`},
		{`ask contains {"reason": "x", "vote": 1}`, "zone.rego:2: ask: it has no field vote (did you mean votes?); it has "},
		{`ask contains {"reason": "x", "answer_within": "1s"}`, "zone.rego:2: ask: answer_within: must be from 1m to 168h (7 days), not 1s"},
	} {
		if !strings.Contains(text, c.quoted) {
			t.Errorf("the guide does not say %q", c.quoted)
		}
		_, err := New(t.Context(), rules(c.rule), Options{})
		wantError(t, err, c.quoted)
	}
}
