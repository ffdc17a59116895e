package config

import (
	"slices"
	"strings"

	"github.com/salvor-io/salvor/classifiers"
)

// Chat says where incidents are shown to people, and what of it they decide by.
type Chat struct {
	Slack          *Slack        `yaml:"slack"` // nil: there is no Slack
	Webhooks       []Webhook     `yaml:"webhooks"`
	LinkSecretFile string        `yaml:"link_secret_file"` // signs the links of webhooks, the same for all replicas
	Channels       []ChatChannel `yaml:"channels"`
}

// Slack is one workspace of Slack.
type Slack struct {
	Workspace         string            `yaml:"workspace"` // its team id; buttons that people of others press do not count
	BotTokenFile      string            `yaml:"bot_token_file"`
	Mode              string            `yaml:"mode"`                // socket: Salvor opens a connection to Slack; http: Slack posts to external_url
	AppTokenFile      string            `yaml:"app_token_file"`      // for socket
	SigningSecretFile string            `yaml:"signing_secret_file"` // for http
	APIURL            string            `yaml:"api_url"`             // of a proxy; "" for Slack's own
	Groups            map[string]string `yaml:"groups"`              // Salvor's groups to user groups of Slack, which are mentioned
}

func (s *Slack) setDefaults() { s.Mode = "socket" }

// Webhook is an address that cards are posted to.
type Webhook struct {
	Name         string `yaml:"name"`
	URL          string `yaml:"url"`
	SecretFile   string `yaml:"secret_file"`   // signs each post
	TemplateFile string `yaml:"template_file"` // a Go template that makes the JSON; "" for all fields of the card
}

// ChatChannel is one place where incidents are shown.
type ChatChannel struct {
	To       string             `yaml:"to"`       // slack:C0123, or webhook:name
	Clusters []string           `yaml:"clusters"` // empty: all
	Kinds    []classifiers.Kind `yaml:"kinds"`    // empty: all
}

// Via is what shows the channel, and how that knows it: "slack" and "C0123".
func (c ChatChannel) Via() (via, id string) {
	via, id, _ = strings.Cut(c.To, ":")
	return via, id
}

// takes says whether faults of a kind in a cluster are shown there.
func (c ChatChannel) takes(cluster string, kind classifiers.Kind) bool {
	return (len(c.Clusters) == 0 || slices.Contains(c.Clusters, cluster)) && (len(c.Kinds) == 0 || slices.Contains(c.Kinds, kind))
}

// configured says that incidents are to be shown somewhere.
func (c Chat) configured() bool { return c.Slack != nil || len(c.Webhooks) > 0 || len(c.Channels) > 0 }

func (c *Chat) paths() []*string {
	all := []*string{&c.LinkSecretFile}
	if s := c.Slack; s != nil {
		all = append(all, &s.BotTokenFile, &s.AppTokenFile, &s.SigningSecretFile)
	}
	for i := range c.Webhooks {
		all = append(all, &c.Webhooks[i].SecretFile, &c.Webhooks[i].TemplateFile)
	}
	return all
}
