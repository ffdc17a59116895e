package oidc

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/salvor-io/salvor/internal/people"
)

// Refused is why an ID token does not let somebody in, in one sentence for them.
type Refused struct{ Why string }

func (r *Refused) Error() string { return r.Why }

func refused(format string, args ...any) error { return &Refused{fmt.Sprintf(format, args...)} }

// Directory are the people who are listed.
type Directory interface {
	ByAccount(people.Account) (people.Person, bool)
	ByEmail(email string) (p people.Person, found, ambiguous bool)
	Names(name string) bool
}

// Mapping says who somebody is, by the claims about them.
type Mapping struct {
	Issuer      string
	Directory   Directory
	NameClaim   string // "": the verified email, or preferred_username
	GroupsClaim string
	Roles       map[people.Role][]string // the groups that have a role
	MatchEmail  bool
}

// claims are what a verified token says about somebody.
type claims map[string]json.RawMessage

// text is a claim that is a text, "" where it is none.
func (c claims) text(name string) string {
	var text string
	if json.Unmarshal(c[name], &text) != nil {
		return ""
	}
	return text
}

// says is whether a claim is true. Some providers write that as a text.
func (c claims) says(name string) bool {
	var so bool
	return json.Unmarshal(c[name], &so) == nil && so || c.text(name) == "true"
}

// verifiedEmail is the address that the provider has verified, "" where it has none.
func (c claims) verifiedEmail() string {
	if !c.says("email_verified") {
		return ""
	}
	return c.text("email")
}

// person is who somebody is: a *Refused says why they are nobody here.
func (m Mapping) person(subject string, c claims) (people.Person, error) {
	if p, ok := m.Directory.ByAccount(people.Account{Via: people.ViaOIDC, Place: m.Issuer, ID: subject}); ok {
		return p, nil
	}
	if email := c.verifiedEmail(); m.MatchEmail && email != "" {
		p, found, ambiguous := m.Directory.ByEmail(email)
		switch {
		case ambiguous:
			return people.Person{}, refused("your address %s is that of more than one person here, and so of nobody", email)
		case found:
			p.Via = people.ViaOIDC
			return p, nil
		}
	}
	return m.unlisted(subject, c)
}

// unlisted is somebody who is not listed: all that is known of them is claimed. Whoever claims the address of somebody who is listed, verified or
// not, is nobody: they may well be them, and would be two people then.
func (m Mapping) unlisted(subject string, c claims) (people.Person, error) {
	groups, err := m.groups(c)
	if err != nil {
		return people.Person{}, err
	}
	role := m.Role(groups)
	if role == people.Nobody {
		return people.Person{}, refused("the identity provider knows you, but you are not listed here, and no group of yours has a role")
	}
	if _, found, ambiguous := m.Directory.ByEmail(c.text("email")); found || ambiguous {
		return people.Person{}, refused("you have the address of somebody who is listed here, and nothing proves that you are them: have an admin of Salvor add oidc: %.255q to them in salvor.yaml", subject)
	}
	name, err := m.name(c)
	if err != nil {
		return people.Person{}, err
	}
	return people.Person{Name: name, Role: role, Groups: groups, Via: people.ViaOIDC, Subject: subject}, nil
}

// plain is a name that looks like no other: letters of other scripts look like those of this one.
var plain = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9@._+-]{0,126}$`)

func (m Mapping) name(c claims) (string, error) {
	name, claim := c.text(m.NameClaim), m.NameClaim
	if claim == "" {
		if name, claim = c.verifiedEmail(), "email"; name == "" {
			name, claim = c.text("preferred_username"), "preferred_username"
		}
	}
	switch {
	case !plain.MatchString(name):
		return "", refused("the identity provider gives you no name that can be used here: the claim %s has to be letters and digits", claim)
	case m.Directory.Names(name):
		return "", refused("the identity provider calls you %s, and that is the name of somebody who is listed here", name)
	}
	return name, nil
}

// The bounds of what one person's groups may be: each vote of theirs is stored with them.
const (
	maxGroups = 200
	maxGroup  = 128 // bytes
)

// groups reads the claim of that name: a list, or one text.
func (m Mapping) groups(c claims) ([]string, error) {
	if c.leftOut(m.GroupsClaim) {
		return nil, refused("the identity provider leaves out your groups, since there are too many: it has to be told to send only those that Salvor knows")
	}
	groups, err := c.list(m.GroupsClaim)
	tooLong := func(group string) bool { return group == "" || len(group) > maxGroup }
	switch {
	case err != nil || slices.ContainsFunc(groups, tooLong):
		return nil, refused("the claim %s of the identity provider holds no list of groups", m.GroupsClaim)
	case len(groups) > maxGroups:
		return nil, refused("the identity provider says that you are in %d groups, and more than %d are not read", len(groups), maxGroups)
	}
	return groups, nil
}

// leftOut says that the provider names another place where a claim is to be asked for, or says that there is more to it.
func (c claims) leftOut(claim string) bool {
	var names map[string]json.RawMessage
	if json.Unmarshal(c["_claim_names"], &names) == nil && names[claim] != nil {
		return true
	}
	return c[claim] == nil && c.says("hasgroups")
}

var errNoList = errors.New("it is no list of texts")

func (c claims) list(claim string) ([]string, error) {
	var list []string
	switch text := c.text(claim); {
	case c[claim] == nil:
		return nil, nil
	case text != "":
		return []string{text}, nil
	case json.Unmarshal(c[claim], &list) != nil:
		return nil, errNoList
	}
	return list, nil
}

// Role is the most powerful role that any of the groups has.
func (m Mapping) Role(groups []string) people.Role {
	for role := people.Admin; role > people.Nobody; role-- {
		if slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(m.Roles[role], g) }) {
			return role
		}
	}
	return people.Nobody
}
