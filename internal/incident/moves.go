package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/classifiers"
)

// Sight is what the view says about the fault of an incident.
type Sight struct {
	Now     time.Time // view time
	Blind   bool      // its observers cannot see: neither broken nor well
	Looked  time.Time // when a plan was last worked out and policy's answer was the same as before
	Away    time.Time // since when it is gone without a break, as far as this replica saw; zero while it is not
	Finding *classifiers.Finding
}

func (s Sight) seen() bool { return !s.Blind && s.Finding != nil }

// lasts says that what is seen has persisted through its window, which may have begun anew: others like it are being lost, or return.
func (s Sight) lasts() bool { return s.Finding.Lasted(s.Now) }

// Gone says that those who would have to see the fault can see, and do not.
func (s Sight) Gone() bool { return !s.Blind && s.Finding == nil }

// stayedAway is when a fault that flapped will have been gone for long enough to count as gone.
func (s Sight) stayedAway(t Terms) time.Time {
	if s.Away.IsZero() {
		return s.Now.Add(t.Healthy)
	}
	return s.Away.Add(t.Healthy)
}

// Terms are the configured times and counts that moves obey.
type Terms struct {
	Retry    time.Duration // until a held, awaiting or failed plan is looked at again
	Healthy  time.Duration // how long a cleared fault must stay away
	Attempts int           // plans started for one incident before only a person goes on
	Flaps    int           // returns of the fault within one incident before only a person goes on
}

// longestUndo bounds the wait between two attempts to take back what was done.
const longestUndo = time.Hour

// undoAgain is how long after the nth failure what was done is tried to be taken back again: without end, but ever less often,
// since what Salvor did to the world is Salvor's to take back.
func (t Terms) undoAgain(failures int) time.Duration {
	wait := time.Duration(0)
	for range failures {
		wait = min(max(t.Retry, 2*wait), longestUndo)
	}
	return wait
}

// Doing says what a move is.
type Doing int

// The moves.
const (
	Rest   Doing = iota // nothing until what is seen changes
	Wait                // nothing before Move.Until
	Append              // append Move.Record, a pure judgement
	Decide              // make a plan for Move.Phase, ask policy, append what it said
	Step                // do the next step of the plan in force
	Resume              // a step has an intent without a result: find out, take over, go on
	Check               // run the plan's checks
)

// Move is what has to happen next to an incident.
type Move struct {
	Do     Doing
	Until  time.Time // Wait: view time
	Phase  Phase     // Decide
	Record Record    // Append: kind and body; the writer fills in the rest
}

// Upcoming finds the move that is due. It is pure: the same incident, sight and terms give the same move.
func (i *Incident) Upcoming(s Sight, t Terms) Move {
	switch i.State {
	case Suspected:
		return i.whileSuspected(s, t)
	case Standing:
		return i.whileStanding(s)
	case Deciding:
		return i.whileDeciding(s, t)
	case Held:
		return i.whileHeld(s, t)
	case Awaiting:
		return i.whileAwaiting(s, t)
	case Acting, Restoring:
		return i.whileActing(s)
	case Verifying:
		return Move{Do: Check}
	case Recovered:
		return i.whileRecovered(s)
	case Clearing:
		return i.whileClearing(s, t)
	case HandedOver:
		return i.whileHandedOver(s, t)
	}
	return Move{Do: Rest}
}

// Retells says that the move that is due may record the fault as it is seen now.
func (i *Incident) Retells() bool {
	return i.State == Suspected || i.State == Standing || i.State == Clearing || i.State == Restoring
}

func (i *Incident) whileSuspected(s Sight, t Terms) Move {
	switch {
	case s.Gone():
		return cleared("not seen any more, before it was confirmed")
	case s.Now.Before(i.DueAt):
		return Move{Do: Wait, Until: i.DueAt}
	case s.Blind:
		return Move{Do: Wait, Until: s.Now.Add(t.Retry)}
	}
	window := s.Now.Sub(i.Since).Round(time.Second)
	return Move{Do: Append, Record: Record{Kind: Confirmed, Fault: &s.Finding.Fault,
		Text: fmt.Sprintf("%s; seen without a break for %s", s.Finding.Sentence, window)}}
}

func (i *Incident) whileStanding(s Sight) Move {
	switch {
	case s.Gone():
		return cleared("not seen any more")
	case s.seen() && !s.Finding.Standing:
		return recurred(s, "it changed: "+s.Finding.Sentence)
	}
	return Move{Do: Rest}
}

func (i *Incident) whileDeciding(s Sight, t Terms) Move {
	switch {
	case s.Gone():
		return i.clearsUndone()
	case s.Blind:
		return Move{Do: Wait, Until: s.Now.Add(t.Retry)}
	case !s.lasts():
		return Move{Do: Wait, Until: s.Finding.Since.Add(s.Finding.Window)}
	case i.flaps(t):
		return handed(i.flapping())
	}
	return Move{Do: Decide, Phase: PhaseRecover}
}

