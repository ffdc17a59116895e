package point

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var now = time.Date(2026, 3, 2, 3, 2, 0, 0, time.UTC)

// at is a moment of the day of the tests.
func at(hour, minute int) time.Time { return time.Date(2026, 3, 2, hour, minute, 0, 0, time.UTC) }

// backup is a good one, begun at an hour, with what the edits change of it.
func backup(name string, hour int, edits ...func(*Backup)) Backup {
	b := Backup{Name: name, Namespace: "velero", UID: "uid-" + name, Phase: Completed, Cluster: "east", Created: at(hour, 0), Started: at(hour, 0),
		Completed: at(hour, 5), Expires: at(23, 0), Location: "default", LocationReady: true, Volumes: Volumes{Attempted: 2, Completed: 2}}
	for _, edit := range edits {
		edit(&b)
	}
	return b
}

func TestChoose(t *testing.T) {
	shop := Want{Need: Need{Namespaces: []string{"shop"}}, Cluster: "east"}
	cases := []struct {
		name    string
		want    func(*Want)
		backups []Backup
		chosen  string
		refused []string // "name: why"
	}{
		{"none", nil, nil, "", nil},
		{"the newest", nil, []Backup{backup("a", 1), backup("b", 2), backup("c", 0)}, "b", nil},
		{"the first by name of two of one moment", nil, []Backup{backup("b", 2), backup("a", 2)}, "a", nil},
		{"of another cluster", nil, []Backup{backup("a", 1), backup("b", 2, func(b *Backup) { b.Cluster = "west" })}, "a", []string{"b: it is of cluster west"}},
		{"found in the store, and nothing says whose it is", nil, []Backup{backup("a", 1, func(b *Backup) { b.Cluster, b.Synced = "", true })}, "",
			[]string{"a: nothing says of which cluster it is: it was found in the object store, not made here"}},
		{"made here, and nothing says whose it is", nil, []Backup{backup("a", 1, func(b *Backup) { b.Cluster = "" })}, "a", nil},
		{"found in the store, of this cluster", nil, []Backup{backup("a", 1, func(b *Backup) { b.Synced = true })}, "a", nil},
		{"nobody knows which cluster this is", func(w *Want) { w.Cluster = "" }, []Backup{backup("a", 1, func(b *Backup) { b.Cluster, b.Synced = "", true })}, "a", nil},
		{"being deleted", nil, []Backup{backup("a", 1, func(b *Backup) { b.Deleting = true })}, "", []string{"a: it is being deleted"}},
		{"expired", nil, []Backup{backup("a", 1, func(b *Backup) { b.Expires = at(2, 0) })}, "", []string{"a: it expired at 02:00 UTC"}},
		{"expires this moment", nil, []Backup{backup("a", 1, func(b *Backup) { b.Expires = now })}, "", []string{"a: it expired at 03:02 UTC"}},
		{"never expires", nil, []Backup{backup("a", 1, func(b *Backup) { b.Expires = time.Time{} })}, "a", nil},
		{"not begun", nil, []Backup{backup("a", 1, func(b *Backup) { b.Phase = "" })}, "", []string{"a: it has not begun"}},
		{"in progress", nil, []Backup{backup("a", 1, func(b *Backup) { b.Phase = "InProgress" })}, "", []string{"a: it is InProgress"}},
		{"failed", nil, []Backup{backup("a", 1, func(b *Backup) { b.Phase, b.Why = "Failed", "no disk" })}, "", []string{"a: it is Failed: no disk"}},
		{"does not say when", nil, []Backup{backup("a", 1, func(b *Backup) { b.Started = time.Time{} })}, "", []string{"a: it does not say when it began"}},
		{"partial", nil, []Backup{backup("a", 1, partial), backup("b", 0)}, "b", []string{"a: it is incomplete: PartiallyFailed with 3 errors"}},
		{"partial though allowed where another serves", func(w *Want) { w.AllowPartial = true }, []Backup{backup("a", 1, partial), backup("b", 0)}, "b", nil},
		{"partial where nothing else serves", func(w *Want) { w.AllowPartial = true }, []Backup{backup("a", 1, partial), backup("b", 0, partial)}, "a", nil},
		{"unreadable", nil, []Backup{backup("a", 1, func(b *Backup) { b.LocationReady, b.LocationWhy = false, "it is Unavailable: access denied" })}, "",
			[]string{"a: its storage location default cannot be read: it is Unavailable: access denied"}},
		{"begun after the fault", func(w *Want) { w.Before = at(1, 30) }, []Backup{backup("a", 1), backup("b", 2)}, "a",
			[]string{"b: it was begun at 02:00 UTC, after the fault began at 01:30 UTC"}},
		{"begun in the second of the fault", func(w *Want) { w.Before = at(2, 0).Add(900 * time.Millisecond) }, []Backup{backup("a", 1), backup("b", 2)}, "a",
			[]string{"b: it was begun at 02:00 UTC, after the fault began at 02:00 UTC"}},
		{"made while the fault began", func(w *Want) { w.Before = at(2, 4) }, []Backup{backup("a", 1), backup("b", 2)}, "a",
			[]string{"b: it was still being made when the fault began at 02:04 UTC"}},
		{"unproven", func(w *Want) { w.Verified = true }, []Backup{backup("a", 1, func(b *Backup) { b.Verified = at(1, 30) }), backup("b", 2)}, "a",
			[]string{"b: no drill or check has proved that it can be restored"}},
		{"volumes left out", volumes, []Backup{backup("a", 1, func(b *Backup) { b.Volumes = Volumes{Off: true} })}, "", []string{"a: it was told not to take the contents of volumes"}},
		{"no volumes in it", volumes, []Backup{backup("a", 1, func(b *Backup) { b.Volumes = Volumes{} })}, "", []string{"a: it has the contents of no volume"}},
		{"volumes that failed", volumes, []Backup{backup("a", 1, func(b *Backup) { b.Volumes.Completed = 1 })}, "", []string{"a: the contents of 1 of 2 volumes are not in it"}},
		{"volumes in it", volumes, []Backup{backup("a", 1)}, "a", nil},
		{"named", func(w *Want) { w.Named = "a" }, []Backup{backup("a", 1), backup("b", 2)}, "a", nil},
		{"named, and not there", func(w *Want) { w.Named = "x" }, []Backup{backup("a", 1)}, "", nil},
		{"named, and failed", func(w *Want) { w.Named = "b" }, []Backup{backup("a", 1), backup("b", 2, func(b *Backup) { b.Phase = "Failed" })}, "", []string{"b: it is Failed"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			want := shop
			if c.want != nil {
				c.want(&want)
			}
			choice := Choose(want, c.backups, now)
			chosen := ""
			if choice.Point != nil {
				chosen = choice.Point.Name
			}
			var refused []string
			for _, r := range choice.Refused {
				refused = append(refused, r.Name+": "+r.Why)
			}
			if chosen != c.chosen {
				t.Errorf("chose %q, want %q", chosen, c.chosen)
			}
			if diff := cmp.Diff(c.refused, refused); diff != "" {
				t.Errorf("refused (-want +got):\n%s", diff)
			}
			if err := choice.Err(want); (err == nil) != (chosen != "") {
				t.Errorf("Err is %v, chose %q", err, chosen)
			}
			if len(choice.Others)+len(choice.Refused) != len(c.backups)-min(1, len(chosen)) {
				t.Errorf("not every backup is told of: %+v", choice)
			}
		})
	}
}

