package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/rbac"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/all"
)

func newPrintRBACCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rbac",
		Short: "Print the rights Salvor needs on a cluster, for kubectl apply",
		Long: `Print a ClusterRole and its bindings. The role observe reads what is watched and what plans are made from, and can write nothing;
the role act writes what responders write. Give each a credential of its own. What --without names Salvor may then not do: a plan that
wants it fails at its step. Give salvor doctor the same names, or it says that the rights are missing.`,
		Example: "  salvor print rbac --role act --without velero.restore,namespace.restore",
		Args:    usage(cobra.NoArgs),
	}
	var role string
	var users, without []string
	cmd.Flags().StringVar(&role, "role", string(rbac.Observe), "observe or act")
	cmd.Flags().StringSliceVar(&users, "user", nil, "user to bind the role to, beside the service account of that name; may be repeated")
	leavesOut(cmd, &without)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		catalog, err := catalogWithout(cmd, without)
		if err != nil {
			return err
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

// leavesOut gives a command the flag that names responders whose rights are left out.
func leavesOut(cmd *cobra.Command, without *[]string) {
	cmd.Flags().StringSliceVar(without, "without", nil, "responder whose rights are left out, as velero.restore; may be repeated")
}

// catalogWithout are the responders but those that are named, all of which there have to be.
func catalogWithout(cmd *cobra.Command, names []string) (responders.Catalog, error) {
	catalog, err := all.Catalog(all.Options{})
	if err != nil {
		return catalog, err
	}
	if catalog, err = catalog.Without(names...); err != nil {
		return catalog, usageError{err, cmd.CommandPath()}
	}
	return catalog, nil
}
