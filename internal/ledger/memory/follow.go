package memory

import (
	"slices"

	"github.com/salvor-io/salvor/internal/incident"
)

// follower is given all records, one at a time.
type follower struct {
	f    func(incident.Sequenced)
	next int  // place in the log of what it is given next
	busy bool // a call of f is under way
}

// Follow calls f for each record of each incident, each once and in order: for those that are there before it returns, for those to
// come as they are written, by whoever writes them and before his call returns. Each record that is given is a copy. f is called
// without a lock and may call the store, stop included; what is written while f is at work is given to it once it has returned, by
// whoever called it.
//
// After stop has returned no call of f begins, but for one that another goroutine was about to make.
func (s *Store) Follow(f func(incident.Sequenced)) (stop func()) {
	one := &follower{f: f}
	s.mu.Lock()
	s.followers = append(s.followers, one)
	s.mu.Unlock()
	s.tell()
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.followers = slices.DeleteFunc(s.followers, func(other *follower) bool { return other == one })
	}
}

// tell gives the followers what they have not had. The caller does not hold the lock.
func (s *Store) tell() {
	for {
		to, msg := s.due()
		if to == nil {
			return
		}
		s.give(to, msg)
	}
}

// due takes the next record of a follower that is not busy, which then is; nil when none lacks anything. A follower that is busy gets
// the rest from whoever keeps it so.
func (s *Store) due() (*follower, stored) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, to := range s.followers {
		if !to.busy && to.next < len(s.log) {
			to.busy = true
			to.next++
			return to, s.log[to.next-1]
		}
	}
	return nil, stored{}
}

func (s *Store) give(to *follower, msg stored) {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		to.busy = false
	}()
	to.f(msg.record())
}
