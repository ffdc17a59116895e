package main

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// CreateSnapshot copies a volume as it is at this moment. On a slow storage system the copy is ready only later, and the call
// is repeated until it is. The name is the handle.
func (d *driver) CreateSnapshot(_ context.Context, call *csi.CreateSnapshotRequest) (*csi.CreateSnapshotResponse, error) {
	d.changing.Lock()
	defer d.changing.Unlock()
	found, exists, err := d.disks.find(snapshots, call.GetName())
	if err != nil {
		return nil, failed(err)
	}
	if exists && found.From != call.GetSourceVolumeId() {
		return nil, status.Errorf(codes.AlreadyExists, "snapshot %s is there and of volume %s", found.ID, found.From)
	}
	if !exists {
		if found, err = d.snapshot(call.GetName(), call.GetSourceVolumeId()); err != nil {
			return nil, err
		}
	}
	return &csi.CreateSnapshotResponse{Snapshot: told(found)}, nil
}

// snapshot makes a snapshot, unless the storage system is told to refuse.
func (d *driver) snapshot(name, volume string) (disk, error) {
	now, err := d.mood.read()
	if err != nil {
		return disk{}, failed(err)
	}
	if now.RefuseSnapshots != "" {
		return disk{}, status.Error(codes.FailedPrecondition, now.RefuseSnapshots)
	}
	source, exists, err := d.disks.find(volumes, volume)
	if err != nil {
		return disk{}, failed(err)
	}
	if !exists {
		return disk{}, status.Errorf(codes.NotFound, "there is no volume %s", volume)
	}
	taken := time.Now()
	made := disk{ID: name, Size: source.Size, From: volume, Created: taken, Ready: taken.Add(now.SnapshotDelay)}
	if err := d.room(made); err != nil {
		return disk{}, err
	}
	return made, failed(d.disks.create(snapshots, made, d.disks.data(volumes, volume)))
}

// DeleteSnapshot removes a snapshot. That there is none is no error.
func (d *driver) DeleteSnapshot(_ context.Context, call *csi.DeleteSnapshotRequest) (*csi.DeleteSnapshotResponse, error) {
	d.changing.Lock()
	defer d.changing.Unlock()
	return &csi.DeleteSnapshotResponse{}, failed(d.disks.remove(snapshots, call.GetSnapshotId()))
}

// ListSnapshots returns the snapshots that are there, those of one handle or of one volume if asked for, in the order of their
// handles. The token is the handle the next page follows.
func (d *driver) ListSnapshots(_ context.Context, call *csi.ListSnapshotsRequest) (*csi.ListSnapshotsResponse, error) {
	all, err := d.disks.list(snapshots)
	if err != nil {
		return nil, failed(err)
	}
	all = slices.DeleteFunc(all, func(s disk) bool {
		return call.GetSnapshotId() != "" && s.ID != call.GetSnapshotId() ||
			call.GetSourceVolumeId() != "" && s.From != call.GetSourceVolumeId() || s.ID <= call.GetStartingToken()
	})
	slices.SortFunc(all, func(a, b disk) int { return cmp.Compare(a.ID, b.ID) })
	answer := &csi.ListSnapshotsResponse{}
	if limit := int(call.GetMaxEntries()); limit > 0 && len(all) > limit {
		all, answer.NextToken = all[:limit], all[limit-1].ID
	}
	for _, s := range all {
		answer.Entries = append(answer.Entries, &csi.ListSnapshotsResponse_Entry{Snapshot: told(s)})
	}
	return answer, nil
}

// told is a snapshot as CSI tells it.
func told(s disk) *csi.Snapshot {
	return &csi.Snapshot{
		SnapshotId: s.ID, SourceVolumeId: s.From, SizeBytes: s.Size,
		CreationTime: timestamppb.New(s.Created), ReadyToUse: s.ready(time.Now()),
	}
}

// failed turns what the file system complains of into an answer.
func failed(err error) error {
	if err == nil {
		return nil
	}
	return status.Error(codes.Internal, strconv.QuoteToASCII(err.Error()))
}
