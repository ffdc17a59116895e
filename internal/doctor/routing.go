package doctor

import (
	"fmt"
	"maps"
	"slices"

	"github.com/salvor-io/salvor/internal/ingest"
)

// routing says whether the shipped alerts reach Salvor through the Alertmanager, and whether everybody else hears of what they would
// hear of without Salvor. Times at which a route is muted, inhibitions and silences are left out of it.
func (d *door) routing(clusters []string) {
	const check = "routing"
	r, err := readRoutes(d.original)
	switch {
	case err != nil:
		d.warn(check, "compare its configuration with what salvor print alertmanager-config prints", "cannot tell which alerts reach Salvor: %v", err)
		return
	case len(r.ours) == 0:
		d.warn(check, "merge what salvor print alertmanager-config prints; a receiver of another name is known when salvor is part of it",
			"cannot tell which alerts reach Salvor: no receiver of its configuration is named after it or posts to %s", ingest.AlertmanagerPath)
		return
	}
	seen := r.survey(clusters)
	d.sayReached(seen)
	d.sayLost(seen, r.idle)
}

func (d *door) sayReached(s survey) {
	const check = "alerts reach Salvor"
	where := ""
	if len(s.clusters) > 0 {
		where = ", for cluster " + some(s.clusters)
	}
	missed := slices.Concat(slices.Collect(maps.Values(s.missed))...)
	if len(missed) == 0 {
		d.ok(check, "all %d shipped alerts reach Salvor%s", s.asked, where)
		return
	}
	var whys []string
	for _, why := range slices.Sorted(maps.Keys(s.missed)) {
		whys = append(whys, why+": "+some(s.missed[why]))
	}
	d.warn(check, "put Salvor's route above all others, as salvor print alertmanager-config says",
		"%d of %d shipped alerts do not reach Salvor%s: %s", len(missed), s.asked, where, some(whys))
}

func (d *door) sayLost(s survey, idle bool) {
	const check = "others still hear"
	const merge = "give Salvor's route continue: true, and move your routes below the second route that salvor print alertmanager-config prints"
	var lost []string
	for _, receiver := range slices.Sorted(maps.Keys(s.lost)) {
		lost = append(lost, fmt.Sprintf("%.60s is not told of %s", receiver, some(s.lost[receiver])))
	}
	switch {
	case len(lost) > 0:
		d.problem(check, merge, "because of Salvor's route, %s", some(lost))
	case idle:
		d.warn(check, merge, "nobody is lost, but the receiver of the top route hears of every alert: the routes that were there are beside the one without matchers, not below it")
	default:
		d.ok(check, "Salvor's route takes no shipped alert from anybody else")
	}
}
