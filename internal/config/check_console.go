package config

import (
	"fmt"

	"github.com/salvor-io/salvor/internal/password"
)

// leastSessionKey is how many characters the key of sessions has at least.
const leastSessionKey = 32

// console checks how people are known in the console.
func (c *check) console(cfg *Config) {
	const key = "console.session_key_file"
	text := c.secret(key, cfg.Console.SessionKeyFile)
	c.wrong(text == "" || len(text) >= leastSessionKey, key, "openssl rand -hex 32 > "+cfg.Console.SessionKeyFile, "it has %d characters, want at least %d", len(text), leastSessionKey)
	c.warn(cfg.NATS.URL != "" && cfg.Console.SessionKeyFile == "", key, "give all replicas one and the same key",
		"who is logged in at one replica is not known to the others")
	for i, p := range cfg.People {
		key := fmt.Sprintf("people[%d].password_file", i)
		if text := c.secret(key, p.PasswordFile); text != "" {
			err := password.CheckHash(text)
			c.wrong(err == nil, key, "salvor print password-hash > "+p.PasswordFile, "%v", err)
		}
	}
}
