package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/client"
)

// The exit codes. They are stable: scripts count on them.
const (
	exitOK            = 0
	exitError         = 1 // it did not work, for a reason that no other code names
	exitUsage         = 2 // the command line is wrong; nothing was tried
	exitNotFound      = 3 // there is no such incident, plan or pause, or nothing of the name that is declared
	exitNotAuthorised = 4 // the server does not know the caller, or the caller may not do this
	exitUnreachable   = 5 // the server does not answer
	exitDecided       = 6 // nobody is asked about it, or it is decided already
	exitPlanChanged   = 7 // another plan is asked about than the one that was meant
	exitNotKept       = 8 // something is late or unprotected
	exitNotKnown      = 9 // nothing is late or unprotected as far as is known, and not all is known
)

// usageError is a wrong command line.
type usageError struct {
	error
	command string // whose help explains it
}

// silentError has been told already; only its exit code is left.
type silentError struct{ error }

// foundError is what a command found, and has told already; only its exit code is left.
type foundError struct {
	error
	code int
}

// advisedError is an error with the command that helps.
type advisedError struct {
	error
	next string
}

func (e advisedError) Unwrap() error { return e.error }

// conclude tells an error and returns the exit code.
func conclude(err error, stderr io.Writer) int {
	code, next := diagnose(err)
	if told, found := (silentError{}), (foundError{}); err == nil || errors.As(err, &told) || errors.As(err, &found) {
		return code
	}
	var refused *api.Refusal
	if errors.As(err, &refused) {
		err = fmt.Errorf("%s: %s", refused.What, refused.Why)
	}
	fmt.Fprintf(stderr, "error: %v\n", err)
	if next != "" {
		fmt.Fprintf(stderr, "next: %s\n", next)
	}
	return code
}

// diagnose is the exit code of an error, and what to do about it.
func diagnose(err error) (code int, next string) {
	var wrong usageError
	var refused *api.Refusal
	var advised advisedError
	var found foundError
	switch {
	case err == nil:
		return exitOK, ""
	case errors.As(err, &wrong):
		return exitUsage, wrong.command + " --help"
	case errors.As(err, &refused):
		return codeOf(refused.Status), refused.Do
	case errors.Is(err, client.ErrUnreachable):
		return exitUnreachable, "start it: salvor serve; or say where it is: --server URL or --socket PATH"
	case errors.As(err, &found):
		return found.code, ""
	case errors.As(err, &advised):
		return exitError, advised.next
	}
	return exitError, ""
}

func codeOf(status int) int {
	switch status {
	case http.StatusNotFound:
		return exitNotFound
	case http.StatusUnauthorized, http.StatusForbidden:
		return exitNotAuthorised
	case http.StatusGone:
		return exitDecided
	case http.StatusPreconditionFailed:
		return exitPlanChanged
	}
	return exitError
}
