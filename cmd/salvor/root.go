package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// environment is what commands know of the process they run in.
type environment struct {
	getenv func(string) string
	now    func() time.Time
}

// newRootCommand makes the whole command line.
func newRootCommand(env environment) *cobra.Command {
	root := &cobra.Command{
		Use:   "salvor",
		Short: "Recovers Kubernetes from disasters, as policy and people allow",
		Long: `Salvor hears that something is broken, says what and how far it reaches, makes a plan, asks policy and people what may be done,
does exactly that, and proves that it worked.

Data goes to stdout, everything else to stderr. Exit codes: 0 it worked, 1 it did not, 2 wrong usage, 3 no such incident, plan,
pause or thing to declare, 4 not authorised, 5 the server does not answer, 6 decided already, 7 another plan is asked about by now, 8 something is late or unprotected, 9 it is not known
whether something is.`,
		Args:          usage(noSuchCommand),
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usageError{err, cmd.CommandPath()} })
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(
		newIncidentsCommand(env),
		newPlanCommand(env),
		newApprovalsCommand(env),
		newApproveCommand(env),
		newRejectCommand(env),
		newHoldCommand(env),
		newConsoleCommand(env),
		newStopCommand(env),
		newBreakGlassCommand(env),
		newPolicyCommand(env),
		newDecisionsCommand(env),
		newDeclareCommand(env),
		newRunCommand(env),
		newPauseCommand(env),
		newExportCommand(env),
		newAuditCommand(env),
		newReplayCommand(),
		newPausesCommand(env),
		newProtectionCommand(env),
		newResumeCommand(env),
		newServeCommand(),
		newWitnessCommand(),
		newConfigCommand(),
		newDoctorCommand(),
		newPrintCommand(),
		newLoginCommand(env),
		newLogoutCommand(env),
		newWhoamiCommand(env),
		newVersionCommand(),
	)
	return root
}

// usage marks what is wrong with the arguments as wrong usage.
func usage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{err, cmd.CommandPath()}
		}
		return nil
	}
}

// noSuchCommand refuses arguments of a command that only holds others.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("%s has no command %q", cmd.CommandPath(), args[0])
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		text += "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return errors.New(text)
}
