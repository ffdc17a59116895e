package rego

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// scalar holds one value against its type, the values that it may have, and the form that it is to have.
func (c settingsCheck) scalar(at string, n *yaml.Node, of reflect.Type, tag reflect.StructTag) {
	if n.Kind != yaml.ScalarNode {
		c.wrong(n, at, "want one value, not %s", formOf(n))
		return
	}
	if of.Kind() == reflect.Int {
		c.number(at, n, tag)
		return
	}
	if err := c.text(n, tag); err != nil {
		c.wrong(n, at, "%s", err)
	}
}

func (c settingsCheck) number(at string, n *yaml.Node, tag reflect.StructTag) {
	least, _ := strconv.Atoi(tag.Get("least"))
	if got, err := strconv.Atoi(n.Value); err != nil || n.Tag != "!!int" || got < least {
		c.wrong(n, at, "want a whole number of at least %d, not %s", least, formOf(n))
	}
}

func (c settingsCheck) text(n *yaml.Node, tag reflect.StructTag) error {
	if n.Tag != "!!str" && n.Tag != "!!timestamp" {
		return fmt.Errorf("want text, not %s: put it in quotes", n.Value)
	}
	if values := listed(tag, "oneof"); values != nil && !slices.Contains(values, n.Value) {
		return fmt.Errorf("%s", never(n.Value, values))
	}
	form := map[string]func(string) error{"group": c.group, "answer": c.isAnswerTime, "zone": isTimeZone, "clock": isClock, "instant": isInstant, "name": isName}[tag.Get("form")]
	if form == nil {
		return nil
	}
	return form(n.Value)
}

// group is a name that the settings have for groups of people. While there is no telling which they have, any is.
func (c settingsCheck) group(text string) error {
	if _, known := c.groups[text]; known || c.groups == nil {
		return nil
	}
	var names []string
	for name := range c.groups {
		names = append(names, name)
	}
	slices.Sort(names)
	return fmt.Errorf("salvor.config.groups has no %q%s; it has %s", text, meant(text, names), strings.Join(names, ", "))
}

func (c settingsCheck) isAnswerTime(text string) error {
	d, err := time.ParseDuration(text)
	switch {
	case err != nil || d <= 0:
		return fmt.Errorf("want a duration above zero such as 10m, not %q", text)
	case !c.taken:
		return answerable(d)
	}
	return nil
}

// isTimeZone refuses Local, which differs from machine to machine.
func isTimeZone(text string) error {
	if _, err := time.LoadLocation(text); err != nil || text == "" || text == "Local" {
		return fmt.Errorf("want a time zone such as Europe/Berlin, not %q", text)
	}
	return nil
}

func isClock(text string) error {
	if _, err := time.Parse("15:04", text); err != nil || len(text) != len("15:04") {
		return fmt.Errorf("want a time of day such as \"08:00\", not %q", text)
	}
	return nil
}

func isInstant(text string) error {
	if _, err := time.Parse(time.RFC3339, text); err != nil {
		return fmt.Errorf("want a time such as \"2026-12-20T00:00:00Z\", not %q", text)
	}
	return nil
}

// instantOf is zero for what is no instant.
func instantOf(n *yaml.Node) time.Time {
	if n == nil {
		return time.Time{}
	}
	at, _ := time.Parse(time.RFC3339, n.Value) // the zero time on an error, which isInstant tells
	return at
}

func isName(text string) error {
	if strings.TrimSpace(text) == "" {
		return fmt.Errorf("it is empty: people read it")
	}
	return nil
}
