package protection

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/robfig/cron/v3"

	"github.com/salvor-io/salvor/responders/point"
)

// TestOftenEnough holds that what is planned keeps a promise though one backup in a row fails, and that what cannot be planned is said.
func TestOftenEnough(t *testing.T) {
	for rpo, want := range map[time.Duration]time.Duration{0: 24 * time.Hour, 24 * time.Hour: 8 * time.Hour, 7 * 24 * time.Hour: 24 * time.Hour, 49 * time.Hour: 24 * time.Hour,
		48 * time.Hour: 12 * time.Hour, time.Hour: 20 * time.Minute, 15 * time.Minute: 5 * time.Minute, 11 * time.Minute: 5 * time.Minute, 10 * time.Minute: 0, time.Second: 0} {
		if got, can := interval(rpo); got != want || can != (want > 0) {
			t.Errorf("%s: every %s, want %s", rpo, got, want)
		}
	}
}

// TestCronsAreEven holds that Velero reads each expression, and that no two firings lie further apart than the interval.
func TestCronsAreEven(t *testing.T) {
	for _, every := range intervals() {
		seen := map[string]bool{}
		for number := uint32(0); number < 3000; number += 7 {
			text := cronFor(every, number)
			seen[text] = true
			schedule, err := cron.ParseStandard(text)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			for at, n := schedule.Next(now), 0; n < 60; n++ {
				next := schedule.Next(at)
				if next.Sub(at) != every {
					t.Fatalf("%s: %s between %s and %s, want %s", text, next.Sub(at), at, next, every)
				}
				at = next
			}
		}
		if len(seen) < min(int(every/time.Minute), 400) {
			t.Errorf("every %s: only %d different ones", every, len(seen))
		}
	}
}

func TestNamesOfSchedules(t *testing.T) {
	spelling := regexp.MustCompile(`^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$`)
	seen := map[string]string{}
	for _, name := range []string{"shop", "Shop", "SHOP", "shop_a", "shop-a", "shop.a", strings.Repeat("x", 63), strings.Repeat("x", 62), "a" + strings.Repeat(".", 50) + "b"} {
		got := nameFor(Promise{Name: name})
		if !spelling.MatchString(got) || len(got)+len("-20261127030200") > 69 || seen[got] != "" {
			t.Errorf("%q is named %q, as is %q", name, got, seen[got])
		}
		seen[got] = name
	}
	if got := nameFor(Promise{Name: "shop"}); got != "salvor-shop" {
		t.Errorf("shop is named %s", got)
	}
}

