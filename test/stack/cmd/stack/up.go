package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"text/template"

	"github.com/salvor-io/salvor/test/stack"
	"github.com/salvor-io/salvor/test/stack/internal/parts"
)

// manual tells a person where the stack is and how to break it.
var manual = template.Must(template.New("manual").Parse(`
The stack is up. It stays until it is told to go:

  go run ./test/stack/cmd/stack down

Look at it:

  export KUBECONFIG={{.Kubeconfig "admin"}}
  export PATH={{.Dir}}/bin:$PATH
  kubectl get nodes -L topology.kubernetes.io/zone
  go run ./test/stack/cmd/stack status

Kubeconfigs of others: {{.Dir}}/kubeconfigs (alice is a person; salvor-observe and salvor-act have no rights yet)
API server:            {{.APIServerURL}}
{{- range .AlertmanagerURLs}}
Alertmanager:          {{.}}
{{- end}}
{{- with .VeleroCLI}}
Velero:                {{.}}
{{- end}}
Logs:                  {{.Dir}}/logs
Who wrote what:        {{.Dir}}/audit.log

Break it:

  go run ./test/stack/cmd/stack fail worker-1     # the node goes silent; nobody knows whether it still runs
  curl -X POST -H 'Authorization: Bearer {{.PowerToken}}' {{.PowerURL}}/nodes/worker-1/off
  curl -H 'Authorization: Bearer {{.PowerToken}}' {{.PowerURL}}/nodes/worker-1
  curl -X POST -H 'Authorization: Bearer {{.PowerToken}}' {{.PowerURL}}/nodes/worker-1/on

Mend it:

  go run ./test/stack/cmd/stack heal worker-1
`))

// up starts a stack that outlives this process, unless one is up, and prints how to use it.
func up(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("up", flag.ContinueOnError)
	nodes := flags.Int("nodes", 6, "how many nodes, dealt out over three zones")
	webhook := flags.String("webhook", "", "URL that Alertmanager sends its alerts to")
	token := flags.String("webhook-token", "", "bearer token for the webhook")
	backups := flags.Bool("backups", false, "with a storage system, an object store and Velero")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := home()
	if err != nil {
		return err
	}
	if s, err := stack.Attach(dir); err == nil {
		fmt.Fprintln(os.Stderr, "a stack is up already")
		return manual.Execute(os.Stdout, s)
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	options := stack.Options{
		Dir: dir, Log: os.Stderr, Nodes: stack.Nodes(*nodes), Detached: true,
		Alertmanagers: stack.Alertmanagers{Replicas: 1},
	}
	if *backups {
		if options.Backups.Store, err = upStore(ctx); err != nil {
			return err
		}
	}
	if *webhook != "" {
		options.Alertmanagers.Config = stack.Routing{Webhooks: []string{*webhook}, Token: *token}.Config()
	}
	s, err := stack.Start(ctx, options)
	if err != nil {
		return err
	}
	return manual.Execute(os.Stdout, s)
}

// upStore starts an object store that outlives this process.
func upStore(ctx context.Context) (*stack.Store, error) {
	dir, err := home()
	if err != nil {
		return nil, err
	}
	dir += storeSuffix
	if s, err := stack.AttachStore(dir); err == nil {
		return s, nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	return stack.StartStore(ctx, stack.StoreOptions{Dir: dir, Log: os.Stderr, Detached: true})
}

// down stops the stack that up started, and its object store. That none is up is no error.
func down(context.Context, []string) error {
	dir, err := home()
	if err != nil {
		return err
	}
	var errs []error
	if s, err := stack.Attach(dir); err == nil {
		errs = append(errs, s.Stop())
	} else {
		fmt.Fprintln(os.Stderr, err)
	}
	if store, err := stack.AttachStore(dir + storeSuffix); err == nil {
		errs = append(errs, store.Stop())
	}
	return errors.Join(errs...)
}

func fail(ctx context.Context, args []string) error {
	return toNode(ctx, args, (*stack.Stack).FailNode)
}

func heal(ctx context.Context, args []string) error {
	return toNode(ctx, args, (*stack.Stack).HealNode)
}

// toNode does something to each of the named nodes.
func toNode(ctx context.Context, nodes []string, do func(*stack.Stack, context.Context, string) error) error {
	if len(nodes) == 0 {
		return errors.New("which node?")
	}
	s, err := attach()
	if err != nil {
		return err
	}
	for _, node := range nodes {
		if err := do(s, ctx, node); err != nil {
			return err
		}
	}
	return nil
}

func attach() (*stack.Stack, error) {
	dir, err := home()
	if err != nil {
		return nil, err
	}
	return stack.Attach(dir)
}

// storeSuffix makes the home of a stack that of its object store.
const storeSuffix = "-store"

// home is where the stack that up starts lives.
func home() (string, error) {
	root, err := parts.Checkout()
	return filepath.Join(root, ".cache", "stack-up"), err
}
