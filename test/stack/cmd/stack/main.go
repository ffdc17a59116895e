// Command stack builds the real control plane of the tests, and starts one for people to break.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

const usage = `usage: stack COMMAND

  build [PART...]   build the programs a stack is made of, or only some of them: cluster and backups are groups
  up                start a stack that stays until it is told to go
  status            show the nodes and processes of that stack
  fail NODE         kill the node's kubelet without a goodbye; its power stays on
  heal NODE         let the node return
  down              stop the stack
`

func main() {
	os.Exit(guarded())
}

// guarded runs the command until it ends or is interrupted, and returns the exit code.
func guarded() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "stack:", err)
		return 1
	}
	return 0
}

// run does what the first argument says with the rest of the arguments.
func run(ctx context.Context, args []string) error {
	commands := map[string]func(context.Context, []string) error{
		"build": build, "up": up, "status": status, "fail": fail, "heal": heal, "down": down, "supervise": supervise,
		"store": store,
	}
	if len(args) > 0 {
		if command, known := commands[args[0]]; known {
			return command(ctx, args[1:])
		}
	}
	fmt.Fprint(os.Stderr, usage)
	return errors.New("no such command")
}
