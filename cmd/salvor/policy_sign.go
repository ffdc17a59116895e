package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/policies/rego/archive"
)

func newPolicySignCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sign FILE",
		Short: "Sign a bundle of policy, in place of whoever has signed it before",
		Long: `Sign the bundle in FILE with a private key. The person whom policies.bundle.keys of salvor.yaml names for that key is its author: when
it lets Salvor do more than before, another person has to activate it.`,
		Example: `  salvor policy sign policy.tar.gz --key alice.key --key-id alice`,
		Args:    usage(cobra.ExactArgs(1)),
	}
	by := signs(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		key, err := by.read(cmd)
		if err != nil {
			return err
		}
		if key == nil {
			return usageError{errors.New("name the key: --key FILE --key-id ID"), cmd.CommandPath()}
		}
		data, err := readBundle(args[0])
		if err == nil {
			data, err = archive.Sign(cmd.Context(), data, *key)
		}
		if err == nil {
			err = putFile(args[0], data)
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: signed with key %s\n", args[0], key.ID)
		return err
	}
	return cmd
}

func readBundle(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, advisedError{err, "make one: salvor policy build DIR --out " + path}
	}
	defer func() { _ = f.Close() }()                         // nothing was written
	return io.ReadAll(io.LimitReader(f, archive.MaxBytes+1)) // one that is larger is refused then
}
