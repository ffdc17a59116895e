package policies

import (
	"fmt"
	"strings"
)

// Whom says who is asked: "1 person", "2 of sre-oncall or sre-leads + 1 of dba", "3 people, 1 of sre-oncall". Names of groups are as
// authors wrote them.
func (a Asks) Whom() string {
	var needs []string
	named := 0
	for _, n := range a.Needs {
		if len(n.Groups) > 0 {
			named += n.Votes
			needs = append(needs, fmt.Sprintf("%d of %s", n.Votes, strings.Join(n.Groups, " or ")))
		}
	}
	people := fmt.Sprintf("%d people", a.Votes)
	if a.Votes == 1 {
		people = "1 person"
	}
	of := strings.Join(needs, " + ")
	switch {
	case of == "":
		return people
	case named < a.Votes:
		return people + ", " + of
	}
	return of
}
