package volume

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/responderstest"
)

// twoClaims are a claim that is there and used, and the snapshots of it and of another that is gone.
func twoClaims() []runtime.Object {
	return concat(installed(aSnapshot("two", "data", at(2, 0))...), aSnapshot("logged", "logs", at(1, 0)), aVolume("data"), using("StatefulSet", "db", 2, "data"))
}

func TestClaimsSuite(t *testing.T) {
	t.Parallel()
	of := func(name string, args responders.Args, objects func() []runtime.Object) responderstest.Case {
		return responderstest.Case{Name: name, Args: args, Staged: true, World: func(t *testing.T) *responderstest.World {
			clusters, tape, _, server := aWorld(t, objects())
			watchful(t, server)
			return &responderstest.World{Responder: NewClaims(clusters), Env: env, Tape: tape}
		}}
	}
	responderstest.Run(t,
		of("one is there and one is gone", responders.Args{"namespace": "shop", "claims": []string{"data", "logs"}, "stop": true}, twoClaims),
		of("all of the namespace", responders.Args{"namespace": "shop"}, func() []runtime.Object {
			return concat(installed(aSnapshot("two", "data", at(2, 0))...), aVolume("data"))
		}),
		of("of one workload", responders.Args{"namespace": "shop", "stop": true, "compare": true}, oneOfThree),
		of("used by others", responders.Args{"namespace": "shop", "claims": []string{"data"}, "stop": true}, func() []runtime.Object {
			return concat(installed(aSnapshot("two", "data", at(2, 0))...), aVolume("data"), using("Deployment", "db", 2, "data"), using("ReplicaSet", "old", 1, "data"))
		}),
		of("a class that waits for pods", responders.Args{"namespace": "shop", "claims": []string{"data"}}, func() []runtime.Object {
			return concat(installed(aSnapshot("two", "data", at(2, 0))...), aVolume("data", lazily))
		}),
		responderstest.Case{Name: "a storage that is full", Args: responders.Args{"namespace": "shop", "claims": []string{"data"}},
			Fails: "since the storage refuses it: rpc error: code = ResourceExhausted desc = quota exceeded; what was made for it is taken back", World: func(t *testing.T) *responderstest.World {
				clusters, tape, _, _ := aWorldOf(t, concat(installed(aSnapshot("two", "data", at(2, 0))...), aVolume("data")), protectClaims, refuseClaims)
				return &responderstest.World{Responder: NewClaims(clusters), Env: env, Tape: tape}
			}},
	)
}

// TestClaimsPreview: of several claims the plan tells the highest class, the oldest point, and all that happens.
func TestClaimsPreview(t *testing.T) {
	clusters, _, _, _ := aWorld(t, twoClaims())
	change, err := NewClaims(clusters).Preview(t.Context(), env, responders.Args{"namespace": "shop", "claims": []string{"logs", "data"}, "stop": true})
	if err != nil {
		t.Fatal(err)
	}
	if change.Class != policies.Destructive || change.Point == nil || change.Point.Name != "logged" || !strings.HasPrefix(change.DataLoss, "all writes after 01:00 UTC") || change.Nothing {
		t.Errorf("class %s, point %+v, loss %q", change.Class, change.Point, change.DataLoss)
	}
	if all := strings.Join(change.Will, "\n"); !strings.Contains(all, "claim shop/logs, which is not there, is made from") || !strings.Contains(all, "claim shop/data is deleted and made again") {
		t.Errorf("will %s", all)
	}
}

func TestClaimsRefuse(t *testing.T) {
	refuse(t, func(c Clusters) responders.Responder { return NewClaims(c) }, responders.Args{"namespace": "shop", "stop": true}, []refusal{
		{"no claims", nil, installed(), "restore the claims of namespace shop: it has none"},
		{"a namespace that is none", responders.Args{"namespace": "*"}, installed(), `"namespace" must be the name of one object`},
		{"one without a snapshot", responders.Args{"claims": []string{"logs", "mail"}}, twoClaims(), "restore claim shop/mail"},
	})
}
