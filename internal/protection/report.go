package protection

import (
	"cmp"
	"slices"
	"time"
)

// Report is how the promises stand in one cluster.
type Report struct {
	Cluster   string     `json:"cluster"`
	At        time.Time  `json:"at"`
	State     State      `json:"state"`     // the worst of what was promised; where nothing was promised, of all
	Promised  bool       `json:"promised"`  // something was promised about it
	Standings []Standing `json:"standings"` // the worst first
	Notes     []string   `json:"notes"`     // what is known, and what is not, of the cluster as a whole
	Unread    []Unread   `json:"unread"`    // what could not be read
	LeftOut   []string   `json:"left_out"`  // namespaces that come with the cluster or are of Velero, and are not listed
}

// Standing is how it stands with one application in one namespace, or with a namespace of which nothing was promised.
type Standing struct {
	State       State    `json:"state"`
	Application string   `json:"application,omitempty"` // empty: nothing was promised
	Namespace   string   `json:"namespace"`             // empty: it is about the cluster that it runs in
	Level       int      `json:"level,omitempty"`
	Strategy    Strategy `json:"strategy,omitempty"`
	RPOS        float64  `json:"rpo_s,omitempty"`
	RTOS        float64  `json:"rto_s,omitempty"`

	Point *Point  `json:"point,omitempty"` // the newest to which all of it could go back now; nil: there is none, or it is not known
	AgeS  float64 `json:"age_s,omitempty"` // of the point
	Loss  string  `json:"loss,omitempty"`  // what would be lost

	Backups []Held   `json:"backups"` // one for each that was wanted
	Notes   []string `json:"notes,omitempty"`
}

// Held is how it stands with one of the backups that keep a promise.
type Held struct {
	Of      Part     `json:"of"`
	By      Means    `json:"by"`
	State   State    `json:"state"`
	RPOS    float64  `json:"rpo_s,omitempty"`
	Point   *Point   `json:"point,omitempty"`
	AgeS    float64  `json:"age_s,omitempty"`
	None    bool     `json:"none,omitempty"`    // there is nothing that would have to be kept
	Missing []string `json:"missing,omitempty"` // what keeps it from being kept, a sentence each
}

// Point is a moment to which something could go back now.
type Point struct {
	Kind string    `json:"kind"` // "Backup", "VolumeSnapshot", "copy", "Git", "etcd snapshot"
	Name string    `json:"name"` // namespace/name where it has one
	At   time.Time `json:"at"`
}

// Missing is all that is missing, a sentence each, none twice.
func (s Standing) Missing() []string {
	var out []string
	for _, h := range s.Backups {
		for _, m := range h.Missing {
			if !slices.Contains(out, m) {
				out = append(out, m)
			}
		}
	}
	return out
}

// Of are the standings of what was promised, or else those of the rest.
func (r Report) Of(promised bool) []Standing {
	var out []Standing
	for _, s := range r.Standings {
		if (s.Application != "") == promised {
			out = append(out, s)
		}
	}
	return out
}

// close sorts the standings and sums them up.
func (r *Report) close() {
	slices.SortStableFunc(r.Standings, func(a, b Standing) int {
		return cmp.Or(cmp.Compare(b.State.gravity(), a.State.gravity()), -cmp.Compare(a.Level, b.Level),
			cmp.Compare(a.Application, b.Application), cmp.Compare(a.Namespace, b.Namespace))
	})
	promised := r.Of(true)
	r.Promised = len(promised) > 0
	counted := promised
	if !r.Promised {
		counted = r.Standings
	}
	var all []State
	for _, s := range counted {
		all = append(all, s.State)
	}
	if r.State = worst(all...); len(all) == 0 && len(r.Unread) == 0 {
		r.State = Unpromised
	}
}
