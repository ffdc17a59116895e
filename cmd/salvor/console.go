package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func newConsoleCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "console",
		Short: "Print a link that opens the console in a browser, as you",
		Long: `Print a link by which a browser is logged in to the console as whoever calls: the owner of the token, or the user of this machine over the
Unix socket. It is good once, and for 15 minutes; whoever has it is you, so it is not for chats.`,
		Args: usage(cobra.NoArgs),
	}
	at, out := connects(cmd, env), prints(cmd, "table", "json", "yaml")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := at.client(cmd.Context())
		if err != nil {
			return err
		}
		link, err := c.LoginLink(cmd.Context())
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "good once, until %s UTC:\n", link.Until.UTC().Format("15:04:05"))
		return out.print(cmd.OutOrStdout(), link, func(w io.Writer) error {
			_, err := fmt.Fprintln(w, link.URL)
			return err
		})
	}
	return cmd
}
