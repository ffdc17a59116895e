package chat

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/internal/card"
	"github.com/salvor-io/salvor/internal/incident"
)

// move is one call that brings a message closer to how its incident stands.
type move struct {
	do     func(context.Context, card.Card, *entry) error
	urgent bool // people look at it, or are called by it
}

// step makes at most one call for an incident, and says whether it made one. What is not urgent is done only where that is asked for.
func (b *board) step(ctx context.Context, inc *incident.Incident, e *entry, all bool) (called bool, err error) {
	if err := b.read(ctx, inc.ID, e); err != nil {
		return false, err
	}
	c := card.Of(inc, b.Words(inc))
	m := b.needs(inc, c, e)
	switch {
	case m.do == nil:
		e.looked, e.look = c.Seq, b.Clock().Add(lookAgain(c, e))
		return false, nil
	case !m.urgent && !all, b.anothers(e):
		return false, nil
	}
	return true, m.do(ctx, c, e)
}

// lookAgain is how soon the words of a card may have changed though its record has not.
func lookAgain(c card.Card, e *entry) time.Duration {
	switch {
	case c.Stage == card.Running:
		return lively
	case e.place.Message == "" && c.Stage == card.Watching:
		return settle
	}
	return stale
}

// needs is the call that is due, if any.
func (b *board) needs(inc *incident.Incident, c card.Card, e *entry) move {
	switch {
	case e.place.Message == "" && (!inc.Live() || b.unripe(inc, e)):
		return move{}
	case e.place.Message == "":
		return move{func(ctx context.Context, c card.Card, e *entry) error { return b.post(ctx, inc.OpenedAt, c, e) }, true}
	case c.Seq < e.place.Seq: // this replica has not heard yet what another one has shown
		return move{}
	case c.Seq > e.place.Shown || b.changed(c, e):
		return move{b.edit, true}
	case calling(c, e):
		return move{b.tell, true}
	case len(untold(c, e)) > 0:
		return move{b.tell, false}
	}
	return move{}
}

// unripe says that the incident is just being decided: what is said a moment later spares people a second look.
func (b *board) unripe(inc *incident.Incident, e *entry) bool {
	if inc.State != incident.Deciding || e.kept > 0 {
		return false
	}
	return b.Clock().Before(inc.History[len(inc.History)-1].StoredAt.Add(settle))
}

// anothers says that another replica shows the incident, for now.
func (b *board) anothers(e *entry) bool {
	if b.Alone || e.place.Holder == b.Replica || !b.Clock().Before(e.place.Until) {
		return false
	}
	e.known, e.again = false, e.place.Until
	return true
}

// changed says that other words are to be shown though the record is the same: how far a step is, how the fault looks now.
func (b *board) changed(c card.Card, e *entry) bool {
	return e.shown != "" && c.Stage != card.Over && !b.Clock().Before(e.shownAt.Add(lookAgain(c, e))) && e.shown != looks(c)
}

// post shows the incident for the first time, unless somebody did who died before he could say where.
func (b *board) post(ctx context.Context, since time.Time, c card.Card, e *entry) error {
	fresh := e.kept == 0
	p := e.place
	p.Seq = c.Seq
	if err := b.keep(ctx, c.Incident, e, p); err != nil {
		return err
	}
	if !fresh {
		found, err := b.find(ctx, since, c)
		if err != nil {
			return err
		}
		p.Message = found
	}
	if p.Message != "" {
		return b.keep(ctx, c.Incident, e, p)
	}
	err := b.call(ctx, "post", func(ctx context.Context) (err error) {
		p.Message, err = b.route.Channel.Post(ctx, c)
		return err
	})
	if err != nil {
		return err
	}
	e.shown, e.shownAt = looks(c), b.Clock()
	p.Shown, p.Called = c.Seq, calls(c)
	return b.keep(ctx, c.Incident, e, p)
}

func (b *board) find(ctx context.Context, since time.Time, c card.Card) (message string, err error) {
	err = b.call(ctx, "find", func(ctx context.Context) (err error) {
		message, err = b.route.Channel.Find(ctx, c.Incident, since)
		return err
	})
	if errors.Is(err, ErrCannotLook) {
		b.Log.Warn("whether an incident is shown already is not known, so it is shown now", "channel", b.route.Channel.Name(), "incident", c.Name, "error", err)
		return "", nil
	}
	return message, err
}

// edit says which card is shown before it is: whoever takes over shows no older one.
func (b *board) edit(ctx context.Context, c card.Card, e *entry) error {
	p := e.place
	if p.Seq = c.Seq; c.Seq > e.place.Seq || b.Clock().After(e.place.Until.Add(-lease/2)) {
		if err := b.keep(ctx, c.Incident, e, p); err != nil {
			return err
		}
	}
	if err := b.call(ctx, "edit", func(ctx context.Context) error { return b.route.Channel.Edit(ctx, p.Message, c) }); err != nil {
		return err
	}
	e.shown, e.shownAt = looks(c), b.Clock()
	if e.place.Shown == c.Seq {
		return nil
	}
	p.Shown = c.Seq
	return b.keep(ctx, c.Incident, e, p)
}

// tell says beside the message what has happened since, and calls people where they are asked now, once more, or others beside them.
func (b *board) tell(ctx context.Context, c card.Card, e *entry) error {
	a := Aside{Lines: untold(c, e), Call: calling(c, e), Card: c}
	if err := b.keep(ctx, c.Incident, e, e.place); err != nil {
		return err
	}
	if err := b.call(ctx, "tell", func(ctx context.Context) error { return b.route.Channel.Tell(ctx, e.place.Message, a) }); err != nil {
		return err
	}
	p := e.place
	p.Told, p.Called = c.Seq, calls(c)
	return b.keep(ctx, c.Incident, e, p)
}

// call makes one call to the chat, which ends before another replica may take over.
func (b *board) call(ctx context.Context, what string, do func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, callEnds)
	defer cancel()
	err := do(bounded)
	b.spoke = b.Clock()
	if err == nil {
		b.failures = 0
	}
	if b.Meter != nil && ctx.Err() == nil {
		b.Meter.Said(b.route.Channel.Name(), what, err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// untold are the lines of the log that were not told yet.
func untold(c card.Card, e *entry) []card.Line {
	return slices.DeleteFunc(slices.Clone(c.Log), func(l card.Line) bool { return l.Seq <= e.place.Told })
}

// calling says that people are to be called who were not, or not for this.
func calling(c card.Card, e *entry) bool { return c.Ask != nil && calls(c) != e.place.Called }

// calls names what people are called for, "" when they are not: another plan, other groups, one more reminder is another call.
func calls(c card.Card) string {
	if c.Ask == nil {
		return ""
	}
	reminders := 0
	for _, l := range c.Log {
		if strings.HasPrefix(l.Text, "reminded") {
			reminders++
		}
	}
	return fmt.Sprintf("%s %s %d %d", c.Plan[:min(12, len(c.Plan))], strings.Join(c.Ask.Groups, ","), len(c.Ask.Worse), reminders)
}

// looks tells cards apart by what a message shows of them.
func looks(c card.Card) string {
	c.Log = nil
	raw, err := json.Marshal(c)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8])
}
