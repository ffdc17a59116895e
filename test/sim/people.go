package sim

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/salvor-io/salvor/internal/approval"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/internal/people"
)

// twoKinds asks about a recovery, beside the mode, somebody on call and, of every other machine, an owner, too.
const twoKinds = `package salvor.policies.sim

oncall := {"groups": ["sre-oncall"], "votes": 1, "answer_within": "4m", "on_timeout": "escalate", "escalate_to": ["sre-leads"], "reason": "a person is on call"}

owners := {"groups": ["owners"], "votes": 1, "answer_within": "4m", "on_timeout": "escalate", "escalate_to": ["sre-leads"], "reason": "it is somebody's"}

ask contains oncall if input.plan.phase == "recover"

ask contains owners if {
	input.plan.phase == "recover"
	regex.match("[02468]$", input.fault.anchor)
}
`

// soul is a person as they are, whatever is claimed of them.
type soul struct {
	name   string
	role   people.Role
	groups []string
}

func (s *soul) person() people.Person {
	return people.Person{Name: s.name, Role: s.role, Groups: s.groups, Via: people.ViaToken}
}

// said is what somebody has said, as they meant it.
type said struct {
	soul  *soul
	voice incident.Voice
	plan  string // the digest of the plan that they were shown
}

// crowd are the people who are asked: some answer at once, some late, some twice, some of another plan, some who are not asked, and now and
// then nobody does.
type crowd struct {
	run   *run
	rng   *rand.Rand
	souls []*soul
	shown []string               // the digests of the plans that people were asked about, of whatever incident
	last  map[incident.ID]string // the digest of the plan that is asked about
	meant map[string]said        // what was meant by what was said, see meaning
}

func newCrowd(r *run) *crowd {
	c := &crowd{run: r, rng: rand.New(rand.NewPCG(r.seed, 3)), last: map[incident.ID]string{}, meant: map[string]said{}, souls: []*soul{
		{"ada", people.Operator, []string{"sre-oncall"}}, {"bob", people.Operator, []string{"sre-oncall", "owners"}}, {"olga", people.Operator, []string{"owners"}},
		{"lea", people.Admin, []string{"sre-leads"}}, {"vera", people.Viewer, []string{"sre-oncall"}}, {"eve", people.Operator, []string{"dev"}},
	}}
	r.house = r.acting
	if c.rng.IntN(4) == 0 || r.bug.ofPeople() {
		r.house = r.asking
	}
	return c
}

// record hears what is recorded: people are asked, and answer.
func (c *crowd) record(rec incident.Sequenced) {
	if rec.Kind != incident.Decided || rec.Decided.Starts() || rec.Decided.Answer.Asks == nil || rec.Decided.Plan == nil {
		return
	}
	plan := rec.Decided.Plan.Digest
	c.shown, c.last[rec.Incident] = append(c.shown, plan), plan
	switch within := incident.Within(*rec.Decided.Answer.Asks); c.rng.IntN(8) {
	case 0: // nobody answers
	case 1: // one who could be either of two who are asked speaks twice, and nobody else does
		c.answers(rec.Incident, said{c.souls[1], incident.Approve, plan}, 2, c.within(time.Minute))
	case 2, 3: // who is asked approves soon
		c.approve(rec.Incident, plan)
	case 4: // so they do, of what they were shown yesterday
		c.approve(rec.Incident, yesterdays)
	default: // anybody says anything
		for range 1 + c.rng.IntN(6) {
			c.answers(rec.Incident, c.anything(plan), c.once(), c.within(within+within/4))
		}
	}
}

// yesterdays is a plan that nobody was asked about here.
const yesterdays = "0123456789abcdef"

// approve has all who may be asked approve of a plan within a minute.
func (c *crowd) approve(id incident.ID, plan string) {
	for _, s := range c.souls[:4] {
		c.answers(id, said{s, incident.Approve, plan}, c.once(), c.within(time.Minute))
	}
}

func (c *crowd) within(d time.Duration) time.Duration { return time.Duration(c.rng.Int64N(int64(d))) }

// anything is what somebody says about a plan, or about another that people were shown.
func (c *crowd) anything(plan string) said {
	out := said{c.souls[c.rng.IntN(len(c.souls))], incident.Approve, plan}
	switch c.rng.IntN(8) {
	case 0:
		out.voice = incident.Reject
	case 1:
		out.voice = incident.Hold
	case 2:
		out.plan = c.shown[c.rng.IntN(len(c.shown))]
	case 3:
		out.plan = yesterdays
	}
	return out
}

// once is how often somebody says something: once, and now and then twice.
func (c *crowd) once() int {
	if c.rng.IntN(4) == 0 {
		return 2
	}
	return 1
}

// answers has somebody say something after a while, so many times at once, at whatever replicas.
func (c *crowd) answers(id incident.ID, what said, times int, after time.Duration) {
	c.run.clock.At(c.run.clock.Now().Add(after), func() {
		for nth := range times {
			if p := c.someReplica(); p != nil {
				c.run.clock.Go(func() { c.says(p, id, what, nth) })
			}
		}
	})
}

func (c *crowd) someReplica() *replica {
	up := slices.DeleteFunc(slices.Clone(c.run.replicas), func(p *replica) bool { return p.life == nil })
	if len(up) == 0 {
		return nil
	}
	return up[c.rng.IntN(len(up))]
}

// says has somebody say something to a replica, for the nth time. What does not count is no fault, and neither is a replica that dies.
func (c *crowd) says(p *replica, id incident.ID, what said, nth int) {
	who, told := c.run.bug.takenFor(what, nth, c.last[id])
	c.meant[meaning(id, who.Name, told.Voice, told.Plan)] = what
	_, err := c.desk(p).Say(c.run.ctx, who, id, told)
	c.run.trace("%s says %s of plan %.6s of %s: %v", what.soul.name, what.voice, what.plan, id.Name(), err)
}

// desk is where people speak at a replica.
func (c *crowd) desk(p *replica) *approval.Desk {
	return &approval.Desk{Ledger: &faulty{Ledger: c.run.store.Writer(p.name + ".desk"), replica: p, life: p.lives}, Authorizer: p.life, Policy: unsigned{},
		Lost: ledger.ErrLost, Log: slog.New(slog.DiscardHandler)}
}

// meaning is by what something that was said is found again: where, under which name, and what.
func meaning(id incident.ID, name string, voice incident.Voice, plan string) string {
	return fmt.Sprintf("%s/%s/%s/%s", id, name, voice, plan)
}

// truth is who has cast a ballot, and what they meant; false: nobody has.
func (c *crowd) truth(id incident.ID, b incident.Ballot) (said, bool) {
	what, ok := c.meant[meaning(id, b.Person, b.Says, b.Plan)]
	return what, ok
}

// unsigned is a policy that nobody has signed.
type unsigned struct{}

// Signer implements approval.Policy.
func (unsigned) Signer() string { return "" }
