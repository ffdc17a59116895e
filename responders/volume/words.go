package volume

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/point"
)

// change is what people are shown of a restore.
func (o *outlook) change(space policies.Target, facts restoring) (responders.Change, error) {
	change := responders.Change{Responder: "volume.restore", Targets: o.targets(space, facts), DurationS: 300, Facts: pointsOf(o.chosen),
		DataLoss: point.Loss(facts.Taken, o.env.Now), Point: o.point()}
	if o.caution != "" {
		change.Warnings = append(change.Warnings, o.String()+": "+o.caution)
	}
	if o.doubt != "" {
		change.Warnings = append(change.Warnings, o.String()+": "+o.doubt)
	}
	if o.isDone(facts) {
		return responders.Change{Responder: change.Responder, Targets: change.Targets, Nothing: true,
			Will: []string{fmt.Sprintf("claim %s was restored from snapshot %s by this incident", facts.name(), facts.Final.Snapshot)}}, nil
	}
	if facts.Beside == nil {
		return o.brings(change, facts)
	}
	return o.replaces(change, facts)
}

// isDone says that nothing is left to do.
func (o *outlook) isDone(facts restoring) bool {
	if facts.Beside == nil {
		return o.unbound(o.claim) == ""
	}
	return o.fresh != nil && o.isOver()
}

func (o *outlook) brings(change responders.Change, facts restoring) (responders.Change, error) {
	size := facts.Final.Claim.Spec.Resources.Requests[corev1.ResourceStorage]
	change.Class = policies.Disruptive
	change.Will = []string{fmt.Sprintf("claim %s, which is not there, is made from %s: %s, class %s, %s; pods that wait for it begin to use it", facts.name(), o.chosen,
		size.String(), *facts.Final.Claim.Spec.StorageClassName, modesOf(facts.Final.Claim))}
	if o.old != nil {
		change.Facts = append(change.Facts, responders.Fact{Label: "Kept", Lines: []string{"volume " + o.old.Name + ", which was the claim's, is left as it is"}})
	}
	var err error
	change.Command, err = commands(facts)
	return change, err
}

func (o *outlook) replaces(change responders.Change, facts restoring) (responders.Change, error) {
	change.Class = policies.Destructive
	size := facts.Beside.Claim.Spec.Resources.Requests[corev1.ResourceStorage]
	change.Will = []string{fmt.Sprintf("%s is restored into claim %s beside the old one (%s, class %s), and looked at", o.chosen, facts.Beside.Claim.Name, size.String(),
		*facts.Beside.Claim.Spec.StorageClassName)}
	if facts.Compare != nil {
		change.Will = append(change.Will, fmt.Sprintf("%s compares it with what is there; it goes on only if that succeeds", facts.Compare))
	}
	if facts.Stop {
		change.Will = append(change.Will, "pods that have ended and still hold the claim are deleted")
	}
	for _, of := range facts.Owners {
		change.Will = append(change.Will, fmt.Sprintf("%s (%d replicas) is stopped, and started again in the end", of.Target, of.Replicas))
		change.Warnings = append(change.Warnings, o.managed(of)...)
	}
	change.Will = append(change.Will, fmt.Sprintf("claim %s is deleted and made again on the restored volume", facts.name()))
	kept := "the volume of claim " + facts.name() + " is gone: there is nothing to keep"
	if facts.Old.Name != "" {
		kept = fmt.Sprintf("volume %s, which the claim has now, for %s after the claim was replaced", facts.Old.Name, facts.Keep)
	}
	change.Facts = append(change.Facts, responders.Fact{Label: "Kept", Lines: []string{kept}})
	var err error
	change.Command, err = commands(facts)
	return change, err
}

// managed warns of a workload that something else may start again.
func (o *outlook) managed(of workload) []string {
	for uid, there := range o.crew {
		if ref := metav1.GetControllerOf(there.meta); string(uid) == of.Target.UID && ref != nil {
			return []string{fmt.Sprintf("%s is managed by %s %s, which may start it again while its claim is replaced: pause that first", of.Target, ref.Kind, ref.Name)}
		}
	}
	return nil
}

func modesOf(claim *corev1.PersistentVolumeClaim) string {
	var modes []string
	for _, mode := range claim.Spec.AccessModes {
		modes = append(modes, string(mode))
	}
	return strings.Join(modes, ", ")
}
