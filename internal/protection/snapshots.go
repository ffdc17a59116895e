package protection

import (
	"fmt"
	"slices"
)

// shot is the oldest of the newest snapshots of some claims: to there all of them could go back. It is nil unless each of them has one, but
// for those that are younger than what may be lost.
func (j *judge) shot(want Backup, claims []Claim) (*Point, []string) {
	var oldest *Point
	var missing []string
	for _, c := range claims {
		newest := j.newestOf(c)
		switch {
		case newest == nil && want.RPO > 0 && j.At.Sub(c.Created) <= want.RPO:
			missing = append(missing, "claim "+c.Name+" is new, and has no snapshot yet")
		case newest == nil:
			return nil, nil
		case oldest == nil || newest.At.Before(oldest.At):
			oldest = newest
		}
		missing = append(missing, j.goes(newest)...)
	}
	if oldest == nil {
		return nil, nil
	}
	if len(claims) > 1 {
		oldest.Name = fmt.Sprintf("%s, the oldest of %d", oldest.Name, len(claims))
	}
	return oldest, missing
}

func (j *judge) newestOf(c Claim) *Point {
	var out *Point
	for _, s := range j.Snapshots {
		if s.Ready && s.Namespace == c.Namespace && s.Claim == c.Name && !s.At.Before(c.Created) && (out == nil || s.At.After(out.At)) {
			out = &Point{Kind: "VolumeSnapshot", Name: s.Namespace + "/" + s.Name, At: s.At}
		}
	}
	return out
}

// goes warns of a snapshot that is lost together with what it is of.
func (j *judge) goes(p *Point) []string {
	if p == nil {
		return nil
	}
	for _, s := range j.Snapshots {
		deleted := slices.ContainsFunc(j.SnapshotClasses, func(c SnapshotClass) bool { return c.Name == s.Class && c.Delete })
		if deleted && s.Namespace+"/"+s.Name == p.Name {
			return []string{"snapshots of class " + s.Class + " are deleted with their namespace (deletionPolicy Delete)"}
		}
	}
	return nil
}

// unsnappable says of claims without protection what keeps a snapshot of them from being: one that is not ready, a class that is missing.
func (j *judge) unsnappable(claims []Claim) []string {
	var out []string
	for _, c := range claims {
		for _, s := range j.Snapshots {
			if s.Namespace == c.Namespace && s.Claim == c.Name && !s.Ready {
				out = append(out, "snapshot "+s.Name+" of claim "+c.Name+" is not ready"+because(s.Why))
			}
		}
	}
	out = append(out, j.classless(claims)...)
	if len(out) > maxNamed {
		out = append(out[:maxNamed], fmt.Sprintf("and %d more of that sort", len(out)-maxNamed))
	}
	return out
}

// classless names the classes of claims whose volumes cannot be snapshotted, where that is known.
func (j *judge) classless(claims []Claim) []string {
	_, classes := j.unread(SourceClasses)
	if _, snaps := j.unread(SourceSnapClasses); classes || snaps {
		return nil
	}
	var out []string
	for _, c := range claims {
		why := ""
		switch driver := j.driverOf(c.Class); {
		case driver == "" || j.snappable(driver):
			continue
		case !slices.Contains(j.Drivers, driver):
			why = fmt.Sprintf("the volumes of StorageClass %s cannot be snapshotted: %s is no CSI driver", c.Class, driver)
		default:
			why = fmt.Sprintf("the volumes of StorageClass %s cannot be snapshotted: driver %s has no VolumeSnapshotClass", c.Class, driver)
		}
		if !slices.Contains(out, why) {
			out = append(out, why)
		}
	}
	return out
}

func (j *judge) snappable(driver string) bool {
	return slices.ContainsFunc(j.SnapshotClasses, func(s SnapshotClass) bool { return s.Driver == driver })
}

func (j *judge) driverOf(class string) string {
	for _, c := range j.Classes {
		if c.Name == class {
			return c.Driver
		}
	}
	return ""
}
