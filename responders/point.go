package responders

import "time"

// RecoveryPoint is what a change brings back from, and the moment to which that leads back.
type RecoveryPoint struct {
	Kind      string    `json:"kind"` // "Backup", "VolumeSnapshot"
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	UID       string    `json:"uid"`
	At        time.Time `json:"at"` // all that was written before is in it
}

// Point is the oldest of the recovery points of the plan's steps: what is before it is kept whatever the plan does. It is nil where the plan
// brings nothing back.
func (p Plan) Point() *RecoveryPoint {
	var oldest *RecoveryPoint
	for _, step := range p.Steps {
		if point := step.Change.Point; point != nil && (oldest == nil || point.At.Before(oldest.At)) {
			oldest = point
		}
	}
	return oldest
}
