package serving

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/responderstest"
)

// monitoring answers every query with one body, in which AT stands for the time that was asked about. It refuses what Prometheus
// refuses.
type monitoring struct {
	*httptest.Server
	body atomic.Value
	code int
	last url.Values
}

func aMonitoring(t *testing.T, body string) *monitoring {
	m := &monitoring{code: 200}
	m.body.Store(body)
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at, err := strconv.ParseFloat(r.PostFormValue("time"), 64)
		if r.Method != http.MethodPost || r.URL.Path != "/mon/api/v1/query" || err != nil || r.Header.Get("Authorization") != "Bearer t0ken" {
			t.Errorf("asked %s %s at %q as %q", r.Method, r.URL, r.PostFormValue("time"), r.Header.Get("Authorization"))
		}
		m.last = r.PostForm
		answer := strings.ReplaceAll(m.body.Load().(string), "LONG AGO", fmt.Sprint(at-121))
		w.WriteHeader(m.code)
		_, _ = w.Write([]byte(strings.ReplaceAll(answer, "AT", fmt.Sprintf("%.3f", at))))
	}))
	t.Cleanup(m.Close)
	return m
}

func (m *monitoring) client(t *testing.T) *Prometheus {
	t.Helper()
	p, err := NewPrometheus(Access{URL: m.URL + "/mon/", Token: "t0ken", Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// vector is what Prometheus 2.42 writes of series by the label a.
func vector(values ...string) string {
	var list []string
	for i, v := range values {
		list = append(list, fmt.Sprintf(`{"metric":{"__name__":"m","a":"%d"},"value":[AT,"%s"]}`, i, v))
	}
	return `{"status":"success","data":{"resultType":"vector","result":[` + strings.Join(list, ",") + `]}}`
}

var holds = responders.Args{"query": "m", "is": ">= 1"}

func TestQuerySuite(t *testing.T) {
	responderstest.Run(t, responderstest.Case{Name: "two series", Args: holds, World: func(t *testing.T) *responderstest.World {
		m, tape := aMonitoring(t, vector("0", "0")), responderstest.NewTape()
		p := m.client(t)
		p.client.Transport = head{tape, p.client.Transport}
		return &responderstest.World{Responder: NewQuery(map[string]*Prometheus{"east": p}), Env: env, Tape: tape,
			React: func(context.Context) error { m.body.Store(vector("1", "2")); return nil }}
	}})
}

func TestWhatAnAnswerProves(t *testing.T) {
	many := make([]string, maxSamples+1)
	for name, c := range map[string]struct {
		body string
		want responders.Outcome
		says string
	}{
		"all hold":           {vector("1", "+Inf"), responders.OutcomeVerified, ""},
		"a scalar":           {`{"status":"success","data":{"resultType":"scalar","result":[AT,"1"]}}`, responders.OutcomeVerified, ""},
		"one does not":       {vector("1", "0.5"), responders.OutcomePartly, `m: m{a="1"} is 0.5, not >= 1`},
		"none does":          {vector("0", "-Inf"), responders.OutcomeNotVerified, `m: m{a="0"} is 0, not >= 1`},
		"one not, one empty": {vector("0", "NaN"), responders.OutcomeNotVerified, `m: m{a="0"} is 0`},
		"no data":            {vector(), responders.OutcomeUnknown, "m: it comes to nothing: without data"},
		"no number":          {vector("1", "NaN"), responders.OutcomeUnknown, `m: m{a="1"} is no number: without data`},
		"warned of":          {strings.Replace(vector("1"), `{"status"`, `{"warnings":["store eu is away"],"status"`, 1), responders.OutcomeUnknown, `part of the data may be missing (Prometheus warns: "store eu is away")`},
		"bad and warned of":  {strings.Replace(vector("0"), `{"status"`, `{"warnings":["store eu is away"],"status"`, 1), responders.OutcomeNotVerified, `not >= 1 (Prometheus warns: "store eu is away")`},
		"old":                {strings.ReplaceAll(vector("1"), "AT", "LONG AGO"), responders.OutcomeUnknown, "its value is not of now but 2m1s away"},
		"of another time":    {strings.ReplaceAll(vector("1"), "AT", "0"), responders.OutcomeUnknown, "not of now"},
		"a range":            {`{"status":"success","data":{"resultType":"matrix","result":[]}}`, responders.OutcomeUnknown, `the query gives a "matrix"`},
		"a histogram":        {`{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"histogram":[AT,{}]}]}}`, responders.OutcomeUnknown, "{} has no number: it is a histogram"},
		"too many":           {vector(many...), responders.OutcomeUnknown, "501 series, more than 500"},
		"too long":           {vector("1") + strings.Repeat(" ", maxAnswer), responders.OutcomeUnknown, "longer than 1 MiB"},
		"an error":           {`{"status":"error"}`, responders.OutcomeUnknown, `it says "error", not success`},
		"a page":             {"<html>", responders.OutcomeUnknown, "not what Prometheus writes"},
		"nothing at all":     {"{}", responders.OutcomeUnknown, `it says "", not success`},
		"no result":          {`{"status":"success","data":{"resultType":"vector"}}`, responders.OutcomeUnknown, "its vector is none"},
		"null":               {`{"status":"success","data":{"resultType":"vector","result":null}}`, responders.OutcomeUnknown, "its vector is none"},
		"no point":           {`{"status":"success","data":{"resultType":"scalar","result":[AT]}}`, responders.OutcomeUnknown, "a value is not what"},
		"no text":            {`{"status":"success","data":{"resultType":"scalar","result":[AT,1]}}`, responders.OutcomeUnknown, "a value is not what"},
		"words":              {vector("many"), responders.OutcomeUnknown, `"many" is no number`},
	} {
		t.Run(name, func(t *testing.T) {
			q := NewQuery(map[string]*Prometheus{"east": aMonitoring(t, c.body).client(t)})
			change, err := q.Preview(t.Context(), env, holds)
			if err != nil {
				t.Fatal(err)
			}
			found, err := q.Verify(t.Context(), env, change)
			said := strings.Join(found.Detail, "\n")
			if err != nil {
				said = err.Error()
			}
			if found.Outcome != c.want || !strings.Contains(said, c.says) || (c.says == "") != (said == "") {
				t.Errorf("it is %s, saying %q; want %s, %q", found.Outcome, said, c.want, c.says)
			}
		})
	}
}

func TestARefusalSaysWhy(t *testing.T) {
	m := aMonitoring(t, `{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:4: parse error"}`)
	m.code = http.StatusBadRequest
	_, err := m.client(t).Query(t.Context(), "up{")
	if err == nil || !strings.Contains(err.Error(), `it answers 400 Bad Request: "invalid parameter \"query\": 1:4: parse error"`) {
		t.Errorf("says %v", err)
	}
}

func TestQueryAsksAsPromised(t *testing.T) {
	m := aMonitoring(t, vector("1"))
	before := time.Now()
	if _, err := m.client(t).Query(t.Context(), "m > 0"); err != nil {
		t.Fatal(err)
	}
	at, err := strconv.ParseFloat(m.last.Get("time"), 64)
	if err != nil || at < float64(before.Unix()) || at > float64(time.Now().Unix())+1 {
		t.Errorf("asked about %v", m.last)
	}
	m.last.Del("time")
	want := url.Values{"query": {"m > 0"}, "timeout": {"10s"}, "lookback_delta": {"2m0s"}}
	if diff := cmp.Diff(want, m.last); diff != "" {
		t.Error(diff)
	}
}

func TestQueryPinsWhatIsAsked(t *testing.T) {
	q := NewQuery(map[string]*Prometheus{"east": nil})
	change, err := q.Preview(t.Context(), env, responders.Args{"query": "sum(\n  up)\n", "is": "> 1"})
	if err != nil {
		t.Fatal(err)
	}
	want := responders.Change{Responder: "prometheus.query", Targets: []policies.Target{{Kind: "Query", Name: "serves", UID: uidOf("sum(\n  up)", "> 1")}},
		Will: []string{"sum( up) is awaited to be > 1"}, Detail: []byte(`{"query":"sum(\n  up)","is":"\u003e 1"}`)}
	if diff := cmp.Diff(want, change); diff != "" {
		t.Error(diff)
	}
	for name, args := range map[string]responders.Args{"empty": {"query": " ", "is": "> 1"}, "endless": {"query": strings.Repeat("x", maxQuery+1), "is": "> 1"}} {
		if _, err := q.Preview(t.Context(), env, args); err == nil {
			t.Errorf("a query that is %s is planned", name)
		}
	}
	if _, err := NewQuery(nil).Preview(t.Context(), env, holds); err == nil || !strings.Contains(err.Error(), "set clusters[].prometheus") {
		t.Errorf("without a Prometheus: %v", err)
	}
}

func FuzzReadAnswer(f *testing.F) {
	f.Add([]byte(strings.ReplaceAll(vector("1", "NaN"), "AT", "1")))
	f.Add([]byte(`{"status":"success","data":{"resultType":"scalar","result":[1e400,"1"]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		answer, err := readAnswer(body, time.Unix(1, 0))
		if err == nil && len(answer.Samples) > maxSamples {
			t.Errorf("%d samples", len(answer.Samples))
		}
	})
}
