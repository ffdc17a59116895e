package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/internal/rollout"
	"github.com/salvor-io/salvor/policies/bundle"
	"github.com/salvor-io/salvor/policies/rego"
)

const (
	shopRules = "package salvor.policies.shop\n\ndeny contains \"no\" if input.view.broken_nodes > 3\n"
	shopTest  = "package salvor.policies.shop_test\n\nimport data.salvor.policies.shop\n\n"
	frozen    = "salvor: {config: {environments: {prod: {}, staging: {}}, freezes: [{name: x, from: 2026-12-20T00:00:00Z, until: 2026-12-21T00:00:00Z, answer: ask, clusters: [prod-eu]}]}}"
	passes    = "test_many if shop.deny == {\"no\"} with input.view.broken_nodes as 4\n"
)

// written is a directory with these files, which is the current one.
func written(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// held is what a directory holds, by path.
func held(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// shippedGroups are the groups that the shipped rules and settings name.
func shippedGroups(t *testing.T) []string {
	t.Helper()
	engine, err := rego.New(t.Context(), []rego.Source{{Name: "the shipped bundle", Files: bundle.Files()}}, rego.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, one := range engine.Groups() {
		names = append(names, one.Group)
	}
	return names
}

func TestPolicyCommands(t *testing.T) {
	people := "people: [{name: otto, role: operator, groups: [" + strings.Join(append(shippedGroups(t), "shop"), ", ") + "], token_file: none}]\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		args  string
		code  int
		out   string // that is held in the data
		talk  string // and in what is said
	}{
		{"well", map[string]string{"shop.rego": shopRules, "data.yaml": "salvor: {config: {groups: {on_call: [a], leads: [b]}}}"}, "check", exitOK, ". is well: rule files 1, settings 2, revision ", ""},
		{"settings alone", map[string]string{"p/data.yaml": "salvor: {config: {groups: {on_call: [a]}}}"}, "check p", exitOK, "p is well: rule files 0, settings 1, revision ", ""},
		{"syntax", map[string]string{"p/shop.rego": shopRules + "deny contains {"}, "check p", exitError, "", "shop.rego:4: "},
		{"an ask that is malformed when asked", map[string]string{"p/shop.rego": shopRules + "\nask contains {\"reason\": \"x\", \"on_timeout\": lower(\"APPROVE\")}"}, "check p", exitError, "",
			`shop.rego:5: ask: on_timeout: must be "escalate" or "expire", not "approve" (asked about node/worker-1: recover, observe)`},
		{"all problems", map[string]string{"p/shop.rego": shopRules + "deny := 1\nact.x contains 1"}, "check p", exitError, "", "shop.rego:4: deny has another form"},
		{"all problems counted", map[string]string{"p/shop.rego": shopRules + "deny := 1\nact.x contains 1"}, "check p", exitError, "", "2 wrong in p\n"},
		{"nested package", map[string]string{"p/shop.rego": "package shop\ndeny contains \"x\""}, "check p", exitError, "", "shop.rego:1: package shop is not read"},
		{"empty directory", map[string]string{"p/README.md": ""}, "check p", exitError, "", "read p: it holds no policy: put .rego files"},
		{"no directory", nil, "check nosuch", exitError, "", "there is no directory nosuch\nnext: make one: salvor policy init nosuch\n"},
		{"a file", map[string]string{"p/shop.rego": shopRules}, "check p/shop.rego", exitError, "", "next: name the directory that it stands in: p\n"},
		{"groups", map[string]string{"p/shop.rego": shopRules + "\nask contains {\"reason\": \"x\", \"groups\": [\"shop\"]}", "salvor.yaml": people}, "check p --config salvor.yaml", exitOK, "rule files 1", ""},
		{"a group of nobody", map[string]string{"p/shop.rego": shopRules + "\nask contains {\"reason\": \"x\", \"groups\": [\"shops\"]}", "salvor.yaml": people}, "check p --config salvor.yaml", exitError, "",
			"shop.rego:5: nobody in salvor.yaml belongs to the group shops\n"},
		{"places", map[string]string{"p/data.yaml": frozen, "salvor.yaml": people + "clusters: [{name: prod-eu, environment: prod, observe: {in_cluster: true}}]"}, "check p --config salvor.yaml",
			exitOK, "rule files 0", ""},
		{"places that are not there", map[string]string{"p/data.yaml": frozen, "salvor.yaml": people}, "check p --config salvor.yaml", exitError, "",
			"data.salvor.config.environments: no environment in salvor.yaml is named prod\n" +
				"data.salvor.config.freezes: no cluster in salvor.yaml is named prod-eu\n2 times something is named that is not in salvor.yaml\n"},
		{"runbooks", map[string]string{"p/shop.rego": shopRules + "\ndeny contains \"x\" if input.plan.runbook in {\"node-failure\", \"own\"}", "salvor.yaml": people + "runbooks: {dir: books}\n",
			"books/own.yaml": "apiVersion: salvor.io/v1\nkind: Runbook\nmetadata: {name: own}\nspec: {fault: node, order: 5, steps: [{name: cordon, use: node.cordon, with: {nodes: \"${fault.nodes}\"}}],\n" +
				"  verify: [{use: workload.available, with: {displacedFrom: \"${fault.nodes}\"}}]}\n"},
			"check p --config salvor.yaml", exitOK, "rule files 1", ""},
		{"a runbook that is not there", map[string]string{"p/shop.rego": shopRules + "\ndeny contains \"x\" if input.plan.runbook == \"node-failur\"", "salvor.yaml": people}, "check p --config salvor.yaml", exitError, "",
			"shop.rego:5: it is never \"node-failur\" (did you mean node-failure?); it is one of backup-retry, claims-from-backup, claims-restore, config-restore, data-restore, namespace-restore, node-displace, node-failure, secret-restore, volume-lost, zone-evacuation, zone-failure\n1 wrong in p\n"},
		{"runbooks that cannot be read", map[string]string{"p/shop.rego": shopRules, "salvor.yaml": people + "runbooks: {dir: none}\n"}, "check p --config salvor.yaml", exitError, "", "load the runbooks: "},
		{"no configuration", map[string]string{"p/shop.rego": shopRules}, "check p --config none.yaml", exitError, "", "next: salvor config check none.yaml"},

		{"tests pass", map[string]string{"shop.rego": shopRules, "shop_test.rego": shopTest + passes}, "test", exitOK, "1 passed\n", ""},
		{"a test fails", map[string]string{"shop.rego": shopRules, "shop_test.rego": shopTest + "test_few if { said := shop.deny with input.view.broken_nodes as 4; count(said) == 0 }"}, "test", exitError,
			"FAIL salvor.policies.shop_test.test_few\n  shop_test.rego:5\n    count(said) == 0\n    |     |\n    |     {\"no\"}\n    1\n", ""},
		{"for GitHub", map[string]string{"p/shop.rego": shopRules, "p/shop_test.rego": shopTest + "test_few if count(shop.ask) == 1"}, "test p --format github", exitError,
			"::error file=p/shop_test.rego,line=5,endLine=5,title=salvor.policies.shop_test.test_few::", ""},
		{"no tests", map[string]string{"p/shop.rego": shopRules}, "test p", exitError, "0 passed", "no test ran: p has none\nnext: write rules named test_... into files *_test.rego there"},
		{"none so named", map[string]string{"p/shop.rego": shopRules, "p/shop_test.rego": shopTest + passes}, "test p --run few", exitError, "", "no test ran: none of p has a name that matches few"},
		{"some so named", map[string]string{"p/shop.rego": shopRules, "p/shop_test.rego": shopTest + passes + "\ntest_few if false"}, "test p --run many", exitOK, "1 passed\n", ""},
		{"coverage", map[string]string{"shop.rego": shopRules + "\ndeny contains \"x\" if input.mode == \"ask\"\n", "shop_test.rego": shopTest + passes}, "test --coverage", exitOK, "shop.rego  50.0%    5\n", ""},
		{"too little coverage", map[string]string{"shop.rego": shopRules + "\ndeny contains \"x\" if input.mode == \"ask\"\n", "shop_test.rego": shopTest + passes}, "test --coverage-min 60", exitError, "50.0%",
			"tests reach 50.0% of the lines, and 60% are wanted"},
		{"enough coverage", map[string]string{"shop.rego": shopRules, "shop_test.rego": shopTest + passes}, "test --coverage-min 100", exitOK, "100.0%", ""},
		{"a looser answer", map[string]string{"shop.rego": shopRules, "shop_test.rego": shopTest + "test_many if shop.deny == {\"no\"} with input as {\"view\": {\"broken_nodes\": 4}}"}, "test --drop-facts", exitError,
			"without view.broken_nodes the answer is ask instead of deny (shop.rego:3 says nothing then)", ""},
		{"rules to test are refused", map[string]string{"p/shop.rego": "package salvor.policies.shop\ndeny := 1"}, "test p", exitError, "", "shop.rego:2: deny has another form"},
		{"no such format", map[string]string{"shop.rego": shopRules}, "test --format xml", exitUsage, "", "there are [pretty json junit github]"},
		{"no expression", map[string]string{"shop.rego": shopRules}, "test --run (", exitUsage, "", "--run: "},
		{"no share", map[string]string{"shop.rego": shopRules}, "test --coverage-min 101", exitUsage, "", "from 0 to 100"},

		{"formatted", map[string]string{"p/shop.rego": shopRules}, "fmt p", exitOK, "", ""},
		{"nothing to format", map[string]string{"p/x": ""}, "fmt p", exitError, "", "p holds no .rego file"},
		{"no file to format", nil, "fmt x.rego", exitError, "", "x.rego"},
		{"standard input and a file", nil, "fmt - x.rego", exitUsage, "", "goes with no file"},

		{"no directory named", nil, "init", exitUsage, "", "accepts 1 arg"},
		{"a bad name", nil, "init p --name Shop", exitUsage, "", `"Shop" cannot name a package of rules`},
		{"a name that is taken", nil, "init p --name node", exitError, "", "next: take another: --name NAME"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := written(t, c.files)
			before := held(t, dir)
			got := salvor(t.Context(), nil, append([]string{"policy"}, strings.Fields(c.args)...)...)
			if got.code != c.code || !strings.Contains(got.out, c.out) || !strings.Contains(got.talked, c.talk) || c.talk == "" && got.talked != "" {
				t.Errorf("exit %d, data\n%s\ntalk\n%s", got.code, got.out, got.talked)
			}
			if diff := cmp.Diff(before, held(t, dir)); diff != "" {
				t.Errorf("files changed: %s", diff)
			}
		})
	}
}

func TestPolicyFmt(t *testing.T) {
	crooked := strings.Replace(shopRules, " if ", "    if ", 1)
	files := map[string]string{"p/shop.rego": crooked, "p/eu/fine.rego": shopRules, "p/bad.rego": "package", "p/shop_test.rego": shopTest + "\n\n\n" + passes, "p/.hidden.rego": crooked}
	dir := written(t, files)
	if err := os.Symlink("p/shop.rego", "link.rego"); err != nil {
		t.Fatal(err)
	}
	if got := salvor(t.Context(), nil, "policy", "fmt", "--check", "link.rego"); got.code != exitError || got.out != "link.rego\n" {
		t.Errorf("%+v", got)
	}
	if diff := cmp.Diff(crooked, held(t, dir)["p/shop.rego"]); diff != "" {
		t.Error(diff)
	}
	got := salvor(t.Context(), nil, "policy", "fmt", "p")
	if got.code != exitError || got.out != "p/shop.rego\np/shop_test.rego\n" || !strings.HasPrefix(got.talked, "p/bad.rego:1: ") {
		t.Errorf("%+v", got)
	}
	files["p/shop.rego"], files["p/shop_test.rego"], files["link.rego"] = shopRules, shopTest+passes, shopRules
	if diff := cmp.Diff(files, held(t, dir)); diff != "" {
		t.Error(diff)
	}
	if at, err := os.Stat("p/shop.rego"); err != nil || at.Mode().Perm() != 0o640 {
		t.Errorf("the mode is %v, %v", at.Mode(), err)
	}
	if got := salvor(t.Context(), nil, "policy", "fmt", "p/shop.rego", "p/eu"); got.code != exitOK || got.out != "" {
		t.Errorf("again: %+v", got)
	}
}

func TestPolicyFmtFollowsLinks(t *testing.T) {
	written(t, map[string]string{"p/shop.rego": "package salvor.policies.shop\ndeny contains \"x\""})
	if err := os.Symlink("p/shop.rego", "link.rego"); err != nil {
		t.Fatal(err)
	}
	if got := salvor(t.Context(), nil, "policy", "fmt", "link.rego"); got.code != exitOK || got.out != "link.rego\n" {
		t.Errorf("%+v", got)
	}
	if to, err := os.Readlink("link.rego"); err != nil || to != "p/shop.rego" {
		t.Errorf("the link leads to %q, %v", to, err)
	}
}

func TestPolicyFmtOfStandardInput(t *testing.T) {
	run := func(in string, args ...string) result {
		var out, talked bytes.Buffer
		root := newRootCommand(environment{})
		root.SetIn(strings.NewReader(in))
		root.SetOut(&out)
		root.SetErr(&talked)
		root.SetArgs(append([]string{"policy", "fmt", "-"}, args...))
		return result{conclude(root.ExecuteContext(t.Context()), &talked), out.String(), talked.String()}
	}
	crooked := strings.Replace(shopRules, " if ", "    if ", 1)
	if got := run(crooked); got != (result{exitOK, shopRules, ""}) {
		t.Errorf("%+v", got)
	}
	if got := run(crooked, "--check"); got != (result{exitError, "standard input\n", ""}) {
		t.Errorf("%+v", got)
	}
	if got := run(shopRules, "--check"); got != (result{}) {
		t.Errorf("%+v", got)
	}
	if got := run("package"); got.code != exitError || !strings.Contains(got.talked, "standard input:1: ") {
		t.Errorf("%+v", got)
	}
	if got := run(strings.Repeat("#", maxRego+1)); got.code != exitError || !strings.Contains(got.talked, "larger than 1048576 bytes") {
		t.Errorf("%+v", got)
	}
}

// What init writes is well by each command that it names, wherever it is written.
func TestPolicyInit(t *testing.T) {
	dir := written(t, nil)
	if err := os.Mkdir("empty", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{"new", "empty", filepath.Join(dir, "other")} {
		got := salvor(t.Context(), nil, "policy", "init", at, "--name", "shop")
		if got.code != exitOK || !strings.Contains(got.out, filepath.Join(at, "shop_test.rego")+"\n") || !strings.Contains(got.talked, "salvor policy check "+at) {
			t.Errorf("%+v", got)
		}
		for _, args := range []string{"check", "fmt --check", "test --coverage-min 100 --drop-facts"} {
			if got := salvor(t.Context(), nil, append(append([]string{"policy"}, strings.Fields(args)...), at)...); got.code != exitOK {
				t.Errorf("%s: %+v", args, got)
			}
		}
		if mode, err := os.Stat(at); err != nil || mode.Mode().Perm() != 0o755 {
			t.Errorf("the mode of %s is %v, %v", at, mode.Mode(), err)
		}
	}
	if left, _ := filepath.Glob(".salvor-init-*"); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

func TestPolicyInitOverwritesNothing(t *testing.T) {
	for want, files := range map[string]map[string]string{
		"p is not empty, so nothing is written; this would be overwritten: data.yaml, team.rego\n": {"p/data.yaml": "mine", "p/team.rego": "mine", "p/x": ""},
		"p is not empty, so nothing is written; none of its files has a name that init writes\n":   {"p/x": ""},
		"look into p: ": {"p": "a file"},
	} {
		dir := written(t, files)
		got := salvor(t.Context(), nil, "policy", "init", "p")
		if got.code != exitError || !strings.Contains(got.talked, want) {
			t.Errorf("%+v", got)
		}
		if diff := cmp.Diff(files, held(t, dir)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestWhatHeldNeeds(t *testing.T) {
	for author, want := range map[string]string{"ann": "have another person than ann look at it: salvor policy activate bbb", "": "sign it, or change a file of it: who wrote it is not known"} {
		if got := whatHeldNeeds(rollout.Standing{Offer: rollout.Offer{Revision: "bbb", Author: author}}); !strings.HasPrefix(got, want) {
			t.Errorf("of %q: %s", author, got)
		}
	}
}
