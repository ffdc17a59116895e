package approval

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/people"
	"github.com/salvor-io/salvor/policies"
)

const (
	maxStrangers = 20  // of one incident; more are in the log alone
	maxWord      = 100 // characters of what an account is called
)

// Stranger records that somebody whom nobody knows wanted to say or do something about an incident: in the log each time, and in the record
// once for each account, while no plan is worked on. What they wanted is never done.
func (d *Desk) Stranger(ctx context.Context, id incident.ID, account people.Account, verb string) {
	d.Log.WarnContext(ctx, "a stranger wanted something", "incident", id.Name(), "via", account.Via, "place", account.Place, "account", account.ID, "verb", verb)
	inc, err := d.Ledger.Load(ctx, id)
	if err != nil || !inc.Live() || inc.Working() {
		return
	}
	begins := fmt.Sprintf("a stranger, account %s of %s in %s, wanted something", short(account.ID), short(account.Via), short(account.Place))
	if strangers(inc, begins) {
		return
	}
	rec := incident.Record{Kind: incident.Noted, At: inc.History[len(inc.History)-1].At, ViewSeq: inc.ViewSeq,
		Text: policies.MaskedText(fmt.Sprintf("%s, which does not count: %s", begins, short(verb)))}
	if _, err := d.Ledger.Append(ctx, inc, rec); err != nil {
		d.Log.InfoContext(ctx, "that a stranger wanted something is not recorded", "incident", inc.Name(), "error", err)
	}
}

// strangers says that this one is recorded already, or enough others are.
func strangers(inc *incident.Incident, begins string) bool {
	seen := 0
	return slices.ContainsFunc(inc.History, func(rec incident.Sequenced) bool {
		if rec.Kind == incident.Noted && strings.HasPrefix(rec.Text, "a stranger, account ") {
			seen++
		}
		return seen >= maxStrangers || strings.HasPrefix(rec.Text, begins)
	})
}

func short(text string) string { return string([]rune(text)[:min(maxWord, len([]rune(text)))]) }
