package ledger

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/salvor-io/salvor/policies"
)

const (
	pauseLook  = 500 * time.Millisecond // how often WatchPauses looks
	pauseStays = time.Hour              // how long an expired pause stays in the store
	subjectKV  = "$KV." + SwitchesBucket + "."
)

// pauseRecord is a pause as it is stored.
type pauseRecord struct {
	signature
	policies.Pause
}

// heldPause is a pause with the sequence of its record.
type heldPause struct {
	policies.Pause
	seq uint64
}

// pauseKey is the place of the pause of a scope: there is one of each.
func pauseKey(p policies.Pause) string {
	sum := sha256.Sum256([]byte(p.Cluster + "\x00" + p.Kind + "\x00" + p.Target))
	return "pause." + hex.EncodeToString(sum[:8])
}

// SetPause throws a switch, replacing that of the same scope (Cluster, Kind, Target). It needs an owner, a reason and an expiry
// to come. It may be repeated.
func (l *Ledger) SetPause(ctx context.Context, p policies.Pause) error {
	if err := CheckPause(p, time.Now()); err != nil {
		return fmt.Errorf("set pause: %w", err)
	}
	data, err := Document(pauseRecord{l.sign(), p})
	if err != nil {
		return fmt.Errorf("set pause: %w", err)
	}
	if _, err := l.publish(ctx, &nats.Msg{Subject: subjectKV + pauseKey(p), Data: data}); err != nil {
		return fmt.Errorf("set pause: %w", err)
	}
	if err := l.prune(ctx); err != nil {
		l.log.Debug("expired pauses stay until the next pause is set", "error", err)
	}
	return nil
}

// CheckPause says why a pause cannot be set at a time, or nil.
func CheckPause(p policies.Pause, now time.Time) error {
	switch {
	case p.Owner == "":
		return errors.New("it has no owner, say who wants it")
	case p.Reason == "":
		return errors.New("it has no reason, say why")
	case !p.Until.After(now):
		return fmt.Errorf("it has ended at %s already, name a later time", p.Until.Format(time.RFC3339))
	}
	return nil
}

// EndPause ends the pause of a scope; only the scope of p counts. It returns ErrNotFound when there is none.
func (l *Ledger) EndPause(ctx context.Context, p policies.Pause) error {
	held, err := l.held(ctx)
	if err != nil {
		return fmt.Errorf("end pause: %w", err)
	}
	key := pauseKey(p)
	if !slices.ContainsFunc(held, func(h heldPause) bool { return pauseKey(h.Pause) == key && h.Until.After(time.Now()) }) {
		return fmt.Errorf("end pause: nothing of that scope is paused: %w", ErrNotFound)
	}
	if err := l.purge(ctx, switchesStream, subjectKV+key); err != nil {
		return fmt.Errorf("end pause: %w", err)
	}
	return nil
}

// Pauses reads the pauses that are in force now, the oldest first.
func (l *Ledger) Pauses(ctx context.Context) ([]policies.Pause, error) {
	held, err := l.held(ctx)
	if err != nil {
		return nil, fmt.Errorf("read pauses: %w", err)
	}
	var all []policies.Pause
	for _, h := range held {
		all = append(all, h.Pause)
	}
	return InForce(all, time.Now()), nil
}

// InForce are those of some pauses that have not ended at a time, the oldest first, nil when there is none.
func InForce(all []policies.Pause, now time.Time) []policies.Pause {
	var out []policies.Pause
	for _, p := range all {
		if p.Until.After(now) {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b policies.Pause) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(pauseKey(a), pauseKey(b)))
	})
	return out
}

// held reads all pauses from any copy of the bucket: a copy that cannot hear of a new pause belongs to a part of the store in
// which no intent can be appended either.
func (l *Ledger) held(ctx context.Context) ([]heldPause, error) {
	found, err := l.direct(ctx, switchesStream, query{MultiLast: []string{subjectKV + "pause.*"}})
	if err != nil {
		return nil, err
	}
	var held []heldPause
	for _, msg := range found {
		var rec pauseRecord
		if err := decode(&msg, &rec); err != nil {
			return nil, err
		}
		held = append(held, heldPause{rec.Pause, msg.Seq})
	}
	return held, nil
}

// WatchPauses calls changed with the pauses in force, once at first and then whenever that has changed by a person or by
// expiry, within a second, until ctx ends; it returns nil then. It looks at the store rather than be told, so that nothing it
// was not told can be missed. While the store is away, what was seen last stays.
func (l *Ledger) WatchPauses(ctx context.Context, changed func([]policies.Pause)) error {
	var seen []policies.Pause
	first := true
	for ctx.Err() == nil {
		now, err := l.Pauses(ctx)
		switch {
		case err != nil:
			l.log.Debug("pauses are not known anew", "error", err)
		case first || !slices.EqualFunc(seen, now, samePause):
			seen, first = now, false
			changed(slices.Clone(now))
		}
		_ = sleep(ctx, pauseLook) // the loop ends when ctx has ended
	}
	return nil
}

func samePause(a, b policies.Pause) bool {
	return pauseKey(a) == pauseKey(b) && a.Owner == b.Owner && a.Reason == b.Reason && a.Since.Equal(b.Since) && a.Until.Equal(b.Until)
}

// prune removes pauses that expired long ago. One that was set again meanwhile has a later sequence and stays.
func (l *Ledger) prune(ctx context.Context) error {
	held, err := l.held(ctx)
	if err != nil {
		return err
	}
	for _, h := range held {
		if time.Since(h.Until) < pauseStays {
			continue
		}
		if err := l.purge(ctx, switchesStream, subjectKV+pauseKey(h.Pause), jetstream.WithPurgeSequence(h.seq+1)); err != nil {
			return err
		}
	}
	return nil
}
