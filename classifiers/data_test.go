package classifiers

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/events"
)

var data = Data{Window: 15 * time.Second, Late: time.Hour, Deletions: Deletions{Within: 5 * time.Minute, Namespaces: 2, Claims: 3, Objects: 20}}

// hold tells of objects of a namespace; drop deletes them, one a second.
func (s *story) hold(kind, namespace string, count int) {
	for n := range count {
		s.object(events.Object{Kind: kind, Namespace: namespace, Name: fmt.Sprintf("o-%d", n), UID: fmt.Sprintf("%s-%s-%d", kind, namespace, n), ResourceVersion: "1", Created: began,
			Of: events.Ref{Name: fmt.Sprint("pv-o-", n)}})
	}
}

func (s *story) drop(kind, namespace string, count int) {
	for n := range count {
		s.at = s.at.Add(time.Second)
		s.object(events.Object{Kind: kind, Namespace: namespace, Name: fmt.Sprintf("o-%d", n), UID: fmt.Sprintf("%s-%s-%d", kind, namespace, n), ResourceVersion: "2", Created: began, Gone: true})
	}
}

var daily = events.Ref{Kind: "Schedule", Name: "daily"}

// fires has an alert fire.
func (s *story) fires(name string, labels map[string]string) {
	s.tell(events.TypeAlert, "alert/"+name, events.Alert{Fingerprint: fmt.Sprint(name, len(s.all)), Status: "firing", Name: name, Labels: events.NewLabelSet(labels), StartsAt: s.at})
}

// again makes a claim of a name anew, bound to a volume.
func (s *story) again(name, volume string, from events.Ref) {
	s.object(events.Object{Kind: "PersistentVolumeClaim", Namespace: "shop", Name: name, UID: "new-" + name, ResourceVersion: "8", Created: s.at, Phase: "Bound",
		Of: events.Ref{Kind: "PersistentVolume", Name: volume}, From: from})
}

func (s *story) custom(kind, name, phase string, rest events.Object) {
	rest.Kind, rest.Namespace, rest.Name, rest.UID, rest.ResourceVersion, rest.Phase = kind, "velero", name, "uid-"+name, fmt.Sprint(len(s.all)), phase
	rest.Created = s.at
	s.object(rest)
}

