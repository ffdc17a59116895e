package serving

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/responderstest"
)

var env = responders.Env{Cluster: "east", Incident: "inc-1", Step: "serves", Now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}

// head is where questions pass the tape.
type head struct {
	tape *responderstest.Tape
	next http.RoundTripper
}

func (h head) RoundTrip(request *http.Request) (answer *http.Response, err error) {
	call := responderstest.Call{Who: responderstest.Switch, Verb: "status", Resource: "web", Name: request.URL.Path}
	err = h.tape.Do(request.Context(), call, func() error {
		answer, err = h.next.RoundTrip(request)
		return err
	})
	return answer, err
}

// service is a web server whose paths answer 503 until they are mended.
type service struct {
	*httptest.Server
	mended atomic.Bool
}

func aService(t *testing.T) *service {
	s := &service{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/well" && !s.mended.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = w.Write([]byte("all is served"))
	}))
	t.Cleanup(s.Close)
	return s
}

func aProbe(t *testing.T, name, address string, set ...func(*ProbeOptions)) *Probe {
	t.Helper()
	o := ProbeOptions{Name: name, Status: 200, Access: Access{URL: address, Timeout: 10 * time.Second}}
	for _, f := range set {
		f(&o)
	}
	p, err := NewProbe(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestHTTPSuite(t *testing.T) {
	world := func(paths ...string) func(t *testing.T) *responderstest.World {
		return func(t *testing.T) *responderstest.World {
			s, tape := aService(t), responderstest.NewTape()
			var probes []*Probe
			for _, path := range paths {
				p := aProbe(t, path, s.URL+"/"+path)
				p.client.Transport = head{tape, p.client.Transport}
				probes = append(probes, p)
			}
			return &responderstest.World{Responder: NewHTTP(map[string][]*Probe{"east": probes}), Env: env, Tape: tape,
				React: func(context.Context) error { s.mended.Store(true); return nil }}
		}
	}
	responderstest.Run(t,
		responderstest.Case{Name: "all of the cluster", World: world("orders", "carts")},
		responderstest.Case{Name: "one of them", World: world("well", "carts"), Args: responders.Args{"probes": []string{"carts"}}},
		responderstest.Case{Name: "none is configured", World: world()},
	)
}

func TestPreviewPinsWhatIsAsked(t *testing.T) {
	secret := aProbe(t, "orders", "https://orders.example/health?token=s3cret&deep=1", func(o *ProbeOptions) { o.Contains = "ok" })
	h := NewHTTP(map[string][]*Probe{"east": {secret, aProbe(t, "carts", "http://carts.example/")}, "west": {aProbe(t, "far", "http://far.example/")}})
	change, err := h.Preview(t.Context(), env, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := responders.Change{Responder: "probe.http",
		Targets: []policies.Target{{Kind: "Probe", Name: "orders", UID: secret.uid()}, {Kind: "Probe", Name: "carts", UID: h.probes["east"][1].uid()}},
		Will: []string{`orders is awaited to answer https://orders.example/health?deep=...&token=... with 200 and "ok" in it`,
			"carts is awaited to answer http://carts.example/ with 200"}}
	if diff := cmp.Diff(want, change); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"far", "nobody"} {
		if change, err := h.Preview(t.Context(), env, responders.Args{"probes": []string{name}}); err == nil {
			t.Errorf("%s, which is none of the cluster's, is pinned: %+v", name, change)
		}
	}
}

// TestNoProbeSaysSo holds that what is not looked at is never said to serve.
func TestNoProbeSaysSo(t *testing.T) {
	change, err := NewHTTP(nil).Preview(t.Context(), env, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"nothing says whether it serves: no probe is configured for east"}
	if diff := cmp.Diff(want, change.Will); diff != "" || !change.Nothing {
		t.Errorf("Nothing is %t, %s", change.Nothing, diff)
	}
}

func TestVerifyNamesWhatDoesNotServe(t *testing.T) {
	s := aService(t)
	h := NewHTTP(map[string][]*Probe{"east": {aProbe(t, "well", s.URL+"/well"), aProbe(t, "orders", s.URL+"/orders?key=s3cret")}})
	change, err := h.Preview(t.Context(), env, nil)
	if err != nil {
		t.Fatal(err)
	}
	found, err := h.Verify(t.Context(), env, change)
	want := responders.Finding{Outcome: responders.OutcomePartly,
		Detail: []string{"probe orders (" + s.URL + "/orders?key=...): it answers 503 Service Unavailable, not 200"}}
	if diff := cmp.Diff(want, found); diff != "" || err != nil {
		t.Errorf("error %v, %s", err, diff)
	}
}

func TestAnotherProbeProvesNothing(t *testing.T) {
	s := aService(t)
	before := NewHTTP(map[string][]*Probe{"east": {aProbe(t, "orders", s.URL+"/well")}})
	change, err := before.Preview(t.Context(), env, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, now := range map[string][]*Probe{
		"another address":     {aProbe(t, "orders", s.URL+"/other")},
		"another expectation": {aProbe(t, "orders", s.URL+"/well", func(o *ProbeOptions) { o.Contains = "all" })},
		"taken out":           {aProbe(t, "well", s.URL+"/well")},
	} {
		found, err := NewHTTP(map[string][]*Probe{"east": now}).Verify(t.Context(), env, change)
		if err == nil || found.Outcome != responders.OutcomeUnknown {
			t.Errorf("%s: %+v, %v", name, found, err)
		}
	}
	rotated := func(o *ProbeOptions) { o.Token = "another" }
	found, err := NewHTTP(map[string][]*Probe{"east": {aProbe(t, "orders", s.URL+"/well", rotated)}}).Verify(t.Context(), env, change)
	if err != nil || found.Outcome != responders.OutcomeVerified {
		t.Errorf("with another token: %+v, %v", found, err)
	}
}
