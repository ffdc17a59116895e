package people

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"os/user"
	"slices"
	"strconv"
	"strings"
)

// Entry is one person, and how they are recognised: by the hash of their token, by their accounts elsewhere, or both.
type Entry struct {
	Name        string
	Role        Role
	Groups      []string
	TokenSHA256 [sha256.Size]byte // see HashToken; zero where they have none
	Accounts    []Account
	Email       string // "" where they have none, or none that counts
}

// Account is somebody as another system knows them, by an id of that system and never by a name that people give themselves.
type Account struct {
	Via   string // the system: ViaSlack, ViaOIDC
	Place string // whose account it is: a Slack workspace; an issuer
	ID    string // the id there: a Slack user's; the subject
}

// HashToken is the TokenSHA256 of a token.
func HashToken(token string) [sha256.Size]byte { return sha256.Sum256([]byte(token)) }

// Directory knows everybody. It never changes and is safe for concurrent use.
type Directory struct {
	entries []Entry
	owner   int // the user id the server runs as
}

// NewDirectory makes a directory. Over the Unix socket, root and the owner, a user id, are admins. Two people of one name, token or
// account, an empty name or token, a person without a role, and one whom nothing tells from others are errors.
func NewDirectory(entries []Entry, owner int) (*Directory, error) {
	names, tokens, accounts := map[string]bool{}, map[[sha256.Size]byte]bool{}, map[Account]bool{}
	for _, e := range entries {
		switch {
		case e.Name == "":
			return nil, errors.New("list people: a name is empty")
		case e.Role < Viewer || e.Role > Admin:
			return nil, fmt.Errorf("list people: %s has no role", e.Name)
		case e.TokenSHA256 == HashToken("") || !e.recognisable():
			return nil, fmt.Errorf("list people: the token of %s is empty", e.Name)
		case names[strings.ToLower(e.Name)]:
			return nil, fmt.Errorf("list people: %s is listed twice", e.Name)
		case e.hasToken() && tokens[e.TokenSHA256]:
			return nil, fmt.Errorf("list people: %s has the token of somebody else", e.Name)
		}
		for _, a := range e.Accounts {
			if a.Via == "" || a.ID == "" || accounts[a] {
				return nil, fmt.Errorf("list people: the account %q of %s is empty, or somebody else's, too", a.ID, e.Name)
			}
			accounts[a] = true
		}
		names[strings.ToLower(e.Name)], tokens[e.TokenSHA256] = true, true
	}
	return &Directory{slices.Clone(entries), owner}, nil
}

func (e Entry) hasToken() bool { return e.TokenSHA256 != [sha256.Size]byte{} }

// recognisable says that something tells this person from others.
func (e Entry) recognisable() bool { return e.hasToken() || len(e.Accounts) > 0 || e.Email != "" }

func (e Entry) person(via string) Person {
	return Person{Name: e.Name, Role: e.Role, Groups: e.Groups, Via: via}
}

// ByName finds somebody who is listed, by exactly their name there. How they proved it is for the caller to say.
func (d *Directory) ByName(name string) (Person, bool) {
	for _, e := range d.entries {
		if e.Name == name {
			return e.person(""), true
		}
	}
	return Person{}, false
}

// Names says whether a name is that of somebody who is listed or who comes over the Unix socket, in whatever case it is written: nobody
// else may have it.
func (d *Directory) Names(name string) bool {
	return slices.ContainsFunc(d.entries, func(e Entry) bool { return strings.EqualFold(e.Name, name) }) ||
		strings.EqualFold(name, userName(0)) || strings.EqualFold(name, userName(d.owner))
}

// ByEmail finds whose address it is, in whatever case it is written. An address of two people is nobody's, and ambiguous. That it is theirs,
// as somebody trusted has verified, is for the caller to know, and how they proved it for the caller to say.
func (d *Directory) ByEmail(email string) (p Person, found, ambiguous bool) {
	for _, e := range d.entries {
		if e.Email == "" || !strings.EqualFold(e.Email, email) {
			continue
		}
		if found {
			return Person{}, false, true
		}
		p, found = e.person(""), true
	}
	return p, found, false
}

// ByAccount finds whose account it is. An account that is nobody's is of a stranger, whatever name they show.
func (d *Directory) ByAccount(a Account) (Person, bool) {
	for _, e := range d.entries {
		if slices.Contains(e.Accounts, a) {
			return e.person(a.Via), true
		}
	}
	return Person{}, false
}

// byToken finds whose token it is. Its time depends neither on the token nor on whose it is: hashes are compared in
// constant time, and always all of them.
func (d *Directory) byToken(token string) (Person, bool) {
	hash, found := HashToken(token), -1
	for i := range d.entries {
		same := subtle.ConstantTimeCompare(hash[:], d.entries[i].TokenSHA256[:])
		found = subtle.ConstantTimeSelect(same, i, found)
	}
	if found < 0 {
		return Person{}, false
	}
	return d.entries[found].person(ViaToken), true
}

// byUser finds who a user of this machine is.
func (d *Directory) byUser(uid int) (Person, bool) {
	if uid != 0 && uid != d.owner {
		return Person{}, false
	}
	return Person{Name: userName(uid), Role: Admin, Via: ViaSocket}, true
}

func userName(uid int) string {
	id := strconv.Itoa(uid)
	if u, err := user.LookupId(id); err == nil && u.Username != "" {
		return u.Username
	}
	return "uid " + id
}
