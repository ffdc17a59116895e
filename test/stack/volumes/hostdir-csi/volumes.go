package main

import (
	"context"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// smallest is the size of a volume nobody asked a size of.
const smallest = 1 << 20

// CreateVolume makes an empty volume, or one with the content of a snapshot. The name is the handle, so that a call that is
// repeated finds what it made.
func (d *driver) CreateVolume(_ context.Context, call *csi.CreateVolumeRequest) (*csi.CreateVolumeResponse, error) {
	d.changing.Lock()
	defer d.changing.Unlock()
	wanted := disk{
		ID: call.GetName(), Size: max(call.GetCapacityRange().GetRequiredBytes(), smallest),
		From: call.GetVolumeContentSource().GetSnapshot().GetSnapshotId(), Created: time.Now(),
	}
	if len(call.GetVolumeCapabilities()) == 0 {
		return nil, status.Error(codes.InvalidArgument, "no capability is asked for")
	}
	if call.GetVolumeContentSource().GetVolume() != nil {
		return nil, status.Error(codes.InvalidArgument, "a volume cannot be made from a volume, only from a snapshot")
	}
	made, err := d.volume(wanted)
	if err != nil {
		return nil, err
	}
	return &csi.CreateVolumeResponse{Volume: &csi.Volume{
		VolumeId: made.ID, CapacityBytes: made.Size, ContentSource: call.GetVolumeContentSource(),
	}}, nil
}

// volume finds or makes a volume.
func (d *driver) volume(wanted disk) (disk, error) {
	found, exists, err := d.disks.find(volumes, wanted.ID)
	if err != nil {
		return disk{}, failed(err)
	}
	if exists && (found.From != wanted.From || found.Size != wanted.Size) {
		return disk{}, status.Errorf(codes.AlreadyExists, "volume %s is there and another: %d bytes from %q", found.ID, found.Size, found.From)
	}
	if exists {
		return found, nil
	}
	content, err := d.content(wanted)
	if err != nil {
		return disk{}, err
	}
	if err := d.room(wanted); err != nil {
		return disk{}, err
	}
	return wanted, failed(d.disks.create(volumes, wanted, content))
}

// content returns the folder whose files a new volume begins with: none if it is to be empty.
func (d *driver) content(wanted disk) (string, error) {
	if wanted.From == "" {
		return "", nil
	}
	source, exists, err := d.disks.find(snapshots, wanted.From)
	switch {
	case err != nil:
		return "", failed(err)
	case !exists:
		return "", status.Errorf(codes.NotFound, "there is no snapshot %s", wanted.From)
	case !source.ready(time.Now()):
		return "", status.Errorf(codes.Unavailable, "snapshot %s is not ready", wanted.From)
	case wanted.Size < source.Size:
		return "", status.Errorf(codes.OutOfRange, "%d bytes are too few for a snapshot of %d", wanted.Size, source.Size)
	}
	return d.disks.data(snapshots, wanted.From), nil
}

// DeleteVolume removes a volume with its content. Its snapshots stay. That there is none is no error.
func (d *driver) DeleteVolume(_ context.Context, call *csi.DeleteVolumeRequest) (*csi.DeleteVolumeResponse, error) {
	d.changing.Lock()
	defer d.changing.Unlock()
	return &csi.DeleteVolumeResponse{}, failed(d.disks.remove(volumes, call.GetVolumeId()))
}

// ValidateVolumeCapabilities says that a volume that is there can be all that is asked.
func (d *driver) ValidateVolumeCapabilities(_ context.Context, call *csi.ValidateVolumeCapabilitiesRequest) (*csi.ValidateVolumeCapabilitiesResponse, error) {
	_, exists, err := d.disks.find(volumes, call.GetVolumeId())
	if err != nil {
		return nil, failed(err)
	}
	if !exists {
		return nil, status.Errorf(codes.NotFound, "there is no volume %s", call.GetVolumeId())
	}
	return &csi.ValidateVolumeCapabilitiesResponse{Confirmed: &csi.ValidateVolumeCapabilitiesResponse_Confirmed{
		VolumeCapabilities: call.GetVolumeCapabilities(),
	}}, nil
}

// room refuses what would not fit into the quota.
func (d *driver) room(wanted disk) error {
	now, err := d.mood.read()
	if err != nil {
		return failed(err)
	}
	if now.Quota == 0 {
		return nil
	}
	used, err := d.disks.used()
	if err != nil {
		return failed(err)
	}
	if used+wanted.Size > now.Quota {
		return status.Errorf(codes.ResourceExhausted, "quota exceeded: %d bytes of %d are used, %d more are asked for", used, now.Quota, wanted.Size)
	}
	return nil
}
