package slack

import (
	"context"
	"runtime/debug"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/salvor-io/salvor/internal/card"
	"github.com/salvor-io/salvor/internal/chat"
	"github.com/salvor-io/salvor/internal/people"
)

// answerWithin bounds what is done for a person after their press was acknowledged.
const answerWithin = 15 * time.Second

// take reads what somebody did. It returns what Slack is acknowledged with, nil for nothing, at once; what the press leads to is done after, and
// its answer is sent to the person alone. It is not taken where too much else is done: then Slack is not acknowledged, and says so to the person.
func (w *Workspace) take(ctx context.Context, cb slackgo.InteractionCallback) (reply any, taken bool) {
	taken = true
	switch cb.Type {
	case slackgo.InteractionTypeBlockActions:
		for _, action := range cb.ActionCallback.BlockActions {
			if verb, ours := strings.CutPrefix(action.ActionID, actionPrefix); ours && verb != "details" {
				taken = w.later(ctx, func(ctx context.Context) { w.pressed(ctx, cb, action.Value) }) && taken
			}
		}
	case slackgo.InteractionTypeViewSubmission:
		return w.submitted(ctx, cb)
	}
	return nil, taken
}

// later does something after Slack was acknowledged, beside at most fifteen others. It says whether it will.
func (w *Workspace) later(ctx context.Context, do func(context.Context)) bool {
	select {
	case w.slots <- struct{}{}:
	default:
		w.Log.Warn("a press is not looked at: too many at once")
		return false
	}
	w.working.Go(func() {
		defer func() { <-w.slots }()
		defer func() {
			if cause := recover(); cause != nil { // one press never ends the process
				w.Log.Error("a press panicked", "panic", cause, "stack", string(debug.Stack()))
			}
		}()
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerWithin)
		defer cancel()
		do(bounded)
	})
	return true
}

// pressed does what a button is for, or opens the dialog that it needs.
func (w *Workspace) pressed(ctx context.Context, cb slackgo.InteractionCallback, value string) {
	a, err := readAbout(value)
	if err != nil {
		w.Log.Warn("a button is about nothing", "error", err)
		return
	}
	a.Channel, a.Thread = cb.Channel.ID, cb.Container.ThreadTs
	press := w.press(cb, a)
	if a.Verb != card.Reject && a.Cluster == "" {
		w.answer(ctx, a, cb.User.ID, w.answerTo(ctx, press))
		return
	}
	if sentence := w.refuses(ctx, press); sentence != "" {
		w.answer(ctx, a, cb.User.ID, sentence)
		return
	}
	if _, err := w.api.OpenViewContext(ctx, cb.TriggerID, dialog(a)); err != nil {
		w.Log.Warn("a dialog is not opened", "incident", a.Incident.Name(), "error", failure(err))
		w.answer(ctx, a, cb.User.ID, "Not counted: Slack did not open the dialog. Press again.")
	}
}

// submitted does what a dialog is for. What was typed is looked at first, so that the person can correct it there.
func (w *Workspace) submitted(ctx context.Context, cb slackgo.InteractionCallback) (reply any, taken bool) {
	if !strings.HasPrefix(cb.View.CallbackID, actionPrefix) {
		return nil, true
	}
	a, err := readAbout(cb.View.PrivateMetadata)
	if err != nil {
		w.Log.Warn("a dialog is about nothing", "error", err)
		return nil, true
	}
	press := w.press(cb, a)
	press.Reason, press.Typed = typed(cb, reasonBlock), typed(cb, typedBlock)
	switch {
	case a.Verb == card.Reject && press.Reason == "":
		return slackgo.NewErrorsViewSubmissionResponse(map[string]string{reasonBlock: "Say why."}), true
	case a.Cluster != "" && press.Typed != a.Cluster:
		return slackgo.NewErrorsViewSubmissionResponse(map[string]string{typedBlock: "Type it exactly: " + a.Cluster}), true
	}
	return nil, w.later(ctx, func(ctx context.Context) { w.answer(ctx, a, cb.User.ID, w.answerTo(ctx, press)) })
}

func typed(cb slackgo.InteractionCallback, block string) string {
	if cb.View.State == nil {
		return ""
	}
	return strings.TrimSpace(cb.View.State.Values[block][inputAction].Value)
}

// press is what somebody pressed. Who is of another workspace, as with a channel that is shared, has an account there.
func (w *Workspace) press(cb slackgo.InteractionCallback, a about) chat.Press {
	place := cb.User.TeamID
	if place == "" {
		place = cb.Team.ID
	}
	return chat.Press{Account: people.Account{Via: people.ViaSlack, Place: place, ID: cb.User.ID}, Verb: a.Verb, Incident: a.Incident, Plan: a.Plan}
}

// refuses says why somebody is not listened to at all, "" when they are.
func (w *Workspace) refuses(ctx context.Context, p chat.Press) string {
	if p.Account.Place != w.Workspace {
		p.Account.Via += " of another workspace" // whoever the directory knows there is nobody here
	}
	return w.Reception.Stranger(ctx, p)
}

func (w *Workspace) answerTo(ctx context.Context, p chat.Press) string {
	if sentence := w.refuses(ctx, p); sentence != "" {
		return sentence
	}
	return w.Reception.Answer(ctx, p)
}

// answer tells one person alone what became of what they pressed.
func (w *Workspace) answer(ctx context.Context, a about, user, sentence string) {
	opt := []slackgo.MsgOption{slackgo.MsgOptionText(escaped(sentence), false), slackgo.MsgOptionBlocks(slackgo.NewSectionBlock(plain(sentence, maxSection), nil, nil))}
	if a.Thread != "" {
		opt = append(opt, slackgo.MsgOptionTS(a.Thread))
	}
	if _, err := w.api.PostEphemeralContext(ctx, a.Channel, user, opt...); err != nil {
		w.Log.Warn("a person is not told what became of what they pressed", "incident", a.Incident.Name(), "user", user, "answer", sentence, "error", failure(err))
	}
}
