package timeline

import (
	"regexp"
	"strings"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
)

// Next is the command that helps most where the incident stands.
func Next(c Case) string {
	inc := c.Incident
	switch inc.State {
	case incident.Held:
		return whileHeld(c)
	case incident.Awaiting:
		return "salvor approve " + inc.Name() + " --plan " + inc.Approval.Plan.ShortDigest()
	case incident.HandedOver:
		if plan, _ := lastPlan(inc); plan != nil {
			return "salvor plan " + inc.Name()
		}
		return lookAt(inc)
	case incident.Standing:
		return lookAt(inc)
	case incident.Recovered, incident.Ended:
		return "salvor incidents report " + inc.Name()
	}
	return "salvor incidents watch"
}

// whileHeld leads to the switch when a pause holds the plan, otherwise to the plan and what a person would type.
func whileHeld(c Case) string {
	d := c.Incident.Decision
	if d == nil || d.Plan == nil {
		return lookAt(c.Incident)
	}
	for _, why := range d.Answer.Held {
		if why.Rule != "pause" {
			continue
		}
		for _, p := range c.Asked[d.Ref].Pauses {
			if p.Holds(c.Asked[d.Ref]) {
				return Resume(p)
			}
		}
		return "salvor pauses"
	}
	return "salvor plan " + c.Incident.Name()
}

// Resume is the command that ends a pause.
func Resume(p policies.Pause) string {
	command := []string{"salvor resume"}
	for _, flag := range []struct{ name, value string }{{"--cluster", p.Cluster}, {"--kind", p.Kind}, {"--target", p.Target}} {
		if flag.value != "" {
			command = append(command, flag.name, word(flag.value))
		}
	}
	return strings.Join(command, " ")
}

// TakeBack is the command that takes back what a person declared.
func TakeBack(cluster string, d events.Declared) string {
	return "salvor declare --end " + Declared(d) + " --cluster " + word(cluster)
}

// Declared is what a declaration is about, as the command takes it: the kind, and a name.
func Declared(d events.Declared) string {
	name := d.Name
	if d.Kind != d.Anchor && d.Anchor != "namespace" {
		name = d.Anchor + "/" + name
	}
	return word(d.Kind) + " " + word(name)
}

// lookAt is how a person looks at what is broken.
func lookAt(inc *incident.Incident) string {
	if inc.Fault.Anchor.Kind == "node" {
		return "kubectl describe node " + word(inc.Fault.Anchor.Name)
	}
	return "salvor incidents watch"
}

var safeWord = regexp.MustCompile(`^[a-zA-Z0-9._/:=-]+$`)

// word is text as one word of a shell: what is pasted does not do more than it shows.
func word(text string) string {
	if safeWord.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(Plain(text), "'", `'\''`) + "'"
}
