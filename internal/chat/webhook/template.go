package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"text/template"
	"time"
)

// maxBody bounds what a template may make.
const maxBody = 256 << 10

// ParseTemplate reads a Go template that makes the JSON of a post, with the fields of a Post, and a function json that sets a value as JSON. It
// is tried on a post that holds what labels may hold, so that one that would break on it is refused now and not in the night.
func ParseTemplate(name, text string) (*template.Template, error) {
	t, err := template.New(name).Option("missingkey=error").Funcs(template.FuncMap{"json": asJSON}).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("read the template: %w", err)
	}
	nasty := "\"quoted\" \\ <b>\n{{.}} "
	for _, p := range []Post{{Title: nasty, State: nasty, Push: nasty, Cluster: nasty}, {Event: "card", Incident: nasty, Name: nasty, Title: nasty, Cluster: nasty, Severity: nasty, State: nasty, Push: nasty,
		Facts: []Fact{{Label: nasty, Lines: []string{nasty}, Grave: true}}, Steps: []Step{{nasty, nasty, nasty}}, Whom: nasty, Groups: []string{nasty}, Worse: []string{nasty},
		Until: time.Unix(0, 0), Plan: nasty, Command: nasty, Link: nasty, Log: []string{nasty, nasty}}} {
		if _, err := (&Channel{Options: Options{Label: name, Template: t}}).render(p); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func asJSON(v any) (string, error) {
	raw, err := json.Marshal(v)
	return string(raw), err
}

// bounded is a buffer that does not take more than a post may hold.
type bounded struct{ *bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxBody {
		return 0, errors.New("it makes more than a post may hold")
	}
	return b.Buffer.Write(p)
}