// clearsUndone clears what no plan is in force about. One that ended before may have done something.
func (i *Incident) clearsUndone() Move {
	if i.Attempts > 0 {
		return cleared("not seen any more")
	}
	return cleared("not seen any more, before anything was done")
}

// flaps says that the fault came back so often that only a person goes on. Whoever was told of that is told of no further return: they
// leave no record.
func (i *Incident) flaps(t Terms) bool { return i.Count > t.Flaps }

// flapping says why a person has to go on.
func (i *Incident) flapping() string {
	times := fmt.Sprintf("%d times", i.Count-1)
	if i.Count == 2 {
		times = "once"
	}
	if i.Attempts == 0 {
		return fmt.Sprintf("the fault came back %s; it flaps, and a person has to find out why", times)
	}
	return fmt.Sprintf("the fault came back %s; it flaps, and repairing it again would not end that", times)
}

func (i *Incident) whileHeld(s Sight, t Terms) Move {
	if s.Gone() {
		return i.clearsUndone()
	}
	if due := later(i.DecidedAt(), s.Looked).Add(t.Retry); s.Blind || s.Now.Before(due) {
		return Move{Do: Wait, Until: later(due, s.Now.Add(time.Second))}
	}
	if !s.lasts() {
		return Move{Do: Wait, Until: s.Finding.Since.Add(s.Finding.Window)}
	}
	return Move{Do: Decide, Phase: PhaseRecover}
}

// whileAwaiting looks again like whileHeld, but for what is due of what people are asked. Nobody is given up who was not reminded.
func (i *Incident) whileAwaiting(s Sight, t Terms) Move {
	a := i.Approval
	over := !s.Now.Before(a.Until)
	switch {
	case s.Gone():
		return i.whileHeld(s, t)
	case a.Reminded == 0 && !s.Now.Before(a.remindAt()), a.overlooked(s.Now):
		left := later(a.Until, s.Now.Add(Within(a.Asks)/2)).Sub(s.Now)
		return Move{Do: Append, Record: Record{Kind: Reminded, Text: fmt.Sprintf("%s are left to decide", left.Round(time.Second))}}
	case over && a.escalates():
		return Move{Do: Append, Record: Record{Kind: Escalated, Text: "nobody has decided in time: " + areOf(a.StandIns()) + " asked, too"}}
	case over:
		return Move{Do: Append, Record: Record{Kind: Expired, Text: "nobody has decided in time, so nothing is done: a person goes on"}}
	}
	move := i.whileHeld(s, t)
	if move.Do == Decide && s.Now.Before(a.HeldUntil) {
		move = Move{Do: Wait, Until: a.HeldUntil}
	}
	if move.Do == Wait {
		move.Until = earlier(move.Until, a.Until)
		if a.Reminded == 0 {
			move.Until = earlier(move.Until, a.remindAt())
		}
	}
	return move
}

func areOf(groups []string) string {
	if len(groups) == 1 {
		return groups[0] + " is"
	}
	return strings.Join(groups, ", ") + " are"
}

func (i *Incident) whileActing(s Sight) Move {
	switch {
	case i.Intent != nil:
		return Move{Do: Resume}
	case i.State == Acting && s.Gone() && !i.BringsBack():
		return cleared(fmt.Sprintf("not seen any more, after %d of %d steps", i.Next, len(i.Plan.Steps)))
	case i.State == Restoring && i.ordersUndo():
		return Move{Do: Step}
	case i.State == Restoring && s.seen():
		return recurred(s, "it came back while the recovery was being taken back")
	case s.seen() && !s.lasts():
		return Move{Do: Wait, Until: s.Finding.Since.Add(s.Finding.Window)}
	}
	return Move{Do: Step}
}

// BringsBack says that the plan in force brings something back from a recovery point. That the fault is not seen any more is what the first part of
// that comes to: a namespace is there before all is in it. Such a plan goes on to its checks, which say whether it is; what somebody else brought
// back meanwhile its steps refuse to touch.
func (i *Incident) BringsBack() bool {
	return i.Phase == PhaseRecover && i.Plan != nil && i.Plan.Point() != nil
}

func (i *Incident) whileRecovered(s Sight) Move {
	if s.Gone() {
		return cleared(over(i.Fault))
	}
	if s.seen() && s.lasts() && i.Fault.Cause == classifiers.CauseNamespacesDeleted && i.BringsBack() {
		if more := i.missed(s.Finding.Scope.Namespaces); len(more) > 0 {
			return recurred(s, fmt.Sprintf("more was lost than plan %s was about: %s", i.Plan.ShortDigest(), strings.Join(more[:min(5, len(more))], ", ")))
		}
	}
	return Move{Do: Rest}
}

