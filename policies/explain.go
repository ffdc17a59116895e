package policies

// Stage is one step on the way from what rules said to a decision.
type Stage struct {
	Name    string   `json:"name"`    // rules, class, unknown, single source, mode, or the name of a brake
	Verdict Verdict  `json:"verdict"` // the answer after it
	Asks    *Asks    `json:"asks"`    // who is asked after it, nil unless the verdict is Ask
	Why     []Reason `json:"why"`     // what it added; empty where it changed nothing
}

// Explain is the way that Settle goes, step by step. The last answer is that of the decision.
func Explain(said Said, q Question) []Stage {
	var out []Stage
	d := tightened{whom: said.whom()}
	for _, s := range wayOf(q, stages) {
		reasons, held := len(d.Reasons), len(d.Held)
		d = s.next(d, said, q)
		why := append([]Reason{}, d.Reasons[reasons:]...)
		out = append(out, Stage{Name: s.name, Verdict: d.Verdict, Asks: d.Asks, Why: append(why, d.Held[held:]...)})
	}
	return out
}
