package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/salvor-io/salvor/internal/ingest"
)

const (
	hookPath  = ingest.AlertmanagerPath
	alarmName = "KubeAPIDown"
)

// rows are those of a storm of which the log kept some alerts, and that took so many MiB.
func (t *storm) rows(kept map[string]bool, peak float64) []row {
	lost, unseen := 0, 0
	for _, entity := range t.taken {
		if !kept[entity] || !t.viewed[entity] {
			lost++
		}
	}
	var waits []float64
	for _, a := range t.alarms {
		if a.seen.IsZero() {
			unseen++
			a.seen = a.began.Add(stormBound) // at least
		}
		waits = append(waits, inMillis(a.seen.Sub(a.began)))
	}
	const all = stormAlerts + stormCritical + 1
	untaken, none := all-len(t.taken), float64(lost)
	about := fmt.Sprintf("%d of %d alerts taken within %.1f s, %d posts sent again; no peer", len(t.taken), all, t.took.Seconds(), t.refused)
	return []row{
		newRow("storm_lost", "alerts", atMost(0), figure{none, len(t.taken), none, none}, "alerts that were answered for with a 200 and are not in the reopened store, or were not in the view; "+about).butLost(untaken),
		newRow("storm_critical_p99_ms", "ms", atMost(250), spread(waits, 0.99), fmt.Sprintf("p99 from the begin of the POST of a %s until GET /v1/alerts, asked every %s, has it, in the storm; p50 %.0f ms, %d never seen; ",
			alarmName, stormLook, median(waits), unseen)+about).butLost(lost + untaken),
		newRow("storm_rss_mib", "MiB", atMost(256), figure{peak, 1, peak, peak}, "the most resident memory (VmHWM) of salvor serve with NATS embedded until all had reached the view; "+about).butLost(lost + untaken),
	}
}

// entityOf is what the event of an alert is about.
func entityOf(fingerprint string) string { return "alert/" + fingerprint }

// stormNames are what the alerts of a storm are.
var stormNames = []string{"KubeNodeNotReady", "KubePodNotReady", "KubeDeploymentReplicasMismatch", "TargetDown"}

// stormPost is the ith batch as Alertmanager posts it: one group, of one name and one cluster.
func stormPost(i int) (body []byte, entities []string) {
	name, cluster := stormNames[i%len(stormNames)], stormClusters[i/len(stormNames)%len(stormClusters)]
	var alerts []string
	for n := i * stormBatch; n < (i+1)*stormBatch; n++ {
		fingerprint := fmt.Sprintf("%016x", n+1)
		entities = append(entities, entityOf(fingerprint))
		alerts = append(alerts, stormAlert(name, cluster, fingerprint, n))
	}
	return stormGroup(name, cluster, alerts...), entities
}

// alarmPost is the ith alarm.
func alarmPost(i int) (body []byte, fingerprint, cluster string) {
	fingerprint, cluster = fmt.Sprintf("%016x", 1<<40+i), stormClusters[i%len(stormClusters)]
	return stormGroup(alarmName, cluster, stormAlert(alarmName, cluster, fingerprint, i)), fingerprint, cluster
}

func stormGroup(name, cluster string, alerts ...string) []byte {
	return fmt.Appendf(nil, `{"version":"4","groupKey":"{}:{alertname=\"%[1]s\",cluster=\"%[2]s\"}","truncatedAlerts":0,"status":"firing","receiver":"salvor",`+
		`"groupLabels":{"alertname":"%[1]s","cluster":"%[2]s"},"commonLabels":{"alertname":"%[1]s","cluster":"%[2]s"},"commonAnnotations":{},`+
		`"externalURL":"http://alertmanager.monitoring:9093","alerts":[%[3]s]}`, name, cluster, strings.Join(alerts, ","))
}

func stormAlert(name, cluster, fingerprint string, n int) string {
	return fmt.Sprintf(`{"status":"firing","fingerprint":"%[3]s","labels":{"alertname":"%[1]s","cluster":"%[2]s","container":"kube-state-metrics",`+
		`"endpoint":"http","instance":"10.1.2.3:8080","job":"kube-state-metrics","namespace":"shop","node":"worker-%[4]d","pod":"web-5d4f8c7b9d-%[4]d",`+
		`"prometheus":"monitoring/k8s","severity":"warning"},"annotations":{"description":"%[1]s: worker-%[4]d of %[2]s has been so for more than 15 minutes.",`+
		`"summary":"It is not well.","runbook_url":"https://runbooks.prometheus-operator.dev/runbooks/kubernetes/%[1]s"},`+
		`"startsAt":"%[5]s","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prometheus.monitoring:9090/graph?g0.expr=up&g0.tab=1"}`,
		name, cluster, fingerprint, n, time.Date(2026, 1, 5, 9, 0, 0, n, time.UTC).Format(time.RFC3339Nano))
}
