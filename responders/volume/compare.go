package volume

import (
	"context"
	"fmt"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var jobKind = schema.GroupVersionResource{Group: "batch", Version: "v1", Resource: "jobs"}

// comparing is what a plan pinned of how restored content is compared with what is there: the very job that is run.
type comparing struct {
	By  string       `json:"by"` // the CronJob that its owner wrote it in
	Job *batchv1.Job `json:"job"`
}

func (c comparing) String() string {
	return fmt.Sprintf("job %s/%s (of CronJob %s)", c.Job.Namespace, c.Job.Name, c.By)
}

// trial is what is known of a comparison.
type trial struct {
	job   *batchv1.Job // nil where it is not there
	said  string       // the last words of its newest pod, or what that waits for
	live  string       // a pod of it that has not ended
	spent []corev1.Pod // those that have ended, and hold what they compared until they are deleted
}

// lookAtTrial reads the job that compares, if the plan has one, and what is left of one that an earlier plan had.
func (s swap) lookAtTrial(ctx context.Context) (t trial, err error) {
	if s.Compare != nil {
		if t.job, err = s.jobAt(ctx, s.Compare.Job); err != nil {
			return t, err
		}
	}
	pods, err := s.reader.CoreV1().Pods(s.Namespace).List(ctx, metav1.ListOptions{LabelSelector: labels.Set{ForLabel: s.token}.String(), Limit: most})
	if err != nil {
		return t, fmt.Errorf("list the pods that compare for claim %s: %w", s.name(), err)
	}
	slices.SortFunc(pods.Items, func(a, b corev1.Pod) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
	for i := range pods.Items {
		t.see(&pods.Items[i])
	}
	if t.job != nil && t.said == "" {
		t.said = brief(wordsOfEnd(t.job))
	}
	return t, nil
}

// see takes in one of the pods, the oldest first. What one said that failed is nothing to a job that succeeded.
func (t *trial) see(pod *corev1.Pod) {
	if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		t.spent = append(t.spent, *pod)
	} else {
		t.live = pod.Name
	}
	if t.job != nil && hasEnded(t.job, batchv1.JobComplete) && pod.Status.Phase != corev1.PodSucceeded {
		return
	}
	t.said = brief(strings.Join(strings.Fields(wordsOf(pod)), " "))
}

// wordsOfEnd are why a job has failed, as Kubernetes has it.
func wordsOfEnd(job *batchv1.Job) string {
	for _, c := range job.Status.Conditions {
		if c.Type == batchv1.JobFailed && c.Status == corev1.ConditionTrue {
			return c.Message
		}
	}
	return ""
}

// compare makes the job that compares, and waits for what it finds. Only where it succeeds the restored content goes on to take the place.
func (s swap) compare(w scene) (move, error) {
	if s.Compare == nil {
		return move{}, nil
	}
	job := w.trial.job
	if job == nil {
		return move{done: 2, open: s.Compare.String() + " is not there", do: func(ctx context.Context) error { return s.beginTrial(ctx, w) }}, nil
	}
	if err := s.against(w.trial); err != nil {
		return move{}, err
	}
	if !hasEnded(job, batchv1.JobComplete) {
		return move{done: 3, open: s.Compare.String() + " still compares" + after(w.trial.said)}, nil
	}
	return move{}, nil
}

// against says what speaks against restored content by the job that is there.
func (s swap) against(t trial) error {
	switch {
	case t.job.Labels[ForLabel] != s.token:
		return fmt.Errorf("%s is there and was not made by this step: delete it", s.Compare)
	case t.job.Annotations[SnapshotAnnotation] != string(s.Snapshot):
		return fmt.Errorf("%s compared another snapshot (UID %s): delete it", s.Compare, t.job.Annotations[SnapshotAnnotation])
	case hasEnded(t.job, batchv1.JobFailed):
		return s.unlike(t.said)
	}
	return nil
}

// beginTrial makes the job as it was pinned, on the node where the claim can be read.
func (s swap) beginTrial(ctx context.Context, w scene) error {
	job := s.Compare.Job.DeepCopy()
	if node := readableOn(w.claim, w.users); node != "" && lends(&job.Spec.Template.Spec, s.Claim) {
		bindTo(&job.Spec.Template.Spec, node)
	}
	raw, err := runtime.DefaultUnstructuredConverter.ToUnstructured(job)
	if err != nil {
		return fmt.Errorf("encode %s: %w", s.Compare, err)
	}
	delete(raw, "status")
	return s.hand.create(ctx, jobKind, &unstructured.Unstructured{Object: raw})
}

// unlike says that what was restored is not to take the place.
func (f restoring) unlike(said string) error {
	return fmt.Errorf("%s did not succeed%s; claim %s is as it was, and what was restored from snapshot %s is in claim %s to be looked at: "+
		"to compare again, delete the job and run this again; to restore another snapshot, delete that claim, too",
		f.Compare, after(said), f.name(), f.Final.Snapshot, f.Beside.Claim.Name)
}

func after(said string) string {
	if said == "" {
		return ""
	}
	return ", and says: " + said
}

// jobAt reads a job; nil where there is none.
func (r room) jobAt(ctx context.Context, of *batchv1.Job) (*batchv1.Job, error) {
	job, err := r.reader.BatchV1().Jobs(of.Namespace).Get(ctx, of.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read job %s/%s: %w", of.Namespace, of.Name, err)
	}
	return job, nil
}

// hasEnded says whether a job has come to an end of a kind.
func hasEnded(job *batchv1.Job, how batchv1.JobConditionType) bool {
	for _, c := range job.Status.Conditions {
		if c.Type == how && c.Status == corev1.ConditionTrue {
			return true
		}
	}
	return false
}

// wordsOf are what a pod said when it ended, its termination message, or else what it waits for.
func wordsOf(pod *corev1.Pod) string {
	for _, c := range pod.Status.ContainerStatuses {
		switch {
		case c.State.Terminated != nil && c.State.Terminated.Message != "":
			return c.State.Terminated.Message
		case c.State.Terminated != nil && c.State.Terminated.ExitCode != 0:
			return fmt.Sprintf("exit code %d", c.State.Terminated.ExitCode)
		case c.State.Waiting != nil && c.State.Waiting.Message != "":
			return c.State.Waiting.Message
		}
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return c.Message
		}
	}
	return ""
}
