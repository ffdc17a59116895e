package sim

import (
	"math/rand/v2"
	"time"

	"github.com/salvor-io/salvor/internal/approval"
	"github.com/salvor-io/salvor/internal/incident"
)

// brakemen are those of the crowd who stop plans now and then, whether they were asked about them or not.
type brakemen struct {
	*crowd
	rng *rand.Rand // their own: who answers what does not depend on them
}

func newBrakemen(c *crowd) *brakemen { return &brakemen{c, rand.New(rand.NewPCG(c.run.seed, 4))} }

// record hears what is recorded: of some plans that begin somebody says soon that they are to stop, and what was done is to stay or is to be
// taken back; now and then they say first the one and then the other.
func (b *brakemen) record(rec incident.Sequenced) {
	if rec.Kind != incident.Decided || !rec.Decided.Starts() || b.rng.IntN(10) > 0 {
		return
	}
	who, halt := b.souls[b.rng.IntN(len(b.souls))], approval.Halt{Plan: rec.Decided.Plan.Digest, Undo: b.rng.IntN(2) == 0, Reason: "sim"}
	for range 1 + b.rng.IntN(4)/3 {
		b.stops(rec.Incident, who, halt, time.Duration(b.rng.Int64N(int64(2*time.Minute))))
		halt.Undo = true
	}
}

// stops has somebody stop a plan after a while, at whatever replica. From the moment they are told that it is stopped it has to be.
func (b *brakemen) stops(id incident.ID, who *soul, halt approval.Halt, after time.Duration) {
	b.run.clock.At(b.run.clock.Now().Add(after), func() {
		p := b.someReplica()
		if p == nil {
			return
		}
		b.run.clock.Go(func() {
			_, err := b.desk(p).Stop(b.run.ctx, who.person(), id, halt)
			b.run.trace("%s stops plan %.6s of %s, undo %v: %v", who.name, halt.Plan, id.Name(), halt.Undo, err)
			if err == nil {
				b.run.oracle.stopped(id, halt.Plan)
			}
		})
	})
}

// stopped notes that somebody was told that a plan is stopped, or that this is recorded.
func (o *oracle) stopped(id incident.ID, plan string) {
	if h := o.histories[id]; h != nil {
		h.stopped[plan] = true
	}
}

// halts reads that a plan is stopped, and what is to become of what it did.
func (o *oracle) halts(h *history, rec incident.Sequenced) {
	o.stopped(rec.Incident, rec.Halt.Plan)
	h.working, h.stays, h.open = false, !rec.Halt.Undo, nil // it closes the open step
	h.votes.approved = nil
	if h.plan != nil && h.plan.Digest == rec.Halt.Plan {
		h.votes.rejected = append(h.votes.rejected, h.plan)
	}
}

// lastingMark says that what an incident did to a machine is still there, though nobody wanted it to stay.
func (o *oracle) lastingMark(of string) bool {
	h := o.histories[incident.ID(of)]
	return of != "" && (h == nil || !h.stays)
}
