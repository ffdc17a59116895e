// Package password checks what people type to log in to the console, against bcrypt hashes, and takes its time with those who guess.
package password

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"
)

const (
	cost      = 12
	leastCost = 10
	mostCost  = 15  // a hash that takes longer to check would be a way to keep Salvor busy
	least     = 12  // characters of a password
	most      = 72  // bytes, as bcrypt reads no more
	mostName  = 100 // bytes of a name that is looked at
	atOnce    = 2   // checks: each keeps a processor busy
)

// Hash is the bcrypt hash of a password.
func Hash(password string) (string, error) {
	switch {
	case len([]rune(password)) < least:
		return "", fmt.Errorf("the password has fewer than %d characters: take a longer one", least)
	case len(password) > most:
		return "", fmt.Errorf("the password has more than %d bytes, and bcrypt reads no more: take a shorter one", most)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	return string(hash), err
}

// CheckHash says why a text is no hash to check passwords against, or nil.
func CheckHash(hash string) error {
	strength, err := bcrypt.Cost([]byte(plain(hash)))
	switch {
	case err != nil:
		return errors.New("it is no bcrypt hash, such as salvor print password-hash makes")
	case strength < leastCost || strength > mostCost:
		return fmt.Errorf("the hash has cost %d, want %d to %d", strength, leastCost, mostCost)
	}
	return nil
}

// plain is a hash without the name before it that htpasswd writes.
func plain(hash string) string {
	if at := strings.Index(hash, ":$2"); at >= 0 {
		return hash[at+1:]
	}
	return hash
}

// Book holds the hashes of people's passwords. It is safe for concurrent use.
type Book struct {
	hashes map[string][]byte
	nobody [][]byte // checked against for names that nobody has, so that they take as long: one of each cost that there is
	tries  *tries
	turns  chan struct{}
}

// NewBook makes a book of hashes by name.
func NewBook(hashes map[string]string, clock func() time.Time) (*Book, error) {
	b := &Book{hashes: map[string][]byte{}, turns: make(chan struct{}, atOnce)}
	b.tries = newTries(clock, b.Has)
	costs := map[int]bool{}
	for name, hash := range hashes {
		if err := CheckHash(hash); err != nil {
			return nil, fmt.Errorf("read the password of %s: %w", name, err)
		}
		b.hashes[name] = []byte(plain(hash))
		strength, _ := bcrypt.Cost(b.hashes[name]) // it was read above
		costs[strength] = true
	}
	for _, strength := range slices.Sorted(maps.Keys(costs)) {
		hash, err := bcrypt.GenerateFromPassword([]byte("nobody has this password"), strength)
		if err != nil {
			return nil, err
		}
		b.nobody = append(b.nobody, hash)
	}
	return b, nil
}

// stranger is the hash that is checked against for a name that nobody has: always the same, as it would be if somebody had it.
func (b *Book) stranger(name string) []byte {
	sum := sha256.Sum256([]byte(name))
	return b.nobody[int(sum[0])%len(b.nobody)]
}

// Empty says that nobody has a password.
func (b *Book) Empty() bool { return len(b.hashes) == 0 }

// Has says that somebody of a name has a password.
func (b *Book) Has(name string) bool { return b.hashes[name] != nil }

// Check says whether a password, typed at an address, is that of a name. Who tries too often, or a name that is tried too often, is refused
// for a while whatever is typed, and each time for longer. How long it takes does not say whether there is such a name.
func (b *Book) Check(ctx context.Context, name, from, password string) bool {
	if b.Empty() || len(password) > most || len(name) > mostName || !b.tries.may(name, from) {
		return false
	}
	select {
	case b.turns <- struct{}{}:
		defer func() { <-b.turns }()
	case <-ctx.Done():
		return false
	}
	hash, known := b.hashes[name]
	if !known {
		hash = b.stranger(name)
	}
	if err := bcrypt.CompareHashAndPassword(hash, []byte(password)); err != nil || !known {
		return false
	}
	b.tries.forget(name, from)
	return true
}
