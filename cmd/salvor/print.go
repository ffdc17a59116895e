package main

import "github.com/spf13/cobra"

func newPrintCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "print",
		Short: "Print what other systems need to work with Salvor",
		Args:  usage(noSuchCommand),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newPrintAlertmanagerCommand(), newPrintRBACCommand(), newPrintPasswordCommand(), newPrintSlackCommand())
	return cmd
}
