package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/policies"
)

var (
	teamID    = regexp.MustCompile(`^T[A-Z0-9]+$`)
	channelID = regexp.MustCompile(`^[CG][A-Z0-9]+$`)
	groupID   = regexp.MustCompile(`^S[A-Z0-9]+$`)
)

// chat checks where incidents are shown, and that people hear of each fault that they are to be asked about.
func (c *check) chat(cfg *Config) {
	chat := cfg.Chat
	if chat.Slack != nil {
		c.slack("chat.slack", *chat.Slack)
	}
	seen := map[string]int{}
	for i, hook := range chat.Webhooks {
		key := fmt.Sprintf("chat.webhooks[%d]", i)
		c.name(key+".name", hook.Name, seen)
		c.webURL(key+".url", hook.URL)
		c.wrong(hook.SecretFile != "", key+".secret_file", "name the file that holds the secret", "without one the receiver cannot know that a post is Salvor's")
		c.secret(key+".secret_file", hook.SecretFile)
		c.readable(key+".template_file", hook.TemplateFile)
	}
	c.wrong(len(chat.Webhooks) == 0 || chat.LinkSecretFile != "", "chat.link_secret_file", "name a file that holds 32 random characters, the same for all replicas",
		"without it the links of webhooks prove nothing")
	c.secret("chat.link_secret_file", chat.LinkSecretFile)
	c.channels(cfg)
	c.reached(cfg)
}

func (c *check) slack(key string, s Slack) {
	c.wrong(teamID.MatchString(s.Workspace), key+".workspace", "copy the team id from the address of the workspace", "want an id such as T0123ABCD, not %q", s.Workspace)
	c.wrong(s.BotTokenFile != "", key+".bot_token_file", "name the file that holds the bot token (xoxb-...)", "without it nothing can be posted")
	c.wrong(s.Mode == "socket" || s.Mode == "http", key+".mode", "", "unknown mode %q, want socket or http", s.Mode)
	c.wrong((s.Mode == "socket") == (s.AppTokenFile != ""), key+".app_token_file", "name the file that holds the app token (xapp-...), or set mode: http", "it is what the mode socket needs, and nothing else does")
	c.wrong((s.Mode == "http") == (s.SigningSecretFile != ""), key+".signing_secret_file", "name the file that holds the signing secret, or set mode: socket", "it is what the mode http needs, and nothing else does")
	for _, f := range []struct{ key, path string }{{".bot_token_file", s.BotTokenFile}, {".app_token_file", s.AppTokenFile}, {".signing_secret_file", s.SigningSecretFile}} {
		c.secret(key+f.key, f.path)
	}
	if s.APIURL != "" {
		c.webURL(key+".api_url", s.APIURL)
	}
	for _, group := range slices.Sorted(maps.Keys(s.Groups)) {
		c.wrong(groupID.MatchString(s.Groups[group]), key+".groups."+group, "copy the id of the user group from Slack", "want an id such as S0123ABCD, not %q", s.Groups[group])
	}
}

// channels checks that each channel is one that is there.
func (c *check) channels(cfg *Config) {
	seen := map[string]int{}
	for i, to := range cfg.Chat.Channels {
		key := fmt.Sprintf("chat.channels[%d]", i)
		via, id := to.Via()
		switch via {
		case "slack":
			c.wrong(cfg.Chat.Slack != nil, key+".to", "set chat.slack", "it is a channel of Slack, and no workspace is given")
			c.wrong(channelID.MatchString(id), key+".to", "copy the channel's id from Slack: names change", "want slack: and an id such as C0123ABCD, not %q", to.To)
		case "webhook":
			known := slices.ContainsFunc(cfg.Chat.Webhooks, func(w Webhook) bool { return w.Name == id })
			c.wrong(known, key+".to", "list it under chat.webhooks, or correct the name", "no webhook is named %q", id)
		default:
			c.wrong(false, key+".to", "", "want slack:C0123ABCD or webhook:name, not %q", to.To)
		}
		first, twice := seen[to.To]
		c.wrong(!twice, key+".to", "list its clusters and kinds in one place", "it is used before, in line %d", first)
		seen[to.To] = c.lineOf(key)
		for n, cluster := range to.Clusters {
			c.wrong(cfg.has(cluster), fmt.Sprintf("%s.clusters[%d]", key, n), "list it under clusters, or correct the name", "no cluster is named %q", cluster)
		}
		c.kinds(key+".kinds", to.Kinds)
	}
}

// reached finds faults that people are to be asked about and that no channel shows. Without chat they look at the console and the command line.
func (c *check) reached(cfg *Config) {
	if !cfg.Chat.configured() {
		return
	}
	for i, cluster := range cfg.Clusters {
		for _, kind := range classifiers.Kinds() {
			mode := cluster.Mode(kind)
			shown := slices.ContainsFunc(cfg.Chat.Channels, func(to ChatChannel) bool { return to.takes(cluster.Name, kind) })
			c.wrong(mode < policies.ModeAsk || shown, fmt.Sprintf("clusters[%d].modes.%s", i, kind), "add one to chat.channels, or set the mode to suggest",
				"people may be asked about it in mode %s, and no channel shows it", mode)
		}
	}
}
