package protection

import (
	"fmt"
	"strings"
	"time"
)

// Span is how long something is, as people say it: never shorter than it is.
func Span(d time.Duration) string {
	for _, unit := range []struct {
		of   time.Duration
		most int64
		name string
	}{{time.Second, 120, "s"}, {time.Minute, 180, "min"}, {time.Hour, 48, "h"}} {
		if n := int64((max(d, 0) + unit.of - 1) / unit.of); n <= unit.most {
			return fmt.Sprintf("%d %s", n, unit.name)
		}
	}
	return fmt.Sprintf("%d days", int64((d+24*time.Hour-1)/(24*time.Hour)))
}

// maxNamed bounds how many names one sentence lists.
const maxNamed = 5

// few names the first of a list.
func few(names []string) string {
	if len(names) <= maxNamed {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNamed], ", "), len(names)-maxNamed)
}

// maxText bounds what is told of a text that others wrote, in runes.
const maxText = 200

// line is a text of others in one line.
func line(text string) string {
	runes := []rune(strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " "))
	if len(runes) > maxText {
		return string(runes[:maxText]) + "..."
	}
	return string(runes)
}

// because adds why something is so, where that is known.
func because(why string) string {
	if why == "" {
		return ""
	}
	return ": " + line(why)
}

// day is a moment with its day.
func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
