package protection

import "fmt"

// State is how a promise stands.
type State int

// The states. The zero value knows nothing. Unpromised is what could be restored though nobody said how much of it may be lost.
const (
	Unknown State = iota
	Kept
	Unpromised
	Late
	Unprotected
)

func states() []string { return []string{"unknown", "kept", "unpromised", "late", "unprotected"} }

// String is the word for the state.
func (s State) String() string {
	if s < 0 || int(s) >= len(states()) {
		return fmt.Sprintf("state(%d)", int(s))
	}
	return states()[s]
}

// MarshalText implements encoding.TextMarshaler.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *State) UnmarshalText(text []byte) error {
	for i, word := range states() {
		if word == string(text) {
			*s = State(i)
			return nil
		}
	}
	return fmt.Errorf("unknown state %q, want one of %v", text, states())
}

// gravity orders the states: what is known to be bad is worse than what is not known.
func (s State) gravity() int {
	switch s {
	case Unprotected:
		return 4
	case Late:
		return 3
	case Kept:
		return 1
	case Unpromised:
		return 0
	}
	return 2
}

// worst is the worst of some states. Of none nothing is known.
func worst(all ...State) State {
	if len(all) == 0 {
		return Unknown
	}
	out := all[0]
	for _, s := range all[1:] {
		if s.gravity() > out.gravity() {
			out = s
		}
	}
	return out
}
