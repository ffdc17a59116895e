package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/password"
)

// maxPassword bounds what is read for a password, in bytes.
const maxPassword = 4 << 10

func newPrintPasswordCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "password-hash",
		Short: "Print the hash of a password, for people[].password_file",
		Long: `Read a password from stdin, one line, and print its bcrypt hash. The file that password_file names holds that line; htpasswd -nB makes such
a line, too.`,
		Example: "  salvor print password-hash < password > ada.password",
		Args:    usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), maxPassword))
			if err != nil {
				return fmt.Errorf("read the password: %w", err)
			}
			line := strings.TrimRight(string(text), "\r\n")
			if strings.ContainsAny(line, "\r\n") {
				return errors.New("read the password: more than one line was given, give one")
			}
			hash, err := password.Hash(line)
			if err != nil {
				return advisedError{err, "give it on stdin: salvor print password-hash < FILE"}
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), hash)
			return err
		},
	}
}
