package config

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/salvor-io/salvor/internal/people"
)

func (c *check) people(cfg *Config) {
	seen, accounts, emails := map[string]int{}, map[string]int{}, map[string]int{}
	for i, p := range cfg.People {
		key := fmt.Sprintf("people[%d]", i)
		c.name(key+".name", p.Name, seen)
		c.wrong(p.Role != people.Nobody, key+".role", "give viewer, operator or admin", "the role is missing")
		c.recognised(key, p, cfg)
		c.token(key+".token_file", p.TokenFile)
		c.slackAccount(key+".slack", p.Slack, cfg.Chat.Slack, accounts)
		c.subject(key+".oidc", p.Subject, cfg.OIDC, accounts)
		c.email(key+".email", p.Email, emails)
		c.warn(p.Email != "" && cfg.OIDC == nil, key+".email", "set oidc, with match_email where they are to log in by it, or take it out", "it has no use: no identity provider is given")
		for n, group := range p.Groups {
			c.wrong(plainName.MatchString(group), fmt.Sprintf("%s.groups[%d]", key, n), "",
				"want a name of letters, digits, '-', '_' and '.', not %q", group)
		}
	}
}

// recognised checks that there is a way to know that somebody is this person.
func (c *check) recognised(key string, p Person, cfg *Config) {
	byEmail := p.Email != "" && cfg.OIDC != nil && cfg.OIDC.MatchEmail
	c.wrong(p.TokenFile != "" || p.PasswordFile != "" || p.Slack != nil || p.Subject != "" || byEmail, key+".token_file",
		"name the file that holds the token, or give password_file, slack or oidc", "without a token, a password or an account nobody can be known to be this person")
}

var (
	slackWorkspace = regexp.MustCompile(`^[TE][A-Z0-9]{2,20}$`)
	slackUser      = regexp.MustCompile(`^[UW][A-Z0-9]{2,20}$`)
)

func (c *check) slackAccount(key string, a *SlackAccount, chat *Slack, seen map[string]int) {
	if a == nil {
		return
	}
	c.wrong(slackWorkspace.MatchString(a.Workspace), key+".workspace", "copy it from Slack's address: https://app.slack.com/client/T...",
		"want the id of a workspace, such as T0123ABCD, not %q", a.Workspace)
	c.wrong(chat == nil || a.Workspace == chat.Workspace, key+".workspace", "correct one of them",
		"it is not that of chat.slack.workspace, so nothing that they press there counts")
	c.wrong(slackUser.MatchString(a.User), key+".user", "copy it from the profile in Slack: Copy member ID",
		"want the id of a member, such as U0123ABCD, not %q", a.User)
	c.once(key, "slack "+a.Workspace+"/"+a.User, seen)
}

// maxSubject is the longest subject that OpenID Connect has.
const maxSubject = 255

func (c *check) subject(key, subject string, provider *OIDC, seen map[string]int) {
	if subject == "" {
		return
	}
	c.wrong(len(subject) <= maxSubject, key, "", "a subject has at most %d bytes, this one has %d", maxSubject, len(subject))
	c.wrong(provider != nil, key, "set oidc.issuer and oidc.client_id, too", "it is who they are to an identity provider, and none is given")
	c.once(key, "oidc "+subject, seen)
}

// once checks that an account is one person's.
func (c *check) once(key, account string, seen map[string]int) {
	first, twice := seen[account]
	c.wrong(!twice, key, "list each person once", "it is the account of the person before, in line %d", first)
	seen[account] = c.lineOf(key)
}

var plainEmail = regexp.MustCompile(`^[^@\s"<>]+@[^@\s"<>]+$`)

func (c *check) email(key, email string, seen map[string]int) {
	if email == "" {
		return
	}
	c.wrong(plainEmail.MatchString(email), key, "", "want one address, such as ada@example.org, not %q", email)
	first, twice := seen[strings.ToLower(email)]
	c.warn(twice, key, "give each their own", "it is that of another person, too, in line %d, and nobody is known by it", first)
	seen[strings.ToLower(email)] = c.lineOf(key)
}

// oidc checks the identity provider.
func (c *check) oidc(cfg *Config) {
	o := cfg.OIDC
	if o == nil {
		return
	}
	c.webURL("oidc.issuer", o.Issuer)
	c.wrong(!strings.HasPrefix(o.Issuer, "http://") || isLocal(hostOf(o.Issuer)), "oidc.issuer", "use its https address",
		"who people are would be told in the clear, and by whoever is in between")
	c.wrong(o.ClientID != "", "oidc.client_id", "register Salvor there, and give the id that it got", "it is empty")
	c.wrong(o.GroupsClaim != "", "oidc.groups_claim", "name the claim, or take the key out for groups", "it is empty")
	c.secret("oidc.client_secret_file", o.ClientSecretFile)
	c.readable("oidc.ca_file", o.CAFile)
	c.oidcRoles(o.Roles)
	c.warn(o.ClientSecretFile != "" && o.CLIClientID == "", "oidc.client_secret_file", "register a public client, too, and give its id as oidc.cli_client_id",
		"nobody can use salvor login, since a secret cannot be given to every laptop")
	twice := o.asTwo(cfg.People)
	c.warn(len(twice) > 0, "oidc.roles", "give each of them oidc, or email, under people",
		"the provider may know them under another name, under which they could approve a second time: %s", strings.Join(twice, ", "))
	c.warn(!o.knowsAnybody(cfg.People), "oidc.roles", "list groups there, or subjects under people", "nobody can log in: no group has a role, and nobody listed has an account there")
}

func (c *check) oidcRoles(r OIDCRoles) {
	for name, groups := range map[string][]string{"viewer": r.Viewer, "operator": r.Operator, "admin": r.Admin} {
		for n, group := range groups {
			c.wrong(strings.TrimSpace(group) != "", fmt.Sprintf("oidc.roles.%s[%d]", name, n), "name a group, or take it out", "it is empty")
		}
	}
}

// asTwo are those who are listed, may vote, and are not known from others where a group of the provider gives somebody a role who may, too.
func (o *OIDC) asTwo(list []Person) (names []string) {
	if len(o.Roles.Operator)+len(o.Roles.Admin) == 0 {
		return nil
	}
	for _, p := range list {
		if p.Role >= people.Operator && p.Subject == "" && p.Email == "" {
			names = append(names, p.Name)
		}
	}
	return names
}

func (o *OIDC) knowsAnybody(list []Person) bool {
	for _, p := range list {
		if p.Subject != "" || o.MatchEmail && p.Email != "" {
			return true
		}
	}
	return len(o.Roles.Viewer)+len(o.Roles.Operator)+len(o.Roles.Admin) > 0
}
