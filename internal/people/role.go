package people

import "fmt"

// Role says how much somebody may do. The order is the order of power; the zero value may do nothing.
type Role int

// The roles.
const (
	Nobody   Role = iota
	Viewer        // reads
	Operator      // reads, holds Salvor back or lets it go on, declares what is broken, and runs what repairs it
	Admin         // everything
)

var roleNames = [...]string{"nobody", "viewer", "operator", "admin"}

func (r Role) String() string {
	if r < Nobody || r > Admin {
		return fmt.Sprintf("invalid(%d)", int(r))
	}
	return roleNames[r]
}

// MarshalText writes the role as salvor.yaml spells it.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads a role that somebody can have: viewer, operator or admin.
func (r *Role) UnmarshalText(text []byte) error {
	for role := Viewer; role <= Admin; role++ {
		if role.String() == string(text) {
			*r = role
			return nil
		}
	}
	return fmt.Errorf("unknown role %q, want viewer, operator or admin", text)
}

// Verb is something that people do to Salvor.
type Verb string

// The verbs.
const (
	Read    Verb = "read"
	Pause   Verb = "pause"
	Resume  Verb = "resume"
	Declare Verb = "declare" // that something is broken, and take that back
	Vote    Verb = "vote"    // say something about a plan that people are asked about
	Stop    Verb = "stop"    // a plan that is worked on, and have what it did taken back
	Break   Verb = "break"   // the glass: have a plan run without policy

	Activate Verb = "activate" // policy that lets Salvor do more than the one in force
)

// needs is the least role for a verb. A verb that is not listed is for nobody.
func (v Verb) needs() (Role, bool) {
	switch v {
	case Read:
		return Viewer, true
	case Pause, Resume, Declare, Vote, Stop, Break:
		return Operator, true
	case Activate:
		return Admin, true
	}
	return Nobody, false
}
