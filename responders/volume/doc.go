// Package volume does what can be done to the volumes of a cluster by CSI snapshots: take them, restore a claim from one beside the old
// claim and put it in its place, and bring one over from another cluster.
//
// What Salvor makes is named after (incident, step, claim) and labelled with a token of these, and what it changes says so in annotations: a step
// that died at any point finds where it was in the world, and nowhere else.
package volume

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/responders"
)

// The labels and annotations that say what Salvor did.
const (
	ForLabel             = "salvor.io/for"            // of what was made for a step, and of the volume that takes another's place: the token of the step
	KeptUntilLabel       = "salvor.io/kept-until"     // of a replaced volume: the moment until which it is kept, as 20060102T150405Z
	IncidentAnnotation   = "salvor.io/incident"       // for which incident
	PolicyAnnotation     = "salvor.io/reclaim-policy" // of a volume that is held: the reclaim policy to put back
	RestoreAnnotation    = "salvor.io/restore"        // of the volume that takes another's place: what the plan pinned, as JSON
	ReplacedAnnotation   = "salvor.io/replaced"       // of a volume that is replaced or was: which claim's, and by which step's token
	SnapshotAnnotation   = "salvor.io/snapshot"       // of a job that compares: the UID of the snapshot that was restored
	ComparedAnnotation   = "salvor.io/compared"       // of the volume that takes another's place: what the job said that compared it before
	StoppedAnnotation    = "salvor.io/stopped"        // of a workload that is stopped: by which step's token, and how many replicas to give back
	RestoredAnnotation   = "salvor.io/restored-from"  // of a claim: the snapshot that its content is from
	selectedNode         = "volume.kubernetes.io/selected-node"
	defaultStorageClass  = "storageclass.kubernetes.io/is-default-class"
	defaultSnapshotClass = "snapshot.storage.kubernetes.io/is-default-class"
)

// Clusters gives clients for a cluster by its name: Reader one that observes, Custom one that observes kinds which Kubernetes itself does not
// define, and CustomWriter one that acts, on objects of any kind.
type Clusters interface {
	Reader(cluster string) (kubernetes.Interface, error)
	Custom(cluster string) (dynamic.Interface, error)
	CustomWriter(cluster string) (dynamic.Interface, error)
}

const snapshotGroup = "snapshot.storage.k8s.io"

var (
	podKind         = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	claimKind       = schema.GroupVersionResource{Version: "v1", Resource: "persistentvolumeclaims"}
	volumeKind      = schema.GroupVersionResource{Version: "v1", Resource: "persistentvolumes"}
	snapshotKind    = schema.GroupVersionResource{Group: snapshotGroup, Version: "v1", Resource: "volumesnapshots"}
	contentKind     = schema.GroupVersionResource{Group: snapshotGroup, Version: "v1", Resource: "volumesnapshotcontents"}
	snapshotClasses = schema.GroupVersionResource{Group: snapshotGroup, Version: "v1", Resource: "volumesnapshotclasses"}
)

// most bounds every list that is read: of more than this nobody can say what they hold.
const most = 2000

// pin stores a responder's own facts in the change.
func pin(change *responders.Change, facts any) error {
	raw, err := json.Marshal(facts)
	if err != nil {
		return fmt.Errorf("pin the facts of %s: %w", change.Responder, err)
	}
	change.Detail = raw
	return nil
}

// pinned reads what pin stored.
func pinned(change responders.Change, facts any) error {
	if err := json.Unmarshal(change.Detail, facts); err != nil {
		return fmt.Errorf("read the pinned facts of %s: %w", change.Responder, err)
	}
	return nil
}

func unknown(err error) (responders.Finding, error) {
	return responders.Finding{Outcome: responders.OutcomeUnknown}, err
}
