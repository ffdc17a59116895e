package scene

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/events/alertmanager"
)

func (s *stage) newNode(name string) (map[string]any, error) {
	return map[string]any{"name": name, "uid": s.uid("node", name), "created": s.created(), "ready": map[string]any{"status": "True"}}, nil
}

func (s *stage) newLease(name string) (map[string]any, error) {
	return map[string]any{"node": name, "uid": s.uid("lease", name)}, nil
}

// created is when something was made that is first seen now: long ago when the scene begins, now when it has begun.
func (s *stage) created() time.Time {
	if s.now.Equal(s.began) {
		return s.began.Add(-24 * time.Hour)
	}
	return s.now
}

// setLease takes stale or fresh, or a field.
func (s *stage) setLease(p map[string]any, word, value string, flag bool) error {
	if flag {
		p["state"] = word
		if word == "stale" {
			p["age"] = 25
		}
		return nil
	}
	return s.set(reflect.TypeFor[events.Lease](), p, strings.Split(word, "."), value)
}

// newObject reads a name of one to three parts: kind, namespace and name, as far as the object has them.
func (s *stage) newObject(name string) (map[string]any, error) {
	p := map[string]any{"uid": s.uid("object", name), "created": s.created()}
	parts := strings.Split(name, "/")
	if len(parts) == 2 && parts[0] != "" && strings.ToLower(parts[0]) != parts[0] { // a kind, and no namespace
		p["kind"], p["name"] = parts[0], parts[1]
		return p, nil
	}
	for _, key := range []string{"name", "namespace", "kind"} {
		if len(parts) > 0 {
			p[key], parts = parts[len(parts)-1], parts[:len(parts)-1]
		}
	}
	if p["name"] == "" || len(parts) > 0 {
		return nil, fmt.Errorf("%q is no name of an object: say namespace/name or Kind/namespace/name", name)
	}
	return p, nil
}

// newAlert makes an alert that fires from now on, unless it fires already.
func (s *stage) newAlert(name string) (map[string]any, error) {
	return map[string]any{"name": name, "status": "firing", "startsAt": s.now, "labels": map[string]any{"alertname": name}}, nil
}

// setAlert takes resolved, ".field=..." or a label.
func (s *stage) setAlert(p map[string]any, word, value string, flag bool) error {
	field, isField := strings.CutPrefix(word, ".")
	switch {
	case flag && word == "resolved":
		p["status"], p["endsAt"] = "resolved", s.now
	case flag:
		return s.set(reflect.TypeFor[events.Alert](), p, []string{word}, "true")
	case isField:
		return s.set(reflect.TypeFor[events.Alert](), p, strings.Split(field, "."), value)
	default:
		p["labels"].(map[string]any)[word] = value
	}
	return nil
}

// newSilence begins now, for two hours.
func (s *stage) newSilence(id string) (map[string]any, error) {
	return map[string]any{"id": id, "startsAt": s.now, "endsAt": s.now.Add(2 * time.Hour), "matchers": []any{}}, nil
}

// setSilence takes gone, ".field=..." or a matcher.
func (s *stage) setSilence(p map[string]any, word, value string, flag bool) error {
	field, isField := strings.CutPrefix(word, ".")
	switch {
	case flag:
		return s.set(reflect.TypeFor[events.Silence](), p, []string{word}, "true")
	case isField:
		return s.set(reflect.TypeFor[events.Silence](), p, strings.Split(field, "."), value)
	}
	matchers := p["matchers"].([]any)
	p["matchers"] = append(matchers[:len(matchers):len(matchers)], map[string]any{"name": word, "value": value})
	return nil
}

func (s *stage) newFalco(uuid string) (map[string]any, error) {
	return map[string]any{"uuid": uuid, "time": s.now, "source": "syscall", "output_fields": map[string]any{}}, nil
}

// setFalco takes rule, priority, hostname, source and output as they are, and all else as a field of the output.
func (s *stage) setFalco(p map[string]any, word, value string, _ bool) error {
	switch word {
	case "rule", "priority", "hostname", "source", "output":
		p[word] = value
	default:
		p["output_fields"].(map[string]any)[word] = value
	}
	return nil
}

// nameAlert names an alert as the webhook does, and narrows it. One that fires already is the same alert, unless it says since when.
func (s *stage) nameAlert(p map[string]any) (id, entity string) {
	labels := map[string]string{}
	for key, value := range p["labels"].(map[string]any) {
		labels[key] = fmt.Sprint(value)
	}
	fp := alertmanager.Fingerprint(labels)
	key := s.cluster + "/" + fp
	since, fires := s.firing[key]
	if fires && p["startsAt"] == s.now {
		p["startsAt"] = since
	}
	if kinds := narrowed(labels[alertmanager.FaultLabel]); p["kinds"] == nil && len(kinds) > 0 {
		p["kinds"] = kinds
	}
	at, _ := p["startsAt"].(time.Time)
	switch {
	case p["status"] != "resolved":
		s.firing[key] = at
	case !at.Before(since):
		delete(s.firing, key)
	}
	p["fingerprint"] = fp
	return fmt.Sprint(fp, "/", at.Format(time.RFC3339Nano), "/", p["status"]), "alert/" + fp
}

// narrowed are the kinds of fault that a label names. One with a word that is no kind narrows nothing, as in the webhook.
func narrowed(label string) []string {
	var kinds []string
	for word := range strings.SplitSeq(label, ",") {
		word = strings.TrimSpace(word)
		if !slices.Contains(classifiers.Kinds(), classifiers.Kind(word)) {
			return nil
		}
		kinds = append(kinds, word)
	}
	return kinds
}

// newPromise is of an application, or of an application in a namespace: "shop/pay".
func (s *stage) newPromise(name string) (map[string]any, error) {
	application, namespace, _ := strings.Cut(name, "/")
	return map[string]any{"application": application, "namespace": namespace, "state": "unprotected"}, nil
}

// newDeclared is of a kind of fault and what people name: "data/shop".
func (s *stage) newDeclared(name string) (map[string]any, error) {
	kind, what, _ := strings.Cut(name, "/")
	anchor, err := classifiers.ReadAnchor(classifiers.Kind(kind), what)
	if err != nil {
		return nil, err
	}
	return map[string]any{"kind": kind, "anchor": anchor.Kind, "name": anchor.Name, "by": "alice", "reason": "she says so", "until": s.now.Add(4 * time.Hour)}, nil
}
