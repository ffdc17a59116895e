package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/salvor-io/salvor/internal/people"
)

// LinkLasts is how long a one-time link is good for.
const LinkLasts = 15 * time.Minute

// The errors of a one-time link.
var (
	ErrLinkBad  = errors.New("the link is damaged, or another salvor made it")
	ErrLinkOver = fmt.Errorf("the link was good for %d minutes, which are over", LinkLasts/time.Minute)
	ErrLinkUsed = errors.New("the link was used already, and is good once")
)

// Link makes the key of a one-time link, by which whoever has it becomes a person.
func (s *Sessions) Link(p people.Person) (string, error) {
	whose, err := s.holderOf(p)
	if err != nil {
		return "", err
	}
	return s.seal("link", session{whose, rand.Text(), s.Clock().Add(LinkLasts).UTC().Truncate(time.Second)})
}

// Linked is whom the key of a link stands for. It changes nothing: the link can be used afterwards.
func (s *Sessions) Linked(ctx context.Context, key string) (people.Person, error) {
	found, err := s.link(key)
	if err != nil {
		return people.Person{}, err
	}
	if used, err := s.Ended.HasEnded(ctx, found.ID); err != nil || used {
		return people.Person{}, errors.Join(err, usedUp(used))
	}
	return s.linked(found)
}

// UseLink is whom the key of a link stands for, once: whoever comes second is refused, at any replica.
func (s *Sessions) UseLink(ctx context.Context, key string) (people.Person, error) {
	found, err := s.link(key)
	if err != nil {
		return people.Person{}, err
	}
	first, err := s.Ended.End(ctx, found.ID, found.Expires)
	if err != nil {
		return people.Person{}, fmt.Errorf("use the link: %w", err)
	}
	if !first {
		return people.Person{}, ErrLinkUsed
	}
	return s.linked(found)
}

func (s *Sessions) link(key string) (session, error) {
	var found session
	if err := s.unseal("link", key, &found); err != nil {
		return found, ErrLinkBad
	}
	if !s.Clock().Before(found.Expires) {
		return found, ErrLinkOver
	}
	return found, nil
}

// linked is whom a link makes, as a session is to be opened for.
func (s *Sessions) linked(found session) (people.Person, error) {
	p, known := s.person(found.holder)
	if !known {
		return people.Person{}, ErrLinkBad
	}
	return p, nil
}

func usedUp(used bool) error {
	if used {
		return ErrLinkUsed
	}
	return nil
}
