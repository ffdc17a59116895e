package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/internal/ledger"
)

var (
	// ErrNotHeld is wrapped by the error of an activation of what is not held.
	ErrNotHeld = errors.New("it is not held")
	// ErrAuthor is wrapped by the error of an activation by the author, or of what nobody is known to have written.
	ErrAuthor = errors.New("another person has to do that")
)

// Activate brings the held policy into force, since a person says so. It is refused with ErrNotHeld when that revision is not the one that is
// held, and with ErrAuthor when the person wrote it. It may be repeated: what is in force already is not held any more.
func (r *Rollout) Activate(ctx context.Context, person, revision, reason string) (Standing, error) {
	for range maxRaces {
		now, err := r.read(ctx)
		if err != nil {
			return Standing{}, err
		}
		if err := r.mayActivate(now, person, revision); err != nil {
			return Standing{}, err
		}
		if _, err := r.rules(ctx, revision); err != nil {
			return Standing{}, fmt.Errorf("use policy %s: %w", revision, err)
		}
		offer := now.held.Offer
		text := fmt.Sprintf("%s activated policy %s of %s, which %s wrote", person, revision, offer.Source, offer.Author)
		if reason != "" {
			text += ": " + reason
		}
		err = r.append(ctx, now, entryActivated, person, text, detail{Offer: offer, Reason: reason})
		if errors.Is(err, ledger.ErrLost) {
			continue
		}
		if err != nil {
			return Standing{}, err
		}
		r.Log.Info("policy activated", "revision", revision, "person", person, "author", offer.Author, "reason", reason)
		if err := r.follow(ctx); err != nil {
			r.Log.Warn("the activated policy is not taken over yet, will try again", "error", err)
		}
		return Standing{Offer: offer, Since: r.Clock().UTC(), By: person, Report: now.held.Report}, nil
	}
	return Standing{}, fmt.Errorf("activate policy %s: others were faster %d times", revision, maxRaces)
}

func (r *Rollout) mayActivate(now *state, person, revision string) error {
	switch held := now.held; {
	case now.inForce.is(revision):
		return fmt.Errorf("policy %s is in force since %s: %w", revision, now.inForce.Since.Format("2006-01-02 15:04:05 MST"), ErrNotHeld)
	case held == nil:
		return fmt.Errorf("no policy is held: %w", ErrNotHeld)
	case held.Revision != revision:
		return fmt.Errorf("the policy that is held is %s, and not %s: %w", held.Revision, revision, ErrNotHeld)
	case held.Author == "":
		return fmt.Errorf("it is not known who wrote policy %s, so nobody is known to be another; sign it, or change a file of it: %w", revision, ErrAuthor)
	case held.Author == person:
		return fmt.Errorf("%s wrote policy %s, and who writes a policy does not activate it: %s may: %w", person, revision, r.others(person), ErrAuthor)
	}
	return nil
}

// others are the admins but one.
func (r *Rollout) others(but string) string {
	names := slices.DeleteFunc(slices.Clone(r.Admins), func(name string) bool { return name == but })
	if len(names) == 0 {
		return "an admin, of whom salvor.yaml lists no other,"
	}
	return strings.Join(names, " or ")
}
