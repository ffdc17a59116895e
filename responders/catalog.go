package responders

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Catalog is an explicit set of responders by name. The zero value is empty.
type Catalog struct{ byName map[string]Responder }

// NewCatalog makes a catalog. Two responders of one name are an error.
func NewCatalog(list ...Responder) (Catalog, error) {
	byName := make(map[string]Responder, len(list))
	for _, r := range list {
		name := r.Spec().Name
		if _, taken := byName[name]; taken {
			return Catalog{}, fmt.Errorf("two responders are named %s", name)
		}
		byName[name] = r
	}
	return Catalog{byName}, nil
}

// Lookup finds a responder by name. The error lists the names there are.
func (c Catalog) Lookup(name string) (Responder, error) {
	if r, ok := c.byName[name]; ok {
		return r, nil
	}
	return nil, fmt.Errorf("no responder is named %q; there are: %s", name, strings.Join(c.Names(), ", "))
}

// Without is the catalog without some of its responders. A name that it does not have is an error.
func (c Catalog) Without(names ...string) (Catalog, error) {
	left := maps.Clone(c.byName)
	for _, name := range names {
		if _, err := c.Lookup(name); err != nil {
			return Catalog{}, err
		}
		delete(left, name)
	}
	return Catalog{left}, nil
}

// Names are the names of all responders, sorted.
func (c Catalog) Names() []string { return slices.Sorted(maps.Keys(c.byName)) }

// Check says what is wrong with the arguments of a step, or nil: unknown, missing and wrongly shaped ones.
func (s Spec) Check(args Args) error {
	known := map[string]Param{}
	for _, p := range s.Params {
		known[p.Name] = p
		if _, given := args[p.Name]; p.Required && !given {
			return fmt.Errorf("%s needs the argument %q: %s", s.Name, p.Name, p.About)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(args)) {
		param, ok := known[name]
		if !ok {
			return fmt.Errorf("%s takes no argument %q; it takes: %s", s.Name, name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		if !param.Type.admits(args[name]) {
			return fmt.Errorf("%s: the argument %q must be %s, not %v", s.Name, name, param.Type.shape(), args[name])
		}
	}
	return s.checkOneOf(args)
}

func (s Spec) checkOneOf(args Args) error {
	given := 0
	for _, name := range s.OneOf {
		if _, ok := args[name]; ok {
			given++
		}
	}
	if len(s.OneOf) > 0 && given != 1 {
		return fmt.Errorf("%s needs exactly one of the arguments %s", s.Name, strings.Join(s.OneOf, ", "))
	}
	return nil
}

func (t ParamType) shape() string {
	switch t {
	case ParamNames:
		return "a list of distinct object names, at least one, no wildcards"
	case ParamDuration:
		return "a duration such as 90s"
	case ParamComparison:
		return "a comparison such as >= 0.99"
	case ParamZone:
		return "the name of a zone"
	case ParamNumber:
		return "a whole number above 0"
	}
	return "a " + string(t)
}

func (t ParamType) admits(value any) bool {
	switch t {
	case ParamNames:
		list, ok := value.([]string)
		return ok && areNames(list)
	case ParamBool:
		_, ok := value.(bool)
		return ok
	case ParamString:
		_, ok := value.(string)
		return ok
	case ParamDuration:
		text, _ := value.(string)
		_, err := time.ParseDuration(text)
		return err == nil
	case ParamComparison:
		text, _ := value.(string)
		_, err := ParseComparison(text)
		return err == nil
	case ParamZone:
		zone, ok := value.(string)
		return ok && labelValue.MatchString(zone)
	case ParamNumber:
		n, ok := value.(int)
		return ok && n > 0
	}
	return false
}

var objectName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$`)

// labelValue is what the name of a zone looks like: it is the value of a label.
var labelValue = regexp.MustCompile(`^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`)

// areNames refuses what could mean everything or nothing: an empty list, an empty name, a wildcard, a name given twice.
func areNames(list []string) bool {
	seen := map[string]bool{}
	for _, name := range list {
		if seen[name] || !objectName.MatchString(name) {
			return false
		}
		seen[name] = true
	}
	return len(list) > 0
}
