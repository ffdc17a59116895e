package volume

import (
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/salvor-io/salvor/policies"
)

// restoring is what a plan pinned of one restore. It is written on the new volume too, so that the restore can be ended by a plan that is
// made when the old claim is gone.
type restoring struct {
	Namespace string `json:"namespace"`
	Claim     string `json:"claim"`

	Replaced types.UID `json:"replaced,omitempty"` // of the old claim; empty where there is none
	Old      held      `json:"old"`                // the volume of the old claim; empty where it is gone
	Policy   string    `json:"policy"`             // the reclaim policy of the new volume in the end: that of the old one
	Final    *making   `json:"final"`              // the claim as it is to be in the end
	Beside   *making   `json:"beside,omitempty"`   // the claim that the snapshot is restored into first; nil where there is no old one

	Snapshot types.UID `json:"snapshot"`
	Driver   string    `json:"driver"`
	Taken    time.Time `json:"taken"`
	Keep     string    `json:"keep"` // how long the old volume is kept, a duration

	Stop   bool       `json:"stop"`
	Owners []workload `json:"owners,omitempty"` // the workloads that use the claim
	Crew   string     `json:"crew"`             // the token under which they are stopped: of the step, which may be about several claims of one workload

	Compare *comparing `json:"compare,omitempty"` // what has to succeed before the claim is replaced; nil where nothing is compared
}

// held is a volume by its name and UID.
type held struct {
	Name string    `json:"name,omitempty"`
	UID  types.UID `json:"uid,omitempty"`
}

// workload is a workload as it was when the plan was made.
type workload struct {
	Target   policies.Target `json:"target"`
	Replicas int32           `json:"replicas"`
}

// replaced is what is written on the volume of a claim that another one takes the place of.
type replaced struct {
	For   string `json:"for"` // token of the step
	Claim string `json:"claim"`
}

// replacedBy says whether a volume is marked as one that a step replaces.
func replacedBy(volume *corev1.PersistentVolume, token string) bool {
	var mark replaced
	return json.Unmarshal([]byte(volume.Annotations[ReplacedAnnotation]), &mark) == nil && mark.For == token
}

func (f restoring) name() string { return f.Namespace + "/" + f.Claim }

// keep is how long the old volume is kept.
func (f restoring) keep() (time.Duration, error) {
	d, err := time.ParseDuration(f.Keep)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("keep the old volume of claim %s: for how long is not said: %q", f.name(), f.Keep)
	}
	return d, nil
}
