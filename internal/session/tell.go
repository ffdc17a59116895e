package session

import (
	"fmt"
	"net/http"
)

// The bounds of what a page tells once.
const (
	maxTold   = 600 // characters
	toldLasts = 60  // seconds
)

// Tell keeps one sentence for the next page of a session.
func (s *Sessions) Tell(w http.ResponseWriter, r *http.Request, text string) error {
	found, err := s.read(r)
	if err != nil {
		return fmt.Errorf("tell what became of it: %w", err)
	}
	if runes := []rune(text); len(runes) > maxTold {
		text = string(runes[:maxTold]) + "..."
	}
	value, err := s.seal("word to "+found.ID, text)
	if err != nil {
		return err
	}
	http.SetCookie(w, s.told(r, value, toldLasts))
	return nil
}

// Told is the sentence that was kept for a session, once; "" when there is none.
func (s *Sessions) Told(w http.ResponseWriter, r *http.Request) string {
	found, err := s.read(r)
	if err != nil {
		return ""
	}
	cookie, err := r.Cookie(s.name(r) + "-told")
	if err != nil {
		return ""
	}
	http.SetCookie(w, s.told(r, "", -1))
	var text string
	if s.unseal("word to "+found.ID, cookie.Value, &text) != nil {
		return ""
	}

	return text
}

func (s *Sessions) told(r *http.Request, value string, age int) *http.Cookie {
	c := s.cookie(r, value, age)
	c.Name += "-told"
	return c
}
