package classifiers

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/events"
)

// Config finds workloads whose rollout is stuck or whose pods crash after something was changed: their own revision, a ConfigMap or
// Secret that they read, an admission webhook or a CustomResourceDefinition. A workload that breaks without a change is a symptom
// of something else, and no finding. It also finds certificates that expire soon.
type Config struct {
	Window  time.Duration // confirmation window
	Recent  time.Duration // how long before the trouble a change may lie and still be its cause
	Expires time.Duration // how long before its end a certificate counts
}

// Classify implements Classifier.
func (c Config) Classify(v *View) []Finding {
	var out []Finding
	for _, cluster := range v.sorted() {
		look := newTroubles(v, cluster)
		for _, w := range those(cluster.Workloads, func(w *WorkloadView) bool { return !w.Gone && !w.SickAt.IsZero() }) {
			if f, ok := c.judge(look, w); ok {
				out = append(out, f)
			}
		}
		out = append(out, c.certificates(v, cluster)...)
	}
	return out
}

// troubles are the pods in trouble of one cluster, by what keeps them running.
type troubles struct {
	cluster *Cluster
	pods    map[string][]PodView
	nodes   map[string]time.Time // since when there are others whose trouble is that of their node, or that find none while nodes are lost
}

func newTroubles(v *View, c *Cluster) troubles {
	t := troubles{cluster: c, pods: map[string][]PodView{}, nodes: map[string]time.Time{}}
	loss := c.lastLoss()
	for _, p := range c.Pods {
		if !p.Troubled() {
			continue
		}
		key := objectKey(p.Owner.Kind, p.Namespace, p.Owner.Name)
		excused := c.excuses(v.Now, p)
		if !excused {
			t.pods[key] = append(t.pods[key], p)
		}
		if !excused && !p.displaced(loss) {
			continue
		}
		since := c.suffers(p)
		if began, known := t.nodes[key]; !known || since.Before(began) {
			t.nodes[key] = since
		}
	}
	for _, list := range t.pods {
		slices.SortFunc(list, func(a, b PodView) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Name, b.Name)) })
	}
	return t
}

// settles is how long pods may be in trouble after their node came back.
const settles = 5 * time.Minute

// suffers is since when a pod in trouble can have that from its node.
func (c *Cluster) suffers(p PodView) time.Time {
	if n, ok := c.Nodes[p.Node]; ok {
		return later(p.At, n.LostAt)
	}
	return p.At
}

// lastLoss is when the last of the nodes was lost that are lost; zero when none is.
func (c *Cluster) lastLoss() time.Time {
	var last time.Time
	for _, n := range c.Lost {
		last = later(last, n.LostAt)
	}
	return last
}

// displaces is how long after a node was lost its pods are put elsewhere: Kubernetes waits five minutes before it evicts them.
const displaces = 15 * time.Minute

// displaced says that a pod came to find no node about when one was lost.
func (p PodView) displaced(loss time.Time) bool {
	after := p.At.Sub(loss)
	return p.Trouble == "Unschedulable" && !loss.IsZero() && after >= -settles && after <= displaces
}

// excuses says that the trouble of a pod is that of its node: it is lost, or no more, or came back lately.
func (c *Cluster) excuses(now time.Time, p PodView) bool {
	if p.Node == "" || len(c.Nodes) == 0 {
		return false
	}
	n, ok := c.Nodes[p.Node]
	if !ok || n.Gone || n.Lost() {
		return true
	}
	back := later(n.ReadyAt, n.Lease.At)
	return back.After(p.At) && now.Sub(back) < settles
}

// blames are the troubles that a change of configuration makes. Others, such as a pod without a node, are made by many things.
var blames = []string{"CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "InvalidImageName", "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "OOMKilled", "Error", "NotReady"}

// of are the pods of a workload with such troubles and when what is wrong with it began; sick says whether anything is.
func (t troubles) of(w *WorkloadView) (pods []PodView, began time.Time, sick bool) {
	pods = slices.DeleteFunc(slices.Clone(t.pods[objectKey(w.Kind, w.Namespace, w.Name)]), func(p PodView) bool { return !slices.Contains(blames, p.Trouble) })
	if len(pods) > 0 && w.Stuck == "" {
		return pods, pods[0].At, true
	}
	return pods, w.SickAt, w.Stuck != "" && !t.stopped(w, pods)
}

// stopped says that a rollout was given up because of the nodes: none of its pods has a trouble of its own, and some had their node's
// before.
func (t troubles) stopped(w *WorkloadView, own []PodView) bool {
	began, known := t.nodes[objectKey(w.Kind, w.Namespace, w.Name)]
	return known && w.Stuck == "ProgressDeadlineExceeded" && len(own) == 0 && !began.After(w.StuckAt)
}

