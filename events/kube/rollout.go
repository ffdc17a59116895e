package kube

import "time"

// rollout is what is remembered of the revisions of a workload whose object does not always tell the wanted one.
type rollout struct {
	template uint64 // that was wanted
	revision string // what it was called
	former   string // revision of the template that was wanted before it
}

// after calls the wanted template what its controller does, as soon as that is known. Until then it is called as it was, or when it
// is another template, "template-" and its digest. A controller may name the former revision for a moment after the template has
// changed, so that name is not taken for the new one.
func (w seenWorkload) after(past *rollout) (seenWorkload, *rollout) {
	if w.template == 0 {
		return w, nil
	}
	if past == nil {
		past = &rollout{}
	}
	now := &rollout{template: w.template, revision: w.Revision, former: past.former}
	changed := past.template != 0 && past.template != w.template
	if changed && past.revision != provisional(past.template) {
		now.former = past.revision
	}
	if now.former != "" && now.revision == now.former {
		now.revision = ""
	}
	if now.revision == "" && past.template == w.template {
		now.revision = past.revision
	}
	if now.revision == "" {
		now.revision = provisional(w.template)
	}
	w.Revision = now.revision
	if *now == *past {
		return w, past
	}
	return w, now
}

func provisional(template uint64) string { return "template-" + digits(template) }

func (w seenWorkload) quiet() bool                      { return false }
func (w seenWorkload) at(time.Time) seenWorkload        { return w }
func (w seenWorkload) next(time.Time) (never time.Time) { return never }
func (w seenWorkload) will(time.Time, uint64) (no bool) { return false }
