package policies

import "fmt"

// Verdict is the answer to a question. The order is the order of automation: a lower verdict is stricter.
type Verdict int

// The verdicts. Deny is the zero value.
const (
	Deny Verdict = iota
	Ask
	Act
)

var verdictNames = [...]string{"deny", "ask", "act"}

func (v Verdict) String() string { return nameOf(verdictNames[:], int(v)) }

// MarshalText writes the verdict as policy authors write it.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (v *Verdict) UnmarshalText(text []byte) error {
	return parseName(verdictNames[:], "verdict", text, (*int)(v))
}

// Class says how deep an effect reaches. The order is the order of harm.
type Class int

// The classes. Irreversible is above all others; the zero value, Observe, is for steps that write nothing.
const (
	Observe      Class = iota // reads only
	Reversible                // can be taken back without loss
	Disruptive                // interrupts something that can come back by itself
	Destructive               // may lose data or capacity that must be rebuilt
	Irreversible              // cannot be taken back at all
)

var classNames = [...]string{"observe", "reversible", "disruptive", "destructive", "irreversible"}

func (c Class) String() string { return nameOf(classNames[:], int(c)) }

// MarshalText writes the class as policy authors write it.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (c *Class) UnmarshalText(text []byte) error {
	return parseName(classNames[:], "class", text, (*int)(c))
}

// Mode says how much automation a cluster has earned for one kind of fault.
type Mode int

// The modes. ModeObserve is the zero value and the default.
const (
	ModeObserve Mode = iota // record what would have been done, touch nothing
	ModeSuggest             // also tell people the plan
	ModeAsk                 // act after a person approved
	ModeAct                 // act where policy says act
)

var modeNames = [...]string{"observe", "suggest", "ask", "act"}

func (m Mode) String() string { return nameOf(modeNames[:], int(m)) }

// MarshalText writes the mode as salvor.yaml spells it.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (m *Mode) UnmarshalText(text []byte) error {
	return parseName(modeNames[:], "mode", text, (*int)(m))
}

func nameOf(names []string, i int) string {
	if i < 0 || i >= len(names) {
		return fmt.Sprintf("invalid(%d)", i)
	}
	return names[i]
}

func parseName(names []string, what string, text []byte, into *int) error {
	for i, name := range names {
		if name == string(text) {
			*into = i
			return nil
		}
	}
	return fmt.Errorf("unknown %s %q, want one of %v", what, text, names)
}
