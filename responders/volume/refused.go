package volume

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	selectors "k8s.io/apimachinery/pkg/fields"
)

// refusedFor is how long what a step waits for may be refused before the step gives up: the storage may come round.
const refusedFor = time.Minute

// setback notices that what a step waits for is refused, again and again.
type setback struct {
	since time.Time
	said  string
}

// check asks what speaks against what is waited for. Once that has lasted, what was made for it is taken back: it would wait for ever, and be
// carried out when nobody expects it any more. Where it cannot be asked it is waited on.
func (r *setback) check(ctx context.Context, m move) error {
	said, now := "", time.Now()
	if m.against != nil {
		said, _ = m.against(ctx)
	}
	if r.said = brief(said); said == "" {
		r.forget()
		return nil
	}
	if r.since.IsZero() {
		r.since = now
	}
	patience := refusedFor
	if deadline, ok := ctx.Deadline(); ok {
		patience = min(patience, deadline.Sub(r.since)/4)
	}
	if now.Sub(r.since) < patience {
		return nil
	}
	if err := m.undo(ctx); err != nil {
		return fmt.Errorf("%s, since the storage refuses it: %s; take back what was made for it: %w", m.open, r.said, err)
	}
	return fmt.Errorf("%s, since the storage refuses it: %s; what was made for it is taken back, and nothing else was touched", m.open, r.said)
}

// forget begins anew: what was refused is not waited for any more.
func (r *setback) forget() { *r = setback{} }

// because says what speaks against it, where that is known.
func (r *setback) because() string {
	if r.said == "" {
		return ""
	}
	return ", since the storage refuses it: " + r.said
}

// refused is what a driver said last against making the volume of a claim; empty where it said nothing, or is still at work.
func (r room) refused(ctx context.Context, claim *corev1.PersistentVolumeClaim) (string, error) {
	about := selectors.Set{"involvedObject.uid": string(claim.UID), "reason": "ProvisioningFailed"}
	list, err := r.reader.CoreV1().Events(claim.Namespace).List(ctx, metav1.ListOptions{FieldSelector: about.String(), Limit: most})
	if err != nil {
		return "", fmt.Errorf("list what was said of claim %s/%s: %w", claim.Namespace, claim.Name, err)
	}
	var said string
	var last time.Time
	for _, event := range list.Items {
		if at := saidAt(event); !at.Before(last) {
			said, last = event.Message, at
		}
	}
	if isAtWork(said) {
		return "", nil
	}
	return said, nil
}

func saidAt(event corev1.Event) time.Time {
	if event.LastTimestamp.IsZero() {
		return event.EventTime.Time
	}
	return event.LastTimestamp.Time
}

// isAtWork says that a driver may be making the volume though a call of it ended with an error, as CSI has it.
func isAtWork(said string) bool {
	for _, code := range []string{"Canceled", "DeadlineExceeded", "Unavailable", "Aborted"} {
		if strings.Contains(said, "code = "+code+" ") {
			return true
		}
	}
	return false
}
