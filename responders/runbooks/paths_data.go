package runbooks

import (
	"fmt"
	"strings"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/responders"
)

func theNamespace(f classifiers.Fault) (any, error) {
	if len(f.Scope.Namespaces) != 1 {
		return nil, fmt.Errorf("the fault reaches %d namespaces, not one", len(f.Scope.Namespaces))
	}
	return f.Scope.Namespaces[0], nil
}

// whole refuses what may be a part of what the fault reaches.
func whole(f classifiers.Fault, names []string) (any, error) {
	if len(f.Scope.Objects) >= classifiers.MaxObjects {
		return nil, fmt.Errorf("the fault reaches %d objects or more, and only those are named", classifiers.MaxObjects)
	}
	return names, nil
}

// named are the names of the objects of a kind that the fault is about, of the one namespace that it reaches.
func named(kind string) func(classifiers.Fault, responders.Env) (any, error) {
	return func(f classifiers.Fault, _ responders.Env) (any, error) {
		namespace, err := theNamespace(f)
		if err != nil {
			return nil, err
		}
		var names []string
		for _, object := range f.Scope.Objects {
			if name, is := strings.CutPrefix(object, fmt.Sprintf("%s/%s/", kind, namespace)); is {
				names = append(names, name)
			}
		}
		return whole(f, names)
	}
}

// theObject is the name of the one object that the fault is about.
func theObject(f classifiers.Fault) (any, error) {
	if len(f.Scope.Objects) != 1 {
		return nil, fmt.Errorf("the fault is about %d objects, not one", len(f.Scope.Objects))
	}
	return f.Scope.Objects[0][strings.LastIndex(f.Scope.Objects[0], "/")+1:], nil
}