// missed are those namespaces that the plan in force brought nothing of back, where it was about namespaces: they were lost after it was made.
func (i *Incident) missed(namespaces []string) []string {
	var about []string
	for _, step := range i.Plan.Steps {
		for _, target := range step.Change.Targets {
			if target.Kind == "Namespace" {
				about = append(about, target.Name)
			}
		}
	}
	if len(about) == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(namespaces), func(name string) bool { return slices.Contains(about, name) })
}

func (i *Incident) whileClearing(s Sight, t Terms) Move {
	due := i.Since.Add(t.Healthy)
	if i.flaps(t) && !s.Away.IsZero() {
		due = s.stayedAway(t) // it was handed over until then
	}
	switch {
	case s.seen():
		return recurred(s, s.Finding.Sentence)
	case s.Blind, s.Now.Before(due):
		return Move{Do: Wait, Until: later(due, s.Now.Add(time.Second))}
	case !i.Wrote, i.leaves():
		return i.closes()
	}
	if retry := later(i.DecidedAt(), s.Looked).Add(t.Retry); i.Decision != nil && i.Decision.Phase == PhaseUndo && s.Now.Before(retry) {
		return Move{Do: Wait, Until: retry}
	}
	return Move{Do: Decide, Phase: PhaseUndo}
}

func (i *Incident) whileHandedOver(s Sight, t Terms) Move {
	if i.takesBack() {
		return i.whileTakingBack(s, t)
	}
	if s.Gone() {
		return i.clearsHandedOver(s, t)
	}
	if i.Attempts >= t.Attempts || i.LastTry.IsZero() && len(i.Refused) == 0 || i.flaps(t) {
		return Move{Do: Rest}
	}
	if due := later(later(i.LastTry, i.Since), s.Looked).Add(t.Retry); s.Blind || s.Now.Before(due) {
		return Move{Do: Wait, Until: later(due, s.Now.Add(time.Second))}
	}
	return Move{Do: Decide, Phase: PhaseRecover}
}

// whileTakingBack takes back what a person stopped: at once, and after a refusal again, since that was ordered.
func (i *Incident) whileTakingBack(s Sight, t Terms) Move {
	if retry := later(i.DecidedAt(), s.Looked).Add(t.Retry); i.Decision != nil && s.Now.Before(retry) {
		return Move{Do: Wait, Until: retry}
	}
	if s.Blind {
		return Move{Do: Wait, Until: s.Now.Add(t.Retry)}
	}
	return Move{Do: Decide, Phase: PhaseUndo}
}

// clearsHandedOver clears what a person has: where it flaps, only once it has stayed away.
func (i *Incident) clearsHandedOver(s Sight, t Terms) Move {
	due, why := i.LastTry.Add(t.undoAgain(i.UndoFailures)), "not seen any more"
	if i.flaps(t) {
		due, why = later(due, s.stayedAway(t)), fmt.Sprintf("not seen any more for %s", t.Healthy)
	}
	if s.Now.Before(due) {
		return Move{Do: Wait, Until: due}
	}
	return cleared(why)
}

// closes ends the incident with what its plan achieved.
func (i *Incident) closes() Move {
	text := "gone before anything was done"
	if i.leaves() && i.Wrote {
		text = fmt.Sprintf("gone; %s stopped plan %s, and what was done until then is left as it is", i.Stopped.By.Person, i.Stopped.Plan.ShortDigest())
	} else if i.Outcome != "" {
		text = "recovered, and nothing is left to take back"
	} else if last := i.recovery(); last != nil && last.Lasts {
		text = "gone, and what was done stays"
	} else if i.Attempts > 0 {
		text = "gone, and what was done is taken back"
	}
	return Move{Do: Append, Record: Record{Kind: Closed, Outcome: i.Outcome, Text: text}}
}

// DecidedAt is the view time of the last decision, zero when there was none.
func (i *Incident) DecidedAt() time.Time {
	for n := len(i.History) - 1; n >= 0; n-- {
		if i.History[n].Kind == Decided {
			return i.History[n].At
		}
	}
	return time.Time{}
}

func cleared(why string) Move {
	return Move{Do: Append, Record: Record{Kind: Cleared, Text: why}}
}

func handed(why string) Move {
	return Move{Do: Append, Record: Record{Kind: Handed, Text: why}}
}

func recurred(s Sight, why string) Move {
	return Move{Do: Append, Record: Record{Kind: Recurred, Fault: &s.Finding.Fault, WindowS: s.Finding.Window.Seconds(), Text: why}}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
