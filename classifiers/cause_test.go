package classifiers

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/events"
)

// TestCauses: what happened is told in a word, of each fault that a cause is told of.
func TestCauses(t *testing.T) {
	broken := func(kind, namespace, phase string) func(*story) {
		return func(s *story) {
			s.object(events.Object{Kind: kind, Namespace: namespace, Name: "x", UID: "x", ResourceVersion: "1", Phase: phase})
		}
	}
	deleted := func(kind, namespace string, count int) func(*story) {
		return func(s *story) { s.hold(kind, namespace, count); s.drop(kind, namespace, count) }
	}
	changed := func(kind string) func(*story) {
		return func(s *story) {
			for n := range 2 {
				s.object(events.Object{Kind: kind, Name: "gate", UID: kind, ResourceVersion: string(rune('1' + n)), Content: string(rune('a' + n))})
			}
			s.web("3", "a", 0, "")
			s.crash("web-1", "", "CrashLoopBackOff")
		}
	}
	for _, c := range []struct {
		tell func(*story)
		want Cause
	}{
		{deleted("Namespace", "", 2), CauseNamespacesDeleted},
		{deleted("PersistentVolumeClaim", "shop", 3), CauseClaimsDeleted},
		{deleted("ConfigMap", "shop", 20), CauseObjectsDeleted},
		{broken("PersistentVolumeClaim", "shop", "Lost"), CauseVolumeLost},
		{broken("PersistentVolume", "", "Failed"), CauseVolumeFailed},
		{func(s *story) { s.fires("KubePersistentVolumeErrors", map[string]string{"persistentvolume": "pv"}) }, CauseVolumeFailed},
		{broken("VolumeSnapshot.snapshot.storage.k8s.io", "shop", "Error"), CauseSnapshotFailed},
		{func(s *story) {
			s.fires("KubePersistentVolumeErrors", map[string]string{"volumesnapshot": "s", "namespace": "shop"})
		}, CauseSnapshotFailed},
		{broken("BackupStorageLocation.velero.io", "velero", "Unavailable"), CauseLocationUnavailable},
		{func(s *story) {
			s.custom("Schedule.velero.io", "daily", "Enabled", events.Object{Due: s.at.Add(time.Hour)})
			s.custom("Backup.velero.io", "b", "Failed", events.Object{Of: daily})
		}, CauseBackupFailed},
		{func(s *story) { s.fires("VeleroBackupFailures", nil) }, CauseBackupFailed},
		{func(s *story) {
			s.custom("Schedule.velero.io", "daily", "Enabled", events.Object{Due: s.at.Add(time.Minute)})
			s.pass(62 * time.Minute)
			s.sight("schedules.velero.io", true)
			s.sight("backups.velero.io", true)
		}, CauseBackupLate},
		{func(s *story) { s.fires("etcdNoLeader", nil) }, CauseEtcdQuorum},
		{func(s *story) { s.settings("2", "y"); s.web("3", "a", 0, ""); s.crash("web-1", "", "CrashLoopBackOff") }, CauseConfigMapChanged},
		{func(s *story) { s.web("3", "b", 0, ""); s.crash("web-1", "", "CrashLoopBackOff") }, CauseRevisionChanged},
		{changed("ValidatingWebhookConfiguration"), CauseWebhookChanged},
		{changed("CustomResourceDefinition"), CauseDefinitionChanged},
	} {
		s := newStory(t)
		s.settings("1", "x")
		s.web("2", "a", 2, "")
		s.pass(time.Hour)
		c.tell(s)
		var got []Cause
		for _, f := range Classify(s.view, []Classifier{data, config}) {
			got = append(got, f.Cause)
		}
		if diff := cmp.Diff([]Cause{c.want}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.want, diff)
		}
	}
}

// TestADeclaredNamespaceThatIsGone has the cause that the loss of namespaces has; of one that is there people say what they say.
func TestADeclaredNamespaceThatIsGone(t *testing.T) {
	s := newStory(t)
	s.shop()
	s.declare(KindData, "shop")
	if f := s.found(); len(f) != 1 || f[0].Cause != CauseDeclared {
		t.Errorf("found %+v", f)
	}
	s.object(events.Object{Kind: "Namespace", Name: "shop", UID: "n1", ResourceVersion: "2", Gone: true})
	if f := s.found(); len(f) != 1 || f[0].Cause != CauseNamespacesDeleted {
		t.Errorf("found %+v", f)
	}
}
