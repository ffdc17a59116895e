package doctor

import (
	"testing"

	"github.com/prometheus/common/model"
)

// FuzzReadRoutes holds that no configuration stops the doctor, and that what is left without Salvor never leads to Salvor alone.
func FuzzReadRoutes(f *testing.F) {
	f.Add("route: {receiver: a, routes: [{receiver: salvor, continue: true}, {continue: true, routes: [{match: {a: b}}]}]}\nreceivers: [{name: salvor, webhook_configs: [{url: <secret>}]}]")
	f.Add("route: {receiver: salvor, match_re: {a: null}, matchers: ['a=~\"(\"']}\nreceivers: [{name: salvor, webhook_configs: [null]}]")
	f.Add("route: {routes: [null, {group_by: ['...', x]}]}")
	f.Add("route: &a {routes: [*a]}")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := readRoutes(text)
		if err != nil {
			return
		}
		labels := model.LabelSet{"alertname": "Watchdog", "severity": "critical"}
		if !r.reaches(labels) {
			r.why(labels)
		}
		for _, name := range r.others(r.without, labels) {
			if r.ours[name] {
				t.Errorf("%q is Salvor's", name)
			}
		}
	})
}