func TestWhatIsPlanned(t *testing.T) {
	agent := func(c *Census) {
		c.Workloads = append(c.Workloads, Workload{Kind: "DaemonSet", Namespace: "velero", Name: "node-agent"})
	}
	csi := func(c *Census) {
		c.Schedules, c.Drivers, c.Snapshotting, c.Cluster = nil, []string{"csi.example"}, true, "prod"
		c.Locations = []Location{{Namespace: "velero", Name: "default", Default: true}}
	}
	noClass := func(c *Census) { c.SnapshotClasses = nil }
	template := func(set func(*TemplateSpec)) []ScheduleObject {
		s := ScheduleObject{APIVersion: "velero.io/v1", Kind: "Schedule", Metadata: Meta{Name: "salvor-shop", Namespace: "velero"}}
		s.Spec.Schedule = "17-59/20 * * * *"
		s.Spec.Template = TemplateSpec{Metadata: &Meta{Labels: Labels{"salvor.io/cluster": "prod"}}, IncludedNamespaces: []string{"shop"}, TTL: "96h0m0s"}
		set(&s.Spec.Template)
		return []ScheduleObject{s}
	}
	class := []ClassObject{{"snapshot.storage.k8s.io/v1", "VolumeSnapshotClass", Meta{Name: "salvor-csi.example", Labels: Labels{"velero.io/csi-volumesnapshot-class": "true"}}, "csi.example", "Retain"}}
	for _, c := range []struct {
		name    string
		promise Promise
		census  *Census
		want    Plan
	}{
		{"data is moved", promise(time.Hour), shop(csi, agent), Plan{Schedules: template(func(s *TemplateSpec) { s.SnapshotVolumes, s.SnapshotMoveData = true, true })}},
		{"nobody moves it", promise(time.Hour), shop(csi), Plan{Schedules: template(func(s *TemplateSpec) { s.SnapshotVolumes = true }),
			Notes: []string{"shop: its snapshots stay in the storage of the cluster, and are lost with it: Velero has no node-agent to move them (velero install --use-node-agent)"}}},
		{"no class", promise(time.Hour), shop(csi, agent, noClass), Plan{Classes: class, Schedules: template(func(s *TemplateSpec) { s.SnapshotVolumes, s.SnapshotMoveData = true, true }),
			Notes: []string{"whether driver csi.example can make snapshots is not seen from here"}}},
		{"no CSI", promise(time.Hour), shop(csi, agent, func(c *Census) { c.Drivers = nil }), Plan{Schedules: template(func(s *TemplateSpec) { s.DefaultVolumesToFsBackup = true }),
			Notes: []string{"shop: files are copied of those volumes that pods mount, since no snapshot can be made of shop/data-db-0"}}},
		{"neither", promise(time.Hour), shop(csi, func(c *Census) { c.Drivers = nil }), Plan{Schedules: template(func(s *TemplateSpec) { s.SnapshotVolumes = true }),
			Notes: []string{"shop: the volumes of shop/data-db-0 can be neither snapshotted nor copied: Velero has no node-agent (velero install --use-node-agent)"}}},
		{"only its objects", promise(time.Hour, Backup{Of: Configuration, By: Snapshot}), shop(csi, agent), Plan{Schedules: template(func(*TemplateSpec) {})}},
		{"some of a namespace", func() Promise { p := promise(time.Hour); p.Workloads = Labels{"app": "db"}; return p }(), shop(csi, agent),
			Plan{Schedules: template(func(s *TemplateSpec) {
				s.SnapshotVolumes, s.SnapshotMoveData, s.LabelSelector = true, true, &Selector{Labels{"app": "db"}}
			})}},
		{"kept by a copy and Git", promise(time.Hour, Backup{Of: ApplicationData, By: Copy}, Backup{Of: Configuration, By: Git}), shop(csi), Plan{}},
		{"too often for backups", promise(time.Minute), shop(csi), Plan{Notes: []string{"shop: 60 s of writes may be lost, and backups cannot be made that often: keep a copy (backups in salvor.yaml)"}}},
		{"kept by somebody else's", promise(time.Hour), shop(csi, func(c *Census) { c.Schedules = []Schedule{{Namespace: "velero", Name: "hourly", Every: time.Hour}} }),
			Plan{Notes: []string{"shop: schedule velero/hourly is often enough"}}},
		{"somebody else's is of others", promise(time.Hour), shop(csi, agent, func(c *Census) {
			c.Schedules = []Schedule{{Name: "hourly", Every: time.Hour, Scope: point.Scope{Namespaces: []string{"wiki"}}}, {Name: "paused", Every: time.Hour, Paused: true}, {Name: "daily", Every: 24 * time.Hour},
				{Name: "wrong", Every: time.Hour, Why: "no location"}, {Namespace: "velero", Name: "salvor-shop", Every: time.Minute}}
		}), Plan{Schedules: template(func(s *TemplateSpec) { s.SnapshotVolumes, s.SnapshotMoveData = true, true })}},
		{"its namespaces are not there", Promise{Name: "shop", RPO: time.Hour, Namespaces: []string{"shop-*"}}, shop(csi), Plan{Notes: []string{"shop: no namespace of this cluster is one of its own, and nothing is backed up for it"}}},
		{"no Velero", promise(time.Hour, Backup{Of: Configuration, By: Snapshot}), shop(csi, func(c *Census) { c.Velero = false }), Plan{Schedules: template(func(*TemplateSpec) {}),
			Notes: []string{"Velero is not installed: its Schedules do nothing before it is"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, PlanFor(Promises{c.promise}, c.census)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
