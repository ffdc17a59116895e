package velero

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/responders"
)

// SuspendedLabel is on CronJobs that came back suspended and were not so before.
const SuspendedLabel = "salvor.io/suspended"

// suspending is the document of Velero's that has CronJobs come back suspended, and marks those that were not.
const suspending = `version: v1
resourceModifierRules:
- conditions:
    groupResource: cronjobs.batch
    matches:
    - path: /spec/suspend
      value: "false"
  mergePatches:
  - patchData: '{"metadata":{"labels":{"` + SuspendedLabel + `":"true"}},"spec":{"suspend":true}}'
`

// turn are the namespaces that come back at one time, by name.
type turn []string

// turnsOf parts namespaces by their tiers, the first first. One that nobody promised anything of is refused.
func turnsOf(env responders.Env, names []string) ([]turn, error) {
	tiers := map[string]int{}
	for _, name := range names {
		tier, promised := env.Tier(name)
		if !promised {
			return nil, fmt.Errorf("restore namespace %s: nothing in protection of salvor.yaml is about it, so that it is gone is recorded only; add it there, or use velero.restore", name)
		}
		tiers[name] = tier
	}
	sorted := slices.Clone(names)
	slices.SortFunc(sorted, func(a, b string) int { return cmp.Or(cmp.Compare(tiers[a], tiers[b]), strings.Compare(a, b)) })
	var turns []turn
	for i, name := range sorted {
		if i == 0 || tiers[name] != tiers[sorted[i-1]] {
			turns = append(turns, nil)
		}
		turns[len(turns)-1] = append(turns[len(turns)-1], name)
	}
	return turns, nil
}

// homecoming is what namespace.restore does, as the plan pinned it: the orders of each turn, one for each namespace.
type homecoming struct {
	Turns [][]order `json:"turns"`
}

func (h homecoming) orders() []order { return slices.Concat(h.Turns...) }

// partEnv is the surroundings of one of the orders: what is made for it is found by the namespace, under whichever plan.
func partEnv(env responders.Env, o order) responders.Env {
	env.Step += "/" + o.Namespaces[0]
	return env
}

// parts are the orders, all from the backup that was chosen, once it is known how their namespaces stand.
func (f *foresight) parts(ctx context.Context, turns []turn) (homecoming, error) {
	var back homecoming
	done := 0
	for _, names := range turns {
		var orders []order
		for _, name := range names {
			part := foresight{order: f.order, client: f.client, choice: f.choice}
			part.Namespaces, part.Items, part.Into, part.Done = []string{name}, 0, nil, ""
			part.env = partEnv(f.env, part.order)
			if err := part.look(ctx); err != nil {
				return back, err
			}
			f.Into = append(f.Into, part.Into...)
			if part.Done != "" {
				done++
			}
			orders = append(orders, part.order)
		}
		back.Turns = append(back.Turns, orders)
	}
	if done == len(f.Namespaces) {
		f.Done = "of an earlier plan"
	}
	return back, nil
}

// change tells what will be done.
func (h homecoming) change(f *foresight, git []owner) responders.Change {
	change := f.change()
	change.Responder = "namespace.restore"
	if change.Nothing {
		change.Will = []string{"all of it was brought back from backup " + f.Backup + " already"}
		return change
	}
	change.Will = nil
	for i, orders := range h.Turns {
		var names []string
		for _, o := range orders {
			names = append(names, o.Namespaces...)
		}
		text := fmt.Sprintf("from backup %s of %s comes back: %s", f.Backup, when(f.choice.Point.At), strings.Join(names, ", "))
		if len(h.Turns) > 1 {
			text = fmt.Sprintf("turn %d: ", i+1) + text
		}
		change.Will = append(change.Will, text)
	}
	change.Facts = append(h.facts(git), change.Facts...)
	return change
}

// facts are what people have to do and to know afterwards. Which CronJobs there are the backup tells only to who may write.
func (h homecoming) facts(git []owner) []responders.Fact {
	var resume, owned []string
	for _, o := range h.orders() {
		name := o.Namespaces[0]
		resume = append(resume, fmt.Sprintf(`%s: to have them run again: kubectl -n %s get cronjobs -l %s=true -o name | xargs -r -n 1 kubectl -n %s patch -p '{"spec":{"suspend":false}}'`,
			name, name, SuspendedLabel, name))
	}
	for _, o := range git {
		owned = append(owned, o.what+": rests, and makes what is in "+strings.Join(o.of, ", ")+" from Git when it is resumed")
	}
	facts := []responders.Fact{responders.FactOf("CronJobs come back suspended", false, resume)}
	if len(owned) > 0 {
		facts = append(facts, responders.FactOf("Made from Git", false, owned))
	}
	return append(facts, responders.Fact{Label: "When it is stopped", Lines: []string{fmt.Sprintf("what Velero has begun cannot be called back: up to %d namespaces still come back", atOnce)}})
}
