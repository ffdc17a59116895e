package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/internal/config"
)

func modesOf(c config.Cluster) string {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(c.Modes)) {
		parts = append(parts, string(kind)+" "+c.Modes[kind].String())
	}
	return strings.Join(append(parts, "else observe"), ", ")
}

func canAct(c config.Cluster) string {
	if c.Act == nil {
		return "no credentials"
	}
	return "credentials given"
}

func powerOf(c config.Cluster) string {
	switch {
	case c.Power == nil:
		return "no switch"
	case c.Power.HTTP != nil:
		return "by HTTP"
	}
	return "by command"
}
