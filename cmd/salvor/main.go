// Command salvor is the server and the command line of Salvor.
//
// Data goes to stdout, talk to stderr. The exit codes are in exit.go.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // policy names time zones, and the machine may know none
)

func main() {
	os.Exit(run())
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRootCommand(environment{getenv: os.Getenv, now: time.Now})
	return conclude(root.ExecuteContext(ctx), root.ErrOrStderr())
}
