package responders

// Fact is what people have to know of a change before they agree, beside what will happen: what moves, what stays down, how much room is
// left. It says nothing that moves with the clock, so that a plan made again in the same world is the same plan.
type Fact struct {
	Label string   `json:"label"`           // "Stays down"
	Count int      `json:"count,omitempty"` // of how many things it tells; 0 where it counts none
	Lines []string `json:"lines,omitempty"` // a sentence each, at most 20; where it counts, "name: what of it"
	Grave bool     `json:"grave,omitempty"` // what must not be overlooked: a plan of which it tells more is a worse plan
}

// FactOf is a fact about things, a line each. It keeps the first 20 lines and says how many it left out.
func FactOf(label string, grave bool, lines []string) Fact {
	return Fact{Label: label, Count: len(lines), Lines: firstOf(lines), Grave: grave}
}

// Facts are what people have to know of the plan, in the order of its steps and then of its checks.
func (p Plan) Facts() []Fact {
	var all []Fact
	for _, step := range p.Steps {
		all = append(all, step.Change.Facts...)
	}
	for _, check := range p.Checks {
		all = append(all, check.Change.Facts...)
	}
	return all
}
