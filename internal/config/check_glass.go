package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/internal/people"
)

// breakGlass checks who may have a plan run without policy: at least two people, who are known and may do more than read. Nobody at all is
// no mistake.
func (c *check) breakGlass(cfg *Config) {
	names := map[string]bool{}
	for i, name := range cfg.BreakGlass {
		key := fmt.Sprintf("break_glass[%d]", i)
		at := slices.IndexFunc(cfg.People, func(p Person) bool { return p.Name == name })
		c.wrong(at >= 0, key, "name one of people", "nobody of people is %q", name)
		c.wrong(at < 0 || cfg.People[at].Role >= people.Operator, key, "give them the role operator", "%s only reads", name)
		c.wrong(!names[strings.ToLower(name)], key, "name somebody else", "%s is named twice, and two people are needed", name)
		names[strings.ToLower(name)] = true
	}
	c.wrong(len(cfg.BreakGlass) != 1, "break_glass", "name another person, or nobody", "two people are needed, and one is named")
}
