package doctor

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/clock"
	"github.com/salvor-io/salvor/internal/config"
)

const (
	// TestAlert is the name of the test alert. The route that salvor prints keeps names that begin with Salvor out, since those
	// are the alerts that Salvor raises itself.
	TestAlert = "TestAlertOfSalvorDoctor"

	testLabel          = "salvor_test" // its value is of one Alertmanager and one run
	alertmanagerWithin = 10 * time.Second
	lookEvery          = 250 * time.Millisecond
)

// door is one Alertmanager under examination.
type door struct {
	sheet
	at     config.Alertmanager
	token  string
	http   *http.Client
	mark   string               // value of testLabel
	raised map[string]time.Time // when the test alert was accepted, by cluster

	original string // its configuration as it shows it; "" when it does not
}

// alertmanagers examines each Alertmanager, and the way of a test alert from it to the running server.
func (e *exam) alertmanagers(ctx context.Context, said answer) []Finding {
	general := &sheet{part: "alerts"}
	if len(e.cfg.Alertmanagers) == 0 {
		general.ok("raised at", "no Alertmanager is configured: incidents are raised at none, and the way of an alert to Salvor was not tried")
		return general.findings
	}
	var doors []*door
	for _, am := range e.cfg.Alertmanagers {
		doors = append(doors, newDoor(am))
	}
	var open []*door
	for _, d := range doors {
		defer d.http.CloseIdleConnections()
		if d.reach(ctx) {
			d.routing(e.taken())
			open = append(open, d)
		}
	}
	e.roundTrips(ctx, general, open, said)
	var out []Finding
	for _, d := range doors {
		out = append(out, d.findings...)
	}
	return append(out, general.findings...)
}

func newDoor(am config.Alertmanager) *door {
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &door{sheet: sheet{part: "alertmanager " + am.URL}, at: am, mark: rand.Text(), raised: map[string]time.Time{},
		http: &http.Client{Timeout: alertmanagerWithin, CheckRedirect: stay}}
}

// reach asks the Alertmanager who it is.
func (d *door) reach(ctx context.Context) bool {
	var err error
	if d.at.TokenFile != "" {
		if d.token, err = config.Secret(d.at.TokenFile); err != nil {
			d.problem("reach", "write the token into the file", "%v", err)
			return false
		}
	}
	began := time.Now()
	var status struct {
		Cluster struct {
			Status string `json:"status"`
			Peers  []any  `json:"peers"`
		} `json:"cluster"`
		VersionInfo struct {
			Version string `json:"version"`
		} `json:"versionInfo"`
		Config struct {
			Original string `json:"original"`
		} `json:"config"`
	}
	body, err := d.ask(ctx, http.MethodGet, "/api/v2/status", nil)
	if err == nil {
		err = json.Unmarshal(body, &status)
	}
	if err != nil {
		d.problem("reach", "see whether this machine reaches it and alertmanagers[].url is its base address", "it does not answer well: %v", err)
		return false
	}
	d.original = status.Config.Original
	d.ok("reach", "Alertmanager %s answers in %s; its cluster: %s, %s", status.VersionInfo.Version, round(time.Since(began)), status.Cluster.Status, count(len(status.Cluster.Peers), "member"))
	return true
}

