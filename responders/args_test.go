package responders

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCheckRefusesWhatCouldMeanEverything(t *testing.T) {
	spec := Spec{Name: "a.responder", Params: []Param{{Name: "nodes", Type: ParamNames, Required: true, About: "names of the nodes"},
		{Name: "wait", Type: ParamDuration}, {Name: "loud", Type: ParamBool}, {Name: "only", Type: ParamString},
		{Name: "is", Type: ParamComparison}, {Name: "in", Type: ParamZone}, {Name: "most", Type: ParamNumber}}}
	good := []string{"worker-1", "10.0.0.1", "a"}
	for _, c := range []struct {
		args Args
		says string // empty when they are fine
	}{
		{Args{"nodes": good}, ""},
		{Args{"nodes": good, "wait": "90s", "loud": true, "only": "x", "is": "< 3"}, ""},
		{nil, `needs the argument "nodes": names of the nodes`},
		{Args{"nodes": good, "force": true}, `takes no argument "force"; it takes: in, is, loud, most, nodes, only, wait`},
		{Args{"nodes": "worker-1"}, "at least one, no wildcards"},
		{Args{"nodes": nil}, "at least one, no wildcards"},
		{Args{"nodes": []string{}}, "at least one, no wildcards"},
		{Args{"nodes": []string{""}}, "at least one, no wildcards"},
		{Args{"nodes": []string{"*"}}, "at least one, no wildcards"},
		{Args{"nodes": []string{"worker-*"}}, "at least one, no wildcards"},
		{Args{"nodes": []string{"a", "a"}}, "at least one, no wildcards"},
		{Args{"nodes": []string{".."}}, "at least one, no wildcards"},
		{Args{"nodes": []string{"A"}}, "at least one, no wildcards"},
		{Args{"nodes": []string{"a/b"}}, "at least one, no wildcards"},
		{Args{"nodes": []string{strings.Repeat("a", 254)}}, "at least one, no wildcards"},
		{Args{"nodes": good, "wait": "90"}, "a duration such as 90s"},
		{Args{"nodes": good, "wait": 90}, "a duration such as 90s"},
		{Args{"nodes": good, "loud": "yes"}, "must be a bool"},
		{Args{"nodes": good, "only": true}, "must be a string"},
		{Args{"nodes": good, "is": "0.99"}, "a comparison such as >= 0.99"},
		{Args{"nodes": good, "in": "eu-west-1b", "most": 20}, ""},
		{Args{"nodes": good, "in": ""}, "the name of a zone"},
		{Args{"nodes": good, "in": "a,b"}, "the name of a zone"},
		{Args{"nodes": good, "in": "*"}, "the name of a zone"},
		{Args{"nodes": good, "in": []string{"a"}}, "the name of a zone"},
		{Args{"nodes": good, "most": 0}, "a whole number above 0"},
		{Args{"nodes": good, "most": "20"}, "a whole number above 0"},
	} {
		err := spec.Check(c.args)
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("Check(%v): %v, want an error that says %q", c.args, err, c.says)
		}
	}
}

func TestCheckWantsOneOf(t *testing.T) {
	spec := Spec{Name: "a.responder", Params: []Param{{Name: "nodes", Type: ParamNames}, {Name: "zone", Type: ParamZone}}, OneOf: []string{"nodes", "zone"}}
	for _, c := range []struct {
		args Args
		fine bool
	}{
		{nil, false}, {Args{"nodes": []string{"a"}}, true}, {Args{"zone": "b"}, true}, {Args{"nodes": []string{"a"}, "zone": "b"}, false},
	} {
		if err := spec.Check(c.args); (err == nil) != c.fine || err != nil && err.Error() != "a.responder needs exactly one of the arguments nodes, zone" {
			t.Errorf("Check(%v): %v", c.args, err)
		}
	}
}

func TestFindingOfWeighsWhatIsMissing(t *testing.T) {
	many := make([]string, 25)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	for _, c := range []struct {
		promised int
		missing  []string
		want     Outcome
	}{
		{0, nil, OutcomeVerified}, {3, nil, OutcomeVerified}, {3, []string{}, OutcomeVerified}, {3, many[:1], OutcomePartly},
		{3, many[:3], OutcomeNotVerified}, {1, many[:2], OutcomeNotVerified}, {30, many, OutcomePartly},
	} {
		if got := FindingOf(c.promised, c.missing); got.Outcome != c.want {
			t.Errorf("%d missing of %d is %s, want %s", len(c.missing), c.promised, got.Outcome, c.want)
		}
	}
	want := append(append([]string{}, many[:19]...), "and 6 more")
	if diff := cmp.Diff(want, FindingOf(30, many).Detail); diff != "" || many[19] != "19" {
		t.Error(diff)
	}
}
