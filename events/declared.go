package events

import "time"

// Declared says that a person knows of a fault, whether or not anything else tells of it, or that a person takes that back. It is
// recorded for people whom Salvor knows, and for nobody who posts events.
type Declared struct {
	Kind    string    `json:"kind"`              // of the fault: "zone"
	Anchor  string    `json:"anchor"`            // the kind of what it is tied to: "zone", "node", "deployment"
	Name    string    `json:"name"`              // of that: "eu-west-1b", "worker-7", "shop/web"
	UID     string    `json:"uid,omitempty"`     // of the object that had the name then: a later one is not meant
	By      string    `json:"by"`                // who says so
	Subject string    `json:"subject,omitempty"` // who they are to an identity provider, where their name is of it: it can change there
	Reason  string    `json:"reason,omitempty"`  // why, one line of untrusted text
	Until   time.Time `json:"until,omitzero"`    // how long it stands unless it is taken back
	Since   time.Time `json:"since,omitzero"`    // when it went wrong, where they say so
	Runbook string    `json:"runbook,omitempty"` // by which alone it is to be recovered; empty: by those there are for the kind
	Ended   bool      `json:"ended,omitempty"`   // it is taken back; it has no reason and no end then
}
