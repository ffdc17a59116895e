package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// kind is what a disk is, and the name of the folder where its like lie.
type kind string

const (
	volumes   kind = "volumes"
	snapshots kind = "snapshots"
)

// begun is the folder of what is not whole yet, or not whole any more.
const begun = "begun"

// disk is a volume or a snapshot.
type disk struct {
	ID   string `json:"id"`
	Size int64  `json:"size"`
	// From is the volume a snapshot was taken of, or the snapshot a volume was made from, if it was.
	From    string    `json:"from,omitempty"`
	Created time.Time `json:"created"`
	// Ready is when a snapshot can be used.
	Ready time.Time `json:"ready"`
}

func (d disk) ready(now time.Time) bool {
	return !now.Before(d.Ready)
}

// disks are the directories of one root: <root>/<kind>/<id>/data holds the files, disk.json beside it says what the disk is.
// A disk is there as a whole or not at all: it is made elsewhere and moved into place.
type disks struct {
	root string
}

// prepare makes the folders.
func (d disks) prepare() error {
	for _, folder := range []string{string(volumes), string(snapshots), begun} {
		if err := os.MkdirAll(filepath.Join(d.root, folder), 0o755); err != nil {
			return err
		}
	}
	return nil
}

func (d disks) folder(k kind, id string) string {
	return filepath.Join(d.root, string(k), id)
}

// data is the folder of a disk's files.
func (d disks) data(k kind, id string) string {
	return filepath.Join(d.folder(k, id), "data")
}

// find returns a disk and whether it is there.
func (d disks) find(k kind, id string) (found disk, exists bool, err error) {
	if err := checkID(id); err != nil {
		return disk{}, false, err
	}
	data, err := os.ReadFile(filepath.Join(d.folder(k, id), "disk.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return disk{}, false, nil
	}
	if err != nil {
		return disk{}, false, err
	}
	if err := json.Unmarshal(data, &found); err != nil {
		return disk{}, false, fmt.Errorf("read what %s is: %w", id, err)
	}
	return found, true, nil
}

// create makes a disk with the files of a folder, or with none.
func (d disks) create(k kind, made disk, content string) error {
	temporary, err := os.MkdirTemp(filepath.Join(d.root, begun), string(k)+"-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	data := filepath.Join(temporary, "data")
	if err := os.Mkdir(data, 0o755); err != nil {
		return err
	}
	if content != "" {
		if err := os.CopyFS(data, os.DirFS(content)); err != nil {
			return err
		}
	}
	label, err := json.Marshal(made)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(temporary, "disk.json"), label, 0o644); err != nil {
		return err
	}
	return os.Rename(temporary, d.folder(k, made.ID))
}

// remove takes a disk away at once, and its files after that.
func (d disks) remove(k kind, id string) error {
	if err := checkID(id); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(filepath.Join(d.root, begun), string(k)+"-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	err = os.Rename(d.folder(k, id), filepath.Join(temporary, "gone"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// list returns all disks of a kind.
func (d disks) list(k kind) ([]disk, error) {
	entries, err := os.ReadDir(filepath.Join(d.root, string(k)))
	if err != nil {
		return nil, err
	}
	var all []disk
	for _, entry := range entries {
		found, exists, err := d.find(k, entry.Name())
		if err != nil {
			return nil, err
		}
		if exists { // it may have gone between the two looks
			all = append(all, found)
		}
	}
	return all, nil
}

// used is the size of everything together.
func (d disks) used() (sum int64, err error) {
	for _, k := range []kind{volumes, snapshots} {
		all, err := d.list(k)
		if err != nil {
			return 0, err
		}
		for _, one := range all {
			sum += one.Size
		}
	}
	return sum, nil
}

// checkID refuses what would be a path.
func checkID(id string) error {
	if id == "" || strings.HasPrefix(id, ".") || strings.ContainsAny(id, "/\x00") {
		return fmt.Errorf("%q is no handle", id)
	}
	return nil
}
