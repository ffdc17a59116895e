package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// policyStays is how long a stored policy is not removed that nobody names yet: who stored it may be about to.
const policyStays = 10 * time.Minute

// policyRecord is a packed policy as it is stored.
type policyRecord struct {
	signature
	Revision string `json:"revision"`
	Pack     []byte `json:"pack"`
}

// StorePolicy keeps a packed policy under its revision. The first pack of a revision stays; storing it again changes nothing. After
// an events.ErrUnavailable it may be there; the call may be repeated.
func (l *Ledger) StorePolicy(ctx context.Context, revision string, pack []byte) error {
	subject, err := policySubject(revision)
	if err != nil {
		return fmt.Errorf("store policy: %w", err)
	}
	rec := policyRecord{l.sign(), revision, pack}
	data, err := Document(rec)
	if err != nil {
		return fmt.Errorf("store policy %s: %w", revision, err)
	}
	if _, err := l.store(ctx, rec.Nonce, write{subject: subject, data: data}); err != nil && !errors.Is(err, errRefused) {
		return fmt.Errorf("store policy %s: %w", revision, err)
	}
	return nil
}

// Policy reads what StorePolicy kept. It returns ErrNotFound when there is none of that revision.
func (l *Ledger) Policy(ctx context.Context, revision string) ([]byte, error) {
	subject, err := policySubject(revision)
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	msg, err := l.last(ctx, subject)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read policy %s: %w", revision, err)
	case msg == nil:
		return nil, fmt.Errorf("read policy %s: %w", revision, ErrNotFound)
	}
	var rec policyRecord
	if err := decode(msg, &rec); err != nil {
		return nil, fmt.Errorf("read policy %s: %w", revision, err)
	}
	return rec.Pack, nil
}

// Policies are the revisions of the policies that are stored, in no order.
func (l *Ledger) Policies(ctx context.Context) ([]string, error) {
	subjects, err := l.subjects(ctx, PoliciesStream, policyPrefix+"*")
	if err != nil {
		return nil, fmt.Errorf("list the policies: %w", err)
	}
	var revisions []string
	for subject := range subjects {
		revisions = append(revisions, lastToken(subject))
	}
	return revisions, nil
}

// KeepPolicies removes the stored policies but those named and those that were stored within the last ten minutes. It makes room and
// may be repeated, by any number of processes.
func (l *Ledger) KeepPolicies(ctx context.Context, revisions ...string) error {
	subjects, err := l.subjects(ctx, PoliciesStream, policyPrefix+"*")
	if err != nil {
		return fmt.Errorf("list the policies: %w", err)
	}
	for subject := range subjects {
		if slices.Contains(revisions, lastToken(subject)) {
			continue
		}
		msg, err := l.last(ctx, subject)
		if err != nil {
			return fmt.Errorf("remove policy %s: %w", lastToken(subject), err)
		}
		if msg == nil || time.Since(msg.At) < policyStays {
			continue
		}
		if err := l.purge(ctx, PoliciesStream, subject, jetstream.WithPurgeSequence(msg.Seq+1)); err != nil {
			return fmt.Errorf("remove policy %s: %w", lastToken(subject), err)
		}
	}
	return nil
}

func policySubject(revision string) (string, error) {
	if revision == "" || strings.Trim(revision, "0123456789abcdef") != "" {
		return "", fmt.Errorf("%q is no revision of a policy", revision)
	}
	return policyPrefix + revision, nil
}
