package workload

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

var snapshotKind = schema.GroupVersionResource{Group: "snapshot.storage.k8s.io", Version: "v1", Resource: "volumesnapshots"}

// Snapshots is where the snapshots of a cluster are looked up.
type Snapshots struct{ custom dynamic.Interface }

// taken is when each claim, as namespace/name, was last taken a snapshot of that can be used.
type taken struct {
	at      map[string]time.Time
	unknown string // why nobody knows, if so
}

// newest lists the snapshots. That there is nobody to ask, or no right to, is no error: it is what is said then.
func (s Snapshots) newest(ctx context.Context) taken {
	list, err := s.custom.Resource(snapshotKind).List(ctx, metav1.ListOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return taken{unknown: "snapshots unknown: the cluster has no snapshot API"}
	case apierrors.IsForbidden(err):
		return taken{unknown: "snapshots unknown: they may not be read"}
	case err != nil:
		return taken{unknown: "snapshots unknown: they cannot be read now"}
	}
	out := taken{at: map[string]time.Time{}}
	for _, item := range list.Items {
		claim, at, usable := snapshotOf(item)
		if key := item.GetNamespace() + "/" + claim; usable && at.After(out.at[key]) {
			out.at[key] = at
		}
	}
	return out
}

// snapshotOf reads of which claim a snapshot is and when it was taken; false where it cannot be used or does not say so.
func snapshotOf(item unstructured.Unstructured) (claim string, at time.Time, usable bool) {
	claim, _, _ = unstructured.NestedString(item.Object, "spec", "source", "persistentVolumeClaimName")
	usable, _, _ = unstructured.NestedBool(item.Object, "status", "readyToUse")
	created, _, _ := unstructured.NestedString(item.Object, "status", "creationTime")
	at, err := time.Parse(time.RFC3339, created)
	return claim, at, usable && err == nil && claim != ""
}

// of says how old the newest snapshot is of that claim whose newest is oldest, after a comma; nothing where there are no claims.
func (t taken) of(claims []string, now time.Time) string {
	var oldest time.Time
	for i, claim := range claims {
		at, ok := t.at[claim]
		switch {
		case t.unknown != "":
			return ", " + t.unknown
		case !ok:
			return ", no snapshot of " + claim
		case i == 0 || at.Before(oldest):
			oldest = at
		}
	}
	if oldest.IsZero() {
		return ""
	}
	return fmt.Sprintf(", newest snapshot from %s, %s", oldest.UTC().Format("2006-01-02 15:04 MST"), roughly(now.Sub(oldest)))
}

// roughly says an age in words that stay true for a while.
func roughly(age time.Duration) string {
	for _, bound := range []struct {
		under time.Duration
		said  string
	}{
		{15 * time.Minute, "less than 15 min ago"}, {time.Hour, "less than 1 h ago"}, {2 * time.Hour, "less than 2 h ago"}, {6 * time.Hour, "less than 6 h ago"},
		{12 * time.Hour, "less than 12 h ago"}, {24 * time.Hour, "less than 1 day ago"}, {48 * time.Hour, "less than 2 days ago"},
	} {
		if age < bound.under {
			return bound.said
		}
	}
	return fmt.Sprintf("more than %d days ago", int(age.Hours())/24)
}
