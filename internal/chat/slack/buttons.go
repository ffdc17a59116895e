package slack

import (
	"encoding/json"
	"fmt"

	slackgo "github.com/slack-go/slack"

	"github.com/salvor-io/salvor/internal/card"
	"github.com/salvor-io/salvor/internal/incident"
)

// actionPrefix begins the action id of every button, which ends with its verb.
const actionPrefix = "salvor:"

// about is what a button, or a dialog that it opens, is about. It goes to Slack and comes back.
type about struct {
	Incident incident.ID `json:"i"`
	Plan     string      `json:"p"`
	Verb     card.Verb   `json:"v"`
	Channel  string      `json:"c,omitempty"` // where the answer goes: of dialogs
	Thread   string      `json:"t,omitempty"`
	Cluster  string      `json:"k,omitempty"` // its name has to be typed
}

func (a about) text() string {
	raw, err := json.Marshal(a)
	if err != nil {
		return ""
	}
	return string(raw)
}

func readAbout(text string) (about, error) {
	var a about
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return a, fmt.Errorf("read what a button is about: %w", err)
	}
	return a, nil
}

// buttons are those of the verbs that the card has, and the link to the details.
func (w *Workspace) buttons(c card.Card) []slackgo.BlockElement {
	var out []slackgo.BlockElement
	for _, verb := range c.Verbs {
		out = append(out, button(c, verb))
	}
	details := slackgo.NewButtonBlockElement(actionPrefix+"details", "-", plain("Details", 75)).WithURL(w.Link + "/incidents/" + string(c.Incident))
	return append(out, details)
}

func button(c card.Card, verb card.Verb) slackgo.BlockElement {
	a := about{Incident: c.Incident, Plan: c.Plan, Verb: verb}
	label := labels[verb]
	if verb == card.Approve && c.Ask != nil && c.Ask.Type != "" {
		a.Cluster, label = clip(c.Ask.Type, 100), "Approve…"
	}
	b := slackgo.NewButtonBlockElement(actionPrefix+string(verb), a.text(), plain(label, 75))
	switch verb {
	case card.Approve:
		if a.Cluster == "" {
			b = b.WithStyle(slackgo.StylePrimary)
		}
	case card.Reject:
		b = b.WithStyle(slackgo.StyleDanger)
	case card.Stop, card.StopAndUndo:
		b = b.WithStyle(slackgo.StyleDanger).WithConfirm(slackgo.NewConfirmationBlockObject(plain(label+"?", 100), plain(confirms[verb], 300), plain(label, 30), plain("Go on", 30)))
	}
	return b
}

var labels = map[card.Verb]string{card.Approve: "Approve", card.Reject: "Reject…", card.Hold: fmt.Sprintf("I'm on it: hold %d min", int(incident.HoldFor.Minutes())),
	card.Stop: "Stop here", card.StopAndUndo: "Stop and undo"}

var confirms = map[card.Verb]string{card.Stop: "No further step is begun, and what was done stays.", card.StopAndUndo: "No further step is begun, and what was done is taken back now."}

// The blocks of dialogs.
const (
	reasonBlock = "reason"
	typedBlock  = "typed"
	inputAction = "input"
)

// dialog asks for what a button alone cannot say.
func dialog(a about) slackgo.ModalViewRequest {
	view := slackgo.ModalViewRequest{Type: slackgo.VTModal, CallbackID: actionPrefix + string(a.Verb), PrivateMetadata: a.text(), Close: plain("Cancel", 24)}
	if a.Verb == card.Reject {
		view.Title, view.Submit = plain("Reject the plan", 24), plain("Reject", 24)
		view.Blocks = slackgo.Blocks{BlockSet: []slackgo.Block{input(reasonBlock, "Why? Whoever goes on reads it.", 500, true)}}
		return view
	}
	view.Title, view.Submit = plain("Approve the plan", 24), plain("Approve", 24)
	view.Blocks = slackgo.Blocks{BlockSet: []slackgo.Block{
		slackgo.NewSectionBlock(plain("This plan cannot be undone. To approve it, type the name of the cluster: "+a.Cluster, maxSection), nil, nil),
		input(typedBlock, "Name of the cluster", 100, false)}}
	return view
}

func input(block, label string, most int, long bool) slackgo.Block {
	element := slackgo.NewPlainTextInputBlockElement(nil, inputAction)
	element.MaxLength, element.Multiline = most, long
	return slackgo.NewInputBlock(block, plain(label, 200), nil, element)
}
