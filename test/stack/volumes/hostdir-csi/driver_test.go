package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// newDriver returns a driver on a root, which two drivers may share.
func newDriver(t *testing.T, root string) *driver {
	t.Helper()
	d := &driver{disks: disks{root: root}, mood: moodFile(filepath.Join(t.TempDir(), "mood.json"))}
	if err := d.disks.prepare(); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *driver) feel(t *testing.T, m mood) {
	t.Helper()
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(string(d.mood), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// volumeCall asks for a volume, from a snapshot if one is named.
func volumeCall(name, snapshot string, size int64) *csi.CreateVolumeRequest {
	call := &csi.CreateVolumeRequest{
		Name: name, CapacityRange: &csi.CapacityRange{RequiredBytes: size}, VolumeCapabilities: []*csi.VolumeCapability{{}},
	}
	if snapshot != "" {
		call.VolumeContentSource = &csi.VolumeContentSource{Type: &csi.VolumeContentSource_Snapshot{
			Snapshot: &csi.VolumeContentSource_SnapshotSource{SnapshotId: snapshot},
		}}
	}
	return call
}

func (d *driver) createVolume(t *testing.T, name, snapshot string) string {
	t.Helper()
	made, err := d.CreateVolume(t.Context(), volumeCall(name, snapshot, 2*smallest))
	if err != nil {
		t.Fatal(err)
	}
	return d.disks.data(volumes, made.GetVolume().GetVolumeId())
}

func (d *driver) createSnapshot(t *testing.T, name, volume string) *csi.Snapshot {
	t.Helper()
	made, err := d.CreateSnapshot(t.Context(), &csi.CreateSnapshotRequest{Name: name, SourceVolumeId: volume})
	if err != nil {
		t.Fatal(err)
	}
	return made.GetSnapshot()
}

func write(t *testing.T, folder, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, "file"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, folder string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, "file"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func wantCode(t *testing.T, err error, want codes.Code, text string) {
	t.Helper()
	if status.Code(err) != want || err != nil && !strings.Contains(err.Error(), text) {
		t.Errorf("err = %v, want %s with %q", err, want, text)
	}
}

func TestSnapshotHoldsWhatTheVolumeHeld(t *testing.T) {
	d := newDriver(t, t.TempDir())
	volume := d.createVolume(t, "v", "")
	write(t, volume, "before")
	d.createSnapshot(t, "s", "v")
	write(t, volume, "after")
	d.createSnapshot(t, "s", "v") // repeated: it is there, and stays as it is
	if got := read(t, d.createVolume(t, "w", "s")); got != "before" {
		t.Errorf("the volume from the snapshot holds %q", got)
	}
	if got := read(t, d.createVolume(t, "v", "")); got != "after" {
		t.Errorf("a repeated call changed the volume: %q", got)
	}
}

func TestAnotherClusterUsesTheHandles(t *testing.T) {
	root := t.TempDir()
	here, there := newDriver(t, root), newDriver(t, root)
	write(t, here.createVolume(t, "v", ""), "content")
	here.createSnapshot(t, "s", "v")
	if _, err := here.DeleteVolume(t.Context(), &csi.DeleteVolumeRequest{VolumeId: "v"}); err != nil {
		t.Fatal(err)
	}
	if got := read(t, there.createVolume(t, "w", "s")); got != "content" {
		t.Errorf("the other cluster reads %q", got)
	}
}

func TestDeletingIsSafeToRepeat(t *testing.T) {
	d := newDriver(t, t.TempDir())
	folder := d.createVolume(t, "v", "")
	d.createSnapshot(t, "s", "v")
	for range 2 {
		if _, err := d.DeleteVolume(t.Context(), &csi.DeleteVolumeRequest{VolumeId: "v"}); err != nil {
			t.Error(err)
		}
		if _, err := d.DeleteSnapshot(t.Context(), &csi.DeleteSnapshotRequest{SnapshotId: "s"}); err != nil {
			t.Error(err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(d.disks.root, "*", "*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if _, err := os.Stat(folder); err == nil {
		t.Error("the volume's files are left")
	}
}

func TestRefusals(t *testing.T) {
	d := newDriver(t, t.TempDir())
	d.createVolume(t, "v", "")
	d.createSnapshot(t, "s", "v")
	_, err := d.CreateVolume(t.Context(), volumeCall("v", "", 3*smallest))
	wantCode(t, err, codes.AlreadyExists, "another")
	_, err = d.CreateVolume(t.Context(), volumeCall("w", "none", smallest))
	wantCode(t, err, codes.NotFound, "no snapshot none")
	_, err = d.CreateVolume(t.Context(), volumeCall("w", "s", smallest))
	wantCode(t, err, codes.OutOfRange, "too few")
	_, err = d.CreateSnapshot(t.Context(), &csi.CreateSnapshotRequest{Name: "s", SourceVolumeId: "w"})
	wantCode(t, err, codes.AlreadyExists, "of volume v")
	_, err = d.CreateSnapshot(t.Context(), &csi.CreateSnapshotRequest{Name: "t", SourceVolumeId: "w"})
	wantCode(t, err, codes.NotFound, "no volume w")
	_, err = d.DeleteVolume(t.Context(), &csi.DeleteVolumeRequest{VolumeId: "../volumes/v"})
	wantCode(t, err, codes.Internal, "no handle")
}

func TestMoods(t *testing.T) {
	d := newDriver(t, t.TempDir())
	d.createVolume(t, "v", "")
	d.feel(t, mood{RefuseSnapshots: "the array is degraded"})
	_, err := d.CreateSnapshot(t.Context(), &csi.CreateSnapshotRequest{Name: "s", SourceVolumeId: "v"})
	wantCode(t, err, codes.FailedPrecondition, "the array is degraded")
	d.feel(t, mood{SnapshotDelay: time.Hour})
	if d.createSnapshot(t, "s", "v").GetReadyToUse() {
		t.Error("a slow snapshot is ready at once")
	}
	_, err = d.CreateVolume(t.Context(), volumeCall("w", "s", 2*smallest))
	wantCode(t, err, codes.Unavailable, "not ready")
	d.feel(t, mood{Quota: 5 * smallest})
	_, err = d.CreateVolume(t.Context(), volumeCall("w", "", 2*smallest))
	wantCode(t, err, codes.ResourceExhausted, "quota exceeded")
	_, err = d.CreateVolume(t.Context(), volumeCall("w", "", smallest))
	wantCode(t, err, codes.OK, "")
}

func TestSnapshotsAreListedInPages(t *testing.T) {
	d := newDriver(t, t.TempDir())
	d.createVolume(t, "v", "")
	d.createVolume(t, "w", "")
	for name, volume := range map[string]string{"a": "v", "b": "w", "c": "v"} {
		d.createSnapshot(t, name, volume)
	}
	for _, test := range []struct {
		call       *csi.ListSnapshotsRequest
		want, next string
	}{
		{&csi.ListSnapshotsRequest{}, "abc", ""},
		{&csi.ListSnapshotsRequest{MaxEntries: 2}, "ab", "b"},
		{&csi.ListSnapshotsRequest{MaxEntries: 2, StartingToken: "b"}, "c", ""},
		{&csi.ListSnapshotsRequest{SourceVolumeId: "v"}, "ac", ""},
		{&csi.ListSnapshotsRequest{SnapshotId: "b"}, "b", ""},
		{&csi.ListSnapshotsRequest{SnapshotId: "none"}, "", ""},
	} {
		answer, err := d.ListSnapshots(t.Context(), test.call)
		if err != nil {
			t.Fatal(err)
		}
		var got string
		for _, entry := range answer.GetEntries() {
			got += entry.GetSnapshot().GetSnapshotId()
		}
		if got != test.want || answer.GetNextToken() != test.next {
			t.Errorf("%v lists %q and continues at %q, want %q and %q", test.call, got, answer.GetNextToken(), test.want, test.next)
		}
	}
}
