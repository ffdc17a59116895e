package console

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"

	"github.com/salvor-io/salvor/internal/people"
)

//go:embed templates/*.html
var templateFiles embed.FS

// page is what every page shows.
type page struct {
	Title string
	Who   people.Person // zero: nobody is logged in
	Token string
	Now   int64  // milliseconds, for countdowns on machines whose clock is wrong
	News  string // the path of the stream that tells when the page is old, "" when it never is
	Told  string // what became of what the person just did
	Body  any
}

// refusal is an answer that is none: why, and what to do.
type refusal struct {
	Status  int
	Why, Do string
}

func parsePages() (*template.Template, error) {
	funcs := template.FuncMap{"asset": func(name string) string { return allAssets().names[name] }}
	pages, err := template.New("").Funcs(funcs).ParseFS(templateFiles, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("read the pages: %w", err)
	}
	return pages, nil
}

// render answers with a page. What cannot be rendered is not sent by half.
func (c *Console) render(w http.ResponseWriter, r *http.Request, status int, name string, p page) {
	p.Who, p.Token, p.Now = people.From(r.Context()), c.Sessions.Token(r), c.Clock().UnixMilli()
	var out bytes.Buffer
	if err := c.pages.ExecuteTemplate(&out, name, p); err != nil {
		c.Log.ErrorContext(r.Context(), "page not rendered", "page", name, "error", err)
		http.Error(w, "this page cannot be shown: see the log of salvor, and use the command line meanwhile", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if _, err := w.Write(out.Bytes()); err != nil {
		c.Log.DebugContext(r.Context(), "page not sent", "page", name, "error", err)
	}
}

// refuse answers with a page that says why nothing else is.
func (c *Console) refuse(w http.ResponseWriter, r *http.Request, why refusal) {
	c.render(w, r, why.Status, "refusal.html", page{Title: why.Why, Body: why})
}

// Say answers with a page of one sentence, for what is served beside the console.
func (c *Console) Say(w http.ResponseWriter, r *http.Request, status int, sentence string) {
	for name, value := range headers {
		w.Header().Set(name, value)
	}
	c.refuse(w, r, refusal{Status: status, Why: sentence})
}

func (c *Console) nowhere(w http.ResponseWriter, r *http.Request) {
	c.refuse(w, r, refusal{http.StatusNotFound, "There is no such page.", "Go to the list of incidents."})
}
