package velero

import (
	"reflect"
	"slices"
)

// mergeOf is the JSON merge patch that makes what is of what was. What Velero's own client writes though it says nothing, such as empty lists and a
// time to live of 0s, is as good as not there.
func mergeOf(was, is map[string]any) map[string]any {
	patch := map[string]any{}
	for key, value := range is {
		before, nested := was[key].(map[string]any)
		after, wanted := value.(map[string]any)
		switch {
		case nested && wanted:
			if inner := mergeOf(before, after); len(inner) > 0 {
				patch[key] = inner
			}
		case !reflect.DeepEqual(was[key], value):
			patch[key] = value
		}
	}
	for key, value := range was {
		if _, stays := is[key]; !stays && !saysNothing(value) {
			patch[key] = nil
		}
	}
	return patch
}

func saysNothing(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case map[string]any:
		return !slices.ContainsFunc(valuesOf(v), func(inner any) bool { return !saysNothing(inner) })
	case []any:
		return len(v) == 0
	case string:
		return slices.Contains([]string{"", "0s", "0"}, v)
	}
	return false
}

func valuesOf(m map[string]any) []any {
	out := make([]any, 0, len(m))
	for _, v := range m {
		out = append(out, v)
	}
	return out
}
