package main

import (
	"context"
	"fmt"
	"os"
	"text/tabwriter"
)

// status prints the nodes and the processes of the stack that up started.
func status(ctx context.Context, _ []string) error {
	s, err := attach()
	if err != nil {
		return err
	}
	now, err := s.Status(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NODE\tZONE\tDOMAIN\tKUBELET\tPOWER\tSWITCH")
	for _, n := range now.Nodes {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", n.Name, n.Zone, n.Domain, alive(n.Alive), n.Power, n.Switch)
	}
	fmt.Fprintln(table, "\nPROCESS\tPID\tSTATE\tMEMORY")
	for _, p := range now.Processes {
		fmt.Fprintf(table, "%s\t%d\t%s\t%d MiB\n", p.Name, p.PID, alive(p.Running), p.RSS>>20)
	}
	return table.Flush()
}

func alive(is bool) string {
	if is {
		return "alive"
	}
	return "dead"
}
