package kube

import (
	"fmt"
	"sync"
	"time"
)

// sight is whether one lookout sees, judged by evidence: what arrives on its stream, lists that succeed, and reads that
// are made for the purpose while the stream is open and silent. All times are this process's own, monotonic ones.
type sight struct {
	patience time.Duration

	mu      sync.Mutex
	listed  bool      // the first list was taken over
	open    bool      // the stream is open
	opened  time.Time // when it was
	stream  time.Time // last sign of life on the stream or start of one
	proof   time.Time // last evidence of any sort
	trouble time.Time // first failure since the stream last worked; zero when it works
	why     error     // last failure
	since   time.Time // beginning of the present unbroken sight
}

// saw takes in evidence that the API server answered. While no stream is open only a list counts.
func (s *sight) saw(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.evidence(now, s.trouble)
}

// asked takes in a read that was answered. It proves sight only together with an open stream.
func (s *sight) asked(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open {
		return
	}
	trouble := s.trouble
	if now.Sub(s.opened) >= s.patience/2 {
		trouble = time.Time{}
	}
	s.evidence(now, trouble)
}

// streamed takes in something that arrived on the stream.
func (s *sight) streamed(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stream = now
	s.evidence(now, time.Time{})
}

// evidence begins a new unbroken sight when there was none.
func (s *sight) evidence(now, trouble time.Time) {
	if s.blindness(now) != "" {
		s.since = now
	}
	s.proof, s.trouble = now, trouble
}

// started takes in that a stream was opened.
func (s *sight) started(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open, s.opened, s.stream = true, now, now
	s.evidence(now, s.trouble)
}

// ended takes in that the stream was closed, which happens to every stream now and then.
func (s *sight) ended() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = false
}

// none takes in that the API server answered that there is nothing to watch.
func (s *sight) none(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.evidence(now, time.Time{})
}

// failed takes in that a list, a stream or a read failed.
func (s *sight) failed(now time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.why = err
	if s.trouble.IsZero() {
		s.trouble = now
	}
}

// tookOver says that a list has been taken over.
func (s *sight) tookOver(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.listed {
		s.listed, s.since = true, now
	}
}

// blind says why the lookout does not see, or nothing when it sees.
func (s *sight) blind(now time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.blindness(now)
}

func (s *sight) blindness(now time.Time) string {
	switch {
	case !s.listed:
		return s.because("nothing was listed yet")
	case now.Sub(s.proof) > s.patience:
		return s.because(fmt.Sprintf("the API server was not heard of for %s", now.Sub(s.proof).Round(time.Second)))
	case !s.trouble.IsZero() && now.Sub(s.trouble) > s.patience:
		return s.because(fmt.Sprintf("the watch has been failing for %s", now.Sub(s.trouble).Round(time.Second)))
	}
	return ""
}

func (s *sight) because(what string) string {
	if s.why == nil || s.trouble.IsZero() {
		return what
	}
	const most = 500
	why := s.why.Error()
	return what + ": " + why[:min(len(why), most)]
}

// steady is since when the lookout has seen without a break, if it sees now.
func (s *sight) steady(now time.Time) (since time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.since, s.blindness(now) == ""
}

// silent says whether there was no evidence for so long, and no stream activity for so long, respectively. While no stream is open it is
// known why there is none.
func (s *sight) silent(now time.Time) (evidence, stream time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open {
		return 0, 0
	}
	return now.Sub(s.proof), now.Sub(s.stream)
}