func TestData(t *testing.T) {
	long := strings.Repeat("x", 93) + "..." + strings.Repeat("x", 32)
	cases := []struct {
		name string
		tell func(*story)
		want []string // anchor: sentence
	}{
		{"nothing", func(s *story) { s.hold("PersistentVolumeClaim", "shop", 5) }, nil},
		{"two claims", func(s *story) { s.hold("PersistentVolumeClaim", "shop", 5); s.drop("PersistentVolumeClaim", "shop", 2) }, nil},
		{"three claims", func(s *story) { s.hold("PersistentVolumeClaim", "shop", 5); s.drop("PersistentVolumeClaim", "shop", 3) },
			[]string{"namespace/shop: 3 volume claims of namespace shop were deleted within 2s"}},
		{"three claims over a day", func(s *story) {
			s.hold("PersistentVolumeClaim", "shop", 3)
			for n := range 3 {
				s.pass(time.Hour)
				s.object(events.Object{Kind: "PersistentVolumeClaim", Namespace: "shop", Name: fmt.Sprintf("o-%d", n), UID: fmt.Sprintf("PersistentVolumeClaim-shop-%d", n), ResourceVersion: "2", Created: began, Gone: true})
			}
		}, nil},
		{"claims that are made anew are empty", func(s *story) {
			s.hold("PersistentVolumeClaim", "shop", 3)
			s.drop("PersistentVolumeClaim", "shop", 3)
			s.again("o-0", "", events.Ref{})
			s.again("o-1", "", events.Ref{})
			s.again("o-2", "", events.Ref{})
		}, []string{"namespace/shop: 3 volume claims of namespace shop were deleted within 2s; 3 of them made anew, but empty as far as is known"}},
		{"two of three claims are back: of the same volume, and from a snapshot", func(s *story) {
			s.hold("PersistentVolumeClaim", "shop", 3)
			s.drop("PersistentVolumeClaim", "shop", 3)
			s.again("o-0", "pv-o-0", events.Ref{})
			s.again("o-1", "pv-x", events.Ref{Kind: "VolumeSnapshot", Name: "s"})
			s.again("o-2", "pv-y", events.Ref{})
		}, []string{"namespace/shop: 3 volume claims of namespace shop were deleted within 2s; 2 of them there again; 1 of them made anew, but empty as far as is known"}},
		{"all are back", func(s *story) {
			s.hold("PersistentVolumeClaim", "shop", 3)
			s.drop("PersistentVolumeClaim", "shop", 3)
			s.again("o-0", "pv-o-0", events.Ref{})
			s.again("o-1", "pv-x", events.Ref{Kind: "VolumeSnapshot", Name: "s"})
			s.again("o-2", "pv-y", events.Ref{Kind: "Restore.velero.io", Name: "nobody-saw-it"})
		}, nil},
		{"a Restore in progress", func(s *story) {
			s.hold("PersistentVolumeClaim", "shop", 3)
			s.drop("PersistentVolumeClaim", "shop", 3)
			s.custom("Restore.velero.io", "r", "InProgress", events.Object{})
			for n := range 3 {
				s.again(fmt.Sprint("o-", n), "pv", events.Ref{Kind: "Restore.velero.io", Name: "r"})
			}
		}, []string{"namespace/shop: 3 volume claims of namespace shop were deleted within 2s; 3 of them made anew, but empty as far as is known"}},
		{"a Restore that is completed", func(s *story) {
			s.hold("PersistentVolumeClaim", "shop", 3)
			s.drop("PersistentVolumeClaim", "shop", 3)
			s.custom("Restore.velero.io", "r", "InProgress", events.Object{})
			for n := range 3 {
				s.again(fmt.Sprint("o-", n), "pv", events.Ref{Kind: "Restore.velero.io", Name: "r"})
			}
			s.custom("Restore.velero.io", "r", "Completed", events.Object{})
		}, nil},
		{"claims that were made anew are deleted, and do not push out what was lost", func(s *story) {
			s.hold("PersistentVolumeClaim", "shop", 3)
			s.drop("PersistentVolumeClaim", "shop", 3)
			s.again("o-0", "pv-x", events.Ref{})
			s.pass(time.Hour)
			s.object(events.Object{Kind: "PersistentVolumeClaim", Namespace: "shop", Name: "o-0", UID: "new-o-0", ResourceVersion: "9", Created: s.at, Gone: true})
		}, []string{"namespace/shop: 3 volume claims of namespace shop were deleted within 2s"}},
		{"one of many objects is not put back", func(s *story) {
			s.hold("ConfigMap", "shop", 20)
			s.drop("ConfigMap", "shop", 20)
			for n := range 19 {
				s.object(events.Object{Kind: "ConfigMap", Namespace: "shop", Name: fmt.Sprint("o-", n), UID: fmt.Sprint("new", n), ResourceVersion: "9", Created: s.at})
			}
		}, []string{"namespace/shop: 20 objects of namespace shop were deleted within 19s; 19 of them there again"}},
		{"objects that are replaced one by one were never gone together", func(s *story) {
			s.hold("ConfigMap", "shop", 30)
			for n := range 30 {
				s.at = s.at.Add(time.Second)
				s.object(events.Object{Kind: "ConfigMap", Namespace: "shop", Name: fmt.Sprint("o-", n), UID: fmt.Sprintf("ConfigMap-shop-%d", n), ResourceVersion: "2", Created: began, Gone: true})
				if n < 25 {
					s.object(events.Object{Kind: "ConfigMap", Namespace: "shop", Name: fmt.Sprint("o-", n), UID: fmt.Sprint("new", n), ResourceVersion: "9", Created: s.at})
				}
			}
		}, nil},
		{"one namespace of the name, one that is back", func(s *story) {
			s.hold("Namespace", "", 3)
			s.drop("Namespace", "", 3)
			s.object(events.Object{Kind: "Namespace", Name: "o-1", UID: "new", ResourceVersion: "9", Created: s.at})
		}, []string{"cluster/prod-eu: namespaces o-0, o-1, o-2 of prod-eu were deleted within 2s; 1 of them there again"}},
		{"a namespace that a Restore fills", func(s *story) {
			s.hold("Namespace", "", 2)
			s.drop("Namespace", "", 2)
			s.custom("Restore.velero.io", "r", "InProgress", events.Object{Into: []string{"o-1"}})
			for n := range 2 {
				s.object(events.Object{Kind: "Namespace", Name: fmt.Sprint("o-", n), UID: fmt.Sprint("new", n), ResourceVersion: "9", Created: s.at})
			}
		}, []string{"cluster/prod-eu: namespaces o-0, o-1 of prod-eu were deleted within 1s; 1 of them there again; 1 of them made anew, but empty as far as is known"}},
		{"a namespace that a Restore filled", func(s *story) {
			s.hold("Namespace", "", 2)
			s.drop("Namespace", "", 2)
			s.custom("Restore.velero.io", "r", "InProgress", events.Object{})
			for n := range 2 {
				s.object(events.Object{Kind: "Namespace", Name: fmt.Sprint("o-", n), UID: fmt.Sprint("new", n), ResourceVersion: "9", Created: s.at})
			}
			s.custom("Restore.velero.io", "r", "Completed", events.Object{})
		}, nil},
		{"a namespace that a Restore which failed did not fill, and that was given up", func(s *story) {
			s.hold("Namespace", "", 2)
			s.drop("Namespace", "", 2)
			s.custom("Restore.velero.io", "r", "PartiallyFailed", events.Object{Into: []string{"o-0"}})
			for n := range 2 {
				s.object(events.Object{Kind: "Namespace", Name: fmt.Sprint("o-", n), UID: fmt.Sprint("new", n), ResourceVersion: "9", Created: s.at})
			}
			s.custom("Restore.velero.io", "r", "PartiallyFailed", events.Object{Into: []string{"o-0"}, Gone: true})
		}, nil},
		{"a Restore of long ago fills nothing", func(s *story) {
			s.custom("Restore.velero.io", "r", "Failed", events.Object{})
			s.pass(time.Hour)
			s.hold("Namespace", "", 2)
			s.drop("Namespace", "", 2)
			for n := range 2 {
				s.object(events.Object{Kind: "Namespace", Name: fmt.Sprint("o-", n), UID: fmt.Sprint("new", n), ResourceVersion: "9", Created: s.at})
			}
		}, nil},
		{"many objects", func(s *story) { s.hold("ConfigMap", "shop", 25); s.drop("ConfigMap", "shop", 25) },
			[]string{"namespace/shop: 25 objects of namespace shop were deleted within 24s"}},
		{"those of Kubernetes do not count", func(s *story) { s.hold("ConfigMap", "kube-system", 25); s.drop("ConfigMap", "kube-system", 25) }, nil},
		{"namespaces", func(s *story) { s.hold("Namespace", "", 3); s.drop("Namespace", "", 2) },
			[]string{"cluster/prod-eu: namespaces o-0, o-1 of prod-eu were deleted within 1s"}},
		{"a late word changes nothing", func(s *story) {
			s.hold("PersistentVolumeClaim", "shop", 3)
			s.drop("PersistentVolumeClaim", "shop", 3)
			s.hold("PersistentVolumeClaim", "shop", 3)
		}, []string{"namespace/shop: 3 volume claims of namespace shop were deleted within 2s"}},
		{"who", func(s *story) {
			s.hold("PersistentVolumeClaim", "shop", 3)
			s.drop("PersistentVolumeClaim", "shop", 3)
			s.tell(events.TypeFalco, "falco/1", events.Falco{Rule: "K8s Claim Deleted", Priority: "Notice", Source: "k8s_audit",
				Fields: map[string]any{"ka.verb": "delete", "ka.target.namespace": "shop", "ka.target.name": "o-1", "ka.user.name": "mallory"}})
		}, []string{"namespace/shop: 3 volume claims of namespace shop were deleted within 2s by mallory"}},
		{"a claim without its volume", func(s *story) {
			s.object(events.Object{Kind: "PersistentVolumeClaim", Namespace: "shop", Name: "db", UID: "u", ResourceVersion: "1", Phase: "Lost"})
		}, []string{"persistentvolumeclaim/shop/db: PersistentVolumeClaim shop/db has lost its volume"}},
		{"a snapshot that failed", func(s *story) {
			s.object(events.Object{Kind: "VolumeSnapshot.snapshot.storage.k8s.io", Namespace: "shop", Name: "s1", UID: "u", ResourceVersion: "1", Phase: "Error", Message: "driver gone"})
		}, []string{"volumesnapshot/shop/s1: VolumeSnapshot shop/s1 could not be taken: driver gone"}},
		{"nowhere to back up to", func(s *story) { s.custom("BackupStorageLocation.velero.io", "default", "Unavailable", events.Object{}) },
			[]string{"backupstoragelocation/velero/default: BackupStorageLocation velero/default is not available: no backup can be written or read there"}},
		{"backups on time", func(s *story) {
			s.custom("Schedule.velero.io", "daily", "Enabled", events.Object{Due: s.at.Add(time.Hour)})
			s.custom("Backup.velero.io", "b1", "Completed", events.Object{Of: events.Ref{Kind: "Schedule", Name: "daily"}})
		}, nil},
		{"the last backup failed", func(s *story) {
			s.custom("Schedule.velero.io", "daily", "Enabled", events.Object{Due: s.at.Add(time.Hour)})
			s.custom("Backup.velero.io", "b1", "Completed", events.Object{Of: events.Ref{Kind: "Schedule", Name: "daily"}})
			s.pass(time.Minute)
			s.custom("Backup.velero.io", "b2", "PartiallyFailed", events.Object{Of: events.Ref{Kind: "Schedule", Name: "daily"}})
		}, []string{"schedule/velero/daily: Schedule velero/daily made no good backup: the last, b2, is PartiallyFailed"}},
		{"a good one after it", func(s *story) {
			s.custom("Schedule.velero.io", "daily", "Enabled", events.Object{Due: s.at.Add(time.Hour)})
			s.custom("Backup.velero.io", "b2", "Failed", events.Object{Of: events.Ref{Kind: "Schedule", Name: "daily"}})
			s.pass(time.Minute)
			s.custom("Backup.velero.io", "b3", "Completed", events.Object{Of: events.Ref{Kind: "Schedule", Name: "daily"}})
		}, nil},
		{"a failed backup that is deleted", func(s *story) {
			s.custom("Schedule.velero.io", "daily", "Enabled", events.Object{Due: s.at.Add(time.Hour)})
			s.custom("Backup.velero.io", "b1", "Completed", events.Object{Of: daily})
			s.pass(time.Minute)
			s.custom("Backup.velero.io", "b2", "Failed", events.Object{Of: daily})
			s.custom("Backup.velero.io", "b2", "Failed", events.Object{Of: daily, Gone: true})
			s.pass(2 * time.Hour)
			s.tick()
		}, []string{"schedule/velero/daily: Schedule velero/daily made no good backup: the last, b2, is Failed"}},
		{"a schedule that is deleted after it", func(s *story) {
			s.custom("Schedule.velero.io", "daily", "Enabled", events.Object{Due: s.at.Add(time.Hour)})
			s.custom("Backup.velero.io", "b2", "Failed", events.Object{Of: daily})
			s.custom("Schedule.velero.io", "daily", "Enabled", events.Object{Gone: true})
			s.pass(2 * time.Hour)
			s.tick()
		}, []string{"schedule/velero/daily: Schedule velero/daily made no good backup: the last, b2, is Failed; the schedule was deleted since"}},
		{"a schedule that was deleted long ago", func(s *story) {
			s.custom("Schedule.velero.io", "daily", "Enabled", events.Object{Due: s.at.Add(time.Hour)})
			s.custom("Backup.velero.io", "b2", "Failed", events.Object{Of: daily})
			s.custom("Schedule.velero.io", "daily", "Enabled", events.Object{Gone: true})
			s.pass(25 * time.Hour)
			s.tick()
		}, nil},
		{"alerts about what is found anyway", func(s *story) {
			s.custom("Schedule.velero.io", "daily", "Enabled", events.Object{Due: s.at.Add(time.Hour)})
			s.custom("Backup.velero.io", "b2", "Failed", events.Object{Of: daily})
			s.object(events.Object{Kind: "PersistentVolume", Name: "pv", UID: "u", ResourceVersion: "1", Phase: "Failed"})
			s.fires("VeleroBackupFailures", map[string]string{"schedule": "daily"})
			s.fires("KubePersistentVolumeErrors", map[string]string{"persistentvolume": "pv", "namespace": "monitoring"})
		}, []string{"persistentvolume/pv: PersistentVolume pv could not be reclaimed", "schedule/velero/daily: Schedule velero/daily made no good backup: the last, b2, is Failed"}},
		{"alerts about what is known otherwise", func(s *story) {
			s.custom("Schedule.velero.io", "daily", "Enabled", events.Object{Due: s.at.Add(time.Hour)})
			s.object(events.Object{Kind: "PersistentVolume", Name: "pv", UID: "u", ResourceVersion: "1", Phase: "Bound"})
			s.fires("VeleroBackupFailures", map[string]string{"schedule": "daily"})
			s.fires("VeleroBackupPartialFailures", map[string]string{"schedule": "daily"})
			s.fires("KubePersistentVolumeErrors", map[string]string{"persistentvolume": "pv"})
		}, []string{"persistentvolume/pv: persistentvolume pv: KubePersistentVolumeErrors", "schedule/velero/daily: schedule velero/daily: VeleroBackupFailures; VeleroBackupPartialFailures"}},
		{"an alert about a schedule whose last backup is good", func(s *story) {
			s.sight("backups.velero.io", true)
			s.custom("Schedule.velero.io", "daily", "Enabled", events.Object{Due: s.at.Add(time.Hour)})
			s.custom("Backup.velero.io", "b2", "Completed", events.Object{Of: daily})
			s.fires("VeleroBackupFailures", map[string]string{"schedule": "daily"})
		}, nil},
		{"the same when nobody sees the backups", func(s *story) {
			s.custom("Schedule.velero.io", "daily", "Enabled", events.Object{Due: s.at.Add(time.Hour)})
			s.custom("Backup.velero.io", "b2", "Completed", events.Object{Of: daily})
			s.fires("VeleroBackupFailures", map[string]string{"schedule": "daily"})
		}, []string{"schedule/velero/daily: schedule velero/daily: VeleroBackupFailures"}},
		{"alerts that name nothing, or too much", func(s *story) {
			s.fires("VeleroBackupFailures", nil)
			s.fires("VeleroBackupFailures", map[string]string{"schedule": strings.Repeat("x", 2000)})
			s.fires("KubePersistentVolumeErrors", nil)
		}, []string{"volume/KubePersistentVolumeErrors: a volume: KubePersistentVolumeErrors", "backup/VeleroBackupFailures: a backup: VeleroBackupFailures",
			"backup/" + long + ": backup " + long + ": VeleroBackupFailures"}},
		{"a backup that did not come", func(s *story) {
			s.custom("Schedule.velero.io", "daily", "Enabled", events.Object{Due: s.at.Add(time.Minute)})
			s.pass(62 * time.Minute)
			s.sight("schedules.velero.io", true)
			s.sight("backups.velero.io", true)
		}, []string{"schedule/velero/daily: Schedule velero/daily is late: a backup was due at 2026-11-22 03:12"}},
		{"a backup that did not come while nobody looked", func(s *story) {
			s.custom("Schedule.velero.io", "daily", "Enabled", events.Object{Due: s.at.Add(time.Minute)})
			s.pass(62 * time.Minute)
		}, nil},
		{"one object that is made and deleted over and over", func(s *story) {
			for n := range 30 {
				for _, gone := range []bool{false, true} {
					s.object(events.Object{Kind: "ConfigMap", Namespace: "shop", Name: "lock", UID: fmt.Sprint("u", n), ResourceVersion: fmt.Sprint(2 * n), Created: began.Add(time.Duration(n) * time.Second), Gone: gone})
				}
			}
		}, nil},
		{"what was found gone", func(s *story) {
			s.hold("PersistentVolumeClaim", "shop", 3)
			for n := range 3 {
				s.object(events.Object{Kind: "PersistentVolumeClaim", Namespace: "shop", Name: fmt.Sprintf("o-%d", n), UID: fmt.Sprintf("PersistentVolumeClaim-shop-%d", n), ResourceVersion: "2", Created: began, Gone: true, Missed: true})
			}
		}, []string{"namespace/shop: 3 volume claims of namespace shop were deleted while nobody looked"}},
		{"what was never seen is not missed", func(s *story) { s.drop("PersistentVolumeClaim", "shop", 5) }, nil},
		{"what nobody feels pushes nothing out", func(s *story) {
			s.hold("PersistentVolumeClaim", "shop", 3)
			s.drop("PersistentVolumeClaim", "shop", 3)
			s.hold("Backup.velero.io", "velero", maxDeleted+10)
			s.drop("Backup.velero.io", "velero", maxDeleted+10)
		}, []string{"namespace/shop: 3 volume claims of namespace shop were deleted within 2s"}},
		{"etcd by its alerts", func(s *story) {
			s.tell(events.TypeAlert, "alert/f8", events.Alert{Fingerprint: "f8", Status: "firing", Name: "etcdNoLeader", StartsAt: s.at})
		}, []string{"etcd/prod-eu/etcd-quorum: etcd of prod-eu has no quorum"}},
		{"an alert that may not speak of data", func(s *story) {
			s.tell(events.TypeAlert, "alert/f8", events.Alert{Fingerprint: "f8", Status: "firing", Name: "etcdNoLeader", StartsAt: s.at, Kinds: []string{"node"}})
		}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newStory(t)
			c.tell(s)
			if diff := cmp.Diff(c.want, told(t, data.Classify(s.view))); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
		})
	}
}

