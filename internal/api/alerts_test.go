package api

import (
	"net/http"
	"testing"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events"
)

func (f *fleet) Ask(see func(*classifiers.View)) { see(f.view) }

func TestListAlerts(t *testing.T) {
	f := &fleet{view: classifiers.NewView(nil)}
	for i, a := range []struct{ cluster, name, fingerprint string }{
		{"prod-us", "KubeletDown", "aa"}, {"prod-eu", "KubeletDown", "cc"}, {"prod-eu", "Watchdog", "bb"},
	} {
		ev, err := events.New(a.fingerprint, events.TypeAlert, "/x", a.cluster, "alert/"+a.fingerprint, start,
			events.Alert{Fingerprint: a.fingerprint, Status: "firing", Name: a.name, Labels: events.NewLabelSet(map[string]string{"alertname": a.name})})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.view.Fold(events.Recorded{Event: ev, Seq: uint64(i + 1), At: start.Add(time.Second)}); err != nil {
			t.Fatal(err)
		}
	}
	_, srv := serve(t, f)
	for query, want := range map[string]string{
		"": "prod-eu/bb prod-eu/cc prod-us/aa ", "?cluster=prod-eu": "prod-eu/bb prod-eu/cc ", "?name=KubeletDown": "prod-eu/cc prod-us/aa ",
		"?name=KubeletDown&cluster=prod-us": "prod-us/aa ", "?cluster=none": "",
	} {
		got := ""
		for _, a := range read[[]Alert](t, call(t, srv, "viewer", http.MethodGet, "/v1/alerts"+query, "")) {
			got += a.Cluster + "/" + a.Fingerprint + " "
			if a.Labels.Of("alertname") != a.Name || !a.At.Equal(start.Add(time.Second)) {
				t.Errorf("an alert of %q is %+v", query, a)
			}
		}
		if got != want {
			t.Errorf("%q: %q, want %q", query, got, want)
		}
	}
}
