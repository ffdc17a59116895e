package velero

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
)

// Hooks are commands that Velero runs in pods before and after it backs them up. A runbook writes one a line:
//
//	pre selector=app=db container=postgres onError=Fail timeout=30s: ["psql", "-c", "checkpoint"]
//
// The command is a list as JSON has it: no shell reads it.

var hookForm = regexp.MustCompile(`^(pre|post)((?:\s+[A-Za-z]+=\S+)*):\s+(\[.*\])$`)

// mostHooks bounds the hooks of one backup.
const mostHooks = 50

// hooksOf reads the lines of hooks and makes what a Backup has for them.
func hooksOf(lines string) ([]any, error) {
	var hooks []any
	for n, text := range strings.Split(lines, "\n") {
		if text = strings.TrimSpace(text); text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		hook, err := hookOf(text)
		if err != nil {
			return nil, fmt.Errorf("hooks, line %d: %q: %w", n+1, text, err)
		}
		hook["name"] = fmt.Sprintf("hook-%d", len(hooks)+1)
		hooks = append(hooks, hook)
	}
	if len(hooks) > mostHooks {
		return nil, fmt.Errorf("hooks: %d of them, more than %d in one backup", len(hooks), mostHooks)
	}
	return hooks, nil
}

func hookOf(text string) (map[string]any, error) {
	match := hookForm.FindStringSubmatch(text)
	if match == nil {
		return nil, errors.New(`write it as in: pre selector=app=db container=db onError=Fail timeout=30s: ["command", "argument"]`)
	}
	var command []string
	if err := json.Unmarshal([]byte(match[3]), &command); err != nil || len(command) == 0 || command[0] == "" {
		return nil, errors.New("the command is to be a list of texts, the program first")
	}
	exec := map[string]any{"command": texts(command)}
	hook := map[string]any{match[1]: []any{map[string]any{"exec": exec}}}
	for _, pair := range strings.Fields(match[2]) {
		key, value, _ := strings.Cut(pair, "=")
		if err := setHook(hook, exec, key, value); err != nil {
			return nil, err
		}
	}
	return hook, nil
}

func setHook(hook, exec map[string]any, key, value string) (err error) {
	switch key {
	case "selector":
		selector, err := selectorOf(value)
		if err != nil {
			return err
		}
		hook["labelSelector"], err = runtime.DefaultUnstructuredConverter.ToUnstructured(selector)
		return err
	case "namespaces":
		hook["includedNamespaces"] = texts(strings.Split(value, ","))
	case "container":
		exec["container"] = value
	case "onError":
		if !slices.Contains([]string{"Fail", "Continue"}, value) {
			return errors.New("onError is Fail or Continue")
		}
		exec["onError"] = value
	case "timeout":
		lasting, err := time.ParseDuration(value)
		if err != nil || lasting <= 0 {
			return errors.New("timeout is a time such as 30s")
		}
		exec["timeout"] = lasting.String()
	default:
		return fmt.Errorf("%s is none of selector, namespaces, container, onError, timeout", key)
	}
	return nil
}