func partial(b *Backup) { b.Phase, b.Errors = PartiallyFailed, 3 }
func volumes(w *Want)   { w.Need.Volumes = true }

// TestNamedAgainstDoubts has a person name what is not taken unasked: it is taken, and they are told.
func TestNamedAgainstDoubts(t *testing.T) {
	doubtful := backup("a", 2, func(b *Backup) { b.Cluster, b.Synced, b.Expires = "", true, at(3, 30) })
	choice := Choose(Want{Cluster: "east", Named: "a", Before: at(1, 0)}, []Backup{doubtful}, now)
	if choice.Point == nil {
		t.Fatalf("refused: %+v", choice.Refused)
	}
	want := []string{"nothing says of which cluster it is: it was found in the object store, not made here",
		"it was begun at 02:00 UTC, after the fault began at 01:00 UTC", "it expires at 03:30 UTC"}
	if diff := cmp.Diff(want, choice.Point.Cautions); diff != "" {
		t.Errorf("cautions (-want +got):\n%s", diff)
	}
}

func TestNoneSays(t *testing.T) {
	var many []Backup
	for n := range 12 {
		many = append(many, backup(fmt.Sprintf("b%02d", n), 1, func(b *Backup) { b.Deleting, b.Scope.Namespaces = true, []string{"pay"} }))
	}
	for _, c := range []struct {
		name    string
		want    Want
		backups []Backup
		says    string
	}{
		{"no backup", Want{}, nil, "no backup can be restored: there is none"},
		{"all refused", Want{}, many[:2], "no backup can be restored: b00: it is being deleted; b01: it is being deleted"},
		{"many", Want{}, many, "; b07: it is being deleted; and 4 more"},
		{"others' backups last", Want{Cluster: "east", Need: Need{Namespaces: []string{"shop"}}}, append(slices.Clone(many[:8]), backup("z", 0, func(b *Backup) { b.Cluster = "west"; b.Scope.Namespaces = []string{"shop"} })),
			"; b06: it is being deleted; and 1 more"},
		{"named", Want{Named: "b01"}, many, "backup b01 cannot be restored: it is being deleted"},
		{"unknown", Want{Named: "x"}, many, "backup x cannot be restored: there is no backup of that name"},
		{"unknown beside others", Want{Named: "x"}, []Backup{backup("a", 1)}, "backup x cannot be restored: there is no backup of that name; these can be: a"},
	} {
		if err := Choose(c.want, c.backups, now).Err(c.want); err == nil || !strings.HasSuffix(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.name, err, c.says)
		}
	}
}

func TestLoss(t *testing.T) {
	for want, at := range map[string]time.Time{
		"all writes after 02:00 UTC: 62 min":              at(2, 0),
		"all writes after 03:01 UTC: 60 s":                at(3, 1),
		"all writes after 1 Mar 02:00 UTC: 26 h":          at(2, 0).AddDate(0, 0, -1),
		"all writes after 31 Dec 2025 02:00 UTC: 62 days": time.Date(2025, 12, 31, 2, 0, 0, 0, time.UTC),
		"all writes after 03:03 UTC: 0 s":                 at(3, 3),
	} {
		if got := Loss(at, now); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
