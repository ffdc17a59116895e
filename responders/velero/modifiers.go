package velero

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"
)

// Resource modifiers change objects on their way back. A runbook writes one a line:
//
//	deployments.apps: replace /spec/replicas 1
//	services/web: remove /spec/loadBalancerIP
//
// which is a kind with its group, maybe the name of one object, and an operation of JSON patch. Velero takes them as a document of its own in a
// ConfigMap, and builds the patch by putting texts together: what could not survive that is refused.

// modifierRules is Velero's document.
type modifierRules struct {
	Version string         `json:"version"`
	Rules   []modifierRule `json:"resourceModifierRules"`
}

type modifierRule struct {
	Conditions modifierTarget  `json:"conditions"`
	Patches    []modifierPatch `json:"patches"`
}

type modifierTarget struct {
	GroupResource     string `json:"groupResource"`
	ResourceNameRegex string `json:"resourceNameRegex,omitempty"`
}

type modifierPatch struct {
	Operation string `json:"operation"`
	Path      string `json:"path"`
	Value     string `json:"value,omitempty"`
}

// mostModifiers bounds the lines of one restore.
const mostModifiers = 100

// modifierForm parts a line: kind, name of one object, operation, path, value.
var modifierForm = regexp.MustCompile(`^([a-z0-9.-]+)(?:/([a-z0-9.-]+))?:\s+(add|replace|remove|test)\s+(/\S*)(?:\s+(.+))?$`)

// rulesOf reads the lines of modifiers and writes Velero's document; empty where there are none.
func rulesOf(lines string) (string, error) {
	doc := modifierRules{Version: "v1"}
	for n, text := range strings.Split(lines, "\n") {
		if text = strings.TrimSpace(text); text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		target, patch, err := modifierOf(text)
		if err != nil {
			return "", fmt.Errorf("modifiers, line %d: %q: %w", n+1, text, err)
		}
		if last := len(doc.Rules) - 1; last >= 0 && doc.Rules[last].Conditions == target {
			doc.Rules[last].Patches = append(doc.Rules[last].Patches, patch)
			continue
		}
		doc.Rules = append(doc.Rules, modifierRule{target, []modifierPatch{patch}})
	}
	switch {
	case len(doc.Rules) == 0:
		return "", nil
	case len(doc.Rules) > mostModifiers:
		return "", fmt.Errorf("modifiers: %d of them, more than %d in one restore", len(doc.Rules), mostModifiers)
	}
	raw, err := yaml.Marshal(doc)
	return string(raw), err
}

func modifierOf(text string) (modifierTarget, modifierPatch, error) {
	match := modifierForm.FindStringSubmatch(text)
	if match == nil {
		return modifierTarget{}, modifierPatch{}, errors.New("write it as in: deployments.apps: replace /spec/replicas 1")
	}
	target := modifierTarget{GroupResource: match[1]}
	if !strings.Contains(match[1], ".") && !slices.Contains(coreKinds, match[1]) {
		return target, modifierPatch{}, errors.New("name the kind in the plural and with its group, as in deployments.apps")
	}
	if match[2] != "" {
		target.ResourceNameRegex = "^" + regexp.QuoteMeta(match[2]) + "$"
	}
	patch := modifierPatch{match[3], match[4], match[5]}
	return target, patch, patch.check()
}

// coreKinds are the kinds of the group without a name that people modify.
var coreKinds = []string{"configmaps", "endpoints", "limitranges", "namespaces", "persistentvolumeclaims", "persistentvolumes", "pods",
	"replicationcontrollers", "resourcequotas", "secrets", "serviceaccounts", "services"}

func (p modifierPatch) check() error {
	switch {
	case strings.ContainsAny(p.Path, "\"\\"):
		return errors.New("the path must have no quotes and backslashes")
	case p.Operation == "remove" && p.Value != "":
		return errors.New("remove takes no value")
	case p.Operation != "remove" && p.Value == "":
		return errors.New(p.Operation + ` needs a value; "" is an empty text`)
	case p.Operation != "remove" && !json.Valid([]byte(p.asJSON())):
		return errors.New(`the value must be JSON, or a text without quotes and backslashes; "1" is a text, 1 a number`)
	}
	return nil
}

// asJSON is the value as Velero puts it into a patch: a number, true, false, null, an object or a list as it is, anything else in quotes.
func (p modifierPatch) asJSON() string {
	value, quoted := p.Value, len(p.Value) > 1 && strings.HasPrefix(p.Value, `"`) && strings.HasSuffix(p.Value, `"`)
	_, notNumber := strconv.ParseFloat(value, 64)
	switch {
	case quoted:
		return `"` + value[1:len(value)-1] + `"`
	case value == "null", strings.EqualFold(value, "true"), strings.EqualFold(value, "false"), strings.HasPrefix(value, "{"), strings.HasPrefix(value, "["), notNumber == nil:
		return value
	}
	return `"` + value + `"`
}
