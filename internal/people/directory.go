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

// Entry is one person with the hash of their token.
type Entry struct {
	Name        string
	Role        Role
	Groups      []string
	TokenSHA256 [sha256.Size]byte // see HashToken
}

// HashToken is the TokenSHA256 of a token.
func HashToken(token string) [sha256.Size]byte { return sha256.Sum256([]byte(token)) }

// Directory knows everybody. It never changes and is safe for concurrent use.
type Directory struct {
	entries []Entry
	owner   int // the user id the server runs as
}

// NewDirectory makes a directory. Over the Unix socket, root and the owner, a user id, are admins. Two people of one name or
// token, an empty name or token, and a person without a role are errors.
func NewDirectory(entries []Entry, owner int) (*Directory, error) {
	names, tokens := map[string]bool{}, map[[sha256.Size]byte]bool{}
	for _, e := range entries {
		switch {
		case e.Name == "":
			return nil, errors.New("list people: a name is empty")
		case e.Role < Viewer || e.Role > Admin:
			return nil, fmt.Errorf("list people: %s has no role", e.Name)
		case e.TokenSHA256 == [sha256.Size]byte{} || e.TokenSHA256 == HashToken(""):
			return nil, fmt.Errorf("list people: the token of %s is empty", e.Name)
		case names[strings.ToLower(e.Name)]:
			return nil, fmt.Errorf("list people: %s is listed twice", e.Name)
		case tokens[e.TokenSHA256]:
			return nil, fmt.Errorf("list people: %s has the token of somebody else", e.Name)
		}
		names[strings.ToLower(e.Name)], tokens[e.TokenSHA256] = true, true
	}
	return &Directory{slices.Clone(entries), owner}, nil
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
	e := d.entries[found]
	return Person{Name: e.Name, Role: e.Role, Groups: e.Groups, Via: "token"}, true
}

// byUser finds who a user of this machine is.
func (d *Directory) byUser(uid int) (Person, bool) {
	if uid != 0 && uid != d.owner {
		return Person{}, false
	}
	return Person{Name: userName(uid), Role: Admin, Via: "socket"}, true
}

func userName(uid int) string {
	id := strconv.Itoa(uid)
	if u, err := user.LookupId(id); err == nil && u.Username != "" {
		return u.Username
	}
	return "uid " + id
}