// TestWhatWasDeletedWithItsNamespaceIsPartOfThat: and what was deleted in another is not.
func TestWhatWasDeletedWithItsNamespaceIsPartOfThat(t *testing.T) {
	s := newStory(t)
	s.hold("Namespace", "", 3)
	for _, name := range []string{"o-0", "shop"} {
		s.hold("PersistentVolumeClaim", name, 3)
		s.drop("PersistentVolumeClaim", name, 3)
	}
	s.drop("Namespace", "", 2)
	if diff := cmp.Diff([]string{"data cluster/prod-eu (1)", "data namespace/shop (0)"}, standing(Classify(s.view, []Classifier{data}))); diff != "" {
		t.Errorf("what stands for itself (-want +got):\n%s", diff)
	}
}

// TestDataThatStoodIsLeftAlone: what was so when Salvor first looked stands, until it changes; what came after does not.
func TestDataThatStoodIsLeftAlone(t *testing.T) {
	s := newStory(t)
	s.object(events.Object{Kind: "PersistentVolume", Name: "old", UID: "u1", ResourceVersion: "1", Phase: "Failed", Created: began.Add(-time.Hour)})
	s.object(events.Object{Kind: "PersistentVolume", Name: "turned", UID: "u2", ResourceVersion: "1", Phase: "Released", Created: began.Add(-time.Hour)})
	s.object(events.Object{Kind: kindSchedule, Namespace: "velero", Name: "daily", UID: "u3", ResourceVersion: "1", Due: began.Add(24 * time.Hour), Created: began.Add(-time.Hour)})
	s.object(events.Object{Kind: kindBackup, Namespace: "velero", Name: "b1", UID: "u4", ResourceVersion: "1", Phase: "Failed", Of: daily, Created: began.Add(-time.Hour)})
	stands := func(want map[string]bool) {
		t.Helper()
		got := map[string]bool{}
		for _, f := range data.Classify(s.view) {
			got[f.Anchor.Name] = f.Standing
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("what stands (-want +got):\n%s", diff)
		}
	}
	stands(map[string]bool{"old": true, "velero/daily": true})
	s.pass(time.Minute)
	s.object(events.Object{Kind: "PersistentVolume", Name: "turned", UID: "u2", ResourceVersion: "2", Phase: "Failed", Created: began.Add(-time.Hour)})
	s.object(events.Object{Kind: "PersistentVolume", Name: "new", UID: "u5", ResourceVersion: "1", Phase: "Failed", Created: s.at})
	s.object(events.Object{Kind: kindBackup, Namespace: "velero", Name: "b2", UID: "u6", ResourceVersion: "1", Phase: "Failed", Of: daily, Created: s.at})
	stands(map[string]bool{"old": true, "turned": false, "new": false, "velero/daily": false})
}

