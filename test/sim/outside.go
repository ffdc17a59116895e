package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/ingest"
)

// witnesses is how many there are, apart from Salvor.
const witnesses = 3

func witnessName(n int) string { return fmt.Sprintf("w%d", n) }

// outside is who posts to Salvor: witnesses, and a monitoring with two Alertmanagers. They post to the real intake.
type outside struct {
	run     *run
	mux     *http.ServeMux
	token   string
	waits   map[string]time.Time // since when an alert's expression holds, by cluster and labels
	firing  map[string]time.Time // since when it fires
	probed  map[string]time.Time
	reaches map[string]bool
}

// letters are dead letters: here each is a mistake.
type letters struct{ oracle *oracle }

// DeadLetter implements ingest.DeadLetters.
func (l letters) DeadLetter(_ context.Context, subject, reason string, _ []byte, _ map[string][]string) error {
	l.oracle.fails("a dead letter: %s: %s", subject, reason)
	return nil
}

func newOutside(r *run) (*outside, error) {
	o := &outside{run: r, mux: http.NewServeMux(), token: "of the simulation", waits: map[string]time.Time{}, firing: map[string]time.Time{},
		probed: map[string]time.Time{}, reaches: map[string]bool{}}
	var names []string
	for _, c := range r.clusters {
		names = append(names, c.name)
	}
	intake, err := ingest.New(ingest.Options{Log: r.bug.intake(r), Dead: letters{r.oracle}, Logger: slog.New(slog.DiscardHandler), Meaning: r.judges.Table.Meaning,
		Credentials: []ingest.Credential{{Name: "monitoring", TokenSHA256: ingest.HashToken(o.token), Clusters: names}}})
	if err != nil {
		return nil, err
	}
	intake.Register(o.mux)
	return o, nil
}

// second lets a second pass.
func (o *outside) second(now time.Time) {
	for _, c := range o.run.clusters {
		for n := range witnesses {
			o.probe(c, witnessName(n), now)
		}
		if !c.mute && now.Unix()%15 == 0 {
			o.evaluate(c, now)
		}
	}
}

// probe has a witness try the API server. What it finds is recorded when Salvor takes it.
func (o *outside) probe(c *cluster, who string, now time.Time) {
	key, up := c.name+"/"+who, c.reached(who)
	if up == o.reaches[key] && now.Sub(o.probed[key]) < observes {
		return
	}
	entity := "probe/" + who + "/apiserver"
	if up == o.reaches[key] && !o.probed[key].IsZero() {
		entity = events.Again(entity)
	}
	o.reaches[key], o.probed[key] = up, now
	ev := o.run.event(fmt.Sprintf("probe/%s/%d", key, now.UnixNano()), events.TypeProbe, c.name, entity,
		events.Probe{By: who, Witness: true, Target: "apiserver", Up: up})
	o.run.later(2*time.Second, func() { o.run.log.offer(ev) })
}

// evaluate is the monitoring of a cluster: kubelets that cannot be scraped, and an API server that cannot.
func (o *outside) evaluate(c *cluster, now time.Time) {
	o.alert(c, c.down, time.Minute, now, map[string]string{"alertname": "KubeAPIDown"})
	for _, m := range c.machines {
		o.alert(c, (m.off || m.hung) && !m.gone && !c.down, 2*time.Minute, now, map[string]string{"alertname": "KubeletDown", "node": m.name, "instance": m.name + ":10250"})
	}
}

// alert fires what has held for long enough, and resolves it.
func (o *outside) alert(c *cluster, holds bool, wait time.Duration, now time.Time, labels map[string]string) {
	key := c.name + "/" + labels["alertname"] + "/" + labels["node"]
	since, fires := o.firing[key]
	switch {
	case !holds && fires:
		delete(o.firing, key)
		delete(o.waits, key)
		o.send(c, "resolved", since, now, labels)
	case !holds:
		delete(o.waits, key)
	case !fires:
		if _, waits := o.waits[key]; !waits {
			o.waits[key] = now
		}
		if now.Sub(o.waits[key]) >= wait {
			o.firing[key] = now
			o.send(c, "firing", now, now, labels)
		}
	case now.Sub(since)%(5*time.Minute) < 15*time.Second:
		o.send(c, "firing", since, now, labels)
	}
}

// send has both Alertmanagers post an alert, each until it is taken.
func (o *outside) send(c *cluster, status string, since, now time.Time, labels map[string]string) {
	labels = map[string]string{"alertname": labels["alertname"], "node": labels["node"], "instance": labels["instance"], "cluster": c.name}
	alert := map[string]any{"status": status, "labels": labels, "annotations": map[string]string{}, "startsAt": since, "endsAt": time.Time{}}
	if status == "resolved" {
		alert["endsAt"] = now
	}
	body, err := json.Marshal(map[string]any{"version": "4", "groupKey": "{}", "status": status, "receiver": "salvor", "alerts": []any{alert}})
	if err != nil {
		panic(err)
	}
	said := alertKey(c.name, labels["alertname"], labels["node"], since, status)
	for range 2 {
		o.run.later(20*time.Second, func() { o.post(said, body, 0) })
	}
}

// alertKey is what an alert says.
func alertKey(cluster, name, node string, since time.Time, status string) string {
	return cluster + "/" + name + "/" + node + "/" + since.UTC().Format(time.RFC3339Nano) + "/" + status
}

// post posts until it is taken, as Alertmanager does. What was taken must be in the log.
func (o *outside) post(said string, body []byte, tries int) {
	req := httptest.NewRequest(http.MethodPost, ingest.AlertmanagerPath, bytes.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+o.token)
	req.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	o.mux.ServeHTTP(answer, req)
	switch {
	case answer.Code == http.StatusOK:
		o.run.oracle.acknowledged(said)
	case answer.Code >= 500 && tries < 30:
		o.run.later(10*time.Second, func() { o.post(said, body, tries+1) })
	default:
		o.run.oracle.fails("the intake answered %d: %s", answer.Code, answer.Body)
	}
}
