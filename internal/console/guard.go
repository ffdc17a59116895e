package console

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/salvor-io/salvor/internal/people"
)

// maxBody bounds what a form may hold, in bytes.
const maxBody = 16 << 10

// headers keep a page from being framed, cached, run with what is not its own, or told of to others.
var headers = map[string]string{
	"Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; " +
		"frame-ancestors 'none'; base-uri 'none'",
	"X-Frame-Options":              "DENY",
	"X-Content-Type-Options":       "nosniff",
	"Referrer-Policy":              "no-referrer",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Cache-Control":                "no-store",
}

// guarded refuses what other sites send, bounds what is read, and sets the headers of every answer.
func (c *Console) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range headers {
			w.Header().Set(name, value)
		}
		if err := c.origins.Check(r); err != nil {
			c.forged(w, r, refusal{http.StatusForbidden, "This was sent by another site, and counts for nothing.", "Open Salvor itself and do it there."})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// known answers those who are logged in, and sends everybody else to log in.
func (c *Console) known(answer http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, known := c.Sessions.Person(r)
		switch {
		case known && who.May(people.Read) == nil:
			answer(w, r.WithContext(people.Into(r.Context(), who)))
		case r.Method == http.MethodGet || r.Method == http.MethodHead:
			http.Redirect(w, r, "/login?"+url.Values{"next": {r.URL.RequestURI()}}.Encode(), http.StatusSeeOther)
		default:
			c.forged(w, r, refusal{http.StatusForbidden, "You are not logged in any more, or whether you are cannot be read now, so it does not count.", "Log in, look again, and say it then."})
		}
	})
}

// own answers what a form of a page of this session sent.
func (c *Console) own(answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			c.refuse(w, r, refusal{http.StatusBadRequest, "What was sent is damaged or too long.", "Go back and send less."})
			return
		}
		if !c.Sessions.Holds(r, r.PostForm.Get("token")) {
			c.forged(w, r, refusal{http.StatusForbidden, "The page is of an earlier session, so it does not count.", "Load it anew, look again, and say it then."})
			return
		}
		answer(w, r)
	}
}

// forged refuses what no page of ours, or none that somebody has open, has sent. The log tells of it.
func (c *Console) forged(w http.ResponseWriter, r *http.Request, why refusal) {
	if untold, speaks := c.strangers.Speaks(c.Clock()); speaks {
		c.Log.WarnContext(r.Context(), "what was sent to the console does not count", "path", r.URL.Path, "from", r.RemoteAddr, "person", people.From(r.Context()).Name,
			"why", why.Why, "untold", untold)
	}
	c.refuse(w, r, why)
}

// localPath is where to go after a login: a page of the console, and nowhere else.
func localPath(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(u.Path, "/incidents/") || strings.ContainsAny(text, "\\\r\n") {
		return "/"
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
}
