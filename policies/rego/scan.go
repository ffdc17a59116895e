package rego

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds how deep the values of a document lie in one another.
const maxDepth = 100

// scanner reads JSON from front to back. Texts that it gives are parts of the document where nothing in them is escaped.
type scanner struct {
	text string
	at   int
}

// next is the byte that begins what comes next, 0 at the end.
func (s *scanner) next() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// take takes a byte if it comes next.
func (s *scanner) take(c byte) bool {
	if s.next() != c {
		return false
	}
	s.at++
	return true
}

// takeWord takes null, true or false if it comes next.
func (s *scanner) takeWord(word string) bool {
	if s.next() != word[0] || !strings.HasPrefix(s.text[s.at:], word) {
		return false
	}
	s.at += len(word)
	return true
}

// wrong says what there is instead of what was wanted.
func (s *scanner) wrong(want string) error {
	is := map[byte]string{0: "the end", '{': "an object", '[': "a list", '"': "a text"}[s.next()]
	if is == "" || s.at < len(s.text) && s.text[s.at] == 0 {
		rest := s.text[s.at:min(len(s.text), s.at+10)]
		is = fmt.Sprintf("%q", rest)
	}
	return fmt.Errorf("want %s, not %s", want, is)
}

// enter takes what begins an object or a list.
func (s *scanner) enter(open byte) error {
	if s.take(open) {
		return nil
	}
	if open == '{' {
		return s.wrong("an object")
	}
	return s.wrong("a list")
}

// more says whether another member comes after the first n of an object or a list, and takes what ends it when none does.
func (s *scanner) more(n int, end byte) (bool, error) {
	if s.take(end) {
		return false, nil
	}
	if n > 0 && !s.take(',') {
		return false, s.wrong("a comma or " + string(end))
	}
	return true, nil
}

// key takes the key of a member of an object.
func (s *scanner) key() (string, error) {
	key, err := s.string()
	if err == nil && !s.take(':') {
		err = s.wrong("a colon")
	}
	return key, err
}

// string takes a text.
func (s *scanner) string() (string, error) {
	if !s.take('"') {
		return "", s.wrong("a text")
	}
	begin, plain := s.at, true
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			if text := s.text[begin : s.at-1]; plain && utf8.ValidString(text) {
				return text, nil
			}
			return unescaped(s.text[begin-1 : s.at])
		case c == '\\':
			plain = false
			s.at++
		case c < ' ':
			return "", fmt.Errorf("a text holds the byte %#x, which has to be escaped", c)
		}
	}
	return "", fmt.Errorf("a text does not end")
}

func unescaped(quoted string) (text string, err error) {
	err = json.Unmarshal([]byte(quoted), &text)
	return text, err
}

// number takes a number as it is written.
func (s *scanner) number() (string, error) {
	s.next()
	begin := s.at
	for s.at < len(s.text) && strings.IndexByte("+-.0123456789eE", s.text[s.at]) >= 0 {
		s.at++
	}
	if written := s.text[begin:s.at]; isNumber(written) {
		return written, nil
	}
	s.at = begin
	return "", s.wrong("a number")
}

// isNumber holds the grammar of JSON.
func isNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole, rest := digits(s)
	if whole == "" || len(whole) > 1 && whole[0] == '0' {
		return false
	}
	if after, has := strings.CutPrefix(rest, "."); has {
		var part string
		if part, rest = digits(after); part == "" {
			return false
		}
	}
	if rest == "" {
		return true
	}
	if rest[0] != 'e' && rest[0] != 'E' {
		return false
	}
	if rest = rest[1:]; rest != "" && (rest[0] == '+' || rest[0] == '-') {
		rest = rest[1:]
	}
	power, rest := digits(rest)
	return power != "" && rest == ""
}

func digits(s string) (front, rest string) {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return s[:n], s[n:]
}

// skip takes a value, whatever it is.
func (s *scanner) skip(depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("values lie more than %d deep in one another", maxDepth)
	}
	switch c := s.next(); {
	case c == '{':
		return s.skipMembers('{', '}', depth)
	case c == '[':
		return s.skipMembers('[', ']', depth)
	case c == '"':
		_, err := s.string()
		return err
	case s.takeWord("null"), s.takeWord("true"), s.takeWord("false"):
		return nil
	}
	_, err := s.number()
	return err
}

func (s *scanner) skipMembers(open, end byte, depth int) error {
	if err := s.enter(open); err != nil {
		return err
	}
	for n := 0; ; n++ {
		more, err := s.more(n, end)
		if err == nil && more && open == '{' {
			_, err = s.key()
		}
		if err != nil || !more {
			return err
		}
		if err := s.skip(depth + 1); err != nil {
			return err
		}
	}
}

// end wants nothing to follow.
func (s *scanner) end() error {
	if s.next() != 0 || s.at < len(s.text) {
		return s.wrong("the end")
	}
	return nil
}
