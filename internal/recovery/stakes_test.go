package recovery

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/internal/protection"
	"github.com/salvor-io/salvor/policies"
)

func TestWhatWasPromisedIsWhatFaultAndPlanTouch(t *testing.T) {
	e := &Engine{Options: Options{Promises: protection.Promises{
		{Name: "shop", Level: 2, RPO: time.Minute, Namespaces: []string{"shop-*"}}, {Name: "bank", Level: 4, RTO: time.Hour, Namespaces: []string{"bank"}},
		{Name: "wiki", Level: 3, Namespaces: []string{"wiki"}}}}}
	q := policies.Question{Fault: policies.FaultFacts{Namespaces: []string{"shop-b"}},
		Plan: policies.Proposal{Targets: []policies.Target{{Kind: "Node", Name: "a1"}, {Kind: "Pod", Namespace: "shop-a", Name: "x"}, {Kind: "Pod", Namespace: "bank", Name: "y"}}}}
	want := policies.ProtectionFacts{Level: 4, Apps: []policies.AppFacts{
		{Name: "shop", Level: 2, RPOS: 60, Namespaces: []string{"shop-a", "shop-b"}}, {Name: "bank", Level: 4, RTOS: 3600, Namespaces: []string{"bank"}}}}
	if diff := cmp.Diff(want, e.promised(q)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(policies.ProtectionFacts{Apps: []policies.AppFacts{}}, e.promised(policies.Question{})); diff != "" {
		t.Errorf("nothing is touched: %s", diff)
	}
}