func (c Config) judge(look troubles, w *WorkloadView) (Finding, bool) {
	pods, began, sick := look.of(w)
	if !sick {
		return Finding{}, false
	}
	cause, ok := look.cluster.cause(w, began, c.Recent)
	if !ok {
		return Finding{}, false
	}
	name := w.Namespace + "/" + w.Name
	f := Fault{Kind: KindConfig, Cause: cause.word(), Cluster: look.cluster.Name, Anchor: Anchor{Kind: strings.ToLower(w.Kind), Name: name, UID: w.UID},
		Scope: Scope{Namespaces: []string{w.Namespace}, Objects: []string{objectKey(w.Kind, w.Namespace, w.Name)}}, Since: later(began, w.StuckAt), Evidence: []string{w.Evidence}}
	f.Signals = []Signal{rollout(w), crashes(pods, &f), {Name: "change", Source: SourceAPIServer, Asked: true, Agrees: true, Detail: cause.text(began)}}
	f.Broken = cause.at
	if cause.kind == "ConfigMap" || cause.kind == "Secret" {
		f.Scope.Objects = append(f.Scope.Objects, objectKey(cause.kind, w.Namespace, cause.name))
	}
	if cause.evidence != w.Evidence {
		f.Evidence = append(f.Evidence, cause.evidence)
	}
	f.Sentence = fmt.Sprintf("%s %s broke %s", strings.ToLower(w.Kind), name, cause.after(began))
	return Finding{Fault: f, Window: c.Window, Standing: !w.WasHealthy && w.RevisedAt.IsZero()}, true
}

func rollout(w *WorkloadView) Signal {
	detail := fmt.Sprintf("%d of %d ready, %d of the wanted revision", w.Ready, w.Desired, w.Updated)
	if w.Stuck != "" {
		detail += ", " + w.Stuck
	}
	return Signal{Name: "rollout", Source: SourceAPIServer, Asked: true, Agrees: w.Stuck != "", Detail: detail}
}

func crashes(pods []PodView, f *Fault) Signal {
	if len(pods) == 0 {
		return Signal{Name: "pods", Source: SourceAPIServer, Detail: "none is known to be in trouble"}
	}
	for _, p := range pods[:min(len(pods), maxEvidence)] {
		f.Evidence = append(f.Evidence, p.Evidence)
	}
	return Signal{Name: "pods", Source: SourceAPIServer, Asked: true, Agrees: true, Detail: fmt.Sprintf("%d in trouble: %s", len(pods), pods[0].Trouble)}
}

// cause is a change, or that something was deleted.
type cause struct {
	kind     string // of the object that was changed; empty: the workload itself
	name     string // of that object
	what     string
	at       time.Time
	by       events.Change
	evidence string
	gone     bool
}

// text says what happened, how long before, and by whom where that is known.
func (c cause) text(began time.Time) string {
	return fmt.Sprintf("%s %s before%s", c.happened(), c.lead(began), c.who())
}

// after is the same as the end of a sentence.
func (c cause) after(began time.Time) string {
	return fmt.Sprintf("%s after %s%s", c.lead(began), c.happened(), c.who())
}

// lead is how long before the trouble it was.
func (c cause) lead(began time.Time) string {
	if before := began.Sub(c.at).Round(time.Second); before > 0 {
		return rounded(before)
	}
	return "right"
}

func (c cause) happened() string {
	if c.gone {
		return c.what + " was deleted"
	}
	return c.what + " changed"
}

func (c cause) who() string {
	if c.by.By == "" || c.gone {
		return "" // who changed it last did not delete it
	}
	return fmt.Sprintf(" (by %s)", named(c.by.By))
}

// cause is the last change before the trouble began of what the workload depends on, not long before it stopped being healthy: pods
// that crash later have the same cause. Changes of what Salvor saw only once are none.
func (c *Cluster) cause(w *WorkloadView, began time.Time, recent time.Duration) (cause, bool) {
	old := func(one cause) bool { return one.age(w) > recent }
	found := slices.DeleteFunc(c.changes(w, began), old)
	if len(found) == 0 {
		found = slices.DeleteFunc(c.admission(began), old)
	}
	return last(found)
}

// age is how long before the workload stopped being healthy the change was made.
func (c cause) age(w *WorkloadView) time.Duration { return w.SickAt.Sub(c.at) }

// last is the last of changes.
func last(changes []cause) (cause, bool) {
	if len(changes) == 0 {
		return cause{}, false
	}
	return slices.MaxFunc(changes, func(a, b cause) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(b.what, a.what)) }), true
}

// changes are those before the trouble began of the workload itself and of what it reads.
func (c *Cluster) changes(w *WorkloadView, began time.Time) []cause {
	all := []cause{{what: "its revision", at: w.RevisedAt, by: w.Changed, evidence: w.Evidence}}
	for _, ref := range w.Uses {
		if o, ok := c.Objects[objectKey(ref.Kind, w.Namespace, ref.Name)]; ok {
			all = append(all, o.change())
		}
	}
	return before(began, all)
}

// admission are the changes before the trouble began of what stands in the way of every object: it is asked only when nothing nearer
// changed.
func (c *Cluster) admission(began time.Time) []cause {
	var all []cause
	for _, o := range c.Objects {
		switch o.Kind {
		case "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "CustomResourceDefinition":
			all = append(all, o.change())
		}
	}
	return before(began, all)
}

func (o *ObjectView) change() cause {
	return cause{o.Kind, o.Name, o.Kind + " " + o.Name, later(o.ContentAt, o.GoneAt), o.Changed, o.Evidence, o.Gone}
}

// before leaves the changes that were seen, and not after a moment.
func before(began time.Time, all []cause) []cause {
	return slices.DeleteFunc(all, func(one cause) bool { return one.at.IsZero() || one.at.After(began) })
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
