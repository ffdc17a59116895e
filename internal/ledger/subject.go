package ledger

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
)

const (
	incidentPrefix = "salvor.incident."
	archivePrefix  = "salvor.archive."
	decisionPrefix = "salvor.decision."
	timerSet       = "salvor.timer.set."
	timerFired     = "salvor.timer.fired."

	budgetSubject = incidentPrefix + "budget"
	anyIncident   = incidentPrefix + "*.*" // the records of all incidents, and nothing else
	anyArchived   = archivePrefix + "*.*"
)

func incidentSubject(cluster string, id incident.ID) string {
	return incidentPrefix + events.Token(cluster) + "." + string(id)
}

func keySubject(k incident.Key) string {
	return incidentPrefix + events.Token(k.Cluster) + ".key." + k.Hash()
}

// lastToken is the part of a subject after its last dot.
func lastToken(subject string) string { return subject[strings.LastIndexByte(subject, '.')+1:] }

// openedAt is the sequence at which the key of an incident was opened, which is part of its id. It refuses what is no id, so
// that nothing else reaches a subject.
func openedAt(id incident.ID) (uint64, error) {
	hash, digits, _ := strings.Cut(string(id), "-")
	seq, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || len(hash) != 16 || strings.Trim(hash, "0123456789abcdef") != "" || strconv.FormatUint(seq, 10) != digits {
		return 0, fmt.Errorf("%q is no incident id: %w", id, ErrNotFound)
	}
	return seq, nil
}
