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
	trailPrefix    = "salvor.audit."
	policyPrefix   = "salvor.policy."
	chatPrefix     = "salvor.chat."

	budgetSubject = incidentPrefix + "budget"
	anyIncident   = incidentPrefix + "*.*.records.*" // the records of all incidents, and nothing else
	anyArchived   = archivePrefix + "*.*.records.*"
)

func incidentSubject(cluster string, id incident.ID) string {
	return incidentPrefix + events.Token(cluster) + "." + anyCluster(id)
}

// anyCluster is the subject of an incident's records, or of what the archive has of them, after the part that names the cluster.
func anyCluster(id incident.ID) string {
	hash, _, _ := strings.Cut(string(id), "-")
	return hash + ".records." + string(id)
}

func keySubject(k incident.Key) string { return faultPrefix(k) + "key" }

// faultPrefix begins the subjects of a fault's key and of the records of all its incidents.
func faultPrefix(k incident.Key) string {
	return incidentPrefix + events.Token(k.Cluster) + "." + k.Hash() + "."
}

// streamOf is the stream that keeps a subject whose last message counts.
func streamOf(subject string) string {
	switch {
	case strings.HasPrefix(subject, trailPrefix):
		return AuditStream
	case strings.HasPrefix(subject, policyPrefix):
		return PoliciesStream
	case strings.HasPrefix(subject, chatPrefix):
		return ChatStream
	}
	return IncidentsStream
}

// lastToken is the part of a subject after its last dot.
func lastToken(subject string) string { return subject[strings.LastIndexByte(subject, '.')+1:] }

// checkID refuses what is no id, so that nothing else reaches a subject.
func checkID(id incident.ID) error {
	hash, digits, _ := strings.Cut(string(id), "-")
	seq, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || len(hash) != 16 || strings.Trim(hash, "0123456789abcdef") != "" || strconv.FormatUint(seq, 10) != digits {
		return fmt.Errorf("%q is no incident id: %w", id, ErrNotFound)
	}
	return nil
}
