package console

import (
	"errors"
	"net"
	"net/http"

	"github.com/salvor-io/salvor/internal/people"
	"github.com/salvor-io/salvor/internal/session"
)

// entrance is the page on which people log in.
type entrance struct {
	Next      string
	Passwords bool
	SignOn    string
	Wrong     string // why they are not logged in
	Key       string // of a one-time link, with whom it stands for
	As        people.Person
}

const wrongPassword = "The name or the password is wrong, or too many were tried: wait a minute, and try again."

// login shows how to log in. What shows a link to people, such as a chat, may look at it as often as it likes: only the button uses it up.
func (c *Console) login(w http.ResponseWriter, r *http.Request) {
	e := c.entrance(r.URL.Query().Get("next"))
	if key := r.URL.Query().Get("key"); key != "" {
		as, err := c.Sessions.Linked(r.Context(), key)
		if err != nil {
			e.Wrong = c.linkSentence(r, err)
			c.renderEntrance(w, r, http.StatusForbidden, e)
			return
		}
		e.Key, e.As = key, as
	}
	c.renderEntrance(w, r, http.StatusOK, e)
}

func (c *Console) entrance(next string) entrance {
	return entrance{Next: localPath(next), Passwords: !c.Passwords.Empty(), SignOn: c.SignOn}
}

func (c *Console) renderEntrance(w http.ResponseWriter, r *http.Request, status int, e entrance) {
	c.render(w, r, status, "login.html", page{Title: "Log in", Body: e})
}

// enter logs somebody in, by a one-time link or by a password.
func (c *Console) enter(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		c.refuse(w, r, refusal{http.StatusBadRequest, "What was sent is damaged or too long.", "Go back and send less."})
		return
	}
	e := c.entrance(r.PostForm.Get("next"))
	who, wrong := c.whoEnters(r)
	if wrong == "" {
		if err := c.Sessions.Open(w, r, who); err != nil {
			c.Log.WarnContext(r.Context(), "session not opened", "person", who.Name, "error", err)
			wrong = "You cannot be logged in: see the log of salvor."
		}
	}
	if wrong != "" {
		e.Wrong = wrong
		c.renderEntrance(w, r, http.StatusForbidden, e)
		return
	}
	c.Log.InfoContext(r.Context(), "a person has logged in", "person", who.Name, "from", r.RemoteAddr)
	http.Redirect(w, r, e.Next, http.StatusSeeOther)
}

// whoEnters is who somebody has proved to be, or what is wrong.
func (c *Console) whoEnters(r *http.Request) (who people.Person, wrong string) {
	if key := r.PostForm.Get("key"); key != "" {
		who, err := c.Sessions.UseLink(r.Context(), key)
		if err != nil {
			return who, c.linkSentence(r, err)
		}
		return who, ""
	}
	who, known := c.Passwords.Check(r.Context(), r.PostForm.Get("name"), hostOf(r), r.PostForm.Get("password"))
	if !known {
		c.guessed(r)
		return who, wrongPassword
	}
	return who, ""
}

// guessed tells the log of a login that was refused, and of a name only where there is one: what else is typed there may be a password.
func (c *Console) guessed(r *http.Request) {
	name := r.PostForm.Get("name")
	if !c.Passwords.Has(name) {
		name = ""
	}
	if untold, speaks := c.strangers.Speaks(c.Clock()); speaks {
		c.Log.WarnContext(r.Context(), "a login was refused", "name", name, "from", r.RemoteAddr, "untold", untold)
	}
}

// linkSentence says why a one-time link does not lead in.
func (c *Console) linkSentence(r *http.Request, err error) string {
	for _, known := range []error{session.ErrLinkBad, session.ErrLinkOver, session.ErrLinkUsed} {
		if errors.Is(err, known) {
			return sentence(err.Error()) + " Make another with salvor console."
		}
	}
	c.Log.WarnContext(r.Context(), "link not read", "error", err)
	return "Whether the link is still good cannot be read now: try again in a moment."
}

func (c *Console) logout(w http.ResponseWriter, r *http.Request) {
	if err := c.Sessions.Close(w, r); err != nil {
		c.Log.WarnContext(r.Context(), "session not closed everywhere", "error", err)
		c.refuse(w, r, refusal{http.StatusServiceUnavailable, "This browser is logged out; a copy of its session may be good until it ends.", "Log in and out again in a moment."})
		return
	}
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// hostOf is the address that a request came from, without its port.
func hostOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
