package people

import (
	"sync"
	"time"
)

// The bounds of what strangers can have written into the log.
const (
	strangersTold  = 20 // in a row
	strangersEvery = time.Second
)

// Sparing says of each of many like things whether it is told: a number of them in a row, and from then on one in a while. The
// zero value is ready, and safe for concurrent use.
type Sparing struct {
	mu     sync.Mutex
	told   int // of those in a row
	last   time.Time
	untold int
}

// Speaks says whether to tell of one more, and of how many nobody was told since the last.
func (s *Sparing) Speaks(now time.Time) (untold int, speaks bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = max(0, s.told-int(now.Sub(s.last)/strangersEvery))
	if s.told >= strangersTold {
		s.untold++
		return 0, false
	}
	untold, s.untold = s.untold, 0
	s.told, s.last = s.told+1, now
	return untold, true
}
