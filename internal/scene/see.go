package scene

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"reflect"
	"regexp"
	"slices"
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
	second string       // a word that is played after the first of a name
	of     reflect.Type // what its events hold
}

var kinds = map[string]kind{
	"node":     {typ: events.TypeNode, of: reflect.TypeFor[events.Node](), begin: (*stage).newNode, name: versioned("node/", "name"), second: "lease"},
	"lease":    {typ: events.TypeLease, of: reflect.TypeFor[events.Lease](), begin: (*stage).newLease, take: (*stage).setLease, name: versioned("node/", "node")},
	"pod":      {typ: events.TypePod, of: reflect.TypeFor[events.Pod](), begin: (*stage).newObject, name: versioned("pod/", "namespace", "name")},
	"workload": {typ: events.TypeWorkload, of: reflect.TypeFor[events.Workload](), begin: (*stage).newObject, name: versioned("", "kind", "namespace", "name")},
	"object":   {typ: events.TypeObject, of: reflect.TypeFor[events.Object](), begin: (*stage).newObject, name: versioned("", "kind", "namespace", "name")},
	"alert":    {typ: events.TypeAlert, of: reflect.TypeFor[events.Alert](), begin: (*stage).newAlert, take: (*stage).setAlert, name: (*stage).nameAlert},
	"silence":  {typ: events.TypeSilence, of: reflect.TypeFor[events.Silence](), fleet: true, begin: (*stage).newSilence, take: (*stage).setSilence, name: versioned("silence/", "id")},
	"promise":  {typ: events.TypePromise, of: reflect.TypeFor[events.Promise](), begin: (*stage).newPromise, name: versioned("promise/", "application", "namespace")},
	"declare":  {typ: events.TypeDeclared, of: reflect.TypeFor[events.Declared](), begin: (*stage).newDeclared, name: versioned("declared/", "kind", "anchor", "name")},
	"falco":    {typ: events.TypeFalco, of: reflect.TypeFor[events.Falco](), begin: (*stage).newFalco, take: (*stage).setFalco, name: versioned("falco/", "uuid")},
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
	return s.set(of.of, payload, strings.Split(word, "."), value)
}

// set puts a value where a path leads.
func (s *stage) set(in reflect.Type, into map[string]any, path []string, text string) error {
	v, err := s.value(in, path, text)
	if err != nil {
		return err
	}
	for len(path) > 1 {
		next, ok := into[path[0]].(map[string]any)
		if !ok {
			next = map[string]any{}
		}
		next = maps.Clone(next) // what was said before stays as it was
		into[path[0]] = next
		into, path = next, path[1:]
	}
	into[path[0]] = v
	return nil
}

// value is what a text means where a path leads: a time or a text where that belongs, else what is JSON is that, and the rest is text.
func (s *stage) value(in reflect.Type, path []string, text string) (any, error) {
	to, err := fieldOf(in, path)
	if err != nil {
		return nil, err
	}
	if to == reflect.TypeFor[time.Time]() {
		return s.when(text)
	}
	var v any
	if to.Kind() == reflect.String || json.Unmarshal([]byte(text), &v) != nil {
		return text, nil
	}
	return v, nil
}

// fieldOf is the type of what a path leads to, by the names that fields have in JSON.
func fieldOf(in reflect.Type, path []string) (reflect.Type, error) {
	for i, word := range path {
		switch {
		case in == reflect.TypeFor[events.LabelSet]():
			in = reflect.TypeFor[string]()
			continue
		case in.Kind() == reflect.Map:
			in = in.Elem()
			continue
		case in.Kind() != reflect.Struct:
			return nil, fmt.Errorf("%s has no fields", strings.Join(path[:i], "."))
		}
		at := slices.IndexFunc(reflect.VisibleFields(in), func(f reflect.StructField) bool {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			return name == word
		})
		if at < 0 {
			return nil, fmt.Errorf("it has no field %q", strings.Join(path[:i+1], "."))
		}
		in = in.Field(at).Type
	}
	return in, nil
}

// when is a time, or one relative to that of the scene: "@now", "@+1h", "@-5m".
func (s *stage) when(text string) (time.Time, error) {
	offset, relative := strings.CutPrefix(text, "@")
	if offset == "now" && relative {
		return s.now, nil
	}
	if !relative {
		at, err := time.Parse(time.RFC3339, text)
		return at.UTC(), err
	}
	d, err := time.ParseDuration(offset)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no time: say @now, @+1h or @-5m", text)
	}
	return s.now.Add(d), nil
}

var ranged = regexp.MustCompile(`^(.*?)(\d+)\.\.(.*?)(\d+)$`)

// spread are the names that a word means. What stands before the last slash need not be said twice.
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
		same := m[1] == m[3] || strings.HasSuffix(m[1], "/"+m[3])
		if !same || to < from || to-from >= 5000 {
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