// told are findings as their anchors and sentences. Each must have a beginning, evidence and a cause of its kind.
func told(t *testing.T, all []Finding) []string {
	t.Helper()
	var out []string
	for _, f := range all {
		out = append(out, f.Anchor.String()+": "+f.Sentence)
		if f.Since.IsZero() || len(f.Evidence) == 0 || len(f.Signals) == 0 || strings.Contains(f.Sentence, "%!") {
			t.Errorf("no beginning, no signals or no evidence: %+v", f)
		}
		if causes := Causes(f.Kind); len(causes) > 0 && !slices.Contains(causes, f.Cause) {
			t.Errorf("%s has the cause %q, not one of %v", f.Anchor, f.Cause, causes)
		}
	}
	return out
}

// TestEtcdThatNobodyAsksIsNotWell: when its probers fall silent, nobody can say that it has its quorum back.
func TestEtcdThatNobodyAsksIsNotWell(t *testing.T) {
	s := newStory(t)
	down := events.Probe{By: "salvor-0", Target: "etcd", Reason: "2 of 3 members do not answer"}
	s.tell(events.TypeProbe, "probe/salvor-0/etcd", down)
	found := data.Classify(s.view)
	if diff := cmp.Diff([]string{"etcd/prod-eu/etcd-quorum: etcd of prod-eu has no quorum"}, told(t, found)); diff != "" {
		t.Fatalf("found (-want +got):\n%s", diff)
	}
	s.pass(time.Minute)
	if len(data.Classify(s.view)) != 0 || !s.view.Blind(found[0].Fault) {
		t.Error("a silent prober still says so, or is taken for one that sees")
	}
	down.Up, down.Reason = true, ""
	s.tell(events.TypeProbe, "probe/salvor-0/etcd", down)
	if s.view.Blind(found[0].Fault) {
		t.Error("blind although it is reached")
	}
}

