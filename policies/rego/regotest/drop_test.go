package regotest

import (
	"strings"
	"testing"
)

func TestHiddenFacts(t *testing.T) {
	const asking = "\n\ntest_x if count(own.deny) >= 0 with input as {\"view\": {\"broken_nodes\": 5, \"nodes\": 9, \"repairers\": [\"x\"]}, \"fault\": {\"nodes\": [\"a\"]}}"
	for _, c := range []struct{ name, rule, want string }{
		{"a deny falls silent", `deny contains "x" if input.view.broken_nodes > 3`,
			`without view.broken_nodes the answer is ask instead of deny (own.rego:2 says nothing then): deny too while "view.broken_nodes" is in input.unknown`},
		{"it denies what is not known", "deny contains \"x\" if input.view.broken_nodes > 3\ndeny contains \"y\" if \"view.broken_nodes\" in input.unknown", ""},
		{"zero denies too", `deny contains "x" if input.view.nodes < 10`, ""},
		{"an ask falls silent", "ask contains {\"reason\": \"x\", \"groups\": [\"sre\"], \"votes\": 2} if count(input.view.repairers) > 0\nact contains \"x\"",
			`without view.repairers the answer is ask 1 person instead of ask 2 of sre (own.rego:2 says nothing then): ask too while "view.repairers" is in input.unknown`},
		{"an ask falls silent, and anyone is asked all the same", "ask contains {\"reason\": \"x\"} if count(input.view.repairers) > 0\nact contains \"x\"", ""},
		{"the same people are asked otherwise", "ask contains {\"reason\": \"x\", \"groups\": [\"sre\"]} if count(input.view.repairers) > 0\nact contains \"x\"\nask contains {\"reason\": \"y\", \"groups\": [\"sre\"], \"otherwise\": true}", ""},
		{"an act begins to speak", `act contains "x" if input.view.broken_nodes < 3`, ""},
		{"one of two denies falls silent", "deny contains \"x\" if input.view.broken_nodes > 3\ndeny contains \"y\" if input.view.nodes < 10", ""},
		{"a fact that is always known", `deny contains "x" if input.fault.agree < 3`, ""},
		{"without a fact it cannot be evaluated", `deny contains "x" if 9 / input.view.broken_nodes > 1`, ""},
		{"it can never be evaluated", `deny contains "x" if to_number(input.fault.kind) > 1`, "rules cannot be evaluated when facts that the test leaves out are zero: "},
		{"the time can be evaluated", `deny contains "x" if time.parse_rfc3339_ns(input.now) < 1`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := map[string]string{"own.rego": "package salvor.policies.own\n" + c.rule, "own_test.rego": head + "x := own\n" + asking}
			if !strings.Contains(c.rule, "deny") {
				files["own.rego"] += "\ndeny contains \"never\" if input.fault.kind == \"zone\""
			}
			report, err := own(t, files, Options{DropFacts: true})
			if err != nil || report.Dropped.Questions != 1 {
				t.Fatalf("%+v, %v", report, err)
			}
			got := ""
			for _, one := range report.Dropped.Looser {
				got += one.Text
			}
			if got != c.want && (c.want == "" || !strings.HasPrefix(got, c.want)) {
				t.Errorf("said %q, want %q", got, c.want)
			}
		})
	}
}

func TestInputThatIsNoQuestion(t *testing.T) {
	report, err := own(t, map[string]string{"own.rego": rules, "own_test.rego": head + "test_x if own.deny with input as {\"view\": {\"brokn\": 5}}"}, Options{DropFacts: true})
	const want = `the input of this test is no question that Salvor asks: json: unknown field "brokn"`
	if err != nil || report.Well() || len(report.Dropped.Looser) != 1 || report.Dropped.Looser[0] != (Loosened{"own_test.rego", 5, want}) {
		t.Errorf("%+v, %v", report.Dropped, err)
	}
}

// Whichever test runs first: the one that stands first is named.
func TestInputOfManyTestsIsOfTheFirst(t *testing.T) {
	text := head
	for _, name := range strings.Split("abcdefghij", "") {
		text += "\ntest_" + name + " if count(own.deny) == 1 with input as {\"view\": {\"broken_nodes\": 5}}\n"
	}
	report, err := own(t, map[string]string{"own.rego": rules, "own_test.rego": text}, Options{DropFacts: true})
	if err != nil {
		t.Fatal(err)
	}
	if report.Dropped.Questions != 1 || len(report.Dropped.Looser) != 1 || report.Dropped.Looser[0].Line != 6 {
		t.Errorf("%+v", report.Dropped)
	}
}
