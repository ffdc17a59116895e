package scene

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/salvor-io/salvor/events"
)

// kind is how a word for something that is seen becomes an event.
type kind struct {
	typ    events.Type
	fleet  bool // it is of no cluster
	begin  func(s *stage, name string) (map[string]any, error)
	take   func(s *stage, payload map[string]any, word, value string, flag bool) error // what a word after the name says; nil: a field
	name   func(s *stage, payload map[string]any) (id, entity string)
	second string // a word that is played after the first of a name
}

var kinds = map[string]kind{
	"node":     {typ: events.TypeNode, begin: (*stage).newNode, name: versioned("node/", "name"), second: "lease"},
	"lease":    {typ: events.TypeLease, begin: (*stage).newLease, take: (*stage).setLease, name: versioned("node/", "node")},
	"pod":      {typ: events.TypePod, begin: (*stage).newObject, name: versioned("pod/", "namespace", "name")},
	"workload": {typ: events.TypeWorkload, begin: (*stage).newObject, name: versioned("", "kind", "namespace", "name")},
	"object":   {typ: events.TypeObject, begin: (*stage).newObject, name: versioned("", "kind", "namespace", "name")},
	"alert":    {typ: events.TypeAlert, begin: (*stage).newAlert, take: (*stage).setAlert, name: (*stage).nameAlert},
	"silence":  {typ: events.TypeSilence, fleet: true, begin: (*stage).newSilence, take: (*stage).setSilence, name: versioned("silence/", "id")},
	"falco":    {typ: events.TypeFalco, begin: (*stage).newFalco, take: (*stage).setFalco, name: versioned("falco/", "uuid")},
}

// see records an event for each entity that the first word names: "a-1..a-5", or names with commas.
func (s *stage) see(verb string, of kind, words []string) error {
	if s.cluster == "" {
		return errors.New("no cluster was entered")
	}
	if len(words) == 0 {
		return fmt.Errorf("%s: it does not say which", verb)
	}
	names, err := spread(words[0])
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := s.seeOne(verb, of, name, words[1:]); err != nil {
			return fmt.Errorf("%s %s: %w", verb, name, err)
		}
	}
	return nil
}

func (s *stage) seeOne(verb string, of kind, name string, words []string) error {
	cluster := s.cluster
	if of.fleet {
		cluster = events.Fleet
	}
	key := cluster + "/" + verb + "/" + name
	payload, known := s.known[key]
	if !known || of.typ == events.TypeAlert { // whose labels are its identity
		var err error
		if payload, err = of.begin(s, name); err != nil {
			return err
		}
		s.known[key] = payload
	}
	s.version++
	payload["resourceVersion"] = strconv.Itoa(s.version)
	for _, w := range words {
		if err := s.say(of, payload, w); err != nil {
			return err
		}
	}
	id, entity := of.name(s, payload)
	if err := s.record(string(of.typ)+"/"+cluster+"/"+id, of.typ, "/scene", cluster, entity, payload); err != nil {
		return err
	}
	if payload["gone"] == true { // what comes by the name again is another
		delete(s.known, key)
		delete(s.known, cluster+"/"+of.second+"/"+name)
		return nil
	}
	if of.second != "" && !known {
		return s.seeOne(of.second, kinds[of.second], name, []string{"fresh"})
	}
	return nil
}

// say takes a word after the name: a flag, or key=value.
func (s *stage) say(of kind, payload map[string]any, w string) error {
	word, value, ok := strings.Cut(w, "=")
	switch {
	case word == "resourceVersion": // as if it had been seen earlier, or later
		payload[word] = value
		return nil
	case of.take != nil:
		return of.take(s, payload, word, value, !ok)
	case !ok:
		value = "true"
	}
	return s.set(payload, strings.Split(word, "."), value)
}

// set puts a value where a path leads. A value that is JSON is that, "@+1h" is a time, all else is text.
func (s *stage) set(into map[string]any, path []string, value string) error {
	for len(path) > 1 {
		next, ok := into[path[0]].(map[string]any)
		if !ok {
			next = map[string]any{}
		}
		next = maps.Clone(next) // what was said before stays as it was
		into[path[0]] = next
		into, path = next, path[1:]
	}
	v, err := s.value(value)
	into[path[0]] = v
	return err
}

func (s *stage) value(text string) (any, error) {
	if offset, ok := strings.CutPrefix(text, "@"); ok {
		at, err := s.at(offset)
		return at, err
	}
	var v any
	if err := json.Unmarshal([]byte(text), &v); err == nil {
		return v, nil
	}
	return text, nil
}

// at is a time relative to that of the scene: "now", "+1h", "-5m".
func (s *stage) at(offset string) (time.Time, error) {
	if offset == "now" {
		return s.now, nil
	}
	d, err := time.ParseDuration(offset)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no time: say @now, @+1h or @-5m", "@"+offset)
	}
	return s.now.Add(d), nil
}

var ranged = regexp.MustCompile(`^(.*?)(\d+)\.\.(.*?)(\d+)$`)

// spread are the names that a word means.
func spread(word string) ([]string, error) {
	var out []string
	for _, part := range strings.Split(word, ",") {
		m := ranged.FindStringSubmatch(part)
		if m == nil {
			out = append(out, part)
			continue
		}
		from, _ := strconv.Atoi(m[2])
		to, _ := strconv.Atoi(m[4])
		if m[1] != m[3] || to < from || to-from >= 5000 {
			return nil, fmt.Errorf("%q is no range: say a-1..a-5", part)
		}
		for n := from; n <= to; n++ {
			out = append(out, m[1]+strconv.Itoa(n))
		}
	}
	return out, nil
}

// versioned names an event after an entity and its resource version.
func versioned(prefix string, parts ...string) func(*stage, map[string]any) (string, string) {
	return func(_ *stage, p map[string]any) (id, entity string) {
		var of []string
		for _, part := range parts {
			if text, _ := p[part].(string); text != "" {
				if part == "kind" {
					text = strings.ToLower(text)
				}
				of = append(of, text)
			}
		}
		entity = prefix + strings.Join(of, "/")
		return fmt.Sprint(entity, "/", p["resourceVersion"]), entity
	}
}

// uid is the same for one name, and another one after it was gone.
func (s *stage) uid(parts ...string) string {
	h := fnv.New64a()
	for _, p := range append(parts, s.cluster, strconv.Itoa(s.version)) {
		h.Write([]byte(p + "\x00"))
	}
	return fmt.Sprintf("uid-%08x", uint32(h.Sum64()))
}
