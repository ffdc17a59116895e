package protection

import "time"

// Trouble is a promise that is not kept, or of which it is not known whether it is.
type Trouble struct {
	Cluster, Application, Namespace string

	Level   int
	State   State
	Twice   bool      // of a late one: twice as much as was promised would be lost
	Since   time.Time // of a late one: when what could be restored became older than was promised; zero for others
	Missing []string
}

// Troubles are those of a report, in its order. What nobody was promised is none.
func (r Report) Troubles() []Trouble {
	var out []Trouble
	for _, s := range r.Of(true) {
		if s.State == Kept {
			continue
		}
		t := Trouble{Cluster: r.Cluster, Application: s.Application, Namespace: s.Namespace, Level: s.Level, State: s.State, Missing: s.Missing()}
		if s.State == Late {
			t.Since, t.Twice = s.lateSince()
		}
		out = append(out, t)
	}
	return out
}

// lateSince is when the first of the backups that are late became so, and whether any of them is twice as old as was promised.
func (s Standing) lateSince() (since time.Time, twice bool) {
	for _, h := range s.Backups {
		if h.State != Late {
			continue
		}
		if began := h.Point.At.Add(time.Duration(h.RPOS * float64(time.Second))); since.IsZero() || began.Before(since) {
			since = began
		}
		twice = twice || h.AgeS > 2*h.RPOS
	}
	return since, twice
}
