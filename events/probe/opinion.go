package probe

import "time"

// attempt is one attempt that has ended.
type attempt struct {
	Answer
	err   error // why it could not tell
	took  time.Duration
	ended time.Time
}

// tells says whether the attempt could tell and is still worth something.
func (a attempt) tells(now time.Time) bool {
	return a.err == nil && !a.ended.IsZero() && Age(a.ended, now) <= Worth
}

func (a attempt) says(up bool, now time.Time) bool { return a.tells(now) && a.Up == up }

// opinion is what is held of a target. The zero opinion holds nothing.
type opinion struct {
	held attempt // the newest attempt of those that agree
	last attempt
}

// take takes in an attempt and says whether it agrees with what is held then. What is held changes when the attempt right before
// said the same and is still worth something; so it is with the first thing that is held.
func (o *opinion) take(a attempt) (agrees bool) {
	before := o.last
	o.last = a
	agrees = a.err == nil && (o.held.says(a.Up, a.ended) || before.says(a.Up, a.ended))
	if agrees {
		o.held = a
	}
	return agrees
}

// current is what is held, if that rests on an attempt that is still worth something.
func (o *opinion) current(now time.Time) (attempt, bool) { return o.held, o.held.tells(now) }

// Age is how long ago something was, by whichever of the clocks has moved further: the monotonic one stands still while the machine
// sleeps, and the other one may be set back.
func Age(was, now time.Time) time.Duration {
	return max(now.Sub(was), now.Round(0).Sub(was.Round(0)))
}
