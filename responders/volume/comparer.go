package volume

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Whoever owns data knows when it is right, Salvor does not. So an owner writes a CronJob (suspended, as a rule) that says in an annotation which
// claims it compares. Its template has a volume named "restored" and may have one named "current", of any kind: the job that is made of it is given the
// restored claim and the one that is there in their places, both to be read only. Where it succeeds the restored content may take the place.
const (
	ComparesAnnotation = "salvor.io/compares" // of a CronJob: the claims of its namespace that it compares, with commas between
	restoredVolume     = "restored"
	currentVolume      = "current"

	trialKept = 24 * time.Hour // how long a job that compared is there to be read, at least
	trialTime = time.Hour      // how long it may take where its owner does not say
)

// compare pins how the claim is compared, where that is asked for and somebody has said how.
func (o *outlook) compare(ctx context.Context, facts *restoring) error {
	if asked, _ := o.args["compare"].(bool); !asked {
		return nil
	}
	by, err := o.comparer(ctx)
	if err != nil {
		return err
	}
	if by == nil {
		o.doubt = fmt.Sprintf("nothing compares what comes back with what is there: no CronJob of namespace %s has the annotation %s: %s", o.namespace(), ComparesAnnotation, o.name())
		return nil
	}
	if o.old == nil {
		o.doubt = "its volume is gone: there is nothing to compare with, and CronJob " + by.Name + " is not asked"
		return nil
	}
	job, err := o.comparison(by, facts.Beside.Claim.Name)
	if err != nil {
		return fmt.Errorf("compare it by CronJob %s: %w", by.Name, err)
	}
	facts.Compare = &comparing{By: by.Name, Job: job}
	return o.untried(ctx, facts)
}

// untried refuses what this step has compared before, with an answer that does not change by asking people again.
func (o *outlook) untried(ctx context.Context, facts *restoring) error {
	s := swap{room: o.room, restoring: *facts}
	t, err := s.lookAtTrial(ctx)
	if err != nil || t.job == nil {
		return err
	}
	return s.against(t)
}

// comparer is the CronJob that says that it compares the claim; nil where none does.
func (o *outlook) comparer(ctx context.Context) (*batchv1.CronJob, error) {
	list, err := o.reader.BatchV1().CronJobs(o.namespace()).List(ctx, metav1.ListOptions{Limit: most})
	if err != nil || list.Continue != "" {
		return nil, unlisted("cronjobs", o.namespace(), err)
	}
	var found *batchv1.CronJob
	for i := range list.Items {
		by := &list.Items[i]
		if !slices.Contains(strings.Fields(strings.ReplaceAll(by.Annotations[ComparesAnnotation], ",", " ")), o.name()) {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("CronJobs %s and %s both say that they compare it (%s): leave it to one of them", found.Name, by.Name, ComparesAnnotation)
		}
		found = by
	}
	return found, nil
}

// comparison is the job that compares, made of the template that its owner wrote.
func (o *outlook) comparison(by *batchv1.CronJob, restored string) (*batchv1.Job, error) {
	template := by.Spec.JobTemplate.DeepCopy()
	job := &batchv1.Job{TypeMeta: metav1.TypeMeta{APIVersion: "batch/v1", Kind: "Job"}, Spec: template.Spec, ObjectMeta: metav1.ObjectMeta{Namespace: o.namespace(),
		Name: "salvor-compare-" + o.token, Labels: with(template.Labels, ForLabel, o.token), Annotations: with(with(template.Annotations, IncidentAnnotation, o.env.Incident), SnapshotAnnotation, string(o.uid))}}
	spec := &job.Spec
	spec.Template.Labels = with(spec.Template.Labels, ForLabel, o.token)
	spec.Suspend, spec.TTLSecondsAfterFinished = nil, new(max(of(spec.TTLSecondsAfterFinished, 0), int32(trialKept.Seconds())))
	spec.BackoffLimit, spec.ActiveDeadlineSeconds = new(of(spec.BackoffLimit, 0)), new(of(spec.ActiveDeadlineSeconds, int64(trialTime.Seconds())))

	if !lend(&spec.Template.Spec, restoredVolume, restored) {
		return nil, fmt.Errorf("its template has no volume named %q, in whose place the restored claim is to be", restoredVolume)
	}
	if lend(&spec.Template.Spec, currentVolume, o.name()) && len(o.users) > 0 && slices.Contains(o.claim.Spec.AccessModes, corev1.ReadWriteOncePod) {
		return nil, fmt.Errorf("the claim can be used by one pod only (ReadWriteOncePod), and is, by %s: leave the volume %q out of its template", namesOf(o.users), currentVolume)
	}
	return job, nil
}

// lend gives a claim to a pod, to be read only, in the place of a volume of its template; false where it has none of that name.
func lend(pod *corev1.PodSpec, volume, claim string) bool {
	for i := range pod.Volumes {
		if pod.Volumes[i].Name == volume {
			pod.Volumes[i].VolumeSource = corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim, ReadOnly: true}}
			return true
		}
	}
	return false
}

// lends says whether a pod is given a claim.
func lends(pod *corev1.PodSpec, claim string) bool {
	return slices.ContainsFunc(pod.Volumes, func(v corev1.Volume) bool {
		return v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ClaimName == claim
	})
}

// readableOn is the one node on which a claim can be read while pods use it; empty where that is any.
func readableOn(claim *corev1.PersistentVolumeClaim, users []corev1.Pod) string {
	nodes := nodesOf(users)
	if claim == nil || len(nodes) == 0 || slices.Contains(claim.Spec.AccessModes, corev1.ReadWriteMany) || slices.Contains(claim.Spec.AccessModes, corev1.ReadOnlyMany) {
		return ""
	}
	return nodes[0]
}

// bindTo lets a pod run on one node only, whatever else its owner demands of nodes.
func bindTo(pod *corev1.PodSpec, node string) {
	if pod.Affinity == nil {
		pod.Affinity = &corev1.Affinity{}
	}
	if pod.Affinity.NodeAffinity == nil {
		pod.Affinity.NodeAffinity = &corev1.NodeAffinity{}
	}
	required := pod.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	if required == nil || len(required.NodeSelectorTerms) == 0 {
		required = &corev1.NodeSelector{NodeSelectorTerms: make([]corev1.NodeSelectorTerm, 1)}
		pod.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution = required
	}
	is := corev1.NodeSelectorRequirement{Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{node}}
	for i := range required.NodeSelectorTerms {
		required.NodeSelectorTerms[i].MatchFields = append(required.NodeSelectorTerms[i].MatchFields, is)
	}
}

// with is a map with one key more.
func with(m map[string]string, key, value string) map[string]string {
	out := maps.Clone(m)
	if out == nil {
		out = map[string]string{}
	}
	out[key] = value
	return out
}

// of is what a pointer leads to, or a default.
func of[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}
