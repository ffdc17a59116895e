package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/timeline"
	"github.com/salvor-io/salvor/policies/rego"
)

func newPolicyCheckCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "check [DIR]",
		Short: "Say all that Salvor would refuse of a directory of policy, with file and line",
		Long: `Load DIR (default the current directory) beside the shipped rules, as a server would, and say all that is wrong with it.

With --config, the groups that rules and settings name are looked for among the people of that salvor.yaml too: an ask of a group that
nobody belongs to is never answered. Only names that are written out can be seen, not those that a rule computes.`,
		Example: `  salvor policy check policies
  salvor policy check policies --config salvor.yaml`,
		Args: usage(cobra.MaximumNArgs(1)),
	}
	cmd.Flags().StringVar(&path, "config", "", "the salvor.yaml whose people groups are looked for among")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		dir := directoryOf(args)
		sources, err := policyOf(dir)
		if err != nil {
			return err
		}
		engine, err := rego.New(cmd.Context(), sources, rego.Options{Responders: responderNames()})
		if err != nil {
			return tellProblems(cmd.ErrOrStderr(), dir, err)
		}
		if path != "" {
			if err := checkGroups(cmd.ErrOrStderr(), engine, path); err != nil {
				return err
			}
		}
		rules, settings, err := sources[len(sources)-1].Holds(cmd.Context())
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d rule files and %d settings are well, revision %s\n", rules, settings, engine.Revision())
		return err
	}
	return cmd
}

// checkGroups says which groups nobody of a configuration belongs to.
func checkGroups(talk io.Writer, engine *rego.Engine, path string) error {
	cfg, err := config.Read(path)
	if err != nil {
		return advisedError{err, "salvor config check " + path}
	}
	empty := 0
	for _, one := range engine.Groups() {
		if !slices.ContainsFunc(cfg.People, func(p config.Person) bool { return slices.Contains(p.Groups, one.Group) }) {
			fmt.Fprintln(talk, timeline.Plain(fmt.Sprintf("%s: nobody in %s belongs to the group %s", one.Where, path, one.Group)))
			empty++
		}
	}
	if empty == 0 {
		return nil
	}
	fmt.Fprintf(talk, "%d times a group is named that has no member\n", empty)
	return silentError{fmt.Errorf("find %d groups without a member", empty)}
}
