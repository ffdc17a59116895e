package volume

import (
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/responders"
)

// room is a cluster in which one step works: what reads it, and what writes for the step.
type room struct {
	reader kubernetes.Interface
	shelf  shelf
	hand   hand
	token  string
}

// openRoom opens the cluster of a step that is about the one object that is named, if it is about one. Where there is nobody to act by, it can still be looked at: that is found out at the first write.
func openRoom(clusters Clusters, env responders.Env, about ...string) (room, error) {
	reader, err := clusters.Reader(env.Cluster)
	if err != nil {
		return room{}, err
	}
	custom, err := clusters.Custom(env.Cluster)
	if err != nil {
		return room{}, err
	}
	return room{reader: reader, shelf: shelf{custom}, token: token(env, about...)}, nil
}

// openToAct opens the cluster of a step that writes.
func openToAct(clusters Clusters, env responders.Env, about ...string) (room, error) {
	at, err := openRoom(clusters, env, about...)
	if err != nil {
		return room{}, err
	}
	writer, err := clusters.CustomWriter(env.Cluster)
	at.hand = hand{writer}
	return at, err
}
