package rollout

import "time"

// Status is what is known of policy now.
type Status struct {
	InForce *Standing      `json:"in_force"` // for the whole fleet; null when there is none yet
	Held    *Standing      `json:"held"`     // null when none is
	Refused *Refusal       `json:"refused"`  // why what the source of this replica holds cannot be used; null when it can
	Shadows []ShadowStatus `json:"shadows"`
	Serving Serving        `json:"serving"`
}

// Serving is what this replica decides by.
type Serving struct {
	Replica  string    `json:"replica"`
	Revision string    `json:"revision"` // "" when it decides nothing
	Since    time.Time `json:"since"`
	Why      string    `json:"why,omitempty"`  // why it decides nothing
	Slow     *Slow     `json:"slow,omitempty"` // the rule that took too long last
}

// Status says how it stands.
func (r *Rollout) Status() Status {
	now := r.engine.serving.Load()
	s := Status{Serving: Serving{Replica: r.Replica, Revision: r.engine.revision(), Since: now.since}}
	s.Serving.Slow = r.engine.slow.of(s.Serving.Revision)
	if err := r.engine.Well(); err != nil {
		s.Serving.Why = err.Error()
	}
	r.mu.Lock()
	s.InForce, s.Held, s.Refused = r.state.inForce, r.state.held, r.problem
	r.mu.Unlock()
	if s.Shadows, _ = r.shadow.status(); s.Shadows == nil {
		s.Shadows = []ShadowStatus{}
	}
	return s
}

// Signer is the person who signed the policy that is in force, "" where nobody has, or it is not known who.
func (r *Rollout) Signer() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := r.state.inForce; now != nil && now.Signed {
		return now.Author
	}
	return ""
}

// Counts are what is counted of policy in this life of the replica.
type Counts struct {
	Refusals uint64 // of what the source held
	Shadows  Sums   // what shadows said
	Dropped  uint64 // questions that the shadows were not asked, since they came too fast
}

// Counts says what was counted.
func (r *Rollout) Counts() Counts {
	_, total := r.shadow.status()
	r.mu.Lock()
	defer r.mu.Unlock()
	return Counts{r.refusals, total, r.shadow.dropped.Load()}
}