func (d *door) ask(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(d.at.URL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if d.token != "" {
		req.Header.Set("Authorization", "Bearer "+d.token)
	}
	got, err := fetch(d.http, req)
	if err != nil {
		return nil, err
	}
	if got.status != http.StatusOK {
		return nil, fmt.Errorf("%d: %s", got.status, excerpt(got.body))
	}
	return got.body, nil
}

// roundTrips raises the test alert everywhere, once for each cluster that an intake takes alerts of, and waits until the
// running server has seen what it will see.
func (e *exam) roundTrips(ctx context.Context, general *sheet, doors []*door, said answer) {
	const check = "round trip"
	clusters := e.taken()
	switch {
	case !e.TestAlert:
		general.ok(check, "not made, as asked for")
		return
	case len(doors) == 0:
		return
	case len(clusters) == 0:
		general.warn(check, "list a sender under intakes, then: salvor print alertmanager-config", "not made: no intake is configured, so no Alertmanager can post to Salvor")
		return
	case !said.runs:
		general.warn(check, "start salvor serve and run salvor doctor again", "not made: no server runs that could see the alert arrive")
		return
	}
	for _, d := range doors {
		d.raise(ctx, clusters, time.Now(), e.AlertWaits)
	}
	arrived, err := e.await(ctx, doors)
	for _, d := range doors {
		d.end(ctx, clusters, time.Now())
	}
	if err != nil {
		general.problem(check, "see the log of salvor", "the server cannot be asked what arrived: %v", err)
		return
	}
	e.judgeTrips(general, doors, clusters, arrived)
}

// taken are the clusters that intakes take alerts of.
func (e *exam) taken() []string {
	var out []string
	for _, in := range e.cfg.Intakes {
		out = append(out, in.Clusters...)
	}
	return slices.Compact(slices.Sorted(slices.Values(out)))
}

// raise posts the test alert for each cluster.
func (d *door) raise(ctx context.Context, clusters []string, now time.Time, lasts time.Duration) {
	for _, cluster := range clusters {
		err := d.post(ctx, cluster, now, now.Add(2*lasts))
		if err != nil {
			d.problem("takes alerts", "without this Alertmanager nobody hears of incidents there", "it does not take an alert: %v", err)
			return
		}
		d.raised[cluster] = now
	}
}

// end resolves what was raised. An alert that could not be ended ends by itself soon.
func (d *door) end(ctx context.Context, clusters []string, now time.Time) {
	for _, cluster := range clusters {
		if since, ok := d.raised[cluster]; ok {
			_ = d.post(ctx, cluster, since, now)
		}
	}
}

func (d *door) post(ctx context.Context, cluster string, from, until time.Time) error {
	body, err := json.Marshal([]map[string]any{{
		"labels":      map[string]string{"alertname": TestAlert, "cluster": cluster, "severity": "none", testLabel: d.mark},
		"annotations": map[string]string{"summary": "A test of the way from Alertmanager to Salvor by salvor doctor. Nothing is wrong, and nothing is to be done."},
		"startsAt":    from.UTC(), "endsAt": until.UTC(),
	}})
	if err != nil {
		return err
	}
	_, err = d.ask(ctx, http.MethodPost, "/api/v2/alerts", body)
	return err
}

// arrival is an alert that the server has seen: the mark of its Alertmanager, and its cluster.
type arrival struct{ mark, cluster string }

// await asks the server until all alerts that were raised have arrived, or the time is up. It says how long each took; the
// error is why the server could not be asked, when nothing arrived.
func (e *exam) await(ctx context.Context, doors []*door) (map[arrival]time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, e.AlertWaits)
	defer cancel()
	arrived, wanted := map[arrival]time.Duration{}, 0
	for _, d := range doors {
		wanted += len(d.raised)
	}
	var last error
	for len(arrived) < wanted {
		list, err := e.server.alerts(ctx, TestAlert)
		if err == nil {
			note(arrived, doors, list)
		} else if ctx.Err() == nil {
			last = err
		}
		if len(arrived) < wanted && !clock.Sleep(ctx, lookEvery) {
			break
		}
	}
	if len(arrived) > 0 {
		last = nil
	}
	return arrived, last
}

// note takes in which of the alerts that were raised are among those the server has seen.
func note(arrived map[arrival]time.Duration, doors []*door, seen []api.Alert) {
	for _, d := range doors {
		for _, a := range seen {
			if since, ok := d.raised[a.Cluster]; ok && a.Labels.Of(testLabel) == d.mark {
				arrived[arrival{d.mark, a.Cluster}] = max(0, a.At.Sub(since))
			}
		}
	}
}

// judgeTrips says for each Alertmanager which clusters' alerts arrive through it, and which clusters' arrive through none.
func (e *exam) judgeTrips(general *sheet, doors []*door, clusters []string, arrived map[arrival]time.Duration) {
	const merge = "merge what salvor print alertmanager-config prints into its alertmanager.yml, see that its token is the intake's, and see both logs"
	reached := map[string]bool{}
	for _, d := range doors {
		var came []string
		for _, cluster := range clusters {
			if took, ok := arrived[arrival{d.mark, cluster}]; ok {
				came, reached[cluster] = append(came, fmt.Sprintf("%s after %s", cluster, round(took))), true
			}
		}
		switch {
		case len(d.raised) == 0:
		case len(came) == 0:
			d.problem("round trip", merge, "a test alert (%s) did not arrive at Salvor within %s", TestAlert, e.AlertWaits)
		default:
			d.ok("round trip", "a test alert (%s) arrived at Salvor for cluster %s", TestAlert, some(came))
		}
	}
	for _, cluster := range clusters {
		if !reached[cluster] && len(reached) > 0 {
			general.warn("round trip", merge+"; a route with --cluster sends the alerts of that cluster only", "no Alertmanager's alerts of cluster %s arrive at Salvor", cluster)
		}
	}
}
