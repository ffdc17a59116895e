package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/judging"
	"github.com/salvor-io/salvor/internal/rollout"
	"github.com/salvor-io/salvor/internal/timeline"
	"github.com/salvor-io/salvor/policies/rego"
	"github.com/salvor-io/salvor/responders/all"
)

func newPolicyCheckCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "check [DIR]",
		Short: "Say all that Salvor would refuse of a directory of policy, with file and line",
		Long: `Load DIR (default the current directory) beside the shipped rules, as a server would, and say all that is wrong with it. Rules that fail when they are asked
about a calm day, or do not end, are wrong, too.

With --config, the groups that rules and settings name are looked for among the people of that salvor.yaml too: an ask of a group that
nobody belongs to is never answered. So are the clusters and environments that settings name: a freeze of one that is not there holds
nothing. And runbooks that rules look for have to be shipped, or stand in its runbooks.dir. Only names that are written out can be seen,
not those that a rule computes.`,
		Example: `  salvor policy check policies
  salvor policy check policies --config salvor.yaml`,
		Args: usage(cobra.MaximumNArgs(1)),
	}
	cmd.Flags().StringVar(&path, "config", "", "the salvor.yaml in which groups, clusters, environments and runbooks are looked for")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		dir := directoryOf(args)
		sources, err := policyOf(dir)
		if err != nil {
			return err
		}
		options := rego.Options{Responders: responderNames()}
		var cfg *config.Config
		if path != "" {
			if cfg, options.Runbooks, err = configured(path); err != nil {
				return err
			}
		}
		engine, err := rego.New(cmd.Context(), sources, options)
		if err != nil {
			return tellProblems(cmd.ErrOrStderr(), dir, err)
		}
		if err := rollout.Try(cmd.Context(), engine.Trial(), nil); err != nil {
			return tellProblems(cmd.ErrOrStderr(), dir, err)
		}
		if cfg != nil {
			if err := checkNames(cmd, engine, sources[:1], cfg, path); err != nil {
				return err
			}
		}
		rules, settings, err := sources[len(sources)-1].Holds(cmd.Context())
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is well: rule files %d, settings %d, revision %s\n", dir, rules, settings, engine.Revision())
		return err
	}
	return cmd
}

// configured is a configuration, with the names of all runbooks that a server has by it.
func configured(path string) (*config.Config, []string, error) {
	cfg, err := config.Read(path)
	if err != nil {
		return nil, nil, advisedError{err, "salvor config check " + path}
	}
	catalog, err := all.Catalog(all.Options{})
	if err != nil {
		return nil, nil, err
	}
	books, err := judging.LoadBooks(cfg, nil, catalog)
	if err != nil {
		return nil, nil, err
	}
	var names []string
	for _, kind := range classifiers.Kinds() {
		names = append(names, books.Runbooks(kind)...)
	}
	return cfg, slices.Sorted(slices.Values(names)), nil
}

// checkNames says which groups nobody of a configuration belongs to, and which clusters and environments it does not have. The environments
// of the shipped settings need not be there.
func checkNames(cmd *cobra.Command, engine *rego.Engine, shippedAlone []rego.Source, cfg *config.Config, path string) error {
	shipped, err := rego.New(cmd.Context(), shippedAlone, rego.Options{})
	if err != nil {
		return err
	}
	wrong := slices.Concat(emptyGroups(cfg, engine, path), missingPlaces(cfg, engine.Places(), shipped.Places(), path))
	for _, one := range wrong {
		fmt.Fprintln(cmd.ErrOrStderr(), timeline.Plain(one))
	}
	if len(wrong) == 0 {
		return nil
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%d times something is named that is not in %s\n", len(wrong), path)
	return silentError{fmt.Errorf("find %d names that are not in %s", len(wrong), path)}
}

func emptyGroups(cfg *config.Config, engine *rego.Engine, path string) (wrong []string) {
	for _, one := range engine.Groups() {
		if !slices.ContainsFunc(cfg.People, func(p config.Person) bool { return slices.Contains(p.Groups, one.Group) }) {
			wrong = append(wrong, fmt.Sprintf("%s: nobody in %s belongs to the group %s", one.Where, path, one.Group))
		}
	}
	return wrong
}

func missingPlaces(cfg *config.Config, named, shipped []rego.Place, path string) (wrong []string) {
	for _, one := range named {
		there := slices.ContainsFunc(cfg.Clusters, func(c config.Cluster) bool {
			return one.Kind == "cluster" && c.Name == one.Name || one.Kind == "environment" && c.Environment == one.Name
		})
		if !there && !slices.Contains(shipped, one) {
			wrong = append(wrong, fmt.Sprintf("%s: no %s in %s is named %s", one.Where, one.Kind, path, one.Name))
		}
	}
	return wrong
}
