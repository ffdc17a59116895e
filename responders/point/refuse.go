package point

import (
	"fmt"
	"strings"
	"time"
)

// second is how finely objects tell the time: what says 10:00:00 may have been at 10:00:00.9.
const second = time.Second

// foreign says that a backup is of another cluster.
func foreign(want Want, b Backup) string {
	if b.Cluster != "" && want.Cluster != "" && b.Cluster != want.Cluster {
		return "it is of cluster " + b.Cluster
	}
	return ""
}

// unusable says that a backup is not there for long enough, or tells too little.
func unusable(b Backup, now time.Time) string {
	switch {
	case b.Deleting:
		return "it is being deleted"
	case !b.Expires.IsZero() && !b.Expires.After(now):
		return "it expired at " + clock(b.Expires, now)
	}
	return ""
}

func unfinished(want Want, b Backup) string {
	switch {
	case b.Phase == PartiallyFailed && want.AllowPartial, b.Phase == Completed:
	case b.Phase == PartiallyFailed:
		return fmt.Sprintf("it is incomplete: %s with %d errors%s", b.Phase, b.Errors, because(b.Why))
	case b.Phase == "":
		return "it has not begun"
	default:
		return "it is " + b.Phase + because(b.Why)
	}
	if b.Started.IsZero() {
		return "it does not say when it began"
	}
	return ""
}

func unreadable(b Backup) string {
	if b.LocationReady {
		return ""
	}
	return "its storage location " + b.Location + " cannot be read" + because(b.LocationWhy)
}

// lacksVolumes says that the contents of volumes are not in a backup. Which volumes had to be it does not tell: one that took none has none.
func lacksVolumes(want Want, b Backup) string {
	v := b.Volumes
	switch {
	case !want.Need.Volumes:
		return ""
	case v.Attempted > v.Completed:
		return fmt.Sprintf("the contents of %d of %d volumes are not in it", v.Attempted-v.Completed, v.Attempted)
	case v.Attempted == 0 && v.Off:
		return "it was told not to take the contents of volumes"
	case v.Attempted == 0:
		return "it has the contents of no volume"
	}
	return ""
}

func unproven(want Want, b Backup) string {
	if want.Verified && b.Verified.IsZero() {
		return "no drill or check has proved that it can be restored"
	}
	return ""
}

// doubts are what speaks against a backup so that it is not taken unasked. A person may know better and name it.
func doubts(want Want, b Backup) []string {
	var all []string
	if b.Cluster == "" && b.Synced && want.Cluster != "" {
		all = append(all, "nothing says of which cluster it is: it was found in the object store, not made here")
	}
	switch {
	case want.Before.IsZero():
	case b.Started.Add(second).After(want.Before):
		all = append(all, "it was begun at "+clock(b.Started, want.Before)+", after the fault began at "+clock(want.Before, want.Before))
	case b.Completed.IsZero() || b.Completed.Add(second).After(want.Before):
		all = append(all, "it was still being made when the fault began at "+clock(want.Before, want.Before))
	}
	return all
}

// expiresSoon is for how long a backup should be there yet, for a restore to end.
const expiresSoon = time.Hour

// cautions are what people have to know of a backup that serves.
func cautions(b Backup, now time.Time) []string {
	var all []string
	if b.Phase == PartiallyFailed {
		all = append(all, fmt.Sprintf("it is incomplete: %d items could not be taken", b.Errors))
	}
	if !b.Expires.IsZero() && b.Expires.Sub(now) < expiresSoon {
		all = append(all, "it expires at "+clock(b.Expires, now))
	}
	return all
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return ": " + strings.TrimSpace(why)
}
