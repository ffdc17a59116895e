package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/rbac"
	"github.com/salvor-io/salvor/responders/all"
)

func newPrintRBACCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rbac",
		Short: "Print the rights Salvor needs on a cluster, for kubectl apply",
		Long: `Print a ClusterRole and its bindings. The role observe reads what is watched and what plans are made from, and can write nothing;
the role act writes what responders write. Give each a credential of its own. What --without names Salvor may then not do: a plan that
wants it fails at its step, and salvor doctor says that the rights are missing.`,
		Example: "  salvor print rbac --role act --without velero.restore,namespace.restore",
		Args:    usage(cobra.NoArgs),
	}
	var role string
	var users, without []string
	cmd.Flags().StringVar(&role, "role", string(rbac.Observe), "observe or act")
	cmd.Flags().StringSliceVar(&users, "user", nil, "user to bind the role to, beside the service account of that name; may be repeated")
	cmd.Flags().StringSliceVar(&without, "without", nil, "responder whose rights are left out, as velero.restore; may be repeated")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		catalog, err := all.Catalog(all.Options{})
		if err != nil {
			return err
		}
		if catalog, err = catalog.Without(without...); err != nil {
			return usageError{err, cmd.CommandPath()}
		}
		text, err := rbac.Render(rbac.Role(role), catalog, users...)
		if err != nil {
			return usageError{err, cmd.CommandPath()}
		}
		_, err = fmt.Fprint(cmd.OutOrStdout(), text)
		return err
	}
	return cmd
}