// TestPromisedNamespaces: one of which something was promised is a fault by itself, until it is there again; others are no part of what it reaches.
func TestPromisedNamespaces(t *testing.T) {
	promising := data
	promising.Deletions.Protected = []string{"other"}
	promising.Deletions.Promised = func(cluster, namespace string) bool { return cluster == "prod-eu" && namespace == "o-1" }
	back := func(s *story) {
		s.object(events.Object{Kind: "Namespace", Name: "o-1", UID: "new", ResourceVersion: "9", Created: s.at})
	}
	for name, c := range map[string]struct {
		tell func(*story)
		want []string // sentence, and what it reaches
	}{
		"nobody's":          {func(s *story) { s.hold("Namespace", "", 1); s.drop("Namespace", "", 1) }, nil},
		"one":               {func(s *story) { s.hold("Namespace", "", 2); s.drop("Namespace", "", 2) }, []string{"namespace o-1 of prod-eu was deleted", "o-1"}},
		"it is there again": {func(s *story) { s.hold("Namespace", "", 2); s.drop("Namespace", "", 2); back(s) }, nil},
	} {
		s := newStory(t)
		c.tell(s)
		var got []string
		for _, f := range Classify(s.view, []Classifier{promising}) {
			got = append(got, f.Sentence, strings.Join(f.Scope.Namespaces, ","))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	promising.Deletions.Protected = nil
	s := newStory(t)
	s.hold("Namespace", "", 4)
	s.drop("Namespace", "", 4)
	all := Classify(s.view, []Classifier{promising})
	want := "namespace o-1 of prod-eu was deleted; gone within a day, too, and promised nothing: namespaces o-0, o-2, o-3 of prod-eu"
	if len(all) != 1 || all[0].Sentence != want || len(all[0].Scope.Namespaces) != 1 {
		t.Errorf("got %+v, want %s", all, want)
	}
}
