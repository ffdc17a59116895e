package probe

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/salvor-io/salvor/events"
)

const (
	maxPayload = 4 << 10 // bytes of a probe
	maxBy      = 128     // bytes of the name of a prober
	maxTook    = 60      // seconds
)

// Read reads a probe that somebody else made, and says what keeps it from being one. Fields that it does not know are left out: a
// witness may be newer than who reads.
func Read(data []byte) (events.Probe, error) {
	if len(data) > maxPayload {
		return events.Probe{}, fmt.Errorf("probe carries %d bytes, at most %d are taken", len(data), maxPayload)
	}
	var p events.Probe
	if err := json.Unmarshal(data, &p); err != nil {
		return events.Probe{}, fmt.Errorf("read probe: %w", err)
	}
	p.Expires = p.Expires.UTC()
	return p, check(p)
}

func check(p events.Probe) error {
	switch {
	case !known(p.Target):
		return fmt.Errorf("probe has the target %.40q, want %s or %s", p.Target, TargetAPIServer, TargetEtcd)
	case p.By == "" || len(p.By) > maxBy || strings.Contains(p.By, "/") || !isLine(p.By):
		return fmt.Errorf("probe is by %.40q, which is no name", p.By)
	case p.Up && p.Reason != "":
		return errors.New("probe is up and says why it is not")
	case !p.Up && p.Reason == "":
		return errors.New("probe is not up and does not say why")
	case len(p.Reason) > maxReason || !isLine(p.Reason):
		return fmt.Errorf("reason of the probe is no line of at most %d bytes", maxReason)
	case p.Took < 0 || p.Took > maxTook:
		return fmt.Errorf("probe took %g s, want at most %d", p.Took, maxTook)
	case !p.Expires.IsZero() && (p.Expires.Year() < 1970 || p.Expires.Year() > 9998):
		return fmt.Errorf("certificate of the probe expires in the year %d", p.Expires.Year())
	}
	return nil
}

func isLine(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}
