package scene

import (
	"errors"
	"fmt"
	"strconv"
)

// maxTimes bounds how often lines are played again.
const maxTimes = 1000

// line is one line of a scene, and where it stands.
type line struct {
	at    int
	words []string
}

// block are the lines between "repeat N" and "end", which are played N times.
type block struct {
	line  int
	times int
	lines []line
}

// read plays a line, or keeps it until its block ends.
func (s *stage) read(l line) error {
	switch {
	case l.words[0] == "repeat":
		return s.repeat(l)
	case l.words[0] == "end":
		return s.end()
	case s.block != nil:
		s.block.lines = append(s.block.lines, l)
		return nil
	}
	return s.play(l.words)
}

func (s *stage) repeat(l line) error {
	if s.block != nil || len(l.words) != 2 {
		return errors.New("say: repeat N, and end behind the last line that is meant; there is no repeat within another")
	}
	n, err := strconv.Atoi(l.words[1])
	if err != nil || n < 1 || n > maxTimes {
		return fmt.Errorf("repeat: want a number from 1 to %d, not %q", maxTimes, l.words[1])
	}
	s.block = &block{line: l.at, times: n}
	return nil
}

// end plays a block.
func (s *stage) end() error {
	b := s.block
	if b == nil {
		return errors.New("end: nothing is repeated")
	}
	s.block = nil
	for range b.times {
		for _, l := range b.lines {
			if err := s.play(l.words); err != nil {
				return fmt.Errorf("line %d, repeated: %w", l.at, err)
			}
		}
	}
	return nil
}
