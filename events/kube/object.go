package kube

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/salvor-io/salvor/events"
)

const objectMessage = 512 // bytes of the message of an object

// seenObject is the state of an object of a kind that has no type of its own.
type seenObject struct{ events.Object }

// projectObject is what all kinds have in common.
func projectObject(kind string, m metav1.Object) (seenObject, error) {
	if m.GetName() == "" || m.GetUID() == "" || m.GetResourceVersion() == "" {
		return seenObject{}, fmt.Errorf("read %s: it has no name, UID or resource version", kind)
	}
	return seenObject{events.Object{
		Kind: kind, Namespace: m.GetNamespace(), Name: m.GetName(), UID: string(m.GetUID()), ResourceVersion: m.GetResourceVersion(),
		Deleting: m.GetDeletionTimestamp() != nil, Created: m.GetCreationTimestamp().UTC(), Changed: changeOf(m),
	}}, nil
}

func (o seenObject) identity() identity {
	return identity{keyOf(o.Kind)(o.Namespace, o.Name), o.UID, o.ResourceVersion}
}

// digest leaves out messages, which change without meaning more, and who changed what does not differ.
func (o seenObject) digest() uint64 {
	at := ""
	if !o.At.IsZero() {
		at = strconv.FormatInt(o.At.Unix(), 10)
	}
	return sum(o.Phase, at, o.Of.Kind, o.Of.Name, o.From.Kind, o.From.Name, o.Content, o.Every, strconv.FormatBool(o.Deleting))
}

func (o seenObject) ended(missed bool) seenObject {
	o.Gone, o.Missed = true, missed
	return o
}

func (o seenObject) statement() (typ events.Type, entity string, payload any) {
	entity = strings.ToLower(o.Kind) + "/" + o.Name
	if o.Namespace != "" {
		entity = strings.ToLower(o.Kind) + "/" + o.Namespace + "/" + o.Name
	}
	return events.TypeObject, entity, o.Object
}

func (o seenObject) quiet() bool                           { return false }
func (o seenObject) at(time.Time) seenObject               { return o }
func (o seenObject) next(time.Time) (never time.Time)      { return never }
func (o seenObject) will(time.Time, uint64) (no bool)      { return false }
func (o seenObject) after(*rollout) (seenObject, *rollout) { return o, nil }

func bareObject(id identity) seenObject {
	kind, namespace, name := keyParts(id.key)
	return seenObject{events.Object{Kind: kind, Namespace: namespace, Name: name, UID: id.uid, ResourceVersion: id.version}}
}

// objectsOf are the objects that a View knows, as states.
func objectsOf(known map[string]events.Object) map[string]seenObject {
	out := make(map[string]seenObject, len(known))
	for key, o := range known {
		out[key] = seenObject{o}
	}
	return out
}

// content is the digest of what people want of an object, with nothing in it to be guessed back.
func content(texts ...string) string { return digits(sum(texts...)) }
