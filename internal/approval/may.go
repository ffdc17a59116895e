package approval

import (
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/people"
)

// May says why it would not count if a person said something now about what is asked, or nil. Policy is not asked, and may still refuse.
func May(inc *incident.Incident, who people.Person, says incident.Voice) error {
	if err := open(inc); err != nil {
		return err
	}
	return counts(inc, who, incident.Ballot{Person: who.Name, Groups: who.Groups, Via: who.Via, Subject: who.Subject, Says: says})
}
