package census

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/robfig/cron/v3"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/salvor-io/salvor/internal/protection"
	"github.com/salvor-io/salvor/responders/point"
	"github.com/salvor-io/salvor/responders/velero"
)

const veleroGroup = "velero.io"

func (t *taking) backups(ctx context.Context) error {
	places, err := velero.Locations(ctx, t.clients.Dynamic)
	if err != nil {
		return err
	}
	for _, p := range places {
		t.census.Locations = append(t.census.Locations, protection.Location{Namespace: p.Namespace, Name: p.Name, Ready: p.Ready, Why: p.Why, Default: p.Default})
	}
	t.census.Backups, err = velero.Backups(ctx, t.clients.Dynamic)
	return err
}

func (t *taking) schedules(ctx context.Context) error {
	all, err := velero.Timetables(ctx, t.clients.Dynamic)
	for _, s := range all {
		t.census.Schedules = append(t.census.Schedules, protection.Schedule{Namespace: s.Namespace, Name: s.Name, Scope: s.Scope, Paused: s.Paused,
			Why: s.Why, Location: s.Location, Every: every(s.Cron, t.census.At)})
	}
	return err
}

// firings are so many of a cron expression that the longest pause between two of them is met with, unless it is one of years.
const firings = 400

// every is the longest time between two firings of a cron expression in the time to come; 0 where it cannot be read or fires no more.
func every(expression string, now time.Time) time.Duration {
	if expression == "" {
		return 0
	}
	schedule, err := cron.ParseStandard(expression)
	if err != nil {
		return 0
	}
	var longest time.Duration
	last := schedule.Next(now)
	for range firings {
		next := schedule.Next(last)
		if last.IsZero() || next.IsZero() {
			return longest
		}
		longest, last = max(longest, next.Sub(last)), next
	}
	return longest
}

// uploads reads what Velero tells of single volumes: those that it moved out of snapshots, and those whose files it copied. A Velero of before
// 1.12 moves none.
func (t *taking) uploads(ctx context.Context) error {
	moved := schema.GroupVersionResource{Group: veleroGroup, Version: "v2alpha1", Resource: "datauploads"}
	copied := schema.GroupVersionResource{Group: veleroGroup, Version: "v1", Resource: "podvolumebackups"}
	var all []protection.Upload
	keep := func(o object) {
		all = append(all, protection.Upload{Backup: o.text("metadata", "namespace") + "/" + o.text("metadata", "labels", "velero.io/backup-name"),
			ClaimUID: o.text("metadata", "labels", "velero.io/pvc-uid"), Done: o.text("status", "phase") == point.Completed})
	}
	var failed []error
	for _, kind := range []schema.GroupVersionResource{moved, copied} {
		if err := t.each(ctx, kind, keep); err != nil && !apierrors.IsNotFound(err) {
			failed = append(failed, err)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.census.Uploads = all
	return errors.Join(failed...)
}

// labelled is how Velero writes the name of a backup into a label: cut short where it is too long for one.
func labelled(name string) string {
	if len(name) <= 63 {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return name[:57] + hex.EncodeToString(sum[:])[:6]
}

// rename gives uploads the names of their backups, where those are too long for a label.
func (t *taking) rename() {
	full := map[string]string{}
	for _, b := range t.census.Backups {
		full[b.Namespace+"/"+labelled(b.Name)] = b.Namespace + "/" + b.Name
	}
	for i, u := range t.census.Uploads {
		if name, known := full[u.Backup]; known {
			t.census.Uploads[i].Backup = name
		}
	}
}
