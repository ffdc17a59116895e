package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events"
)

// Append implements Events: it records an event of an ID once, and the view folds it at once.
func (f *fleet) Append(_ context.Context, evs ...events.Event) ([]events.Receipt, error) {
	if f.broken != nil {
		return nil, f.broken
	}
	for _, ev := range evs {
		if err := ev.Validate(); err != nil {
			return nil, err
		}
		if f.recorded(ev.ID) {
			return []events.Receipt{{Duplicate: true}}, nil
		}
		rec := events.Recorded{Event: ev, Seq: uint64(len(f.told) + 1), At: start}
		f.told = append(f.told, rec)
		if f.lost > 0 {
			f.lost--
			return nil, errors.New("the answer is lost")
		}
		if err := f.view.Fold(rec); err != nil {
			return nil, err
		}
	}
	return make([]events.Receipt, len(evs)), nil
}

func (f *fleet) recorded(id string) bool {
	for _, rec := range f.told {
		if rec.ID == id {
			return true
		}
	}
	return false
}

func (f *fleet) tell(t *testing.T, typ events.Type, payload any) {
	t.Helper()
	ev, err := events.New(fmt.Sprint("e", len(f.told)), typ, "/test", "prod-eu", "x/y", start, payload)
	if err == nil {
		_, err = f.Append(t.Context(), ev)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// sighted is a fleet of two zones with one namespace and a workload in it.
func sighted(t *testing.T) *fleet {
	f := &fleet{view: classifiers.NewView(nil)}
	for _, zone := range []string{"eu-1a", "eu-1b"} {
		f.tell(t, events.TypeNode, events.Node{Name: "w-" + zone, UID: "u-" + zone, ResourceVersion: "1", Zone: zone, Region: "eu-1", Ready: events.Condition{Status: "True"}})
	}
	f.tell(t, events.TypeObject, events.Object{Kind: "Namespace", Name: "shop", UID: "n", ResourceVersion: "1"})
	f.tell(t, events.TypeWorkload, events.Workload{Kind: "Deployment", Namespace: "shop", Name: "web", UID: "d", ResourceVersion: "1"})
	return f
}

func TestDeclare(t *testing.T) {
	until := start.Add(2 * time.Hour)
	for body, want := range map[string]events.Declared{
		`{"kind":"zone","name":"eu-1b"`:                 {Kind: "zone", Anchor: "zone", Name: "eu-1b"},
		`{"kind":"node","name":"node/w-eu-1a"`:          {Kind: "node", Anchor: "node", Name: "w-eu-1a", UID: "u-eu-1a"},
		`{"kind":"region"`:                              {Kind: "region", Anchor: "region", Name: "eu-1"},
		`{"kind":"region","name":"eu-1"`:                {Kind: "region", Anchor: "region", Name: "eu-1"},
		`{"kind":"data","name":"shop"`:                  {Kind: "data", Anchor: "namespace", Name: "shop"},
		`{"kind":"config","name":"Deployment/shop/web"`: {Kind: "config", Anchor: "deployment", Name: "shop/web", UID: "d"},
		`{"kind":"security","name":"Pod/shop/web-1"`:    {Kind: "security", Anchor: "pod", Name: "shop/web-1"},
		`{"kind":"security","name":"Node/w-eu-1a"`:      {Kind: "security", Anchor: "node", Name: "w-eu-1a", UID: "u-eu-1a"},
	} {
		f := sighted(t)
		_, srv := serve(t, f)
		want.By, want.Reason, want.Until = "otto", "power loss, zażółć, token=***", until
		got := read[Declaration](t, call(t, srv, "operator", "POST", "/v1/declarations", body+`,"cluster":"prod-eu","for":"2h","reason":" power loss, zażółć, token=abcdef12 "}`))
		last := f.told[len(f.told)-1]
		if diff := cmp.Diff(Declaration{last.ID, "prod-eu", want, start}, got); diff != "" {
			t.Errorf("%s: answered (-want +got):\n%s", body, diff)
		}
		var told events.Declared
		if err := last.Decode(&told); err != nil || !cmp.Equal(told, want) || last.Type != events.TypeDeclared || last.Cluster != "prod-eu" {
			t.Errorf("%s: recorded %+v of %+v, %v", body, told, last.Event, err)
		}
		if found := (classifiers.Declared{}).Classify(f.view); len(found) != 1 || found[0].Evidence[0] != got.ID {
			t.Errorf("%s: found %+v", body, found)
		}
	}
}

// wrongSince declares data wrong since then.
func wrongSince(since string) string {
	return `{"cluster":"prod-eu","kind":"data","name":"shop","for":"1h","reason":"x","since":"` + since + `"}`
}

func TestDeclareRefused(t *testing.T) {
	f := sighted(t)
	_, srv := serve(t, f)
	before := len(f.told)
	for _, c := range []struct {
		name, body string
		status     int
		says       string
	}{
		{"nothing", ``, 400, ""}, {"no json", `x`, 400, ""},
		{"another key", `{"cluster":"prod-eu","kind":"region","for":"1h","reason":"x","by":"root"}`, 400, "by"},
		{"two", `{"cluster":"prod-eu","kind":"region","for":"1h","reason":"x"}{}`, 400, "follows"},
		{"no reason", `{"cluster":"prod-eu","kind":"region","for":"1h"}`, 400, "no reason"},
		{"blank reason", `{"cluster":"prod-eu","kind":"region","for":"1h","reason":" \n"}`, 400, "no reason"},
		{"a long reason", `{"cluster":"prod-eu","kind":"region","for":"1h","reason":"` + strings.Repeat("x", 501) + `"}`, 400, "more than 500"},
		{"a reason of two lines", `{"cluster":"prod-eu","kind":"region","for":"1h","reason":"x\ny"}`, 400, "plain line"},
		{"an escape", `{"cluster":"prod-eu","kind":"region","for":"1h","reason":"x\u001b[2J"}`, 400, "plain line"},
		{"text that turns around", `{"cluster":"prod-eu","kind":"region","for":"1h","reason":"x\u202ey"}`, 400, "plain line"},
		{"no end", `{"cluster":"prod-eu","kind":"region","reason":"x"}`, 400, "want a duration"},
		{"a moment", `{"cluster":"prod-eu","kind":"region","for":"59s","reason":"x"}`, 400, "between 1m0s and 24h0m0s"},
		{"too long", `{"cluster":"prod-eu","kind":"region","for":"24h1s","reason":"x"}`, 400, "between 1m0s and 24h0m0s"},
		{"another kind", `{"cluster":"prod-eu","kind":"zones","name":"a","for":"1h","reason":"x"}`, 400, "they are [node zone"},
		{"no name", `{"cluster":"prod-eu","kind":"zone","for":"1h","reason":"x"}`, 400, "eu-west-1b"},
		{"a wildcard", `{"cluster":"prod-eu","kind":"security","name":"Pod/shop/*","for":"1h","reason":"x"}`, 400, "no name"},
		{"a long name", `{"cluster":"prod-eu","kind":"security","name":"Pod/shop/` + strings.Repeat("x", 400) + `","for":"1h","reason":"x"}`, 400, "no name"},
		{"a bare workload", `{"cluster":"prod-eu","kind":"config","name":"shop/web","for":"1h","reason":"x"}`, 400, "Deployment/shop/web"},
		{"a long body", `{"reason":"` + strings.Repeat("x", 20<<10) + `"}`, 400, ""},
		{"no cluster", `{"kind":"region","for":"1h","reason":"x"}`, 404, "prod-eu"},
		{"another cluster", `{"cluster":"prod-us","kind":"region","for":"1h","reason":"x"}`, 404, "prod-eu"},
		{"another zone", `{"cluster":"prod-eu","kind":"zone","name":"eu-1c","for":"1h","reason":"x"}`, 404, "there are eu-1a, eu-1b"},
		{"another node", `{"cluster":"prod-eu","kind":"node","name":"w1","for":"1h","reason":"x"}`, 404, "w-eu-1a"},
		{"another region", `{"cluster":"prod-eu","kind":"region","name":"us","for":"1h","reason":"x"}`, 404, "there are eu-1"},
		{"another namespace", `{"cluster":"prod-eu","kind":"data","name":"shp","for":"1h","reason":"x"}`, 404, "there are shop"},
		{"another workload", `{"cluster":"prod-eu","kind":"config","name":"Deployment/shop/api","for":"1h","reason":"x"}`, 404, "Deployment/shop/web"},
		{"a pod of another namespace", `{"cluster":"prod-eu","kind":"security","name":"Pod/shp/web-1","for":"1h","reason":"x"}`, 404, "there are shop"},
		{"wrong since no time", wrongSince("yesterday"), 400, `since is \"yesterday\", want how long ago it went wrong, as 2h, or when, as 2026-`},
		{"wrong since a day", wrongSince("2026-03-01"), 400, "want how long ago"},
		{"wrong since a long text", wrongSince(strings.Repeat("x", 100)), 400, `since is \"` + strings.Repeat("x", 40) + `\", want`},
		{"wrong in a while", wrongSince("-1s"), 400, "want how long ago"},
		{"wrong from tomorrow on", wrongSince(start.Add(24 * time.Hour).Format(time.RFC3339)), 400, "want how long ago"},
		{"wrong for too long", wrongSince("9600h0m1s"), 400, "want how long ago"},
		{"wrong since last century", wrongSince("1999-03-01T02:00:00Z"), 400, "want how long ago"},
	} {
		if r := call(t, srv, "operator", "POST", "/v1/declarations", c.body); r.Status != c.status || !strings.Contains(r.Body, c.says) {
			t.Errorf("%s: %d %s, want %d with %q", c.name, r.Status, r.Body, c.status, c.says)
		}
	}
	if len(f.told) > before {
		t.Errorf("recorded nevertheless: %+v", f.told[before:])
	}
}

// TestDeclareSince: when it went wrong is recorded to the second, as a moment, whichever way it was said.
func TestDeclareSince(t *testing.T) {
	for since, want := range map[string]time.Time{
		"":                          {},
		"0s":                        start,
		"2h":                        start.Add(-2 * time.Hour),
		"1h30m0.4s":                 start.Add(-90*time.Minute - 400*time.Millisecond).Truncate(time.Second),
		"9600h":                     start.Add(-longestSince),
		"2026-03-01T02:00:00Z":      time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC),
		"2026-03-01T02:00:00+01:00": time.Date(2026, 3, 1, 1, 0, 0, 0, time.UTC),
	} {
		f := sighted(t)
		_, srv := serve(t, f)
		got := read[Declaration](t, call(t, srv, "operator", "POST", "/v1/declarations", `{"cluster":"prod-eu","kind":"data","name":"shop","for":"2h","reason":"x","since":"`+since+`"}`))
		if told := f.declared(t).Since; !told.Equal(want) || !got.Since.Equal(want) {
			t.Errorf("%q: recorded %s, answered %s, want %s", since, told, got.Since, want)
		}
	}
}

// TestDeclareAgain: the same call is one declaration, also when its answer was lost; another one counts, and what was taken back can be
// declared again at once.
func TestDeclareAgain(t *testing.T) {
	f := sighted(t)
	a, srv := serve(t, f)
	now := start
	a.Clock = func() time.Time { return now }
	before := len(f.told)
	step := func(what, method, path, body string, status, recorded int) {
		t.Helper()
		now = now.Add(time.Second)
		if r := call(t, srv, "operator", method, path, body); r.Status != status || len(f.told)-before != recorded {
			t.Errorf("%s: %d %s, %d recorded, want %d, %d", what, r.Status, r.Body, len(f.told)-before, status, recorded)
		}
	}
	zone := `{"cluster":"prod-eu","kind":"zone","name":"eu-1b","for":"2h","reason":"x"}`
	end := "/v1/declarations?cluster=prod-eu&kind=zone&name=eu-1b"
	f.lost = 1
	step("the answer is lost", "POST", "/v1/declarations", zone, http.StatusServiceUnavailable, 1)
	step("repeated before it is known", "POST", "/v1/declarations", zone, http.StatusCreated, 1)
	if err := f.view.Fold(f.told[len(f.told)-1]); err != nil {
		t.Fatal(err)
	}
	step("repeated", "POST", "/v1/declarations", zone, http.StatusOK, 1)
	step("another reason", "POST", "/v1/declarations", strings.Replace(zone, `"x"`, `"y"`, 1), http.StatusCreated, 2)
	step("the first again", "POST", "/v1/declarations", zone, http.StatusCreated, 3)
	now = now.Add(time.Hour)
	step("much later", "POST", "/v1/declarations", zone, http.StatusCreated, 4)
	until := f.declared(t).Until
	step("for less", "POST", "/v1/declarations", strings.Replace(zone, `"2h","reason":"x"`, `"1h","reason":"z"`, 1), http.StatusCreated, 5)
	if got := f.declared(t).Until; !got.Equal(until) {
		t.Errorf("it stands until %s, and stood until %s", got, until)
	}
	step("taken back", "DELETE", end, "", http.StatusNoContent, 6)
	step("taken back twice", "DELETE", end, "", http.StatusNotFound, 6)
	step("declared again", "POST", "/v1/declarations", zone, http.StatusCreated, 7)
	step("taken back again", "DELETE", end, "", http.StatusNoContent, 8)
	if found := (classifiers.Declared{}).Classify(f.view); len(found) != 0 {
		t.Errorf("found %+v", found)
	}
}

// declared is what was recorded last.
func (f *fleet) declared(t *testing.T) (d events.Declared) {
	t.Helper()
	if err := f.told[len(f.told)-1].Decode(&d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTakeBackRefused(t *testing.T) {
	f := sighted(t)
	_, srv := serve(t, f)
	call(t, srv, "operator", "POST", "/v1/declarations", `{"cluster":"prod-eu","kind":"zone","name":"eu-1b","for":"2h","reason":"x"}`)
	before := len(f.told)
	for query, status := range map[string]int{"": 404, "?cluster=prod-us&kind=zone&name=eu-1b": 404, "?cluster=prod-eu&kind=zone&name=eu-1a": 404,
		"?cluster=prod-eu&kind=region": 404, "?cluster=prod-eu&kind=zone": 400, "?cluster=prod-eu&kind=zones&name=x": 400} {
		if r := call(t, srv, "operator", "DELETE", "/v1/declarations"+query, ""); r.Status != status || status == 404 && strings.Contains(query, "prod-eu") && !strings.Contains(r.Body, "zone eu-1b") || strings.Contains(r.Body, "reason") {
			t.Errorf("%s: %d %s, want %d", query, r.Status, r.Body, status)
		}
	}
	if len(f.told) > before {
		t.Errorf("recorded nevertheless: %+v", f.told[before:])
	}
	f.tell(t, events.TypeNode, events.Node{Name: "w-eu-1b", UID: "u-eu-1b", ResourceVersion: "2", Zone: "eu-1b", Gone: true})
	if r := call(t, srv, "operator", "DELETE", "/v1/declarations?cluster=prod-eu&kind=zone&name=eu-1b", ""); r.Status != http.StatusNoContent {
		t.Errorf("of a zone that is no more: %d %s", r.Status, r.Body)
	}
}

func TestDeclarationsAreLimited(t *testing.T) {
	f := sighted(t)
	_, srv := serve(t, f)
	for n := range classifiers.MaxDeclared {
		f.tell(t, events.TypeDeclared, events.Declared{Kind: "security", Anchor: "pod", Name: fmt.Sprint("shop/p", n), Until: start.Add(time.Hour)})
	}
	zone := `{"cluster":"prod-eu","kind":"zone","name":"eu-1b","for":"2h","reason":"x"}`
	if r := call(t, srv, "operator", "POST", "/v1/declarations", zone); r.Status != http.StatusConflict || !strings.Contains(r.Body, "100 declarations") {
		t.Errorf("one too many: %d %s", r.Status, r.Body)
	}
	known := `{"cluster":"prod-eu","kind":"security","name":"Pod/shop/p7","for":"2h","reason":"x"}`
	if r := call(t, srv, "operator", "POST", "/v1/declarations", known); r.Status != http.StatusCreated {
		t.Errorf("one that stands: %d %s", r.Status, r.Body)
	}
	f.tell(t, events.TypeDeclared, events.Declared{Kind: "security", Anchor: "pod", Name: "shop/p1", Ended: true})
	if r := call(t, srv, "operator", "POST", "/v1/declarations", zone); r.Status != http.StatusCreated {
		t.Errorf("after one was taken back: %d %s", r.Status, r.Body)
	}
}
