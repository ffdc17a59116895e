package e2e

import (
	"context"
	"strings"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/test/rig"
)

// backupFails: the backup of a schedule lacks what a command in a pod was to make ready, since that could not be run; it could be a moment later.
func (b *bereft) backupFails(runbook string) {
	b.velero("schedule", "create", "yearly", "--schedule", "0 2 1 1 *", "--include-namespaces", rig.Shop)
	b.await(time.Minute, "Velero has looked at the schedule", func(context.Context) (bool, error) {
		return b.person("-n", "velero", "get", "schedules.velero.io", "yearly", "-o", "jsonpath={.status.phase}") == "Enabled", nil
	})
	b.person("-n", rig.Shop, "annotate", "pod", "-l", "app=db", "pre.hook.backup.velero.io/container=db", `pre.hook.backup.velero.io/command=["sync"]`)
	b.velero("backup", "create", "yearly-1", "--from-schedule", "yearly", "--wait")
	b.person("-n", rig.Shop, "annotate", "pod", "-l", "app=db", "pre.hook.backup.velero.io/container-", "pre.hook.backup.velero.io/command-")
	inc := b.asked(runbook, "schedule/velero/yearly")
	if !strings.Contains(inc.Sentence, "the last, yearly-1, is PartiallyFailed") {
		b.t.Errorf("what is found is %q", inc.Sentence)
	}
	b.agree(inc)
	b.comesTo(inc, incident.Ended)
	phases := b.person("-n", "velero", "get", "backups.velero.io", "-l", "velero.io/schedule-name=yearly", "--sort-by=.metadata.creationTimestamp",
		"-o", "jsonpath={.items[*].status.phase}")
	if want := "PartiallyFailed Completed"; phases != want {
		b.t.Errorf("the backups of the schedule are %s, want %s", phases, want)
	}
}

func (b *bereft) velero(args ...string) {
	b.t.Helper()
	_, err := b.rig.Stack.Velero(b.ctx, args...)
	b.must(err)
}
