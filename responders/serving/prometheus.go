package serving

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxAnswer  = 1 << 20 // bytes of an answer of Prometheus
	maxSamples = 500
	fresh      = 2 * time.Minute // what is older says nothing of now
)

// Prometheus answers queries over its HTTP API, version 1. It may be used by many goroutines.
type Prometheus struct {
	address string
	access  Access
	client  *http.Client
}

// NewPrometheus makes a client of the server at an address, below which its API lies. Nothing is asked yet.
func NewPrometheus(access Access) (*Prometheus, error) {
	u, err := access.address()
	if err == nil && u.RawQuery != "" {
		err = errors.New("it must have no query")
	}
	if err != nil {
		return nil, fmt.Errorf("read the address of Prometheus: %w", err)
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Prometheus{address: u.JoinPath("api/v1/query").String(), access: access, client: &http.Client{Transport: transport(access), CheckRedirect: stay}}, nil
}

// Sample is the value of one series.
type Sample struct {
	Series string // as Prometheus writes it, with its labels
	Value  float64
}

// Answer is what a query came to.
type Answer struct {
	Samples  []Sample
	Warnings []string // of the server: part of the data may be missing
}

// Query asks what an expression comes to now. Values that are older than two minutes are an error: whether they still hold is not
// known. That there are none is no error.
func (p *Prometheus) Query(ctx context.Context, query string) (Answer, error) {
	bounded, cancel := context.WithTimeout(ctx, p.access.Timeout)
	defer cancel()
	now := time.Now()
	body, err := p.post(bounded, url.Values{"query": {query}, "time": {strconv.FormatFloat(float64(now.UnixMilli())/1000, 'f', 3, 64)},
		"timeout": {p.access.Timeout.String()}, "lookback_delta": {fresh.String()}})
	switch {
	case ctx.Err() != nil:
		return Answer{}, ctx.Err()
	case err != nil:
		return Answer{}, fmt.Errorf("ask Prometheus: %w", err)
	}
	answer, err := readAnswer(body, now)
	if err != nil {
		return Answer{}, fmt.Errorf("read the answer of Prometheus: %w", err)
	}
	return answer, nil
}

func (p *Prometheus) post(ctx context.Context, form url.Values) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, errors.New("its address cannot be asked")
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	p.access.sign(request)
	response, err := p.client.Do(request)
	if err != nil {
		return nil, errors.New(inWords(err, p.access.Timeout))
	}
	defer func() { _ = response.Body.Close() }()
	var body bytes.Buffer
	n, err := io.Copy(&body, io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, errors.New(inWords(err, p.access.Timeout))
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("it answers %s%s", statusOf(response), reason(body.Bytes()))
	case n > maxAnswer:
		return nil, errors.New("its answer is longer than 1 MiB: have the query come to fewer series")
	}
	return body.Bytes(), nil
}

// reason is what Prometheus says is wrong with a request, if it does.
func reason(body []byte) string {
	var said struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal(body, &said); err != nil || said.Error == "" {
		return ""
	}
	return ": " + quoted(said.Error, 200)
}

// result is an answer as Prometheus writes it.
type result struct {
	Status string `json:"status"`
	Data   struct {
		Type   string          `json:"resultType"`
		Result json.RawMessage `json:"result"`
	} `json:"data"`
	Warnings []string `json:"warnings"`
}

func readAnswer(body []byte, now time.Time) (Answer, error) {
	var r result
	if err := json.Unmarshal(body, &r); err != nil {
		return Answer{}, errors.New("it is not what Prometheus writes")
	}
	if r.Status != "success" {
		return Answer{}, fmt.Errorf("it says %s, not success", quoted(r.Status, 60))
	}
	answer := Answer{Warnings: r.Warnings[:min(len(r.Warnings), 5)]}
	var err error
	switch r.Data.Type {
	case "vector":
		answer.Samples, err = readVector(r.Data.Result, now)
	case "scalar":
		var value float64
		value, err = readPoint(r.Data.Result, now)
		answer.Samples = []Sample{{"the scalar", value}}
	default:
		err = fmt.Errorf("the query gives a %s: it must give a number for each series, or one number", quoted(r.Data.Type, 60))
	}
	return answer, err
}

func readVector(raw json.RawMessage, now time.Time) ([]Sample, error) {
	var list []struct {
		Metric map[string]string `json:"metric"`
		Value  json.RawMessage   `json:"value"`
	}
	if err := json.Unmarshal(raw, &list); err != nil || list == nil {
		return nil, errors.New("its vector is none")
	}
	if len(list) > maxSamples {
		return nil, fmt.Errorf("the query gives %d series, more than %d: have it come to fewer", len(list), maxSamples)
	}
	var out []Sample
	for _, item := range list {
		if item.Value == nil {
			return nil, fmt.Errorf("%s has no number: it is a histogram", seriesOf(item.Metric))
		}
		value, err := readPoint(item.Value, now)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", seriesOf(item.Metric), err)
		}
		out = append(out, Sample{seriesOf(item.Metric), value})
	}
	return out, nil
}

// readPoint reads a time in seconds and a value.
func readPoint(raw json.RawMessage, now time.Time) (float64, error) {
	var pair []json.RawMessage
	var at float64
	var text string
	if err := json.Unmarshal(raw, &pair); err != nil || len(pair) != 2 || json.Unmarshal(pair[0], &at) != nil || json.Unmarshal(pair[1], &text) != nil {
		return 0, errors.New("a value is not what Prometheus writes")
	}
	age := float64(now.UnixMilli())/1000 - at
	if math.Abs(age) > fresh.Seconds() {
		return 0, fmt.Errorf("its value is not of now but %s away: whether it still holds is not known", time.Duration(math.Abs(age)*float64(time.Second)).Round(time.Second))
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("%s is no number", quoted(text, 60))
	}
	return value, nil
}

// seriesOf is the name of a series with its labels, cut short.
func seriesOf(metric map[string]string) string {
	var labels []string
	for _, name := range slices.Sorted(maps.Keys(metric)) {
		if name != "__name__" {
			labels = append(labels, name+"="+quoted(metric[name], 60))
		}
	}
	text := []rune(metric["__name__"] + "{" + strings.Join(labels, ",") + "}")
	if len(text) > 200 {
		return string(text[:200]) + "..."
	}
	return string(text)
}
